//! Requests that came while answers are withheld. Whoever asked would else ask again, a Linux host after a second.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::model::Instant;
use crate::neighbor::{InterfaceIndex, Message, Neighbor, Statement};

/// So many are kept, and the oldest goes first. They are answered in one turn of the thread that also reads heartbeats, which
/// takes as many frames from a socket in one turn. A host asks for an address that it uses four times a minute at most: in the
/// third of a second that a request is good for so many come of a thousand hosts.
pub(super) const MAX_WITHHELD: usize = 64;

/// The requests, in the order in which they were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Withheld(VecDeque<Request>);

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) interface: InterfaceIndex,
    pub(super) message: Message,
    /// When it arrived in the kernel.
    pub(super) came: Instant,
}

impl Request {
    /// Who asks for what, and where: whoever asks again is answered once.
    fn asks(&self) -> (InterfaceIndex, Neighbor, IpAddr) {
        let said = Statement::from(&self.message);
        let asker = Neighbor {
            mac: said.sender_mac,
            address: said.sender_ip,
        };
        (self.interface, asker, said.target_ip)
    }
}

impl Withheld {
    pub(super) const fn new() -> Self {
        Self(VecDeque::new())
    }

    pub(super) fn keep(&mut self, request: Request) {
        self.0.retain(|known| known.asks() != request.asks());
        if self.0.len() >= MAX_WITHHELD {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self) -> VecDeque<Request> {
        std::mem::take(&mut self.0)
    }
}
