//! For how long this replica may write: the Lease's other half.
//!
//! Losing the leadership is a message, and messages are late: a process that was stopped for a minute goes on where it
//! was, with requests in its queues, before anybody tells it. So whatever was decided under a leadership carries a
//! [`Warrant`], which is asked immediately before the request is sent and knows the time by itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The leaderships of one replica, one after another. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Tenure(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The number of the present leadership, or of the last one.
    term: u64,
    /// Until when it stands; `None`: another leads.
    until: Option<Moment>,
}

/// Under which leadership something was decided.
#[derive(Debug, Clone, Default)]
pub struct Warrant(Option<(Tenure, u64)>);

/// A moment of the machine's clock that goes on while it sleeps. The runtime's clock does not: a laptop that wakes up
/// would think that its Lease stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(Duration);

impl Moment {
    pub(super) fn now() -> Self {
        // Linux has had the clock since 2.6.39. Without it, no time is left.
        clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Self(Duration::MAX), |time| Self(time.into()))
    }

    pub(super) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

impl Tenure {
    /// Another leadership begins; its number.
    pub(super) fn begin(&self, until: Moment) -> u64 {
        let mut state = self.state();
        state.term += 1;
        state.until = Some(until);
        state.term
    }

    /// The present leadership stands until then.
    pub(super) fn extend(&self, until: Moment) {
        self.state().until = Some(until);
    }

    /// A leadership of a minute, as it is after a renewal.
    #[cfg(test)]
    pub(crate) fn of_a_minute() -> (Self, Warrant) {
        let tenure = Self::default();
        let term = tenure.begin(Moment::now().after(Duration::from_mins(1)));
        let warrant = tenure.warrant(term);
        (tenure, warrant)
    }

    /// No leadership stands any more.
    pub(crate) fn end(&self) {
        self.state().until = None;
    }

    /// For what is decided under the leadership of this number.
    pub fn warrant(&self, term: u64) -> Warrant {
        Warrant(Some((self.clone(), term)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Warrant {
    /// For one who needs no leadership: speakers write their own objects.
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// Whether what rests on it may be begun.
    pub fn stands(&self) -> bool {
        self.left() > Duration::ZERO
    }

    /// How much longer what rests on it may take; nothing once the leadership is lost.
    pub fn left(&self) -> Duration {
        let Some((tenure, term)) = &self.0 else {
            return Duration::MAX;
        };
        let state = tenure.state();
        let until = state.until.filter(|_| state.term == *term);
        until.map_or(Duration::ZERO, |until| until.0.saturating_sub(Moment::now().0))
    }
}

#[cfg(test)]
mod tests;
