//! Questions to the kernels of other nodes as frames, and what comes back.

use std::net::IpAddr;
use std::time::Duration;

use super::{Effect, Link, Speaker};
use crate::election::reach::Probe;
use crate::model::{Instant, MacAddr, NodeName};
use crate::neighbor::echo::{self, Echo};
use crate::neighbor::responder::AnswerWith;
use crate::neighbor::{Message, Neighbor};

/// Talkers that are asked for a sign while a node is suspect. The gateways are asked too, and each round is one of four
/// within 20 ms.
const TALKERS: usize = 2;

impl Speaker {
    /// The frame of a question, if its interface is still there.
    pub(super) fn probe(&self, probe: &Probe) -> Option<Effect> {
        let mut links = self.links.values();
        let link = links.find(|link| {
            link.mac == probe.mine.mac && self.hosts_on(link.index).contains(&probe.mine.network)
        })?;
        let from = Neighbor {
            mac: link.mac,
            address: probe.mine.network.addr(),
        };
        let to = Neighbor {
            mac: probe.theirs.mac,
            address: probe.theirs.network.addr(),
        };
        Some(Effect::Probe {
            interface: link.index,
            frame: echo::request(from, to, probe.question)?,
        })
    }

    /// Answers with the MAC address of the owner's interface in the same network. Nothing is said unasked: nobody is to
    /// learn anything new.
    pub(super) fn stand_in(&mut self, key: IpAddr, owner: &NodeName) {
        let group = self.group(key);
        let addresses = group.into_iter().flat_map(|group| &group.addresses);
        for address in addresses.copied().collect::<Vec<IpAddr>>() {
            let links = self.links_for(key, address).into_iter();
            let on: Vec<_> = links
                .filter_map(|link| {
                    let (_, theirs) = self.shared_network(link, owner)?;
                    Some((link.index, AnswerWith::Other(theirs)))
                })
                .collect();
            self.responder.announce(address, on);
        }
        if self.published.standing.insert(key, owner.clone()).as_ref() != Some(owner) {
            self.published.touch();
        }
    }

    /// Our address on a link and the MAC address of a peer's interface in the same network.
    fn shared_network(&self, link: &Link, peer: &NodeName) -> Option<(IpAddr, MacAddr)> {
        let mut mine = self.hosts_on(link.index).iter();
        mine.find_map(|mine| {
            let mut theirs = self.election.interfaces_of(peer).iter();
            let theirs = theirs.find(|theirs| mine.contains(&theirs.network.addr()))?;
            Some((mine.addr(), theirs.mac))
        })
    }

    /// Asks a node for an address that its speaker claims, and nobody else: a unicast request, as a neighbour that checks
    /// its entry sends it.
    pub(super) fn ask_owner(&self, key: IpAddr, owner: &NodeName) -> Vec<Effect> {
        let links = self.links_for(key, key).into_iter();
        let questions = links.filter_map(|link| {
            let (own, mac) = self.shared_network(link, owner)?;
            let own = match key {
                IpAddr::V4(_) => own,
                IpAddr::V6(six) => link.own_v6(six)?.into(),
            };
            let question = Message::poke(link.mac, own, Neighbor { mac, address: key })?;
            Some(Effect::Answer {
                interface: link.index,
                frame: question.frame(),
            })
        });
        questions.collect()
    }

    /// Answers in nobody's place any more.
    pub(super) fn stand_down(&mut self, key: IpAddr) {
        if self.published.standing.remove(&key).is_none() {
            return;
        }
        // What nobody wants any more has no group; then the key is all that is known.
        let addresses = self
            .group(key)
            .map_or_else(|| [key].into(), |group| group.addresses.clone());
        for address in &addresses {
            self.responder.withdraw(*address);
        }
        self.published.touch();
    }

    /// An answer may have come.
    pub(super) fn echo(&mut self, bytes: &[u8], age: Duration, now: Instant) {
        if let Some(echo) = Echo::parse(bytes) {
            let from = (echo.from.address, echo.from.mac);
            self.election
                .echo(from, echo.question, now - age, now, &mut self.outputs);
        }
    }

    /// Asks the gateways and a few talkers for a sign that our link works, and the suspects by ARP or NDP: a kernel that
    /// lost us as a neighbour learns us again by the question, and answers it even where pings are dropped.
    pub(super) fn ask_link(&self, now: Instant, out: &mut Vec<Effect>) {
        let suspects: Vec<IpAddr> = self.election.suspects().into_iter().collect();
        self.ask_for_signs(&suspects, TALKERS, now, out);
    }

    /// Asks hosts of peers that are not heard on their segments, and for signs that our own links to these work.
    pub(super) fn ask_hosts(&self, hosts: &[IpAddr], now: Instant, out: &mut Vec<Effect>) {
        self.ask_for_signs(hosts, TALKERS, now, out);
    }
}
