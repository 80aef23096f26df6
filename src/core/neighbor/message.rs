//! A frame of either protocol, and what it says whichever of the two it speaks.
//!
//! | | ARP | NDP |
//! |---|---|---|
//! | question | request | solicitation |
//! | answer | reply | advertisement |
//! | question that claims nothing | probe (RFC 5227), sender 0.0.0.0 | duplicate address detection (RFC 4862), source :: |
//! | claim | both addresses are the same | advertisement that nobody solicited |
//!
//! The rules (who is answered, who else speaks for an address, who asked lately) know [`Statement`] alone, so that they
//! are the same for both.

use std::net::IpAddr;

use super::{Arp, Frame, FrameError, Ndp, Neighbor, Operation, Peer, ndp};
use crate::model::MacAddr;

/// A checked frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// IPv4's.
    Arp(Arp),
    /// IPv6's.
    Ndp(Ndp),
}

/// What a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Question or answer.
    pub op: Operation,
    /// The Ethernet header's source.
    pub eth_src: MacAddr,
    /// The Ethernet header's destination.
    pub eth_dst: MacAddr,
    /// The hardware address that receivers learn for `sender_ip`.
    pub sender_mac: MacAddr,
    /// Whose hardware address is told: in a question the asker's, unspecified in a probe; in an answer the one that is
    /// answered for.
    pub sender_ip: IpAddr,
    /// In an answer whom it is for.
    pub target_mac: MacAddr,
    /// In a question the address asked for; in an answer whom it is for, and in a claim `sender_ip` once more.
    pub target_ip: IpAddr,
}

impl Message {
    /// Reads a frame that begins with its Ethernet header.
    ///
    /// # Errors
    /// The first field that fits neither protocol.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        if bytes.get(12..14) == Some(&ndp::ETHER_TYPE) {
            Ndp::parse(bytes).map(Self::Ndp)
        } else {
            Arp::parse(bytes).map(Self::Arp)
        }
    }

    /// The multicast or broadcast that moves `address` to `mac` in every neighbour cache that holds it.
    pub fn gratuitous(mac: MacAddr, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::Arp(Arp::gratuitous(mac, address)),
            IpAddr::V6(address) => Self::Ndp(Ndp::gratuitous(mac, address)),
        }
    }

    /// Asks for `address` without a word about ourselves, so that no cache changes.
    pub fn probe(mac: MacAddr, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::Arp(Arp::probe(mac, address)),
            IpAddr::V6(address) => Self::Ndp(Ndp::probe(mac, address)),
        }
    }

    /// An ordinary question of `own` for a neighbour's MAC address; `None` if the neighbour is of the other family.
    pub fn question(mac: MacAddr, own: IpAddr, target: IpAddr) -> Option<Self> {
        match (own, target) {
            (IpAddr::V4(own), IpAddr::V4(target)) => Some(Self::Arp(Arp::question(mac, own, target))),
            (IpAddr::V6(own), IpAddr::V6(target)) => Some(Self::Ndp(Ndp::question(mac, own, target))),
            _ => None,
        }
    }

    /// A question of `address` to one neighbour, whose answer proves that it moved; `None` if the neighbour is of the
    /// other family.
    pub fn poke(mac: MacAddr, address: IpAddr, peer: Neighbor) -> Option<Self> {
        match (address, peer.address) {
            (IpAddr::V4(address), IpAddr::V4(theirs)) => {
                let peer = Peer {
                    mac: peer.mac,
                    address: theirs,
                };
                Some(Self::Arp(Arp::poke(mac, address, peer)))
            }
            (IpAddr::V6(address), IpAddr::V6(theirs)) => {
                Some(Self::Ndp(Ndp::poke(mac, address, peer.mac, theirs)))
            }
            _ => None,
        }
    }

    /// The answer to this question: `answer` is the MAC that the asker is to learn, `eth_src` the interface that the
    /// frame leaves by.
    #[must_use]
    pub fn answer(&self, answer: MacAddr, eth_src: MacAddr) -> Self {
        match self {
            Self::Arp(arp) => Self::Arp(arp.answer(answer, eth_src)),
            Self::Ndp(ndp) => Self::Ndp(ndp.answer(answer, eth_src)),
        }
    }

    /// The frame's bytes.
    pub fn frame(&self) -> Frame {
        match self {
            Self::Arp(arp) => arp.frame(),
            Self::Ndp(ndp) => ndp.frame(),
        }
    }
}

impl From<&Arp> for Message {
    fn from(arp: &Arp) -> Self {
        Self::Arp(*arp)
    }
}

impl From<&Ndp> for Message {
    fn from(ndp: &Ndp) -> Self {
        Self::Ndp(*ndp)
    }
}

impl From<&Self> for Message {
    fn from(message: &Self) -> Self {
        *message
    }
}

impl Statement {
    /// Whether whoever sends it is about to use `target_ip`, or finds out whether anybody does.
    pub fn is_probe(&self) -> bool {
        self.op == Operation::Request && self.sender_ip.is_unspecified()
    }

    /// Whether it claims an address instead of asking for one.
    pub fn is_gratuitous(&self) -> bool {
        self.sender_ip == self.target_ip
    }

    /// The address that it says somebody uses: the sender's, or in a probe the one that its sender is about to use.
    pub fn used(&self) -> IpAddr {
        if self.is_probe() {
            self.target_ip
        } else {
            self.sender_ip
        }
    }

    /// Whether it was sent to all who might answer: broadcast, or to the group of the address asked for.
    pub fn is_to_all(&self) -> bool {
        match self.target_ip {
            IpAddr::V4(_) => self.eth_dst.is_broadcast(),
            IpAddr::V6(target) => self.eth_dst == ndp::multicast_mac(ndp::solicited_node(target)),
        }
    }
}

impl From<&Arp> for Statement {
    fn from(arp: &Arp) -> Self {
        Self {
            op: arp.op,
            eth_src: arp.eth_src,
            eth_dst: arp.eth_dst,
            sender_mac: arp.sender_mac,
            sender_ip: arp.sender_ip.into(),
            target_mac: arp.target_mac,
            target_ip: arp.target_ip.into(),
        }
    }
}

impl From<&Ndp> for Statement {
    fn from(ndp: &Ndp) -> Self {
        let sender_mac = ndp.link_layer.unwrap_or(ndp.eth_src);
        let (op, sender_ip, target_mac, target_ip) = match ndp.kind {
            ndp::Kind::Solicitation => (Operation::Request, ndp.source, MacAddr::zero(), ndp.target),
            ndp::Kind::Advertisement(flags) if flags.solicited => {
                (Operation::Reply, ndp.target, ndp.eth_dst, ndp.destination)
            }
            ndp::Kind::Advertisement(_) => (Operation::Reply, ndp.target, ndp.eth_dst, ndp.target),
        };
        Self {
            op,
            eth_src: ndp.eth_src,
            eth_dst: ndp.eth_dst,
            sender_mac,
            sender_ip: sender_ip.into(),
            target_mac,
            target_ip: target_ip.into(),
        }
    }
}

impl From<&Message> for Statement {
    fn from(message: &Message) -> Self {
        match message {
            Message::Arp(arp) => arp.into(),
            Message::Ndp(ndp) => ndp.into(),
        }
    }
}

impl From<&Self> for Statement {
    fn from(statement: &Self) -> Self {
        *statement
    }
}
