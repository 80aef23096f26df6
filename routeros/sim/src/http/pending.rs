//! A request that is being answered. One whose client goes away before its answer leaves the router confused.
//!
//! Measured on 7.23.7: for 1 to 2.4 seconds after such an abort, requests are reset or answered with the status of
//! another request.

use std::sync::Arc;
use std::time::Duration;

use super::execute::Outcome;
use crate::router::{Shared, locked};

/// What a request meets after another one was abandoned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Poison {
    /// The connection is reset; the request is not carried out.
    Reset,
    /// The request is carried out and answered with what was meant for the abandoned one.
    Foreign(Box<Outcome>),
}

/// The router's confusion.
#[derive(Debug, Default)]
pub(crate) struct Confusion {
    /// For how long an abort confuses it; zero switches this off.
    pub(crate) lasts: Duration,
    /// Until when it is confused, since start by a clock that nobody advances: the wire knows no other.
    until: Duration,
    orphan: Option<Outcome>,
    turn: bool,
}

impl Confusion {
    /// What the next request meets: resets and foreign answers in turn.
    pub(crate) fn meet(&mut self, now: Duration) -> Option<Poison> {
        if now >= self.until {
            self.orphan = None;
            return None;
        }
        self.turn = !self.turn;
        match self.orphan.clone().filter(|_| !self.turn) {
            Some(orphan) => Some(Poison::Foreign(Box::new(orphan))),
            None => Some(Poison::Reset),
        }
    }

    fn abandoned(&mut self, now: Duration, outcome: Option<Outcome>) {
        if !self.lasts.is_zero() {
            (self.until, self.orphan) = (now + self.lasts, outcome);
            self.turn = false;
        }
    }
}

/// A request until it is answered. Dropped before that, its client has gone.
pub(crate) struct Pending<'a> {
    shared: &'a Arc<Shared>,
    outcome: Option<Outcome>,
    answered: bool,
}

impl<'a> Pending<'a> {
    pub(crate) fn new(shared: &'a Arc<Shared>) -> Self {
        Self {
            shared,
            outcome: None,
            answered: false,
        }
    }

    /// What came of it, told to nobody yet.
    pub(crate) fn carried_out(&mut self, outcome: &Outcome) {
        self.outcome = Some(outcome.clone());
    }

    pub(crate) fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.answered {
            let now = self.shared.elapsed();
            locked(&self.shared.faults)
                .confusion
                .abandoned(now, self.outcome.take());
        }
    }
}
