//! Judges a segment after every event: who answers for an address, for how long two do or nobody does, and why it moves.
//!
//! It is fed with what can be seen from outside (who answers, what faults there are, what is claimed and the reason given)
//! and knows nothing of the elections themselves. Four rules:
//!
//! 1. Of nodes that hear each other at most one answers, but for as long as it takes to find out.
//! 2. Where a node could answer, somebody does again within a time that follows from the rules.
//! 3. An address moves for a reason that a fault explains.
//! 4. After a fault it moves a few times at most: it does not go to and fro.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::super::*;
use super::segment::index;

/// A set of nodes: one bit for each.
pub(super) type Nodes = u64;

/// What faults leave of a segment. It changes by them alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Scene {
    /// By node, those that hear it and that it hears, every word.
    pub(super) hears: Vec<Nodes>,
    /// Those with a link to the gateway, or whose part of a LAN that fell in two stays as it is: whom they answer for is served.
    pub(super) linked: Nodes,
    /// Those that something keeps from being heard, now and then at least.
    pub(super) ailing: Nodes,
    /// Those whose kernel answers no ping, by a firewall.
    pub(super) unpingable: Nodes,
    /// Those that could answer for anything: nothing ails them, and they know what the API wants.
    pub(super) able: Nodes,
    /// By address, those that the API lets have it.
    pub(super) candidates: BTreeMap<IpAddr, Nodes>,
    /// By address, the first of them in order.
    pub(super) first: BTreeMap<IpAddr, Nodes>,
    /// By node, how often it was started.
    pub(super) starts: Vec<u8>,
}

impl Scene {
    /// Nothing is the matter with anybody.
    fn is_sound(&self) -> bool {
        let all = all(self.hears.len());
        self.able == all && self.candidates.values().all(|nodes| *nodes == all)
    }

    /// Nodes that could answer, all of which hear each other.
    fn together(&self) -> Nodes {
        let apart = |node: usize| self.able & !self.hears[node] & !bit(node) != 0;
        let torn = bits(self.able).any(apart);
        if torn { 0 } else { self.able }
    }
}

/// Who answers for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) key: IpAddr,
    pub(super) nodes: Nodes,
    /// Those of them that stand in and have not heard what the API wants by now. Two with different views of it may each be
    /// the first in order, and both stand in for a silent speaker, with the MAC address of its node: nobody says that it
    /// stands in, and so neither learns of the other. Where one of them claims the address the other does.
    pub(super) misled: Nodes,
}

/// How long what may take how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Two nodes that hear each other both answer, after one fault in a segment where all was well and nothing gets lost.
    pub(super) overlap_of_one_fault: Duration,
    /// The same after whatever happened before the last fault.
    pub(super) overlap: Duration,
    /// Nobody answers, after one fault in a segment where all was well.
    pub(super) one_fault: Duration,
    /// Nobody answers for what was somebody's, after whatever happened before the last fault.
    pub(super) any_faults: Duration,
    /// The same of what may have to be claimed for the first time.
    pub(super) first_claim: Duration,
}

/// So long must all have been well for one fault to be the only one: what came before is settled by then.
const WELL_FOR: Duration = Duration::from_secs(3);

impl Bounds {
    /// What follows from the rules, for so many nodes.
    pub(super) fn of(nodes: usize) -> Self {
        let beat = PERIOD + PERIOD_JITTER;
        let ranks = RANK_STEP * u32::try_from(nodes).unwrap();
        // A silent owner is missed, one that is heard and does not hear is given its time, a newcomer's claims are waited for,
        // and everybody in order may have to be passed over.
        let followed = DOWN_AFTER + ONE_WAY + SYNC_PATIENCE + ranks + 2 * beat;
        Self {
            // The new owner's claim is on its way to the old one, a millisecond at most here, and is read.
            overlap_of_one_fault: Duration::from_millis(5),
            // A few heartbeats: one that brings two nodes together, one that says that the claims are others, one that was
            // lost, each with its echo.
            overlap: 5 * beat + Duration::from_millis(50),
            // Slowest of all is a port on one of two segments where no path is usable: four questions, one with each
            // heartbeat, the first after one and a half of them, and one more for whoever hears of it last. A speaker's
            // silence (350 ms, and a heartbeat by which two notice it apart) and what a witness takes (220 ms from its
            // beginning) are shorter, and so is an offer that nobody takes (100 ms).
            one_fault: Duration::from_millis(150) + 6 * beat,
            any_faults: followed,
            // Whoever was just started listens. Then its question may be answered by somebody who has ceased since, and is
            // asked again.
            first_claim: followed + LISTEN + BLOCKED_AGAIN,
        }
    }
}

