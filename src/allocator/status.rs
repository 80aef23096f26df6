//! Core's values as the statuses that people read.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff;
use serde_json::{Value, json};
use tiklb_core::allocator::{PoolCounts, ReservationStatus};
use tiklb_core::config::object::{Confirmed, Taken};
use tiklb_core::model::Timestamp;
use tiklb_core::reservation::RouterStatus;
use tiklb_core::reservation::condition::{self, ConditionKind, Truth};

use crate::api::AddressReservationStatus;
use crate::api::condition::Reason as _;
use crate::api::condition::configuration::PoolReconciler;
use crate::api::pool::IPAddressPoolStatus;
use crate::api::router::{self, MikrotikRouterStatus, ReservationCounts};
use crate::cluster::object::configuration::{self, now};

/// `IPAddressPool.status`.
pub fn pool(counts: PoolCounts) -> Value {
    json!(IPAddressPoolStatus {
        assigned_ipv4: counts.assigned_v4,
        assigned_ipv6: counts.assigned_v6,
        available_ipv4: counts.available_v4,
        available_ipv6: counts.available_v6,
    })
}

/// The longest message of a reservation, in characters: a sentence of ours may hold words of others.
const MESSAGE: usize = 1_024;

/// `AddressReservation.status`.
pub fn reservation(status: &ReservationStatus) -> Value {
    json!(AddressReservationStatus {
        phase: Some(status.phase.as_str().to_owned()),
        row: status.row.map(|row| row.as_str().to_owned()),
        message: Some(status.message.chars().take(MESSAGE).collect()),
        observed_generation: Some(status.observed_generation),
    })
}

/// What of a router's status is not only told but relied on.
const RECORD: [&str; 3] = ["taken", "serial", "identity"];

/// `MikrotikRouter.status`.
pub fn router(status: &RouterStatus) -> Value {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let at = now();
    let generation = status.observed_generation;
    let conditions = status.conditions.iter();
    let mut said = json!(MikrotikRouterStatus {
        conditions: conditions
            .map(|(kind, said)| condition(*kind, said, generation, &at))
            .collect(),
        identity: text(&status.identity),
        board: text(&status.board),
        version: text(&status.version),
        serial: status.serial.clone(),
        taken: status.taken.iter().map(taken).collect(),
        reservations: Some(ReservationCounts {
            leases: number(status.leases),
            arp: number(status.arps),
            wanted: number(status.wanted),
        }),
        conflicts: status.conflicts.entries.clone(),
        conflicts_truncated: number(status.conflicts.truncated),
        pending_plan: status.pending.entries.clone(),
        pending_plan_truncated: number(status.pending.truncated),
        confirmed: confirmed(&status.confirmed),
        last_sync_time: status.last_sync.and_then(time),
        observed_generation: Some(generation),
    });
    if status.record_unknown
        && let Some(fields) = said.as_object_mut()
    {
        // What a patch does not name stays as it is.
        fields.retain(|field, _| !RECORD.contains(&field.as_str()));
    }
    said
}

/// `ConfigurationState.status` of the allocator.
pub fn configuration(problems: &[String], warnings: &[String]) -> Value {
    let reason = if problems.is_empty() {
        PoolReconciler::Reconciled
    } else {
        PoolReconciler::ConfigurationError
    };
    configuration::status(problems, |summary| {
        vec![
            reason.condition(summary, None, now()),
            configuration::effects(warnings),
        ]
    })
}

fn condition(kind: ConditionKind, said: &condition::Condition, generation: i64, now: &Time) -> Condition {
    let status = match said.truth {
        Truth::True => "True",
        Truth::False => "False",
        Truth::Unknown => "Unknown",
    };
    Condition {
        type_: kind.name().to_owned(),
        status: status.to_owned(),
        reason: said.reason.to_owned(),
        message: said.message.clone(),
        observed_generation: Some(generation),
        last_transition_time: now.clone(),
    }
}

fn taken(taken: &Taken) -> router::Taken {
    router::Taken {
        pool: taken.pool.clone(),
        server: taken.server.clone(),
        ranges: taken.ranges.to_string(),
        since: time(taken.since),
    }
}

fn confirmed(confirmed: &Confirmed) -> Option<router::Confirmed> {
    let removals: Vec<&str> = confirmed.removals.iter().map(String::as_str).collect();
    let written = router::Confirmed {
        hash: confirmed.word.clone(),
        removals: removals.join(" "),
    };
    Some(written).filter(|written| !written.hash.is_empty())
}

fn time(at: Timestamp) -> Option<Time> {
    jiff::Timestamp::from_second(at.0).ok().map(Time)
}

#[cfg(test)]
mod tests;
