//! What the speakers' surveys say, as the allocator learns it from their records in the API.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::Ipv4Net;

use crate::ipam::Holder;
use crate::model::{Instant, NodeName, RangeSet};

/// A survey older than this says nothing about now: three rounds of a minute were missed.
pub const FRESH: Duration = Duration::from_mins(3);

/// A subnet that no speaker has seen for so long is gone: the nodes were given other addresses. Speakers say once an hour
/// what they see, and a home that is off over night is not forgotten.
pub const SEGMENT_KEPT: Duration = Duration::from_hours(24);

/// The longest prefix with a network and a broadcast address of its own (RFC 3021).
const LONGEST_WITH_BOTH: u8 = 30;

/// A subnet of the nodes, as a speaker in it sees it: what is known of its addresses where no router tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Network and prefix length.
    pub subnet: Ipv4Net,
    /// The next hops of the node's default routes that lie in it.
    pub gateways: BTreeSet<Ipv4Addr>,
    /// Whose speaker says so.
    pub node: NodeName,
    /// When it did.
    pub seen: Instant,
}

impl Segment {
    /// Whose the address is, if it is one that no host may have.
    fn holder(&self, address: Ipv4Addr) -> Option<Holder> {
        let subnet = self.subnet.trunc();
        let has_both = subnet.prefix_len() <= LONGEST_WITH_BOTH;
        let (name, what) = if self.gateways.contains(&address) {
            ("the gateway".to_owned(), "next hop of the default route")
        } else if has_both && address == subnet.network() {
            (format!("the network {subnet}"), "network address")
        } else if has_both && address == subnet.broadcast() {
            (format!("the network {subnet}"), "broadcast address")
        } else {
            return None;
        };
        Some(Holder {
            name: Some(name),
            mac: None,
            evidence: format!("its {what}, seen on node {}", self.node),
        })
    }
}

/// The last complete round on one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Who asked.
    pub node: NodeName,
    /// The addresses that were asked for.
    pub covered: RangeSet,
    /// Those that answered.
    pub occupied: RangeSet,
    /// When the record of its end was seen here.
    pub seen: Instant,
    /// How long the round took.
    pub took: Duration,
}

/// All segments and their rounds, by the record's name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surveys {
    rounds: BTreeMap<String, Round>,
    segments: BTreeMap<String, Segment>,
}

impl Surveys {
    /// A record appeared or changed.
    pub fn record(&mut self, name: String, round: Round) {
        self.rounds.insert(name, round);
    }

    /// A record says which subnet it is of.
    pub fn locate(&mut self, name: String, segment: Segment) {
        self.segments.insert(name, segment);
    }

    /// A record went away.
    pub fn forget(&mut self, name: &str) {
        self.rounds.remove(name);
        self.segments.remove(name);
    }

    /// Whose the address is, if it is a network, broadcast or gateway address where the nodes are.
    pub fn fixture(&self, address: IpAddr, now: Instant) -> Option<Holder> {
        // Routers and routes are read for IPv4 alone; IPv6 has no broadcast.
        let IpAddr::V4(address) = address else { return None };
        let segments = self.segments.values();
        let mut fresh = segments.filter(|segment| now.since(segment.seen) <= SEGMENT_KEPT);
        fresh.find_map(|segment| segment.holder(address))
    }

    /// Whether a fresh round asked for the address and nobody answered; with `since`, a round that began after it.
    pub fn silent(&self, address: IpAddr, since: Option<Instant>, now: Instant) -> bool {
        self.rounds.values().any(|round| {
            now.since(round.seen) <= FRESH
                && round.covered.contains(address)
                && !round.occupied.contains(address)
                && since.is_none_or(|since| round.seen.since_start() >= since.since_start() + round.took)
        })
    }
}
