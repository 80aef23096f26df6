//! Routers: what their objects' conditions say, and, where they were asked, what they let the nodes do.

use std::net::IpAddr;

use ipnet::IpNet;
use tiklb_core::allocator::NodeObject;

use super::changeover::is_installed;
use super::facts::{AskedRouter, Condition, Facts, RouterSaid, RouterState};
use super::finding::{Kind, Report, named};
use crate::cli::console::quoted;
use crate::cli::router::account::{Account, NEEDED, Rights};

/// Reasons that say what is meant, or what passes by itself.
const MEANT: [&str; 7] = [
    "Reading",
    "Pending",
    "Writing",
    "DryRun",
    "Paused",
    "Rebooting",
    "SafeMode",
];

/// All of them.
pub(super) fn check(facts: &Facts, report: &mut Report) {
    if let Some(routers) = report.seen("MikrotikRouters", &facts.routers) {
        if routers.is_empty() {
            report.notes.push(format!(
                "there is no MikrotikRouter in namespace {}: addresses are only checked by asking the network",
                facts.namespace
            ));
        }
        for router in routers {
            // What its conditions say then is of another day.
            if is_installed(facts) || router.conditions.is_empty() {
                conditions(facts, router, report);
            } else {
                left_behind(facts, router, report);
            }
        }
    }
    let Some(asked) = &facts.asked else {
        if facts.routers.as_ref().is_ok_and(|routers| !routers.is_empty()) {
            let words =
                "what the routers let each node do was not asked: --ask-routers does, with their Secrets";
            report.notes.push(words.to_owned());
        }
        return;
    };
    if let Some(nodes) = report.seen("Nodes", &facts.nodes) {
        for router in asked {
            answers(router, nodes, report);
        }
    }
}

/// With its finalizer it cannot even be deleted.
fn left_behind(facts: &Facts, router: &RouterState, report: &mut Report) {
    let RouterState { name, url, .. } = router;
    let of = format!("kubectl -n {}", facts.namespace);
    report.find_with(
        Kind::RouterLeftBehind,
        format!("MikrotikRouter {name}: the allocator has gone, and what it wrote on {url} stays there"),
        format!(
            "where no Service has an address of its any more: tiklb release {name}, which needs no allocator. Else tiklb release \
             --router {url} … gives the rows back; then {of} patch mikrotikrouter {name} --type=merge -p \
             '{{\"metadata\":{{\"finalizers\":null}}}}' && {of} delete mikrotikrouter {name}. Or install tiklb again"
        ),
    );
}

fn conditions(facts: &Facts, router: &RouterState, report: &mut Report) {
    let before = report.findings.len();
    let kinds = [
        ("Reachable", Kind::RouterUnreachable),
        ("Authorized", Kind::RouterUnauthorized),
        ("PoolsExcluded", Kind::RouterNotInSync),
        ("ReservationsInSync", Kind::RouterNotInSync),
    ];
    let describe = format!(
        "kubectl -n {} describe mikrotikrouter {}",
        facts.namespace, router.name
    );
    for (condition, kind) in kinds {
        match router.conditions.iter().find(|found| found.kind == condition) {
            Some(found) if found.status == "True" => {}
            Some(Condition { reason, .. }) if MEANT.contains(&reason.as_str()) => {}
            Some(found) => report.find_with(
                kind,
                format!(
                    "MikrotikRouter {}: {condition} is {} ({}): {}",
                    router.name, found.status, found.reason, found.message
                ),
                format!("{}; {describe}", kind.fix()),
            ),
            None if condition == "Reachable" => report.find_with(
                kind,
                format!("MikrotikRouter {}: no allocator has looked at it", router.name),
                describe.clone(),
            ),
            None => {}
        }
    }
    report.fine_since(
        before,
        format!(
            "MikrotikRouter {} answers the allocator ({})",
            router.name, router.url
        ),
    );
}

