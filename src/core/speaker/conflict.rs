//! Who else speaks for an address that this node announces: strangers, and nodes on which something else answers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Speaker;
use crate::model::{Instant, NodeName};
use crate::neighbor::conflict::{Dispute, Party};
use crate::neighbor::{InterfaceIndex, Statement};

impl Speaker {
    /// A frame that may speak for an address that is announced here.
    pub(super) fn hear_claimant(&mut self, interface: InterfaceIndex, said: &Statement, now: Instant) {
        let Some(group) = self.conflicts.concerns(interface, said) else {
            return;
        };
        if let Some(party) = self.party(group, said, now) {
            self.conflicts.hear(interface, said, party, now);
        }
    }

    /// Who sent it; `None` where the election knows better what it means.
    fn party(&self, group: IpAddr, said: &Statement, now: Instant) -> Option<Party> {
        let Some(node) = self.node_of(said.sender_mac, now) else {
            return Some(Party::Stranger);
        };
        // Our own other interfaces, also by an earlier MAC; and who stands in for a node, or an access point that answers
        // for its clients, sends from another address than it tells.
        if *node == self.me || said.eth_src != said.sender_mac || self.claims(node, group) {
            return None;
        }
        Some(Party::Node(node.clone()))
    }

    /// Whether a speaker claims the group, as far as this one was told: then it is the election that ends it.
    fn claims(&self, node: &NodeName, group: IpAddr) -> bool {
        let peer = self.election.peer(node);
        peer.is_some_and(|peer| peer.claim(group).is_some())
    }

    /// Tells what differs since it was told last.
    pub(super) fn publish_conflicts(&mut self) {
        if !self.conflicts.take_changed() {
            return;
        }
        let disputes = self.conflicts.disputes();
        let disputes: BTreeMap<IpAddr, Dispute> = disputes.collect();
        if disputes != self.published.disputes {
            self.published.disputes = disputes;
            self.published.touch();
        }
    }
}
