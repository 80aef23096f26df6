//! Which request is next: wishes against what is stored. Pure; the clock is an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tiklb_core::allocator::Change;
use tiklb_core::model::{Instant, ObjectKey};

use super::{Kind, Outcome, Target};
use crate::cluster::object::Stored;
use crate::cluster::object::document::Document;

/// First wait after a failure.
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// Longest wait: what is written here is for people, and an API server that comes back is asked again soon.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// Whoever defines the kind anew, MetalLB's chart among them, may take fields out that we write.
const DROPPED: &str = "the API server drops a part of the status, as the kind's CustomResourceDefinition is older than tiklb: \
                       apply deploy/crds (`tiklb doctor` names the fields)";

/// Between two creations of one object: somebody else may want it gone as much as we want it there, and such a dispute
/// must not become a storm.
const RECREATE: Duration = Duration::from_secs(5);

/// What an object should be.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Somebody else's object, of which we keep the status. Where there is no object, nothing is done.
    Status {
        /// The whole status, with `null` for what is absent; a field that is not named stays as it is.
        status: Document,
        /// Whether our finalizer is on the object; `None` leaves that as it is.
        finalizer: Option<Finalizer>,
        /// A change of the status alone waits until the last write is this old.
        pace: Pace,
    },
    /// Our own object.
    Object {
        /// Labels, annotations and owner references; namespace and name come from the target.
        metadata: Document,
        /// `null` for kinds without one.
        spec: Document,
        /// The whole status.
        status: Document,
    },
    /// No object.
    Absent,
}

/// A finalizer that is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finalizer {
    /// Its name.
    pub name: &'static str,
    /// On or off.
    pub present: bool,
}

/// How often a status may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace(pub Duration);

/// One request. It is the only one for its target until it is [`Desk::done`].
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The object.
    pub target: Target,
    /// What to do with it.
    pub request: Request,
}

/// What to do with an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Make it.
    Create(Value),
    /// Merge this into the object.
    Patch(Value),
    /// Merge this into its status.
    PatchStatus(Value),
    /// Remove it, if it is still this one.
    Delete {
        /// `metadata.uid`.
        uid: String,
    },
}

/// All wishes and everything stored.
#[derive(Debug, Default)]
pub struct Desk {
    wishes: BTreeMap<Target, Entry>,
    stored: BTreeMap<Target, Stored>,
    listed: BTreeSet<Kind>,
    /// Targets that may differ from their wish.
    dirty: BTreeSet<Target>,
    waiting: BTreeSet<(Instant, Target)>,
    in_flight: BTreeSet<Target>,
}

#[derive(Debug)]
struct Entry {
    wish: Wish,
    attempts: u32,
    not_before: Instant,
    /// An object that somebody removed is not made again before this.
    not_again_before: Instant,
    complaint: Option<String>,
}

impl Desk {
    /// See [`super::Writer::wish`].
    pub fn wish(&mut self, target: Target, wish: Wish) {
        match self.wishes.get_mut(&target) {
            Some(entry) if entry.wish == wish => return,
            Some(entry) => entry.wish = wish,
            None => {
                let entry = Entry {
                    wish,
                    attempts: 0,
                    not_before: Instant::ZERO,
                    not_again_before: Instant::ZERO,
                    complaint: None,
                };
                self.wishes.insert(target.clone(), entry);
            }
        }
        self.dirty.insert(target);
    }

    /// See [`super::Writer::forget`].
    pub fn forget(&mut self, target: &Target) {
        self.wishes.remove(target);
        self.dirty.remove(target);
    }

    /// See [`super::Writer::retain`].
    pub fn retain(&mut self, kind: Kind, keep: impl Fn(&ObjectKey) -> bool) {
        let wished = self.wishes.keys().filter(|target| target.kind == kind);
        let gone: Vec<Target> = wished.filter(|target| !keep(&target.key)).cloned().collect();
        for target in &gone {
            self.forget(target);
        }
    }

    /// See [`super::Writer::forget_all`].
    pub fn forget_all(&mut self) {
        self.wishes.clear();
        self.dirty.clear();
        self.waiting.clear();
    }

