//! `ConfigurationState`: ours to write; read so that one that someone deletes is made anew.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::{IpNet, Ipv4Net};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tiklb_core::model::excerpt;

use super::{Known, Stored, Verdict};
use crate::api::condition::Reason as _;
use crate::api::condition::configuration::Effects;
use crate::api::configuration_state::{ConfigurationResult, ConfigurationStateStatus};
use crate::api::{ConfigurationState, Decoded};

/// Faults that a state lists: as many as a person reads, however many there are.
const LISTED: usize = 20;
/// Characters of one of them: all together stay below what the schema allows for a condition's message (32,768).
const LINE: usize = 1_024;

/// A state. It says nothing that anybody here acts on.
pub fn configuration(Decoded(object): Decoded<ConfigurationState>) -> Verdict<Known<()>> {
    let stored = match &object {
        Ok(object) => Stored::of(&object.metadata, object.status.as_ref()),
        Err(bad) => Stored::undecoded(&bad.metadata),
    };
    Verdict::Keep(Known { value: (), stored })
}

/// A state's status: what is wrong, a line each, and what `conditions` makes of the summary.
pub fn status(problems: &[String], conditions: impl FnOnce(&str) -> Vec<Condition>) -> Value {
    let summary = listed(problems);
    json!(ConfigurationStateStatus {
        result: Some(if problems.is_empty() {
            ConfigurationResult::Valid
        } else {
            ConfigurationResult::Invalid
        }),
        conditions: conditions(&summary),
        error_summary: summary,
    })
}

/// The networks of a node's interfaces as the message of its condition `networksConnected`; read by [`connected`].
pub fn networks(interfaces: &BTreeMap<String, BTreeSet<IpNet>>) -> String {
    let networks = interfaces.iter().flat_map(|(interface, networks)| {
        let networks = networks.iter();
        networks.map(move |network| format!("{interface} {network}"))
    });
    let text = networks.take(LISTED).collect::<Vec<_>>().join(", ");
    if text.is_empty() {
        "no interface that can announce has an address that stays".to_owned()
    } else {
        text
    }
}

/// The IPv4 networks that such a message lists.
pub fn connected(message: &str) -> Vec<Ipv4Net> {
    let networks = message.split(", ").filter_map(|entry| entry.split_once(' '));
    networks.filter_map(|(_, network)| network.parse().ok()).collect()
}

/// Whether everything that is written has an effect. What has none is no fault, and its place is not `errorSummary`,
/// which MetalLB keeps empty for a valid configuration.
pub fn effects(warnings: &[String]) -> Condition {
    if warnings.is_empty() {
        return Effects::InEffect.condition("everything that is written has an effect", None, now());
    }
    Effects::WithoutEffect.condition(listed(warnings), None, now())
}

fn listed(lines: &[String]) -> String {
    let shown = lines.iter().take(LISTED);
    let mut shown: Vec<String> = shown.map(|line| excerpt(line, LINE)).collect();
    if let Some(more @ 1..) = lines.len().checked_sub(LISTED) {
        shown.push(format!("and {more} more"));
    }
    shown.join("\n")
}

/// For a condition that is said now; the writer keeps the time of one that was true before.
pub fn now() -> Time {
    let now = Timestamp::now();
    // Conditions carry whole seconds.
    Time(Timestamp::from_second(now.as_second()).unwrap_or(now))
}