/// What the router said of the account and of who may come.
fn answers(router: &AskedRouter, nodes: &[NodeObject], report: &mut Report) {
    let before = report.findings.len();
    let said = match &router.said {
        Ok(said) => said,
        Err(why) => {
            report.find(
                Kind::RouterNotReachedFromHere,
                format!("MikrotikRouter {}: {why}", router.name),
            );
            return;
        }
    };
    service(router, said, nodes, report);
    match &said.account {
        Account::Known(rights) => account(router, rights, nodes, report),
        Account::Unknown(why) => report.unseen(
            &format!(
                "the account {} on MikrotikRouter {}",
                router.username, router.name
            ),
            why.clone(),
        ),
    }
    report.fine_since(
        before,
        format!(
            "{} lets every node in, and the account {} may do what it needs",
            said.device, router.username
        ),
    );
}

fn service(router: &AskedRouter, said: &RouterSaid, nodes: &[NodeObject], report: &mut Report) {
    let Some((service, networks)) = &said.service else {
        return;
    };
    let shut = shut_out(networks, nodes);
    if shut.is_empty() {
        return;
    }
    report.find_with(
        Kind::RouterServiceClosed,
        format!(
            "MikrotikRouter {}: /ip/service {service} is open to {} alone, not to {}",
            router.name,
            named(networks),
            named(&shut)
        ),
        format!(
            "on the router: /ip service set {service} address={}",
            widened(networks, nodes, &shut)
        ),
    );
}

fn account(router: &AskedRouter, rights: &Rights, nodes: &[NodeObject], report: &mut Report) {
    let username = &router.username;
    if !rights.missing.is_empty() {
        report.find_with(
            Kind::RouterPolicyMissing,
            format!(
                "MikrotikRouter {}: the group {} of {username} lacks {}",
                router.name,
                rights.group,
                rights.missing.join(", ")
            ),
            format!(
                "on the router: /user group set [find where name={}] policy={}",
                quoted(&rights.group),
                // What else the group may is others' business, and the command replaces the whole list.
                NEEDED
                    .into_iter()
                    .chain(rights.surplus.iter().map(String::as_str))
                    .collect::<Vec<_>>()
                    .join(",")
            ),
        );
    }
    let networks: Vec<String> = rights
        .from
        .split(',')
        .map(|part| part.trim().to_owned())
        .collect();
    let networks: Vec<String> = networks.into_iter().filter(|part| !part.is_empty()).collect();
    let shut = shut_out(&networks, nodes);
    if !shut.is_empty() {
        report.find_with(
            Kind::RouterUserClosed,
            format!(
                "MikrotikRouter {}: {username} may log in from {} alone, not from {}",
                router.name,
                named(&networks),
                named(&shut)
            ),
            format!(
                "on the router: /user set [find where name={}] address={}",
                quoted(username),
                widened(&networks, nodes, &shut)
            ),
        );
    }
}

/// The nodes none of whose addresses is in `networks`; an empty list lets everybody in. A Pod's requests leave its node
/// under the node's address.
fn shut_out(networks: &[String], nodes: &[NodeObject]) -> Vec<String> {
    if networks.is_empty() {
        return Vec::new();
    }
    let read: Vec<IpNet> = networks.iter().filter_map(|text| network(text)).collect();
    let allowed = |address: &IpAddr| read.iter().any(|network| network.contains(address));
    let shut = nodes
        .iter()
        .filter(|node| !node.addresses.is_empty() && !node.addresses.iter().any(allowed));
    shut.map(|node| {
        let first = node.addresses.first();
        let address = first.map_or(String::new(), |address| format!(" ({address})"));
        format!("{}{address}", node.key.name)
    })
    .collect()
}

/// A network, or one address.
fn network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The list with the addresses of those that are shut out, for the router's console.
fn widened(networks: &[String], nodes: &[NodeObject], shut: &[String]) -> String {
    let missing = nodes.iter().filter(|node| {
        shut.iter()
            .any(|name| name.split(' ').next() == Some(&node.key.name))
    });
    let missing = missing.filter_map(|node| node.addresses.first());
    let all = networks.iter().cloned().chain(missing.map(ToString::to_string));
    all.collect::<Vec<_>>().join(",")
}
