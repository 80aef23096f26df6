//! Interfaces and their addresses: a whole new snapshot on every change.
//!
//! One netlink socket subscribes to changes, and of its events only the wake-up is used: each reads everything
//! anew. Events are partial (a bridge reports its ports a second time under another family, Wi-Fi reports scans)
//! and are lost when the socket's buffer is full; a whole reading is never either. There is no polling: without
//! an event nothing runs.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tiklb_core::neighbor::InterfaceIndex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

mod dump;
mod events;
mod exclusion;
mod interface;

pub use exclusion::{DEFAULT_EXCLUSIONS, ExclusionError, Exclusions};
pub use interface::{Interface, Kind, Unusable};

use events::Events;

/// After an event: what follows at once (a link that comes up brings its addresses) goes into the same reading.
const SETTLE: Duration = Duration::from_millis(3);
/// Between two readings: a machine that starts a hundred pods, each with its veth, costs twenty readings a
/// second, not a thousand. Nothing that this delays is more urgent: a lost link is noticed by the other nodes.
const BETWEEN_READINGS: Duration = Duration::from_millis(50);
/// For one reading: the kernel answers in milliseconds, also with a thousand interfaces.
const READING_TIMEOUT: Duration = Duration::from_secs(5);
/// Before a new subscription after an error, doubling …
const FIRST_BACKOFF: Duration = Duration::from_millis(10);
/// … up to this: the snapshot is stale as long, and a failing kernel is not asked more often.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Every interface of the network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// By the kernel's number.
    pub interfaces: BTreeMap<InterfaceIndex, Interface>,
    /// The default gateways of both families, by the interface that leads to them, each with the smallest metric of a
    /// route to it.
    pub gateways: BTreeMap<InterfaceIndex, BTreeMap<IpAddr, u32>>,
}

impl Snapshot {
    /// Why nothing can be announced on this interface; `None` when it can.
    pub fn unusable(&self, interface: &Interface) -> Option<Unusable> {
        let master = interface.master.and_then(|index| self.interfaces.get(&index));
        interface.unusable(master)
    }

    /// The interfaces that addresses can be announced on.
    pub fn usable(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces
            .values()
            .filter(|interface| self.unusable(interface).is_none())
    }
}

/// Why the interfaces are not known.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The netlink socket for changes.
    #[error("could not subscribe to interface changes (netlink)")]
    Subscribe(#[source] io::Error),
    /// The subscription ended; events may be lost. `ENOBUFS` when they came faster than they were read.
    #[error("the subscription to interface changes broke (netlink)")]
    Events(#[source] io::Error),
    /// The netlink socket for readings.
    #[error("could not open a netlink socket to read the interfaces")]
    Open(#[source] io::Error),
    /// The kernel's answer.
    #[error("could not read the interfaces (netlink)")]
    Read(#[source] rtnetlink::Error),
    /// No answer in time, or the connection ended early.
    #[error("the kernel did not answer a netlink request for the interfaces within 5 s")]
    Silent,
}

/// The running watch: `run` has to be driven for snapshots to change.
#[derive(Debug)]
#[must_use = "without `run` the snapshot never changes"]
pub struct Watch {
    events: Events,
    exclusions: Exclusions,
    snapshots: watch::Sender<Arc<Snapshot>>,
}

/// Subscribes and reads everything once. The receiver holds that first snapshot, and later always the latest.
///
/// # Errors
/// Netlink cannot be used at all; there is no first snapshot.
pub async fn watch(exclusions: Exclusions) -> Result<(watch::Receiver<Arc<Snapshot>>, Watch), WatchError> {
    let events = Events::subscribe().map_err(WatchError::Subscribe)?;
    let snapshot = read(&exclusions).await?;
    let (snapshots, receiver) = watch::channel(Arc::new(snapshot));
    let watch = Watch {
        events,
        exclusions,
        snapshots,
    };
    Ok((receiver, watch))
}

impl Watch {
    /// Publishes a snapshot after each change, until every receiver is dropped. An error is logged, and the
    /// subscription and reading are done anew after a pause; the last snapshot stays meanwhile.
    pub async fn run(mut self) {
        let mut backoff = FIRST_BACKOFF;
        while !self.snapshots.is_closed() {
            let follow = tokio::select! {
                () = self.snapshots.closed() => return,
                broken = follow(&mut self.events, &self.exclusions, &self.snapshots, &mut backoff) => broken,
            };
            tracing::warn!(
                error = &follow as &dyn std::error::Error,
                retry_ms = backoff.as_millis(),
                "interface changes are not seen; subscribing again"
            );
            backoff = self.resubscribe(backoff).await;
        }
    }

    /// Waits, subscribes and reads until both succeed once; the pause for the next failure.
    async fn resubscribe(&mut self, mut backoff: Duration) -> Duration {
        loop {
            tokio::select! {
                () = self.snapshots.closed() => return backoff,
                () = sleep(backoff) => {}
            }
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
            let renewed = match Events::subscribe() {
                Ok(events) => {
                    self.events = events;
                    read(&self.exclusions).await
                }
                Err(e) => Err(WatchError::Subscribe(e)),
            };
            match renewed {
                Ok(snapshot) => {
                    publish(&self.snapshots, snapshot);
                    return backoff;
                }
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    retry_ms = backoff.as_millis(),
                    "interface changes are not seen; subscribing again"
                ),
            }
        }
    }
}

/// Reads after each event until something fails. A reading that succeeds ends the back-off.
async fn follow(
    events: &mut Events,
    exclusions: &Exclusions,
    snapshots: &watch::Sender<Arc<Snapshot>>,
    backoff: &mut Duration,
) -> WatchError {
    let mut next_reading = Instant::now();
    loop {
        if let Err(e) = events.next().await {
            return WatchError::Events(e);
        }
        sleep_until(next_reading.max(Instant::now() + SETTLE)).await;
        // What was reported until here is in the reading that follows.
        if let Err(e) = events.discard() {
            return WatchError::Events(e);
        }
        match read(exclusions).await {
            Ok(snapshot) => publish(snapshots, snapshot),
            Err(error) => return error,
        }
        *backoff = FIRST_BACKOFF;
        next_reading = Instant::now() + BETWEEN_READINGS;
    }
}

async fn read(exclusions: &Exclusions) -> Result<Snapshot, WatchError> {
    timeout(READING_TIMEOUT, dump::snapshot(exclusions))
        .await
        .map_err(|_| WatchError::Silent)?
}

fn publish(snapshots: &watch::Sender<Arc<Snapshot>>, snapshot: Snapshot) {
    snapshots.send_if_modified(|known| {
        let changed = **known != snapshot;
        if changed {
            *known = Arc::new(snapshot);
        }
        changed
    });
}

#[cfg(test)]
mod tests;
