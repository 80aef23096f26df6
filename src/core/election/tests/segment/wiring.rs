//! Which node reaches which, and how much of what it sends gets lost.

use super::place::{desk, host, is_desk};
use super::*;

/// Where something of a node may fail to arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Place {
    Node(usize),
    Gateway,
}

impl Segment {
    /// Everybody reaches the gateway, and no node another one.
    pub(in super::super) fn separate(&mut self) {
        let nodes = self.speakers.len();
        let pairs = (0..nodes).flat_map(|a| (a + 1..nodes).map(move |b| (a, b)));
        self.apart = pairs.collect();
    }

    pub(super) fn connected(&self, a: usize, b: usize) -> bool {
        let apart = self.apart.contains(&(a, b)) || self.apart.contains(&(b, a));
        let severed = self.severed.contains(&a) || self.severed.contains(&b);
        !apart
            && !severed
            && self.side[a] == self.side[b]
            && !self.unplugged.contains(&a)
            && !self.unplugged.contains(&b)
    }

    /// Whose address it is.
    pub(super) fn owner_of(&self, address: IpAddr) -> Option<usize> {
        (0..self.speakers.len()).find(|node| [host(*node), desk(*node)].contains(&address))
    }

    /// Whether what one sends to this address of the other arrives.
    pub(super) fn passes(&self, from: usize, to: usize, address: IpAddr) -> bool {
        if is_desk(address) {
            let cut = self.unmanaged.contains(&from) || self.unmanaged.contains(&to);
            return self.managed && !cut && !self.dark.contains(&from);
        }
        self.connected(from, to)
    }

    /// Whether what one asks reaches the other's kernel, and the answer comes back.
    pub(super) fn neighbors(&self, from: usize, to: usize) -> bool {
        let deaf = self.deaf.contains(&to) || self.deaf.contains(&from);
        let mute = self.mute.contains(&to) || self.mute.contains(&from);
        self.connected(from, to) && !self.dark.contains(&to) && !deaf && !mute
    }

    /// Percent of everything that gets lost now.
    pub(super) fn loss(&self) -> u64 {
        let squall = self.squall.filter(|(_, until)| self.now < *until);
        squall.map_or(self.loss, |(percent, _)| percent)
    }

    pub(super) fn rolls(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    /// Whether what a node sends to an address of another gets lost.
    pub(super) fn is_lost(&mut self, from: usize, to: IpAddr) -> bool {
        if self.rolls(self.loss()) {
            return true;
        }
        let target = self.owner_of(to).filter(|_| !is_desk(to));
        target.is_some_and(|to| self.fades(from, to))
    }

    /// Whether it gets lost on the segment for being faint there.
    pub(super) fn fades(&mut self, from: usize, to: usize) -> bool {
        let percent = self.faint.get(&(from, Place::Node(to))).copied();
        percent.is_some_and(|percent| self.rolls(percent))
    }

    /// From now on so much of what a node sends on the segment does not arrive, at whomever.
    pub(in super::super) fn fade(&mut self, node: usize, percent: u64) {
        let nodes = (0..self.speakers.len()).filter(|to| *to != node).map(Place::Node);
        for to in nodes.chain([Place::Gateway]) {
            self.faint.insert((node, to), percent);
        }
    }
}
