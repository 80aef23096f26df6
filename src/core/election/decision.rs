//! Claims made and given up, each with its reason.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::claim::{Standing, standing};
use super::order::Place;
use super::record::Recorded;
use super::vacancy::Vacancy;
use super::{
    Cause, DOWN_AFTER, Departure, Desired, Election, Group, Output, Peer, RANK_STEP, SYNC_PATIENCE, Serving,
    VERDICT_STEP,
};
use crate::model::time::Spoken;
use crate::model::{Instant, NodeName};

/// Between two looks for a peer that has been heard since an owner fell silent: half a period.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Why this node announces a group, or no longer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// Nobody had it and this node is first in order.
    First {
        /// How many nodes could.
        candidates: usize,
    },
    /// Its owner went silent.
    Silent {
        /// The owner.
        node: NodeName,
        /// For how long.
        after: Duration,
    },
    /// Its owner gave it up.
    GivenUp,
    /// This node had it before its speaker was started anew, and nobody has taken it since.
    Resumed,
    /// Its owner handed it over.
    Offered {
        /// The owner.
        by: NodeName,
        /// Why.
        cause: Cause,
    },
    /// This node handed it over.
    HandedOver {
        /// To which node.
        to: NodeName,
    },
    /// Another node has a better claim.
    Beaten {
        /// The other node.
        by: NodeName,
        /// Its epoch.
        epoch: u64,
    },
    /// Another node that is not heard has a better claim on record in the API.
    Recorded {
        /// The other node.
        by: NodeName,
        /// Its epoch.
        epoch: u64,
    },
    /// The API no longer lets this node announce it.
    NotCandidate,
    /// Nothing wants it announced any more.
    NotWanted,
    /// This node has no interface with carrier for it, and others are there.
    NoCarrier,
    /// The speaker is stopping.
    Leaving,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First { candidates: 1 } => f.write_str("the only candidate"),
            Self::First { candidates } => write!(f, "first of {candidates} candidates"),
            Self::Silent { node, after } => write!(f, "{node} has been silent for {}", Spoken(*after)),
            Self::GivenUp => f.write_str("its owner gave it up"),
            Self::Resumed => f.write_str("this node had it before its speaker was started anew"),
            Self::Offered { by, cause } => write!(f, "{by} handed it over: {cause}"),
            Self::HandedOver { to } => write!(f, "it was handed over to {to}"),
            Self::Beaten { by, epoch } => write!(f, "{by} announces it since epoch {epoch}"),
            Self::Recorded { by, epoch } => write!(
                f,
                "{by} announces it since epoch {epoch} by its ServiceL2Status, and its heartbeats do not arrive: open their UDP port between the nodes"
            ),
            Self::NotCandidate => f.write_str("this node is no candidate any more"),
            Self::NotWanted => f.write_str("no Service has it any more"),
            Self::NoCarrier => f.write_str("no interface with carrier has its subnet"),
            Self::Leaving => f.write_str("the speaker is stopping"),
        }
    }
}

impl Because {
    /// A bounded name for metrics and statuses.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::First { .. } => "FirstInOrder",
            Self::Silent { .. } => "OwnerSilent",
            Self::GivenUp => "OwnerGaveUp",
            Self::Resumed => "Resumed",
            Self::Offered { .. } => "OwnerOffered",
            Self::HandedOver { .. } => "HandedOver",
            Self::Beaten { .. } => "BetterClaim",
            Self::Recorded { .. } => "BetterRecord",
            Self::NotCandidate => "NotCandidate",
            Self::NotWanted => "NotWanted",
            Self::NoCarrier => "NoCarrier",
            Self::Leaving => "Leaving",
        }
    }
}

impl Election {
    /// Looks at every group once.
    pub(super) fn decide(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.recheck = None;
        let Some(desired) = self.desired.clone() else {
            return;
        };
        if let Some(departure) = self.departure {
            if departure == Departure::ForGood {
                self.part_with_claims(&desired, now, out);
            }
            return;
        }
        // Whether or not anything may be claimed now.
        let over = |election: &Self, key| {
            !desired.groups.contains_key(&key)
                || election.rival(key).is_some()
                || election.owner_at_rest(key, now).is_none()
        };
        self.stand_down_where(over, out);
        let unwanted: Vec<IpAddr> = self
            .claims
            .iter()
            .map(|(key, _)| key)
            .filter(|key| !desired.groups.contains_key(key))
            .collect();
        for key in unwanted {
            self.yield_claim(key, Because::NotWanted, out);
        }
        self.vacancies.retain(|key, _| desired.groups.contains_key(key));
        self.highest.retain(|key, _| desired.groups.contains_key(key));
        self.former.retain(|key, _| desired.groups.contains_key(key));
        self.outdone.retain(|key, _| desired.groups.contains_key(key));
        self.offers.retain(|key| desired.groups.contains_key(key));
        let may_claim = self.may_claim(now);
        let before = may_claim.then(|| self.begin_rests());
        for group in desired.groups.values() {
            match self.claims.epoch(group.key) {
                Some(epoch) => self.defend(group, epoch, now, out),
                None if may_claim => self.contend(group, now, out),
                None => {}
            }
        }
        if let Some(before) = before {
            self.end_rests(&before, now);
        }
    }

