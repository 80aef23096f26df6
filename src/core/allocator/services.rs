//! Deciding about Services and writing their statuses.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::contest;
use super::effect::{About, Effect, Notice};
use super::event::{Change, Kind, WriteResult};
use super::occupancy::Network;
use super::{Allocator, Step};
use crate::ipam::request::{FROM_POOL, Request, RequestError, names_addresses};
use crate::ipam::{Because, Decision, Ground, Outcome};
use crate::model::service::Service;
use crate::model::{Instant, Now, ObjectKey};

/// First wait after a failed write of a status; doubles.
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// Longest wait: an API server that comes back is noticed by its watches long before.
const RETRY_MAX: Duration = Duration::from_secs(10);
/// A first sync takes about 12 s: what waits for proof longer than this is worth an event.
const PATIENCE: Duration = Duration::from_secs(15);
/// A write without an answer counts as failed after this: the adapter's own timeout is shorter.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What is said of an annotation that `MetalLB` has renamed.
const DEPRECATED: &str =
    "an annotation under metallb.universe.tf/ was read: it works, but metallb.io/ is its name now";

/// A status write that is under way, or done and not yet seen in the watch.
#[derive(Debug, Clone)]
pub(super) struct Write {
    addresses: Vec<IpAddr>,
    pool: Option<String>,
    because: Because,
    state: WriteState,
    attempts: u32,
}

#[derive(Debug, Clone)]
enum WriteState {
    /// Sent; it counts as failed at this moment.
    Sent(Instant),
    /// Stored under this version; the watch has not shown it yet.
    Stored(String),
    /// To be sent again at this moment.
    Retry(Instant),
}

impl Allocator {
    pub(super) fn take_services(&mut self, change: Change<Box<Service>>) {
        match change {
            Change::Listed(services) => {
                self.listed.insert(Kind::Services);
                let present: BTreeSet<ObjectKey> = services.iter().map(|s| s.key.clone()).collect();
                let gone: Vec<ObjectKey> = self
                    .services
                    .keys()
                    .filter(|k| !present.contains(*k))
                    .cloned()
                    .collect();
                for key in &gone {
                    self.forget_service(key);
                }
                for service in services {
                    self.see_service(service);
                }
            }
            Change::Applied(service) => self.see_service(service),
            Change::Deleted(key) => self.forget_service(&key),
        }
    }

    fn see_service(&mut self, service: Box<Service>) {
        let key = service.key.clone();
        if let Some(write) = self.writes.get(&key) {
            let shown = write.addresses == service.ingress
                && !service.ingress_altered
                && write.pool.as_ref() == service.annotations.get(FROM_POOL);
            let later = matches!(&write.state, WriteState::Stored(version) if is_later(&service.resource_version, version));
            // One that was sent before may still come. That it has not is known when this one is answered.
            let awaited =
                matches!(write.state, WriteState::Retry(_)) && self.named.may_become(&key, &service.ingress);
            if (shown && !awaited) || later {
                self.writes.remove(&key);
            }
        }
        let version = service.resource_version.clone();
        if names_addresses(&service) {
            self.naming.insert(key.clone());
        } else {
            self.naming.remove(&key);
        }
        let before = self.services.insert(key.clone(), service);
        self.know_status(
            &key,
            before.is_none_or(|before| before.resource_version != version),
        );
        self.dirty.insert(key);
    }

    fn forget_service(&mut self, key: &ObjectKey) {
        self.services.remove(key);
        self.naming.remove(key);
        self.writes.remove(key);
        self.contests.forget(key);
        self.said.remove(&About::service(key));
        self.awaiting.remove(key);
        self.note_request(key, None);
        self.dirty.remove(key);
        self.waits.forget(key);
        self.know_status(key, true);
        if self.ledger.release(key).is_some() {
            self.reconsider_waiting();
        }
    }

    /// What the Service's status is known to name, if it is one of these.
    fn stored(&self, key: &ObjectKey, counts: impl Fn(&Service) -> bool) -> Vec<IpAddr> {
        let service = self.service(key);
        let Some(service) = service.filter(|s| s.class == self.settings.class && counts(s)) else {
            return Vec::new();
        };
        let stored = self
            .writes
            .get(key)
            .filter(|write| matches!(write.state, WriteState::Stored(_)));
        stored.map_or(&service.ingress, |write| &write.addresses).clone()
    }

