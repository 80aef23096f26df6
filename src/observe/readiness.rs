//! What a process still waits for before it can do its work.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The things that are waited for. Ready when there is none. Clones share the list.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    things: BTreeMap<u64, Cow<'static, str>>,
}

/// One thing that is waited for, until it is [`Pending::done`]. Dropped without that, it is waited for as long as the
/// process lives: a task that ended early has not brought what it should.
#[derive(Debug)]
#[must_use = "the process is not ready before this is done"]
pub struct Pending {
    readiness: Readiness,
    number: u64,
}

impl Readiness {
    /// Waits for nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for one thing more. `what` completes "waiting for …".
    pub fn wait_for(&self, what: impl Into<Cow<'static, str>>) -> Pending {
        let mut waiting = self.lock();
        let number = waiting.next;
        waiting.next += 1;
        waiting.things.insert(number, what.into());
        Pending {
            readiness: self.clone(),
            number,
        }
    }

    /// What is still waited for, in the order in which it was asked for.
    pub fn waiting(&self) -> Vec<Cow<'static, str>> {
        self.lock().things.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// It is there.
    pub fn done(self) {
        self.readiness.lock().things.remove(&self.number);
    }
}

#[cfg(test)]
mod tests;
