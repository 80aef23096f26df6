//! Where a range lies on a router, and whether it may be taken there.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::consumer::Consumers;
use super::marker::Marker;
use super::observed::{PoolRow, Reading, ServerRow};
use crate::config::{Pool, RouterSpec};
use crate::model::{AddressRange, NodeName, RangeSet};

/// The place of an address on a router: the network, the interface that has it, and the DHCP server there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The connected network.
    pub network: IpNet,
    /// The interface.
    pub interface: String,
    /// The DHCP server on that interface.
    pub server: String,
}

/// A range of ours on a router, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The IPAddressPool's name.
    pub pool: String,
    /// Its IPv4 addresses.
    pub ranges: RangeSet,
    /// Where they lie.
    pub place: Place,
    /// The router's pools that still hold some of them.
    pub cuts: Vec<Cut>,
}

/// One pool of the router and what of it is ours to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The pool as read.
    pub row: PoolRow,
    /// The server that hands it out.
    pub server: String,
    /// The addresses to take.
    pub ranges: RangeSet,
}

/// Why a range is not taken. The whole range stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Not in a network of the router.
    NotConnected {
        /// The IPAddressPool.
        pool: String,
        /// What lies outside.
        ranges: RangeSet,
        /// The router's networks.
        networks: Vec<IpNet>,
    },
    /// In a network for which this router has no DHCP server.
    NotServed {
        /// The IPAddressPool.
        pool: String,
        /// The network.
        network: IpNet,
        /// Its interface.
        interface: String,
    },
    /// A DHCP pool that is named, here or by the server itself, does not exist.
    PoolNotFound {
        /// Who names it.
        named_by: String,
        /// The name.
        name: String,
        /// The pools that exist.
        existing: Vec<String>,
    },
    /// Something besides one DHCP server uses the router's pool.
    PoolShared {
        /// The router's pool.
        name: String,
        /// What else uses it.
        by: String,
    },
    /// Too few addresses would remain for DHCP clients.
    TooFewLeft {
        /// The router's pool.
        name: String,
        /// Free addresses that would remain.
        left: u128,
        /// `spec.dhcp.minFreeAddresses`.
        wanted: u32,
    },
    /// A cluster node's own address lies in the range.
    NodeAddress {
        /// The IPAddressPool.
        pool: String,
        /// The node.
        node: NodeName,
        /// Its address.
        address: IpAddr,
    },
    /// Another cluster's row on the router holds some of it.
    OtherCluster {
        /// The IPAddressPool.
        pool: String,
        /// What both have.
        ranges: RangeSet,
        /// The other's `clusterName`.
        cluster: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected {
                pool,
                ranges,
                networks,
            } => {
                let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "{ranges} of pool {pool} is in no network of this router ({}): correct the pool's addresses, or leave the pool out with spec.poolSelector",
                    if networks.is_empty() {
                        "it has none".to_owned()
                    } else {
                        networks.join(", ")
                    }
                )
            }
            Self::NotServed {
                pool,
                network,
                interface,
            } => write!(
                f,
                "pool {pool} lies in {network}, where this router has no enabled DHCP server (interface {interface}): enable one, or leave the pool out with spec.poolSelector"
            ),
            Self::PoolNotFound {
                named_by,
                name,
                existing,
            } => write!(
                f,
                "{named_by} names the pool {name:?}, which the router does not have; its pools are: {}",
                existing.join(", ")
            ),
            Self::PoolShared { name, by } => {
                write!(
                    f,
                    "the router's pool {name} is also used by {by}: add it to spec.dhcp.pools if it may be cut all the same"
                )
            }
            Self::TooFewLeft { name, left, wanted } => write!(
                f,
                "only {left} free addresses would remain in the router's pool {name}, all IPAddressPools together, and spec.dhcp.minFreeAddresses is {wanted}: make the IPAddressPool smaller or the router's pool larger"
            ),
            Self::NodeAddress { pool, node, address } => write!(
                f,
                "{address}, the address of node {node}, lies in pool {pool}: a node must not lose its own address to a Service; move the pool or the node"
            ),
            Self::OtherCluster {
                pool,
                ranges,
                cluster,
            } => write!(
                f,
                "{ranges} of pool {pool} belongs to the cluster {cluster}, whose row stands in the router's /ip/pool: give each cluster its own part of the network; if that cluster is no more, tiklb release gives back what it held"
            ),
        }
    }
}