    /// What a speaker that leaves for good still has goes to others, or is given up.
    pub(super) fn part_with_claims(&mut self, desired: &Desired, now: Instant, out: &mut Vec<Output>) {
        for (key, epoch) in self.claims.iter().collect::<Vec<_>>() {
            match desired.groups.get(&key) {
                Some(group) if self.yields_to_rival(group, self.my_standing(group, epoch), out) => {}
                Some(group) => self.hand_over(group, Cause::Leaving, Because::Leaving, now, out),
                None => self.yield_claim(key, Because::NotWanted, out),
            }
        }
    }

    /// Looks again at this moment, if nothing happens before.
    pub(super) fn look_at(&mut self, at: Instant) {
        self.recheck = Some(self.recheck.map_or(at, |earlier| earlier.min(at)));
    }

    /// Somebody else has a better claim: it is that one's. Whether that is so.
    fn yields_to_rival(&mut self, group: &Group, mine: Standing, out: &mut Vec<Output>) -> bool {
        let rival = self.rival(group.key).filter(|(_, _, theirs)| *theirs < mine);
        let Some((by, epoch)) = rival.map(|(by, epoch, _)| (by.clone(), epoch)) else {
            return false;
        };
        let because = if self.offers.is_open_to(group.key, &by) {
            Because::HandedOver { to: by }
        } else {
            Because::Beaten { by, epoch }
        };
        self.yield_claim(group.key, because, out);
        true
    }

    fn my_standing(&self, group: &Group, epoch: u64) -> Standing {
        standing(epoch, place(&self.me, group))
    }

    /// It is ours: does it stay?
    fn defend(&mut self, group: &Group, epoch: u64, now: Instant, out: &mut Vec<Output>) {
        let mine = self.my_standing(group, epoch);
        if self.yields_to_rival(group, mine, out) {
            return;
        }
        if !group.candidates.contains_key(&self.me) {
            self.hand_over(group, Cause::NotCandidate, Because::NotCandidate, now, out);
        } else if self.has_lost_link(group, now) && self.others_come_first(group) {
            // Of two families it may still have the one.
            self.hand_over(group, Cause::NoLink, Because::NoCarrier, now, out);
        } else {
            match self.compare_with_records(group, mine, now) {
                Recorded::Nothing => self.consider_moving(group, now),
                Recorded::Look(at) => self.look_at(at),
                Recorded::Yield { by, epoch } => {
                    self.yield_claim(group.key, Because::Recorded { by, epoch }, out);
                }
            }
        }
    }

    /// It is not ours: should it be?
    fn contend(&mut self, group: &Group, now: Instant, out: &mut Vec<Output>) {
        let barred = self.rival(group.key).is_some()
            || self.has_conceded(group)
            || self.are_cut_off(group) && self.live_candidates(group).len() > 1;
        // Most groups are others': nothing more of them is looked at.
        let rank = if barred { None } else { self.rank(group) };
        let takes_part = rank.is_some() || !barred && group.stand_ins.contains(&self.me);
        // An owner that may announce it no more is followed: under `Local` nothing is served there.
        if takes_part
            && let Some((owner, until)) = self.owner_at_rest(group.key, now)
            && group.candidates.contains_key(&owner)
        {
            self.vacancies.remove(&group.key);
            self.look_at(until + Duration::from_nanos(1));
            let first = self.is_first_beside(&owner, group, now);
            return self.stand_in(group.key, owner, first, now, out);
        }
        let Some(rank) = rank else {
            self.vacancies.remove(&group.key);
            return self.stand_down(group.key, out);
        };
        let resumes = self.resumes(group);
        let rank = if resumes { 0 } else { rank };
        let condemned = self.last_owner(group.key).and_then(|(name, peer)| {
            let verdict = peer.condemned().or_else(|| self.cut_off(name, group))?;
            Some((name.clone(), verdict.silence))
        });
        let step = if condemned.is_some() {
            VERDICT_STEP
        } else {
            RANK_STEP
        };
        let vacancy = self
            .vacancies
            .entry(group.key)
            .or_insert_with(|| Vacancy::new(now));
        if let Some(turn) = vacancy.turn(rank, step, now) {
            return self.look_at(turn);
        }
        if let Some(until) = self.owner_is_one_way_until(group.key, now) {
            return self.look_at(until);
        }
        let known = self.highest.contains_key(&group.key);
        let because = match self.silent_owner(group.key, now) {
            // Whoever found its node to be gone had a sign that the link works.
            _ if let Some((node, after)) = condemned => Because::Silent { node, after },
            // A peer that is up is heard again soon; other signs are asked for again and again by themselves.
            Some((_, after)) if !self.link_is_witnessed(now - after, now) => {
                return self.look_at(now + LOOK_AGAIN);
            }
            // Silence counts from when we could have heard something.
            Some(_) if now < self.connected + DOWN_AFTER => return self.look_at(self.connected + DOWN_AFTER),
            Some((node, after)) => Because::Silent { node, after },
            None if resumes && self.first_claim_allowed(group, now, out) => Because::Resumed,
            None if resumes => return,
            None if known => Because::GivenUp,
            None if self.first_claim_allowed(group, now, out) => Because::First {
                candidates: self.live_candidates(group).len(),
            },
            None => return,
        };
        self.claim(group.key, because, out);
    }