    /// See [`super::Writer::stored`].
    pub fn stored(&mut self, kind: Kind, change: Change<Stored>) {
        let target = |key: &ObjectKey| Target {
            kind,
            key: key.clone(),
        };
        match change {
            Change::Listed(objects) => {
                self.listed.insert(kind);
                self.stored.retain(|target, _| target.kind != kind);
                for stored in objects {
                    self.stored.insert(target(&stored.key), stored);
                }
                let wished = self.wishes.keys().filter(|target| target.kind == kind);
                self.dirty.extend(wished.cloned());
            }
            Change::Applied(stored) => {
                let target = target(&stored.key);
                let newer = self.stored.get(&target);
                if newer.is_none_or(|known| is_later(&stored.resource_version, &known.resource_version)) {
                    self.stored.insert(target.clone(), stored);
                    self.mark(target);
                }
            }
            Change::Deleted(key) => {
                self.stored.remove(&target(&key));
                self.mark(target(&key));
            }
        }
    }

    /// What is stored of an object.
    pub fn find(&self, target: &Target) -> Option<&Stored> {
        self.stored.get(target)
    }

    /// What is stored of all objects of a kind.
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = &Stored> {
        self.stored
            .iter()
            .filter(move |(target, _)| target.kind == kind)
            .map(|(_, stored)| stored)
    }

    /// At most `limit` requests that are due. Each counts as under way until [`Desk::done`].
    pub fn due(&mut self, limit: usize, now: Instant) -> Vec<Job> {
        while let Some((at, target)) = self.waiting.first().cloned()
            && at <= now
        {
            self.waiting.pop_first();
            self.mark(target);
        }
        let mut jobs = Vec::new();
        let mut blocked = Vec::new();
        while jobs.len() < limit
            && let Some(target) = self.dirty.pop_first()
        {
            if self.in_flight.contains(&target) || !self.listed.contains(&target.kind) {
                blocked.push(target);
                continue;
            }
            let Some(entry) = self.wishes.get(&target) else {
                continue;
            };
            let stored = self.stored.get(&target);
            let Some(request) = difference(&target, &entry.wish, stored) else {
                if entry.wish == Wish::Absent {
                    self.wishes.remove(&target); // Fulfilled, and not to be remembered for ever.
                }
                continue;
            };
            let due = match request {
                Request::Create(_) => entry.not_before.max(entry.not_again_before),
                _ => entry.not_before,
            };
            if due > now {
                self.waiting.insert((due, target));
                continue;
            }
            self.in_flight.insert(target.clone());
            jobs.push(Job { target, request });
        }
        self.dirty.extend(blocked);
        jobs
    }

    /// Whether nothing is under way, and nothing due.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
            && self
                .dirty
                .iter()
                .all(|target| !self.listed.contains(&target.kind))
    }

    /// When [`Desk::due`] has something that it does not have now.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// A request ended.
    pub fn done(&mut self, job: &Job, outcome: Outcome, now: Instant) {
        let target = &job.target;
        self.in_flight.remove(target);
        let complaint = match outcome {
            Outcome::Stored(stored) => {
                let dropped = self.is_dropped(job, &stored);
                self.stored(target.kind, Change::Applied(*stored));
                dropped.then(|| DROPPED.to_owned())
            }
            Outcome::Gone => {
                self.stored.remove(target);
                None
            }
            // What is stored is not what we think: the watch brings it.
            Outcome::Conflict => Some(String::new()),
            Outcome::Failed(why) => Some(why),
        };
        let Some(entry) = self.wishes.get_mut(target) else {
            return;
        };
        if let Some(why) = complaint {
            let wait = RETRY_FIRST
                .saturating_mul(1 << entry.attempts.min(8))
                .min(RETRY_MAX);
            entry.attempts = entry.attempts.saturating_add(1);
            entry.not_before = now + wait;
            if !why.is_empty() && entry.complaint.as_ref() != Some(&why) {
                tracing::warn!(kind = ?target.kind, object = %target.key, "not written, tried again: {why}");
                entry.complaint = Some(why);
            }
        } else {
            entry.attempts = 0;
            match (&entry.wish, &job.request) {
                (Wish::Status { pace, .. }, Request::PatchStatus(_)) => entry.not_before = now + pace.0,
                (_, Request::Create(_)) => entry.not_again_before = now + RECREATE,
                _ => {}
            }
            if entry.complaint.take().is_some() {
                tracing::info!(kind = ?target.kind, object = %target.key, "written again");
            }
        }
        self.dirty.insert(target.clone());
    }

    /// Whether what was written is not what is stored, so that writing it again at once would do no better.
    fn is_dropped(&self, job: &Job, stored: &Stored) -> bool {
        let (Request::PatchStatus(sent), Some(entry)) = (&job.request, self.wishes.get(&job.target)) else {
            return false;
        };
        let again = difference(&job.target, &entry.wish, Some(stored));
        matches!(again, Some(Request::PatchStatus(again)) if again["status"] == sent["status"])
    }

    fn mark(&mut self, target: Target) {
        if self.wishes.contains_key(&target) {
            self.dirty.insert(target);
        }
    }
}

