//! From the first silence of a kernel to the verdict: who is asked meanwhile, and what speaks against it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::path::{ANSWERED_WITHIN, LAST_CALL, Path};
use crate::election::row::Row;
use crate::election::wire::{Body, Mention, Verdict};
use crate::election::{CONTACT, DOWN_AFTER, Election, Output, Peer};
use crate::model::{Instant, NodeName};

/// Between two rounds of questions about a suspect.
const ROUND: Duration = Duration::from_millis(5);
/// The last rounds leave this long before the verdict.
const LAST_CALLS: [Duration; 2] = [Duration::from_millis(2), LAST_CALL];
/// Signs of our own link must have come over at least this time: whoever answers two rounds while the suspect answers
/// none shows more than a link that is just back.
const WITNESSED: Duration = Duration::from_millis(4);
/// The last of them is no older than this.
const WITNESS_FRESH: Duration = Duration::from_millis(10);
/// A verdict is told so many times, so far apart: a lost datagram must not cost a heartbeat's time.
const TOLD: u8 = 3;
const TOLD_EVERY: Duration = Duration::from_millis(2);
/// Peers that are asked about a suspect.
const ASKED: usize = 8;

/// Silent kernels.
#[derive(Debug, Clone)]
pub(in crate::election) struct Suspicion {
    /// Which paths.
    pub(super) of: BTreeSet<(NodeName, IpAddr)>,
    /// When to look again.
    pub(super) next: Instant,
    /// By network of theirs, signs that our own link to it works, since it began.
    signs: BTreeMap<IpNet, Row>,
}

/// A verdict that is still to be repeated.
#[derive(Debug, Clone)]
pub(super) struct Announced {
    pub(super) due: Instant,
    left: u8,
    verdict: Verdict,
}

impl Election {
    /// Asks about who is silent, and judges.
    pub(super) fn judge_suspects(
        &mut self,
        now: Instant,
        random: &mut dyn FnMut() -> u64,
        out: &mut Vec<Output>,
    ) {
        for key in self.watched(|path| path.is_usable(now) && path.silence(now) > DOWN_AFTER) {
            // Nothing showed that it is not our own link. From here on the heartbeats decide.
            self.give_up_way(&key);
        }
        let silent = self.watched(|path| path.is_usable(now) && path.suspect_at(now) <= now);
        if silent.is_empty() {
            self.reach.suspicion = None;
            return;
        }
        self.condemn_the_gone(now, out);
        let silent: BTreeSet<_> = silent
            .into_iter()
            .filter(|(node, address)| {
                let network = self.reach.paths.get(&(node.clone(), *address)).map(Path::network);
                network.is_some_and(|network| !self.is_gone_from(node, network))
            })
            .collect();
        let before = self.reach.suspicion.take();
        if silent.is_empty() {
            return;
        }
        let (next, signs) = before.map_or((now, BTreeMap::new()), |before| (before.next, before.signs));
        let due = next <= now;
        self.reach.suspicion = Some(Suspicion {
            next: if due { self.next_round(&silent, now) } else { next },
            signs,
            of: silent.clone(),
        });
        if due {
            self.ask_about(&silent, now, random, out);
        }
    }

    /// The next round, or the moment of the verdict.
    fn next_round(&self, silent: &BTreeSet<(NodeName, IpAddr)>, now: Instant) -> Instant {
        let paths = silent.iter().filter_map(|key| self.reach.paths.get(key));
        let moments = paths.flat_map(|path| {
            let gone = path.gone_at(now);
            // Whoever slept through the last call makes it now.
            let over = path.last_call_over(now).unwrap_or(now + ANSWERED_WITHIN);
            let before = LAST_CALLS.map(|before| gone - before);
            before.into_iter().chain([gone, over.max(gone)])
        });
        moments
            .filter(|moment| *moment > now)
            .fold(now + ROUND, Instant::min)
    }

    fn ask_about(
        &mut self,
        silent: &BTreeSet<(NodeName, IpAddr)>,
        now: Instant,
        random: &mut dyn FnMut() -> u64,
        out: &mut Vec<Output>,
    ) {
        let places = silent
            .iter()
            .filter_map(|key| Some((key.0.clone(), self.reach.paths.get(key)?.network())));
        let places: BTreeSet<(NodeName, IpNet)> = places.collect();
        for key in self.watched(|_| true) {
            let network = self.reach.paths.get(&key).map(Path::network);
            if network.is_some_and(|network| places.contains(&(key.0.clone(), network))) {
                self.ask_kernel(&key, now, random, out);
            }
        }
        out.push(Output::AskLink);
        for (node, network) in places {
            let Some(about) = self.mention(&node, network) else {
                continue;
            };
            let others = self.up.iter().filter(|name| **name != node).take(ASKED);
            for to in others.flat_map(|name| self.ways_to(name)).collect::<Vec<_>>() {
                self.send(to, Body::Poll(about.clone()), out);
            }
            self.ask_itself(&node, network, out);
        }
    }

    fn give_up_way(&mut self, key: &(NodeName, IpAddr)) {
        if let Some(network) = self.reach.paths.get(key).map(Path::network) {
            self.reach.give_up(&key.0, network);
            self.dirty = true;
        }
    }