    /// Nothing is claimed while speakers are still to be heard, or what they claim is not known.
    pub(super) fn may_claim(&mut self, now: Instant) -> bool {
        let unsynced = |name: &&NodeName| self.peers.get(*name).is_some_and(|peer| !peer.is_synced());
        let patience = self
            .up
            .iter()
            .filter(unsynced)
            .filter_map(|name| self.arrived.get(name));
        let patience = patience
            .map(|at| *at + SYNC_PATIENCE)
            .filter(|until| now < *until)
            .max();
        if let Some(until) = patience {
            self.look_at(until);
        }
        // Who was late looks first at what the others have claimed meanwhile.
        let knows = patience.is_none() && self.catching_up.is_none();
        self.listening_until.is_none() && knows && !self.isolation.is_returning()
    }

    /// The first claim of an address that nobody ever claimed: only when nobody answers for it, and, where none of the
    /// speakers that the API lists is heard or one of them has another key, only by the very first node in order, so that
    /// two that cannot hear each other do not both claim it.
    fn first_claim_allowed(&mut self, group: &Group, now: Instant, out: &mut Vec<Output>) -> bool {
        let alone = self.up.is_empty() && self.peers.values().any(|peer| peer.ready);
        let divided = alone || self.missing_have_another_key(now);
        if divided && !self.resumes(group) && !self.is_first_with_a_speaker(group) {
            // Another key is forgotten in silence.
            self.look_at(now + super::OTHER_KEY_FOR + Duration::from_millis(1));
            return false;
        }
        let Some(vacancy) = self.vacancies.get_mut(&group.key) else {
            return false;
        };
        if vacancy.cleared {
            return true;
        }
        match vacancy.blocked_until.filter(|until| now < *until) {
            Some(until) => self.look_at(until),
            None if !vacancy.asked => {
                vacancy.asked = true;
                out.push(Output::Ask { key: group.key });
            }
            None => {}
        }
        false
    }

    /// Whether no candidate before this node has a speaker, ready or not: one that has none claims nothing.
    fn is_first_with_a_speaker(&self, group: &Group) -> bool {
        let has_one = |name: &&NodeName| **name == self.me || self.peers.contains_key(*name);
        group.order.iter().find(has_one) == Some(&self.me)
    }

    pub(super) fn claim(&mut self, key: IpAddr, because: Because, out: &mut Vec<Output>) {
        // Also above what is on record: its owner may be one that is not heard.
        let seen = self.highest.get(&key).copied().max(self.highest_on_record(key));
        let seen = seen.max(self.former.get(&key).copied());
        let epoch = seen.unwrap_or(0) + 1;
        self.highest.insert(key, epoch);
        self.vacancies.remove(&key);
        self.standing.remove(&key);
        self.former.remove(&key);
        self.claims.insert(key, epoch);
        self.claims_changed();
        if matches!(because, Because::First { .. }) {
            self.offers.first_claim(key);
            // Perhaps nothing else happens until then.
            self.look_at(self.offers.cold_start_over());
        }
        out.push(Output::Claimed { key, epoch, because });
    }

    pub(super) fn yield_claim(&mut self, key: IpAddr, because: Because, out: &mut Vec<Output>) {
        if self.claims.remove(key).is_some() {
            self.offers.end(key);
            self.claims_changed();
            out.push(Output::Yielded { key, because });
        }
    }

    fn claims_changed(&mut self) {
        self.version += 1;
        self.claims_changed = true;
        self.announce_claims = super::talk::CLAIMS_REPEATED;
    }

