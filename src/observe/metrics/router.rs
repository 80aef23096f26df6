//! What the allocator shows of each router: requests, how long they took, and what became of writes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use routeros::client::{Observer, RequestReport};
use tiklb_core::reservation::Outcome;

use super::Registry;
use super::family::{Family, Seconds, write_seconds};

const REQUESTS: Family = Family::counter(
    "tiklb_router_requests",
    "Requests that were sent to a router, by what came of them: Ok or the error's category.",
);
const WRITES: Family = Family::counter(
    "tiklb_router_writes",
    "Writes to a router, by outcome: applied, changed (not sent: the row was another), refused, unknown.",
);
const DURATION: &str = "tiklb_router_request_duration";
const DURATION_HELP: &str = "Seconds from the sending of a request to its whole answer.";

/// The routers of the process. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Routers(Arc<Mutex<BTreeMap<String, Weak<Meter>>>>);

/// One router's counts. Shown as long as somebody holds it: hold it as long as the `MikrotikRouter` exists, and give
/// clones to its clients.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// By kind, menu and outcome.
    requests: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// By kind and menu.
    durations: BTreeMap<(&'static str, &'static str), Seconds>,
    /// By outcome.
    writes: BTreeMap<&'static str, u64>,
}

impl Routers {
    /// Registers the routers, of which there are none yet.
    pub fn register(registry: &mut Registry) -> Self {
        let routers = Self::default();
        registry.register_collector(Box::new(routers.clone()));
        routers
    }

    /// The counts of a router, by the name of its object; those that are already there, while somebody holds them.
    pub fn meter(&self, router: &str) -> Arc<Meter> {
        let mut routers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        routers.retain(|_, meter| meter.strong_count() > 0);
        if let Some(meter) = routers.get(router).and_then(Weak::upgrade) {
            return meter;
        }
        let meter = Arc::new(Meter::default());
        routers.insert(router.to_owned(), Arc::downgrade(&meter));
        meter
    }

    fn held(&self) -> Vec<(String, Arc<Meter>)> {
        let routers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = routers
            .iter()
            .filter_map(|(name, meter)| Some((name.clone(), meter.upgrade()?)));
        held.collect()
    }
}

impl Meter {
    /// A write has ended.
    pub fn written(&self, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Applied(_) => "applied",
            Outcome::Changed => "changed",
            Outcome::Refused(_) => "refused",
            Outcome::Unknown(_) => "unknown",
        };
        *self.lock().writes.entry(outcome).or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Meter {
    fn request(&self, report: RequestReport) {
        let kind = report.kind.as_str();
        let mut counts = self.lock();
        let requests = counts
            .requests
            .entry((kind, report.menu, report.outcome))
            .or_default();
        *requests += 1;
        let duration = counts.durations.entry((kind, report.menu)).or_default();
        duration.observe(report.duration);
    }
}

impl Collector for Routers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let held = self.held();
        let counts: Vec<(&String, MutexGuard<'_, Counts>)> =
            held.iter().map(|(name, meter)| (name, meter.lock())).collect();
        let router = |name: &String| ("router", name.clone());
        let requests = counts.iter().flat_map(|(name, counts)| {
            counts.requests.iter().map(move |((kind, menu, outcome), count)| {
                let labels = [
                    router(name),
                    ("kind", (*kind).to_owned()),
                    ("menu", (*menu).to_owned()),
                    ("outcome", (*outcome).to_owned()),
                ];
                (labels, *count)
            })
        });
        REQUESTS.write_all(&mut encoder, requests)?;
        let durations = counts.iter().flat_map(|(name, counts)| {
            counts.durations.iter().map(move |((kind, menu), seconds)| {
                let labels = [
                    router(name),
                    ("kind", (*kind).to_owned()),
                    ("menu", (*menu).to_owned()),
                ];
                (labels, seconds)
            })
        });
        write_seconds(&mut encoder, DURATION, DURATION_HELP, durations)?;
        let writes = counts.iter().flat_map(|(name, counts)| {
            let writes = counts.writes.iter();
            writes.map(move |(outcome, count)| ([router(name), ("outcome", (*outcome).to_owned())], *count))
        });
        WRITES.write_all(&mut encoder, writes)
    }
}

#[cfg(test)]
mod tests;
