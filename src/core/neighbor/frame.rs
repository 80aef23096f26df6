//! ARP over Ethernet: bytes to a checked value, and a value to bytes (RFC 826, RFC 5227).
//!
//! ```text
//!  0             6            12     14     16     18  19  20  22            28     32            38     42
//!  +-------------+-------------+------+------+------+---+---+---+-------------+------+-------------+------+
//!  | destination |   source    | 0806 | 0001 | 0800 | 6 | 4 |op | sender MAC  |sender| target MAC  |target|
//!  +-------------+-------------+------+------+------+---+---+---+-------------+------+-------------+------+
//!  |<-------------- Ethernet -------->|<------------------------- ARP ----------------------------------->|
//! ```
//!
//! pnet is named here, in [`super::ndp`] and in [`super::echo`] only: it is dormant, and these are the files to change
//! should it have to go.

use std::net::Ipv4Addr;

use pnet_packet::Packet as _;
use pnet_packet::arp::{ArpHardwareTypes, ArpOperation, ArpOperations, ArpPacket, MutableArpPacket};
use pnet_packet::ethernet::{EtherTypes, EthernetPacket, MutableEthernetPacket};

use super::Frame;
use crate::model::MacAddr;

/// An Ethernet header (14 bytes) and an ARP packet for IPv4 over Ethernet (28 bytes). The kernel's driver pads
/// it to Ethernet's 60 bytes.
pub const FRAME_LENGTH: usize = ETHERNET_LENGTH + ARP_LENGTH;
/// An Ethernet header without a VLAN tag.
const ETHERNET_LENGTH: usize = 14;
/// RFC 826 with `ar$hln` 6 and `ar$pln` 4.
const ARP_LENGTH: usize = 28;
const _: () = assert!(
    MutableEthernetPacket::minimum_packet_size() == ETHERNET_LENGTH
        && MutableArpPacket::minimum_packet_size() == ARP_LENGTH,
    "Arp::frame relies on pnet's views fitting"
);

/// `ar$hln` of RFC 826: bytes of an Ethernet address.
const HARDWARE_LENGTH: u8 = 6;
/// `ar$pln` of RFC 826: bytes of an IPv4 address.
const PROTOCOL_LENGTH: u8 = 4;

/// `ar$op` of RFC 826. Other operations (RARP, inverse ARP) are errors of [`Arp::parse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `ares_op$REQUEST`, 1.
    Request,
    /// `ares_op$REPLY`, 2.
    Reply,
}

/// An ARP frame for IPv4 over Ethernet, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp {
    /// `ar$op`: question or answer.
    pub op: Operation,
    /// The Ethernet header's source: whoever put the frame on this segment.
    pub eth_src: MacAddr,
    /// The Ethernet header's destination.
    pub eth_dst: MacAddr,
    /// `ar$sha`: the hardware address that the sender claims for `sender_ip`. Receivers learn this one, not
    /// `eth_src`.
    pub sender_mac: MacAddr,
    /// `ar$spa`: the sender's own address; 0.0.0.0 in a probe (RFC 5227, section 2.1.1).
    pub sender_ip: Ipv4Addr,
    /// `ar$tha`: in a request without meaning, zero in RFC 5227's frames; in a reply whom the answer is for.
    pub target_mac: MacAddr,
    /// `ar$tpa`: in a request the address asked for; in a reply whom the answer is for.
    pub target_ip: Ipv4Addr,
}