/// After a fault an address may go to whoever acts first, from there to whoever knows better, and so on: so often.
const MOVES: u32 = 4;
/// A word that came before the fault counts a little longer.
const SLACK: Duration = Duration::from_secs(2);
/// A claim that was made so lately is still on its way to the others.
const UNDER_WAY: Duration = Duration::from_millis(2);
/// What is under way when a fault ends is over by then: a blocked first claim is the slowest.
const SETTLED: Duration = Duration::from_secs(8);
/// A speaker that was started anew has taken up by then what it had.
const TAKEN_UP: Duration = Duration::from_secs(8);
/// Under loss, or with speakers that are late, one more move is nobody's fault in so much time.
const NOISE_MOVES: Duration = Duration::from_secs(2);
/// What has been answered for so long is known to all that hear it.
const KNOWN_AFTER: Duration = Duration::from_secs(1);

/// One address, as far as it has been watched.
#[derive(Debug, Clone, Default)]
struct Address {
    /// Since when two answer.
    doubled: Option<Instant>,
    /// Since when nobody answers whom the gateway hears.
    unserved: Option<Instant>,
    /// Since when the same ones answer.
    answered: Option<(Nodes, Instant)>,
    /// Who claimed it last, and when.
    owner: Option<(usize, Instant)>,
    /// It was claimed for the first time then: once a cold start is over it goes to the first in order.
    provisional: bool,
    /// Somebody gave it up since.
    given_up: bool,
    /// How often it has gone to another node since the last fault.
    moves: u32,
    /// Those that know that it is somebody's.
    known: Nodes,
}

/// How a segment had been for a while when a fault came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Before {
    /// Something was the matter.
    Ailing,
    /// Nothing was, though not all heard each other.
    Well,
    /// Nothing at all.
    Whole,
}

/// Watches one segment.
#[derive(Debug, Clone)]
pub(super) struct Judge {
    bounds: Bounds,
    /// Whether something asks for planned moves.
    planned: bool,
    scene: Scene,
    /// The last fault, and how it had been before.
    fault: Instant,
    before: Before,
    /// When the segment last lost something, or speakers were late.
    noise: Option<Instant>,
    noisy: bool,
    noise_since_fault: Duration,
    /// By node, until when it was ailing, and when it was started.
    ailed: Vec<Option<Instant>>,
    started: Vec<Instant>,
    /// By pair, until when they did not hear each other.
    parted: BTreeMap<(usize, usize), Instant>,
    addresses: BTreeMap<IpAddr, Address>,
    last: Instant,
    overlaps: Overlaps,
    broken: Option<String>,
}

/// For how long, at most, two nodes that hear each other have answered for one address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Overlaps {
    /// After one fault in a segment where all was well, while nothing gets lost.
    pub(super) one_fault: Duration,
    /// Otherwise.
    pub(super) any_faults: Duration,
}

impl Overlaps {
    /// The longer ones of both.
    pub(super) fn extend(&mut self, other: Self) {
        self.one_fault = self.one_fault.max(other.one_fault);
        self.any_faults = self.any_faults.max(other.any_faults);
    }
}

fn bit(node: usize) -> Nodes {
    1 << node
}

fn all(nodes: usize) -> Nodes {
    bit(nodes) - 1
}

fn bits(nodes: Nodes) -> impl Iterator<Item = usize> {
    (0..64).filter(move |node| nodes & bit(*node) != 0)
}

impl Judge {
    pub(super) fn new(bounds: Bounds, planned: bool, scene: Scene, now: Instant) -> Self {
        let nodes = scene.hears.len();
        Self {
            bounds,
            planned,
            scene,
            fault: now,
            before: Before::Ailing,
            noise: None,
            noisy: false,
            noise_since_fault: Duration::ZERO,
            ailed: vec![None; nodes],
            started: vec![now; nodes],
            parted: BTreeMap::new(),
            addresses: BTreeMap::new(),
            last: now,
            overlaps: Overlaps::default(),
            broken: None,
        }
    }

    /// The first rule that was broken.
    pub(super) fn verdict(&self) -> Result<(), String> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// What was seen of it.
    pub(super) const fn overlaps(&self) -> Overlaps {
        self.overlaps
    }

    /// Something happens now.
    pub(super) fn fault(&mut self, now: Instant) {
        let quiet = self.noise.is_none_or(|at| now.since(at) >= WELL_FOR);
        let was_well = self.scene.is_sound() && quiet && now.since(self.fault) >= WELL_FOR;
        // What has been without an answer before is not this fault's.
        let answered = self.addresses.values().all(|address| address.unserved.is_none());
        self.before = if !was_well || !answered {
            Before::Ailing
        } else if self.scene.together() == all(self.scene.hears.len()) {
            Before::Whole
        } else {
            Before::Well
        };
        self.fault = now;
        self.noise_since_fault = Duration::ZERO;
        for address in self.addresses.values_mut() {
            address.moves = 0;
        }
    }

