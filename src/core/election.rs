//! Who is alive, and which node announces which address: the state machine of one speaker.
//!
//! Every speaker decides alone, from heartbeats and what the API wants announced. For one address:
//!
//! ```text
//!                     nobody alive claims it, and I am next                     a better claim is heard
//!   ┌──────┐  (first claim: and nobody answers for it)             ┌─────────┐  I am no candidate any more
//!   │ free │ ──────────────────────────────────────────────────▶   │ claimed │ ──────────────────────────▶ free
//!   └──────┘  (its owner went silent: and my own link works)       └─────────┘
//! ```
//! An address whose owner is up does not move. Rank k waits k × 120 ms, so that of several survivors the first one
//! acts and the others hear of it in time; after a verdict on the owner's node ([`reach`]), which all hear within a
//! millisecond, k × 15 ms. An owner whose speaker alone is silent is stood in for (`rest.rs`).
//!
//! **Invariant:** of nodes that hear each other at most one claims an address; where two do after a partition, the
//! higher epoch stays and the other yields on the first heartbeat.

pub mod candidate;
pub mod claim;
pub mod decision;
mod link;
pub mod offer;
pub mod order;
pub mod peer;
pub mod reach;
mod record;
mod rest;
mod row;
mod segment;
pub mod talk;
mod vacancy;
pub mod wire;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use candidate::{Group, Nobody, Node};
pub use claim::ClaimSet;
pub use decision::Because;
pub use offer::{Cause, Failback, Serving};
pub use order::{Place, order};
pub use peer::{CONTACT, DOWN_AFTER, ONE_WAY, Peer};
pub use segment::{Sign, SubnetsV6};
pub use wire::{BootId, Key, WireError, WireInterface};

use ipnet::IpNet;

use self::vacancy::Vacancy;
use crate::model::{Instant, MacAddr, NodeName};

/// Time between two heartbeats.
pub const PERIOD: Duration = Duration::from_millis(100);
/// Each period is this much shorter or longer, so that speakers do not fall into step.
pub const PERIOD_JITTER: Duration = Duration::from_millis(10);
/// How much later the next candidate in order claims. Speakers notice a silence up to one period apart; the first in
/// order must have noticed it, claimed and been heard before the second acts.
pub const RANK_STEP: Duration = Duration::from_millis(120);
/// The same after a verdict on its owner's node, which all hear within a millisecond.
pub const VERDICT_STEP: Duration = Duration::from_millis(15);
/// A fresh speaker listens this long for the speakers that the API lists before it claims anything: their next
/// heartbeat, its echo and their claims, with one loss.
pub const LISTEN: Duration = Duration::from_millis(600);
/// Claims of a peer that is up are waited for this long before others are made without them.
const SYNC_PATIENCE: Duration = Duration::from_millis(500);
/// On return from isolation nothing is answered for this long, unless every peer is heard before.
pub const RETURN: Duration = Duration::from_millis(300);
/// After a first claim was blocked by someone's answer it is asked again: the stranger may be leaving.
const BLOCKED_AGAIN: Duration = Duration::from_secs(5);
/// A speaker that the API no longer lists is forgotten after this silence: its node left the cluster. What it claimed
/// is remembered by epoch alone from then on.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(10);
/// A datagram under another key says for this long why its sender is missing: a hundred heartbeats.
const OTHER_KEY_FOR: Duration = Duration::from_secs(10);
/// Peers beyond this are not talked to: design size is fifty nodes, and a key in wrong hands must not fill memory.
pub const MAX_PEERS: usize = 256;

/// What the API wants, as one value; the latest replaces all before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Desired {
    /// What is to be announced, by key.
    pub groups: BTreeMap<IpAddr, Group>,
    /// The other speakers.
    pub peers: BTreeMap<NodeName, Listed>,
    /// What speakers have on record in the API (`ServiceL2Status`): by group, the epoch of each one's claim.
    pub records: BTreeMap<IpAddr, BTreeMap<NodeName, u64>>,
}

/// A speaker as the API lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Its host's address.
    pub address: IpAddr,
    /// Its Pod is ready.
    pub ready: bool,
}

