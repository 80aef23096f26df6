//! `AddressConflict`: one object for each address of the pools that someone else uses, as long as it is so.
//!
//! Where a subnet is surveyed, its surveyor is the authority: it writes what answers and removes what no longer does,
//! whoever wrote it. For an announced address that is the node that announces it, once it has had the time to ask.
//! Elsewhere a speaker writes and removes what it saw itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};
use tiklb_core::model::{MacAddr, NodeName};
use tiklb_core::speaker::{Held, Published, Wanted};

use super::Recorder;
use crate::api::address_conflict::name_of;
use crate::cluster::object::Stored;
use crate::cluster::object::configuration::now;
use crate::cluster::writer::{Kind, Target, Wish};

/// Witnesses that one object names: the schema's bound.
const WITNESSES: usize = 20;
/// Nodes that one sentence names.
const NAMED: usize = 5;
/// Who announces an address for so long without hearing anybody else knows that nobody uses it: it is asked for 15 s
/// after it was claimed and each minute from then on, and later where there are more than a hundred.
const ASKED_WITHIN: Duration = Duration::from_mins(2);

/// How an address came to be known as somebody else's.
#[derive(Debug)]
pub(super) struct Sighting {
    since: Time,
    /// By the survey, not by a first claim's question, nor beside an announcement.
    surveyed: bool,
}

/// What was seen.
struct Seen {
    mac: MacAddr,
    surveyed: bool,
    /// It is announced all the same.
    announced: bool,
}

/// Some nodes by name: `node2`, `node2, node3 and 4 more`.
pub(super) fn named(nodes: &BTreeSet<NodeName>) -> String {
    let shown: Vec<&str> = nodes.iter().take(NAMED).map(|node| &*node.0).collect();
    match nodes.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

impl Recorder {
    /// Whether an object that others left is to be looked at again without news.
    pub(super) fn sweep_conflicts(&mut self, published: &Published, wanted: &Wanted) -> bool {
        let seen = seen(published);
        for (address, sight) in &seen {
            if !self.conflicts.contains_key(address) {
                let sighting = Sighting {
                    since: now(),
                    surveyed: sight.surveyed,
                };
                self.conflicts.insert(*address, sighting);
                // What is announced was said with its Services.
                if !sight.announced {
                    tracing::warn!(%address, mac = %sight.mac, "somebody else uses an address of a pool: no Service gets it before it is free");
                }
            }
            let target = self.target(*address);
            let stored = self.writer.find(&target);
            self.writer
                .wish(target, self.wish(*address, sight.mac, stored.as_ref()));
        }
        let gone = self
            .conflicts
            .keys()
            .filter(|address| !seen.contains_key(*address));
        for address in gone.copied().collect::<Vec<_>>() {
            let surveyed = self.conflicts.remove(&address).is_some_and(|seen| seen.surveyed);
            // Who surveys no longer (its link is cut, or another is first now) knows nothing of the address any more.
            if surveyed && !is_settled(address, published, wanted) {
                continue;
            }
            tracing::info!(%address, "nobody else uses the address any more");
            self.writer.wish(self.target(address), Wish::Absent);
        }
        let mut waits = false;
        for stored in self.writer.all(Kind::Conflict) {
            let Some(address) = address_of(&stored).filter(|address| !seen.contains_key(address)) else {
                continue;
            };
            let announced = announced(address, published);
            let is_over = announced.is_some_and(|held| names(&stored, held) || has_asked(held));
            waits |= announced.is_some() && !is_over;
            if is_settled(address, published, wanted) || is_over {
                self.writer.wish(self.target(address), Wish::Absent);
            }
        }
        waits
    }

    pub(super) fn target(&self, address: IpAddr) -> Target {
        Target {
            kind: Kind::Conflict,
            key: self.identity.key(name_of(address)),
        }
    }

    /// The holder's name is the allocator's to know, and since when it is so stands in the first status.
    fn wish(&self, address: IpAddr, mac: MacAddr, stored: Option<&Stored>) -> Wish {
        let before = stored.and_then(Stored::status).unwrap_or_default();
        let witnesses = before["seenBy"].as_array().cloned().unwrap_or_default();
        let mut witnesses: Vec<String> = witnesses
            .iter()
            .filter_map(|name| Some(name.as_str()?.to_owned()))
            .collect();
        if !witnesses.iter().any(|known| **known == *self.identity.node.0) && witnesses.len() < WITNESSES {
            witnesses.push(self.identity.node.to_string());
        }
        let since = match &before["since"] {
            Value::String(since) => json!(since),
            _ => json!(self.conflicts.get(&address).map(|seen| &seen.since)),
        };
        Wish::Object {
            metadata: json!({"labels": {crate::api::label::APP_NAME: crate::api::label::APP_NAME_VALUE}})
                .into(),
            spec: json!({"address": address}).into(),
            status: json!({
                "mac": mac.to_string(), "holder": before["holder"], "seenBy": witnesses, "since": since,
            })
            .into(),
        }
    }
}

/// The object's address, by its name: the one that it was made for.
fn address_of(stored: &Stored) -> Option<IpAddr> {
    let name = &stored.key.name;
    name.parse().ok().or_else(|| name.replace('-', ":").parse().ok())
}

/// What this node knows to be used by others.
fn seen(published: &Published) -> BTreeMap<IpAddr, Seen> {
    let one = |mac: MacAddr, surveyed: bool, announced: bool| Seen {
        mac,
        surveyed,
        announced,
    };
    let surveyed = published.surveys.values().flat_map(|survey| &survey.occupied);
    let surveyed = surveyed.map(|(address, mac)| (IpAddr::from(*address), one(*mac, true, false)));
    let blocked = published.blocked.iter();
    let blocked = blocked.map(|(address, mac)| (*address, one(*mac, false, false)));
    let disputed = published.disputes.iter();
    let disputed =
        disputed.filter_map(|(address, dispute)| Some((*address, one(dispute.stranger?, false, true))));
    surveyed.chain(blocked).chain(disputed).collect()
}

/// What is announced here under an address.
pub(super) fn announced(address: IpAddr, published: &Published) -> Option<&Held> {
    let mut held = published.held.values();
    held.find(|held| held.addresses.contains(&address))
}

/// Whether it is this node itself that somebody took for a stranger: a speaker that has just started knows nobody yet, and hears
/// a claim before it hears who made it.
fn names(stored: &Stored, held: &Held) -> bool {
    let status = stored.status();
    held.mac
        .is_some_and(|own| status.is_some_and(|status| status["mac"] == own.to_string()))
}

/// Whether this node must have heard by now who else uses what it announces.
fn has_asked(held: &Held) -> bool {
    let held_for = now().0.as_second().saturating_sub(held.since.0);
    u64::try_from(held_for).is_ok_and(|seconds| seconds >= ASKED_WITHIN.as_secs())
}

/// Whether this node's survey knows that nobody uses the address, or nobody asks any more.
fn is_settled(address: IpAddr, published: &Published, wanted: &Wanted) -> bool {
    let IpAddr::V4(v4) = address else { return false };
    published
        .surveys
        .iter()
        .filter(|(subnet, _)| subnet.contains(&v4))
        .any(|(_, survey)| survey.covered.contains(address) || !wanted.pools.contains(address))
}