/// The next request that brings the object nearer to the wish.
fn difference(target: &Target, wish: &Wish, stored: Option<&Stored>) -> Option<Request> {
    match (wish, stored) {
        (Wish::Absent | Wish::Status { .. }, None) => None,
        (Wish::Absent, Some(stored)) => Some(Request::Delete {
            uid: stored.uid.0.clone(),
        }),
        (
            Wish::Status {
                status, finalizer, ..
            },
            Some(stored),
        ) => {
            let finalizer = finalizer.and_then(|wanted| finalizers(wanted, stored));
            finalizer.or_else(|| patch_status(status, stored))
        }
        (Wish::Object { metadata, spec, .. }, None) => Some(Request::Create(object(target, metadata, spec))),
        (Wish::Object { status, .. }, Some(stored)) => patch_status(status, stored),
    }
}

fn object(target: &Target, metadata: &Document, spec: &Document) -> Value {
    let resource = target.kind.resource();
    let mut metadata = metadata.value();
    metadata["name"] = json!(target.key.name);
    metadata["namespace"] = json!(target.key.namespace);
    let mut object = json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": metadata,
    });
    let spec = spec.value();
    if !spec.is_null() {
        object["spec"] = spec;
    }
    object
}

fn finalizers(wanted: Finalizer, stored: &Stored) -> Option<Request> {
    let is_there = stored.finalizers.iter().any(|name| name == wanted.name);
    if is_there == wanted.present {
        return None;
    }
    let mut finalizers: Vec<&str> = stored.finalizers.iter().map(String::as_str).collect();
    if wanted.present {
        finalizers.push(wanted.name);
    } else {
        finalizers.retain(|name| *name != wanted.name);
    }
    Some(Request::Patch(json!({
        "metadata": {"resourceVersion": stored.resource_version, "finalizers": finalizers},
    })))
}

fn patch_status(wanted: &Document, stored: &Stored) -> Option<Request> {
    let mut status = wanted.value();
    if let Some(before) = stored.status() {
        carry_transitions(&mut status, &before);
        if same(&with_the_rest(&status, &before), &before) {
            return None;
        }
    }
    Some(Request::PatchStatus(json!({
        "metadata": {"resourceVersion": stored.resource_version},
        "status": status,
    })))
}

/// The status with the fields that it does not name: a patch leaves those as they are.
fn with_the_rest(status: &Value, before: &Value) -> Value {
    let mut whole = status.clone();
    if let (Some(fields), Some(before)) = (whole.as_object_mut(), before.as_object()) {
        for (field, value) in before {
            fields.entry(field).or_insert_with(|| value.clone());
        }
    }
    whole
}

/// A condition's `lastTransitionTime` moves with its `status` alone, so that saying the same again is no change.
fn carry_transitions(status: &mut Value, before: &Value) {
    let Some(conditions) = status.get_mut("conditions").and_then(Value::as_array_mut) else {
        return;
    };
    let known = before["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    for condition in conditions {
        let same = known
            .iter()
            .find(|old| old["type"] == condition["type"] && old["status"] == condition["status"]);
        if let Some(time) = same.and_then(|old| old.get("lastTransitionTime")) {
            condition["lastTransitionTime"] = time.clone();
        }
    }
}

/// Equal, where `null`, an absent field and an empty text say the same.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let one_way = |a: &serde_json::Map<String, Value>, b: &serde_json::Map<String, Value>| {
                a.iter()
                    .all(|(key, value)| same(value, b.get(key).unwrap_or(&Value::Null)))
            };
            one_way(a, b) && one_way(b, a)
        }
        (Value::Object(fields), Value::Null) | (Value::Null, Value::Object(fields)) => {
            fields.values().all(|value| same(value, &Value::Null))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Array(items), Value::Null) | (Value::Null, Value::Array(items)) => items.is_empty(),
        (Value::Number(number), Value::Null) | (Value::Null, Value::Number(number)) => {
            number.as_i64() == Some(0)
        }
        (Value::String(text), Value::Null) | (Value::Null, Value::String(text)) => text.is_empty(),
        (a, b) => a == b,
    }
}

/// Whether `version` is after `than`, as versions of one kind are ordered; what is no number counts as later.
fn is_later(version: &str, than: &str) -> bool {
    match (version.parse::<u64>(), than.parse::<u64>()) {
        (Ok(version), Ok(than)) => version > than,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
