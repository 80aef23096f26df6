//! What a speaker shows: what it announces, what it answered, who it does not hear.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use tiklb_core::election::Because;
use tiklb_core::model::NodeName;
use tiklb_core::neighbor::conflict::Dispute;
use tiklb_core::speaker::{Counters, Published};
use tokio::sync::watch;

use super::Registry;
use super::family::{Family, Row, Seconds, write_seconds_of_all};

const ANNOUNCED: Family = Family::gauge(
    "metallb_speaker_announced",
    "1 for each address of a Service that this node announces.",
);
const REQUESTS: Family = Family::untyped(
    "metallb_layer2_requests_received",
    "ARP requests and neighbour solicitations for an announced address, by address.",
);
const RESPONSES: Family = Family::untyped(
    "metallb_layer2_responses_sent",
    "Answers to ARP requests and neighbour solicitations, by address.",
);
const GRATUITOUS: Family = Family::untyped(
    "metallb_layer2_gratuitous_sent",
    "Gratuitous ARP frames and unsolicited neighbour advertisements that were sent, by address.",
);
const FRAMES: Family = Family::counter(
    "tiklb_speaker_frames",
    "ARP and NDP frames that were read, by what became of them.",
);
const DATAGRAMS: Family = Family::counter(
    "tiklb_speaker_datagrams",
    "Heartbeat datagrams that were read, by what became of them.",
);
const PEERS_MISSING: Family = Family::gauge(
    "tiklb_speaker_peers_missing",
    "Speakers that the API lists as ready and that are not heard: a blocked port, or another key.",
);
const CLAIMS_BLOCKED: Family = Family::gauge(
    "tiklb_speaker_claims_blocked",
    "Addresses that are not announced because a stranger answers for them.",
);
const DISPUTED: Family = Family::gauge(
    "tiklb_speaker_disputed_addresses",
    "Addresses that this node announces and somebody else answers for, too: a stranger, or something on another node.",
);
const DEFENCES: Family = Family::counter(
    "tiklb_speaker_defences",
    "Announcements (ARP or NDP) that defended an announced address against a stranger.",
);
const STANDING_IN: Family = Family::gauge(
    "tiklb_speaker_standing_in",
    "Groups of addresses that this node answers for in the place of a silent or restarting speaker.",
);
const DETECTION: Family = Family::gauge(
    "tiklb_speaker_detection_milliseconds",
    "How long the kernel of a peer that this node watches may be silent before its node counts as gone.",
);
const OWNER_CHANGES: Family = Family::counter(
    "tiklb_speaker_owner_changes",
    "Addresses that this node began or ceased to announce, by the reason.",
);
const FRAMES_LOST: Family = Family::counter(
    "tiklb_speaker_frames_lost",
    "ARP and NDP frames that the kernel dropped: unread (the receive buffer was full), unsent (no room to send).",
);
const FAILOVER: &str = "tiklb_speaker_failover";
const FAILOVER_HELP: &str =
    "Seconds for which an address's owner had been silent when this node took the address over.";
const LATENESS: &str = "tiklb_speaker_lateness";
const LATENESS_HELP: &str = "Seconds by which the thread that answers ARP was late for what it had to do: above 0.005 it lacks a processor, and judges nobody's silence by it.";

/// [`Because::reason`]'s words. All are shown from the start: the first owner change after a start must not look like a
/// counter that was there before.
const REASONS: [&str; 12] = [
    "FirstInOrder",
    "OwnerSilent",
    "OwnerGaveUp",
    "Resumed",
    "OwnerOffered",
    "HandedOver",
    "BetterClaim",
    "BetterRecord",
    "NotCandidate",
    "NotWanted",
    "NoCarrier",
    "Leaving",
];

/// Counts owner changes, fed by the task that reports them. Clones are the same.
#[derive(Debug, Clone)]
pub struct OwnerChanges(Arc<Mutex<Changes>>);

#[derive(Debug, Clone)]
struct Changes {
    by_reason: BTreeMap<&'static str, u64>,
    failover: Seconds,
}

impl OwnerChanges {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Changes {
            by_reason: REASONS.into_iter().map(|reason| (reason, 0)).collect(),
            failover: Seconds::default(),
        })))
    }

    /// A group was claimed or given up.
    pub fn record(&self, because: &Because) {
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *changes.by_reason.entry(because.reason()).or_default() += 1;
        if let Because::Silent { after, .. } = because {
            changes.failover.observe(*after);
        }
    }
}

/// How the thread that owns the sockets fares, fed by itself. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Thread(Arc<Mutex<Fare>>);

#[derive(Debug, Clone, Default)]
struct Fare {
    lateness: Seconds,
    unread: u64,
    unsent: u64,
}

impl Thread {
    /// It was late by so much. A scrape that reads just now is not waited for: the thread has better to do.
    pub fn was_late(&self, by: Duration) {
        if let Ok(mut fare) = self.0.try_lock() {
            fare.lateness.observe(by);
        }
    }

