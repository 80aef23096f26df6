//! Explanations as people read them.

use std::time::Duration;

use tiklb_core::model::time::Spoken;

use super::address::AddressExplanation;
use super::facts::{Announcer, MoveLine, RouterLine};
use super::service::{ServiceExplanation, State};
use crate::cli::table::Table;

pub(super) fn service(explained: &ServiceExplanation) -> String {
    let mut lines = Vec::new();
    let name = &explained.service;
    match explained.state {
        State::Assigned => {
            let addresses: Vec<String> = explained
                .addresses
                .iter()
                .map(|line| line.address.to_string())
                .collect();
            lines.push(format!("Service {name} has {}", addresses.join(" and ")));
        }
        State::Waiting => lines.push(format!("Service {name} waits for an address")),
        State::NotOurs => lines.push(format!("Service {name} is none of tiklb's")),
    }
    lines.push(format!("  because {}", explained.because));
    lines.extend(explained.asks.iter().map(|asks| format!("  asks for {asks}")));
    for line in &explained.addresses {
        lines.push(announced(&line.address.to_string(), line.announced_by.as_ref()));
        lines.extend(details(line.announced_by.as_ref(), &line.last_moves));
        lines.extend(
            line.also_used_by
                .iter()
                .map(|by| format!("  {} is in use by {by}, too", line.address)),
        );
    }
    let mut table = Table::new(&["POOL", "ADDRESSES", "AVAILABLE", "VERDICT"]);
    for pool in &explained.pools {
        let (name, verdict) = (pool.name.clone(), pool.verdict.clone());
        table.row([name, pool.addresses.clone(), pool.available.to_string(), verdict]);
    }
    let pools = if table.is_empty() {
        String::new()
    } else {
        format!("\n{table}")
    };
    lines.extend(explained.not_heard.iter().map(|words| format!("  {words}")));
    lines.join("\n") + "\n" + &pools + &routers(&explained.routers)
}

pub(super) fn address(explained: &AddressExplanation) -> String {
    let address = explained.address.to_string();
    let mut lines = vec![format!("{address}: {}", explained.because)];
    lines.extend(
        explained
            .pool
            .iter()
            .map(|pool| format!("  from IPAddressPool {pool}")),
    );
    if !explained.services.is_empty() || explained.announced_by.is_some() {
        lines.push(announced(&address, explained.announced_by.as_ref()));
        lines.extend(details(explained.announced_by.as_ref(), &explained.last_moves));
        lines.extend(explained.not_heard.iter().map(|words| format!("  {words}")));
    }
    lines.join("\n") + "\n" + &routers(&explained.routers)
}

fn announced(address: &str, by: Option<&Announcer>) -> String {
    let Some(by) = by else {
        return format!(
            "  no node announces {address}: kubectl get servicel2statuses -A, kubectl get l2advertisements -A"
        );
    };
    let mac = by.mac.as_ref().map_or(String::new(), |mac| format!(" ({mac})"));
    let since = by
        .since
        .as_ref()
        .map_or(String::new(), |since| format!(" since {since}"));
    let reason = by
        .reason
        .as_ref()
        .map_or(String::new(), |reason| format!(": {reason}"));
    format!("  {} announces {address}{mac}{since}{reason}", by.node)
}

/// What only the speakers know.
fn details(by: Option<&Announcer>, moves: &[MoveLine]) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(by) = by {
        lines.extend(by.because.iter().map(|because| format!("    it says: {because}")));
        let watchers = by.end_noticed.iter();
        let watchers: Vec<String> = watchers
            .map(|watcher| {
                let after = Duration::from_millis(watcher.milliseconds);
                format!("{} after {}", watcher.node, Spoken(after))
            })
            .collect();
        if !watchers.is_empty() {
            lines.push(format!("    its end is noticed by {}", watchers.join(", ")));
        }
        let others = by.also_answered_by.iter();
        lines.extend(others.map(|other| format!("    {other} answers for it, too")));
    }
    lines.extend(moves.iter().map(|MoveLine { node, moved }| {
        format!("    {} {node} {}: {}", moved.at, moved.what(), moved.because)
    }));
    lines
}

fn routers(routers: &[RouterLine]) -> String {
    let mut table = Table::new(&["ROUTER", "CONDITION", "STATUS", "REASON", "MESSAGE"]);
    for router in routers {
        for condition in &router.conditions {
            table.row([
                router.name.clone(),
                condition.kind.clone(),
                condition.status.clone(),
                condition.reason.clone(),
                condition.message.clone(),
            ]);
        }
    }
    if table.is_empty() {
        return String::new();
    }
    format!("\n{table}")
}
