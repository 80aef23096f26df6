//! Requests that came while answers are withheld. Whoever asked would else ask again, a Linux host after a second.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::model::Instant;
use crate::neighbor::{InterfaceIndex, Message, Neighbor, Statement};

/// So many are kept, and the oldest goes first. A host asks for an address that it uses four times a minute at most: a thousand
/// hosts ask two dozen questions in the third of a second that a request is good for. All are answered in one turn of the
/// thread that also reads heartbeats, which takes as many frames from a socket in one turn.
pub(super) const MAX_WITHHELD: usize = 64;

/// The requests, in the order in which they were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Withheld(VecDeque<(Question, Request)>);

/// Who asks for what, and where: whoever asks again is answered once.
type Question = (InterfaceIndex, Neighbor, IpAddr);

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) interface: InterfaceIndex,
    pub(super) message: Message,
    /// When it arrived in the kernel.
    pub(super) came: Instant,
}

impl Request {
    fn question(&self) -> Question {
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
        let question = request.question();
        self.0.retain(|(known, _)| *known != question);
        if self.0.len() >= MAX_WITHHELD {
            self.0.pop_front();
        }
        self.0.push_back((question, request));
    }

    pub(super) fn take(&mut self) -> impl Iterator<Item = Request> + use<> {
        let all = std::mem::take(&mut self.0).into_iter();
        all.map(|(_, request)| request)
    }
}