    /// This is what is left of the segment from now on.
    pub(super) fn see(&mut self, scene: Scene, now: Instant) {
        if scene == self.scene {
            return;
        }
        if self.fault != now {
            self.fault(now);
        }
        let nodes = scene.hears.len();
        for node in bits(self.scene.ailing | scene.ailing) {
            self.ailed[node] = Some(now);
        }
        // A kernel that has just ceased to answer pings looks dead, for two seconds, to a watcher that cannot reach it by ARP
        // either: those that it asks ask by ping alone.
        for node in bits(scene.unpingable & !self.scene.unpingable) {
            self.ailed[node] = Some(now);
        }
        for a in 0..nodes {
            for b in bits(all(nodes) & !(self.scene.hears[a] & scene.hears[a])) {
                self.parted.insert((a, b), now);
            }
            if scene.starts[a] != self.scene.starts[a] {
                self.started[a] = now;
                for address in self.addresses.values_mut() {
                    address.known &= !bit(a);
                }
            }
        }
        self.scene = scene;
    }

    /// Whether a node was ailing, or was started, since then.
    fn has_ailed_since(&self, node: usize, since: Instant) -> bool {
        let ailing = self.scene.ailing & bit(node) != 0;
        ailing || self.ailed[node].is_some_and(|at| at >= since) || self.started[node] >= since
    }

    fn were_parted_since(&self, a: usize, b: usize, since: Instant) -> bool {
        let parted = self.scene.hears[a] & bit(b) == 0;
        parted || self.parted.get(&(a, b)).is_some_and(|at| *at >= since)
    }

    fn was_noisy_since(&self, since: Instant) -> bool {
        self.noisy || self.noise.is_some_and(|at| at >= since)
    }

    fn breaks(&mut self, what: impl FnOnce() -> String) {
        if self.broken.is_none() {
            let what = what();
            let now = self.last.since_start();
            self.broken = Some(format!("at {now:?}: {what}"));
        }
    }

    /// What a node claims or gives up.
    pub(super) fn moved(&mut self, node: usize, key: IpAddr, claims: bool, because: &Because, now: Instant) {
        self.last = now;
        if !claims {
            if matches!(because, Because::Recorded { .. }) {
                self.breaks(|| format!("node {node} gives {key} up to a record, and there are none"));
            }
            self.addresses.entry(key).or_default().given_up = true;
            return;
        }
        if let Err(why) = self.explains(node, key, because, now) {
            let ago = now.since(self.fault);
            self.breaks(|| {
                format!("{key} moves to node {node} without a cause ({because}): {why}; the last fault was {ago:?} ago")
            });
        }
        let noise = self.noise_since_fault.as_millis() / NOISE_MOVES.as_millis();
        let allowed = MOVES + u32::try_from(noise).unwrap();
        let address = self.addresses.entry(key).or_default();
        let another = address.owner.is_some_and(|(owner, _)| owner != node);
        address.moves += u32::from(another);
        address.owner = Some((node, now));
        address.provisional = matches!(because, Because::First { .. });
        address.given_up = false;
        let moves = address.moves;
        if moves > allowed {
            self.breaks(|| format!("{key} goes to and fro: {moves} moves since the last fault"));
        }
    }

    /// Rule 3.
    fn explains(&self, node: usize, key: IpAddr, because: &Because, now: Instant) -> Result<(), String> {
        let address = self.addresses.get(&key);
        let since_fault = now.since(self.fault);
        let provisional = address.is_some_and(|address| address.provisional);
        let asked_for = match because {
            Because::Offered {
                cause: Cause::Order, ..
            } => self.planned || provisional,
            Because::Offered { .. } => self.planned,
            _ => false,
        };
        let calm = self.scene.is_sound() && !self.was_noisy_since(now - SETTLED);
        if calm && since_fault > SETTLED && !asked_for {
            return Err("all has been well for long".into());
        }
        let so = match because {
            Because::Silent { node: owner, after } => {
                let (owner, since) = (index(owner), now - *after - SLACK);
                self.has_ailed_since(owner, since)
                    || self.were_parted_since(node, owner, since)
                    || self.was_noisy_since(since)
            }
            Because::GivenUp => address.is_none_or(|address| {
                let owner = address.owner;
                address.given_up
                    || owner.is_none_or(|(owner, since)| {
                        // Two may take the same moment for theirs, when what the API wants changes twice in it.
                        now.since(since) <= UNDER_WAY
                            || self.has_ailed_since(owner, since)
                            || self.were_parted_since(node, owner, since)
                    })
                    || self.was_noisy_since(now - SLACK)
            }),
            Because::First { .. } => self.is_free_for(node, key, now),
            // Whoever stands in for it answers until it is back.
            Because::Resumed => {
                let its = address.and_then(|address| address.owner);
                let taken = its.is_none_or(|(owner, _)| owner != node) && !self.is_free_for(node, key, now);
                now.since(self.started[node]) <= TAKEN_UP && !taken
            }
            Because::Offered {
                cause: Cause::Preferred | Cause::Order,
                ..
            } => asked_for,
            Because::Offered { .. } => since_fault <= SLACK || self.was_noisy_since(now - SLACK),
            _ => false,
        };
        if so {
            Ok(())
        } else {
            Err("nothing explains it".into())
        }
    }

