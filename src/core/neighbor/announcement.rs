//! When takeover and refresh frames leave: the schedule of a moved address.
//!
//! ```text
//! start ─► broadcast 0 ─ 0.1 ─ 1.1 ─ 2.2 ─ 3.3 ─ 4.4 s ─► broadcast every 60 s ± 6 s ─► … until stop
//!      └─► poke each gateway, then each recent talker, at the same times, until it answers
//! ```
//!
//! Broadcasts and pokes have a rate each. Within one round all broadcasts leave before any is repeated; pokes go
//! to gateways first, and each address pokes its first talker before any pokes its second: of a thousand
//! addresses that move together none waits for another's repeats. A round that the rates delayed past the next
//! one is dropped, not caught up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use self::queue::{Poke, PokeQueue, Rank};
use super::rate::TokenBucket;
use super::{InterfaceIndex, Message, Neighbor, Operation, Outgoing, Purpose, Statement};
use crate::model::{Instant, MacAddr};

mod queue;

/// When a takeover's frames leave after its start. The first repeat covers a lost frame while clients still
/// wait for their first retransmission; the others are MetalLB's, each more than Linux's `locktime` (1 s) after
/// the one before, for neighbours that believe no change sooner.
pub const TAKEOVER_ROUNDS: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(1_100),
    Duration::from_millis(2_200),
    Duration::from_millis(3_300),
    Duration::from_millis(4_400),
];
/// How often an announced address is told to everybody: repairs a cache that missed the takeover, and keeps
/// switches from forgetting the port (they age entries after 300 s).
pub const REFRESH: Duration = Duration::from_mins(1);
/// The most a refresh comes early or late, so that addresses taken over together do not refresh together.
pub const REFRESH_JITTER: Duration = Duration::from_secs(6);

/// At most 1,000 broadcasts in any second (storm control on small switches begins there): this many at once …
pub const BROADCAST_BURST: u32 = 100;
/// … and then 900 a second.
pub const BROADCAST_INTERVAL: Duration = Duration::from_nanos(1_111_112);
/// At most 5,000 unicasts in any second (each costs its receiver an answer): this many at once …
pub const POKE_BURST: u32 = 500;
/// … and then 4,500 a second.
pub const POKE_INTERVAL: Duration = Duration::from_nanos(222_223);

/// Gateways poked per address: one default gateway is usual, two with VRRP; eight is beyond any home.
pub const MAX_GATEWAYS: usize = 8;
/// Peers poked per address: the gateways and as many talkers as are remembered.
pub const MAX_PEERS: usize = MAX_GATEWAYS + super::talker::MAX_TALKERS;

/// An announced address on one interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    address: IpAddr,
    interface: InterfaceIndex,
}

/// Every announced address and its due frames.
#[derive(Debug, Clone)]
pub struct Announcements {
    announced: BTreeMap<Key, Announcement>,
    /// Due broadcasts.
    broadcasts: BTreeSet<(Instant, Key)>,
    pokes: PokeQueue,
    broadcast_rate: TokenBucket,
    poke_rate: TokenBucket,
    held: bool,
    counters: Counters,
}

#[derive(Debug, Clone)]
struct Announcement {
    mac: MacAddr,
    began: Instant,
    next_broadcast: Instant,
    peers: Vec<Poked>,
}

#[derive(Debug, Clone)]
struct Poked {
    peer: Neighbor,
    rank: Rank,
    /// When it is poked next; `None` when it answered or all rounds are over.
    next: Option<Instant>,
    sent: bool,
    verified: bool,
}

/// What was sent and what came of it, since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Broadcasts of takeovers, repeats included.
    pub takeover: u64,
    /// Broadcasts of refreshes.
    pub refresh: u64,
    /// Unicast requests.
    pub pokes: u64,
    /// Peers that answered one: each counts once per takeover.
    pub verified: u64,
}

/// How far the takeover of one address on one interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// When it began.
    pub began: Instant,
    /// Peers that were asked.
    pub poked: usize,
    /// Those of them whose answer proved that they moved.
    pub verified: usize,
}

/// A peer proved that it moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The address that it now reaches through us.
    pub address: IpAddr,
    /// Who it is.
    pub peer: Neighbor,
    /// How long after the takeover's start.
    pub after: Duration,
}

impl Default for Announcements {
    fn default() -> Self {
        Self::new()
    }
}