    /// The status is known anew: the router is told of what it names, and others may be given what it names no more.
    /// `settled`: it is another version than before.
    fn know_status(&mut self, key: &ObjectKey, settled: bool) {
        let confirmed = self.stored(key, |service| service.is_load_balancer).into_iter();
        // The router is told of IPv4: other addresses are kept in the cluster alone.
        let confirmed = confirmed.filter(IpAddr::is_ipv4).collect();
        self.confirmed.set(key, confirmed);
        // One that is of another type now may be what it was again, before what it has left is cleared.
        let is_ours = |s: &Service| s.is_load_balancer || s.annotations.contains_key(FROM_POOL);
        let stored = self.stored(key, is_ours);
        let under_way = self.writes.get(key);
        let under_way = under_way.filter(|write| !matches!(write.state, WriteState::Stored(_)));
        let left = if settled {
            let under_way = under_way.map(|write| write.addresses.as_slice());
            self.named.settle(key, &stored, under_way.unwrap_or_default())
        } else {
            self.named.refresh(key, &stored)
        };
        if left {
            self.reconsider_waiting();
        }
    }

    /// Something became free, or known: Services that wait get another look, also those that wait for another address
    /// than they have.
    pub(super) fn reconsider_waiting(&mut self) {
        self.dirty.extend(self.waits.waiting().cloned());
    }

    /// Reclaims what the statuses say before anything is decided.
    pub(super) fn adopt(&mut self) {
        self.with_ground(None, |ledger, ground, services| {
            ledger.adopt(services.values().map(Box::as_ref), ground);
        });
        self.dirty.extend(self.services.keys().cloned());
    }

    fn with_ground<T>(
        &mut self,
        now: Option<Now>,
        f: impl FnOnce(
            &mut crate::ipam::Ledger,
            &Ground<'_>,
            &std::collections::BTreeMap<ObjectKey, Box<Service>>,
        ) -> T,
    ) -> T {
        let now = now.unwrap_or(Now {
            mono: Instant::ZERO,
            wall: crate::model::Timestamp(0),
        });
        let view = self.view();
        let landscape = view.landscape(
            &self.config,
            &self.settings.cluster_uid,
            self.confirmed.by_address(),
            &self.surveys,
        );
        let network = Network {
            routers: &self.routers,
            landscape,
            now,
        };
        let governed = |address| network.is_governed(address);
        let new = self.arrivals.ungoverned(&self.config, governed);
        let class = self.settings.class.as_deref();
        let ground = Ground::new(&self.config, &network, class, &self.namespaces)
            .withheld(new.map(|pool| Because::NewPool { pool }))
            .named(self.named.by_address(), self.named.sent());
        f(&mut self.ledger, &ground, &self.services)
    }

    pub(super) fn decide_services(&mut self, now: Now, step: &mut Step) {
        self.retry_writes(now, step);
        let (settled, next) = self.contests.settled(now.mono);
        self.dirty.extend(settled);
        if let Some(at) = next {
            step.wake_at(at);
        }
        let (settled, next) = self.arrivals.settle(&self.config, now.mono);
        if settled {
            self.reconsider_waiting();
        }
        if let Some(at) = next {
            step.wake_at(at);
        }
        if self.overdue.is_some_and(|due| due <= now.mono) {
            self.overdue = None;
            self.dirty.extend(self.awaiting.keys().cloned());
        }
        self.overdue.into_iter().for_each(|due| step.wake_at(due));
        while !self.dirty.is_empty() {
            self.decide_dirty(now, step);
            // Another pass serves those that wait for what this one set free. It ends: a pass after the first sets
            // something free only for a Service that got what it asked for, and that one waits no more.
            if self.ledger.take_loosened() {
                self.reconsider_waiting();
            }
        }
    }

    fn decide_dirty(&mut self, now: Now, step: &mut Step) {
        let dirty = std::mem::take(&mut self.dirty);
        let mut order: Vec<&Service> = dirty.iter().filter_map(|key| self.service(key)).collect();
        order.sort_by_key(|s| (s.ingress.is_empty(), &s.seniority));
        let order: Vec<ObjectKey> = order.into_iter().map(|s| s.key.clone()).collect();
        let decisions = self.with_ground(Some(now), |ledger, ground, services| {
            let decide = |key: &ObjectKey| (key.clone(), ledger.decide(&services[key], ground));
            order.iter().map(decide).collect::<Vec<_>>()
        });
        for (key, decision) in decisions {
            if let Some(service) = self.services.get(&key) {
                let written = self.writes.contains_key(&key);
                self.waits.decided(service, &decision, written, now.mono);
            }
            self.pursue(&key, &decision, now, step);
        }
    }

