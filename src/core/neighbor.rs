//! ARP and NDP: which question is answered, what is said unasked and when, and who else uses an address.
//!
//! | module | decides |
//! |---|---|
//! | [`frame`] | nothing: the checked value of an ARP frame, and its bytes |
//! | [`ndp`] | nothing: the same of a neighbour solicitation or advertisement |
//! | [`message`] | nothing: a frame of either protocol, and what it says whichever it is |
//! | [`echo`] | nothing: a ping and its answer, as bytes |
//! | [`responder`] | which question gets an answer, and with which MAC |
//! | [`talker`] | nothing: who asked for which address lately, and so has to hear of a takeover |
//! | [`announcement`] | when takeover and refresh frames leave, in which order and how fast |
//! | [`survey`] | which unassigned address somebody else uses, by asking for each of them |
//! | [`conflict`] | who else speaks for an address that is announced here, and when it is defended |
//! | [`rate`] | how many frames may leave now |
//!
//! The parts know nothing of each other: whoever composes them hands every parsed frame to the responder, the
//! talkers, the announcements, the survey and the conflicts, and puts on the wire what they return. Frames that were received
//! are handed over before any `poll`, so that a late wake-up never takes an unread answer for silence.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::model::MacAddr;

pub mod announcement;
pub mod bytes;
pub mod conflict;
pub mod echo;
pub mod frame;
pub mod message;
pub mod ndp;
pub mod rate;
pub mod responder;
pub mod survey;
pub mod talker;

pub use announcement::Announcements;
pub use bytes::Frame;
pub use conflict::Conflicts;
pub use frame::{Arp, FrameError, Operation};
pub use message::{Message, Statement};
pub use ndp::Ndp;
pub use responder::{Responder, Verdict};
pub use survey::Survey;
pub use talker::Talkers;

/// The kernel's number of a network interface (`ifindex`): never 0, and not reused while the machine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceIndex(pub u32);

impl fmt::Display for InterfaceIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A neighbour as ARP knows it, or with [`Neighbor`] either protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer<A = Ipv4Addr> {
    /// Its hardware address: the destination of a unicast frame.
    pub mac: MacAddr,
    /// Its protocol address: the target of a request to it.
    pub address: A,
}

/// A neighbour of either family.
pub type Neighbor = Peer<IpAddr>;

impl From<Peer> for Neighbor {
    fn from(peer: Peer) -> Self {
        Self {
            mac: peer.mac,
            address: peer.address.into(),
        }
    }
}

/// Why a frame leaves unasked. Bounded: metrics carry it as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Broadcast at a takeover, first or repeated.
    Takeover,
    /// Unicast to a neighbour at a takeover, whose answer proves that it moved.
    Poke,
    /// Broadcast once a minute while an address is announced.
    Refresh,
    /// The question whether anybody uses an address.
    Probe,
    /// Broadcast because somebody else spoke for an announced address.
    Defence,
}

/// A frame that is due now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it leaves.
    pub interface: InterfaceIndex,
    /// The address it speaks about.
    pub address: IpAddr,
    /// Why it leaves.
    pub purpose: Purpose,
    /// Its bytes.
    pub frame: Frame,
}
