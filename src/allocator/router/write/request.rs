//! A write in the client's types, which allow nothing that may not be written.

use std::net::{IpAddr, Ipv4Addr};

use routeros::menu::{
    Arp, ArpChange, Comment, DynamicLease, EmptyRanges, ExpectedArp, ExpectedLease, ExpectedPool,
    InvalidComment, Lease, LeaseAddress, LeaseChange, NewArp, NewLease, NewPool, Pool, PoolChange,
    PoolRanges, Target, Writable,
};
use routeros::value::{self, AddressRange, AddressRanges, Invalid, LocalMac, RowId};
use tiklb_core::model::{MacAddr, RangeSet};
use tiklb_core::reservation::Write;
use tiklb_core::reservation::observed::{ArpRow, LeaseRow, PoolRow};
use tiklb_core::reservation::write::{ArpSpec, LeaseSpec};

/// Why a write cannot be put into the client's types. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unwritable {
    /// The row was read without an id that names it.
    #[error("the row has no usable id ({0}): please report it with the router's version")]
    Id(Invalid),
    /// The comment would not read back.
    #[error("{0}; shorten or change what stands behind our mark on the router")]
    Comment(#[from] InvalidComment),
    /// Nothing would be left of the pool.
    #[error("{0}: make the IPAddressPool smaller or the router's pool larger")]
    Ranges(#[from] EmptyRanges),
    /// A network card may have this address; the router would hand the Service's address to it.
    #[error("{0}, which a lease of ours must be: please report it")]
    Mac(Invalid),
    /// Only a client's own lease may be removed, and which client that is must be known.
    #[error("the lease of {0} is no client's dynamic one: please report it")]
    NoClient(IpAddr),
    /// Leases and ARP rows are IPv4's.
    #[error("{0} is an IPv6 address, and leases and ARP rows are for IPv4 alone: please report it")]
    Ipv6(IpAddr),
}

/// One call for one menu.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Call {
    Pool(Request<Pool>),
    Lease(Request<Lease>),
    /// A client's lease goes.
    Eviction(DynamicLease),
    Arp(Request<Arp>),
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Request<M: Writable> {
    Add(M::New),
    Set(Target<M>, M::Change),
    Remove(Target<M>),
}

impl Call {
    /// The call that makes `write`.
    pub(super) fn of(write: &Write) -> Result<Self, Unwritable> {
        Ok(match write {
            Write::SetPoolRanges { row, ranges } => {
                let ranges = Some(pool_ranges(ranges)?);
                let change = PoolChange {
                    ranges,
                    comment: None,
                };
                Self::Pool(Request::Set(pool(row)?, change))
            }
            Write::AddPool {
                name,
                ranges,
                comment,
            } => Self::Pool(Request::Add(NewPool {
                name: name.clone(),
                ranges: pool_ranges(ranges)?,
                comment: Comment::new(comment)?,
            })),
            Write::SetPool { row, ranges, comment } => {
                let change = PoolChange {
                    ranges: Some(pool_ranges(ranges)?),
                    comment: replacing(&row.comment, comment)?,
                };
                Self::Pool(Request::Set(pool(row)?, change))
            }
            Write::RemovePool(row) => Self::Pool(Request::Remove(pool(row)?)),
            Write::AddLease(spec) => Self::Lease(Request::Add(new_lease(spec)?)),
            Write::SetLease { row, spec } => Self::Lease(Request::Set(lease(row)?, lease_change(row, spec)?)),
            Write::RemoveLease(row) => Self::Lease(Request::Remove(lease(row)?)),
            Write::EvictLease { row, .. } => Self::Eviction(eviction(row)?),
            Write::AddArp(spec) => Self::Arp(Request::Add(new_arp(spec)?)),
            Write::SetArp { row, spec } => Self::Arp(Request::Set(arp(row)?, arp_change(row, spec)?)),
            Write::RemoveArp(row) => Self::Arp(Request::Remove(arp(row)?)),
        })
    }
}

fn new_lease(spec: &LeaseSpec) -> Result<NewLease, Unwritable> {
    Ok(NewLease {
        address: ipv4(spec.address)?,
        mac_address: made_up(spec.mac)?,
        server: spec.server.clone(),
        comment: Comment::new(&spec.comment)?,
    })
}

fn lease_change(row: &LeaseRow, spec: &LeaseSpec) -> Result<LeaseChange, Unwritable> {
    Ok(LeaseChange {
        mac_address: Some(made_up(spec.mac)?),
        server: Some(spec.server.clone()),
        comment: replacing(&row.comment, &spec.comment)?,
        disabled: Some(false),
    })
}

fn new_arp(spec: &ArpSpec) -> Result<NewArp, Unwritable> {
    Ok(NewArp {
        address: ipv4(spec.address)?,
        mac_address: octets(spec.mac),
        interface: spec.interface.clone(),
        comment: Comment::new(&spec.comment)?,
        disabled: !spec.enabled,
    })
}

fn arp_change(row: &ArpRow, spec: &ArpSpec) -> Result<ArpChange, Unwritable> {
    Ok(ArpChange {
        mac_address: Some(octets(spec.mac)),
        comment: replacing(&row.comment, &spec.comment)?,
        disabled: Some(!spec.enabled),
    })
}

/// A comment to write, if it is another one. One that stays can hold what a person wrote behind our mark in any
/// characters and at any length: it is not written again, so that it holds up nothing.
fn replacing(now: &str, wanted: &str) -> Result<Option<Comment>, Unwritable> {
    if now == wanted {
        return Ok(None);
    }
    Ok(Some(Comment::new(wanted)?))
}

/// The pool as it was read.
fn pool(row: &PoolRow) -> Result<Target<Pool>, Unwritable> {
    let expected = ExpectedPool {
        name: row.name.clone(),
        ranges: ipv4_ranges(&row.ranges),
        comment: comment(&row.comment),
    };
    Ok(Target {
        id: id(&row.id)?,
        expected,
    })
}

/// The lease as it was read.
fn lease(row: &LeaseRow) -> Result<Target<Lease>, Unwritable> {
    let expected = ExpectedLease {
        address: LeaseAddress::Ip(ipv4(row.address)?),
        comment: comment(&row.comment),
    };
    Ok(Target {
        id: id(&row.id)?,
        expected,
    })
}

/// A client's lease as it was read.
fn eviction(row: &LeaseRow) -> Result<DynamicLease, Unwritable> {
    let client = row.mac.filter(|_| row.dynamic && !row.evidence);
    Ok(DynamicLease {
        id: id(&row.id)?,
        address: ipv4(row.address)?,
        mac_address: octets(client.ok_or(Unwritable::NoClient(row.address))?),
    })
}

/// The ARP row as it was read.
fn arp(row: &ArpRow) -> Result<Target<Arp>, Unwritable> {
    let expected = ExpectedArp {
        address: ipv4(row.address)?,
        comment: comment(&row.comment),
    };
    Ok(Target {
        id: id(&row.id)?,
        expected,
    })
}

fn id(text: &str) -> Result<RowId, Unwritable> {
    text.parse().map_err(Unwritable::Id)
}

fn comment(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn pool_ranges(ranges: &RangeSet) -> Result<PoolRanges, Unwritable> {
    Ok(PoolRanges::try_from(ipv4_ranges(ranges))?)
}

/// A pool in `/ip/pool` holds IPv4 alone: a range of the other family is none of its business.
fn ipv4_ranges(ranges: &RangeSet) -> AddressRanges {
    ranges
        .ranges()
        .iter()
        .filter_map(|range| match (range.first(), range.last()) {
            (IpAddr::V4(first), IpAddr::V4(last)) => AddressRange::new(first, last),
            _ => None,
        })
        .collect()
}

fn ipv4(address: IpAddr) -> Result<Ipv4Addr, Unwritable> {
    match address {
        IpAddr::V4(address) => Ok(address),
        IpAddr::V6(_) => Err(Unwritable::Ipv6(address)),
    }
}

fn made_up(mac: MacAddr) -> Result<LocalMac, Unwritable> {
    LocalMac::try_from(octets(mac)).map_err(Unwritable::Mac)
}

fn octets(mac: MacAddr) -> value::MacAddr {
    value::MacAddr(mac.octets())
}
