//! One kind of object as a stream of changes that survives whatever happens to the API server.
//!
//! The library lists, watches, and lists again after a 410; here an object that cannot be read costs nothing but
//! itself, and a failure is said once, not at every attempt.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::runtime::watcher::{self, ExponentialBackoff, watcher};
use kube::runtime::{WatchStreamExt, watcher::Event};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tiklb_core::allocator::Change;
use tiklb_core::model::ObjectKey;

use super::client::{Chain, WATCH_SECONDS};
use super::object::{Verdict, key_of};

/// First wait after a failure.
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// Longest wait: a home has one API server, and when it is back nobody should wait for long.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Objects in one answer to a list. As the API server sends them and the library reads them they are several times as large
/// as what is kept, and what a process once had it mostly keeps: with the library's 500 it would be megabytes.
const PAGE: u32 = 100;
/// Objects whose faults are remembered, so that each is said once: more are not said at all.
const FAULTS_REMEMBERED: usize = 1_000;

/// Which objects of a kind are watched.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// A field selector, such as `metadata.name=tiklb-heartbeat`.
    pub fields: Option<String>,
    /// A label selector.
    pub labels: Option<String>,
    /// Whether the last good value of an object that can no longer be read stays in force. Costs a copy of every
    /// value: for kinds that only programs write, of which there are few.
    pub remember: bool,
    /// A kind that came later, without which everything else works: where it is not defined, there are none of it. Any
    /// other kind's absence says nothing about its objects, and is waited out.
    pub optional: bool,
}

/// How the watches of a process are doing, for metrics.
#[derive(Debug, Default)]
pub struct Health {
    updates: AtomicU64,
    failures: AtomicU64,
}

impl Health {
    /// Objects and lists received.
    pub fn updates(&self) -> u64 {
        self.updates.load(Ordering::Relaxed)
    }