    /// What the kernel has dropped since the process began.
    pub fn lost(&self, unread: u64, unsent: u64) {
        if let Ok(mut fare) = self.0.try_lock() {
            (fare.unread, fare.unsent) = (unread, unsent);
        }
    }
}

/// Registers what the wire thread last published.
pub fn register(
    registry: &mut Registry,
    node: NodeName,
    counters: watch::Receiver<Arc<Counters>>,
    published: watch::Receiver<Arc<Published>>,
    thread: Thread,
) -> OwnerChanges {
    let owner_changes = OwnerChanges::new();
    registry.register_collector(Box::new(Speaker {
        node,
        counters,
        published,
        owner_changes: owner_changes.clone(),
        thread,
    }));
    owner_changes
}

#[derive(Debug)]
struct Speaker {
    node: NodeName,
    counters: watch::Receiver<Arc<Counters>>,
    published: watch::Receiver<Arc<Published>>,
    owner_changes: OwnerChanges,
    thread: Thread,
}

impl Collector for Speaker {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // The locks are let go at once: the wire thread publishes under them.
        let counters = Arc::clone(&self.counters.borrow());
        let published = Arc::clone(&self.published.borrow());
        ANNOUNCED.write_all(&mut encoder, self.announced(&published))?;
        REQUESTS.write_all(&mut encoder, by_address(&counters.requests))?;
        RESPONSES.write_all(&mut encoder, by_address(&counters.responses))?;
        GRATUITOUS.write_all(&mut encoder, by_address(&counters.gratuitous))?;
        FRAMES.write_all(&mut encoder, by_word("verdict", &counters.frames))?;
        DATAGRAMS.write_all(&mut encoder, by_word("outcome", &counters.datagrams))?;
        PEERS_MISSING.write(&mut encoder, published.missing.len())?;
        CLAIMS_BLOCKED.write(&mut encoder, published.blocked.len())?;
        DISPUTED.write_all(&mut encoder, disputed(&published))?;
        DEFENCES.write(&mut encoder, counters.defences)?;
        STANDING_IN.write(&mut encoder, published.standing.len())?;
        DETECTION.write_all(&mut encoder, by_peer(&counters.detection))?;
        let fare = self
            .thread
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        FRAMES_LOST.write_all(&mut encoder, lost(&fare))?;
        write_seconds_of_all(&mut encoder, LATENESS, LATENESS_HELP, &fare.lateness)?;
        let changes = self
            .owner_changes
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        write_seconds_of_all(&mut encoder, FAILOVER, FAILOVER_HELP, &changes.failover)?;
        OWNER_CHANGES.write_all(&mut encoder, by_word("reason", &changes.by_reason))
    }
}

impl Speaker {
    /// A group's Services share its addresses, each with each.
    fn announced<'a>(&'a self, published: &'a Published) -> impl Iterator<Item = Row<u64, 4>> + 'a {
        let pairs = published.held.values().flat_map(|held| {
            held.services
                .iter()
                .flat_map(|service| held.addresses.iter().map(move |address| (service, address)))
        });
        pairs.map(|(service, address)| {
            let labels = [
                ("service", service.to_string()),
                ("protocol", "layer2".to_owned()),
                ("node", self.node.to_string()),
                ("ip", address.to_string()),
            ];
            (labels, 1)
        })
    }
}

fn by_address(counts: &BTreeMap<IpAddr, u64>) -> impl Iterator<Item = Row<u64, 1>> {
    counts
        .iter()
        .map(|(address, count)| ([("ip", address.to_string())], *count))
}

/// Both kinds from the start, so that an alert need not wait for the first.
fn disputed(published: &Published) -> [Row<u64, 1>; 2] {
    let count = |by: fn(&Dispute) -> bool| {
        let disputed = published.disputes.values().filter(|dispute| by(dispute));
        u64::try_from(disputed.count()).unwrap_or(u64::MAX)
    };
    let strangers = count(|dispute| dispute.stranger.is_some());
    let nodes = count(|dispute| !dispute.nodes.is_empty());
    [("stranger", strangers), ("node", nodes)].map(|(by, count)| ([("by", by.to_owned())], count))
}

/// Both from the start, as with what is disputed.
fn lost(fare: &Fare) -> [Row<u64, 1>; 2] {
    [("unread", fare.unread), ("unsent", fare.unsent)].map(|(why, count)| ([("why", why.to_owned())], count))
}

/// Bounded by what a speaker talks to.
fn by_peer(times: &BTreeMap<NodeName, Duration>) -> impl Iterator<Item = Row<u64, 1>> {
    times.iter().map(|(peer, time)| {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        ([("peer", peer.to_string())], milliseconds)
    })
}

fn by_word<'a>(
    label: &'static str,
    counts: &'a BTreeMap<&'static str, u64>,
) -> impl Iterator<Item = Row<u64, 1>> + 'a {
    counts
        .iter()
        .map(move |(word, count)| ([(label, (*word).to_owned())], *count))
}

#[cfg(test)]
mod tests;
