//! Who else speaks for an address that this node announces: strangers, and nodes on which something else answers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Speaker;
use crate::model::{Instant, NodeName};
use crate::neighbor::conflict::{Dispute, Party};
use crate::neighbor::{Arp, InterfaceIndex};

impl Speaker {
    /// A frame that may speak for an address that is announced here.
    pub(super) fn hear_claimant(&mut self, interface: InterfaceIndex, arp: &Arp, now: Instant) {
        let Some(group) = self.conflicts.concerns(interface, arp) else {
            return;
        };
        if let Some(party) = self.party(group, arp, now) {
            self.conflicts.hear(interface, arp, party, now);
        }
    }

    /// Who sent it; `None` where the election knows better what it means.
    fn party(&self, group: IpAddr, arp: &Arp, now: Instant) -> Option<Party> {
        let Some(node) = self.node_of(arp.sender_mac, now) else {
            return Some(Party::Stranger);
        };
        // Our own other interfaces, also by an earlier MAC; and who stands in for a node, or an access point that answers
        // for its clients, sends from another address than it tells.
        if *node == self.me || arp.eth_src != arp.sender_mac || self.claims(node, group) {
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
        let disputes: BTreeMap<IpAddr, Dispute> = disputes
            .map(|(address, dispute)| (address.into(), dispute))
            .collect();
        if disputes != self.published.disputes {
            self.published.disputes = disputes;
            self.published.touch();
        }
    }
}
