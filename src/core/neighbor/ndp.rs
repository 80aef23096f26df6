//! Neighbour discovery over Ethernet: solicitations and advertisements (RFC 4861 sections 4.3 and 4.4), bytes to a
//! checked value and back.
//!
//! ```text
//!  0             6            12     14                        54    58        62              78             86
//!  +-------------+-------------+------+-------------------------+-----+---------+---------------+--------------+
//!  | destination |   source    | 86dd | IPv6, 40 bytes, hops 255| ICMP| R S O   | target        | 1/2, 1, MAC  |
//!  +-------------+-------------+------+-------------------------+-----+---------+---------------+--------------+
//!  |<-------------- Ethernet -------->|                          87/88 only 88's                 | option       |
//! ```
//!
//! What RFC 4861 sections 7.1.1 and 7.1.2 have a receiver discard is an error of [`Ndp::parse`].

use std::net::Ipv6Addr;

use pnet_packet::Packet as _;
use pnet_packet::ethernet::{EtherTypes, EthernetPacket, MutableEthernetPacket};
use pnet_packet::icmpv6::{Icmpv6Code, Icmpv6Packet, Icmpv6Type, MutableIcmpv6Packet, checksum};
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::ipv6::{Ipv6Packet, MutableIpv6Packet};

use super::{Frame, FrameError};
use crate::model::MacAddr;

const ETHERNET: usize = 14;
const IP: usize = 40;
/// Type, code, checksum, flags or reserved bytes, target.
const BODY: usize = 24;
/// A link-layer address option of Ethernet: type, length 1 (of 8 bytes), MAC (RFC 2464 section 6).
const OPTION: usize = 8;
/// A frame with a link-layer address.
pub const FRAME_LENGTH: usize = ETHERNET + IP + BODY + OPTION;

/// 0x86dd, IPv6's.
pub const ETHER_TYPE: [u8; 2] = [0x86, 0xdd];
/// RFC 4861 sections 7.1.1 and 7.1.2: no router has passed it on, so it is from this link.
const HOP_LIMIT: u8 = 255;
/// RFC 4861 section 4.3.
const SOLICITATION: u8 = 135;
/// RFC 4861 section 4.4.
const ADVERTISEMENT: u8 = 136;
/// RFC 4861 section 4.6.1: the option in a solicitation …
const SOURCE_LINK_LAYER: u8 = 1;
/// … and in an advertisement.
const TARGET_LINK_LAYER: u8 = 2;

const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;

/// RFC 4291 section 2.7.1, `ff02::1`: every host of the link.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// A solicitation or an advertisement, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ndp {
    /// Which of the two.
    pub kind: Kind,
    /// The Ethernet header's source: whoever put the frame on this segment.
    pub eth_src: MacAddr,
    /// The Ethernet header's destination.
    pub eth_dst: MacAddr,
    /// IPv6's source; `::` in duplicate address detection.
    pub source: Ipv6Addr,
    /// IPv6's destination.
    pub destination: Ipv6Addr,
    /// The address asked for, or answered for.
    pub target: Ipv6Addr,
    /// The option with the source's (solicitation) or the target's (advertisement) MAC address.
    pub link_layer: Option<MacAddr>,
}

/// What kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RFC 4861 section 4.3.
    Solicitation,
    /// RFC 4861 section 4.4.
    Advertisement(Flags),
}

/// An advertisement's flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// R: the sender is a router.
    pub router: bool,
    /// S: it answers a solicitation.
    pub solicited: bool,
    /// O: it overrides what a cache holds.
    pub overrides: bool,
}

/// RFC 4291 section 2.7.1: the group in which everybody is who has `address`.
pub const fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::new(
        0xff02,
        0,
        0,
        0,
        0,
        1,
        0xff00 | a as u16,
        (b as u16) << 8 | c as u16,
    )
}

/// RFC 2464 section 7: where Ethernet sends what is for a group.
pub const fn multicast_mac(group: Ipv6Addr) -> MacAddr {
    let [.., a, b, c, d] = group.octets();
    MacAddr(0x33, 0x33, a, b, c, d)
}

