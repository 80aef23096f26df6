//! The kernel filter of a packet socket: classic BPF (`linux/filter.h`), built from our MAC and the addresses of
//! interest.
//!
//! What it refuses costs no wake-up and no copy; a LAN's other broadcasts never reach the process. What it lets
//! through is checked again in user space, so the filter may be coarser than the rules, never finer.

use std::net::{IpAddr, Ipv4Addr};

use socket2::SockFilter;
use tiklb_core::model::{Family, MacAddr, RangeSet};

use self::prefix::Prefix;
use self::program::Assembler;

mod prefix;
mod program;

pub use program::Instruction;

/// More intervals than this are replaced by the one that covers them all. Jumps reach 255 instructions, two
/// addresses are compared with two instructions per interval; a home has one or two pools.
pub const MAX_INTERVALS: usize = 32;
/// The same for prefixes: an IPv6 address is compared with up to nine instructions, at three places.
pub const MAX_PREFIXES: usize = 8;
/// Bytes of a frame that are kept: an ARP frame with Ethernet's padding (60), rounded up.
pub const SNAP_LENGTH: u32 = 64;
/// The same for an echo, of which IPv6's is the longer one (70).
pub const ECHO_SNAP_LENGTH: u32 = 72;
/// The same for NDP, whose checksum is over the whole of it: 86 bytes without options that no host of a home sends.
pub const NDP_SNAP_LENGTH: u32 = 512;

/// Which frames a packet socket receives, of one of two protocols.
///
/// ARP: untagged (or of VLAN 0, which is a priority and no VLAN), not sent by
/// ourselves, IPv4 over Ethernet, request or reply, to `own` or to everybody, and with the sender or the target
/// inside one of the intervals.
///
/// NDP: untagged, not sent by ourselves, a neighbour solicitation or advertisement that no router passed on, to us or to a
/// group, and with the target, the source or the destination in one of the prefixes that cover the intervals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    own: MacAddr,
    wanted: Wanted,
}

/// What is to pass.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// Ascending, neither overlapping nor touching; both ends included.
    Arp(Vec<(Ipv4Addr, Ipv4Addr)>),
    Ndp(Vec<Prefix>),
}

impl Filter {
    /// The filter for an interface with the MAC `own` and the IPv4 addresses among `addresses`. Without any, no
    /// frame passes.
    pub fn new(own: MacAddr, addresses: &RangeSet) -> Self {
        let mut intervals: Vec<(Ipv4Addr, Ipv4Addr)> = addresses
            .ranges()
            .iter()
            .filter_map(|range| match (range.first(), range.last()) {
                (IpAddr::V4(first), IpAddr::V4(last)) => Some((first, last)),
                _ => None,
            })
            .collect();
        if intervals.len() > MAX_INTERVALS
            && let (Some(lowest), Some(highest)) = (intervals.first(), intervals.last())
        {
            intervals = vec![(lowest.0, highest.1)];
        }
        Self {
            own,
            wanted: Wanted::Arp(intervals),
        }
    }

    /// The filter for NDP about the IPv6 addresses among `addresses`. Without any, no frame passes.
    pub fn ndp(own: MacAddr, addresses: &RangeSet) -> Self {
        let ranges = addresses.ranges().iter();
        let ranges = ranges.filter_map(|range| match (range.first(), range.last()) {
            (IpAddr::V6(first), IpAddr::V6(last)) => Some((first, last)),
            _ => None,
        });
        let ranges: Vec<_> = ranges.collect();
        let prefixes = match (ranges.first(), ranges.last()) {
            (Some((lowest, _)), Some((_, highest))) if ranges.len() > MAX_PREFIXES => {
                vec![Prefix::covering(*lowest, *highest)]
            }
            _ => ranges.iter().map(|(a, b)| Prefix::covering(*a, *b)).collect(),
        };
        Self {
            own,
            wanted: Wanted::Ndp(prefixes),
        }
    }

    /// Whether nothing passes: then a socket is of no use.
    pub fn is_empty(&self) -> bool {
        match &self.wanted {
            Wanted::Arp(intervals) => intervals.is_empty(),
            Wanted::Ndp(prefixes) => prefixes.is_empty(),
        }
    }

    /// Whether it is for NDP; otherwise for ARP.
    pub(super) const fn is_ndp(&self) -> bool {
        matches!(self.wanted, Wanted::Ndp(_))
    }

    /// The program, for reading and for tests.
    pub fn program(&self) -> Vec<Instruction> {
        let mut code = Assembler::default();
        match &self.wanted {
            Wanted::Arp(intervals) => {
                code.refuse_outgoing_and_tagged(program::TO_EVERYBODY);
                code.require_arp_for_ipv4_over_ethernet();
                code.require_destination(self.own);
                for field in [program::SENDER_IP, program::TARGET_IP] {
                    code.accept_inside(field, intervals);
                }
                code.finish(SNAP_LENGTH)
            }
            Wanted::Ndp(prefixes) => {
                code.refuse_outgoing_and_tagged(program::TO_A_GROUP);
                code.require_neighbor_discovery();
                for prefix in prefixes {
                    for field in program::NDP_ADDRESSES {
                        code.accept_prefix(field, *prefix);
                    }
                }
                code.finish(NDP_SNAP_LENGTH)
            }
        }
    }

    pub(super) fn socket_filter(&self) -> Vec<SockFilter> {
        socket_filter(&self.program())
    }
}

/// Which packets a socket for echo replies receives: those of one family to this host, with the number `id` of one process.
pub fn echo_program(family: Family, id: u16) -> Vec<Instruction> {
    let mut code = Assembler::default();
    match family {
        Family::V4 => {
            code.refuse_outgoing_and_tagged(program::TO_EVERYBODY);
            code.accept_echo_reply(id);
        }
        Family::V6 => {
            code.refuse_outgoing_and_tagged(program::TO_US);
            code.accept_echo_reply_v6(id);
        }
    }
    code.finish(ECHO_SNAP_LENGTH)
}

pub(super) fn socket_filter(program: &[Instruction]) -> Vec<SockFilter> {
    let instructions = program.iter();
    instructions
        .map(|i| SockFilter::new(i.code, i.if_true, i.if_false, i.operand))
        .collect()
}

#[cfg(test)]
mod tests;
