//! From the first silence of a kernel to the verdict: who is asked meanwhile, and what speaks against it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::path::Path;
use crate::election::wire::{Body, Mention, Verdict};
use crate::election::{DOWN_AFTER, Election, Output, Peer};
use crate::model::{Instant, NodeName};

/// Between two rounds of questions about a suspect.
const ROUND: Duration = Duration::from_millis(5);
/// The last rounds leave this long before the verdict: the second one for a link that is just back, which answers within
/// a fraction of it.
const LAST_CALLS: [Duration; 2] = [Duration::from_millis(2), Duration::from_micros(700)];
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
    /// The first and the last sign that our own link works, since it began.
    signs: Option<(Instant, Instant)>,
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
            self.reach.give_up(&key.0);
            self.dirty = true;
        }
        let silent = self.watched(|path| path.is_usable(now) && path.suspect_at(now) <= now);
        if silent.is_empty() {
            self.reach.suspicion = None;
            return;
        }
        self.condemn_the_gone(now, out);
        let silent: BTreeSet<_> = silent
            .into_iter()
            .filter(|(node, _)| {
                self.peers
                    .get(node)
                    .is_some_and(|peer| peer.condemned().is_none())
            })
            .collect();
        let before = self.reach.suspicion.take();
        if silent.is_empty() {
            return;
        }
        let (next, signs) = before.map_or((now, None), |before| (before.next, before.signs));
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
            LAST_CALLS.map(|before| gone - before).into_iter().chain([gone])
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
        let nodes: BTreeSet<&NodeName> = silent.iter().map(|(node, _)| node).collect();
        for key in self.watched(|_| true) {
            if nodes.contains(&key.0) {
                self.ask_kernel(&key, now, random, out);
            }
        }
        out.push(Output::AskLink);
        for node in nodes {
            let Some(about) = self.mention(node) else {
                continue;
            };
            for to in self.others(Some(node)).into_iter().take(ASKED) {
                self.send(to, Body::Poll(about.clone()), out);
            }
        }
    }

    fn condemn_the_gone(&mut self, now: Instant, out: &mut Vec<Output>) {
        let signs = self.reach.suspicion.as_ref().and_then(|s| s.signs);
        let witnessed = signs
            .is_some_and(|(first, last)| last.since(first) >= WITNESSED && now.since(last) <= WITNESS_FRESH);
        if !witnessed {
            return;
        }
        let nodes: BTreeSet<NodeName> = self
            .watched(|path| path.is_usable(now) && path.is_gone(now))
            .into_iter()
            .map(|(node, _)| node)
            .collect();
        for node in nodes {
            self.condemn(&node, now);
        }
        self.repeat_verdicts(now, out);
    }

    /// Unless one way to it still answers.
    fn condemn(&mut self, node: &NodeName, now: Instant) {
        let alive = |path: &Path| path.watched && path.is_usable(now) && !path.is_gone(now);
        if self.reach.of(node).any(alive) {
            return;
        }
        let silence = self.reach.of(node).map(|path| path.silence(now)).min();
        let silence = silence.unwrap_or_default();
        let Some(about) = self.mention(node) else { return };
        let Some(peer) = self.peers.get_mut(node) else {
            return;
        };
        if peer.condemn(about.boot, silence, now) {
            self.reach.give_up(node);
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
        if let Some(suspicion) = &mut self.reach.suspicion
            && suspicion
                .of
                .iter()
                .any(|(_, address)| near.iter().any(|network| network.contains(address)))
        {
            let first = suspicion.signs.map_or(now, |(first, _)| first);
            suspicion.signs = Some((first, now));
        }
    }

    /// A peer asks whether this node hears another one.
    pub(in crate::election) fn polled(&mut self, by: &NodeName, about: &Mention, now: Instant) {
        self.reach
            .of_mut(&about.node)
            .for_each(|path| path.want(by.clone(), now));
        self.reach.look = Some(now);
    }

    /// A peer has heard another one just now.
    pub(in crate::election) fn contact(&mut self, about: &Mention, now: Instant) {
        let known = self.peers.get(&about.node).and_then(Peer::boot);
        if known == Some(about.boot) {
            self.reach.of_mut(&about.node).for_each(|path| path.alive(now));
            if let Some(peer) = self.peers.get_mut(&about.node) {
                peer.kernel_seen(now);
            }
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
        if self.is_reached(node, now) {
            return self.say_contact(by, node, out);
        }
        if let Some(peer) = self.peers.get_mut(node)
            && peer.condemn(verdict.about.boot, verdict.silence, now)
        {
            self.reach.give_up(node);
            self.dirty = true;
        }
    }
}
