//! A bounded record of what was seen, in which one can wait for something to appear.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// The last so many things of one kind: log lines, frames. Clones are the same journal.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::time::Duration;
/// let journal = lab::lan::Journal::new(2);
/// for line in ["one", "two", "three"] {
///     journal.push(line);
/// }
/// assert_eq!(journal.entries(), ["two", "three"]);
/// assert_eq!(journal.dropped(), 1);
/// assert_eq!(journal.wait_for(|line| line.starts_with("th"), Duration::from_secs(1)).await, Some("three"));
/// # }
/// ```
#[derive(Debug)]
pub struct Journal<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    capacity: usize,
    kept: Mutex<Kept<T>>,
    /// How many entries there ever were; wakes those who wait.
    total: watch::Sender<u64>,
}

#[derive(Debug)]
struct Kept<T> {
    entries: VecDeque<T>,
    /// Entries that made room for younger ones.
    dropped: u64,
}

impl<T> Clone for Journal<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: Clone> Journal<T> {
    /// A journal that keeps the last `capacity` entries.
    pub fn new(capacity: usize) -> Self {
        let kept = Mutex::new(Kept {
            entries: VecDeque::new(),
            dropped: 0,
        });
        Self {
            shared: Arc::new(Shared {
                capacity,
                kept,
                total: watch::Sender::new(0),
            }),
        }
    }

    /// Adds an entry; the oldest one goes if there is no room.
    pub fn push(&self, entry: T) {
        {
            let mut kept = self.lock();
            if kept.entries.len() >= self.shared.capacity {
                kept.entries.pop_front();
                kept.dropped += 1;
            }
            kept.entries.push_back(entry);
        }
        self.shared.total.send_modify(|total| *total += 1);
    }

    /// What is kept, oldest first.
    pub fn entries(&self) -> Vec<T> {
        self.lock().entries.iter().cloned().collect()
    }

    /// How many entries were lost for lack of room.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// The first entry, among those kept and those to come, that `wanted` accepts; nothing if none came within `bound`.
    /// Each entry is shown to `wanted` once.
    pub async fn wait_for(&self, mut wanted: impl FnMut(&T) -> bool, bound: Duration) -> Option<T> {
        let mut changes = self.shared.total.subscribe();
        let mut seen = 0;
        let search = async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = self.find_from(&mut seen, &mut wanted) {
                    return Some(found);
                }
                // The sender lives in `self`, so this ends only with a new entry.
                changes.changed().await.ok()?;
            }
        };
        tokio::time::timeout(bound, search).await.ok().flatten()
    }

    /// Looks at what was not looked at before: entry number `seen` and later, counted from the first one ever.
    fn find_from(&self, seen: &mut u64, wanted: &mut impl FnMut(&T) -> bool) -> Option<T> {
        let kept = self.lock();
        let skip = usize::try_from(seen.saturating_sub(kept.dropped)).unwrap_or(usize::MAX);
        *seen = kept.dropped + kept.entries.len() as u64;
        kept.entries
            .iter()
            .skip(skip)
            .find(|entry| wanted(entry))
            .cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept<T>> {
        // A panic of a `wanted` closure leaves the entries whole.
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