impl Ndp {
    /// Reads a frame that begins with its Ethernet header. Bytes behind the IPv6 packet (padding) are ignored; an
    /// extension header is an error, since no host sends one here.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let too_short = || FrameError::TooShort(bytes.len());
        let ethernet = EthernetPacket::new(bytes).ok_or_else(too_short)?;
        if ethernet.get_ethertype() != EtherTypes::Ipv6 {
            return Err(FrameError::EtherType(ethernet.get_ethertype().0));
        }
        let ip = Ipv6Packet::new(ethernet.payload()).ok_or_else(too_short)?;
        let (source, destination) = (ip.get_source(), ip.get_destination());
        let message = icmp(&ip, ethernet.payload().get(IP..).unwrap_or_default(), bytes.len())?;
        let (body, options) = message.split_at_checked(BODY).ok_or_else(too_short)?;
        let target: [u8; 16] = body
            .get(8..BODY)
            .and_then(|octets| octets.try_into().ok())
            .ok_or_else(too_short)?;
        let read = Self {
            kind: kind(body)?,
            eth_src: ethernet.get_source(),
            eth_dst: ethernet.get_destination(),
            source,
            destination,
            target: target.into(),
            link_layer: None,
        };
        let link_layer = read.link_layer_of(options)?;
        Self { link_layer, ..read }.checked()
    }

    /// The answer to this solicitation: an advertisement of `answer`, from `eth_src`. It overrides what the asker holds,
    /// which a node that stands in for another or has just taken over relies on. Whoever asks without an address of its own
    /// (duplicate address detection) is answered before all nodes (RFC 4861 section 7.2.4).
    #[must_use]
    pub fn answer(&self, answer: MacAddr, eth_src: MacAddr) -> Self {
        let solicited = !self.source.is_unspecified();
        let (eth_dst, destination) = if solicited {
            (self.link_layer.unwrap_or(self.eth_src), self.source)
        } else {
            (multicast_mac(ALL_NODES), ALL_NODES)
        };
        Self {
            eth_src,
            eth_dst,
            destination,
            ..Self::advertisement(answer, self.target, solicited)
        }
    }

    /// The multicast that moves `address` to `mac` in every neighbour cache that holds it: an unsolicited advertisement
    /// with the override flag (RFC 4861 section 7.2.6), which Linux believes at any age of its entry.
    pub fn gratuitous(mac: MacAddr, address: Ipv6Addr) -> Self {
        Self::advertisement(mac, address, false)
    }

    /// A solicitation from `address` to one neighbour. RFC 4861 section 7.2.3 has the receiver note the sender before it
    /// answers, so that the answer, sent to `mac`, proves that it moved.
    pub const fn poke(mac: MacAddr, address: Ipv6Addr, their_mac: MacAddr, theirs: Ipv6Addr) -> Self {
        Self {
            eth_dst: their_mac,
            destination: theirs,
            ..Self::question(mac, address, theirs)
        }
    }

    /// An ordinary solicitation of the host `own` for `target`'s MAC address.
    pub const fn question(mac: MacAddr, own: Ipv6Addr, target: Ipv6Addr) -> Self {
        let group = solicited_node(target);
        Self {
            kind: Kind::Solicitation,
            eth_src: mac,
            eth_dst: multicast_mac(group),
            source: own,
            destination: group,
            target,
            link_layer: Some(mac),
        }
    }

    /// The question of duplicate address detection (RFC 4862 section 5.4.2): asks for `address` from `::`, so that no
    /// cache changes.
    pub const fn probe(mac: MacAddr, address: Ipv6Addr) -> Self {
        Self {
            link_layer: None,
            ..Self::question(mac, Ipv6Addr::UNSPECIFIED, address)
        }
    }

    /// The frame's bytes.
    pub fn frame(&self) -> Frame {
        let mut bytes = [0; FRAME_LENGTH];
        let length = if self.link_layer.is_some() {
            FRAME_LENGTH
        } else {
            FRAME_LENGTH - OPTION
        };
        let (frame, _) = bytes.split_at_mut(length);
        let (ethernet, rest) = frame.split_at_mut(ETHERNET);
        let (ip, icmp) = rest.split_at_mut(IP);
        if let Some(mut view) = MutableEthernetPacket::new(ethernet) {
            view.set_destination(self.eth_dst);
            view.set_source(self.eth_src);
            view.set_ethertype(EtherTypes::Ipv6);
        }
        if let Some(mut view) = MutableIpv6Packet::new(ip) {
            view.set_version(6);
            view.set_payload_length(u16::try_from(icmp.len()).unwrap_or_default());
            view.set_next_header(IpNextHeaderProtocols::Icmpv6);
            view.set_hop_limit(HOP_LIMIT);
            view.set_source(self.source);
            view.set_destination(self.destination);
        }
        self.write(icmp);
        Frame::new(frame)
    }

    /// The `ICMPv6` message into exactly as many bytes as it has.
    fn write(&self, icmp: &mut [u8]) {
        let (kind, flags, option) = match self.kind {
            Kind::Solicitation => (SOLICITATION, 0, SOURCE_LINK_LAYER),
            Kind::Advertisement(flags) => (ADVERTISEMENT, flags.bits(), TARGET_LINK_LAYER),
        };
        if let Some(byte) = icmp.get_mut(4) {
            *byte = flags;
        }
        if let Some(target) = icmp.get_mut(8..BODY) {
            target.copy_from_slice(&self.target.octets());
        }
        if let (Some(mac), Some([kind, length, address @ ..])) = (self.link_layer, icmp.get_mut(BODY..)) {
            (*kind, *length) = (option, 1);
            address.copy_from_slice(&mac.octets());
        }
        if let Some(mut view) = MutableIcmpv6Packet::new(icmp) {
            view.set_icmpv6_type(Icmpv6Type(kind));
            view.set_icmpv6_code(Icmpv6Code(0));
            let sum = checksum(&view.to_immutable(), &self.source, &self.destination);
            view.set_checksum(sum);
        }
    }

    /// From the address itself to all nodes.
    const fn advertisement(mac: MacAddr, address: Ipv6Addr, solicited: bool) -> Self {
        Self {
            kind: Kind::Advertisement(Flags {
                router: false,
                solicited,
                overrides: true,
            }),
            eth_src: mac,
            eth_dst: multicast_mac(ALL_NODES),
            source: address,
            destination: ALL_NODES,
            target: address,
            link_layer: Some(mac),
        }
    }

    /// The link-layer address among the options; unknown options are passed over (RFC 4861 section 4.6).
    fn link_layer_of(&self, mut options: &[u8]) -> Result<Option<MacAddr>, FrameError> {
        let wanted = match self.kind {
            Kind::Solicitation => SOURCE_LINK_LAYER,
            Kind::Advertisement(_) => TARGET_LINK_LAYER,
        };
        let mut found = None;
        while let [kind, length, ..] = options {
            let option = usize::from(*length) * OPTION;
            let (this, rest) = options
                .split_at_checked(option)
                .filter(|_| option > 0)
                .ok_or(FrameError::Options)?;
            if let ([_, _, mac @ ..], true) = (this, *kind == wanted && found.is_none()) {
                // Another length is of another medium.
                found = <[u8; 6]>::try_from(mac).ok().map(MacAddr::from);
            }
            options = rest;
        }
        if options.is_empty() {
            Ok(found)
        } else {
            Err(FrameError::Options)
        }
    }

    /// The rules that look at several fields.
    fn checked(self) -> Result<Self, FrameError> {
        if self.target.is_multicast() {
            return Err(FrameError::Target);
        }
        let nobody = self.source.is_unspecified();
        let sound = match self.kind {
            _ if self.source.is_multicast() => false,
            Kind::Solicitation if nobody => {
                self.link_layer.is_none() && self.destination == solicited_node(self.destination)
            }
            Kind::Solicitation => true,
            Kind::Advertisement(flags) => !(nobody || flags.solicited && self.destination.is_multicast()),
        };
        if sound {
            Ok(self)
        } else {
            Err(FrameError::Addresses)
        }
    }
}

