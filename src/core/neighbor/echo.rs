//! ICMP echo over Ethernet (RFC 792): how a node's kernel is asked for a sign of life, whatever its processes do.
//!
//! ```text
//!  0             6            12     14                 34     36      38   40       42          50
//!  +-------------+-------------+------+------------------+------+-------+----+--------+-----------+
//!  | destination |   source    | 0800 | IPv4, 20 bytes   | type |  sum  | id |sequence|   token   |
//!  +-------------+-------------+------+------------------+------+-------+----+--------+-----------+
//! ```
//! The token is random for each question. Whoever has not seen the question cannot answer it.

use pnet_packet::Packet as _;
use pnet_packet::ethernet::{EtherTypes, EthernetPacket, MutableEthernetPacket};
use pnet_packet::icmp::echo_reply::EchoReplyPacket;
use pnet_packet::icmp::echo_request::MutableEchoRequestPacket;
use pnet_packet::icmp::{IcmpPacket, IcmpTypes, checksum};
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::ipv4::{self, Ipv4Packet, MutableIpv4Packet};

use super::Peer;
use crate::model::Question;

const ETHERNET: usize = 14;
const IP: usize = 20;
const ICMP: usize = 8;
const TOKEN: usize = 8;
/// A whole frame; the kernel's driver pads it to Ethernet's 60 bytes.
pub const ECHO_LENGTH: usize = ETHERNET + IP + ICMP + TOKEN;
/// Hosts of the segment and nobody behind a router answer: the frame is addressed by MAC, and this is for the reader of
/// a capture.
const TIME_TO_LIVE: u8 = 1;

/// An echo request, ready for a packet socket.
pub type EchoFrame = [u8; ECHO_LENGTH];

/// An echo reply that was addressed to this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// Who answers.
    pub from: Peer,
    /// What was asked.
    pub question: Question,
}

/// The request for a peer.
pub fn request(from: Peer, to: Peer, question: Question) -> EchoFrame {
    let mut frame = [0; ECHO_LENGTH];
    let (ethernet, rest) = frame.split_at_mut(ETHERNET);
    let (ip, icmp) = rest.split_at_mut(IP);
    if let Some(mut view) = MutableEthernetPacket::new(ethernet) {
        view.set_destination(to.mac);
        view.set_source(from.mac);
        view.set_ethertype(EtherTypes::Ipv4);
    }
    if let Some(mut view) = MutableIpv4Packet::new(ip) {
        view.set_version(4);
        view.set_header_length(5);
        view.set_total_length(u16::try_from(IP + ICMP + TOKEN).unwrap_or_default());
        view.set_ttl(TIME_TO_LIVE);
        view.set_next_level_protocol(IpNextHeaderProtocols::Icmp);
        view.set_source(from.address);
        view.set_destination(to.address);
        let sum = ipv4::checksum(&view.to_immutable());
        view.set_checksum(sum);
    }
    if let Some(mut view) = MutableEchoRequestPacket::new(icmp) {
        view.set_icmp_type(IcmpTypes::EchoRequest);
        view.set_identifier(question.id);
        view.set_sequence_number(question.sequence);
        view.set_payload(&question.token.to_be_bytes());
        let sum = IcmpPacket::new(view.packet()).map_or(0, |packet| checksum(&packet));
        view.set_checksum(sum);
    }
    frame
}

impl Echo {
    /// Reads a reply; `None` for anything else, a damaged one included. The address it is for is not looked at: the
    /// token tells more.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let ethernet = EthernetPacket::new(bytes)?;
        if ethernet.get_ethertype() != EtherTypes::Ipv4 {
            return None;
        }
        let ip = Ipv4Packet::new(ethernet.payload())?;
        let whole = ip.get_version() == 4 && ip.get_header_length() == 5 && ip.get_fragment_offset() == 0;
        if !whole || ip.get_next_level_protocol() != IpNextHeaderProtocols::Icmp {
            return None;
        }
        let icmp = ip.payload().get(..ICMP + TOKEN)?;
        let packet = IcmpPacket::new(icmp)?;
        if packet.get_icmp_type() != IcmpTypes::EchoReply || checksum(&packet) != packet.get_checksum() {
            return None;
        }
        let reply = EchoReplyPacket::new(icmp)?;
        Some(Self {
            from: Peer {
                mac: ethernet.get_source(),
                address: ip.get_source(),
            },
            question: Question {
                id: reply.get_identifier(),
                sequence: reply.get_sequence_number(),
                token: u64::from_be_bytes(reply.payload().get(..TOKEN)?.try_into().ok()?),
            },
        })
    }
}

#[cfg(test)]
mod tests;
