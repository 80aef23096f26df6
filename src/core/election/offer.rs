//! Planned moves: an owner offers an address to another node, and answers for it until that one has claimed it.
//!
//! ```text
//!   owner                                        heir
//!   Offer(address, my epoch) ────────────────▶   could announce it, and knows no newer claim:
//!     again every 4 ms, for 100 ms               claims epoch + 1, answers, tells the LAN
//!   hears the claim, stops answering  ◀───────   Claims, to all; again for each offer that still comes
//! ```
//! At no moment does nobody answer. For the time of one datagram's way both do, and clients of either are served: the
//! owner's node goes on to forward what reaches it.
//!
//! Who must go (its node is drained, is no candidate any more) offers at once, and gives the address up where nobody
//! takes it. Whoever could stay offers only what the settings of all speakers that are up ask for, and seldom.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::wire::{Body, CLAIMS_PER_PART, MAX_PARTS};
use super::{Because, Election, Group, Output, Peer};
use crate::model::{Instant, NodeName};

/// Between two offers of the same address: an answer takes a round trip on a LAN, with both ends woken for it.
const OFFER_AGAIN: Duration = Duration::from_millis(4);
/// An offer that nobody has taken by then is withdrawn: 25 datagrams were not lost one after the other.
const PATIENCE: Duration = Duration::from_millis(100);
/// A node is offered nothing, but by whoever must go, before it has been up for so long: what has just come may go again.
const SETTLED_IN: Duration = Duration::from_secs(5);
/// Claims of a cold start go to the first in order once nobody has come or gone for so long: until then whoever was
/// quickest to start has them all.
const COLD_START: Duration = Duration::from_secs(30);
/// Between two moves of an address that need not be, while they are rare, and while it goes to and fro: nodes with
/// different views of the API would else hand it to each other for as long as these differ.
const PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// When an address goes back to a node that comes before its owner by the hash alone. A higher weight
/// (`preferredNodeSelectors`) is a person's word and is followed whatever this says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Failback {
    /// Where it is it stays.
    #[default]
    Never,
    /// Once that node has been up for so long, and for 5 s at least. MetalLB: at once.
    After(Duration),
}

impl Failback {
    /// As heartbeats carry it: seconds, all bits set for never.
    pub(super) fn code(self) -> u32 {
        match self {
            Self::Never => u32::MAX,
            Self::After(time) => u32::try_from(time.as_secs()).unwrap_or(u32::MAX - 1),
        }
    }
}

/// Whether a node's Services can be reached through it, by the health check of its proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Serving {
    /// Nothing has ever answered there: perhaps there is no such check on this node.
    #[default]
    Unknown,
    /// It has been good for long enough.
    Proven,
    /// It is not good, or has not been for long.
    Failing,
}

/// Why an owner offers an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Its speaker stops, and its node goes.
    Leaving,
    /// The API no longer lets it announce the address.
    NotCandidate,
    /// It has lost its interface in the network of one of its addresses.
    NoLink,
    /// The other node has more weight.
    Preferred,
    /// The other node is first in order.
    Order,
}

impl Cause {
    /// As it travels.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Leaving => 1,
            Self::NotCandidate => 2,
            Self::Preferred => 3,
            Self::Order => 4,
            Self::NoLink => 5,
        }
    }

    pub(super) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Leaving),
            2 => Some(Self::NotCandidate),
            3 => Some(Self::Preferred),
            4 => Some(Self::Order),
            5 => Some(Self::NoLink),
            _ => None,
        }
    }

    /// The owner could as well keep it.
    const fn is_voluntary(self) -> bool {
        matches!(self, Self::Preferred | Self::Order)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Leaving => "its node is leaving",
            Self::NotCandidate => "it may not announce it any more",
            Self::NoLink => "it has lost its interface in the address's network",
            Self::Preferred => "the L2Advertisements prefer the other node",
            Self::Order => "the other node is first in order",
        })
    }
}

/// Addresses that their owner offers to one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Why.
    pub cause: Cause,
    /// Address and epoch of the owner's claim.
    pub entries: Vec<(IpAddr, u64)>,
}

/// An offer that is not taken yet.
#[derive(Debug, Clone)]
struct Open {
    to: NodeName,
    cause: Cause,
    /// Until when it stands.
    until: Instant,
    next: Instant,
}

/// When an address last moved without need.
#[derive(Debug, Clone, Copy)]
struct Moved {
    at: Instant,
    pause: Duration,
}

/// What one speaker has on offer.
#[derive(Debug, Clone, Default)]
pub(super) struct Offers {
    open: BTreeMap<IpAddr, Open>,
    moved: BTreeMap<IpAddr, Moved>,
    /// Claims of a cold start, which have not been looked at since.
    provisional: BTreeSet<IpAddr>,
    /// Since when nobody has come or gone.
    pub(super) quiet_since: Instant,
}

/// Whether an address stays with its owner.
enum Choice {
    Stays,
    /// It is to be looked at again then.
    Later(Instant),
    Goes(NodeName, Cause),
}