    /// The best claim of a peer that is up.
    pub(super) fn rival(&self, key: IpAddr) -> Option<(&NodeName, u64, Standing)> {
        let group = self.desired.as_ref()?.groups.get(&key)?;
        // Whoever is cut off from an address's network has it no more, for those that are not.
        let up = self.up.iter().filter(|name| !self.is_taken_from(name, group));
        let claims = up.filter_map(|name| {
            let epoch = self
                .peers
                .get(name)
                .filter(|peer| !peer.is_resting())?
                .claim(key)?;
            Some((name, epoch, standing(epoch, place(name, group))))
        });
        claims.min_by_key(|(_, _, standing)| *standing)
    }

    /// The peer that claimed it last.
    pub(super) fn last_owner(&self, key: IpAddr) -> Option<(&NodeName, &Peer)> {
        let highest = self.highest.get(&key)?;
        self.peers
            .iter()
            .find(|(_, peer)| peer.claim(key) == Some(*highest))
    }

    /// Its owner is heard, so it lives; only it does not hear us. Until when that is no reason to take it over.
    fn owner_is_one_way_until(&self, key: IpAddr, now: Instant) -> Option<Instant> {
        let (_, peer) = self.last_owner(key)?;
        peer.given_up_at(now).filter(|_| !peer.is_leaving())
    }

    /// The peer that claimed it last and is not up any more.
    fn silent_owner(&self, key: IpAddr, now: Instant) -> Option<(NodeName, Duration)> {
        let (name, peer) = self.last_owner(key)?;
        let silent = peer
            .silent_for(now)
            .filter(|silent| *silent > DOWN_AFTER && !peer.is_leaving())?;
        Some((name.clone(), silent))
    }

    /// This node's place among the candidates that are up.
    fn rank(&self, group: &Group) -> Option<usize> {
        let live = self.live_candidates(group);
        live.iter().position(|name| **name == self.me)
    }

    /// Candidates that are up, in order. Where some of them have the address's subnet connected, only those; of a group
    /// with both families those that have all its subnets, where there is one.
    pub(super) fn live_candidates<'a>(&self, group: &'a Group) -> Vec<&'a NodeName> {
        let live: Vec<&NodeName> = group.order.iter().filter(|name| self.stays(name)).collect();
        let with = |addresses: &mut dyn FnMut(&&NodeName) -> bool| -> Vec<&NodeName> {
            live.iter().copied().filter(|name| addresses(name)).collect()
        };
        let fullest = with(&mut |name| self.has_links(name, group));
        let connected = with(&mut |name| self.has_link(name, group.key));
        let any = with(&mut |name| self.has_any_link(name));
        let first = [fullest, connected, any]
            .into_iter()
            .find(|names| !names.is_empty());
        let mut live = first.unwrap_or_default();
        // Stable: those whose proxy is not well come last, in their order. They are better than nobody.
        live.sort_by_key(|name| self.serving_of(name) == Serving::Failing);
        live
    }

    /// Those that may answer in an owner's place: the candidates, and after them those on the addresses' network that only lack
    /// an endpoint. A candidate may have been started too lately to know that there is anything to answer for.
    pub(super) fn live_stand_ins<'a>(&self, group: &'a Group) -> Vec<&'a NodeName> {
        let mut live = self.live_candidates(group);
        let others = group.stand_ins.iter().filter(|name| self.stays(name));
        let others: Vec<&NodeName> = others.filter(|name| self.has_links(name, group)).collect();
        if !others.is_empty() {
            live.retain(|name| self.has_links(name, group));
            live.extend(others);
        }
        live
    }

    /// Whether a node's speaker is heard, and says neither that it leaves nor that it rests.
    fn stays(&self, name: &NodeName) -> bool {
        let peer = self.peers.get(name);
        let present = *name == self.me || self.up.contains(name);
        present && peer.is_none_or(|peer| !peer.is_leaving() && !peer.is_resting())
    }

    fn serving_of(&self, node: &NodeName) -> Serving {
        if *node == self.me {
            self.serving
        } else {
            self.peers.get(node).map(Peer::serving).unwrap_or_default()
        }
    }

    /// Whether others can announce it and this node cannot. Where nobody has its subnet all can: whoever gave it up for
    /// want of a link would be the next to claim it.
    fn others_come_first(&self, group: &Group) -> bool {
        let live = self.live_candidates(group);
        !live.is_empty() && !live.contains(&&self.me)
    }
}

/// A node's place among claims of one epoch. Without the weight: two speakers with different views of the API would each
/// find its own claim the better one, and both answer for as long as these differ. Weights move an address by an offer.
pub(super) fn place(node: &NodeName, group: &Group) -> Place {
    Place::of(node, group.key, 0)
}