/// Why bytes are neither an ARP frame for IPv4 over Ethernet nor a neighbour solicitation or advertisement. Nobody can mend
/// a foreign frame, so this is for counters: [`FrameError::kind`] is the label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It ends before what it should hold.
    #[error("a frame of {0} bytes is too short for ARP (42) or for the length that its IPv6 header tells")]
    TooShort(usize),
    /// Another `EtherType` than 0x0806 and 0x86dd.
    #[error("EtherType 0x{0:04x} is neither ARP (0x0806) nor IPv6 (0x86dd)")]
    EtherType(u16),
    /// `ar$hrd` is not Ethernet.
    #[error("ARP hardware type {0} is not Ethernet (1)")]
    HardwareType(u16),
    /// `ar$pro` is not IPv4.
    #[error("ARP protocol type 0x{0:04x} is not IPv4 (0x0800)")]
    ProtocolType(u16),
    /// `ar$hln` or `ar$pln` contradicts the two types.
    #[error("ARP address lengths {hardware} and {protocol} are not 6 and 4")]
    AddressLengths {
        /// `ar$hln`.
        hardware: u8,
        /// `ar$pln`.
        protocol: u8,
    },
    /// Neither request nor reply.
    #[error("ARP operation {0} is neither request (1) nor reply (2)")]
    Operation(u16),
    /// IPv6, but not `ICMPv6` right behind its header.
    #[error("an IPv6 packet with next header {0} is not ICMPv6 (58)")]
    NotIcmp(u8),
    /// RFC 4861 sections 7.1.1 and 7.1.2: a router passed it on.
    #[error("hop limit {0} is not 255: it is not from this link")]
    HopLimit(u8),
    /// The checksum of `ICMPv6`.
    #[error("its ICMPv6 checksum is wrong")]
    Checksum,
    /// Neither solicitation nor advertisement.
    #[error(
        "ICMPv6 type {kind} code {code} is neither a solicitation (135, 0) nor an advertisement (136, 0)"
    )]
    IcmpType {
        /// Its type.
        kind: u8,
        /// Its code.
        code: u8,
    },
    /// RFC 4861: an option of length 0, or one that ends behind the message.
    #[error("its options do not end with the message")]
    Options,
    /// RFC 4861: the target is a group.
    #[error("its target is a multicast address")]
    Target,
    /// RFC 4861: source, destination, flags and options contradict each other.
    #[error("its source, destination, flags and options contradict each other")]
    Addresses,
}

impl FrameError {
    /// A bounded name for metrics.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::TooShort(_) => "too_short",
            Self::EtherType(_) => "ether_type",
            Self::HardwareType(_) => "hardware_type",
            Self::ProtocolType(_) => "protocol_type",
            Self::AddressLengths { .. } => "address_lengths",
            Self::Operation(_) => "operation",
            Self::NotIcmp(_) => "not_icmp",
            Self::HopLimit(_) => "hop_limit",
            Self::Checksum => "checksum",
            Self::IcmpType { .. } => "icmp_type",
            Self::Options => "options",
            Self::Target => "target",
            Self::Addresses => "addresses",
        }
    }
}

