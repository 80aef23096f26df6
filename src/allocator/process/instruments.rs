//! What an allocator shows of itself: metrics, and the state that `/debug/state` prints.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use routeros::client::{Observer, RequestReport};
use serde_json::{Value, json};
use tiklb_core::allocator::{Allocator, PoolCounts, WriteResult};
use tiklb_core::model::ObjectKey;
use tiklb_core::reservation::{Outcome, Planned};
use tokio::sync::watch;

use crate::allocator::router::sessions::{Watcher, Watchers};
use crate::cluster::event::Events;
use crate::cluster::watch::Health;
use crate::observe::metrics::allocator::{self, PoolUse};
use crate::observe::metrics::cluster::{Cluster, Configuration};
use crate::observe::metrics::router::{Meter, Routers};
use crate::observe::metrics::services::Services;
use crate::observe::metrics::{Reading, Registry};

/// Writes that `/debug/state` remembers: those of a first sync of a home, and of some days after it. The log has all.
const REMEMBERED: usize = 100;

/// The last writes to routers, the latest last.
type Audit = Arc<Mutex<VecDeque<Value>>>;

/// Counts what is asked of one router, and remembers what was written to it.
struct Auditor {
    router: String,
    meter: Arc<Meter>,
    audit: Audit,
}

impl Observer for Auditor {
    fn request(&self, report: RequestReport) {
        self.meter.request(report);
    }
}

impl Watcher for Auditor {
    fn written(&self, planned: &Planned, outcome: &Outcome) {
        self.meter.written(outcome);
        let (outcome, why) = match outcome {
            Outcome::Applied(_) => ("applied", None),
            Outcome::Changed => ("changed", None),
            Outcome::Refused(why) => ("refused", Some(why)),
            Outcome::Unknown(why) => ("unknown", Some(why)),
        };
        let entry = json!({
            "at": Timestamp::now().to_string(),
            "router": self.router,
            "write": planned.write.to_string(),
            "because": planned.because,
            "outcome": outcome,
            "why": why,
        });
        let mut audit = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        if audit.len() >= REMEMBERED {
            audit.pop_front();
        }
        audit.push_back(entry);
    }
}

/// Filled by the desk, read by the admin server.
pub(super) struct Instruments {
    leads: Arc<AtomicBool>,
    configuration: Configuration,
    routers: Routers,
    services: Services,
    counts: BTreeMap<ObjectKey, PoolCounts>,
    pools: watch::Sender<Arc<[PoolUse]>>,
    /// The statuses of routers as they were last worked out.
    statuses: watch::Sender<serde_json::Map<String, Value>>,
    audit: Audit,
}

impl Instruments {
    /// Registers all of it.
    pub(super) fn new(registry: &mut Registry, health: &Arc<Health>, events: &Events) -> Self {
        let leads = Arc::new(AtomicBool::new(false));
        let configuration = Configuration::default();
        let (updates, failures, events) = (health.clone(), health.clone(), events.clone());
        let cluster = Cluster {
            updates: Reading::new(move || updates.updates()),
            update_errors: Reading::new(move || failures.failures()),
            events_dropped: Reading::new(move || events.dropped()),
            configuration: configuration.clone(),
        };
        cluster.register(registry);
        let (pools, shown) = watch::channel(Arc::from([]));
        let leading = leads.clone();
        let leading = Reading::new(move || leading.load(Ordering::Relaxed));
        allocator::register(registry, shown, leading);
        Self {
            leads,
            configuration,
            routers: Routers::register(registry),
            services: Services::register(registry),
            counts: BTreeMap::new(),
            pools,
            statuses: watch::channel(serde_json::Map::new()).0,
            audit: Audit::default(),
        }
    }

    /// What `/debug/state` shows: whether this replica leads, how full the pools are, what it thinks of the
    /// routers, and what it wrote to them lately.
    pub(super) fn state(&self) -> impl Fn() -> Value + Send + Sync + 'static {
        let leads = self.leads.clone();
        let (pools, statuses) = (self.pools.subscribe(), self.statuses.subscribe());
        let audit = self.audit.clone();
        move || {
            let pools = pools.borrow().clone();
            let pools: serde_json::Map<String, Value> = pools
                .iter()
                .map(|pool| {
                    let counts = json!({
                        "ipv4": {"total": pool.ipv4_total, "inUse": pool.ipv4_in_use},
                        "ipv6": {"total": pool.ipv6_total, "inUse": pool.ipv6_in_use},
                    });
                    (pool.pool.clone(), counts)
                })
                .collect();
            let routers = statuses.borrow().clone();
            let writes = audit.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let leads = leads.load(Ordering::Relaxed);
            json!({"leads": leads, "pools": pools, "routers": routers, "routerWrites": writes})
        }
    }

    /// One meter for each router.
    pub(super) fn watchers(&self) -> Watchers {
        let (routers, audit) = (self.routers.clone(), self.audit.clone());
        Arc::new(move |router| {
            Arc::new(Auditor {
                router: router.to_string(),
                meter: routers.meter(&router.name),
                audit: audit.clone(),
            })
        })
    }

    pub(super) fn lead(&self, leading: bool) {
        if leading {
            self.services.leads();
        }
        self.leads.store(leading, Ordering::Relaxed);
    }

    /// A write of a Service's status has ended.
    pub(super) fn status_written(&self, result: &WriteResult) {
        self.services.written(result);
    }

    /// What core says after a step; `served`: how long those waited that have got an address.
    pub(super) fn step(&mut self, allocator: &Allocator, served: &[Duration]) {
        for after in served {
            self.services.served(*after);
        }
        self.services
            .standing(allocator.waiting(), allocator.conflict_count());
        self.pools(allocator.pool_counts());
    }

    pub(super) fn configuration(&self, problems: &[String]) {
        self.configuration.read(problems.is_empty());
    }

    /// How full the pools are now.
    fn pools(&mut self, counts: &BTreeMap<ObjectKey, PoolCounts>) {
        if self.counts == *counts {
            return;
        }
        self.counts.clone_from(counts);
        let uses = counts
            .iter()
            .map(|(pool, counts)| PoolUse::new(pool.name.clone(), *counts));
        self.pools.send_replace(uses.collect());
    }

    /// What is thought of the routers now.
    pub(super) fn routers<'a>(&self, statuses: impl Iterator<Item = (&'a ObjectKey, &'a Value)>) {
        let statuses = statuses.map(|(router, status)| (router.to_string(), status.clone()));
        self.statuses.send_replace(statuses.collect());
    }
}

#[cfg(test)]
mod tests;
