//! A timer that is exact to some ten microseconds.
//!
//! A runtime's own timers count whole milliseconds, rounded up, and each new deadline costs it a write to a descriptor of
//! its own and a wait that ends for nothing. The last question before a verdict leaves 0.8 ms before it, which would be the
//! same millisecond; and a speaker that has nothing else to do sets a new deadline a hundred times a second.

use std::io;
use std::time::{Duration, Instant};

use nix::sys::time::TimeSpec;
use nix::sys::timer::TimerSetTimeFlags;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags};
use tokio::io::unix::AsyncFd;

use super::raw::{self, Descriptor};

/// To the kernel, no time at all means that the timer is not set.
const AT_ONCE: Duration = Duration::from_nanos(1);

/// One deadline at a time.
#[derive(Debug)]
pub struct Timer {
    descriptor: AsyncFd<Descriptor>,
    deadline: Option<Instant>,
}

impl Timer {
    /// A timer without a deadline, in the runtime that this is called in.
    ///
    /// # Errors
    /// The kernel gives no descriptor.
    pub fn start() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        Ok(Self {
            descriptor: raw::register_timer(timer)?,
            deadline: None,
        })
    }

    /// Sets the deadline, in place of the one before.
    ///
    /// # Errors
    /// The kernel does not take it.
    pub fn set(&mut self, deadline: Instant) -> io::Result<()> {
        if self.deadline == Some(deadline) {
            return Ok(());
        }
        let left = deadline.saturating_duration_since(Instant::now()).max(AT_ONCE);
        let expiration = Expiration::OneShot(TimeSpec::from_duration(left));
        self.descriptor
            .get_ref()
            .0
            .set(expiration, TimerSetTimeFlags::empty())?;
        self.deadline = Some(deadline);
        Ok(())
    }

    /// Returns once the deadline has passed. One that passed while nobody waited may be told after the next one was set: who
    /// waits looks at the clock.
    ///
    /// # Errors
    /// The runtime is ending.
    pub async fn expired(&mut self) -> io::Result<()> {
        self.descriptor.readable().await?.clear_ready();
        // Whoever sets the same one again has not done what was due, and is told again.
        self.deadline = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
