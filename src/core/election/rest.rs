//! Speakers that stop and come back: who answers in their place meanwhile, and how they take up what they had.
//!
//! ```text
//!   the owner's speaker          the next in order                    the owner's speaker
//!   says "back soon", or   ──▶   answers with the owner's MAC,   ──▶  hears from its peers what it had, claims it again
//!   is silent for 350 ms         as long as its kernel lives          │ not back within 60 s
//!                                                                     └▶ the next in order takes over
//! ```
//! The kernel of the owner's node goes on to forward what arrives, so nothing has to move: no neighbour entry changes,
//! and no connection breaks. Only new questions for the address need somebody who answers them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::peer::RESUMED_WITHIN;
use super::wire::{Body, CLAIMS_PER_PART, ClaimsPart, ClaimsVersion, MAX_AT_REST, MAX_PARTS};
use super::{Departure, Election, Group, LISTEN, Output};
use crate::model::{Instant, MacAddr, NodeName};

/// Between two questions to a silent speaker, which leave with heartbeats: about two a second, little enough for every
/// switch that counts ARP.
const ASK_OWNERS: Duration = Duration::from_millis(450);
/// Two nodes find a speaker silent within a period of each other, and the datagram that says so takes a moment. Until
/// then each of them leaves it to the one that comes first; after it, only to one that says that it knows.
const VIEWS: Duration = Duration::from_millis(150);
/// A boot of which nothing is seen for a moment, because the news of its kernel was lost, is the same afterwards.
const SAME_REST: Duration = Duration::from_secs(1);

/// A boot that others answer for.
#[derive(Debug, Clone, Copy)]
pub(super) struct AtRest {
    since: Instant,
    /// When it was last seen to be.
    seen: Instant,
    /// Whether it is, as far as the groups have been looked at.
    now: bool,
}

impl Election {
    /// Stops answering, and says so; the claims stay for the next boot.
    pub(super) fn rest(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.departure = Some(Departure::BackSoon);
        self.stand_down_where(|_, _| true, out);
        // What else withheld answers must not end that.
        self.catching_up = None;
        self.isolation = super::link::Isolation::default();
        // Whoever stands in begins with the datagram that says so: from there on there would be two answers.
        out.push(Output::Withhold(Some(now + super::peer::STAND_IN)));
        self.next_beat = now;
    }

    /// The node whose speaker is silent or resting while its kernel lives, or has just been started anew, and has this
    /// address; and until when nothing else is to be expected.
    pub(super) fn owner_at_rest(&self, key: IpAddr, now: Instant) -> Option<(NodeName, Instant)> {
        // What somebody else has claimed since is not its any more.
        let highest = self.highest.get(&key).copied().unwrap_or_default();
        let heirs = self.up.iter().filter_map(|name| {
            let (epoch, until) = self.peers.get(name)?.inherits(key, now)?;
            (epoch >= highest).then(|| (name.clone(), until))
        });
        heirs.max_by_key(|(_, until)| *until).or_else(|| {
            let group = self.desired.as_ref()?.groups.get(&key);
            let lost = |name: &NodeName| group.is_some_and(|group| self.cut_off(name, group).is_some());
            let (name, peer) = self.last_owner(key).filter(|(name, _)| !lost(name))?;
            let until = peer.answers_until(now).or_else(|| peer.stood_in_for_until(now))?;
            Some((name.clone(), until))
        })
    }

    /// Whether this node is the one that answers in an owner's place: the first in order, but for those that do not know
    /// that there is anything to answer for. Who was started since the owner was last heard, and never said so, has never
    /// heard of it; whoever was there, or has said so once, and does not say so knows better: it was taken since.
    pub(super) fn is_first_beside(&mut self, owner: &NodeName, group: &Group, now: Instant) -> bool {
        let Some(peer) = self.peers.get(owner) else {
            return false;
        };
        let live = self.live_stand_ins(group);
        let stands = self.standing.get(&group.key) == Some(owner);
        let starts = self.up.contains(owner) && !peer.is_resting();
        if starts && peer.inherits(group.key, now).is_some() {
            // It is among the candidates again, and is the one that is stood in for. It has everything back in a moment:
            // whoever answered until then goes on.
            let first = live.iter().copied().find(|name| *name != owner) == Some(&self.me);
            return stands || first && !self.may_have_missed_another(owner, group, now);
        }
        let (Some(boot), Some(silence)) = (peer.boot(), peer.silent_for(now)) else {
            return false;
        };
        if !stands && live.len() > 1 && self.may_have_missed_another(owner, group, now) {
            return false;
        }
        let last = now - silence;
        let assumed = self.is_assumed_at_rest(boot, now);
        let knows = |name: &NodeName| {
            self.peers.get(name).is_some_and(|peer| {
                let listened = peer.since().is_some_and(|since| since + LISTEN <= last);
                listened || peer.knows_at_rest(boot)
            })
        };
        live.into_iter()
            .find(|name| assumed || **name == self.me || knows(name))
            == Some(&self.me)
    }

