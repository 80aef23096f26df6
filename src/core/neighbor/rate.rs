//! How many frames may leave now: a token bucket by `now`.

use std::time::Duration;

use crate::model::Instant;

/// A token bucket, kept as the one moment at which it is full again (the "virtual scheduling" form of the
/// generic cell rate algorithm): no token is ever counted up, so nothing drifts.
///
/// In any span of time no more than `burst + span / interval` takings succeed.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    interval: Duration,
    burst: u32,
    full_at: Instant,
}

impl TokenBucket {
    /// A full bucket of `burst` tokens (at least one) that gains one each `interval`.
    pub const fn new(interval: Duration, burst: u32) -> Self {
        Self {
            interval,
            burst,
            full_at: Instant::ZERO,
        }
    }

    /// When the next token is there; a moment in the past means now.
    pub fn ready_at(&self) -> Instant {
        self.full_at - self.interval * self.burst.saturating_sub(1)
    }

    /// Takes a token if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        let ready = self.ready_at() <= now;
        if ready {
            self.full_at = self.full_at.max(now) + self.interval;
        }
        ready
    }
}

#[cfg(test)]
mod tests;
