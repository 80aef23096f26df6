//! Statuses that somebody else writes too: two load balancers on one cluster, each of which puts right what the other
//! wrote.
//!
//! k3s brings one (`servicelb`) that takes every Service. Answering every write with another one would go on as fast as
//! the API server can, for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::model::{Instant, ObjectKey};

/// The first time a status is put right at once: somebody may have edited it by hand. From the second time on that waits,
/// at first for so long; each time doubles it.
const WAIT_FIRST: Duration = Duration::from_millis(500);
/// Longest wait. The Service is not reached meanwhile, so it ends soon after the other load balancer does.
const WAIT_MAX: Duration = Duration::from_mins(2);
/// Overwritten so often it is no accident, and a person is told.
const TOLD: u32 = 3;
/// After so long without another write of somebody else all is forgotten. Longer than [`WAIT_MAX`].
const FORGOTTEN_AFTER: Duration = Duration::from_mins(10);

/// What a person reads.
pub(super) const WORDS: &str = "something else writes its status, again and again: is there another load balancer on this cluster? \
     Switch it off (k3s: --disable=servicelb), or give Services that are not its own a spec.loadBalancerClass";

/// What was written, and how often it did not stay.
#[derive(Debug, Clone)]
struct Contest {
    addresses: Vec<IpAddr>,
    times: u32,
    last: Instant,
}

/// All statuses that were written.
#[derive(Debug, Default)]
pub(super) struct Contests {
    written: BTreeMap<ObjectKey, Contest>,
    /// Those of which a person is told: few, and asked for at every step.
    contested: BTreeSet<ObjectKey>,
}

impl Contests {
    /// These addresses are about to be written.
    pub(super) fn writing(&mut self, service: &ObjectKey, addresses: &[IpAddr], now: Instant) {
        let known = self.written.get(service);
        let known = known.filter(|contest| contest.addresses == addresses);
        let times = known.map_or(0, |contest| contest.times);
        if times < TOLD {
            self.contested.remove(service);
        }
        let contest = Contest {
            addresses: addresses.to_vec(),
            times,
            last: now,
        };
        self.written.insert(service.clone(), contest);
    }

    /// The status no longer says what was written. How long to leave it so.
    pub(super) fn overwritten(
        &mut self,
        service: &ObjectKey,
        addresses: &[IpAddr],
        now: Instant,
    ) -> Duration {
        let Some(contest) = self.written.get_mut(service) else {
            return Duration::ZERO;
        };
        if contest.addresses != addresses || now.since(contest.last) >= FORGOTTEN_AFTER {
            self.forget(service);
            return Duration::ZERO;
        }
        contest.times = contest.times.saturating_add(1);
        if contest.times >= TOLD {
            self.contested.insert(service.clone());
        }
        match contest.times {
            1 => Duration::ZERO,
            times => WAIT_FIRST.saturating_mul(1 << (times - 2).min(16)).min(WAIT_MAX),
        }
    }

    /// Whether a person should know.
    pub(super) fn is_contested(&self, service: &ObjectKey) -> bool {
        self.contested.contains(service)
    }

    /// What was contested and has been left in peace since; and when to ask again.
    pub(super) fn settled(&mut self, now: Instant) -> (Vec<ObjectKey>, Option<Instant>) {
        let over_at = |key: &ObjectKey| {
            self.written
                .get(key)
                .map(|contest| contest.last + FORGOTTEN_AFTER)
        };
        let over = |key: &&ObjectKey| over_at(key).is_none_or(|at| at <= now);
        let settled: Vec<ObjectKey> = self.contested.iter().filter(over).cloned().collect();
        for key in &settled {
            self.forget(key);
        }
        let next = self.contested.iter().filter_map(|key| self.written.get(key));
        let next = next.map(|contest| contest.last + FORGOTTEN_AFTER).min();
        (settled, next)
    }

    /// The Service is gone, or none of ours.
    pub(super) fn forget(&mut self, service: &ObjectKey) {
        self.written.remove(service);
        self.contested.remove(service);
    }
}
