//! What the API wants, and which of the speakers have heard of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;

impl Segment {
    /// What speakers write to the API about their claims reaches all of them. The owner of the higher epoch removes the
    /// records of lower ones.
    pub(in super::super) fn record(&mut self) {
        let mut records: BTreeMap<IpAddr, BTreeMap<NodeName, u64>> = BTreeMap::new();
        for (node, speaker) in self.speakers.iter().enumerate() {
            for (key, epoch) in speaker.election.claims().iter() {
                records.entry(key).or_default().insert(name(node), epoch);
            }
        }
        for of in records.values_mut() {
            let highest = of.values().copied().max();
            of.retain(|_, epoch| Some(*epoch) == highest);
        }
        self.desired.records = records;
        self.publish();
    }

    pub(in super::super) fn only_candidates(&mut self, last: u8, nodes: &[usize]) {
        let Some(group) = self.desired.groups.get_mut(&ip(last)) else {
            return;
        };
        group.candidates = nodes.iter().map(|n| (name(*n), 0)).collect();
        let ordered = order(group.candidates.iter().map(|(n, w)| (n, *w)), group.key);
        group.order = ordered.into_iter().cloned().collect();
    }

    /// This node alone has endpoints of a Service with `externalTrafficPolicy: Local`.
    pub(in super::super) fn only_endpoints(&mut self, last: u8, node: usize) {
        self.only_candidates(last, &[node]);
        let others: Vec<NodeName> = (0..self.speakers.len())
            .filter(|other| *other != node)
            .map(name)
            .collect();
        if let Some(group) = self.desired.groups.get_mut(&ip(last)) {
            let ordered = order(others.iter().map(|other| (other, 0)), group.key);
            group.stand_ins = ordered.into_iter().cloned().collect();
        }
    }

    /// Whether a node may have an address changes, by a label of its.
    pub(in super::super) fn exclude(&mut self, last: u8, node: usize) {
        let may_have_it = self.order(last).contains(&node);
        self.admit(last, node, !may_have_it);
        self.publish();
    }

    /// Every node may have these addresses, and hears so; what is preferred stays.
    pub(in super::super) fn admit_all(&mut self, addresses: &[u8]) {
        for last in addresses {
            for node in 0..self.speakers.len() {
                self.admit(*last, node, true);
            }
        }
        self.publish();
    }

    fn admit(&mut self, last: u8, node: usize, may_have_it: bool) {
        let Some(group) = self.desired.groups.get_mut(&ip(last)) else {
            return;
        };
        if !may_have_it {
            group.candidates.remove(&name(node));
        } else if !group.candidates.contains_key(&name(node)) {
            group.candidates.insert(name(node), 0);
        }
        let ordered = order(group.candidates.iter().map(|(n, w)| (n, *w)), group.key);
        group.order = ordered.into_iter().cloned().collect();
    }

    /// A node's watches work again: it hears what the API wants by now.
    pub(in super::super) fn catch_up(&mut self, node: usize) {
        if self.stale.remove(&node) {
            let desired = Arc::new(self.desired.clone());
            self.tell(node, &desired);
        }
    }

    /// What the L2Advertisements prefer.
    pub(in super::super) fn weigh(&mut self, last: u8, weights: &[(usize, i32)]) {
        let Some(group) = self.desired.groups.get_mut(&ip(last)) else {
            return;
        };
        for (_, weight) in &mut group.candidates {
            *weight = 0;
        }
        group
            .candidates
            .extend(weights.iter().map(|(node, weight)| (name(*node), *weight)));
        let ordered = order(group.candidates.iter().map(|(n, w)| (n, *w)), group.key);
        group.order = ordered.into_iter().cloned().collect();
    }

    /// The first in order, whoever lives.
    pub(in super::super) fn first(&self, last: u8) -> usize {
        self.order(last)[0]
    }

    /// All that may have it, in their order.
    pub(in super::super) fn order(&self, last: u8) -> Vec<usize> {
        self.desired.groups[&ip(last)].order.iter().map(index).collect()
    }

    /// What the API wants reaches one node.
    pub(in super::super) fn tell(&mut self, node: usize, desired: &Arc<Desired>) {
        let desired = desired.clone();
        self.act(node, |election, now, _| election.set_desired(desired, now));
    }

    /// All hear of it whose watches work; whoever is stopped once it goes on.
    pub(in super::super) fn publish(&mut self) {
        let desired = Arc::new(self.desired.clone());
        for node in 0..self.speakers.len() {
            if self.stale.contains(&node) {
                continue;
            }
            if self.stopped.contains_key(&node) {
                self.unread.insert(node);
            }
            self.tell(node, &desired);
        }
    }
}
