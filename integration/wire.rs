//! The judge's own eyes: what really happens on the LAN, seen by nobody's parser but this one.
//!
//! - [`Capture`] records every ARP frame that an interface sees.
//! - [`who_has`] asks for an address and lists all who answer; [`who_has_every`] finds the moment of the first answer,
//!   [`answer_times`] how long answers take.
//! - [`Asker`] asks for an address, or for many, all the time, and knows which questions were answered in two ways.
//! - [`BareAnswerer`] is the fastest program that there can be, to compare answers with.
//! - [`ask_at_once`] finds how many answers a second there are; a [`Flood`] is what nobody has to answer, and a
//!   [`Reader`] reads it all the same.
//! - [`send`] puts any ARP frame onto the wire: somebody else's, or a liar's.
//! - [`Pinger`] sends a datagram every millisecond and tells the longest silence; [`Echo`] is what answers it.
//! - [`Conversation`] is a TCP connection that notices when it breaks.
//! - [`DhcpClient`] gets, renews and gives back a lease like any phone.
//!
//! A kernel's neighbour entries are read by [`Host::neighbor`](crate::lan::Host::neighbor).

mod arp;
mod asker;
mod bare;
mod capture;
mod conversation;
mod dhcp;
mod echo;
mod flood;
mod gate;
mod micros;
mod pinger;
mod priority;
mod resolution;
mod silence;
mod tap;
mod worker;

use std::time::Duration;

pub use arp::{ArpFrame, FrameError, Operation};
pub use asker::{AskReport, Asker, Question, Told};
pub use bare::BareAnswerer;
pub use capture::{Capture, Seen};
pub use conversation::{Conversation, tcp_connect};
pub use dhcp::{DhcpClient, DhcpLease, KeptLease, Renewal};
pub use echo::Echo;
pub use flood::{Answered, Flood, Reader, ask_at_once};
pub(crate) use gate::Gate;
pub(crate) use micros::{as_micros, micros};
pub use pinger::{PingAnswer, PingReport, PingSample, Pinger};
pub(crate) use priority::raise as raise_priority;
pub use resolution::{ArpAnswer, FirstAnswer, answer_times, send, who_has, who_has_every};
pub use silence::Silence;

use crate::lan;

/// What can go wrong with watching; not what is seen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host failed.
    #[error(transparent)]
    Lan(#[from] lan::Error),
    /// The system refused a socket or a thread, or what one of them was to do.
    #[error("{host}: cannot {doing}")]
    System {
        /// The host's name.
        host: String,
        /// What was being done.
        doing: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Something did not happen in the time allowed.
    #[error("{host}: {what} did not happen within {bound:?}{detail}")]
    TooLate {
        /// The host's name.
        host: String,
        /// What was waited for.
        what: String,
        /// How long.
        bound: Duration,
        /// What was seen instead, from a new line on; empty if there is nothing to tell.
        detail: String,
    },
    /// The other side answered something that it should not.
    #[error("{host}: {what}")]
    Unexpected {
        /// The host's name.
        host: String,
        /// What it answered.
        what: String,
    },
}

impl Error {
    fn system(host: &lan::Host, doing: impl Into<String>, source: std::io::Error) -> Self {
        Self::System {
            host: host.name().to_owned(),
            doing: doing.into(),
            source,
        }
    }

    fn too_late(host: &lan::Host, what: impl Into<String>, bound: Duration) -> Self {
        Self::TooLate {
            host: host.name().to_owned(),
            what: what.into(),
            bound,
            detail: String::new(),
        }
    }
}
