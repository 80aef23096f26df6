//! The writes tiklb can make on a router. What is not here cannot be expressed, let alone done.

use std::fmt;
use std::net::IpAddr;

use super::held::NAME_SHOWN;
use super::observed::{ArpRow, LeaseRow, PoolRow, Reading};
use crate::model::{MacAddr, RangeSet};

/// One write of one row. Changes and removals carry the row as it was read: it must still be that when the write is
/// made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// The one edit of a row that is not ours: a DHCP pool's `ranges`.
    SetPoolRanges {
        /// The pool as read.
        row: PoolRow,
        /// Its new ranges.
        ranges: RangeSet,
    },
    /// Our own pool row.
    AddPool {
        /// Its name.
        name: String,
        /// The load balancer's range.
        ranges: RangeSet,
        /// Our marker and what was taken.
        comment: String,
    },
    /// Our own pool row again.
    SetPool {
        /// The row as read.
        row: PoolRow,
        /// The load balancer's range.
        ranges: RangeSet,
        /// Our marker and what was taken.
        comment: String,
    },
    /// Our own pool row goes.
    RemovePool(PoolRow),
    /// A static lease that reserves an address.
    AddLease(LeaseSpec),
    /// The same, changed.
    SetLease {
        /// The row as read.
        row: LeaseRow,
        /// What it should be.
        spec: LeaseSpec,
    },
    /// A reservation goes.
    RemoveLease(LeaseRow),
    /// The one removal of a row that is not ours: a client's dynamic lease, where `spec.dhcp.evict` allows it.
    EvictLease {
        /// The row as read: dynamic, with its client's MAC address.
        row: LeaseRow,
        /// The Services that ask for its address, in words.
        wanted_by: String,
    },
    /// An ARP row.
    AddArp(ArpSpec),
    /// The same, changed.
    SetArp {
        /// The row as read.
        row: ArpRow,
        /// What it should be.
        spec: ArpSpec,
    },
    /// An ARP row goes.
    RemoveArp(ArpRow),
}

/// What a lease row of ours should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseSpec {
    /// The reserved address.
    pub address: IpAddr,
    /// See [`super::marker::claim_mac`].
    pub mac: MacAddr,
    /// The server of its network.
    pub server: String,
    /// Our marker and the Service.
    pub comment: String,
}

impl LeaseSpec {
    /// The row as the router shows it once it is written.
    pub fn row(&self, id: String) -> LeaseRow {
        LeaseRow {
            id,
            address: self.address,
            mac: Some(self.mac),
            server: Some(self.server.clone()),
            dynamic: false,
            evidence: false,
            disabled: false,
            bound: false,
            expires_after: None,
            host_name: None,
            comment: self.comment.clone(),
        }
    }
}

/// What an ARP row of ours should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArpSpec {
    /// The Service's address.
    pub address: IpAddr,
    /// The announcer's MAC address.
    pub mac: MacAddr,
    /// The interface of its network.
    pub interface: String,
    /// Whether it is in effect. Disabled, it is only seen by a person.
    pub enabled: bool,
    /// Our marker and the Service.
    pub comment: String,
}

impl ArpSpec {
    /// The row as the router shows it once it is written, before it has heard of the neighbour.
    pub fn row(&self, id: String) -> ArpRow {
        ArpRow {
            id,
            address: self.address,
            mac: Some(self.mac),
            interface: self.interface.clone(),
            dynamic: false,
            disabled: !self.enabled,
            alive: false,
            comment: self.comment.clone(),
        }
    }
}

/// A write and why it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// What.
    pub write: Write,
    /// Why, in words.
    pub because: String,
}

/// A row as it was read back after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadBack {
    /// A pool row.
    Pool(PoolRow),
    /// A lease row.
    Lease(LeaseRow),
    /// An ARP row.
    Arp(ArpRow),
    /// There is no such row (any more).
    Gone,
}

/// How a write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The row was read back and means what was asked.
    Applied(ReadBack),
    /// The row was no longer as it had been read: nothing was sent.
    Changed,
    /// The router refused, or the read-back means something else.
    Refused(String),
    /// Whether it was applied could not be found out.
    Unknown(String),
}