impl Announcements {
    /// Nothing is announced, both rates are full.
    pub const fn new() -> Self {
        Self {
            announced: BTreeMap::new(),
            broadcasts: BTreeSet::new(),
            pokes: PokeQueue::new(),
            broadcast_rate: TokenBucket::new(BROADCAST_INTERVAL, BROADCAST_BURST),
            poke_rate: TokenBucket::new(POKE_INTERVAL, POKE_BURST),
            held: false,
            counters: Counters {
                takeover: 0,
                refresh: 0,
                pokes: 0,
                verified: 0,
            },
        }
    }

    /// Begins a takeover of `address` by `mac` on `interface`: the peers are poked in the given order, gateways
    /// before talkers; those of the other family are passed over. An address that is already announced there with this
    /// MAC is left alone (a reconcile is no takeover); with another MAC it starts over. Returns whether anything began.
    pub fn start<P: Into<Neighbor>>(
        &mut self,
        address: impl Into<IpAddr>,
        interface: InterfaceIndex,
        mac: MacAddr,
        gateways: impl IntoIterator<Item = P>,
        talkers: impl IntoIterator<Item = P>,
        now: Instant,
    ) -> bool {
        let address = address.into();
        let key = Key { address, interface };
        if self.announced.get(&key).is_some_and(|known| known.mac == mac) {
            return false;
        }
        self.remove(key);
        let speaks_it = |peer: &Neighbor| peer.address.is_ipv4() == address.is_ipv4();
        let gateways = gateways.into_iter().map(Into::into).filter(speaks_it);
        let gateways = gateways.take(MAX_GATEWAYS).map(|peer| (Rank::Gateway, peer));
        let talkers = talkers.into_iter().map(Into::into).filter(speaks_it);
        let talkers = talkers.map(|peer| (Rank::Talker, peer));
        let mut peers: Vec<Poked> = Vec::new();
        for (rank, peer) in gateways.chain(talkers) {
            let ourselves = peer.address == address || peer.mac == mac;
            if ourselves || peers.len() >= MAX_PEERS || peers.iter().any(|known| known.peer == peer) {
                continue;
            }
            let place = peers.len();
            self.pokes.insert(rank, Poke { due: now, place, key });
            peers.push(Poked {
                peer,
                rank,
                next: Some(now),
                sent: false,
                verified: false,
            });
        }
        self.broadcasts.insert((now, key));
        self.announced.insert(
            key,
            Announcement {
                mac,
                began: now,
                next_broadcast: now,
                peers,
            },
        );
        true
    }

    /// Forgets the address on every interface, and all its due frames.
    pub fn stop(&mut self, address: impl Into<IpAddr>) {
        let address = address.into();
        self.remove_where(|key| key.address == address);
    }

    /// Forgets the address on all interfaces but these.
    pub fn keep(&mut self, address: impl Into<IpAddr>, on: impl Fn(InterfaceIndex) -> bool) {
        let address = address.into();
        let of_address = |index: u32| Key {
            address,
            interface: InterfaceIndex(index),
        };
        let known = self.announced.range(of_address(0)..=of_address(u32::MAX));
        let gone: Vec<Key> = known
            .map(|(key, _)| *key)
            .filter(|key| !on(key.interface))
            .collect();
        for key in gone {
            self.remove(key);
        }
    }

    /// Forgets everything on an interface that is gone, and all its due frames.
    pub fn remove_interface(&mut self, interface: InterfaceIndex) {
        self.remove_where(|key| key.interface == interface);
    }

    /// While held nothing leaves unasked (a node that hears no peer may answer, but must not attract traffic).
    /// What became due meanwhile leaves once when the hold ends.
    pub const fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Appends what is due and within the rates. `random` draws the refreshes' jitter.
    pub fn poll(&mut self, now: Instant, random: &mut dyn FnMut() -> u64, out: &mut Vec<Outgoing>) {
        if self.held {
            return;
        }
        while let Some((due, key)) = self.broadcasts.first().copied()
            && due <= now
            && self.broadcast_rate.take(now)
        {
            self.broadcasts.pop_first();
            out.extend(self.broadcast(key, due, now, random));
        }
        while self.pokes.next_due().is_some_and(|due| due <= now)
            && self.poke_rate.take(now)
            && let Some(due) = self.pokes.pop_due(now)
        {
            out.extend(self.poke(due, now));
        }
    }

