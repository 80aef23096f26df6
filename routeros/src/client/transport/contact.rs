//! When the router last answered.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::value::Duration;

#[cfg(test)]
mod tests;

/// How long after its last answer a router that is gone is taken for one that restarts. A small board needs a minute
/// or two, more when it upgrades; after that a person should look at more than the clock.
const RESTART: std::time::Duration = std::time::Duration::from_mins(5);

/// When the router last answered, shared by all clones.
#[derive(Debug, Clone, Default)]
pub(super) struct Contact(Arc<Mutex<Option<Instant>>>);

impl Contact {
    /// It has just answered.
    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// How long ago it answered, in whole seconds, if it may since then be restarting.
    pub(super) fn lately(&self) -> Option<Duration> {
        let ago = self.last()?.elapsed();
        (ago < RESTART).then(|| Duration::from_secs(ago.as_secs()))
    }

    /// Whether it never did.
    pub(super) fn never(&self) -> bool {
        self.last().is_none()
    }

    fn last(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
