//! What both processes show of their side to the API server.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::family::Family;
use super::{Reading, Registry};

const UPDATES: Family = Family::counter(
    "metallb_k8s_client_updates",
    "Lists and changes of Kubernetes objects that were taken in.",
);
const UPDATE_ERRORS: Family = Family::counter(
    "metallb_k8s_client_update_errors",
    "Lists and watches of Kubernetes objects that failed, and objects that could not be read.",
);
const LOADED: Family = Family::gauge(
    "metallb_k8s_client_config_loaded_bool",
    "1 once the configuration was read.",
);
const STALE: Family = Family::gauge(
    "metallb_k8s_client_config_stale_bool",
    "1 while an object of the configuration is invalid and not acted on; ConfigurationState names it.",
);
const EVENTS_DROPPED: Family = Family::counter(
    "tiklb_events_dropped",
    "Kubernetes events that were not written because too many waited.",
);

/// Where the numbers are kept.
#[derive(Debug)]
pub struct Cluster {
    /// Lists and changes taken in.
    pub updates: Reading<u64>,
    /// Failed lists and watches, and objects that could not be read.
    pub update_errors: Reading<u64>,
    /// Kubernetes events that were not written.
    pub events_dropped: Reading<u64>,
    /// Whether the configuration was read and is valid.
    pub configuration: Configuration,
}

impl Cluster {
    /// Registers all of it.
    pub fn register(self, registry: &mut Registry) {
        registry.register_collector(Box::new(self));
    }
}

/// Whether the configuration was read and is valid. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Configuration(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    loaded: AtomicBool,
    stale: AtomicBool,
}

impl Configuration {
    /// The configuration was read. `valid` says whether all of it is acted on.
    pub fn read(&self, valid: bool) {
        self.0.stale.store(!valid, Ordering::Relaxed);
        self.0.loaded.store(true, Ordering::Relaxed);
    }
}

impl Collector for Cluster {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Flags { loaded, stale } = &*self.configuration.0;
        UPDATES.write(&mut encoder, self.updates.now())?;
        UPDATE_ERRORS.write(&mut encoder, self.update_errors.now())?;
        LOADED.write(&mut encoder, u64::from(loaded.load(Ordering::Relaxed)))?;
        STALE.write(&mut encoder, u64::from(stale.load(Ordering::Relaxed)))?;
        EVENTS_DROPPED.write(&mut encoder, self.events_dropped.now())
    }
}

#[cfg(test)]
mod tests;
