//! What the allocator wants done.

use std::net::IpAddr;

use super::reservations::ReservationStatus;
use crate::config::{Kind, ObjectRef};
use crate::ipam::Because;
use crate::model::{AddressRange, ObjectKey, RangeSet};
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

impl PoolCounts {
    /// Counts of a pool; more than an `int64` holds is its maximum, as in MetalLB.
    pub fn of(pool: &RangeSet, in_use: &RangeSet) -> Self {
        let count = |set: &RangeSet, v4: bool| {
            let family = set.ranges().iter().filter(|range| range.first().is_ipv4() == v4);
            let sum = family.map(AddressRange::count).fold(0u128, u128::saturating_add);
            i64::try_from(sum).unwrap_or(i64::MAX)
        };
        let assigned = pool.intersection(in_use);
        let available = pool.difference(in_use);
        Self {
            assigned_v4: count(&assigned, true),
            assigned_v6: count(&assigned, false),
            available_v4: count(&available, true),
            available_v6: count(&available, false),
        }
    }
}
