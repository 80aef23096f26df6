//! A row of signs that is not broken: how long something has been seen to work, and how lately.

use std::time::Duration;

use crate::model::Instant;

/// The first and the last sign of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    first: Instant,
    pub(super) last: Instant,
}

impl Row {
    /// A sign after `before`, which goes on unless the pause was longer than `gap`.
    pub(super) fn after(before: Option<Self>, gap: Duration, now: Instant) -> Self {
        let before = before.filter(|row| row.is_fresh(gap, now));
        Self {
            first: before.map_or(now, |row| row.first),
            last: now,
        }
    }

    /// From the first to the last.
    pub(super) fn length(self) -> Duration {
        self.last.since(self.first)
    }

    /// Whether the last is no older than this.
    pub(super) fn is_fresh(self, within: Duration, now: Instant) -> bool {
        now.since(self.last) <= within
    }
}