impl Offers {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            quiet_since: now,
            ..Self::default()
        }
    }

    pub(super) fn retain(&mut self, wanted: impl Fn(&IpAddr) -> bool) {
        self.open.retain(|key, _| wanted(key));
        self.moved.retain(|key, _| wanted(key));
        self.provisional.retain(|key| wanted(key));
    }

    /// The first claim of an address, made by whoever was there.
    pub(super) fn first_claim(&mut self, key: IpAddr) {
        self.provisional.insert(key);
    }

    /// When claims of a cold start stay where they are, if nobody comes or goes before.
    pub(super) fn cold_start_over(&self) -> Instant {
        self.quiet_since + COLD_START
    }

    /// The claim is over.
    pub(super) fn end(&mut self, key: IpAddr) {
        self.provisional.remove(&key);
        self.open.remove(&key);
    }

    pub(super) fn is_open_to(&self, key: IpAddr, node: &NodeName) -> bool {
        self.open.get(&key).is_some_and(|open| open.to == *node)
    }

    #[cfg(test)]
    pub(super) fn is_provisional(&self, key: IpAddr) -> bool {
        self.provisional.contains(&key)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.open.values().map(|open| open.next).min()
    }

    fn may_move_at(&self, key: IpAddr) -> Instant {
        self.moved
            .get(&key)
            .map_or(Instant::ZERO, |moved| moved.at + moved.pause)
    }

    fn note_move(&mut self, key: IpAddr, now: Instant) {
        let before = self.moved.get(&key);
        let again = before.filter(|moved| now.since(moved.at) < moved.pause.saturating_mul(2));
        let pause = again.map_or(PAUSE, |moved| moved.pause.saturating_mul(2).min(LONGEST_PAUSE));
        self.moved.insert(key, Moved { at: now, pause });
    }
}

impl Election {
    /// How addresses go back to whoever comes first. Speakers with different settings move nothing without need.
    pub fn set_failback(&mut self, failback: Failback) {
        self.failback = failback;
        self.dirty = true;
    }

    /// What the health check of this node's proxy says.
    pub fn set_serving(&mut self, serving: Serving, now: Instant) {
        if self.serving != serving {
            self.serving = serving;
            self.dirty = true;
            self.hasten(now);
        }
    }

    /// Whether every claim of a speaker that leaves for good is with others now, or was given up.
    pub fn has_left(&self) -> bool {
        self.departure.is_some() && self.claims.is_empty()
    }

    /// Offers what is ours and must go; where nobody could take it, or nobody did, it is given up.
    pub(super) fn hand_over(
        &mut self,
        group: &Group,
        cause: Cause,
        because: Because,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let open = self.offers.open.get(&group.key);
        let until = if let Some(open) = open.filter(|open| !open.cause.is_voluntary()) {
            self.up.contains(&open.to).then_some(open.until)
        } else {
            let heir = self.heir(group).cloned();
            heir.map(|to| self.offer(group.key, to, cause, now))
        };
        match until.filter(|until| now < *until) {
            Some(until) => self.look_at(until),
            None => self.yield_claim(group.key, because, out),
        }
    }

    /// Offers what another node should have. Nothing depends on whether it is taken.
    pub(super) fn consider_moving(&mut self, group: &Group, now: Instant) {
        let open = self.offers.open.get(&group.key).map(|open| open.until);
        if let Some(until) = open.filter(|until| now < *until) {
            return self.look_at(until);
        }
        match self.choose(group, now) {
            Choice::Stays => {}
            Choice::Later(at) => self.look_at(at),
            Choice::Goes(to, cause) => {
                self.offers.provisional.remove(&group.key);
                self.offers.note_move(group.key, now);
                let until = self.offer(group.key, to, cause, now);
                self.look_at(until);
            }
        }
    }

    /// Where an address that could stay should be.
    fn choose(&mut self, group: &Group, now: Instant) -> Choice {
        let live = self.live_candidates(group);
        let Some(first) = live
            .first()
            .filter(|first| ***first != self.me)
            .map(|name| (*name).clone())
        else {
            return self.settle(group, now);
        };
        let able = self.peers.get(&first).is_some_and(|peer| self.could_take(peer));
        if !able || !self.agrees_on_settings() || !live.contains(&&self.me) {
            return Choice::Stays;
        }
        let weight = |name: &NodeName| group.candidates.get(name).copied().unwrap_or_default();
        let (cause, at) = if weight(&first) > weight(&self.me) {
            (
                Cause::Preferred,
                self.there_since(&first, group, now) + SETTLED_IN,
            )
        } else if let Failback::After(time) = self.failback {
            (
                Cause::Order,
                self.there_since(&first, group, now) + SETTLED_IN.max(time),
            )
        } else if self.offers.provisional.contains(&group.key) {
            (Cause::Order, self.offers.cold_start_over())
        } else {
            return Choice::Stays;
        };
        let at = at.max(self.offers.may_move_at(group.key));
        if now < at {
            Choice::Later(at)
        } else {
            Choice::Goes(first, cause)
        }
    }

