//! `tiklb status`

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use tiklb_core::allocator::Announcement;
use tiklb_core::model::service::Service;
use tiklb_core::model::time::Spoken;

use super::Cluster;
use super::daemon;
use super::speakers::{Heard, Said, Speakers};
use super::table::Table;
use super::view::View;
use crate::cluster::object::Stored;

/// Show routers, pools, addresses and who announces them, and what is in the way
///
/// Reads the API, so it shows what everybody sees with kubectl, on one page. The speakers are asked besides, where they can
/// be reached from here, for what only they know: how fast they notice a node's end, and what moved last.
#[derive(Debug, Args)]
pub(super) struct StatusVerb {
    #[command(flatten)]
    cluster: Cluster,

    #[command(flatten)]
    speakers: Speakers,
}

impl StatusVerb {
    pub(super) fn run(self) -> Result<ExitCode> {
        daemon::runtime(1)?.block_on(async {
            let view = View::read(&self.cluster).await?;
            let heard = self.speakers.ask(&view).await;
            print!("{}", page(&view, &heard));
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn page(view: &View, heard: &Heard) -> String {
    let sections = [
        (
            "ROUTERS",
            routers(view),
            "no MikrotikRouter: addresses are only checked by asking the network",
        ),
        (
            "POOLS",
            pools(view),
            "no IPAddressPool: no Service can get an address",
        ),
        ("ADDRESSES", addresses(view), "no Service has an address"),
        ("RESERVED", reserved(view), ""),
        ("WAITING", waiting(view), ""),
        ("IN USE BY OTHERS", conflicts(view), ""),
        ("ANSWERED TWICE", disputes(heard), ""),
        ("SPEAKERS", speakers(heard), ""),
        ("LAST MOVES", moves(heard), ""),
    ];
    let shown = sections.into_iter().filter_map(|(title, table, nothing)| {
        if !table.is_empty() {
            return Some(format!("{title}\n{table}"));
        }
        (!nothing.is_empty()).then(|| format!("{title}\n{nothing}\n"))
    });
    let mut shown: Vec<String> = shown.collect();
    shown.extend(heard.unheard().map(|words| format!("{words}\n")));
    shown.join("\n")
}

fn routers(view: &View) -> Table {
    let mut table = Table::new(&[
        "NAME",
        "URL",
        "REACHABLE",
        "POOLS EXCLUDED",
        "IN SYNC",
        "VERSION",
        "TAKEN",
    ]);
    for known in &view.routers {
        let taken = known.value.object.taken.iter();
        let taken: Vec<String> = taken
            .map(|taken| format!("{} from {}", taken.ranges, taken.pool))
            .collect();
        table.row([
            known.value.object.key.name.clone(),
            known
                .value
                .access
                .as_ref()
                .map_or(String::new(), |access| access.url.clone()),
            condition(&known.stored, "Reachable"),
            condition(&known.stored, "PoolsExcluded"),
            condition(&known.stored, "ReservationsInSync"),
            text(&known.stored, "version"),
            taken.join("; "),
        ]);
    }
    table
}

/// `True`, or the status with its reason.
fn condition(stored: &Stored, kind: &str) -> String {
    let status = stored.status().unwrap_or_default();
    let conditions = status["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    let Some(found) = conditions.find(|condition| condition["type"] == kind) else {
        return "Unknown".to_owned();
    };
    let word = |field: &str| found[field].as_str().unwrap_or("").to_owned();
    match word("status").as_str() {
        "True" => "True".to_owned(),
        other => format!("{other} ({})", word("reason")),
    }
}

/// A text of the status; empty where there is none.
pub(super) fn text(stored: &Stored, field: &str) -> String {
    let status = stored.status().unwrap_or_default();
    status[field].as_str().unwrap_or("").to_owned()
}

fn pools(view: &View) -> Table {
    let mut table = Table::new(&["NAME", "ADDRESSES", "ASSIGNED", "AVAILABLE"]);
    for known in &view.pools {
        let number = |field: &str| {
            let status = known.stored.status().unwrap_or_default();
            status[field].as_i64().unwrap_or(0)
        };
        let addresses = match &known.value.spec {
            Ok(spec) => spec.addresses.join(", "),
            Err(why) => format!("unusable: {why}"),
        };
        table.row([
            known.value.key.name.clone(),
            addresses,
            number("assignedIPv4")
                .saturating_add(number("assignedIPv6"))
                .to_string(),
            number("availableIPv4")
                .saturating_add(number("availableIPv6"))
                .to_string(),
        ]);
    }
    table
}

fn addresses(view: &View) -> Table {
    let mut table = Table::new(&["ADDRESS", "SERVICE", "ANNOUNCED BY", "MAC", "SINCE", "BECAUSE"]);
    let mut rows: BTreeMap<IpAddr, Vec<&Service>> = BTreeMap::new();
    for service in view.services.iter().filter(|service| service.is_load_balancer) {
        for address in &service.ingress {
            rows.entry(*address).or_default().push(service);
        }
    }
    for (address, services) in rows {
        for service in services {
            let by = announcer(view, service, address);
            let (announcement, stored) = by.unzip();
            table.row([
                address.to_string(),
                service.key.to_string(),
                announcement.map_or_else(|| "nobody".to_owned(), |by: &Announcement| by.node.to_string()),
                announcement
                    .and_then(|by| by.mac)
                    .map_or(String::new(), |mac| mac.to_string()),
                stored.map_or(String::new(), |stored| text(stored, "since")),
                stored.map_or(String::new(), |stored| text(stored, "reason")),
            ]);
        }
    }
    table
}

/// Moves that one page shows.
const MOVES: usize = 10;

/// What speakers say of each other, and of how fast the end of a node is noticed.
fn speakers(heard: &Heard) -> Table {
    let mut table = Table::new(&[
        "NODE",
        "ANNOUNCES",
        "HEARS",
        "DOES NOT HEAR",
        "STANDS IN FOR",
        "ITS END IS NOTICED",
    ]);
    for (node, said) in heard.answers() {
        let watchers = heard.watchers(node).into_iter();
        let watchers = watchers.map(|(by, after)| format!("{} by {by}", Spoken(after)));
        table.row([
            node.to_owned(),
            counted(
                said.announces.values().map(|one| one.addresses.len()).sum(),
                "address",
                "addresses",
            ),
            said.heard.join(", "),
            said.missing.join(", "),
            standing(said),
            watchers.collect::<Vec<_>>().join(", "),
        ]);
    }
    table
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// For whom it answers, and for how many of its groups.
fn standing(said: &Said) -> String {
    let mut owners: BTreeMap<&str, usize> = BTreeMap::new();
    for owner in said.stands_in_for.values() {
        *owners.entry(owner.as_str()).or_default() += 1;
    }
    let owners = owners.into_iter();
    let owners = owners.map(|(owner, count)| format!("{owner} ({})", counted(count, "address", "addresses")));
    owners.collect::<Vec<_>>().join(", ")
}

fn moves(heard: &Heard) -> Table {
    let mut table = Table::new(&["WHEN", "ADDRESS", "NODE", "WHAT", "BECAUSE"]);
    for (node, moved) in heard.moves(|_| true).into_iter().take(MOVES) {
        table.row([
            moved.at.clone(),
            moved.address.to_string(),
            node.to_owned(),
            moved.what().to_owned(),
            moved.because.clone(),
        ]);
    }
    table
}

/// Announced addresses that somebody else answers for, too.
fn disputes(heard: &Heard) -> Table {
    let mut table = Table::new(&["ADDRESS", "ANNOUNCED BY", "AND ANSWERED BY"]);
    for (node, said) in heard.answers() {
        for (address, disputed) in &said.disputed {
            table.row([address.to_string(), node.to_owned(), disputed.others().join(", ")]);
        }
    }
    table
}

/// Of several records the one with the highest epoch: for a moment after a failover there are two.
fn announcer<'a>(
    view: &'a View,
    service: &Service,
    address: IpAddr,
) -> Option<(&'a Announcement, &'a Stored)> {
    let about = view
        .announcements
        .iter()
        .filter(|known| known.value.service == service.key && known.value.addresses.contains(&address));
    let last = about.max_by_key(|known| known.value.epoch)?;
    Some((&last.value, &last.stored))
}

fn reserved(view: &View) -> Table {
    let mut table = Table::new(&["ADDRESS", "FOR", "NOTE", "STATUS", "ROUTER ROW"]);
    for known in &view.reservations {
        let (address, service, note) = match &known.value.spec {
            Ok(spec) => (
                spec.address.clone(),
                spec.service.clone().unwrap_or_default(),
                spec.note.clone(),
            ),
            Err(why) => (String::new(), String::new(), format!("unusable: {why}")),
        };
        let said = |field: &str| text(&known.stored, field);
        table.row([address, service, note, said("phase"), said("row")]);
    }
    table
}

fn waiting(view: &View) -> Table {
    let mut table = Table::new(&["SERVICE", "WHY"]);
    let waiting = view
        .services
        .iter()
        .filter(|service| service.is_load_balancer && service.ingress.is_empty());
    for service in waiting {
        let (namespace, name) = (&service.key.namespace, &service.key.name);
        table.row([
            service.key.to_string(),
            format!("see its events: kubectl describe service -n {namespace} {name}"),
        ]);
    }
    table
}

fn conflicts(view: &View) -> Table {
    let mut table = Table::new(&["ADDRESS", "USED BY", "KNOWN FROM"]);
    let mut rows: BTreeMap<IpAddr, (String, String)> = BTreeMap::new();
    for known in &view.conflicts {
        let holder = &known.value.holder;
        let by = match (&holder.name, holder.mac) {
            (Some(name), Some(mac)) => format!("{name} ({mac})"),
            (Some(name), None) => name.clone(),
            (None, mac) => mac.map_or(String::new(), |mac| mac.to_string()),
        };
        rows.insert(known.value.address, (by, holder.evidence.clone()));
    }
    for known in &view.routers {
        let status = known.stored.status().unwrap_or_default();
        let lines = status["conflicts"].as_array();
        for line in lines.into_iter().flatten().filter_map(Value::as_str) {
            let Some((address, holder)) = line.split_once(' ') else {
                continue;
            };
            if let Ok(address) = address.parse() {
                let router = format!("MikrotikRouter {}", known.value.object.key.name);
                rows.insert(address, (holder.to_owned(), router));
            }
        }
    }
    for (address, (by, evidence)) in rows {
        table.row([address.to_string(), by, evidence]);
    }
    table
}

#[cfg(test)]
mod tests;
