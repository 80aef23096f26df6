//! What can happen to the allocator.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::Ipv4Net;

use crate::config::{AdvertisementObject, PoolObject, ReservationObject, RouterObject};
use crate::ipam::Holder;
use crate::model::service::Service;
use crate::model::{Instant, Labels, MacAddr, NodeName, ObjectKey, RangeSet};
use crate::reservation::survey::{Round, Segment};
use crate::reservation::{Failure, Outcome, Reading, Write};

/// A change of one kind of object. A list replaces all that was known: what it lacks is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// A complete list.
    Listed(Vec<T>),
    /// An object appeared or changed.
    Applied(T),
    /// An object is gone.
    Deleted(ObjectKey),
}

impl<T> Change<T> {
    /// The same with each object in a place of its own: a list of many large ones is no large piece of memory then.
    pub fn boxed(self) -> Change<Box<T>> {
        match self {
            Self::Listed(objects) => Change::Listed(objects.into_iter().map(Box::new).collect()),
            Self::Applied(object) => Change::Applied(Box::new(object)),
            Self::Deleted(key) => Change::Deleted(key),
        }
    }
}

/// The kinds that must be listed before anything is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `v1` Services.
    Services,
    /// `IPAddressPools`.
    Pools,
    /// `L2Advertisements`.
    Advertisements,
    /// `MikrotikRouters`.
    Routers,
    /// `AddressReservations`.
    Reservations,
    /// `v1` Namespaces.
    Namespaces,
    /// `v1` Nodes.
    Nodes,
    /// `ServiceL2Statuses`.
    Announcements,
    /// `AddressConflicts`.
    Conflicts,
    /// The Leases in which speakers record their surveys.
    Surveys,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Services,
        Self::Pools,
        Self::Advertisements,
        Self::Routers,
        Self::Reservations,
        Self::Namespaces,
        Self::Nodes,
        Self::Announcements,
        Self::Conflicts,
        Self::Surveys,
    ];
}

/// Whether this replica leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leadership {
    /// It does not, or not any more.
    Following,
    /// It does.
    Leading {
        /// The leader before did not give the leadership back: what it asked of a router may still be under way.
        unclean: bool,
    },
}

/// What can happen.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "events are handed over one by one, and routers are few and hardly ever change"
)]
pub enum Event {
    /// This replica leads, or no longer does. One that begins to lead is owed a list of Services that was begun
    /// thereafter: a watch may lag behind what the last leader wrote.
    Leadership(Leadership),
    /// Services.
    Services(Change<Box<Service>>),
    /// `IPAddressPools`.
    Pools(Change<PoolObject>),
    /// `L2Advertisements`.
    Advertisements(Change<AdvertisementObject>),
    /// `MikrotikRouters`.
    Routers(Change<RouterObject>),
    /// `AddressReservations`.
    Reservations(Change<ReservationObject>),
    /// Namespaces.
    Namespaces(Change<NamespaceObject>),
    /// Nodes.
    Nodes(Change<NodeObject>),
    /// `ServiceL2Statuses`.
    Announcements(Change<Announcement>),
    /// `AddressConflicts`.
    Conflicts(Change<Conflict>),
    /// Survey records.
    Surveys(Change<SurveyRecord>),
    /// This process was told to end (SIGTERM), and [has to stay](super::Allocator::has_to_stay).
    ToldToEnd,
    /// [`Effect::ReadRouter`](super::Effect::ReadRouter) ended.
    RouterRead {
        /// Which router.
        router: ObjectKey,
        /// What it holds.
        result: Box<Result<Reading, Failure>>,
    },
    /// [`Effect::WriteRouter`](super::Effect::WriteRouter) ended.
    RouterWritten {
        /// Which router.
        router: ObjectKey,
        /// What was written.
        write: Box<Write>,
        /// How it ended.
        outcome: Outcome,
    },
    /// A router's Secret changed: what failed may work now.
    CredentialsChanged {
        /// Which router.
        router: ObjectKey,
    },
    /// [`Effect::SetServiceStatus`](super::Effect::SetServiceStatus) ended.
    ServiceWritten {
        /// Which Service.
        service: ObjectKey,
        /// How it ended.
        result: WriteResult,
    },
}

impl Event {
    /// Services that are not in boxes yet.
    pub fn services(change: Change<Service>) -> Self {
        Self::Services(change.boxed())
    }
}

/// How a write to the API server ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteResult {
    /// It is stored; the object's new `resourceVersion`.
    Written(String),
    /// The object changed meanwhile: the watch brings it, then it is decided anew.
    Conflict,
    /// The object is gone.
    Gone,
    /// The API server could not or would not; in words.
    Failed(String),
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceObject {
    /// Its name, in no namespace.
    pub key: ObjectKey,
    /// `metadata.labels`.
    pub labels: Labels,
    /// `metadata.deletionTimestamp` is set; nobody can take that back.
    pub deleting: bool,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeObject {
    /// Its name, no namespace.
    pub key: ObjectKey,
    /// Its own addresses.
    pub addresses: Vec<IpAddr>,
}

/// A `ServiceL2Status`: who announces a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The status object.
    pub key: ObjectKey,
    /// The Service it is about.
    pub service: ObjectKey,
    /// Its addresses as the announcer saw them.
    pub addresses: Vec<IpAddr>,
    /// The announcer.
    pub node: NodeName,
    /// The announcer's MAC address.
    pub mac: Option<MacAddr>,
    /// The claim's epoch.
    pub epoch: u64,
}

/// An `AddressConflict`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The object.
    pub key: ObjectKey,
    /// The address that someone else uses.
    pub address: IpAddr,
    /// Who does.
    pub holder: Holder,
}

/// A speaker's record of its survey of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyRecord {
    /// The record's name.
    pub key: ObjectKey,
    /// Who asked.
    pub node: NodeName,
    /// The addresses asked for in the last complete round.
    pub covered: RangeSet,
    /// Those that answered.
    pub occupied: RangeSet,
    /// How long the round took.
    pub took: Duration,
    /// How long ago it ended when the record was read, by the wall clocks of two machines: only to tell a record that
    /// is still kept from one that was left behind.
    pub age: Duration,
    /// The subnet, where the record says it.
    pub segment: Option<SegmentRecord>,
}

/// What a record says of its subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRecord {
    /// Network and prefix length.
    pub subnet: Ipv4Net,
    /// The next hops of the node's default routes that lie in it.
    pub gateways: BTreeSet<Ipv4Addr>,
    /// How long ago a speaker saw it, as [`SurveyRecord::age`].
    pub age: Duration,
}

impl SurveyRecord {
    pub(super) fn segment_at(&self, now: Instant) -> Option<Segment> {
        let segment = self.segment.clone()?;
        Some(Segment {
            subnet: segment.subnet,
            gateways: segment.gateways,
            node: self.node.clone(),
            seen: now - segment.age,
        })
    }

    pub(super) fn seen_at(self, now: Instant) -> (String, Round) {
        let seen = now - self.age;
        let round = Round {
            node: self.node,
            covered: self.covered,
            occupied: self.occupied,
            seen,
            took: self.took,
        };
        (self.key.name.clone(), round)
    }
}