    /// Whether somebody may have had the address after this owner, of whom nothing was heard: this node was away itself a
    /// moment ago, and another candidate is silent or is being started, too. Somebody answers for that one. Nor is it said then
    /// that this owner is known to be at rest.
    fn may_have_missed_another(&self, owner: &NodeName, group: &Group, now: Instant) -> bool {
        let was_away = self.returned.is_some_and(|at| now.since(at) < RESUMED_WITHIN);
        let is_well = |name: &NodeName| {
            let was_there = |since| now.since(since) >= RESUMED_WITHIN;
            let peer = self.peers.get(name).filter(|_| self.up.contains(name));
            peer.is_some_and(|peer| {
                peer.is_synced() && !peer.is_resting() && peer.since().is_some_and(was_there)
            })
        };
        // Where no speaker is, none has had it.
        let others = group.order.iter().filter(|name| self.peers.contains_key(*name));
        let mut others = others.filter(|name| *name != owner);
        was_away && others.any(|name| !is_well(name))
    }

    /// Notes a boot that is at rest. Whether all others are taken to know it: for a moment, and where there are more than a
    /// datagram can name.
    fn is_assumed_at_rest(&mut self, boot: [u8; 8], now: Instant) -> bool {
        let fresh = AtRest {
            since: now,
            seen: now,
            now: true,
        };
        let known = self.at_rest.entry(boot).or_insert(fresh);
        (known.seen, known.now) = (now, true);
        let until = known.since + VIEWS;
        if now < until {
            self.look_at(until);
        }
        now < until || self.at_rest.len() > MAX_AT_REST
    }

    /// The boots that somebody has to answer for.
    fn rests(&self) -> BTreeSet<[u8; 8]> {
        let now = self.at_rest.iter().filter(|(_, known)| known.now);
        now.map(|(boot, _)| *boot).collect()
    }

    /// Before all groups are looked at; returns who was at rest until then.
    pub(super) fn begin_rests(&mut self) -> BTreeSet<[u8; 8]> {
        let before = self.rests();
        self.at_rest.values_mut().for_each(|known| known.now = false);
        before
    }

    /// What others do depends on who is known to be at rest here, so that they hear of it at once.
    pub(super) fn end_rests(&mut self, before: &BTreeSet<[u8; 8]>, now: Instant) {
        self.at_rest.retain(|_, known| now.since(known.seen) <= SAME_REST);
        if !self.rests().is_subset(before) {
            self.hasten(now);
        }
    }

    /// Says, with each heartbeat, who is at rest.
    pub(super) fn name_rests(&mut self, out: &mut Vec<Output>) {
        let boots = self.rests();
        if boots.is_empty() {
            return;
        }
        for to in self.others(None) {
            self.send(to, Body::AtRest(boots.clone()), out);
        }
    }

    /// A peer says who is at rest.
    pub(super) fn told_rests(&mut self, by: &NodeName, boots: &BTreeSet<[u8; 8]>) {
        let peer = self.peers.get_mut(by);
        self.dirty |= peer.is_some_and(|peer| peer.name_at_rest(boots));
    }

    /// The first in order answers; the others know that somebody does. Nobody needs to where the owner does so itself.
    pub(super) fn stand_in(
        &mut self,
        key: IpAddr,
        owner: NodeName,
        first: bool,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let answers = self.peers.get(&owner).and_then(|peer| peer.answers_until(now));
        if !first || answers.is_some() {
            return self.stand_down(key, out);
        }
        if self.standing.get(&key) != Some(&owner) {
            self.standing.insert(key, owner.clone());
            out.push(Output::StandIn { key, owner });
        }
    }