/// What the state machine wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A datagram to a peer.
    Send {
        /// The peer's address.
        to: IpAddr,
        /// Signed bytes.
        bytes: Arc<[u8]>,
    },
    /// Nobody has claimed these addresses before: find out whether anyone answers for them, and say so with
    /// [`Election::asked`].
    Ask {
        /// The group's key.
        key: IpAddr,
    },
    /// Find out whether our own link works, and say so with [`Election::witness`].
    AskWitness,
    /// The same for the segments of these hosts, which are asked by ARP, too: their speakers are heard elsewhere alone.
    AskHosts(Vec<IpAddr>),
    /// The same in haste, while a node is suspect: the gateways, and the [`Election::suspects`] by ARP.
    AskLink,
    /// Ask a peer's kernel, and hand its answer to [`Election::echo`].
    Probe(reach::Probe),
    /// Ask a speaker that is not heard for an address that it claims, and say so with [`Election::owner_answered`] if it
    /// answers.
    AskOwner {
        /// The group's key.
        key: IpAddr,
        /// The node.
        owner: NodeName,
    },
    /// From now on this node announces the group.
    Claimed {
        /// The group's key.
        key: IpAddr,
        /// The claim's epoch.
        epoch: u64,
        /// Why.
        because: Because,
    },
    /// From now on it does not.
    Yielded {
        /// The group's key.
        key: IpAddr,
        /// Why.
        because: Because,
    },
    /// From now on this node answers for the group in the place of another, with that one's MAC address.
    StandIn {
        /// The group's key.
        key: IpAddr,
        /// The node whose speaker is silent.
        owner: NodeName,
    },
    /// From now on it does not.
    StandDown {
        /// The group's key.
        key: IpAddr,
    },
    /// Answer nothing before this moment; `None`: answer again.
    Withhold(Option<Instant>),
    /// What the others claim is known by now: what was asked meanwhile and is still ours can be answered.
    CaughtUp,
    /// Send no unsolicited frame, or do again.
    Hold(bool),
}

/// Whether a speaker that stops is expected back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// Its node is cordoned, drained or shut down.
    ForGood,
    /// It is replaced or restarted; its node stays.
    BackSoon,
}

/// What a first claim's question brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nobody answered.
    Silent,
    /// Somebody did.
    Occupied,
}

/// The election as one speaker sees it.
#[derive(Debug, Clone)]
pub struct Election {
    me: NodeName,
    boot: BootId,
    key: Key,
    sequence: u64,
    sent: VecDeque<talk::Sent>,
    next_beat: Instant,
    last_beat: Option<Instant>,
    rotate: usize,
    peers: BTreeMap<NodeName, Peer>,
    arrived: BTreeMap<NodeName, Instant>,
    /// When peers were last heard in one of their networks that they had been gone from, or have come to: elsewhere they may have
    /// been up all the while.
    heard_again: BTreeMap<(NodeName, IpNet), Instant>,
    interfaces: Vec<WireInterface>,
    networks_v6: SubnetsV6,
    relinked: Instant,
    relinked_due: Option<Instant>,
    desired: Option<Arc<Desired>>,
    listening_until: Option<Instant>,
    claims: ClaimSet,
    version: u64,
    highest: BTreeMap<IpAddr, u64>,
    vacancies: BTreeMap<IpAddr, Vacancy>,
    /// What speakers on record that are not heard outdo.
    outdone: BTreeMap<IpAddr, record::Outdone>,
    up: BTreeSet<NodeName>,
    last_up: BTreeMap<NodeName, Instant>,
    /// Since when any peer has been heard without a break.
    connected: Instant,
    isolation: link::Isolation,
    reach: reach::Reach,
    segments: segment::Segments,
    /// When the networks were lost that no interface has any more.
    carrier_lost: BTreeMap<IpNet, Instant>,
    /// When this speaker last had the processor.
    awake: Instant,
    /// Until when nothing is answered for having been late, and whose claims are waited for.
    catching_up: Option<(Instant, BTreeSet<NodeName>)>,
    /// When that last began.
    caught_up: Option<Instant>,
    /// Signs that our link works.
    witness: Option<row::Row>,
    witness_asked: Option<Instant>,
    dirty: bool,
    /// When [`Election::decide`] wants another look by itself.
    recheck: Option<Instant>,
    announce_claims: u8,
    claims_changed: bool,
    /// When whoever was found to be gone is told again what was claimed since, and until when.
    telling: Option<(Instant, Instant)>,
    /// This speaker is stopping.
    departure: Option<Departure>,
    /// For whom this node answers.
    standing: BTreeMap<IpAddr, NodeName>,
    /// Boots that somebody has to answer for, by their short forms.
    at_rest: BTreeMap<[u8; 8], rest::AtRest>,
    /// When the last return from an isolation ended.
    returned: Option<Instant>,
    /// What an earlier boot of this speaker claimed, by its peers' word.
    former: BTreeMap<IpAddr, u64>,
    owners_asked: Option<Instant>,
    failback: Failback,
    serving: Serving,
    offers: offer::Offers,
    /// When the listening at the start ended.
    listened: Option<Instant>,
}

