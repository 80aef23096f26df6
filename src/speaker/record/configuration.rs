//! `ConfigurationState` of one speaker.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use tiklb_core::speaker::Published;

use super::Identity;
use super::conflict::named;
use crate::api::condition::Reason as _;
use crate::api::condition::configuration::{
    Announced, ConfigReconciler, Heartbeats as HeartbeatsReason, Networks as NetworksReason,
};
use crate::api::configuration_state::speaker;
use crate::api::label;
use crate::cluster::object::configuration::{effects, networks, now, status};
use crate::cluster::writer::{Kind, Target, Wish, Writer};

/// Speakers that one sentence names.
const NAMED: usize = 5;

/// How the other speakers are heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeats {
    reason: HeartbeatsReason,
    message: String,
}

impl Heartbeats {
    /// From what the wire found.
    pub fn of(published: &Published, port: u16) -> Self {
        let named: Vec<&str> = published
            .missing
            .iter()
            .take(NAMED)
            .map(|node| &*node.0)
            .collect();
        let more = published.missing.len().saturating_sub(NAMED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        if published.other_keys {
            return Self {
                reason: HeartbeatsReason::OtherKey,
                message: format!(
                    "heartbeats signed with another key arrive on UDP port {port}: all speakers must read the same Secret tiklb-heartbeat"
                ),
            };
        }
        if named.is_empty() {
            return Self {
                reason: HeartbeatsReason::Heard,
                message: format!("{} other speakers are heard", published.alive.len()),
            };
        }
        Self {
            reason: HeartbeatsReason::NotHeard,
            message: format!(
                "{}{more} are ready and not heard: allow UDP port {port} between the nodes",
                named.join(", ")
            ),
        }
    }
}

/// Which networks this node can announce in; nothing before its interfaces were looked at. A condition, because
/// MetalLB's definition of the kind has no field for it and would drop one.
fn connected(published: &Published) -> Option<Condition> {
    let interfaces = published.interfaces.as_ref()?;
    let reason = if interfaces.values().all(BTreeSet::is_empty) {
        NetworksReason::NoNetwork
    } else {
        NetworksReason::Connected
    };
    Some(reason.condition(networks(interfaces), None, now()))
}

/// Which of the addresses that are announced here other nodes answer for.
fn alone(published: &Published) -> Condition {
    let disputed: Vec<String> = published
        .disputes
        .iter()
        .filter(|(_, dispute)| !dispute.nodes.is_empty())
        .map(|(address, dispute)| format!("{} answers for {address}", named(&dispute.nodes)))
        .collect();
    if disputed.is_empty() {
        return Announced::Alone.condition("no other node answers for what this one announces", None, now());
    }
    let shown = disputed.iter().take(NAMED).cloned().collect::<Vec<_>>();
    let more = match disputed.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and so it is with {more} more addresses"),
    };
    let message = format!("{}{more}, which this node announces", shown.join(", "));
    Announced::NodeAnswersARP.condition(message, None, now())
}

pub(super) fn wish(
    identity: &Identity,
    writer: &Writer,
    (problems, warnings): (&[String], &[String]),
    heartbeats: &Heartbeats,
    published: &Published,
) {
    let target = Target {
        kind: Kind::Configuration,
        key: identity.key(speaker(&identity.node.0)),
    };
    let reason = if problems.is_empty() {
        ConfigReconciler::Reconciled
    } else {
        ConfigReconciler::ConfigurationError
    };
    let status = status(problems, |summary| {
        let own = reason.condition(summary, None, now());
        let heard = heartbeats
            .reason
            .condition(heartbeats.message.clone(), None, now());
        let networks = connected(published);
        [own, heard, alone(published), effects(warnings)]
            .into_iter()
            .chain(networks)
            .collect()
    });
    let metadata = identity.metadata(&[
        (label::COMPONENT_TYPE, label::COMPONENT_SPEAKER),
        (label::NODE_NAME, &identity.node.0),
    ]);
    writer.wish(
        target,
        Wish::Object {
            metadata: metadata.into(),
            spec: serde_json::Value::Null.into(),
            status: status.into(),
        },
    );
}
