//! ICMP echo over Ethernet (RFC 792, for IPv6 RFC 4443): how a node's kernel is asked for a sign of life, whatever its
//! processes do.
//!
//! ```text
//!  0             6            12     14                 34     36      38   40       42          50
//!  +-------------+-------------+------+------------------+------+-------+----+--------+-----------+
//!  | destination |   source    | 0800 | IPv4, 20 bytes   | type |  sum  | id |sequence|   token   |
//!  +-------------+-------------+------+------------------+------+-------+----+--------+-----------+
//!
//!  0             6            12     14                 54     56      58   60       62          70
//!  +-------------+-------------+------+------------------+------+-------+----+--------+-----------+
//!  | destination |   source    | 86dd | IPv6, 40 bytes   | type |  sum  | id |sequence|   token   |
//!  +-------------+-------------+------+------------------+------+-------+----+--------+-----------+
//! ```
//! The token is random for each question. Whoever has not seen the question cannot answer it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pnet_packet::Packet as _;
use pnet_packet::ethernet::{EtherType, EtherTypes, EthernetPacket, MutableEthernetPacket};
use pnet_packet::icmp::{self, IcmpPacket, IcmpTypes};
use pnet_packet::icmpv6::{self, Icmpv6Packet, Icmpv6Types};
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::ipv4::{self, Ipv4Packet, MutableIpv4Packet};
use pnet_packet::ipv6::{Ipv6Packet, MutableIpv6Packet};

use super::{Frame, Neighbor};
use crate::model::Question;

const ETHERNET: usize = 14;
const IPV4: usize = 20;
const IPV6: usize = 40;
/// The ICMP message, the same in both families but for its type and what its checksum is over: type, code, checksum, id,
/// sequence …
const HEADER: usize = 8;
/// … and the token.
const MESSAGE: usize = HEADER + 8;
/// A whole frame of IPv4; the kernel's driver pads it to Ethernet's 60 bytes.
const ECHO_LENGTH: usize = ETHERNET + IPV4 + MESSAGE;
/// A whole frame of IPv6.
pub const ECHO_LENGTH_V6: usize = ETHERNET + IPV6 + MESSAGE;
/// Hosts of the segment and nobody behind a router answer: the frame is addressed by MAC, and this is for the reader of
/// a capture.
const HOPS: u8 = 1;

/// An echo request, ready for a packet socket.
pub type EchoFrame = Frame;

/// An echo reply that was addressed to this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// Who answers.
    pub from: Neighbor,
    /// What was asked.
    pub question: Question,
}

/// The request for a peer; `None` if it is of the other family.
pub fn request(from: Neighbor, to: Neighbor, question: Question) -> Option<EchoFrame> {
    let mut bytes = [0; ECHO_LENGTH_V6];
    let frame = match (from.address, to.address) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let (frame, _) = bytes.split_at_mut(ECHO_LENGTH);
            request_v4(frame.get_mut(ETHERNET..)?, source, destination, question);
            head(frame, from, to, EtherTypes::Ipv4);
            frame
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            request_v6(bytes.get_mut(ETHERNET..)?, source, destination, question);
            head(&mut bytes, from, to, EtherTypes::Ipv6);
            &bytes[..]
        }
        _ => return None,
    };
    Some(Frame::new(frame))
}

fn head(frame: &mut [u8], from: Neighbor, to: Neighbor, carries: EtherType) {
    if let Some(mut view) = MutableEthernetPacket::new(frame) {
        view.set_destination(to.mac);
        view.set_source(from.mac);
        view.set_ethertype(carries);
    }
}

fn request_v4(packet: &mut [u8], source: Ipv4Addr, destination: Ipv4Addr, question: Question) {
    let (ip, message) = packet.split_at_mut(IPV4);
    if let Some(mut view) = MutableIpv4Packet::new(ip) {
        view.set_version(4);
        view.set_header_length(5);
        view.set_total_length(u16::try_from(IPV4 + MESSAGE).unwrap_or_default());
        view.set_ttl(HOPS);
        view.set_next_level_protocol(IpNextHeaderProtocols::Icmp);
        view.set_source(source);
        view.set_destination(destination);
        let sum = ipv4::checksum(&view.to_immutable());
        view.set_checksum(sum);
    }
    write(message, IcmpTypes::EchoRequest.0, question);
    let sum = IcmpPacket::new(message).map_or(0, |packet| icmp::checksum(&packet));
    seal(message, sum);
}

