//! The one that writes: what is wished of an object against what is stored of it.
//!
//! Whoever decides says what each object should be ([`Wish`]); the watches say what it is ([`Stored`]). The difference
//! is written, with the stored version as its condition, and nothing is written where there is none: a status that a
//! person edits is put right, an object that somebody deletes is made again, a restart writes nothing. Of two wishes
//! the later one counts. [`desk`] decides which request is next and is pure; this file makes the requests.

pub mod desk;
mod request;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kube::Client;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use tiklb_core::allocator::Change;
use tiklb_core::model::ObjectKey;
use tokio::sync::Notify;
use tokio::task::JoinSet;

pub use self::desk::{Desk, Wish};
pub use self::request::Outcome;
use super::object::Stored;
use super::tenure::Warrant;
use crate::api::{METALLB_GROUP, TIKLB_GROUP};

/// Requests under way at once: enough for a burst, few enough for a small API server.
const AT_ONCE: usize = 8;
/// A write takes milliseconds; one that hangs is tried again on another connection.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The kinds that are written through a [`Writer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `IPAddressPool`: counters in its status.
    Pool,
    /// `MikrotikRouter`: its status and our finalizer.
    Router,
    /// `AddressReservation`: what became of it, in its status.
    Reservation,
    /// `ConfigurationState`: ours.
    Configuration,
    /// `ServiceL2Status`: ours.
    Announcement,
    /// `AddressConflict`: ours.
    Conflict,
}

impl Kind {
    /// The resource in the API.
    pub fn resource(self) -> ApiResource {
        let (group, version, kind, plural) = match self {
            Self::Pool => (METALLB_GROUP, "v1beta1", "IPAddressPool", "ipaddresspools"),
            Self::Router => (TIKLB_GROUP, "v1alpha1", "MikrotikRouter", "mikrotikrouters"),
            Self::Reservation => (
                TIKLB_GROUP,
                "v1alpha1",
                "AddressReservation",
                "addressreservations",
            ),
            Self::Configuration => (
                METALLB_GROUP,
                "v1beta1",
                "ConfigurationState",
                "configurationstates",
            ),
            Self::Announcement => (METALLB_GROUP, "v1beta1", "ServiceL2Status", "servicel2statuses"),
            Self::Conflict => (TIKLB_GROUP, "v1alpha1", "AddressConflict", "addressconflicts"),
        };
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace and name.
    pub key: ObjectKey,
}

/// The handle by which wishes and news reach the writer. Clones share it.
#[derive(Clone)]
pub struct Writer(Arc<Shared>);

struct Shared {
    desk: Mutex<Desk>,
    warrant: Mutex<Warrant>,
    changed: Notify,
    settled: Notify,
}

impl Default for Writer {
    fn default() -> Self {
        Self(Arc::new(Shared {
            desk: Mutex::new(Desk::default()),
            warrant: Mutex::new(Warrant::unlimited()),
            changed: Notify::new(),
            settled: Notify::new(),
        }))
    }
}

impl Writer {
    /// What an object should be from now on.
    pub fn wish(&self, target: Target, wish: Wish) {
        self.desk().wish(target, wish);
        self.0.changed.notify_one();
    }

    /// Nothing is wished of the object any more; it stays as it is.
    pub fn forget(&self, target: &Target) {
        self.desk().forget(target);
    }

    /// Of the kind, nothing is wished any more but of objects that `keep` names.
    pub fn retain(&self, kind: Kind, keep: impl Fn(&ObjectKey) -> bool) {
        self.desk().retain(kind, keep);
    }

    /// Nothing is wished of anything any more: another replica leads.
    pub fn forget_all(&self) {
        self.desk().forget_all();
    }

    /// What is wished for from now on rests on this leadership. What was wished for before has to be forgotten first.
    pub fn write_under(&self, warrant: Warrant) {
        *self.0.warrant.lock().unwrap_or_else(PoisonError::into_inner) = warrant;
    }

    /// What a watch of the kind brought.
    pub fn stored(&self, kind: Kind, change: Change<Stored>) {
        self.desk().stored(kind, change);
        self.0.changed.notify_one();
    }

    /// What is stored of an object, as far as known.
    pub fn find(&self, target: &Target) -> Option<Stored> {
        self.desk().find(target).cloned()
    }

    /// What is stored of all objects of a kind.
    pub fn all(&self, kind: Kind) -> Vec<Stored> {
        self.desk().all(kind).cloned().collect()
    }

    /// Waits until every wish is fulfilled, or waits for its next attempt.
    pub async fn idle(&self) {
        loop {
            let settled = self.0.settled.notified();
            if self.desk().is_idle() {
                return;
            }
            settled.await;
        }
    }

    /// Makes the requests, for ever.
    pub async fn run(self, client: Client) {
        let mut requests = JoinSet::new();
        let started = Instant::now();
        let now = || tiklb_core::model::Instant::at(started.elapsed());
        loop {
            let free = AT_ONCE - requests.len().min(AT_ONCE);
            let (jobs, deadline) = {
                let mut desk = self.desk();
                let jobs = desk.due(free, now());
                (jobs, desk.next_deadline())
            };
            if jobs.is_empty() {
                self.0.settled.notify_waiters();
            }
            for job in jobs {
                let (client, warrant) = (client.clone(), self.warrant());
                requests.spawn(async move {
                    let outcome = attempt(&client, &job, &warrant).await;
                    (job, outcome)
                });
            }
            let has_room = requests.len() < AT_ONCE;
            let due = async {
                match deadline {
                    Some(at) if has_room => {
                        tokio::time::sleep_until((started + at.since_start()).into()).await;
                    }
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.0.changed.notified() => {}
                Some(done) = requests.join_next(), if !requests.is_empty() => {
                    match done {
                        Ok((job, outcome)) => self.desk().done(&job, outcome, now()),
                        // Its target would count as being written for ever: the process had better start anew.
                        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
                        Err(_) => {}
                    }
                    self.0.settled.notify_waiters();
                }
                () = due => {}
            }
        }
    }

    fn warrant(&self) -> Warrant {
        self.0
            .warrant
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn attempt(client: &Client, job: &desk::Job, warrant: &Warrant) -> Outcome {
    let left = warrant.left();
    if left.is_zero() {
        return Outcome::Failed("the Lease has ended, another replica may lead".to_owned());
    }
    let sent = tokio::time::timeout(TIMEOUT.min(left), request::make(client, job)).await;
    sent.unwrap_or_else(|_| Outcome::Failed("no answer in 10 s".to_owned()))
}

#[cfg(test)]
mod tests;