    /// When `poll` has something to send next; `None` while held or without an announcement.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.held {
            return None;
        }
        let broadcast = self.broadcasts.first().map(|(due, _)| *due);
        let broadcast = broadcast.map(|due| due.max(self.broadcast_rate.ready_at()));
        let poke = self.pokes.next_due();
        let poke = poke.map(|due| due.max(self.poke_rate.ready_at()));
        [broadcast, poke].into_iter().flatten().min()
    }

    /// Notes an answer to a poke: the peer sent it to our MAC for the announced address, so it moved. It is
    /// poked no more.
    pub fn hear(
        &mut self,
        interface: InterfaceIndex,
        said: impl Into<Statement>,
        now: Instant,
    ) -> Option<Verified> {
        let said = said.into();
        let key = Key {
            address: said.target_ip,
            interface,
        };
        let peer = Neighbor {
            mac: said.sender_mac,
            address: said.sender_ip,
        };
        let announcement = self.announced.get_mut(&key)?;
        if said.op != Operation::Reply || said.target_mac != announcement.mac {
            return None;
        }
        let mut places = announcement.peers.iter_mut().enumerate();
        let (place, poked) = places.find(|(_, poked)| poked.peer == peer && poked.sent && !poked.verified)?;
        poked.verified = true;
        if let Some(due) = poked.next.take() {
            self.pokes.remove(poked.rank, Poke { due, place, key });
        }
        self.counters.verified += 1;
        Some(Verified {
            address: key.address,
            peer,
            after: now.since(announcement.began),
        })
    }

    /// How far the takeover of an announced address is.
    pub fn progress(&self, address: impl Into<IpAddr>, interface: InterfaceIndex) -> Option<Progress> {
        let address = address.into();
        let announcement = self.announced.get(&Key { address, interface })?;
        Some(Progress {
            began: announcement.began,
            poked: announcement.peers.iter().filter(|p| p.sent).count(),
            verified: announcement.peers.iter().filter(|p| p.verified).count(),
        })
    }

    /// What was sent and verified since the beginning.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    fn broadcast(
        &mut self,
        key: Key,
        due: Instant,
        now: Instant,
        random: &mut dyn FnMut() -> u64,
    ) -> Option<Outgoing> {
        let announcement = self.announced.get_mut(&key)?;
        let refresh = due > announcement.began + TAKEOVER_ROUNDS[TAKEOVER_ROUNDS.len() - 1];
        let next = next_round(announcement.began, now).unwrap_or_else(|| now + refresh_after(random()));
        announcement.next_broadcast = next;
        self.broadcasts.insert((next, key));
        let purpose = if refresh {
            self.counters.refresh += 1;
            Purpose::Refresh
        } else {
            self.counters.takeover += 1;
            Purpose::Takeover
        };
        Some(Outgoing {
            interface: key.interface,
            address: key.address,
            purpose,
            frame: Message::gratuitous(announcement.mac, key.address).frame(),
        })
    }

    fn poke(&mut self, due: Poke, now: Instant) -> Option<Outgoing> {
        let Poke { place, key, .. } = due;
        let announcement = self.announced.get_mut(&key)?;
        let poked = announcement.peers.get_mut(place)?;
        let question = Message::poke(announcement.mac, key.address, poked.peer)?;
        poked.sent = true;
        poked.next = next_round(announcement.began, now);
        if let Some(next) = poked.next {
            let again = Poke {
                due: next,
                place,
                key,
            };
            self.pokes.insert(poked.rank, again);
        }
        self.counters.pokes += 1;
        Some(Outgoing {
            interface: key.interface,
            address: key.address,
            purpose: Purpose::Poke,
            frame: question.frame(),
        })
    }

    fn remove_where(&mut self, gone: impl Fn(&Key) -> bool) {
        let keys: Vec<Key> = self.announced.keys().copied().filter(gone).collect();
        for key in keys {
            self.remove(key);
        }
    }

    fn remove(&mut self, key: Key) {
        let Some(announcement) = self.announced.remove(&key) else {
            return;
        };
        self.broadcasts.remove(&(announcement.next_broadcast, key));
        for (place, poked) in announcement.peers.iter().enumerate() {
            if let Some(due) = poked.next {
                self.pokes.remove(poked.rank, Poke { due, place, key });
            }
        }
    }
}

/// The first of the takeover's rounds that is still to come.
fn next_round(began: Instant, now: Instant) -> Option<Instant> {
    TAKEOVER_ROUNDS
        .iter()
        .map(|after| began + *after)
        .find(|due| *due > now)
}

/// A minute, give or take the jitter.
fn refresh_after(random: u64) -> Duration {
    let spread_ns = u64::try_from(2 * REFRESH_JITTER.as_nanos()).unwrap_or(u64::MAX);
    REFRESH.saturating_sub(REFRESH_JITTER) + Duration::from_nanos(random % spread_ns.saturating_add(1))
}

#[cfg(test)]
mod tests;
