//! Classic BPF, as much of it as the filter needs: absolute loads, comparisons with forward jumps, return.
//!
//! A load beyond the frame's end makes the kernel refuse the frame, so that short frames need no test.

use std::net::Ipv4Addr;

use tiklb_core::model::MacAddr;

use super::prefix::Prefix;

/// One instruction (`struct sock_filter` of `linux/filter.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// What it does: class, size and mode (`linux/bpf_common.h`).
    pub code: u16,
    /// How many instructions are skipped if a comparison holds.
    pub if_true: u8,
    /// How many are skipped if it does not.
    pub if_false: u8,
    /// The constant: an offset for a load, a value for a comparison or return.
    pub operand: u32,
}

/// `BPF_LD | BPF_W | BPF_ABS`: four bytes, from network order.
pub(super) const LOAD_WORD: u16 = 0x20;
/// `BPF_LD | BPF_H | BPF_ABS`: two bytes, from network order.
pub(super) const LOAD_HALF: u16 = 0x28;
/// `BPF_LD | BPF_B | BPF_ABS`: one byte.
pub(super) const LOAD_BYTE: u16 = 0x30;
/// `BPF_JMP | BPF_JEQ | BPF_K`.
pub(super) const JUMP_EQUAL: u16 = 0x15;
/// `BPF_JMP | BPF_JGT | BPF_K`, unsigned.
pub(super) const JUMP_GREATER: u16 = 0x25;
/// `BPF_JMP | BPF_JGE | BPF_K`, unsigned.
pub(super) const JUMP_GREATER_OR_EQUAL: u16 = 0x35;
/// `BPF_ALU | BPF_AND | BPF_K`.
pub(super) const AND: u16 = 0x54;
/// `BPF_RET | BPF_K`: how many bytes are kept; 0 refuses the frame.
pub(super) const RETURN: u16 = 0x06;

/// `SKF_AD_OFF`, -0x1000: loads from here on read what the kernel knows beside the frame's bytes.
const ANCILLARY: u32 = 0xffff_f000;
/// `SKF_AD_PKTTYPE`: who the frame was for, `PACKET_*` of `linux/if_packet.h`.
pub(super) const PACKET_TYPE: u32 = ANCILLARY + 4;
/// `PACKET_HOST`: to the interface's own MAC.
pub(super) const TO_US: u32 = 0;
/// `PACKET_BROADCAST`.
pub(super) const TO_EVERYBODY: u32 = 1;
/// `PACKET_MULTICAST`.
pub(super) const TO_A_GROUP: u32 = 2;
/// `SKF_AD_VLAN_TAG_PRESENT`: the tag itself is no longer in the bytes by the time a filter sees them.
pub(super) const VLAN_TAG_PRESENT: u32 = ANCILLARY + 48;

/// Where the fields lie: see the picture in `core::neighbor::frame`.
const ETHERNET_DESTINATION: u32 = 0;
const ETHER_TYPE: u32 = 12;
const HARDWARE_AND_PROTOCOL_TYPE: u32 = 14;
const LENGTHS_AND_OPERATION: u32 = 18;
pub(super) const SENDER_IP: u32 = 28;
pub(super) const TARGET_IP: u32 = 38;

/// `ETH_P_ARP`. The socket is bound to it too, but a filter must not rely on that: the next one who binds the
/// socket elsewhere would get every frame.
const ARP: u32 = 0x0806;
/// `ETH_P_IP`.
const IPV4: u32 = 0x0800;
/// Version 4 and a header of five words: the first byte of a packet without options.
const PLAIN_HEADER: u32 = 0x45;
/// `IPPROTO_ICMP`.
const ICMP: u32 = 1;
/// Type 0 and code 0 of RFC 792.
const ECHO_REPLY: u32 = 0;
/// Where the fields lie: see the picture in `core::neighbor::echo`.
const IP_HEADER: u32 = 14;
const IP_PROTOCOL: u32 = 23;
const ICMP_TYPE_AND_CODE: u32 = 34;
const ICMP_ID: u32 = 38;

/// `ETH_P_IPV6`.
const IPV6: u32 = 0x86dd;
/// Version 6: the upper half of the first byte; the lower one begins the traffic class.
const VERSION_6: (u32, u32) = (0xf0, 0x60);
/// `IPPROTO_ICMPV6`, as next header.
const ICMPV6: u32 = 58;
/// Type 129 and code 0 of RFC 4443.
const ECHO_REPLY_V6: u32 = 0x8100;
/// Where the fields lie: see the second picture in `core::neighbor::echo`.
const NEXT_HEADER: u32 = 20;
const ICMPV6_ID: u32 = 58;
/// Next header `ICMPv6` (58) and hop limit 255: see the picture in `core::neighbor::ndp`.
const NEXT_HEADER_AND_HOP_LIMIT: u32 = 20;
const ICMPV6_FROM_THIS_LINK: u32 = 0x3aff;
const ICMPV6_TYPE_AND_CODE: u32 = 54;
/// Type 135 and code 0 of RFC 4861.
const SOLICITATION: u32 = 0x8700;
/// Type 136 and code 0.
const ADVERTISEMENT: u32 = 0x8800;
/// Where a solicitation or an advertisement has addresses: target, source, destination.
pub(super) const NDP_ADDRESSES: [u32; 3] = [62, 22, 38];

