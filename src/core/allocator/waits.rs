//! Which Services wait, for what, and how long those waited that have got their address.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ipam::Decision;
use crate::model::service::Service;
use crate::model::{Instant, ObjectKey};

/// Services that would have something else than they have, or something at all.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// What each waits for, in the words of [`Because::word`](crate::ipam::Because::word).
    reasons: BTreeMap<ObjectKey, &'static str>,
    /// Since when a Service has been known to have no address.
    without: BTreeMap<ObjectKey, Instant>,
    /// How long those had to wait whose address was stored since the last [`take_served`](Self::take_served).
    served: Vec<Duration>,
}

impl Waits {
    /// A decision was made. `written`: a write of the status is under way or was stored, so that its copy here may be
    /// older than what it is.
    pub(super) fn decided(&mut self, service: &Service, decision: &Decision, written: bool, now: Instant) {
        let key = &service.key;
        if decision.waits() {
            self.reasons.insert(key.clone(), decision.because.word());
        } else {
            self.reasons.remove(key);
        }
        if !decision.is_about_ours() || !service.ingress.is_empty() {
            self.without.remove(key);
        } else if !written {
            self.without.entry(key.clone()).or_insert(now);
        }
    }

    /// The Service's status names an address now.
    pub(super) fn served(&mut self, service: &ObjectKey, now: Instant) {
        if let Some(since) = self.without.remove(service) {
            self.served.push(now.since(since));
        }
    }

    pub(super) fn forget(&mut self, service: &ObjectKey) {
        self.reasons.remove(service);
        self.without.remove(service);
    }

    /// Who waits, in order.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &ObjectKey> {
        self.reasons.keys()
    }

    /// How many wait for what.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for reason in self.reasons.values() {
            *counts.entry(*reason).or_default() += 1;
        }
        counts
    }

    pub(super) fn take_served(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.served)
    }
}
