//! Both clocks of a process, as core takes them.

use std::time::{Duration, SystemTime};

use tiklb_core::model::{Instant, Now, Timestamp};

/// The process's clock: monotonic time counts from its making.
#[derive(Debug, Clone, Copy)]
pub struct Clock(std::time::Instant);

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// What time it is.
    pub fn now(&self) -> Now {
        let wall = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            mono: self.mono(),
            wall: Timestamp(i64::try_from(wall.as_secs()).unwrap_or(i64::MAX)),
        }
    }

    /// The monotonic half.
    pub fn mono(&self) -> Instant {
        Instant::at(self.0.elapsed())
    }

    /// A moment of core's as timers take it.
    pub fn at(&self, moment: Instant) -> std::time::Instant {
        self.0 + moment.since_start()
    }

    /// Sleeps until then; without a moment, for ever.
    pub async fn sleep_until(&self, moment: Option<Instant>) {
        match moment {
            // A runtime's timers end after two years; so far ahead is never.
            Some(at) if at.since_start() < Duration::from_hours(24 * 365) => {
                tokio::time::sleep_until(self.at(at).into()).await;
            }
            _ => std::future::pending().await,
        }
    }
}
