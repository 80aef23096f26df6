//! The kernel filter of a packet socket: classic BPF (`linux/filter.h`), built from our MAC and the addresses of
//! interest.
//!
//! What it refuses costs no wake-up and no copy; a LAN's other broadcasts never reach the process. What it lets
//! through is checked again in user space, so the filter may be coarser than the rules, never finer.

use std::net::{IpAddr, Ipv4Addr};

use socket2::SockFilter;
use tiklb_core::model::{MacAddr, RangeSet};

use self::program::Assembler;

mod program;

pub use program::Instruction;

/// More intervals than this are replaced by the one that covers them all. Jumps reach 255 instructions, two
/// addresses are compared with two instructions per interval; a home has one or two pools.
pub const MAX_INTERVALS: usize = 32;
/// Bytes of a frame that are kept: an ARP frame or an echo with Ethernet's padding (60), rounded up.
pub const SNAP_LENGTH: u32 = 64;

/// Which ARP frames a packet socket receives: untagged (or of VLAN 0, which is a priority and no VLAN), not sent by
/// ourselves, IPv4 over Ethernet, request or reply, to `own` or to everybody, and with the sender or the target
/// inside one of the intervals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    own: MacAddr,
    /// Ascending, neither overlapping nor touching; both ends included.
    intervals: Vec<(Ipv4Addr, Ipv4Addr)>,
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
        Self { own, intervals }
    }

    /// The program, for reading and for tests.
    pub fn program(&self) -> Vec<Instruction> {
        let mut code = Assembler::default();
        code.refuse_outgoing_and_tagged();
        code.require_arp_for_ipv4_over_ethernet();
        code.require_destination(self.own);
        for field in [program::SENDER_IP, program::TARGET_IP] {
            code.accept_inside(field, &self.intervals);
        }
        code.finish(SNAP_LENGTH)
    }

    pub(super) fn socket_filter(&self) -> Vec<SockFilter> {
        socket_filter(&self.program())
    }
}

/// Which packets a socket for echo replies receives: those to this host, with the number `id` of one process.
pub fn echo_program(id: u16) -> Vec<Instruction> {
    let mut code = Assembler::default();
    code.refuse_outgoing_and_tagged();
    code.accept_echo_reply(id);
    code.finish(SNAP_LENGTH)
}

pub(super) fn socket_filter(program: &[Instruction]) -> Vec<SockFilter> {
    let instructions = program.iter();
    instructions
        .map(|i| SockFilter::new(i.code, i.if_true, i.if_false, i.operand))
        .collect()
}

#[cfg(test)]
mod tests;