/// Hardware type 1 (Ethernet) and protocol type 0x0800 (IPv4), one word.
const ETHERNET_AND_IPV4: u32 = 0x0001_0800;
/// Lengths 6 and 4 and operation 1.
const REQUEST: u32 = 0x0604_0001;
/// Lengths 6 and 4 and operation 2.
const REPLY: u32 = 0x0604_0002;

/// Where a comparison goes on.
#[derive(Debug, Clone, Copy)]
enum To {
    /// The instruction behind it.
    Next,
    /// This many behind the next.
    Skip(u8),
    /// The final return that keeps the frame.
    Accept,
    /// The final return that refuses it.
    Refuse,
}

/// Instructions whose jumps to the two returns are not known yet.
#[derive(Debug, Default)]
pub(super) struct Assembler(Vec<(Instruction, To, To)>);

impl Assembler {
    /// What was sent by this machine, was for another one, or has a VLAN tag. `to_several`: what passes besides what is to
    /// us, broadcasts or what is for a group, if anything.
    ///
    /// A socket bound to one protocol never sees the mark of a tag: the kernel clears it first, and calls a frame
    /// of a VLAN that it has no interface for "for another host", whatever its destination
    /// (`__netif_receive_skb_core`). So it is the packet type that keeps tagged frames out; the mark would matter
    /// to a socket bound to every protocol.
    pub(super) fn refuse_outgoing_and_tagged(&mut self, to_several: u32) {
        self.load(LOAD_WORD, PACKET_TYPE);
        self.jump(JUMP_EQUAL, TO_US, To::Skip(1), To::Next);
        self.jump(JUMP_EQUAL, to_several, To::Next, To::Refuse);
        self.load(LOAD_WORD, VLAN_TAG_PRESENT);
        self.jump(JUMP_EQUAL, 0, To::Next, To::Refuse);
    }

    pub(super) fn require_arp_for_ipv4_over_ethernet(&mut self) {
        self.load(LOAD_HALF, ETHER_TYPE);
        self.jump(JUMP_EQUAL, ARP, To::Next, To::Refuse);
        self.load(LOAD_WORD, HARDWARE_AND_PROTOCOL_TYPE);
        self.jump(JUMP_EQUAL, ETHERNET_AND_IPV4, To::Next, To::Refuse);
        self.load(LOAD_WORD, LENGTHS_AND_OPERATION);
        self.jump(JUMP_EQUAL, REQUEST, To::Skip(1), To::Next);
        self.jump(JUMP_EQUAL, REPLY, To::Next, To::Refuse);
    }

    /// A solicitation or an advertisement that no router has passed on.
    pub(super) fn require_neighbor_discovery(&mut self) {
        self.load(LOAD_HALF, ETHER_TYPE);
        self.jump(JUMP_EQUAL, IPV6, To::Next, To::Refuse);
        self.load(LOAD_HALF, NEXT_HEADER_AND_HOP_LIMIT);
        self.jump(JUMP_EQUAL, ICMPV6_FROM_THIS_LINK, To::Next, To::Refuse);
        self.load(LOAD_HALF, ICMPV6_TYPE_AND_CODE);
        self.jump(JUMP_EQUAL, SOLICITATION, To::Skip(1), To::Next);
        self.jump(JUMP_EQUAL, ADVERTISEMENT, To::Next, To::Refuse);
    }

    /// Accepts a frame whose IPv6 address at `field` has the prefix; goes on otherwise.
    pub(super) fn accept_prefix(&mut self, field: u32, prefix: Prefix) {
        let words: Vec<_> = prefix.words().collect();
        let length = |mask: u32| if mask == u32::MAX { 2 } else { 3 };
        let mut left: u8 = words.iter().map(|(_, _, mask)| length(*mask)).sum();
        if words.is_empty() {
            // Every address has the empty prefix.
            self.jump(JUMP_EQUAL, 0, To::Accept, To::Accept);
        }
        for (offset, value, mask) in words {
            left -= length(mask);
            self.load(LOAD_WORD, field + offset);
            if mask != u32::MAX {
                self.push(AND, mask, To::Next, To::Next);
            }
            let fits = if left == 0 { To::Accept } else { To::Next };
            self.jump(JUMP_EQUAL, value, fits, To::Skip(left));
        }
    }

