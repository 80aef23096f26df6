//! Pools, advertisements, and what is configured that nobody reads.

use std::collections::BTreeMap;

use ipnet::{IpNet, Ipv4Net};
use tiklb_core::config::{Config, Pool};
use tiklb_core::model::{AddressRange, ObjectKey, RangeSet};

use super::facts::{Facts, State, networks};
use super::finding::{Kind, Report, named};

/// Lines of one ConfigurationState that are shown: it lists at most twenty.
const LINES: usize = 20;

/// All of it.
pub(super) fn check(facts: &Facts, report: &mut Report) {
    if let Some(config) = config(facts, report) {
        advertised(&config, report);
        connected(facts, &config, report);
    }
    invalid(facts, report);
    undecoded(facts, report);
    elsewhere(facts, report);
    bgp(facts, report);
}

/// What tiklb's namespace holds.
fn config(facts: &Facts, report: &mut Report) -> Option<Config> {
    let ours = |key: &ObjectKey| key.namespace == facts.namespace;
    let pools = report.seen("IPAddressPools", &facts.pools)?;
    let pools: Vec<_> = pools.iter().filter(|pool| ours(&pool.key)).cloned().collect();
    if pools.is_empty() {
        report.find(
            Kind::NoPool,
            format!("no IPAddressPool in namespace {}", facts.namespace),
        );
    }
    let advertisements = report.seen("L2Advertisements", &facts.advertisements)?;
    let advertisements = advertisements.iter().filter(|ad| ours(&ad.key));
    let advertisements: Vec<_> = advertisements.cloned().collect();
    if advertisements.is_empty() {
        report.find(
            Kind::NoAdvertisement,
            format!("no L2Advertisement in namespace {}", facts.namespace),
        );
    }
    Some(Config::new(&pools, &advertisements, &[]))
}

fn advertised(config: &Config, report: &mut Report) {
    let before = report.findings.len();
    if config.advertisements.is_empty() {
        return;
    }
    for pool in config.pools.values() {
        if config.advertisements_of(pool).is_empty() {
            let some = config.advertisements.keys().next().map_or("", String::as_str);
            report.find_with(
                Kind::PoolNotAdvertised,
                format!("IPAddressPool {} is selected by no L2Advertisement", pool.name),
                format!(
                    "kubectl edit l2advertisement -n {} {some}: add {} to spec.ipAddressPools",
                    pool.key.namespace, pool.name
                ),
            );
        }
    }
    report.fine_since(
        before,
        match config.pools.len() {
            1 => "1 pool is announced".to_owned(),
            many => format!("each of {many} pools is announced"),
        },
    );
}

/// Pools against the networks that the speakers' nodes are in.
fn connected(facts: &Facts, config: &Config, report: &mut Report) {
    let before = report.findings.len();
    if config.pools.is_empty() {
        return;
    }
    let Some(states) = report.seen("ConfigurationStates", &facts.states) else {
        return;
    };
    let Some(networks) = networks(states) else {
        report.notes.push(
            "whether the pools lie in the nodes' networks cannot be told: no speaker says which those are"
                .to_owned(),
        );
        return;
    };
    let near: RangeSet = networks
        .iter()
        .map(|network| AddressRange::from(IpNet::V4(network.trunc())))
        .collect();
    for pool in config.pools.values() {
        outside(pool, &near, &networks, report);
    }
    report.fine_since(before, "the pools lie in the nodes' networks");
}

fn outside(pool: &Pool, near: &RangeSet, networks: &[Ipv4Net], report: &mut Report) {
    let v4 = pool
        .ranges
        .ranges()
        .iter()
        .filter(|range| range.first().is_ipv4());
    let v4: RangeSet = v4.copied().collect();
    let outside = v4.difference(near);
    if outside.ranges().is_empty() {
        return;
    }
    let mut there: Vec<Ipv4Net> = networks.iter().map(Ipv4Net::trunc).collect();
    // A loopback or a tunnel's own address holds no other one.
    there.retain(|network| network.prefix_len() < 31);
    there.sort();
    there.dedup();
    let (which, there) = (named(outside.ranges()), named(&there));
    report.find_with(
        Kind::PoolOutsideNetworks,
        format!(
            "IPAddressPool {}: {which} outside of the nodes' networks ({there})",
            pool.name
        ),
        format!("kubectl edit ipaddresspool -n {} {}: choose addresses of {there}, which the DHCP server does not hand out", pool.key.namespace, pool.name),
    );
}