    fn pursue(&mut self, key: &ObjectKey, decision: &Decision, now: Now, step: &mut Step) {
        let (addresses, pool) = match &decision.outcome {
            Outcome::NotOurs => {
                self.contests.forget(key);
                return self.note_request(key, None);
            }
            Outcome::Pending => (vec![], None),
            Outcome::Assigned { addresses, pool } => (addresses.clone(), Some(pool.clone())),
        };
        let Some(service) = self.services.get(key) else {
            return;
        };
        let seen = service.ingress == addresses
            && !service.ingress_altered
            && service.annotations.get(FROM_POOL) == pool.as_ref();
        let under_way = self
            .writes
            .get(key)
            .filter(|w| w.addresses == addresses && w.pool == pool);
        let retry = match under_way.map(|write| &write.state) {
            Some(WriteState::Retry(at)) => Some(*at),
            _ => None,
        };
        let done = under_way.is_some() || (seen && !self.writes.contains_key(key));
        let wait = if done {
            Duration::ZERO
        } else {
            self.contests.overwritten(key, &addresses, now.mono)
        };
        self.announce(key, decision, now.mono, step);
        let contested = self.contests.is_contested(key).then(|| contest::WORDS.to_owned());
        self.note_request(key, decision.because.fault_of_the_request().or(contested));
        if let Some(at) = retry {
            step.wake_at(at);
        }
        if done {
            return;
        }
        let mut write = Write {
            addresses,
            pool,
            because: decision.because.clone(),
            state: WriteState::Sent(now.mono + ANSWER_WITHIN),
            attempts: 0,
        };
        if wait == Duration::ZERO {
            return self.send(key, write, now.mono, step);
        }
        write.state = WriteState::Retry(now.mono + wait);
        step.wake_at(now.mono + wait);
        self.writes.insert(key.clone(), write);
    }

    fn note_request(&mut self, key: &ObjectKey, fault: Option<String>) {
        if self.unmet.get(key) == fault.as_ref() {
            return;
        }
        self.report_due = true;
        match fault {
            Some(why) => _ = self.unmet.insert(key.clone(), why),
            None => _ = self.unmet.remove(key),
        }
    }

    fn send(&mut self, key: &ObjectKey, write: Write, now: Instant, step: &mut Step) {
        let Some(service) = self.services.get(key) else {
            return;
        };
        step.effects.push(Effect::SetServiceStatus {
            service: key.clone(),
            resource_version: service.resource_version.clone(),
            addresses: write.addresses.clone(),
            pool: write.pool.clone(),
            because: write.because.clone(),
        });
        self.contests.writing(key, &write.addresses, now);
        self.named.send(key, &write.addresses);
        self.writes.insert(key.clone(), write);
    }

    pub(super) fn service_written(&mut self, key: &ObjectKey, result: WriteResult, now: Now) {
        let Some(write) = self.writes.get_mut(key) else {
            return;
        };
        match result {
            WriteResult::Written(version) => {
                if !write.addresses.is_empty() {
                    self.waits.served(key, now.mono);
                }
                let shown = self
                    .services
                    .get(key)
                    .is_some_and(|s| !is_later(&version, &s.resource_version));
                write.state = WriteState::Stored(version);
                if shown {
                    self.writes.remove(key);
                    // Somebody may have written since, and nothing was decided on that while this write was under way.
                    self.dirty.insert(key.clone());
                }
                self.know_status(key, true);
            }
            WriteResult::Gone => {
                self.writes.remove(key);
            }
            // The watch brings what changed; should it not, the write is tried again with what is known then.
            WriteResult::Conflict | WriteResult::Failed(_) => {
                let wait = RETRY_FIRST
                    .saturating_mul(1 << write.attempts.min(8))
                    .min(RETRY_MAX);
                write.attempts = write.attempts.saturating_add(1);
                write.state = WriteState::Retry(now.mono + wait);
            }
        }
    }

