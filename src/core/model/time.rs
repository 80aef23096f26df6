//! Time as a value: core is told what time it is.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment on the process's monotonic clock: the time since an arbitrary start that never moves while the
/// process lives. Says nothing outside of the process that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Instant(Duration);

impl Instant {
    /// The clock's own zero.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The moment `since_start` after the clock's zero.
    pub const fn at(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// How far this moment lies behind the clock's zero.
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// The time from `earlier` to this moment; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by))
    }
}

/// Wall-clock time in whole seconds since 1970, for statuses and objects that people read. Never compared with
/// another machine's to decide anything but an order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp(pub i64);

/// Both clocks, read once per event by whoever calls core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For every decision.
    pub mono: Instant,
    /// For what people read.
    pub wall: Timestamp,
}

/// A duration as a person says it: `35 ms`, `4.2 s`, `10 min`.
pub struct Spoken(pub Duration);

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        match ms {
            0..1_000 => write!(f, "{ms} ms"),
            1_000..10_000 => write!(f, "{}.{} s", ms / 1_000, ms % 1_000 / 100),
            10_000..120_000 => write!(f, "{} s", ms / 1_000),
            120_000..7_200_000 => write!(f, "{} min", ms / 60_000),
            _ => write!(f, "{} h", ms / 3_600_000),
        }
    }
}

#[cfg(test)]
mod tests;
