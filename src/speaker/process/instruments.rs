//! What a speaker shows of itself: metrics, and the state that `/debug/state` prints.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tiklb_core::model::NodeName;
use tiklb_core::speaker::{Counters, Held, Move, Published};
use tokio::sync::watch;

use crate::cluster::event::Events;
use crate::cluster::watch::Health;
use crate::observe::liveness::{Liveness, Pulse};
use crate::observe::metrics::cluster::{Cluster, Configuration};
use crate::observe::metrics::speaker::{self, OwnerChanges, Thread};
use crate::observe::metrics::{Reading, Registry};
use crate::speaker::record::time;
use crate::speaker::wire;
use crate::speaker::wire::port::Lost;

/// Filled by the desk and the wire, read by the admin server.
pub(super) struct Instruments {
    pub(super) configuration: Configuration,
    pub(super) owner_changes: OwnerChanges,
}

impl Instruments {
    /// Registers all of it.
    pub(super) fn new(
        registry: &mut Registry,
        health: &Arc<Health>,
        events: &Events,
        node: &NodeName,
        wire: &wire::Handle,
        thread: Thread,
    ) -> Self {
        let configuration = Configuration::default();
        let (updates, failures, events) = (health.clone(), health.clone(), events.clone());
        let cluster = Cluster {
            updates: Reading::new(move || updates.updates()),
            update_errors: Reading::new(move || failures.failures()),
            events_dropped: Reading::new(move || events.dropped()),
            configuration: configuration.clone(),
        };
        cluster.register(registry);
        let (counters, published) = (wire.counters.clone(), wire.published.clone());
        Self {
            configuration,
            owner_changes: speaker::register(registry, node.clone(), counters, published, thread),
        }
    }
}

/// The thread that answers ARP turns with every heartbeat; one that has not for this long answers nobody.
const WIRE_STANDSTILL: Duration = Duration::from_secs(15);

/// Who is told how the thread that owns the sockets fares.
pub(super) struct Watched {
    liveness: Liveness,
    /// The thread counts as going round from its first turn on: before, it waits for the heartbeat key, which may take
    /// long and is no standstill.
    pulse: OnceCell<Pulse>,
    thread: Thread,
}

impl Watched {
    pub(super) const fn new(liveness: Liveness, thread: Thread) -> Self {
        Self {
            liveness,
            pulse: OnceCell::new(),
            thread,
        }
    }
}

impl wire::Observer for Watched {
    fn turn(&self) {
        self.pulse
            .get_or_init(|| {
                self.liveness
                    .pulse("the thread that answers ARP", WIRE_STANDSTILL)
            })
            .touch();
    }

    fn late(&self, by: Duration) {
        self.thread.was_late(by);
    }

    fn lost(&self, frames: Lost) {
        self.thread.lost(frames.unread, frames.unsent);
    }
}

/// What `/debug/state` shows: what is announced here and why, who is heard, what the survey found. `tiklb status` and
/// `tiklb explain` read it (`cli/speakers.rs`).
pub(super) fn state(
    published: watch::Receiver<Arc<Published>>,
    counters: watch::Receiver<Arc<Counters>>,
) -> impl Fn() -> Value + Send + Sync {
    move || {
        let published = published.borrow().clone();
        let detection = counters.borrow().detection.clone();
        let held: Map<String, Value> = published
            .held
            .iter()
            .map(|(key, held)| (key.to_string(), group(held)))
            .collect();
        let surveys: Map<String, Value> = published
            .surveys
            .iter()
            .map(|(subnet, survey)| {
                let occupied = survey.occupied.iter();
                let occupied: Map<String, Value> = occupied
                    .map(|(address, mac)| (address.to_string(), json!(mac.to_string())))
                    .collect();
                let survey = json!({
                    "asked": survey.covered.to_string(),
                    "occupied": occupied,
                    "ended": time(survey.ended),
                });
                (subnet.to_string(), survey)
            })
            .collect();
        let blocked: Map<String, Value> = published
            .blocked
            .iter()
            .map(|(address, mac)| (address.to_string(), json!(mac.to_string())))
            .collect();
        let standing: Map<String, Value> = published
            .standing
            .iter()
            .map(|(key, owner)| (key.to_string(), json!(&*owner.0)))
            .collect();
        json!({
            "announces": held,
            "blocked": blocked,
            "nowhere": published.nowhere,
            "disputed": disputed(&published),
            "moves": published.moves.iter().rev().map(moved).collect::<Vec<_>>(),
            "detectionMilliseconds": detection
                .iter()
                .map(|(node, time)| (node.to_string(), json!(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))))
                .collect::<Map<_, _>>(),
            "standsInFor": standing,
            "heard": published.alive.iter().map(|node| &*node.0).collect::<Vec<_>>(),
            "missing": published.missing.iter().map(|node| &*node.0).collect::<Vec<_>>(),
            "otherKeys": published.other_keys,
            "surveys": surveys,
        })
    }
}

/// Who else speaks for what is announced here.
fn disputed(published: &Published) -> Map<String, Value> {
    let disputes = published.disputes.iter();
    disputes
        .map(|(address, dispute)| {
            let nodes = dispute.nodes.iter().map(|node| &*node.0).collect::<Vec<_>>();
            let stranger = dispute.stranger.map(|mac| mac.to_string());
            (address.to_string(), json!({"stranger": stranger, "nodes": nodes}))
        })
        .collect()
}

/// What was begun or ceased, the last one first.
fn moved(moved: &Move) -> Value {
    json!({
        "at": time(moved.at),
        "address": moved.key,
        "began": moved.began,
        "because": moved.because.to_string(),
    })
}

fn group(held: &Held) -> Value {
    json!({
        "addresses": held.addresses.iter().collect::<Vec<_>>(),
        "services": held.services.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "interfaces": held.interfaces,
        "mac": held.mac.map(|mac| mac.to_string()),
        "epoch": held.epoch,
        "since": time(held.since),
        "because": held.because.to_string(),
    })
}
