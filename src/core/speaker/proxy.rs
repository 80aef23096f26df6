//! Whether this node's proxy is well: what its health check answers, over time.
//!
//! ```text
//!   unknown ──── good for 5 s ────▶ proven ──── says no, or nothing ────▶ failing
//!      │                               ▲                                   │  ▲
//!      │                               └────────── good for 5 s ───────────┘  │
//!      └──── says no, or was good and is not ─────────────────────────────────┘
//! ```
//! Where nothing has ever answered there may be no such check: a node without one is no worse than the others.

use std::time::Duration;

use crate::election::Serving;
use crate::model::Instant;

/// A proxy that has just started has not programmed every Service yet.
const PROVEN_AFTER: Duration = Duration::from_secs(5);

/// Questions that may go without an answer in a row: a busy machine is no fault of its proxy.
const MISSED: u8 = 2;

/// What one question brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// It is well.
    Good,
    /// It says that it is not: kube-proxy does so where its rules are old, and while its node is deleted.
    Bad,
    /// Nobody answered in time.
    Nothing,
}

/// The answers so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProxyHealth {
    ever: bool,
    failed: bool,
    missed: u8,
    good_since: Option<Instant>,
}

impl ProxyHealth {
    /// Another question was asked.
    pub fn note(&mut self, reply: Reply, now: Instant) -> Serving {
        match reply {
            Reply::Good => {
                self.ever = true;
                self.missed = 0;
                self.good_since.get_or_insert(now);
            }
            Reply::Bad => {
                self.failed = true;
                self.good_since = None;
            }
            Reply::Nothing if self.missed < MISSED => self.missed += 1,
            Reply::Nothing => {
                self.failed |= self.ever;
                self.good_since = None;
            }
        }
        match self.good_since {
            Some(since) if now.since(since) >= PROVEN_AFTER => {
                self.failed = false;
                Serving::Proven
            }
            _ if self.failed => Serving::Failing,
            _ => Serving::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