impl Flags {
    fn bits(self) -> u8 {
        let flags = [
            (self.router, ROUTER),
            (self.solicited, SOLICITED),
            (self.overrides, OVERRIDE),
        ];
        flags.iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum()
    }
}

/// The `ICMPv6` message of a packet, with its checksum checked. `length` is the frame's, for the error.
fn icmp<'a>(ip: &Ipv6Packet<'_>, payload: &'a [u8], length: usize) -> Result<&'a [u8], FrameError> {
    if ip.get_version() != 6 || ip.get_next_header() != IpNextHeaderProtocols::Icmpv6 {
        return Err(FrameError::NotIcmp(ip.get_next_header().0));
    }
    if ip.get_hop_limit() != HOP_LIMIT {
        return Err(FrameError::HopLimit(ip.get_hop_limit()));
    }
    let message = payload.get(..usize::from(ip.get_payload_length()));
    let message = message.ok_or(FrameError::TooShort(length))?;
    let packet = Icmpv6Packet::new(message).ok_or(FrameError::TooShort(length))?;
    let sum = checksum(&packet, &ip.get_source(), &ip.get_destination());
    if sum == packet.get_checksum() {
        Ok(message)
    } else {
        Err(FrameError::Checksum)
    }
}

/// Type, code and flags.
fn kind(body: &[u8]) -> Result<Kind, FrameError> {
    match body {
        [SOLICITATION, 0, ..] => Ok(Kind::Solicitation),
        [ADVERTISEMENT, 0, _, _, flags, ..] => Ok(Kind::Advertisement(Flags {
            router: flags & ROUTER != 0,
            solicited: flags & SOLICITED != 0,
            overrides: flags & OVERRIDE != 0,
        })),
        [kind, code, ..] => Err(FrameError::IcmpType {
            kind: *kind,
            code: *code,
        }),
        _ => Err(FrameError::TooShort(body.len())),
    }
}

#[cfg(test)]
mod tests;