impl Election {
    /// A speaker that just started. `boot` is random.
    pub fn new(me: NodeName, boot: BootId, key: Key, now: Instant) -> Self {
        Self {
            me,
            boot,
            key,
            sequence: 0,
            sent: VecDeque::new(),
            next_beat: now,
            last_beat: None,
            rotate: 0,
            peers: BTreeMap::new(),
            arrived: BTreeMap::new(),
            heard_again: BTreeMap::new(),
            interfaces: Vec::new(),
            networks_v6: SubnetsV6::new(),
            relinked: now,
            relinked_due: None,
            desired: None,
            listening_until: None,
            claims: ClaimSet::default(),
            version: 0,
            highest: BTreeMap::new(),
            vacancies: BTreeMap::new(),
            outdone: BTreeMap::new(),
            up: BTreeSet::new(),
            last_up: BTreeMap::new(),
            connected: now,
            isolation: link::Isolation::default(),
            // Any number will do that two speakers on one host seldom share: the token tells who asked.
            reach: reach::Reach::new(u16::from_be_bytes([boot.0[14], boot.0[15]])),
            segments: segment::Segments::default(),
            carrier_lost: BTreeMap::new(),
            awake: now,
            caught_up: None,
            catching_up: None,
            witness: None,
            witness_asked: None,
            dirty: true,
            recheck: None,
            announce_claims: 0,
            claims_changed: false,
            telling: None,
            departure: None,
            standing: BTreeMap::new(),
            at_rest: BTreeMap::new(),
            returned: None,
            former: BTreeMap::new(),
            owners_asked: None,
            failback: Failback::default(),
            serving: Serving::default(),
            offers: offer::Offers::new(now),
            listened: None,
        }
    }

    /// What the API wants changed. The first one starts the listening time.
    pub fn set_desired(&mut self, desired: Arc<Desired>, now: Instant) {
        for (name, listed) in desired.peers.iter().filter(|(name, _)| **name != self.me) {
            if self.peers.len() < MAX_PEERS || self.peers.contains_key(name) {
                let peer = self
                    .peers
                    .entry(name.clone())
                    .or_insert_with(|| Peer::new(listed.address));
                peer.address = listed.address;
                peer.ready = listed.ready;
            }
        }
        let gone = |peer: &Peer| {
            peer.silent_for(now)
                .is_none_or(|silence| silence >= FORGOTTEN_AFTER)
        };
        self.peers
            .retain(|name, peer| desired.peers.contains_key(name) || peer.listed || !gone(peer));
        self.last_up.retain(|name, _| self.peers.contains_key(name));
        for (name, peer) in &mut self.peers {
            peer.listed = desired.peers.contains_key(name);
            peer.ready &= peer.listed;
        }
        if self.desired.is_none() {
            self.listening_until = Some(now + LISTEN);
            self.hasten(now);
        }
        self.desired = Some(desired);
        // A claim may arrive before the API tells here what it is about.
        for name in self.peers.keys().cloned().collect::<Vec<_>>() {
            self.learn_epochs(&name);
        }
        self.dirty = true;
    }

    /// The key was replaced.
    pub fn set_key(&mut self, key: Key) {
        self.key = key;
    }

    /// The speaker is stopping. For good: what it claims is offered to others, until [`Election::has_left`]. If it will be
    /// back, and somebody is there who can answer in its place, its claims stay.
    pub fn leave(&mut self, departure: Departure, now: Instant, out: &mut Vec<Output>) {
        if departure == Departure::BackSoon && !self.up.is_empty() {
            return self.rest(now, out);
        }
        self.departure = Some(Departure::ForGood);
        self.stand_down_where(|_, _| true, out);
        self.dirty = true;
        self.hasten(now);
    }

    /// What the question of [`Output::Ask`] brought.
    pub fn asked(&mut self, key: IpAddr, answer: Answer, now: Instant) {
        if let Some(vacancy) = self.vacancies.get_mut(&key) {
            match answer {
                Answer::Silent => vacancy.cleared = true,
                Answer::Occupied => {
                    vacancy.asked = false;
                    vacancy.blocked_until = Some(now + BLOCKED_AGAIN);
                }
            }
            self.dirty = true;
        }
    }