    /// Statuses whose write failed, or was never answered.
    fn retry_writes(&mut self, now: Now, step: &mut Step) {
        let mut due = Vec::new();
        for (key, write) in &self.writes {
            match write.state {
                WriteState::Retry(at) | WriteState::Sent(at) if at <= now.mono => due.push(key.clone()),
                WriteState::Retry(at) => step.wake_at(at),
                WriteState::Sent(_) | WriteState::Stored(_) => {}
            }
        }
        for key in due {
            let Some(mut write) = self.writes.remove(&key) else {
                continue;
            };
            write.state = WriteState::Sent(now.mono + ANSWER_WITHIN);
            let (addresses, pool) = (write.addresses.clone(), write.pool.clone());
            let wanted = self.ledger.assignment(&key);
            // Only if it is still what the ledger says: otherwise the next decision writes.
            if wanted.map(|a| a.addresses.clone()).unwrap_or_default() == addresses
                && wanted.map(|a| a.pool.clone()) == pool
            {
                self.send(&key, write, now.mono, step);
            } else {
                self.dirty.insert(key);
            }
        }
    }

    /// Whether it waits for proof, and not for so long yet that a person should be told.
    fn is_on_its_way(&mut self, key: &ObjectKey, decision: &Decision, now: Instant, step: &mut Step) -> bool {
        if !decision.because.awaits_proof() {
            self.awaiting.remove(key);
            return false;
        }
        let due = *self.awaiting.entry(key.clone()).or_insert(now) + PATIENCE;
        if now < due {
            step.wake_at(due);
            self.overdue = Some(self.overdue.map_or(due, |earlier| earlier.min(due)));
        }
        now < due
    }

    /// Tells people, once for each thing there is to say.
    fn announce(&mut self, key: &ObjectKey, decision: &Decision, now: Instant, step: &mut Step) {
        if self.is_on_its_way(key, decision, now, step) {
            return;
        }
        let Some(service) = self.services.get(key) else {
            return;
        };
        let had = !service.ingress.is_empty();
        let about = About::service(key);
        let because = &decision.because;
        let (notice, note) = match (&decision.outcome, because) {
            (Outcome::Assigned { .. }, _) if self.contests.is_contested(key) => {
                (Notice::StatusContested, contest::WORDS.to_owned())
            }
            (Outcome::NotOurs, _)
            | (_, Because::AlreadyAssigned | Because::PoolUnusable | Because::NotLoadBalancer) => {
                self.said.remove(&about);
                return;
            }
            (_, Because::Stays(why)) if is_short_of_cluster_ips(why) => {
                (Notice::NotEnoughClusterIps, why.to_string())
            }
            (_, Because::Stays(why)) => (Notice::LoadBalancerFailed, why.to_string()),
            (_, Because::OneFamily(_)) => (Notice::AdditionalAssignFailed, because.to_string()),
            (Outcome::Assigned { addresses, .. }, _) => {
                let addresses: Vec<String> = addresses.iter().map(|a| format!("\"{a}\"")).collect();
                (
                    Notice::IpAllocated,
                    format!("Assigned IP [{}]: {because}", addresses.join(" ")),
                )
            }
            (Outcome::Pending, Because::NoLongerAllowed { .. }) if had => {
                (Notice::ClearAssignment, because.to_string())
            }
            (Outcome::Pending, because) if because.awaits_proof() => {
                (Notice::AwaitingProof, because.to_string())
            }
            (Outcome::Pending, because) if is_short_of_cluster_ips(because) => {
                (Notice::NotEnoughClusterIps, because.to_string())
            }
            (Outcome::Pending, _) => (Notice::AllocationFailed, because.to_string()),
        };
        if let (Outcome::Assigned { .. }, Because::NoLongerAllowed { lost, .. }) =
            (&decision.outcome, because)
        {
            step.effects.push(Effect::Event {
                about: about.clone(),
                notice: Notice::ClearAssignment,
                note: lost.to_string(),
            });
        }
        let deprecated =
            notice == Notice::IpAllocated && Request::of(service).is_ok_and(|request| request.deprecated);
        if deprecated {
            step.effects.push(Effect::Event {
                about: about.clone(),
                notice: Notice::DeprecatedAnnotation,
                note: DEPRECATED.to_owned(),
            });
        }
        self.say(about, notice, note, step);
    }
}

fn is_short_of_cluster_ips(because: &Because) -> bool {
    matches!(because, Because::BadRequest(RequestError::NotEnoughClusterIps))
}

/// Whether `version` is at or after `than`. Kubernetes promises an order of versions within one kind; what is no number
/// counts as later, so that nothing is waited for in vain.
fn is_later(version: &str, than: &str) -> bool {
    match (version.parse::<u64>(), than.parse::<u64>()) {
        (Ok(version), Ok(than)) => version >= than,
        _ => true,
    }
}
