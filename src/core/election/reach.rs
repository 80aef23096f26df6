//! Reach: whether the kernel of a node that announces something still answers, whatever its processes do.
//!
//! ```text
//!   ask every 10 ms ──▶ answered ──▶ …                     D: the detection time, 36 ms unless gaps were seen
//!        │ silent for D/2
//!        ▼
//!   suspect: ask it again and again, by ARP too, ask the others whether they hear it, ask the gateway for a sign that
//!        │   our own link works ──▶ any sign of it: as before
//!        │ silent for D, three questions and a last one unanswered, the gateway answers
//!        ▼
//!   gone: told to all speakers; the next in order takes over at once
//! ```
//! Heartbeats tell that a *speaker* is gone and need 350 ms for it, because a process may be late. A kernel answers a
//! ping in its soft interrupt however busy its processors are, so that its silence means more and can be believed
//! sooner. Two speakers watch each owner; which ones follows from a hash, so that no two of them need to agree.
//!
//! **Invariants.** Nobody is judged by who cannot show that its own link works. A verdict ends with the next datagram of
//! the speaker that it was about, and makes D longer.

pub mod detection;
mod path;
mod suspicion;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::IpNet;
use sha2::{Digest, Sha256};

use self::detection::Detection;
use self::path::Path;
use self::suspicion::{Announced, Suspicion};
use super::peer::Condemned;
use super::segment::Sign;
use super::wire::{Body, Mention, WireInterface};
use super::{Election, Output};
use crate::model::{Instant, MacAddr, NodeName, Question};

/// Between two questions to the same kernel.
pub const EVERY: Duration = Duration::from_millis(10);
/// A question that leaves later than this after its time shows that this speaker was late itself.
const ON_TIME: Duration = Duration::from_millis(5);
/// So many watch each owner: one may be the next to die.
const WATCHERS: usize = 2;
/// Answers to a single question are looked for after this; a LAN needs a fraction of it.
const LOOK_AFTER: Duration = Duration::from_millis(2);
/// A verdict that is disproved within this was wrong; later its node has come back.
const WRONG_WITHIN: Duration = Duration::from_secs(10);

/// The bounds of a node's paths among all.
const FIRST_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const LAST_ADDRESS: IpAddr = IpAddr::V6(Ipv6Addr::from_bits(u128::MAX));

/// A question to a peer's kernel, for whoever has the sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// The interface of ours that it leaves by.
    pub mine: WireInterface,
    /// The peer's interface.
    pub theirs: WireInterface,
    /// What is asked.
    pub question: Question,
}

/// What one speaker knows of the kernels of the others.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    id: u16,
    sequence: u16,
    paths: BTreeMap<(NodeName, IpAddr), Path>,
    /// The gaps that were learned of ways that are gone and may return: each link that blinks, ours too, takes its ways
    /// along, and what a blink has taught is for the next one.
    learned: BTreeMap<(NodeName, IpAddr), Detection>,
    next: Option<Instant>,
    look: Option<Instant>,
    suspicion: Option<Suspicion>,
    announced: Vec<Announced>,
}

impl Reach {
    /// `id`: tells this process's questions from those of others on the same node.
    pub(super) const fn new(id: u16) -> Self {
        Self {
            id,
            sequence: 0,
            paths: BTreeMap::new(),
            learned: BTreeMap::new(),
            next: None,
            look: None,
            suspicion: None,
            announced: Vec::new(),
        }
    }

    fn question(&mut self, random: &mut dyn FnMut() -> u64) -> Question {
        self.sequence = self.sequence.wrapping_add(1);
        Question {
            id: self.id,
            sequence: self.sequence,
            token: random(),
        }
    }

    fn of<'a>(&'a self, node: &NodeName) -> impl Iterator<Item = &'a Path> + use<'a> {
        let from = (node.clone(), FIRST_ADDRESS);
        let to = (node.clone(), LAST_ADDRESS);
        self.paths.range(from..=to).map(|(_, path)| path)
    }

    fn of_mut<'a>(&'a mut self, node: &NodeName) -> impl Iterator<Item = &'a mut Path> + use<'a> {
        let from = (node.clone(), FIRST_ADDRESS);
        let to = (node.clone(), LAST_ADDRESS);
        self.paths.range_mut(from..=to).map(|(_, path)| path)
    }

    fn any_watched(&self) -> bool {
        self.paths.values().any(|path| path.watched)
    }

    /// When there is something to ask or to judge.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let suspicion = self.suspicion.as_ref().map(|suspicion| suspicion.next);
        let announced = self.announced.iter().map(|verdict| verdict.due).min();
        [self.next, self.look, suspicion, announced]
            .into_iter()
            .flatten()
            .min()
    }

    fn in_network<'a>(
        &'a mut self,
        node: &NodeName,
        on: IpNet,
    ) -> impl Iterator<Item = &'a mut Path> + use<'a> {
        self.of_mut(node).filter(move |path| path.network() == on)
    }

    /// Ways that are gone, but not what was learned of them.
    fn forget_paths(&mut self, which: impl Fn(&(NodeName, IpAddr), &Path) -> bool, now: Instant) {
        let gone = self.paths.extract_if(.., |key, path| which(key, path));
        self.learned
            .extend(gone.map(|(key, path)| (key, path.detection.gaps())));
        self.learned.retain(|_, detection| detection.matters(now));
    }

    /// The peer is not judged by its silence there until it has answered ten times in a row again.
    fn give_up(&mut self, node: &NodeName, on: IpNet) {
        self.in_network(node, on).for_each(Path::give_up);
    }
}