    /// Failures of lists and watches, and objects that could not be read.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

/// Changes of one kind, the first of which is [`Change::Listed`]. Never ends.
pub fn watch<K, T>(
    api: Api<K>,
    scope: Scope,
    health: Arc<Health>,
    read: impl Fn(K) -> Verdict<T> + Send + 'static,
) -> impl Stream<Item = Change<T>> + Send
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
    T: Clone + Send + 'static,
{
    let config = watcher::Config {
        field_selector: scope.fields,
        label_selector: scope.labels,
        timeout: Some(WATCH_SECONDS),
        page_size: Some(PAGE),
        ..watcher::Config::default()
    };
    let backoff = backon::ExponentialBuilder::default()
        .with_min_delay(RETRY_FIRST)
        .with_max_delay(RETRY_MAX)
        .with_jitter()
        .without_max_times();
    let mut table = Table {
        kind: K::plural(&()).into_owned(),
        absent_is_empty: scope.optional,
        listing: Vec::new(),
        kept: scope.remember.then(BTreeMap::new),
        faults: BTreeMap::new(),
        earlier: BTreeMap::new(),
        failing: None,
        health,
    };
    let events = watcher(api, config).backoff(ExponentialBackoff::from(backoff));
    events.filter_map(move |event| std::future::ready(table.take(event, &read)))
}

struct Table<T> {
    kind: String,
    /// Nothing was listed yet, and that the kind is not defined is as good as an empty list.
    absent_is_empty: bool,
    listing: Vec<(ObjectKey, T)>,
    kept: Option<BTreeMap<ObjectKey, T>>,
    /// What is wrong with which object.
    faults: BTreeMap<ObjectKey, String>,
    /// The same before the list that is being read.
    earlier: BTreeMap<ObjectKey, String>,
    failing: Option<String>,
    health: Arc<Health>,
}

impl<T: Clone> Table<T> {
    fn take<K: Resource<DynamicType = ()>>(
        &mut self,
        event: watcher::Result<Event<K>>,
        read: &impl Fn(K) -> Verdict<T>,
    ) -> Option<Change<T>> {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                self.failed(&error);
                return (is_undefined(&error) && std::mem::take(&mut self.absent_is_empty))
                    .then(|| Change::Listed(Vec::new()));
            }
        };
        if self.failing.take().is_some() {
            tracing::info!(kind = %self.kind, "the watch works again");
        }
        match event {
            Event::Init => {
                self.listing.clear();
                self.earlier.append(&mut self.faults);
                None
            }
            Event::InitApply(object) => {
                let key = key_of(object.meta());
                match self.judge(&key, read(object)) {
                    Verdict::Keep(value) => self.listing.push((key, value)),
                    Verdict::Ignore => {}
                    Verdict::Unreadable(_) => {
                        let before = self.kept.as_ref().and_then(|kept| kept.get(&key).cloned());
                        self.listing.extend(before.map(|value| (key, value)));
                    }
                }
                None
            }
            Event::InitDone => Some(self.listed()),
            Event::Apply(object) => {
                let key = key_of(object.meta());
                match self.judge(&key, read(object)) {
                    Verdict::Keep(value) => {
                        if let Some(kept) = &mut self.kept {
                            kept.insert(key, value.clone());
                        }
                        Some(Change::Applied(value))
                    }
                    Verdict::Ignore => Some(self.gone(key)),
                    Verdict::Unreadable(_) => None,
                }
            }
            Event::Delete(object) => Some(self.gone(key_of(object.meta()))),
        }
    }

    fn listed(&mut self) -> Change<T> {
        self.absent_is_empty = false;
        self.health.updates.fetch_add(1, Ordering::Relaxed);
        let listing = std::mem::take(&mut self.listing);
        self.earlier.clear();
        if let Some(kept) = &mut self.kept {
            *kept = listing.iter().cloned().collect();
        }
        Change::Listed(listing.into_iter().map(|(_, value)| value).collect())
    }

    fn gone(&mut self, key: ObjectKey) -> Change<T> {
        self.faults.remove(&key);
        if let Some(kept) = &mut self.kept {
            kept.remove(&key);
        }
        Change::Deleted(key)
    }

    /// Counts, and says once what is wrong with an object.
    fn judge(&mut self, key: &ObjectKey, verdict: Verdict<T>) -> Verdict<T> {
        self.health.updates.fetch_add(1, Ordering::Relaxed);
        match &verdict {
            Verdict::Unreadable(why) => {
                self.health.failures.fetch_add(1, Ordering::Relaxed);
                let before = self.earlier.remove(key);
                let before = self.faults.get(key).or(before.as_ref());
                if before != Some(why) && self.faults.len() < FAULTS_REMEMBERED {
                    tracing::warn!(kind = %self.kind, object = %key, "cannot be read, what was known of it stays: {why}");
                }
                if self.faults.len() < FAULTS_REMEMBERED {
                    self.faults.insert(key.clone(), why.clone());
                }
            }
            Verdict::Keep(_) | Verdict::Ignore => {
                if self.faults.remove(key).or(self.earlier.remove(key)).is_some() {
                    tracing::info!(kind = %self.kind, object = %key, "can be read again");
                }
            }
        }
        verdict
    }

    fn failed(&mut self, error: &watcher::Error) {
        self.health.failures.fetch_add(1, Ordering::Relaxed);
        let words = words(error);
        if self.failing.as_ref() == Some(&words) {
            return;
        }
        if is_expected(error) {
            tracing::debug!(kind = %self.kind, "watch: {words}");
        } else {
            tracing::warn!(kind = %self.kind, "watching failed and is tried again: {words}");
        }
        self.failing = Some(words);
    }
}

/// What belongs to the life of a watch: versions expire, and an API server that is away says so once for all kinds.
fn is_expected(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::WatchError(status) => status.code == 410,
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => !matches!(error, kube::Error::Api(_)),
        watcher::Error::NoResourceVersion => false,
    }
}

/// The API server has no such kind.
fn is_undefined(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.is_not_found())
}

fn words(error: &watcher::Error) -> String {
    let cause = match error {
        watcher::Error::WatchError(status) => return format!("{} ({})", status.message, status.code),
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => error,
        watcher::Error::NoResourceVersion => return error.to_string(),
    };
    match cause {
        kube::Error::Api(status) if status.is_forbidden() => {
            format!("{}: apply deploy/rbac again", status.message)
        }
        kube::Error::Api(status) if status.is_not_found() => {
            format!("{} ({}): apply deploy/crds", status.message, status.code)
        }
        kube::Error::Api(status) => format!("{} ({})", status.message, status.code),
        other => Chain(other).to_string(),
    }
}

#[cfg(test)]
mod tests;
