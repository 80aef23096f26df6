//! The last changes, numbered without a gap.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use super::Key;
use crate::apiserver::resource::Storage;

/// One change of one object.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// The resource version that this change made.
    pub(crate) version: u64,
    /// Where the object lies.
    pub(crate) storage: Storage,
    /// Its namespace and name.
    pub(crate) key: Key,
    /// What stood there; none before a creation.
    pub(crate) before: Option<Arc<Value>>,
    /// What stands there now; none after a deletion.
    pub(crate) after: Option<Arc<Value>>,
}

/// A bounded window of changes: those after `floor`, up to the newest.
#[derive(Debug)]
pub(crate) struct History {
    changes: VecDeque<Change>,
    window: usize,
    floor: u64,
}

impl History {
    /// An empty history that keeps `window` changes. Versions start at 1: 0 means "any" in the API.
    pub(crate) fn new(window: usize) -> Self {
        Self {
            changes: VecDeque::new(),
            window,
            floor: 0,
        }
    }

    /// The newest version.
    pub(crate) fn version(&self) -> u64 {
        self.floor + self.changes.len() as u64
    }

    /// The version that the next change gets.
    pub(crate) fn next(&self) -> u64 {
        self.version() + 1
    }

    /// The changes after `version` are all known.
    pub(crate) fn reaches(&self, version: u64) -> bool {
        version >= self.floor
    }

    /// The changes after `version`, oldest first.
    pub(crate) fn since(&self, version: u64) -> impl DoubleEndedIterator<Item = &Change> {
        let known = usize::try_from(version.saturating_sub(self.floor)).unwrap_or(usize::MAX);
        self.changes.range(known.min(self.changes.len())..)
    }

    /// Writes a change down and forgets the oldest where the window is full.
    pub(crate) fn push(
        &mut self,
        storage: Storage,
        key: Key,
        before: Option<Arc<Value>>,
        after: Option<Arc<Value>>,
    ) {
        let version = self.next();
        self.changes.push_back(Change {
            version,
            storage,
            key,
            before,
            after,
        });
        if self.changes.len() > self.window {
            self.changes.pop_front();
            self.floor += 1;
        }
    }

    /// Forgets every change.
    pub(crate) fn compact(&mut self) {
        self.floor = self.version();
        self.changes.clear();
    }
}
