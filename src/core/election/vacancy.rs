//! An address that nobody has, and when it is this node's turn to take it.

use std::time::Duration;

use super::{SYNC_PATIENCE, VERDICT_STEP};
use crate::model::Instant;

/// Whoever comes so much later to its turn is busy, and those whose turn was before may be, too: on an idle machine timers are
/// late by a tenth of a millisecond.
const LATE: Duration = Duration::from_millis(5);

/// As one node sees it.
#[derive(Debug, Clone)]
pub(super) struct Vacancy {
    pub(super) since: Instant,
    /// Its turn is no earlier, because it came late to it.
    again: Option<Instant>,
    /// It has come.
    come: bool,
    /// Whether somebody answers for it was asked.
    pub(super) asked: bool,
    /// Nobody does.
    pub(super) cleared: bool,
    /// Somebody did.
    pub(super) blocked_until: Option<Instant>,
}

impl Vacancy {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            since: now,
            again: None,
            come: false,
            asked: false,
            cleared: false,
            blocked_until: None,
        }
    }

    /// When the turn of the node with this rank comes; `None`: it has come. When 200 addresses fall to two nodes, each is busy
    /// with its own for longer than a step, and has neither told of them nor read what the other has: whoever comes late to a
    /// turn behind somebody else's takes another one, for half a second at most.
    pub(super) fn turn(&mut self, rank: usize, step: Duration, now: Instant) -> Option<Instant> {
        let rank = u32::try_from(rank).unwrap_or(u32::MAX);
        let first = self.since + step.saturating_mul(rank);
        let turn = self.again.map_or(first, |again| again.max(first));
        if now < turn {
            return Some(turn);
        }
        let late = !self.come && now.since(turn) > LATE && now.since(self.since) < SYNC_PATIENCE;
        if rank > 0 && late {
            // As far behind those before it as at first: they may be late by as much.
            self.again = Some(now + VERDICT_STEP.saturating_mul(rank));
            return self.again;
        }
        self.come = true;
        None
    }
}

#[cfg(test)]
mod tests;
