//! What is under way on a simulated segment, and the dice.

use std::net::IpAddr;
use std::sync::Arc;

use super::super::super::reach;
use crate::model::{Instant, NodeName};

/// A small generator of our own: the same numbers on every machine and in every version (splitmix64).
#[derive(Clone)]
pub(in super::super) struct Random(pub(in super::super) u64);

impl Random {
    pub(in super::super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(in super::super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Datagrams in a socket that nobody reads, with where they came from.
pub(in super::super) type Waiting = Vec<(IpAddr, Arc<[u8]>)>;

/// What travels.
#[derive(Clone)]
pub(super) enum Parcel {
    Datagram {
        from: usize,
        to: IpAddr,
        bytes: Arc<[u8]>,
    },
    Asked {
        node: usize,
        boots: u8,
        key: IpAddr,
    },
    Witness {
        node: usize,
    },
    /// An ARP answer of a node's kernel.
    Neighbor {
        to: usize,
        of: usize,
    },
    /// A ping on its way to a kernel.
    Ping {
        from: usize,
        probe: reach::Probe,
    },
    /// A speaker is asked for an address that it claims.
    Owner {
        from: usize,
        key: IpAddr,
        owner: NodeName,
    },
    /// And its answer.
    Echo {
        to: usize,
        probe: reach::Probe,
        arrived: Instant,
    },
}

/// A parcel with its time of arrival, and a number that keeps those of one moment in order.
pub(super) struct Travelling(pub(super) Instant, pub(super) u64, pub(super) Parcel);
impl PartialEq for Travelling {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Travelling {}
impl PartialOrd for Travelling {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Travelling {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}
