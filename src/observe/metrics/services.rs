//! What the allocator shows of Services: who waits for what, how long the others waited, and what became of writes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use tiklb_core::allocator::WriteResult;

use super::Registry;
use super::family::{Family, Seconds, write_seconds_of_all};

const WAITING: Family = Family::gauge(
    "tiklb_services_waiting",
    "Services that wait for an address, or for another one than they have, by reason: tiklb explain service NAME says more.",
);
const WRITES: Family = Family::counter(
    "tiklb_service_status_writes",
    "Writes of Services' statuses, by outcome: written, conflict (tried again on what changed), gone, failed.",
);
const SERVED: &str = "tiklb_service_address_wait";
const SERVED_HELP: &str = "Seconds from the first sight of a Service without an address until its status named one, also where it had to wait for room.";
const CONFLICTS: Family = Family::gauge(
    "tiklb_address_conflicts",
    "AddressConflicts there are: addresses that somebody else uses.",
);
const TERMS: Family = Family::counter(
    "tiklb_allocator_leader_terms",
    "How often this replica has taken the leadership.",
);

/// The counts of the process. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Services(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    waiting: BTreeMap<&'static str, usize>,
    writes: BTreeMap<&'static str, u64>,
    served: Seconds,
    conflicts: u64,
    terms: u64,
}

impl Services {
    /// Registers them; there is nothing to count yet.
    pub fn register(registry: &mut Registry) -> Self {
        let services = Self::default();
        registry.register_collector(Box::new(services.clone()));
        services
    }

    /// How many wait for what now, and how many addresses are in conflict.
    pub fn standing(&self, waiting: &BTreeMap<&'static str, usize>, conflicts: usize) {
        let mut counts = self.lock();
        counts.waiting.clone_from(waiting);
        counts.conflicts = conflicts.try_into().unwrap_or(u64::MAX);
    }

    /// A Service has its first address, after so long.
    pub fn served(&self, after: Duration) {
        self.lock().served.observe(after);
    }

    /// A write of a status has ended.
    pub fn written(&self, result: &WriteResult) {
        let outcome = match result {
            WriteResult::Written(_) => "written",
            WriteResult::Conflict => "conflict",
            WriteResult::Gone => "gone",
            WriteResult::Failed(_) => "failed",
        };
        *self.lock().writes.entry(outcome).or_default() += 1;
    }

    /// This replica leads from now on.
    pub fn leads(&self) {
        self.lock().terms += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Services {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.lock();
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let waiting = counts.waiting.iter();
        let waiting = waiting.map(|(reason, count)| ([("reason", (*reason).to_owned())], number(*count)));
        WAITING.write_all(&mut encoder, waiting)?;
        let writes = counts.writes.iter();
        let writes = writes.map(|(outcome, count)| ([("outcome", (*outcome).to_owned())], *count));
        WRITES.write_all(&mut encoder, writes)?;
        write_seconds_of_all(&mut encoder, SERVED, SERVED_HELP, &counts.served)?;
        CONFLICTS.write(&mut encoder, counts.conflicts)?;
        TERMS.write(&mut encoder, counts.terms)
    }
}

#[cfg(test)]
mod tests;