/// What allocator and speakers say of the configuration. Speakers say the same, so each line counts once.
fn invalid(facts: &Facts, report: &mut Report) {
    let before = report.findings.len();
    let Some(states) = report.seen("ConfigurationStates", &facts.states) else {
        return;
    };
    let mut lines: BTreeMap<&str, Vec<&State>> = BTreeMap::new();
    for state in states.iter().filter(|state| state.invalid) {
        for line in state.summary.lines().take(LINES) {
            lines.entry(line).or_default().push(state);
        }
    }
    for (line, states) in lines {
        let by = states.first().map_or("", |state| state.name.as_str());
        report.find_with(
            Kind::ConfigurationInvalid,
            line,
            format!(
                "{}; kubectl -n {} describe configurationstate {by}",
                Kind::ConfigurationInvalid.fix(),
                facts.namespace
            ),
        );
    }
    if !states.is_empty() {
        report.fine_since(
            before,
            format!("the configuration is valid to {} of its readers", states.len()),
        );
    }
}

/// Objects that nobody can read. Of what a ConfigurationState names already nothing is said twice.
fn undecoded(facts: &Facts, report: &mut Report) {
    let states = facts.states.iter().flatten().filter(|state| state.invalid);
    let lines: Vec<&str> = states.flat_map(|state| state.summary.lines()).collect();
    for object in &facts.undecoded {
        let subject = format!("{} {}:", object.kind, object.key.name);
        if lines.iter().any(|line| line.starts_with(&subject)) {
            continue;
        }
        report.find_with(
            Kind::ObjectUnreadable,
            format!("{} {} cannot be read: {}", object.kind, object.key, object.why),
            format!(
                "kubectl -n {} edit {kind} {name}: correct that field; or delete it: kubectl -n {} delete {kind} {name}",
                object.key.namespace,
                object.key.namespace,
                kind = object.kind.to_lowercase(),
                name = object.key.name
            ),
        );
    }
}

fn elsewhere(facts: &Facts, report: &mut Report) {
    let before = report.findings.len();
    let mut all: Vec<(&str, &ObjectKey)> = Vec::new();
    if let Some(pools) = report.seen("IPAddressPools", &facts.pools) {
        all.extend(pools.iter().map(|pool| ("IPAddressPool", &pool.key)));
    }
    if let Some(advertisements) = report.seen("L2Advertisements", &facts.advertisements) {
        all.extend(advertisements.iter().map(|ad| ("L2Advertisement", &ad.key)));
    }
    if let Some(others) = report.seen("MikrotikRouters and AddressReservations", &facts.others) {
        all.extend(others.iter().map(|(kind, key)| (*kind, key)));
    }
    let ours = &facts.namespace;
    for (kind, key) in all.iter().filter(|(_, key)| key.namespace != *ours) {
        report.find_with(
            Kind::ElsewhereIgnored,
            format!("{kind} {key} lies outside of namespace {ours}, where nobody reads it"),
            format!(
                "write it into namespace {ours}, then kubectl -n {} delete {} {}",
                key.namespace,
                kind.to_lowercase(),
                key.name
            ),
        );
    }
    report.fine_since(
        before,
        format!(
            "{} objects of the configuration are all in namespace {ours}",
            all.len()
        ),
    );
}

fn bgp(facts: &Facts, report: &mut Report) {
    let before = report.findings.len();
    let Some(objects) = report.seen("BGP kinds", &facts.bgp) else {
        return;
    };
    if !objects.is_empty() {
        let names = objects.iter().map(|(kind, key)| format!("{kind} {key}"));
        report.find(Kind::BgpNotRead, format!("tiklb does not read {}", named(names)));
    }
    report.fine_since(before, "no BGP objects that would not be read");
}
