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
    /// How many wait for what: shown at every step, where thousands may wait.
    counts: BTreeMap<&'static str, usize>,
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
        self.wait_for(key, decision.waits().then(|| decision.because.word()));
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
        self.wait_for(service, None);
        self.without.remove(service);
    }

    fn wait_for(&mut self, service: &ObjectKey, reason: Option<&'static str>) {
        let before = match reason {
            Some(reason) => self.reasons.insert(service.clone(), reason),
            None => self.reasons.remove(service),
        };
        if before == reason {
            return;
        }
        if let Some(reason) = reason {
            *self.counts.entry(reason).or_default() += 1;
        }
        if let Some(before) = before
            && let Some(count) = self.counts.get_mut(before)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(before);
            }
        }
    }

    /// Who waits, in order.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &ObjectKey> {
        self.reasons.keys()
    }

    /// How many wait for what.
    pub(super) fn counts(&self) -> &BTreeMap<&'static str, usize> {
        &self.counts
    }

    pub(super) fn take_served(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.served)
    }
}
