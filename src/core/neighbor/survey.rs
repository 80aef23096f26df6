//! Who uses an unassigned address: asked for each of them about once a minute, by RFC 5227 probes.
//!
//! ```text
//!            due                     1 s after the question, nobody answered
//!  unknown ───────► asked ─────────────────────────────────────────────────► silent
//!                     │ ▲                                                      │
//!        somebody did │ │ each minute                             each minute  ▼
//!                     ▼ │                 second silent round in a row
//!                   occupied ─────────────────────────────────────────────► silent
//! ```
//!
//! IPv4 alone: an IPv6 subnet has more addresses than anybody can ask for. Any ARP frame that speaks for the address
//! counts, asked for or not: a frame that came too late for its question still proves a user. Silence counts only inside
//! the second after a question that really left.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};

use self::subnet::Subnet;
use super::{InterfaceIndex, Outgoing, Statement};
use crate::model::{AddressRange, Instant, MacAddr, RangeSet};

mod subnet;

/// How long an answer may take. RFC 5227's `PROBE_MIN`, the least between two probes: hosts on a LAN answer within milliseconds,
/// sleeping phones within a few hundred.
pub const ANSWER_WINDOW: Duration = Duration::from_secs(1);
/// How often each address is asked for.
pub const ROUND: Duration = Duration::from_mins(1);
/// Five questions a second and subnet: unnoticed by people, below every switch's ARP limit (15/s).
pub const QUESTION_INTERVAL: Duration = Duration::from_millis(200);
/// Addresses per subnet: what a minute holds at five a second. Of more the lowest are asked; the others are
/// never known to be silent.
pub const MAX_ADDRESSES: usize = 300;
/// Rounds without a sign after which an occupied address is free: one lost answer changes nothing.
pub const SILENT_ROUNDS: u8 = 2;
/// A MAC that speaks for more addresses than this is proxy ARP: a router or access point that answers for
/// everybody, and says nothing about a user.
pub const PROXY_ABOVE: usize = 4;
/// MACs remembered for one address: two are a conflict, more are somebody's game.
const MAX_HOLDERS: usize = 4;

/// Which addresses of a subnet are to be asked for, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// Where the questions leave and the answers arrive.
    pub interface: InterfaceIndex,
    /// The interface's own MAC.
    pub mac: MacAddr,
    /// The unassigned addresses; those outside the subnet and of the other family are passed over.
    pub addresses: RangeSet,
}

/// Something that became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Somebody uses the address. Said again when it is another one than before.
    Occupied {
        /// Which address.
        address: Ipv4Addr,
        /// The hardware address that speaks for it.
        mac: MacAddr,
    },
    /// An occupied address was silent for two rounds, or its only speaker turned out to be proxy ARP or a node of ours.
    Silent {
        /// Which address.
        address: Ipv4Addr,
    },
    /// This MAC answers for more than four of the addresses; from now on its answers count for nothing. Said
    /// once, until it has been silent for all of them.
    ProxyArp {
        /// Where.
        subnet: Ipv4Net,
        /// Who.
        mac: MacAddr,
    },
}

/// A completed round: each covered address was asked for after `began`, and its second is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Of which subnet.
    pub subnet: Ipv4Net,
    /// Before its first question.
    pub began: Instant,
    /// After its last window for answers.
    pub ended: Instant,
    /// The addresses that were asked for. Those that became due together; a new address has a round of its own.
    pub covered: RangeSet,
    /// Those of them that nobody spoke for.
    pub silent: RangeSet,
}

/// What a poll or a frame brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// An address changed hands.
    Change(Change),
    /// A round is complete.
    Round(Round),
}

/// The survey of every subnet that this node is the surveyor of.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    subnets: BTreeMap<Ipv4Net, Subnet>,
    nodes: BTreeSet<MacAddr>,
}

impl Survey {
    /// No subnet is surveyed.
    pub const fn new() -> Self {
        Self {
            subnets: BTreeMap::new(),
            nodes: BTreeSet::new(),
        }
    }

