//! What is heard of a peer on one of the networks that this node shares with it.

use std::time::Duration;

use super::DOWN_AFTER;
use crate::election::row::Row;
use crate::model::Instant;

/// A peer that is heard there by heartbeats is asked for other signs when one of them is late.
const ASK_AFTER: Duration = Duration::from_millis(150);
/// One whose heartbeats do not come there, by a firewall, is asked for them all the time: twice a second, little enough
/// for every switch that counts ARP.
const ASK_SELDOM: Duration = Duration::from_millis(450);
/// Twice that, and the time for an answer.
pub(in crate::election) const OUT_OF_HEARING: Duration = Duration::from_secs(1);
/// So many questions stay without an answer before its silence means something.
const ENOUGH: u8 = 3;
/// One that never answered there has a network of the same numbers by chance, as nodes have for their containers: it is asked
/// for so long, and then once in [`LONG`].
const STRANGE: Duration = Duration::from_secs(3);
/// After so long nobody waits for it any more.
const LONG: Duration = Duration::from_mins(1);
/// Nor for one that was found to be cut off: it is asked now and then, because an answer shows that it is back where
/// heartbeats are dropped.
const RARELY: Duration = Duration::from_secs(5);

/// One peer on one segment.
#[derive(Debug, Clone, Copy)]
pub(in crate::election) struct Hearing {
    /// The newest of its heartbeats that came this way.
    newest: u64,
    /// When that was.
    heard: Option<Instant>,
    /// The last sign of its life here, of whatever kind; before the first, when it was first listened for.
    sign: Instant,
    /// Those that came to this node itself, not by hearsay.
    direct: Option<Row>,
    /// Questions since the last sign.
    asked: u8,
    /// The last of them.
    asked_at: Option<Instant>,
}

impl Hearing {
    /// Nothing was heard yet.
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            newest: 0,
            heard: None,
            sign: now,
            direct: None,
            asked: 0,
            asked_at: None,
        }
    }

    /// A heartbeat came this way; whether the peer echoes what it was sent this way.
    pub(in crate::election) fn heartbeat(&mut self, sequence: u64, two_way: bool, now: Instant) {
        self.newest = self.newest.max(sequence);
        self.heard = Some(now);
        if two_way {
            self.answered(now);
        }
    }

    /// Its node answered this one here.
    pub(in crate::election) fn answered(&mut self, now: Instant) {
        self.sign(now);
        self.direct = Some(Row::after(self.direct, DOWN_AFTER, now));
    }

    /// Somebody says that it is here.
    pub(in crate::election) fn sign(&mut self, now: Instant) {
        self.sign = self.sign.max(now);
        self.asked = 0;
        self.asked_at = None;
    }

    /// Whether it has ever answered this node here.
    pub(in crate::election) const fn is_known(&self) -> bool {
        self.direct.is_some()
    }

    /// What a heartbeat that leaves this way echoes, if anything came lately.
    pub(super) fn echo(&self, now: Instant) -> Option<u64> {
        let lately = self.heard.is_some_and(|at| now.since(at) <= DOWN_AFTER);
        lately.then_some(self.newest)
    }

    /// Since when nothing shows that it is here.
    pub(in crate::election) const fn silent_since(&self) -> Instant {
        self.sign
    }

    /// Whether it should be asked for a sign now; counts the question.
    /// `gone`: it was found to be cut off there.
    pub(in crate::election) fn asks(&mut self, gone: bool, now: Instant) -> bool {
        let silence = now.since(self.sign);
        let by_heartbeats = self.heard.is_some_and(|at| now.since(at) <= 3 * DOWN_AFTER);
        let after = if by_heartbeats { ASK_AFTER } else { ASK_SELDOM };
        let pause = match self.is_known() {
            true if gone || silence > LONG => RARELY,
            false if gone || silence > STRANGE => LONG,
            _ => Duration::ZERO, // With each heartbeat.
        };
        let asks = silence >= after && self.asked_at.is_none_or(|at| now.since(at) >= pause);
        if asks {
            self.asked = self.asked.saturating_add(1);
            self.asked_at = Some(now);
        }
        asks
    }

    /// Whether it did not answer the question before.
    pub(in crate::election) const fn is_asked_again(&self) -> bool {
        self.asked > 1
    }

    /// Its answers to this node itself.
    pub(super) const fn answers(&self) -> Option<Row> {
        self.direct
    }

    /// Whether its silence has lasted for so long that it is cut off, if our own link works.
    pub(in crate::election) fn is_over(&self, now: Instant) -> bool {
        now.since(self.sign) > DOWN_AFTER && self.asked > ENOUGH
    }

    /// Whether this node itself has heard nothing of it here for long, though it asked.
    pub(in crate::election) fn is_out_of_hearing(&self, now: Instant) -> bool {
        match self.direct {
            Some(row) => !row.is_fresh(OUT_OF_HEARING, now),
            None => self.is_over(now),
        }
    }
}

#[cfg(test)]
mod tests;