impl Write {
    /// What this write is about, equal for every attempt at the same thing. Refusals are remembered by it.
    pub fn target(&self) -> String {
        match self {
            Self::SetPoolRanges { row, .. } | Self::SetPool { row, .. } | Self::RemovePool(row) => {
                format!("pool {}", row.name)
            }
            Self::AddPool { name, .. } => format!("pool {name}"),
            Self::AddLease(spec) | Self::SetLease { spec, .. } => format!("lease {}", spec.address),
            Self::RemoveLease(row) => format!("lease {}", row.address),
            Self::EvictLease { row, .. } => format!("dynamic lease {}", row.address),
            Self::AddArp(spec) | Self::SetArp { spec, .. } => format!("arp {}", spec.address),
            Self::RemoveArp(row) => format!("arp {}", row.address),
        }
    }

    /// Whether it touches a pool, ours or another's: what was taken must be on record before.
    pub fn is_of_pool(&self) -> bool {
        matches!(
            self,
            Self::SetPoolRanges { .. } | Self::SetPool { .. } | Self::AddPool { .. } | Self::RemovePool(_)
        )
    }

    /// Whether traffic waits for it: the row pins the router to a node that does not answer any more, or will.
    pub fn is_urgent(&self) -> bool {
        match self {
            Self::SetArp { row, spec } => spec.enabled && (row.disabled || row.mac != Some(spec.mac)),
            _ => false,
        }
    }

    /// Puts the row that was read back into a reading, so that the next decision is made on it.
    pub fn fold(&self, read_back: &ReadBack, reading: &mut Reading) {
        match self {
            Self::SetPoolRanges { row, .. } | Self::SetPool { row, .. } | Self::RemovePool(row) => {
                reading.pools.retain(|other| other.id != row.id);
            }
            Self::SetLease { row, .. } | Self::RemoveLease(row) | Self::EvictLease { row, .. } => {
                reading.leases.retain(|other| other.id != row.id);
            }
            Self::SetArp { row, .. } | Self::RemoveArp(row) => {
                reading.arps.retain(|other| other.id != row.id);
            }
            Self::AddPool { .. } | Self::AddLease(_) | Self::AddArp(_) => {}
        }
        match read_back {
            ReadBack::Pool(row) => reading.pools.push(row.clone()),
            ReadBack::Lease(row) => reading.leases.push(row.clone()),
            ReadBack::Arp(row) => reading.arps.push(row.clone()),
            ReadBack::Gone => {}
        }
    }
}

/// A lease's client as a person knows it: `phone (02:…)`.
pub(super) fn client(row: &LeaseRow) -> String {
    match (&row.host_name, row.mac) {
        (Some(name), Some(mac)) => {
            let name: String = name.chars().take(NAME_SHOWN).collect();
            format!("{name} ({mac})")
        }
        (_, Some(mac)) => mac.to_string(),
        (..) => "an unknown client".to_owned(),
    }
}

fn effect(spec: &ArpSpec) -> &'static str {
    if spec.enabled { "enabled" } else { "disabled" }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetPoolRanges { row, ranges } => {
                write!(
                    f,
                    "/ip/pool set {}: ranges {} -> {}",
                    row.name, row.ranges, ranges
                )
            }
            Self::AddPool {
                name,
                ranges,
                comment,
            } => write!(f, "/ip/pool add {name}: {ranges}  \"{comment}\""),
            Self::SetPool { row, ranges, comment } => {
                write!(f, "/ip/pool set {}: {ranges}  \"{comment}\"", row.name)
            }
            Self::RemovePool(row) => write!(f, "/ip/pool remove {}", row.name),
            Self::AddLease(spec) => write!(
                f,
                "/ip/dhcp-server/lease add {}  \"{}\"",
                spec.address, spec.comment
            ),
            Self::SetLease { spec, .. } => write!(
                f,
                "/ip/dhcp-server/lease set {}  \"{}\"",
                spec.address, spec.comment
            ),
            Self::RemoveLease(row) => write!(
                f,
                "/ip/dhcp-server/lease remove {}  \"{}\"",
                row.address, row.comment
            ),
            Self::EvictLease { row, .. } => write!(
                f,
                "/ip/dhcp-server/lease remove {}, dynamic, of {}",
                row.address,
                client(row)
            ),
            Self::AddArp(spec) => {
                write!(
                    f,
                    "/ip/arp add {} is at {} ({})  \"{}\"",
                    spec.address,
                    spec.mac,
                    effect(spec),
                    spec.comment
                )
            }
            Self::SetArp { spec, .. } => {
                write!(
                    f,
                    "/ip/arp set {} is at {} ({})  \"{}\"",
                    spec.address,
                    spec.mac,
                    effect(spec),
                    spec.comment
                )
            }
            Self::RemoveArp(row) => write!(f, "/ip/arp remove {}  \"{}\"", row.address, row.comment),
        }
    }
}
