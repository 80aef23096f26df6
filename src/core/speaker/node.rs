//! Which MAC addresses are our nodes', now and lately.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Speaker;
use crate::model::{Instant, MacAddr, NodeName};

/// A MAC address that a speaker said to be its node's within this is never a stranger's: neighbours remember it for as
/// long, and frames of a replaced network card may be on their way.
pub(super) const REMEMBERED: Duration = Duration::from_mins(10);
/// How often what the speakers say is written down. One that says so for less than this long is known meanwhile, and
/// not remembered.
const NOTED_EACH: Duration = Duration::from_secs(1);
/// Addresses that are remembered: eight interfaces on each of 256 nodes, all of them replaced once. A key in wrong
/// hands must not fill memory.
const MAX_REMEMBERED: usize = 4_096;

/// What speakers said lately.
#[derive(Debug, Default)]
pub(super) struct NodeMacs {
    said: BTreeMap<MacAddr, (NodeName, Instant)>,
    noted: Option<Instant>,
}

impl NodeMacs {
    /// Writes down what is said now, if it is time to.
    fn note<'a>(&mut self, said: impl Iterator<Item = (&'a NodeName, MacAddr)>, now: Instant) -> bool {
        if self.noted.is_some_and(|at| now.since(at) < NOTED_EACH) {
            return false;
        }
        self.noted = Some(now);
        self.said.retain(|_, (_, at)| now.since(*at) <= REMEMBERED);
        for (node, mac) in said {
            let room = self.said.len() < MAX_REMEMBERED;
            match self.said.get_mut(&mac) {
                Some((known, at)) if known == node => *at = now,
                None if !room => {}
                _ => {
                    self.said.insert(mac, (node.clone(), now));
                }
            }
        }
        true
    }

    /// Whose it was within the last ten minutes.
    fn remembered(&self, mac: MacAddr, now: Instant) -> Option<&NodeName> {
        let (node, at) = self.said.get(&mac)?;
        (now.since(*at) <= REMEMBERED).then_some(node)
    }
}

impl Speaker {
    /// The node whose MAC address this is, or was within the last ten minutes. To be asked about frames that are rare.
    pub(super) fn node_of(&self, mac: MacAddr, now: Instant) -> Option<&NodeName> {
        let said = self.node_with(mac);
        said.or_else(|| self.node_macs.remembered(mac, now))
    }

    /// The node that has a network card with this MAC address, by what it says now. Of our own cards heartbeats tell only
    /// those with an address that stays; the others announce, too.
    pub(super) fn node_with(&self, mac: MacAddr) -> Option<&NodeName> {
        let ours = self.links.values().any(|link| link.mac == mac);
        ours.then_some(&self.me).or_else(|| self.election.node_with(mac))
    }

    /// The MAC addresses of all of them, to be kept.
    pub(super) fn known_macs(&self) -> BTreeSet<MacAddr> {
        let ours = self.links.values().map(|link| link.mac);
        ours.chain(self.election.macs().map(|(_, mac)| mac)).collect()
    }

    /// Writes down whose MAC address is which.
    pub(super) fn note_macs(&mut self, now: Instant) {
        let ours = self.links.values().map(|link| (&self.me, link.mac));
        if self.node_macs.note(ours.chain(self.election.macs()), now) {
            let known = self.known_macs();
            self.surveying.set_nodes(known);
        }
    }
}
