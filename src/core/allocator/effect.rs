//! What the allocator wants done.

use std::net::IpAddr;

use super::reservations::ReservationStatus;
use crate::config::{Kind, ObjectRef, Pool};
use crate::ipam::{Because, Ledger};
use crate::model::{AddressRange, Family, ObjectKey};
use crate::reservation::{Depth, Planned, RouterStatus};

/// One wish about one target.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A Service's `status.loadBalancer.ingress` and its pool annotation, in one write.
    SetServiceStatus {
        /// Which Service.
        service: ObjectKey,
        /// The precondition.
        resource_version: String,
        /// In the order of the status; empty: no address.
        addresses: Vec<IpAddr>,
        /// `metallb.io/ip-allocated-from-pool`; `None` removes it.
        pool: Option<String>,
        /// Why.
        because: Because,
    },
    /// A Kubernetes event.
    Event {
        /// What it is about.
        about: About,
        /// Its reason.
        notice: Notice,
        /// Its words.
        note: String,
    },
    /// The ConfigurationState `controller`.
    SetConfigurationState {
        /// What is wrong with pools, advertisements and routers, a line each.
        problems: Vec<String>,
        /// What Services ask for and cannot have, a line each. Both empty: Valid.
        requests: Vec<String>,
        /// What is valid and has no effect as things are, a line each.
        warnings: Vec<String>,
    },
    /// An IPAddressPool's counters.
    SetPoolStatus {
        /// Which pool.
        pool: ObjectKey,
        /// The counters.
        counts: PoolCounts,
    },
    /// An AddressReservation's status.
    SetReservationStatus {
        /// Which reservation.
        reservation: ObjectKey,
        /// The whole status.
        status: ReservationStatus,
    },
    /// A MikrotikRouter's status.
    SetRouterStatus {
        /// Which router.
        router: ObjectKey,
        /// The whole status.
        status: Box<RouterStatus>,
    },
    /// Our finalizer on a MikrotikRouter.
    SetRouterFinalizer {
        /// Which router.
        router: ObjectKey,
        /// The precondition.
        resource_version: String,
        /// On or off.
        present: bool,
    },
    /// Read what matters of a router.
    ReadRouter {
        /// Which router.
        router: ObjectKey,
        /// How much of it.
        depth: Depth,
    },
    /// Check the row, make one write, read the row back.
    WriteRouter {
        /// Which router.
        router: ObjectKey,
        /// The write and its reason.
        planned: Box<Planned>,
    },
}

/// The object that an event is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct About {
    /// Its kind.
    pub kind: Kind,
    /// Namespace and name.
    pub key: ObjectKey,
}

impl About {
    pub(super) fn service(key: &ObjectKey) -> Self {
        Self {
            kind: Kind::Service,
            key: key.clone(),
        }
    }

    pub(super) fn router(key: &ObjectKey) -> Self {
        Self {
            kind: Kind::MikrotikRouter,
            key: key.clone(),
        }
    }

    pub(super) fn reservation(key: &ObjectKey) -> Self {
        Self {
            kind: Kind::AddressReservation,
            key: key.clone(),
        }
    }

    pub(super) fn of(object: &ObjectRef) -> Self {
        Self {
            kind: object.kind,
            key: object.key.clone(),
        }
    }

    pub(super) fn is_configuration(&self) -> bool {
        matches!(
            self.kind,
            Kind::IPAddressPool | Kind::L2Advertisement | Kind::AddressReservation
        )
    }
}

/// The reasons of the allocator's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// An address was assigned.
    IpAllocated,
    /// The address was taken away because nothing permits it any more.
    ClearAssignment,
    /// A Service that prefers two families has one, and the other could not be added.
    AdditionalAssignFailed,
    /// A Service that requires two families has one cluster IP.
    NotEnoughClusterIps,
    /// No address can be had.
    AllocationFailed,
    /// The wish of a Service that has an address cannot be met or understood.
    LoadBalancerFailed,
    /// An address is chosen and waits for proof.
    AwaitingProof,
    /// An annotation with the old prefix.
    DeprecatedAnnotation,
    /// A configuration object is wrong.
    InvalidConfiguration,
    /// Somebody else writes the Service's status.
    StatusContested,
    /// A router could not be given back in time.
    ReleaseGivenUp,
    /// A device's lease was removed for a Service that asks for its address.
    LeaseRemoved,
    /// A reserved address has been another Service's since before.
    ReservationTaken,
}

/// `IPAddressPool.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolCounts {
    /// Assigned IPv4 addresses.
    pub assigned_v4: i64,
    /// Assigned IPv6 addresses.
    pub assigned_v6: i64,
    /// IPv4 addresses that are not assigned.
    pub available_v4: i64,
    /// IPv6 addresses that are not assigned.
    pub available_v6: i64,
}

/// From so many addresses on a pool counts as inexhaustible: MetalLB's bound, 62 bits.
const BOUNDLESS: u128 = 1 << 62;

impl PoolCounts {
    /// Counts of a pool: as in MetalLB, without the addresses that it avoids, and more than it can count is the highest
    /// number there is.
    pub fn of(pool: &Pool, ledger: &Ledger) -> Self {
        let count = |family: Family| {
            let ranges = pool.ranges.ranges().iter();
            let ranges = ranges.filter(move |range| Family::of(range.first()) == family);
            let size = |range: &AddressRange| {
                let avoided = if pool.avoid_buggy_ips { avoidable(range) } else { 0 };
                range.count() - avoided
            };
            let all = ranges.clone().map(size).fold(0u128, u128::saturating_add);
            let used = ranges.flat_map(|range| ledger.in_use_within(range));
            let used = used.map(|run| size(&run)).fold(0u128, u128::saturating_add);
            let free = if all >= BOUNDLESS { u128::MAX } else { all - used };
            [used, free].map(|count| i64::try_from(count).unwrap_or(i64::MAX))
        };
        let ([assigned_v4, available_v4], [assigned_v6, available_v6]) =
            (count(Family::V4), count(Family::V6));
        Self {
            assigned_v4,
            assigned_v6,
            available_v4,
            available_v6,
        }
    }
}

/// How many addresses of an IPv4 range end in 0 or 255.
fn avoidable(range: &AddressRange) -> u128 {
    let (IpAddr::V4(first), IpAddr::V4(last)) = (range.first(), range.last()) else {
        return 0;
    };
    // Of all addresses below this one.
    let below = |bound: u64| bound.div_ceil(256) + bound / 256;
    let (first, last) = (u64::from(first.to_bits()), u64::from(last.to_bits()));
    u128::from(below(last + 1) - below(first))
}