/// Finds the place of an address; `None` outside of the networks that this router is connected to and serves.
pub fn place(reading: &Reading, address: IpAddr) -> Option<Place> {
    reading
        .addresses
        .iter()
        .filter(|row| row.network.contains(&address))
        .find_map(|row| {
            let server = server_on(reading, &row.interface)?;
            Some(Place {
                network: row.network,
                interface: row.interface.clone(),
                server: server.name.clone(),
            })
        })
}

fn server_on<'a>(reading: &'a Reading, interface: &str) -> Option<&'a ServerRow> {
    reading
        .servers
        .iter()
        .filter(|server| !server.idle && server.interface == interface)
        .min_by_key(|s| &s.name)
}

/// Checks one IPAddressPool against a reading, and beside the claims that were granted before it.
///
/// # Errors
/// Why the range must not be taken, with the fix.
pub fn claim(
    pool: &Pool,
    reading: &Reading,
    spec: &RouterSpec,
    nodes: &[(NodeName, IpAddr)],
    earlier: &[Claim],
) -> Result<Claim, Refusal> {
    let ranges = pool.ranges.v4();
    let place = place_of_range(pool, &ranges, reading)?;
    if let Some((node, address)) = nodes.iter().find(|(_, address)| ranges.contains(*address)) {
        return Err(Refusal::NodeAddress {
            pool: pool.name.clone(),
            node: node.clone(),
            address: *address,
        });
    }
    check_others(pool, &ranges, reading, spec)?;
    check_names(reading, spec, &place)?;
    let cuts = reading
        .pools
        .iter()
        .filter(|row| Marker::parse(&row.comment).is_none())
        .filter_map(|row| {
            let overlap = row.ranges.intersection(&ranges);
            let cuts = earlier.iter().flat_map(|claim| &claim.cuts);
            let other = cuts.filter(|cut| cut.row.id == row.id);
            let other = other.fold(RangeSet::new(), |all, cut| all.union(&cut.ranges));
            (!overlap.is_empty()).then(|| cut(row, overlap, &other, reading, spec))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Claim {
        pool: pool.name.clone(),
        ranges,
        place,
        cuts,
    })
}

fn place_of_range(pool: &Pool, ranges: &RangeSet, reading: &Reading) -> Result<Place, Refusal> {
    let connected: RangeSet = reading
        .addresses
        .iter()
        .map(|row| AddressRange::from(row.network))
        .collect();
    let outside = ranges.difference(&connected);
    let networks = || reading.addresses.iter().map(|row| row.network.trunc()).collect();
    let not_connected = |ranges| Refusal::NotConnected {
        pool: pool.name.clone(),
        ranges,
        networks: networks(),
    };
    if !outside.is_empty() || ranges.is_empty() {
        return Err(not_connected(outside));
    }
    let first = ranges.ranges()[0].first();
    // The widest: an address that stands alone (VRRP) is in its own network of one address, too.
    let around = reading
        .addresses
        .iter()
        .filter(|row| row.network.contains(&first));
    let Some(row) = around.min_by_key(|row| row.network.prefix_len()) else {
        return Err(not_connected(ranges.clone()));
    };
    let beyond = ranges.difference(&AddressRange::from(row.network).into());
    if !beyond.is_empty() {
        return Err(not_connected(beyond)); // One pool, one network: its Services share one server and one segment.
    }
    let Some(server) = server_on(reading, &row.interface) else {
        return Err(Refusal::NotServed {
            pool: pool.name.clone(),
            network: row.network.trunc(),
            interface: row.interface.clone(),
        });
    };
    Ok(Place {
        network: row.network,
        interface: row.interface.clone(),
        server: server.name.clone(),
    })
}

/// No other cluster has said on the router that it hands some of this out. (Rows of a namesake stop everything.) What
/// this one has said there already stays its: address by address, what the other has a row for is held.
fn check_others(pool: &Pool, ranges: &RangeSet, reading: &Reading, spec: &RouterSpec) -> Result<(), Refusal> {
    let owned = |row: &PoolRow| Marker::parse(&row.comment).map(|marker| marker.owner.cluster);
    let own = reading
        .pools
        .iter()
        .filter(|row| owned(row).as_ref() == Some(&spec.cluster_name));
    let own = own.fold(RangeSet::new(), |all, row| all.union(&row.ranges));
    for row in &reading.pools {
        let marker = Marker::parse(&row.comment).filter(|marker| marker.owner.cluster != spec.cluster_name);
        let both = row.ranges.intersection(ranges).difference(&own);
        if let Some(marker) = marker.filter(|_| !both.is_empty()) {
            return Err(Refusal::OtherCluster {
                pool: pool.name.clone(),
                ranges: both,
                cluster: marker.owner.cluster,
            });
        }
    }
    Ok(())
}

/// The names that the user and the server rely on exist.
fn check_names(reading: &Reading, spec: &RouterSpec, place: &Place) -> Result<(), Refusal> {
    let exists = |name: &String| reading.pools.iter().any(|row| row.name == *name);
    let missing = |named_by: String, name: &str| Refusal::PoolNotFound {
        named_by,
        name: name.to_owned(),
        existing: reading.pools.iter().map(|row| row.name.clone()).collect(),
    };
    if let Some(name) = spec.allowed_pools.iter().find(|name| !exists(name)) {
        return Err(missing("spec.dhcp.pools".to_owned(), name));
    }
    let server = reading.servers.iter().find(|server| server.name == place.server);
    match server.and_then(|server| server.pool.as_ref()) {
        Some(name) if !exists(name) => Err(missing(format!("DHCP server {}", place.server), name)),
        _ => Ok(()),
    }
}

/// `other` is what other claims take out of the same pool: one after the other they must not empty it either.
fn cut(
    row: &PoolRow,
    ranges: RangeSet,
    other: &RangeSet,
    reading: &Reading,
    spec: &RouterSpec,
) -> Result<Cut, Refusal> {
    let Consumers {
        servers,
        chained,
        takers,
    } = Consumers::of(reading, &row.name);
    let shared = |by: String| Refusal::PoolShared {
        name: row.name.clone(),
        by,
    };
    if !spec.allowed_pools.contains(&row.name) {
        if let Some(other) = takers.into_iter().chain(chained).next() {
            return Err(shared(other));
        }
        if let [one, another, ..] = servers.as_slice() {
            // Who shrinks it for one network shrinks it for the other.
            return Err(shared(format!(
                "the DHCP servers {} and {}",
                one.name, another.name
            )));
        }
        if servers.is_empty() {
            return Err(shared(
                "something that the router does not tell (RADIUS, or nobody), and by no DHCP server"
                    .to_owned(),
            ));
        }
    }
    let left = left_after(row, &ranges.union(other), reading);
    if left < u128::from(spec.min_free_addresses) {
        return Err(Refusal::TooFewLeft {
            name: row.name.clone(),
            left,
            wanted: spec.min_free_addresses,
        });
    }
    let server = servers
        .first()
        .map(|server| server.name.clone())
        .unwrap_or_default();
    Ok(Cut {
        row: row.clone(),
        server,
        ranges,
    })
}

/// Free addresses that remain for clients: those in use there, and those that the displaced clients will need, are
/// not free.
fn left_after(row: &PoolRow, taken: &RangeSet, reading: &Reading) -> u128 {
    let rest = row.ranges.difference(taken);
    let in_use = reading
        .leases
        .iter()
        .filter(|lease| rest.contains(lease.address))
        .count() as u128;
    let displaced = reading
        .leases
        .iter()
        .filter(|lease| lease.dynamic && taken.contains(lease.address))
        .count() as u128;
    rest.count().saturating_sub(in_use + displaced)
}