fn request_v6(packet: &mut [u8], source: Ipv6Addr, destination: Ipv6Addr, question: Question) {
    let (ip, message) = packet.split_at_mut(IPV6);
    if let Some(mut view) = MutableIpv6Packet::new(ip) {
        view.set_version(6);
        view.set_payload_length(u16::try_from(MESSAGE).unwrap_or_default());
        view.set_next_header(IpNextHeaderProtocols::Icmpv6);
        view.set_hop_limit(HOPS);
        view.set_source(source);
        view.set_destination(destination);
    }
    write(message, Icmpv6Types::EchoRequest.0, question);
    let sum = Icmpv6Packet::new(message).map_or(0, |packet| icmpv6::checksum(&packet, &source, &destination));
    seal(message, sum);
}

/// The message but for its checksum.
fn write(message: &mut [u8], kind: u8, question: Question) {
    if let [type_of, _code, _, _, id @ ..] = message
        && let Some((id, rest)) = id.split_first_chunk_mut::<2>()
        && let Some((sequence, rest)) = rest.split_first_chunk_mut::<2>()
        && let Some((token, _)) = rest.split_first_chunk_mut::<8>()
    {
        *type_of = kind;
        *id = question.id.to_be_bytes();
        *sequence = question.sequence.to_be_bytes();
        *token = question.token.to_be_bytes();
    }
}

fn seal(message: &mut [u8], sum: u16) {
    if let Some(field) = message.get_mut(2..4) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
}

/// What was asked, of a message that is known to be a reply.
fn read(message: &[u8]) -> Option<Question> {
    let (id, rest) = message.get(4..)?.split_first_chunk()?;
    let (sequence, rest) = rest.split_first_chunk()?;
    let (token, _) = rest.split_first_chunk()?;
    Some(Question {
        id: u16::from_be_bytes(*id),
        sequence: u16::from_be_bytes(*sequence),
        token: u64::from_be_bytes(*token),
    })
}

impl Echo {
    /// Reads a reply; `None` for anything else, a damaged one included. The address it is for is not looked at: the
    /// token tells more.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let ethernet = EthernetPacket::new(bytes)?;
        let (address, question) = match ethernet.get_ethertype() {
            EtherTypes::Ipv4 => parse_v4(ethernet.payload())?,
            EtherTypes::Ipv6 => parse_v6(ethernet.payload())?,
            _ => return None,
        };
        let mac = ethernet.get_source();
        Some(Self {
            from: Neighbor { mac, address },
            question,
        })
    }
}

fn parse_v4(packet: &[u8]) -> Option<(IpAddr, Question)> {
    let ip = Ipv4Packet::new(packet)?;
    let whole = ip.get_version() == 4 && ip.get_header_length() == 5 && ip.get_fragment_offset() == 0;
    if !whole || ip.get_next_level_protocol() != IpNextHeaderProtocols::Icmp {
        return None;
    }
    let message = ip.payload().get(..MESSAGE)?;
    let view = IcmpPacket::new(message)?;
    if view.get_icmp_type() != IcmpTypes::EchoReply || icmp::checksum(&view) != view.get_checksum() {
        return None;
    }
    Some((ip.get_source().into(), read(message)?))
}

/// The checksum is over the addresses, too (RFC 4443 section 2.3). No extension header stands before an answer to a
/// question that had none.
fn parse_v6(packet: &[u8]) -> Option<(IpAddr, Question)> {
    let ip = Ipv6Packet::new(packet)?;
    let whole = ip.get_version() == 6 && usize::from(ip.get_payload_length()) == MESSAGE;
    if !whole || ip.get_next_header() != IpNextHeaderProtocols::Icmpv6 {
        return None;
    }
    let message = packet.get(IPV6..)?.get(..MESSAGE)?;
    let view = Icmpv6Packet::new(message)?;
    let sum = icmpv6::checksum(&view, &ip.get_source(), &ip.get_destination());
    if view.get_icmpv6_type() != Icmpv6Types::EchoReply || sum != view.get_checksum() {
        return None;
    }
    Some((ip.get_source().into(), read(message)?))
}

#[cfg(test)]
mod tests;