    /// An echo reply to the process that asks with this number.
    pub(super) fn accept_echo_reply(&mut self, id: u16) {
        for (code, field, value) in [
            (LOAD_HALF, ETHER_TYPE, IPV4),
            (LOAD_BYTE, IP_HEADER, PLAIN_HEADER),
            (LOAD_BYTE, IP_PROTOCOL, ICMP),
            (LOAD_HALF, ICMP_TYPE_AND_CODE, ECHO_REPLY),
        ] {
            self.load(code, field);
            self.jump(JUMP_EQUAL, value, To::Next, To::Refuse);
        }
        self.load(LOAD_HALF, ICMP_ID);
        self.jump(JUMP_EQUAL, u32::from(id), To::Accept, To::Refuse);
    }

    /// The same by `ICMPv6`. A kernel gives its answers a flow label, and hops as it likes.
    pub(super) fn accept_echo_reply_v6(&mut self, id: u16) {
        let (mask, version) = VERSION_6;
        self.load(LOAD_HALF, ETHER_TYPE);
        self.jump(JUMP_EQUAL, IPV6, To::Next, To::Refuse);
        self.load(LOAD_BYTE, IP_HEADER);
        self.push(AND, mask, To::Next, To::Next);
        self.jump(JUMP_EQUAL, version, To::Next, To::Refuse);
        self.load(LOAD_BYTE, NEXT_HEADER);
        self.jump(JUMP_EQUAL, ICMPV6, To::Next, To::Refuse);
        self.load(LOAD_HALF, ICMPV6_TYPE_AND_CODE);
        self.jump(JUMP_EQUAL, ECHO_REPLY_V6, To::Next, To::Refuse);
        self.load(LOAD_HALF, ICMPV6_ID);
        self.jump(JUMP_EQUAL, u32::from(id), To::Accept, To::Refuse);
    }

    /// Broadcast or `own`: the first four bytes say which of the two it can be, the last two decide.
    pub(super) fn require_destination(&mut self, own: MacAddr) {
        let MacAddr(a, b, c, d, high, low) = own;
        self.load(LOAD_WORD, ETHERNET_DESTINATION);
        self.jump(JUMP_EQUAL, u32::MAX, To::Next, To::Skip(2));
        self.load(LOAD_HALF, ETHERNET_DESTINATION + 4);
        self.jump(JUMP_EQUAL, 0xffff, To::Skip(3), To::Refuse);
        self.jump(JUMP_EQUAL, u32::from_be_bytes([a, b, c, d]), To::Next, To::Refuse);
        self.load(LOAD_HALF, ETHERNET_DESTINATION + 4);
        self.jump(
            JUMP_EQUAL,
            u32::from(u16::from_be_bytes([high, low])),
            To::Next,
            To::Refuse,
        );
    }

    /// Accepts a frame whose address at `field` lies inside one of the ascending intervals; goes on otherwise.
    pub(super) fn accept_inside(&mut self, field: u32, intervals: &[(Ipv4Addr, Ipv4Addr)]) {
        self.load(LOAD_WORD, field);
        for (first, last) in intervals {
            self.jump(JUMP_GREATER_OR_EQUAL, first.to_bits(), To::Next, To::Skip(1));
            self.jump(JUMP_GREATER, last.to_bits(), To::Next, To::Accept);
        }
    }

    /// Refuses what was not accepted, and resolves the jumps.
    pub(super) fn finish(self, keep: u32) -> Vec<Instruction> {
        let refuse = self.0.len();
        let accept = refuse + 1;
        let distance = |from: usize, to: To| match to {
            To::Next => 0,
            To::Skip(count) => count,
            // Bounded by MAX_INTERVALS and MAX_PREFIXES; the tests run the longest program.
            To::Refuse => u8::try_from(refuse - from - 1).unwrap_or(u8::MAX),
            To::Accept => u8::try_from(accept - from - 1).unwrap_or(u8::MAX),
        };
        let returns = [0, keep].map(|operand| Instruction {
            code: RETURN,
            if_true: 0,
            if_false: 0,
            operand,
        });
        let body = self.0.iter().enumerate();
        body.map(|(at, (instruction, if_true, if_false))| Instruction {
            if_true: distance(at, *if_true),
            if_false: distance(at, *if_false),
            ..*instruction
        })
        .chain(returns)
        .collect()
    }

    fn load(&mut self, code: u16, offset: u32) {
        self.push(code, offset, To::Next, To::Next);
    }

    fn jump(&mut self, code: u16, value: u32, if_true: To, if_false: To) {
        self.push(code, value, if_true, if_false);
    }

    fn push(&mut self, code: u16, operand: u32, if_true: To, if_false: To) {
        let instruction = Instruction {
            code,
            if_true: 0,
            if_false: 0,
            operand,
        };
        self.0.push((instruction, if_true, if_false));
    }
}