    /// Who is heard and answers is not passed over, unless it began to while the question was under way.
    fn is_free_for(&self, node: usize, key: IpAddr, now: Instant) -> bool {
        let heard = self.scene.hears[node] & !bit(node);
        let long = |(nodes, since): (Nodes, Instant)| nodes & heard != 0 && now.since(since) > KNOWN_AFTER;
        let address = self.addresses.get(&key);
        let is_taken = address.and_then(|address| address.answered).is_some_and(long);
        !is_taken || self.was_noisy_since(now - SLACK) || now.since(self.fault) < KNOWN_AFTER
    }

    /// Who answers now: an event is over. `noisy`: the segment loses something, or speakers are late.
    pub(super) fn look(&mut self, answers: &[Answers], noisy: bool, now: Instant) {
        if self.noisy || noisy {
            self.noise = Some(now);
            self.noise_since_fault += now.since(self.last);
        }
        self.noisy = noisy;
        self.last = now;
        for answers in answers {
            self.look_at_answers(*answers, now);
            self.look_at_silence(answers.key, answers.nodes, now);
        }
    }

    /// Rule 1.
    fn look_at_answers(&mut self, Answers { key, nodes, misled }: Answers, now: Instant) {
        let sure = nodes & !misled;
        let double = bits(sure).any(|node| self.scene.hears[node] & sure & !bit(node) != 0);
        let address = self.addresses.entry(key).or_default();
        if address.answered.is_none_or(|(before, _)| before != nodes) {
            address.answered = Some((nodes, now));
        }
        if let Some((nodes, since)) = address.answered
            && now.since(since.max(self.fault)) >= KNOWN_AFTER
        {
            for node in bits(nodes) {
                address.known |= bit(node) | self.scene.hears[node] & self.scene.able;
            }
        }
        let since = double.then(|| address.doubled.unwrap_or(now));
        address.doubled = since;
        let whole = self.before == Before::Whole && !self.was_noisy_since(self.fault);
        let of_one_fault = whole && since.is_some_and(|since| since >= self.fault);
        let (longest, bound) = if of_one_fault {
            (&mut self.overlaps.one_fault, self.bounds.overlap_of_one_fault)
        } else {
            (&mut self.overlaps.any_faults, self.bounds.overlap)
        };
        if let Some(since) = since {
            *longest = now.since(since).max(*longest);
        }
        let long = since.filter(|since| now.since(*since) > bound);
        if let Some(since) = long {
            let who: Vec<usize> = bits(nodes).collect();
            self.breaks(|| {
                format!(
                    "{who:?} hear each other and answer for {key} since {:?}",
                    now.since(since)
                )
            });
        }
    }

    /// Rule 2.
    fn look_at_silence(&mut self, key: IpAddr, nodes: Nodes, now: Instant) {
        let served = nodes & self.scene.linked != 0;
        let address = self.addresses.entry(key).or_default();
        let since = (!served).then(|| address.unserved.unwrap_or(now));
        address.unserved = since;
        let Some(since) = since else { return };
        let candidates = self.scene.candidates.get(&key).copied().unwrap_or_default();
        let together = self.scene.together();
        let could = together & candidates;
        // Who is alone and has never heard of it leaves it to the first in order: others may have it where they are.
        let first = self.scene.first.get(&key).copied().unwrap_or_default();
        let known = address.known;
        let alone = together.is_power_of_two();
        if could == 0 || alone && could & (known | first) == 0 {
            return;
        }
        let quiet = self.noise.map_or(self.fault, |at| at.max(self.fault));
        let (from, bound) = if self.before >= Before::Well && !self.was_noisy_since(self.fault) {
            (since, self.bounds.one_fault)
        } else if could & !known == 0 {
            (since.max(quiet), self.bounds.any_faults)
        } else {
            (since.max(quiet), self.bounds.first_claim)
        };
        if now.since(from) > bound {
            self.breaks(|| format!("nobody answers for {key} since {:?}", now.since(since)));
        }
    }
}

mod broken;