    fn condemn_the_gone(&mut self, now: Instant, out: &mut Vec<Output>) {
        let signs = self.reach.suspicion.as_ref().map(|suspicion| &suspicion.signs);
        let works = |network: &IpNet| {
            let row = signs.and_then(|signs| signs.get(network));
            row.is_some_and(|row| row.length() >= WITNESSED && row.is_fresh(WITNESS_FRESH, now))
        };
        let gone = self.watched(|path| path.is_usable(now) && path.is_gone(now) && works(&path.network()));
        let gone = gone.into_iter().filter_map(|key| {
            let network = self.reach.paths.get(&key)?.network();
            Some((key.0, network))
        });
        for (node, network) in gone.collect::<BTreeSet<_>>() {
            self.condemn(&node, network, now);
        }
        self.repeat_verdicts(now, out);
    }

    /// Unless one way to it in that network still answers.
    fn condemn(&mut self, node: &NodeName, network: IpNet, now: Instant) {
        let alive = |path: &Path| path.watched && path.is_usable(now) && !path.is_gone(now);
        let there = || self.reach.of(node).filter(|path| path.network() == network);
        if there().any(alive) {
            return;
        }
        let silence = there().map(|path| path.silence(now)).min();
        self.condemn_on(node, network, silence.unwrap_or_default(), now);
    }

    /// Takes a peer's node for gone from one of its networks, and tells all others.
    pub(in crate::election) fn condemn_on(
        &mut self,
        node: &NodeName,
        on: IpNet,
        silence: Duration,
        now: Instant,
    ) {
        let Some(about) = self.mention(node, on) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(node) else {
            return;
        };
        if peer.condemn(on, about.boot, silence, now) {
            self.reach.give_up(node, on);
            self.dirty = true;
            self.reach.announced.push(Announced {
                due: now,
                left: TOLD,
                verdict: Verdict { about, silence },
            });
        }
    }

    pub(super) fn repeat_verdicts(&mut self, now: Instant, out: &mut Vec<Output>) {
        let mut due = Vec::new();
        for announced in &mut self.reach.announced {
            if announced.due <= now {
                announced.due = now + TOLD_EVERY;
                announced.left -= 1;
                due.push(announced.verdict.clone());
            }
        }
        self.reach.announced.retain(|announced| announced.left > 0);
        for verdict in due {
            for to in self.others(Some(&verdict.about.node)) {
                self.send(to, Body::Gone(verdict.clone()), out);
            }
        }
    }

    /// Something on the LAN that is no node of ours was heard.
    pub(in crate::election) fn note_sign(&mut self, near: &[IpNet], now: Instant) {
        let Some(suspicion) = &mut self.reach.suspicion else {
            return;
        };
        let here = |address: &IpAddr| near.iter().any(|network| network.contains(address));
        for key in suspicion.of.iter().filter(|(_, address)| here(address)) {
            if let Some(path) = self.reach.paths.get(key) {
                let network = path.network();
                let before = suspicion.signs.get(&network).copied();
                suspicion
                    .signs
                    .insert(network, Row::after(before, Duration::MAX, now));
            }
        }
    }

    /// A peer asks whether this node hears another one.
    pub(in crate::election) fn polled(
        &mut self,
        by: &NodeName,
        about: &Mention,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        if about.node == self.me {
            return self.asked_ourselves(by, about, now, out);
        }
        let paths = self.reach.in_network(&about.node, about.on);
        paths.for_each(|path| path.want(by.clone(), now));
        self.reach.look = Some(now);
    }

    /// A peer has heard another one just now.
    pub(in crate::election) fn contact(&mut self, about: &Mention, now: Instant) {
        let known = self.peers.get(&about.node).and_then(Peer::boot);
        if known == Some(about.boot) {
            let paths = self.reach.in_network(&about.node, about.on);
            paths.for_each(|path| path.alive(now));
            if let Some(peer) = self.peers.get_mut(&about.node) {
                peer.kernel_seen(now);
            }
            self.vouched(&about.node, about.on, now);
        }
    }

    /// A peer says that another one is gone.
    pub(in crate::election) fn told_gone(
        &mut self,
        by: &NodeName,
        verdict: &Verdict,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let node = &verdict.about.node;
        if *node == self.me {
            // That is for our next heartbeat to disprove.
            return self.hasten(now);
        }
        let on = verdict.about.on;
        let answers = |path: &Path| path.network() == on && path.watched && path.is_alive(now);
        // A verdict of the slow kind against what this node hears itself.
        let heard = |network| self.peers.get(node).and_then(|peer| peer.answered_on(network));
        let lately = heard(on).is_some_and(|at| now.since(at) <= CONTACT);
        if self.reach.of(node).any(answers) || verdict.silence > DOWN_AFTER && lately {
            return self.say_contact(by, node, on, out);
        }
        if let Some(peer) = self.peers.get_mut(node)
            && peer.condemn(on, verdict.about.boot, verdict.silence, now)
        {
            self.reach.give_up(node, on);
            self.dirty = true;
        }
    }
}