    /// Since when a peer has been up, and heard in each network that carries an address of a group: what is heard there again may
    /// be gone from there again.
    fn there_since(&self, node: &NodeName, group: &Group, now: Instant) -> Instant {
        let up_since = self.arrived.get(node).copied().unwrap_or(now);
        let there = self.heard_again.iter().filter(|((name, network), _)| {
            let mut addresses = group.addresses.iter();
            name == node && addresses.any(|address| self.carries(*network, *address))
        });
        there.map(|(_, at)| *at).fold(up_since, Instant::max)
    }

    /// Whoever is first in order when a cold start is over keeps what it has, whoever comes later.
    fn settle(&mut self, group: &Group, now: Instant) -> Choice {
        let over = self.offers.cold_start_over();
        if !self.offers.provisional.contains(&group.key) {
            Choice::Stays
        } else if now < over {
            Choice::Later(over)
        } else {
            self.offers.provisional.remove(&group.key);
            Choice::Stays
        }
    }

    /// Whether nothing speaks against a move to this node: it knows what there is to know, and its Services are reached
    /// through it, as far as such a check exists here.
    fn could_take(&self, peer: &Peer) -> bool {
        let serves = match peer.serving() {
            Serving::Proven => true,
            Serving::Unknown => self.serving == Serving::Unknown,
            Serving::Failing => false,
        };
        peer.is_synced() && serves
    }

    fn agrees_on_settings(&self) -> bool {
        let mine = self.failback.code();
        let mut peers = self.up.iter().filter_map(|name| self.peers.get(name));
        peers.all(|peer| peer.failback() == Some(mine))
    }

    /// Who would be next.
    fn heir(&self, group: &Group) -> Option<&NodeName> {
        let next = self
            .live_candidates(group)
            .into_iter()
            .find(|name| **name != self.me)?;
        let (name, peer) = self.peers.get_key_value(next)?;
        peer.is_synced().then_some(name)
    }

    /// Until when it stands.
    fn offer(&mut self, key: IpAddr, to: NodeName, cause: Cause, now: Instant) -> Instant {
        let until = now + PATIENCE;
        let open = Open {
            to,
            cause,
            until,
            next: now,
        };
        self.offers.open.insert(key, open);
        until
    }

    /// Sends what is on offer and not taken yet.
    pub(super) fn send_offers(&mut self, now: Instant, out: &mut Vec<Output>) {
        // What must go is given up by then; nothing else is offered for longer, whatever became of its reason.
        self.offers.open.retain(|_, open| now <= open.until);
        let mut due: BTreeMap<(NodeName, Cause), Vec<(IpAddr, u64)>> = BTreeMap::new();
        for (key, open) in &mut self.offers.open {
            if now < open.next {
                continue;
            }
            open.next = now + OFFER_AGAIN;
            if let Some(epoch) = self.claims.epoch(*key) {
                due.entry((open.to.clone(), open.cause))
                    .or_default()
                    .push((*key, epoch));
            }
        }
        for ((to, cause), entries) in due {
            for to in self.ways_to(&to) {
                for entries in entries.chunks(CLAIMS_PER_PART).take(usize::from(MAX_PARTS)) {
                    let entries = entries.to_vec();
                    self.send(to, Body::Offer(Offer { cause, entries }), out);
                }
            }
        }
    }

    /// A peer offers addresses of its own.
    pub(super) fn offered(&mut self, by: &NodeName, offer: &Offer, now: Instant, out: &mut Vec<Output>) {
        let Some(desired) = self.desired.clone() else {
            return;
        };
        if self.departure.is_some() || !self.may_claim(now) {
            return;
        }
        let mut known_already = false;
        for (key, epoch) in &offer.entries {
            if self.claims.epoch(*key).is_some_and(|mine| mine > *epoch) {
                known_already = true;
                continue;
            }
            let newest = self.highest.get(key).copied().unwrap_or_default();
            let Some(group) = desired.groups.get(key) else {
                continue;
            };
            // It is the offering one's to give: a claim of somebody else may be known already, or an offer come late.
            let its = self.rival(*key).is_none_or(|(owner, ..)| owner == by);
            if newest > *epoch || !its || !self.accepts(by, group, offer.cause) {
                continue;
            }
            self.highest.insert(*key, *epoch);
            if offer.cause.is_voluntary() {
                self.offers.note_move(*key, now);
            }
            let because = Because::Offered {
                by: by.clone(),
                cause: offer.cause,
            };
            self.claim(*key, because, out);
        }
        for to in self.ways_to(by).filter(|_| known_already) {
            self.send_claims(to, out);
        }
    }

    /// Where the other one could as well keep it, our own view must be that we come first.
    fn accepts(&self, by: &NodeName, group: &Group, cause: Cause) -> bool {
        let live = self.live_candidates(group);
        let place = |name: &NodeName| live.iter().position(|other| *other == name);
        match (place(&self.me), place(by)) {
            (None, _) => false,
            (Some(mine), Some(theirs)) => mine < theirs || !cause.is_voluntary(),
            (Some(_), None) => true,
        }
    }
}