impl Election {
    /// Which kernels can be asked, and which of them are ours to watch.
    pub(super) fn map_paths(&mut self, now: Instant) {
        let mut wanted: BTreeMap<(NodeName, IpAddr), (WireInterface, WireInterface)> = BTreeMap::new();
        for (name, peer) in &self.peers {
            for theirs in peer.answering() {
                let address = theirs.network.addr();
                let mine = self
                    .interfaces
                    .iter()
                    .find(|mine| mine.network.contains(&address) && mine.network.addr() != address);
                if let Some(mine) = mine {
                    wanted.insert((name.clone(), address), (*mine, theirs));
                }
            }
        }
        self.reach.forget_paths(
            |key, path| wanted.get(key) != Some(&(path.mine, path.theirs)),
            now,
        );
        for (key, (mine, theirs)) in wanted {
            let watched = self.watches(&key.0, theirs, now);
            let learned = self.reach.learned.remove(&key);
            let path = self.reach.paths.entry(key);
            path.or_insert_with(|| Path::new(mine, theirs, learned.unwrap_or_default(), now))
                .watch(watched, now);
        }
        match (self.reach.any_watched(), self.reach.next) {
            (true, None) => self.reach.next = Some(now),
            (false, _) => self.reach.next = None,
            (true, Some(_)) => {}
        }
    }

    /// Whether this node is one of the two that watch a peer on a segment. A peer that announces nothing needs no
    /// watching; one whose speaker is silent is watched for as long as its kernel answers.
    fn watches(&self, owner: &NodeName, theirs: WireInterface, now: Instant) -> bool {
        let Some(peer) = self.peers.get(owner) else {
            return false;
        };
        let answers = self.reach.of(owner).any(|path| path.is_usable(now));
        if peer.claims().next().is_none() || !(peer.is_up(now) || answers) {
            return false;
        }
        let segment = theirs.network.trunc();
        let shares = |name: &NodeName| {
            let interfaces = self.interfaces_of(name).iter();
            interfaces
                .map(|i| i.network.addr())
                .any(|address| segment.contains(&address))
        };
        let others = self
            .up
            .iter()
            .filter(|name| *name != owner && shares(name) && !self.is_gone_from(name, segment));
        let mut ranked: Vec<([u8; 32], &NodeName)> = others
            .chain([&self.me])
            .map(|name| {
                (
                    Sha256::digest(format!("{owner}#{segment}#{name}").as_bytes()).into(),
                    name,
                )
            })
            .collect();
        ranked.sort_unstable();
        ranked.iter().take(WATCHERS).any(|(_, name)| **name == self.me)
    }

