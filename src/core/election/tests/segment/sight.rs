//! What can be seen of a segment from outside after each event.

use super::*;
use crate::election::tests::judge::{Answers, Nodes, Scene};

impl Segment {
    /// Who would answer a request for each address now.
    fn answers_by_address(&self) -> Vec<Answers> {
        let keys = self.desired.groups.keys();
        let mut answers: Vec<Answers> = keys
            .map(|key| Answers {
                key: *key,
                nodes: 0,
                misled: 0,
            })
            .collect();
        for node in 0..self.speakers.len() {
            if !self.answers_at_all(node) {
                continue;
            }
            let is_stale = self.stale.contains(&node);
            for Answers { key, nodes, misled } in &mut answers {
                *nodes |= Nodes::from(self.has(node, *key)) << node;
                let stands_in = is_stale && self.speakers[node].standing.contains_key(key);
                *misled |= Nodes::from(stands_in) << node;
            }
        }
        answers
    }

    /// After each event.
    pub(super) fn look(&mut self) {
        let answers = self.answers_by_address();
        self.note_overlap(&answers);
        let noisy = self.is_noisy();
        if let Some(judge) = &mut self.judge {
            for (at, node, key, epoch, because) in &self.history[self.told..] {
                judge.moved(*node, *key, epoch.is_some(), because, *at);
            }
            judge.look(&answers, noisy, self.now);
        }
        self.told = self.history.len();
    }

    fn note_overlap(&mut self, answers: &[Answers]) {
        for Answers { key, nodes, .. } in answers {
            let who = || (0..self.speakers.len()).filter(|node| nodes >> node & 1 == 1);
            let double =
                nodes.count_ones() > 1 && who().any(|a| who().any(|b| a < b && self.connected(a, b)));
            let entry = self.overlap.entry(*key).or_default();
            let began = *entry.0.get_or_insert(self.now);
            entry.1 = entry.1.max(self.now.since(began));
            if !double {
                entry.0 = None;
            }
        }
    }

    /// Something happens.
    pub(in super::super) fn fault(&mut self, happens: impl FnOnce(&mut Self)) {
        let now = self.now;
        if let Some(judge) = &mut self.judge {
            judge.fault(now);
        }
        happens(self);
        self.see();
    }

    /// What whoever judges has found.
    pub(in super::super) fn verdict(&self) -> Result<(), String> {
        self.judge.as_ref().map_or(Ok(()), Judge::verdict)
    }

    /// Tells whoever judges what faults there are now.
    pub(super) fn see(&mut self) {
        if self.judge.is_none() {
            return;
        }
        let scene = self.scene();
        if let Some(judge) = &mut self.judge {
            judge.see(scene, self.now);
        }
    }

    pub(super) fn is_noisy(&self) -> bool {
        self.loss() > 0 || self.lag > 0 || self.scatter > 0
    }

    /// What faults leave of it.
    pub(in super::super) fn scene(&self) -> Scene {
        let nodes = self.speakers.len();
        let set = |which: &dyn Fn(usize) -> bool| -> Nodes {
            (0..nodes)
                .filter(|node| which(*node))
                .fold(0, |set, node| set | 1 << node)
        };
        let is_faint = |node: usize| self.faint.keys().any(|(from, _)| *from == node);
        let hears_ill = |node: usize| self.faint.keys().any(|(_, to)| *to == Place::Node(node));
        let ails = |node: usize| {
            !self.speakers[node].alive
                || [
                    &self.dark,
                    &self.unplugged,
                    &self.severed,
                    &self.unmanaged,
                    &self.deaf,
                    &self.mute,
                ]
                .iter()
                .any(|nodes| nodes.contains(&node))
                || self.stopped.contains_key(&node)
                || self.muffled.contains_key(&node)
                || is_faint(node)
        };
        let linked = |node: usize| {
            self.gateway == Some(self.side[node])
                && !self.unplugged.contains(&node)
                && !self.severed.contains(&node)
        };
        // A LAN that falls in two while another segment holds the nodes together stays as it is: whoever has another node on its
        // side sees the segment alive, and the others take nothing from it.
        let is_held = |node: usize| {
            let is_there = |node: usize| {
                self.speakers[node].alive
                    && !self.dark.contains(&node)
                    && !self.unplugged.contains(&node)
                    && !self.severed.contains(&node)
            };
            let beside = |other: usize| other != node && self.side[other] == self.side[node];
            self.managed && is_there(node) && (0..nodes).any(|other| beside(other) && is_there(other))
        };
        let whole = |a: usize, b: usize| {
            a != b
                && self.connected(a, b)
                && !self.faint.contains_key(&(a, Place::Node(b)))
                && !self.faint.contains_key(&(b, Place::Node(a)))
        };
        let groups = || self.desired.groups.iter();
        Scene {
            hears: (0..nodes).map(|a| set(&|b| whole(a, b))).collect(),
            linked: set(&|node| linked(node) || is_held(node)),
            ailing: set(&ails),
            unpingable: set(&|node| self.unpingable.contains(&node)),
            able: set(&|node| !ails(node) && linked(node) && !hears_ill(node) && !self.stale.contains(&node)),
            candidates: groups()
                .map(|(key, group)| (*key, set(&|node| group.candidates.contains_key(&name(node)))))
                .collect(),
            first: groups()
                .map(|(key, group)| (*key, set(&|node| group.order.first() == Some(&name(node)))))
                .collect(),
            starts: self.speakers.iter().map(|speaker| speaker.boots).collect(),
        }
    }
}
