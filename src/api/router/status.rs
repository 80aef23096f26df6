//! What the allocator says of a router.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema;

/// The most entries that a list in the status holds; how many more there are stands beside it. A person reads twenty,
/// and the object stays small whatever happens on the network.
pub const LIST_LIMIT: usize = 20;

/// What the allocator knows of the router and did to it.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct MikrotikRouterStatus {
    /// Reachable, Authorized, PoolsExcluded, ReservationsInSync, NoConflicts and FailoverLimited.
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The router's own name (/system/identity).
    pub identity: Option<String>,
    /// The model of the board.
    pub board: Option<String>,
    /// The RouterOS version.
    pub version: Option<String>,
    /// The board's serial number; a router with another one is not written to.
    pub serial: Option<String>,
    /// Exactly the addresses that were taken out of the router's DHCP pools, and that deletion gives back. One entry
    /// for each pool that was cut; never shortened, because it is the only record.
    pub taken: Vec<Taken>,
    /// How many rows stand on the router.
    pub reservations: Option<ReservationCounts>,
    /// Addresses of the pools that others use: one line for each, with what holds it and how that is known.
    #[schemars(length(max = LIST_LIMIT))]
    pub conflicts: Vec<String>,
    /// How many conflicts the list leaves out.
    pub conflicts_truncated: i64,
    /// What would be written in mode Enforce, or waits for a confirmation: one line for each row.
    #[schemars(length(max = LIST_LIMIT))]
    pub pending_plan: Vec<String>,
    /// How many lines the plan leaves out.
    pub pending_plan_truncated: i64,
    /// The last word for removals that was taken out of the annotation tiklb.io/confirm. It is good for no others.
    pub confirmed: Option<Confirmed>,
    /// When the router last answered with everything that was asked of it.
    pub last_sync_time: Option<Time>,
    /// The metadata.generation that this status is about.
    pub observed_generation: Option<i64>,
}

/// Addresses that were taken out of one DHCP pool.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Taken {
    /// The pool's name when it was cut.
    pub pool: String,
    /// The DHCP server through which it was found.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// The addresses, such as 192.168.1.200-192.168.1.204,192.168.1.206-192.168.1.220.
    pub ranges: String,
    /// When they were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
}

/// A word for removals that wait for one.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[serde(default)]
pub struct Confirmed {
    /// The value of the annotation.
    pub hash: String,
    /// What of it is still to be done: eight digits for each removal.
    pub removals: String,
}

/// How many rows stand on the router, and how many should.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[serde(default)]
pub struct ReservationCounts {
    /// Static leases.
    pub leases: i64,
    /// ARP rows.
    pub arp: i64,
    /// Addresses that should have their rows.
    pub wanted: i64,
}
