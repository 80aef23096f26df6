//! When a chapter begins and ends, by two clocks.

use std::time::{Instant, SystemTime};

/// One moment by both clocks: log lines have the time of day, all else the one that only goes forward.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) mono: Instant,
    pub(super) wall: SystemTime,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self {
            mono: Instant::now(),
            wall: SystemTime::now(),
        }
    }
}

/// From one moment to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: Moment,
    pub(super) to: Moment,
}

impl Span {
    pub(super) fn holds(&self, at: Instant) -> bool {
        (self.from.mono..self.to.mono).contains(&at)
    }

    /// A time of day by the other clock; nothing outside of the span. The time of day may be slewed meanwhile: what it
    /// gained or lost is spread over the span.
    pub(super) fn moment(&self, wall: SystemTime) -> Option<Instant> {
        if !(self.from.wall..self.to.wall).contains(&wall) {
            return None;
        }
        let walls = self.to.wall.duration_since(self.from.wall).ok()?;
        let share = wall.duration_since(self.from.wall).ok()?.div_duration_f64(walls);
        Some(self.from.mono + (self.to.mono - self.from.mono).mul_f64(share))
    }
}