    pub(super) fn stand_down(&mut self, key: IpAddr, out: &mut Vec<Output>) {
        if self.standing.remove(&key).is_some() {
            out.push(Output::StandDown { key });
        }
    }

    pub(super) fn stand_down_where(&mut self, which: impl Fn(&Self, IpAddr) -> bool, out: &mut Vec<Output>) {
        let keys = self.standing.keys().copied();
        for key in keys.filter(|key| which(self, *key)).collect::<Vec<_>>() {
            self.stand_down(key, out);
        }
    }

    /// Whether an earlier boot of this speaker had the address, and nobody has claimed it since.
    pub(super) fn resumes(&self, group: &Group) -> bool {
        let seen = self.highest.get(&group.key).copied().unwrap_or_default();
        let former = self.former.get(&group.key);
        former.is_some_and(|epoch| *epoch >= seen) && group.candidates.contains_key(&self.me)
    }

    /// Peers that were started anew learn what they had, until they have it again.
    pub(super) fn tell_former(&mut self, now: Instant, out: &mut Vec<Output>) {
        let peers = self.up.iter().filter_map(|name| self.peers.get(name));
        let former = peers.map(|peer| (self.ways(peer, false), peer.inherited(now).collect::<Vec<_>>()));
        let former: Vec<_> = former.filter(|(_, entries)| !entries.is_empty()).collect();
        let former = former
            .iter()
            .flat_map(|(ways, entries)| ways.values().map(move |to| (*to, entries)));
        for (to, entries) in former {
            for (part, entries) in (0..MAX_PARTS).zip(entries.chunks(CLAIMS_PER_PART)) {
                let part = ClaimsPart {
                    claims: ClaimsVersion::default(),
                    part,
                    parts: MAX_PARTS,
                    entries: entries.to_vec(),
                };
                self.send(to, Body::Former(part), out);
            }
        }
    }

    /// A peer says what an earlier boot of this speaker claimed.
    pub(super) fn had_before(&mut self, part: &ClaimsPart) {
        for (key, epoch) in &part.entries {
            if self.claims.epoch(*key).is_none() {
                let known = self.former.entry(*key).or_default();
                *known = (*known).max(*epoch);
            }
        }
        self.dirty = true;
    }

    /// Asks the silent themselves for an address that they claim: a firewall that drops heartbeats is no reason to answer
    /// in anybody's place, nor to take anything over.
    pub(super) fn ask_the_silent(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.owners_asked.is_some_and(|at| now.since(at) < ASK_OWNERS) {
            return;
        }
        let silent = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.is_late(now) && peer.condemned().is_none() && !peer.is_resting());
        let asked: Vec<Output> = silent
            .filter_map(|(name, peer)| {
                let (key, _) = peer.claims().next()?;
                let owner = name.clone();
                Some(Output::AskOwner { key, owner })
            })
            .collect();
        if !asked.is_empty() {
            self.owners_asked = Some(now);
            out.extend(asked);
        }
    }

    /// The node with this MAC address answered this one's question for an address.
    pub fn owner_answered(&mut self, mac: MacAddr, now: Instant) {
        let has = |peer: &&mut super::Peer| peer.interfaces().iter().any(|interface| interface.mac == mac);
        if let Some(peer) = self.peers.values_mut().find(has) {
            peer.answered_itself(now);
            self.dirty |= !peer.is_up(now);
        }
    }

    /// Tells all others that the kernel of a silent speaker's node lives, with each heartbeat: whoever stands in for it
    /// need not be one of those that watch it.
    pub(super) fn vouch_for_the_silent(&mut self, now: Instant, out: &mut Vec<Output>) {
        let late = self.peers.iter().filter(|(_, peer)| peer.is_late(now));
        let reached = late.filter_map(|(name, _)| self.mention(name, self.reached_on(name, now)?));
        for about in reached.collect::<Vec<_>>() {
            for to in self.others(Some(&about.node)) {
                self.send(to, Body::Contact(about.clone()), out);
            }
        }
    }
}