    /// The MACs of our own nodes: they announce, and surveyors before us probed; they never count as users. What was heard
    /// of one before it was known to be a node's is forgotten: of speakers that start together each may ask, and hears
    /// the others.
    pub fn set_nodes(&mut self, nodes: BTreeSet<MacAddr>, found: &mut Vec<Finding>) {
        for mac in nodes.difference(&self.nodes) {
            for subnet in self.subnets.values_mut() {
                subnet.disown(*mac, found);
            }
        }
        self.nodes = nodes;
    }

    /// Whether this MAC is one of our nodes'.
    pub fn is_node(&self, mac: MacAddr) -> bool {
        self.nodes.contains(&mac)
    }

    /// The MACs that answer for more addresses than any device has, each with a subnet where it does.
    pub fn proxies(&self) -> BTreeMap<MacAddr, Ipv4Net> {
        let subnets = self.subnets.iter();
        let all = subnets.flat_map(|(net, subnet)| subnet.proxies().map(move |mac| (mac, *net)));
        all.collect()
    }

    /// Makes this node the surveyor of `subnet`, or changes what is asked for there: known addresses keep what
    /// is known, new ones are asked at once, others are forgotten without a change. `None`, another interface or
    /// another MAC forgets the subnet: to be called when the link is lost too, since silence on a dead link
    /// proves nothing.
    pub fn set(&mut self, subnet: Ipv4Net, area: Option<&Area>, now: Instant) {
        let Some(area) = area else {
            self.subnets.remove(&subnet);
            return;
        };
        let inside = RangeSet::from(AddressRange::from(IpNet::V4(subnet)));
        let addresses: BTreeSet<Ipv4Addr> = area
            .addresses
            .intersection(&inside)
            .iter()
            .filter_map(|address| match address {
                IpAddr::V4(v4) => Some(v4),
                IpAddr::V6(_) => None,
            })
            .take(MAX_ADDRESSES)
            .collect();
        let known = self.subnets.entry(subnet);
        let known = known.or_insert_with(|| Subnet::new(subnet, area.interface, area.mac, now));
        if (known.interface, known.mac) != (area.interface, area.mac) {
            *known = Subnet::new(subnet, area.interface, area.mac, now);
        }
        known.set_addresses(&addresses, now);
    }

    /// Notes what a frame says about the addresses that are asked for: its sender address, or in a probe the
    /// address that its sender is about to use.
    pub fn hear(&mut self, interface: InterfaceIndex, said: impl Into<Statement>, found: &mut Vec<Finding>) {
        let said = said.into();
        let mac = said.sender_mac;
        if mac.is_zero() || mac.is_multicast() || self.nodes.contains(&mac) {
            return;
        }
        let IpAddr::V4(address) = said.used() else { return };
        let here = self.subnets.values_mut().filter(|s| s.interface == interface);
        for subnet in here.filter(|s| s.mac != mac) {
            subnet.hear(address, mac, found);
        }
    }

    /// Closes windows, reports what they brought, and appends the probes that are due and within the rate. Hand
    /// over received frames first.
    pub fn poll(&mut self, now: Instant, out: &mut Vec<Outgoing>, found: &mut Vec<Finding>) {
        for subnet in self.subnets.values_mut() {
            subnet.close_windows(now, found);
            subnet.complete_round(now, found);
            subnet.ask(now, out);
        }
    }

    /// Takes a probe back that could not be sent: its silence proves nothing, and it is asked again a second
    /// later.
    pub fn not_sent(&mut self, probe: &Outgoing, now: Instant) {
        let here = self
            .subnets
            .values_mut()
            .filter(|s| s.interface == probe.interface);
        let IpAddr::V4(address) = probe.address else {
            return;
        };
        for subnet in here {
            subnet.not_sent(address, now);
        }
    }

    /// When `poll` has something to do next.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.subnets.values().filter_map(Subnet::next_deadline).min()
    }

    /// Who uses an address that is asked for.
    pub fn occupant(&self, address: Ipv4Addr) -> Option<MacAddr> {
        self.subnets.values().find_map(|s| s.occupant(address))
    }

    /// Whether nobody spoke for the address after a question that left within the last `max_age`.
    pub fn knows_silent(&self, address: Ipv4Addr, now: Instant, max_age: Duration) -> bool {
        self.subnets
            .values()
            .filter_map(|s| s.silent_since_question(address))
            .any(|asked| now.since(asked) <= max_age)
    }
}

#[cfg(test)]
mod tests;