impl Arp {
    /// Reads a frame that begins with its Ethernet header. Bytes behind the ARP packet (padding) are ignored, as
    /// RFC 826 has no word for them.
    ///
    /// # Errors
    /// The first field that is not ARP for IPv4 over Ethernet.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let too_short = || FrameError::TooShort(bytes.len());
        let ethernet = EthernetPacket::new(bytes).ok_or_else(too_short)?;
        if ethernet.get_ethertype() != EtherTypes::Arp {
            return Err(FrameError::EtherType(ethernet.get_ethertype().0));
        }
        let arp = ArpPacket::new(ethernet.payload()).ok_or_else(too_short)?;
        Ok(Self {
            op: checked_operation(&arp)?,
            eth_src: ethernet.get_source(),
            eth_dst: ethernet.get_destination(),
            sender_mac: arp.get_sender_hw_addr(),
            sender_ip: arp.get_sender_proto_addr(),
            target_mac: arp.get_target_hw_addr(),
            target_ip: arp.get_target_proto_addr(),
        })
    }

    /// The answer to this request (RFC 826: the fields swapped, unicast to the asker): `answer` is the MAC that
    /// the asker is to learn, `eth_src` the interface that the frame leaves by. They differ while one node stands
    /// in for another.
    #[must_use]
    pub const fn answer(&self, answer: MacAddr, eth_src: MacAddr) -> Self {
        Self {
            op: Operation::Reply,
            eth_src,
            eth_dst: self.sender_mac,
            sender_mac: answer,
            sender_ip: self.target_ip,
            target_mac: self.sender_mac,
            target_ip: self.sender_ip,
        }
    }

    /// The broadcast that moves `address` to `mac` in every neighbour cache that already holds it: RFC 5227's ARP
    /// Announcement, a *request* with both protocol addresses the same (section 3 there says why not a reply).
    /// Linux believes it at any age of its entry; the reply form it ignores for a second after the last change.
    pub fn gratuitous(mac: MacAddr, address: Ipv4Addr) -> Self {
        Self {
            op: Operation::Request,
            eth_src: mac,
            eth_dst: MacAddr::broadcast(),
            sender_mac: mac,
            sender_ip: address,
            target_mac: MacAddr::zero(),
            target_ip: address,
        }
    }

    /// An ordinary request of the host `own` for `target`'s MAC address.
    pub fn question(mac: MacAddr, own: Ipv4Addr, target: Ipv4Addr) -> Self {
        Self {
            op: Operation::Request,
            eth_src: mac,
            eth_dst: MacAddr::broadcast(),
            sender_mac: mac,
            sender_ip: own,
            target_mac: MacAddr::zero(),
            target_ip: target,
        }
    }

    /// An ordinary request to one neighbour: who has `peer`, tell `address`. RFC 826 has the receiver note the
    /// sender before it answers, so that the answer, sent to `mac`, proves that it moved.
    pub fn poke(mac: MacAddr, address: Ipv4Addr, peer: super::Peer) -> Self {
        Self {
            op: Operation::Request,
            eth_src: mac,
            eth_dst: peer.mac,
            sender_mac: mac,
            sender_ip: address,
            target_mac: MacAddr::zero(),
            target_ip: peer.address,
        }
    }

    /// RFC 5227's ARP Probe (section 2.1.1): asks for `address` with sender 0.0.0.0, so that no cache changes.
    pub fn probe(mac: MacAddr, address: Ipv4Addr) -> Self {
        Self {
            op: Operation::Request,
            eth_src: mac,
            eth_dst: MacAddr::broadcast(),
            sender_mac: mac,
            sender_ip: Ipv4Addr::UNSPECIFIED,
            target_mac: MacAddr::zero(),
            target_ip: address,
        }
    }

    /// The frame's bytes.
    pub fn frame(&self) -> Frame {
        let mut frame = [0; FRAME_LENGTH];
        let (header, payload) = frame.split_at_mut(ETHERNET_LENGTH);
        if let Some(mut ethernet) = MutableEthernetPacket::new(header) {
            ethernet.set_destination(self.eth_dst);
            ethernet.set_source(self.eth_src);
            ethernet.set_ethertype(EtherTypes::Arp);
        }
        if let Some(mut arp) = MutableArpPacket::new(payload) {
            arp.set_hardware_type(ArpHardwareTypes::Ethernet);
            arp.set_protocol_type(EtherTypes::Ipv4);
            arp.set_hw_addr_len(HARDWARE_LENGTH);
            arp.set_proto_addr_len(PROTOCOL_LENGTH);
            arp.set_operation(wire_operation(self.op));
            arp.set_sender_hw_addr(self.sender_mac);
            arp.set_sender_proto_addr(self.sender_ip);
            arp.set_target_hw_addr(self.target_mac);
            arp.set_target_proto_addr(self.target_ip);
        }
        Frame::new(&frame)
    }
}

/// Checks what pnet does not: that the packet's own words about its layout fit the layout it is read by.
fn checked_operation(arp: &ArpPacket<'_>) -> Result<Operation, FrameError> {
    let (hardware, protocol) = (arp.get_hw_addr_len(), arp.get_proto_addr_len());
    if arp.get_hardware_type() != ArpHardwareTypes::Ethernet {
        return Err(FrameError::HardwareType(arp.get_hardware_type().0));
    }
    if arp.get_protocol_type() != EtherTypes::Ipv4 {
        return Err(FrameError::ProtocolType(arp.get_protocol_type().0));
    }
    if (hardware, protocol) != (HARDWARE_LENGTH, PROTOCOL_LENGTH) {
        return Err(FrameError::AddressLengths { hardware, protocol });
    }
    match arp.get_operation() {
        ArpOperations::Request => Ok(Operation::Request),
        ArpOperations::Reply => Ok(Operation::Reply),
        other => Err(FrameError::Operation(other.0)),
    }
}

const fn wire_operation(op: Operation) -> ArpOperation {
    match op {
        Operation::Request => ArpOperations::Request,
        Operation::Reply => ArpOperations::Reply,
    }
}

#[cfg(test)]
mod tests;
