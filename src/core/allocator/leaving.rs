//! tiklb's own namespace is being deleted.
//!
//! Kubernetes, from 1.33 on, ends the Pods of such a namespace and waits for them before it deletes anything else. A
//! MikrotikRouter would then wait for its finalizer with nobody left to take it off. So the namespace's deletion, which
//! nobody can take back, counts as the deletion of every MikrotikRouter in it; and a leader that is told to end stays
//! until they are given back, or until [`BOUND`].
//!
//! Services are not tiklb's, and keep what their statuses say. That keeps an address from being given back for as long
//! as a speaker may announce it, and no longer: the speakers go with the namespace, and are told to end when we are.

use std::time::Duration;

use super::event::{Change, NamespaceObject};
use super::{Allocator, Step};
use crate::config::RouterObject;
use crate::model::{Instant, Now, ObjectKey};

/// How long a leader stays that was told to end. Of the Pod's `terminationGracePeriodSeconds`, 150 s, a write that is
/// under way then may take 65 s, and the statuses 3 s.
pub const BOUND: Duration = Duration::from_secs(80);
/// Speakers are told to end in the same moment as the allocator, and their Pods' `terminationGracePeriodSeconds` is 15.
/// From then on one that lives all the same is known by what it has on record.
const SPEAKERS_END: Duration = Duration::from_secs(15);

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    begun: bool,
    /// When this process was told to end.
    told: Option<Instant>,
    /// Nobody is left who could announce what a status names.
    speakers_gone: bool,
}

impl Leaving {
    pub(super) fn told(&mut self, now: Instant) {
        self.told.get_or_insert(now);
    }

    pub(super) fn speakers_are_gone(&self) -> bool {
        self.speakers_gone
    }
}

impl Allocator {
    /// Whether tiklb's own namespace is being deleted.
    pub fn is_leaving(&self) -> bool {
        self.leaving.begun
    }

    /// Whether this replica must not end yet although it is told to: the namespace is being deleted, and nobody else
    /// would give its routers back.
    pub fn has_to_stay(&self, now: Instant) -> bool {
        let in_time = self.leaving.told.is_none_or(|told| now.since(told) < BOUND);
        self.is_ready() && self.leaving.begun && in_time && self.unreleased().next().is_some()
    }

    /// What a person has to know of each router that is not given back when this replica ends.
    pub fn left_behind(&self) -> Vec<String> {
        let words = |object: &RouterObject| {
            let (key, url) = (&object.key, object.spec.as_ref().map(|spec| spec.url.as_str()));
            let failure = self.routers.get(key).and_then(|entry| entry.router.failed());
            let why = failure
                .unwrap_or("there was not time enough; the object's conditions say what was in the way");
            format!(
                "MikrotikRouter {key} is not given back, and the namespace waits for its finalizer: {why}. When the router answers, `tiklb release --router {} …` clears it; then `kubectl -n {} patch mikrotikrouter {} --type=merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'` lets the namespace go",
                url.unwrap_or("URL"),
                key.namespace,
                key.name,
            )
        };
        self.unreleased().map(words).collect()
    }

    /// The routers that go with the namespace and still carry our finalizer.
    fn unreleased(&self) -> impl Iterator<Item = &RouterObject> {
        let objects = self.routers.values().map(|entry| entry.router.object());
        objects.filter(|object| object.finalizer && self.goes_with_namespace(&object.key))
    }

    /// Whether this object is as good as deleted.
    pub(super) fn goes_with_namespace(&self, key: &ObjectKey) -> bool {
        self.leaving.begun && key.namespace == self.settings.namespace
    }

    /// Whether the namespace is being deleted, as far as this change says.
    pub(super) fn note_deletion(&mut self, change: &Change<NamespaceObject>, now: Now) {
        let own = |object: &&NamespaceObject| object.key.name == self.settings.namespace;
        let seen = match change {
            Change::Listed(objects) => objects.iter().find(own),
            Change::Applied(object) => Some(object).filter(own),
            Change::Deleted(_) => None,
        };
        let Some(begun) = seen.map(|object| object.deleting) else {
            return;
        };
        if self.leaving.begun == begun {
            return;
        }
        self.leaving.begun = begun;
        for object in self.router_objects() {
            self.see_router(object, now);
        }
        self.relate_routers();
        self.reconfigure = true;
    }

    /// Looks whether speakers are left, and when to look again.
    pub(super) fn leave(&mut self, now: Instant, step: &mut Step) {
        let Some(told) = self.leaving.told else { return };
        self.leaving.speakers_gone = now.since(told) >= SPEAKERS_END && self.announcements.is_empty();
        let times = [told + SPEAKERS_END, told + BOUND].into_iter();
        times.filter(|at| *at > now).for_each(|at| step.wake_at(at));
    }
}
