//! Loops that must go round: a process whose loop stands still serves nobody and is better started anew.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tiklb_core::model::time::Spoken;

/// The loops of a process. Clones share the list.
#[derive(Debug, Clone, Default)]
pub struct Liveness(Arc<Mutex<Vec<Arc<Loop>>>>);

#[derive(Debug)]
struct Loop {
    what: &'static str,
    bound: Duration,
    since: Instant,
    /// Milliseconds from `since` to the last sign.
    touched: AtomicU64,
}

/// One loop's handle. A dropped one counts on: a thread that ended no longer goes round.
#[derive(Debug, Clone)]
#[must_use = "a loop that is never touched is taken for dead"]
pub struct Pulse(Arc<Loop>);

/// A loop that has not gone round for too long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} has stood still for {}, {} are allowed", Spoken(*silence), Spoken(*bound))]
pub struct Stalled {
    /// Which loop.
    pub what: &'static str,
    /// Since when it has not gone round.
    pub silence: Duration,
    /// What it is allowed.
    pub bound: Duration,
}

impl Liveness {
    /// No loop yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One loop more, as if it had gone round just now. From now on it must do so at least once every `bound`.
    pub fn pulse(&self, what: &'static str, bound: Duration) -> Pulse {
        let pulse = Arc::new(Loop {
            what,
            bound,
            since: Instant::now(),
            touched: AtomicU64::new(0),
        });
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::clone(&pulse));
        Pulse(pulse)
    }

    /// The loops that stand still.
    pub fn stalled(&self) -> Vec<Stalled> {
        self.stalled_at(Instant::now())
    }

    fn stalled_at(&self, now: Instant) -> Vec<Stalled> {
        let loops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loops.iter().filter_map(|each| each.stalled_at(now)).collect()
    }
}

impl Loop {
    fn stalled_at(&self, now: Instant) -> Option<Stalled> {
        let touched = Duration::from_millis(self.touched.load(Ordering::Relaxed));
        let silence = now.saturating_duration_since(self.since).saturating_sub(touched);
        (silence > self.bound).then_some(Stalled {
            what: self.what,
            silence,
            bound: self.bound,
        })
    }
}

impl Pulse {
    /// The loop goes round. Costs one look at the clock and no lock: it may be called every millisecond.
    pub fn touch(&self) {
        self.touch_at(Instant::now());
    }

    fn touch_at(&self, now: Instant) {
        let since = now.saturating_duration_since(self.0.since).as_millis();
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        self.0.touched.store(since, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
