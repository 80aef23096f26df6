//! ARP frames: checked parsing and building, so that nothing after it can meet a wrong length.

use std::net::Ipv4Addr;

use pnet::packet::Packet;
use pnet::packet::arp::{ArpHardwareTypes, ArpOperation, ArpPacket, MutableArpPacket};
use pnet::packet::ethernet::{EtherTypes, EthernetPacket, MutableEthernetPacket};
use pnet::util::MacAddr;

use crate::value::mac::Mac;

/// An Ethernet header and an ARP packet for IPv4: 14 + 28 bytes.
pub(crate) const LENGTH: usize = EthernetPacket::minimum_packet_size() + ArpPacket::minimum_packet_size();

/// A request or a reply (RFC 826).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Request,
    Reply,
}

impl Operation {
    fn code(self) -> ArpOperation {
        ArpOperation::new(match self {
            Operation::Request => 1,
            Operation::Reply => 2,
        })
    }
}

/// An ARP frame for IPv4 over Ethernet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArpFrame {
    /// The Ethernet destination.
    pub(crate) destination: Mac,
    pub(crate) operation: Operation,
    pub(crate) sender_mac: Mac,
    pub(crate) sender: Ipv4Addr,
    pub(crate) target_mac: Mac,
    pub(crate) target: Ipv4Addr,
}

impl ArpFrame {
    /// A question from which nobody learns: its sender is 0.0.0.0 (RFC 5227).
    pub(crate) fn probe(sender_mac: Mac, target: Ipv4Addr) -> Self {
        Self::request(sender_mac, Ipv4Addr::UNSPECIFIED, target)
    }

    /// A question for `target`.
    pub(crate) fn request(sender_mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Self {
        let broadcast = Mac([0xFF; 6]);
        Self {
            destination: broadcast,
            operation: Operation::Request,
            sender_mac,
            sender,
            target_mac: Mac::ZERO,
            target,
        }
    }

    /// Reads a frame from the wire. `None` where it is not ARP for IPv4 over Ethernet, or too short.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let ethernet = EthernetPacket::new(bytes).filter(|frame| frame.get_ethertype() == EtherTypes::Arp)?;
        let arp = ArpPacket::new(ethernet.payload())?;
        let ipv4_over_ethernet = arp.get_hardware_type() == ArpHardwareTypes::Ethernet
            && arp.get_protocol_type() == EtherTypes::Ipv4
            && arp.get_hw_addr_len() == 6
            && arp.get_proto_addr_len() == 4;
        if !ipv4_over_ethernet {
            return None;
        }
        let operation = match arp.get_operation().0 {
            1 => Operation::Request,
            2 => Operation::Reply,
            _ => return None,
        };
        Some(Self {
            destination: Mac(ethernet.get_destination().octets()),
            operation,
            sender_mac: Mac(arp.get_sender_hw_addr().octets()),
            sender: arp.get_sender_proto_addr(),
            target_mac: Mac(arp.get_target_hw_addr().octets()),
            target: arp.get_target_proto_addr(),
        })
    }

    /// The frame's bytes.
    pub(crate) fn build(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        if let Some(mut frame) = MutableEthernetPacket::new(&mut bytes) {
            frame.set_destination(address(self.destination));
            frame.set_source(address(self.sender_mac));
            frame.set_ethertype(EtherTypes::Arp);
        }
        if let Some(mut arp) = MutableArpPacket::new(&mut bytes[EthernetPacket::minimum_packet_size()..]) {
            arp.set_hardware_type(ArpHardwareTypes::Ethernet);
            arp.set_protocol_type(EtherTypes::Ipv4);
            arp.set_hw_addr_len(6);
            arp.set_proto_addr_len(4);
            arp.set_operation(self.operation.code());
            arp.set_sender_hw_addr(address(self.sender_mac));
            arp.set_sender_proto_addr(self.sender);
            arp.set_target_hw_addr(address(self.target_mac));
            arp.set_target_proto_addr(self.target);
        }
        bytes
    }

    /// Sender and target are the same address; a reply must also name the same MAC twice (`arp_is_garp`).
    pub(crate) fn is_gratuitous(&self) -> bool {
        self.sender == self.target
            && (self.operation == Operation::Request || self.sender_mac == self.target_mac)
    }
}

fn address(mac: Mac) -> MacAddr {
    MacAddr::from(mac.0)
}