    /// Everything that is due. Received datagrams must have been handed over before.
    pub fn poll(&mut self, now: Instant, random: &mut dyn FnMut() -> u64, out: &mut Vec<Output>) {
        self.watch_kernels(now, random, out);
        self.notice_liveness(now, out);
        self.seek_witness(now, out);
        if self.relinked_due.is_some_and(|due| due <= now) {
            self.relinked_due = None;
            self.dirty = true;
        }
        if self.dirty || self.recheck.is_some_and(|at| at <= now) {
            self.dirty = false;
            self.map_paths(now);
            self.decide(now, out);
        }
        self.answer_for_ourselves(now, random, out);
        self.talk(now, random, out);
        self.tell_the_gone(now, out);
        self.send_offers(now, out);
    }

    /// When [`Election::poll`] has something to do, if nothing arrives before.
    pub fn next_deadline(&self, now: Instant) -> Instant {
        if self.dirty {
            return now;
        }
        let down = self.peers.values().filter_map(|peer| peer.down_at(now)).min();
        let listening = self.listening_until;
        let returning = self.isolation.until();
        let witness = self.witness_due(now);
        [
            down,
            listening,
            self.recheck,
            returning,
            witness,
            self.relinked_due,
            self.reach.next_deadline(),
            self.caught_up_at(),
            self.offers.next_deadline(),
            self.telling.map(|(due, _)| due),
        ]
        .into_iter()
        .flatten()
        .fold(self.next_beat, Instant::min)
    }

    /// This node's claims.
    pub fn claims(&self) -> &ClaimSet {
        &self.claims
    }

    /// The names of the peers that are up.
    pub fn up(&self) -> &BTreeSet<NodeName> {
        &self.up
    }

    /// The listening time at the start is over.
    pub fn has_listened(&self) -> bool {
        self.desired.is_some() && self.listening_until.is_none()
    }

    /// What an earlier boot had is taken up again by now, or will not be.
    pub fn is_settled(&self, now: Instant) -> bool {
        self.listened
            .is_some_and(|at| now.since(at) >= peer::RESUMED_WITHIN)
    }

    /// A peer.
    pub fn peer(&self, name: &NodeName) -> Option<&Peer> {
        self.peers.get(name)
    }

    /// Where the listed speakers are that are not up.
    pub fn silent(&self, now: Instant) -> impl Iterator<Item = IpAddr> {
        let silent = self
            .peers
            .values()
            .filter(move |peer| peer.listed && !peer.is_up(now));
        silent.map(|peer| peer.address)
    }

    /// MAC addresses that speakers said to be theirs, ours included.
    pub fn macs(&self) -> impl Iterator<Item = (&NodeName, MacAddr)> {
        let theirs = self.peers.iter().flat_map(|(name, peer)| {
            let interfaces = peer.interfaces().iter();
            interfaces.map(move |interface| (name, interface.mac))
        });
        let ours = self.interfaces.iter();
        ours.map(|interface| (&self.me, interface.mac)).chain(theirs)
    }

    /// The node that said that a MAC address is its own. Asked for each frame that is read, so nothing is allocated: a
    /// hundred comparisons among fifty nodes.
    pub fn node_with(&self, mac: MacAddr) -> Option<&NodeName> {
        self.macs().find(|(_, known)| *known == mac).map(|(node, _)| node)
    }

    /// Ready speakers of the API's list that are not heard: a blocked port, or another key.
    pub fn missing(&self) -> impl Iterator<Item = &NodeName> {
        self.unheard().map(|(name, _)| name)
    }

    /// Whether one of them is heard under another key: the reason why it is missing.
    pub fn missing_have_another_key(&self, now: Instant) -> bool {
        let lately = |at: &Instant| now.since(*at) <= OTHER_KEY_FOR;
        self.unheard()
            .any(|(_, peer)| peer.other_key.as_ref().is_some_and(lately))
    }

    fn unheard(&self) -> impl Iterator<Item = (&NodeName, &Peer)> {
        let unheard = |(name, peer): &(&NodeName, &Peer)| peer.ready && !self.up.contains(*name);
        self.peers.iter().filter(unheard)
    }

    /// Who claims a group, as far as this node knows: itself, or the best claim of a peer that is up.
    pub fn owner(&self, key: IpAddr) -> Option<(&NodeName, u64)> {
        if let Some(epoch) = self.claims.epoch(key) {
            return Some((&self.me, epoch));
        }
        self.rival(key).map(|(name, epoch, _)| (name, epoch))
    }
}

#[cfg(test)]
mod tests;