    /// Everything that is due. Answers that have arrived must have been handed over before.
    pub(super) fn watch_kernels(
        &mut self,
        now: Instant,
        random: &mut dyn FnMut() -> u64,
        out: &mut Vec<Output>,
    ) {
        self.reach.look = self.reach.look.filter(|at| *at > now);
        self.repeat_verdicts(now, out);
        self.forgive_what_was_late(now);
        self.judge_suspects(now, random, out);
        if let Some(due) = self.reach.next.filter(|due| *due <= now) {
            self.reach.next = Some(if now.since(due) < EVERY {
                due + EVERY
            } else {
                now + EVERY
            });
            // Suspects are asked at a pace of their own.
            for key in self.watched(|path| !path.is_usable(now) || now < path.suspect_at(now)) {
                self.ask_kernel(&key, now, random, out);
            }
        }
        let wanted = self.reach.paths.iter().filter(|(_, path)| path.is_wanted());
        for key in wanted.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.ask_kernel(&key, now, random, out);
            self.reach.look = Some(now + LOOK_AFTER);
        }
    }

    /// A speaker that was late did not ask, and perhaps did not read: it starts anew with everybody.
    fn forgive_what_was_late(&mut self, now: Instant) {
        let suspicion = self.reach.suspicion.as_ref().map(|suspicion| suspicion.next);
        let due = [self.reach.next, suspicion].into_iter().flatten().min();
        if due.is_some_and(|due| now.since(due) > ON_TIME) {
            self.reach.suspicion = None;
            for path in self.reach.paths.values_mut().filter(|path| path.watched) {
                path.late(now);
            }
        }
    }

    fn watched(&self, which: impl Fn(&Path) -> bool) -> Vec<(NodeName, IpAddr)> {
        let paths = self.reach.paths.iter();
        paths
            .filter(|(_, path)| path.watched && which(path))
            .map(|(key, _)| key.clone())
            .collect()
    }

    pub(super) fn ask_kernel(
        &mut self,
        key: &(NodeName, IpAddr),
        now: Instant,
        random: &mut dyn FnMut() -> u64,
        out: &mut Vec<Output>,
    ) {
        let question = self.reach.question(random);
        let Some(path) = self.reach.paths.get_mut(key) else {
            return;
        };
        path.ask(question, now);
        out.push(Output::Probe(Probe {
            mine: path.mine,
            theirs: path.theirs,
            question,
        }));
    }

    /// The number that tells this process's questions from those of others on the node.
    pub fn echo_id(&self) -> u16 {
        self.reach.id
    }

    /// An echo reply arrived, at `arrived` by the kernel's stamp.
    pub fn echo(
        &mut self,
        (address, mac): (IpAddr, MacAddr),
        question: Question,
        arrived: Instant,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let found = self
            .reach
            .paths
            .iter_mut()
            .find(|((_, at), path)| *at == address && path.theirs.mac == mac);
        let Some(((node, _), path)) = found else {
            return;
        };
        let Some(asked) = path.answer(question, arrived, now) else {
            return;
        };
        let (node, on) = (node.clone(), path.network());
        let wanting = path.take_wanting(asked);
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.kernel_seen(arrived.min(now));
        }
        self.sign_of(&node, address, true, now);
        for name in wanting {
            self.say_contact(&name, &node, on, out);
        }
    }

    /// A peer's kernel was heard by ARP. With another MAC address than its speaker gave, its card was changed (a bond's, a
    /// virtual machine's) and the speaker has not told so yet, or somebody else uses its address: that nobody answers at
    /// the old MAC says nothing then, and the heartbeats decide.
    pub fn neighbor(&mut self, address: IpAddr, mac: MacAddr, sign: Sign, now: Instant) {
        let paths = self.reach.paths.iter_mut();
        let mut seen = None;
        for ((node, _), path) in paths.filter(|((_, at), _)| *at == address) {
            if path.theirs.mac == mac {
                path.alive(now);
                if let Some(peer) = self.peers.get_mut(node) {
                    peer.kernel_seen(now);
                }
                seen = Some(node.clone());
            } else {
                path.give_up();
            }
        }
        if let Some(node) = seen.filter(|_| sign == Sign::Answer) {
            self.sign_of(&node, address, true, now);
        }
    }

    /// In which of its networks the kernel of a peer whose speaker may be silent answers, as far as this node can tell.
    pub(super) fn reached_on(&self, node: &NodeName, now: Instant) -> Option<IpNet> {
        let mut paths = self.reach.of(node);
        let reached = paths.find(|path| path.watched && path.is_alive(now))?;
        Some(reached.network())
    }

    /// The detection time of each peer that is watched here and whose silence means something.
    pub fn detection_times(&self, now: Instant) -> BTreeMap<&NodeName, Duration> {
        let mut times: BTreeMap<&NodeName, Duration> = BTreeMap::new();
        for ((node, _), path) in &self.reach.paths {
            if path.watched && path.is_usable(now) {
                let time = times.entry(node).or_default();
                *time = path.detection.time(now).max(*time);
            }
        }
        times
    }

    /// A node that was said to be gone is heard there, by the same process: one that was started anew was gone.
    pub(super) fn disproved(&mut self, node: &NodeName, on: IpNet, condemned: Condemned, now: Instant) {
        let after = now.since(condemned.at);
        self.heard_again.insert((node.clone(), on), now);
        for path in self.reach.in_network(node, on) {
            if after <= WRONG_WITHIN {
                path.detection.disproved(now);
            }
            path.detection.gap(condemned.silence + after, now);
            path.late(now);
        }
    }

    /// Peers whose kernels are silent now: their hosts are asked for by ARP, too.
    pub fn suspects(&self) -> BTreeSet<IpAddr> {
        let suspicion = self.reach.suspicion.iter();
        suspicion
            .flat_map(|suspicion| suspicion.of.iter().map(|(_, address)| *address))
            .collect()
    }

    pub(super) fn say_contact(&mut self, to: &NodeName, about: &NodeName, on: IpNet, out: &mut Vec<Output>) {
        let Some(about) = self.mention(about, on) else {
            return;
        };
        for to in self.ways_to(to) {
            self.send(to, Body::Contact(about.clone()), out);
        }
    }

    /// A node by its name and the start that is known of it, in one of its networks; this one, too.
    pub(super) fn mention(&self, node: &NodeName, on: IpNet) -> Option<Mention> {
        let boot = if *node == self.me {
            self.boot.short()
        } else {
            self.peers.get(node)?.boot()?
        };
        Some(Mention {
            node: node.clone(),
            boot,
            on,
        })
    }
}
