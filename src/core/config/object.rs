//! Configuration objects as plain values, before anything is judged.
//!
//! An object that could not even be decoded is here too, with the decoder's words in the place of its spec: it
//! exists, and what it had handed out stays.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::object::Seniority;
use crate::model::selector::SelectorError;
use crate::model::{LabelSelector, Labels, ObjectKey, RangeSet, Timestamp, Uid};

/// Selectors as written; one that is none keeps its error.
pub type Selectors = Vec<Result<LabelSelector, SelectorError>>;

/// An `IPAddressPool`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolObject {
    /// Namespace and name.
    pub key: ObjectKey,
    /// Its place in disputes.
    pub seniority: Seniority,
    /// `metadata.labels`.
    pub labels: Labels,
    /// The spec, or why it could not be decoded.
    pub spec: Result<PoolSpec, String>,
}

/// `IPAddressPool.spec`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSpec {
    /// Each a CIDR or `start-end`.
    pub addresses: Vec<String>,
    /// Whether addresses are handed out to Services that do not ask for this pool.
    pub auto_assign: bool,
    /// Skip IPv4 addresses that end in 0 or 255.
    pub avoid_buggy_ips: bool,
    /// Which Services this pool is for.
    pub service_allocation: Option<ServiceAllocation>,
}

/// `IPAddressPool.spec.serviceAllocation`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceAllocation {
    /// Lower positive numbers are preferred; 0 is last.
    pub priority: i64,
    /// Namespaces by name.
    pub namespaces: Vec<String>,
    /// Namespaces by label.
    pub namespace_selectors: Selectors,
    /// Services by label.
    pub service_selectors: Selectors,
}

/// An `L2Advertisement`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvertisementObject {
    /// Namespace and name.
    pub key: ObjectKey,
    /// Its place in disputes.
    pub seniority: Seniority,
    /// The spec, or why it could not be decoded.
    pub spec: Result<AdvertisementSpec, String>,
}

/// `L2Advertisement.spec`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdvertisementSpec {
    /// Pools by name; with `pool_selectors` empty too: all pools.
    pub pools: Vec<String>,
    /// Pools by label.
    pub pool_selectors: Selectors,
    /// Nodes that may announce; empty: every node.
    pub node_selectors: Selectors,
    /// Services; empty: all.
    pub service_selectors: Selectors,
    /// Interfaces by exact name; empty: all.
    pub interfaces: Vec<String>,
    /// Nodes that are preferred.
    pub preferred_nodes: Vec<PreferredNodes>,
}

/// An entry of `L2Advertisement.spec.preferredNodeSelectors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferredNodes {
    /// From 1 to 100, in MetalLB's schema.
    pub weight: i64,
    /// The nodes that get this weight; empty: every node.
    pub preference: Result<LabelSelector, SelectorError>,
}

/// An `AddressReservation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationObject {
    /// Namespace and name.
    pub key: ObjectKey,
    /// `metadata.generation`.
    pub generation: i64,
    /// Its place in disputes.
    pub seniority: Seniority,
    /// The spec, or why it could not be decoded.
    pub spec: Result<ReservationSpec, String>,
}

/// `AddressReservation.spec`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReservationSpec {
    /// The address, as written.
    pub address: String,
    /// `for`: namespace/name, as written.
    pub service: Option<String>,
    /// What a person calls it.
    pub note: String,
}

/// A `MikrotikRouter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterObject {
    /// Namespace and name.
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.resourceVersion`: the precondition of every write.
    pub resource_version: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// Its place in disputes.
    pub seniority: Seniority,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// Our finalizer is on it.
    pub finalizer: bool,
    /// The spec, or why it could not be decoded.
    pub spec: Result<RouterSpec, String>,
    /// The status, or the whole object, cannot be read: `taken`, `serial` and `identity` are empty because nobody knows
    /// them, and stay in the API as they are. The spec is an error then.
    pub record_unknown: bool,
    /// `status.taken`: what we removed from the router's pools, recorded before it was removed.
    pub taken: Vec<Taken>,
    /// `status.serial`: the board this object was enrolled with.
    pub serial: Option<String>,
    /// `status.identity`.
    pub identity: Option<String>,
    /// The annotation `tiklb.io/confirm`: the hash of the removals that a person agrees to.
    pub confirm: Option<String>,
    /// `status.confirmed`: the last such word that was taken.
    pub confirmed: Confirmed,
}

/// A person's word for removals, as it is remembered in the status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Confirmed {
    /// The annotation's value; empty before there was any.
    pub word: String,
    /// What of it is still to be done, by what [`crate::reservation::brake::mark`] makes of each removal.
    pub removals: BTreeSet<String>,
}

/// `MikrotikRouter.spec`, as far as decisions need it. Credentials and TLS are the wiring's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterSpec {
    /// `https://192.168.1.1`.
    pub url: String,
    /// Marks our rows together with the cluster's UID.
    pub cluster_name: String,
    /// The UID, in its short form, of an earlier cluster of this name whose rows are taken over.
    pub adopt_from: Option<String>,
    /// Whether anything is written.
    pub mode: RouterMode,
    /// Which pools this router is asked to agree on.
    pub pool_selector: LabelSelector,
    /// Whether our ranges are cut out of the router's DHCP pools.
    pub shrink_pools: bool,
    /// How many addresses a DHCP pool must keep free.
    pub min_free_addresses: u32,
    /// DHCP pools that may be cut although something besides a DHCP server uses them.
    pub allowed_pools: Vec<String>,
    /// Whether leases of others may be removed.
    pub evict: Evict,
    /// Whether a static lease stands for each address.
    pub leases: bool,
    /// Whether ARP rows are kept.
    pub arp: ArpRows,
    /// What must be known of an address before it is used.
    pub assignment: Assignment,
    /// Time between two readings.
    pub poll_interval: Duration,
    /// How long a range that is no longer wanted stays ours.
    pub release_delay: Duration,
    /// Act on a RouterOS version that was not tested.
    pub accept_untested: bool,
    /// The serial number of a board that replaced the enrolled one.
    pub accept_serial: Option<String>,
    /// Fields that are written and that this version does not act on yet.
    pub unsupported: Vec<String>,
}

/// `spec.dhcp.evict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Evict {
    /// Leases of others are waited for.
    #[default]
    Never,
    /// A dynamic lease is removed for a Service that asks for its address by name.
    OnRequest,
}

/// `spec.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RouterMode {
    /// Plans are carried out.
    #[default]
    Enforce,
    /// Plans are shown and not carried out.
    DryRun,
    /// The router is not read either.
    Paused,
}

/// `spec.reservations.arp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArpRows {
    /// Disabled rows that a person sees and that have no effect; in effect where the router would otherwise not talk to
    /// the address at all.
    #[default]
    Visible,
    /// Rows in effect: they pin the router to the node that answers, and follow it.
    Always,
    /// No rows.
    Never,
}

/// `spec.assignment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Assignment {
    /// The router must have proved that an address is free.
    #[default]
    Proven,
    /// A survey that heard nobody is enough.
    Surveyed,
}

/// One entry of `status.taken`: addresses that we removed from one DHCP pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The pool's name when it was cut.
    pub pool: String,
    /// The DHCP server through which the pool was found.
    pub server: String,
    /// Exactly the addresses we removed.
    pub ranges: RangeSet,
    /// When it was recorded, or grew.
    pub since: Timestamp,
}
