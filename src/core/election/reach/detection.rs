//! How long a peer's kernel may be silent before its node counts as gone: learned from the gaps between its answers.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Instant;

/// The shortest detection time. A link that blinks for 25 ms loses up to three questions, 10 ms apart; the answer to the
/// next one is there 35 ms after the last.
pub const SHORTEST: Duration = Duration::from_millis(36);
/// The longest one. Beyond it the heartbeats are as fast.
pub const LONGEST: Duration = Duration::from_millis(300);
/// A gap is remembered for so many minutes.
const MINUTES: u64 = 10;
/// So many gaps longer than [`LONGEST`] in that time show that this peer's answers prove nothing.
const OUTAGES: usize = 3;
/// A verdict that was wrong doubles the time, and each clean hour halves it again.
const FORGIVEN_AFTER: Duration = Duration::from_hours(1);
/// More would not matter: sixteen times the shortest is beyond the longest.
const MAX_DOUBLINGS: u32 = 4;

/// The detection time of one path.
#[derive(Debug, Clone, Default)]
pub struct Detection {
    /// The longest gap of each minute that had one worth noting, oldest first.
    longest: VecDeque<(u64, Duration)>,
    outages: VecDeque<Instant>,
    doublings: u32,
    /// When the last doubling or halving was.
    doubled: Instant,
}

impl Detection {
    /// Half as much again as the longest gap of ten minutes.
    pub fn time(&self, now: Instant) -> Duration {
        let oldest = minute(now).saturating_sub(MINUTES - 1);
        let recent = self.longest.iter().filter(|(minute, _)| *minute >= oldest);
        let longest = recent.map(|(_, gap)| *gap).max().unwrap_or_default();
        let learned = (longest + longest / 2).clamp(SHORTEST, LONGEST);
        let halvings = now.since(self.doubled).as_secs() / FORGIVEN_AFTER.as_secs();
        let doublings = self
            .doublings
            .saturating_sub(u32::try_from(halvings).unwrap_or(u32::MAX));
        learned.saturating_mul(1 << doublings).min(LONGEST)
    }

    /// Whether so many answers failed to come for so long that silence means nothing here.
    pub fn is_off(&self, now: Instant) -> bool {
        let recent = |at: &&Instant| now.since(**at) < Duration::from_mins(MINUTES);
        self.outages.iter().filter(recent).count() >= OUTAGES
    }

    /// What is left when the way is gone: the gaps. A long silence and a verdict are explained by the card that went: its
    /// node was gone indeed, and is missed as fast the next time.
    #[must_use]
    pub fn gaps(self) -> Self {
        Self {
            longest: self.longest,
            ..Self::default()
        }
    }

    /// Whether it makes the time longer than that of one that has learned nothing.
    pub fn matters(&self, now: Instant) -> bool {
        self.time(now) > SHORTEST
    }

    /// Two answers came so far apart, while every question left on time.
    pub fn gap(&mut self, gap: Duration, now: Instant) {
        if gap > LONGEST {
            self.outages.push_back(now);
            if self.outages.len() > OUTAGES {
                self.outages.pop_front();
            }
            return;
        }
        let minute = minute(now);
        match self.longest.back_mut().filter(|(latest, _)| *latest == minute) {
            Some((_, longest)) => *longest = gap.max(*longest),
            None => self.longest.push_back((minute, gap)),
        }
        while self
            .longest
            .front()
            .is_some_and(|(oldest, _)| *oldest + MINUTES <= minute)
        {
            self.longest.pop_front();
        }
    }

    /// The node that was said to be gone is there.
    pub fn disproved(&mut self, now: Instant) {
        let halvings = now.since(self.doubled).as_secs() / FORGIVEN_AFTER.as_secs();
        let left = self
            .doublings
            .saturating_sub(u32::try_from(halvings).unwrap_or(u32::MAX));
        self.doublings = (left + 1).min(MAX_DOUBLINGS);
        self.doubled = now;
    }
}

fn minute(now: Instant) -> u64 {
    now.since_start().as_secs() / 60
}

#[cfg(test)]
mod tests;
