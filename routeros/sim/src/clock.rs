//! The router's clock: real time by default, and movable forward, so that a lease can expire within a test.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify;

#[cfg(test)]
mod tests;

/// Whether the clock runs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// Real time plus whatever was advanced.
    #[default]
    Real,
    /// It moves by [`Clock::advance`] alone, for tests that compare whole rows with their times.
    Stopped,
}

/// The router's time since start. Clones share one clock.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    wall: SystemTime,
    pace: Pace,
    advanced: Mutex<Duration>,
    moved: Notify,
}

impl Clock {
    /// A clock that stands at zero.
    pub fn new(pace: Pace) -> Self {
        Self(Arc::new(Inner {
            started: Instant::now(),
            wall: SystemTime::now(),
            pace,
            advanced: Mutex::new(Duration::ZERO),
            moved: Notify::new(),
        }))
    }

    /// Time since start.
    pub fn now(&self) -> Duration {
        let real = match self.0.pace {
            Pace::Real => self.0.started.elapsed(),
            Pace::Stopped => Duration::ZERO,
        };
        real + *self.0.advanced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time of day, moved forward like the rest.
    pub fn wall(&self) -> SystemTime {
        self.0.wall + self.now()
    }

    /// Moves the clock forward and wakes whatever waits for it.
    pub fn advance(&self, by: Duration) {
        *self.0.advanced.lock().unwrap_or_else(PoisonError::into_inner) += by;
        self.0.moved.notify_waiters();
    }

    /// Returns once the clock shows `deadline` or later.
    pub(crate) async fn reached(&self, deadline: Duration) {
        loop {
            let moved = self.0.moved.notified();
            tokio::pin!(moved);
            // Registered before the clock is read, so that no advance between the two is missed.
            moved.as_mut().enable();
            let now = self.now();
            if now >= deadline {
                return;
            }
            match self.0.pace {
                Pace::Real => tokio::select! {
                    () = tokio::time::sleep(deadline.saturating_sub(now)) => {}
                    () = moved => {}
                },
                Pace::Stopped => moved.await,
            }
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(Pace::default())
    }
}
