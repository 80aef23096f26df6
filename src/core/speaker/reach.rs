//! Questions to the kernels of other nodes as frames, and what comes back.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::Ipv4Net;

use super::{Effect, Speaker, question, v4};
use crate::election::WireInterface;
use crate::election::reach::Probe;
use crate::model::{Instant, MacAddr, NodeName};
use crate::neighbor::echo::{self, Echo};
use crate::neighbor::responder::AnswerWith;
use crate::neighbor::{Arp, Operation, Peer};

/// Talkers that are asked for a sign while a node is suspect. The gateways are asked too, and each round is one of four
/// within 20 ms.
const TALKERS: usize = 2;

impl Speaker {
    /// The frame of a question, if its interface is still there.
    pub(super) fn probe(&self, probe: &Probe) -> Option<Effect> {
        let mut links = self.links.values();
        let link =
            links.find(|link| link.mac == probe.mine.mac && link.networks.contains(&probe.mine.network))?;
        let from = Peer {
            mac: link.mac,
            address: probe.mine.network.addr(),
        };
        let to = Peer {
            mac: probe.theirs.mac,
            address: probe.theirs.network.addr(),
        };
        Some(Effect::Probe {
            interface: link.index,
            frame: echo::request(from, to, probe.question),
        })
    }

    /// Answers with the MAC address of the owner's interface in the same network. Nothing is said unasked: nobody is to
    /// learn anything new.
    pub(super) fn stand_in(&mut self, key: IpAddr, owner: &NodeName) {
        let groups = self.wanted.iter().map(|wanted| &wanted.election.groups);
        let addresses = groups
            .filter_map(|groups| groups.get(&key))
            .flat_map(|group| &group.addresses);
        for address in addresses.filter_map(v4).collect::<Vec<_>>() {
            let theirs = self
                .election
                .peer(owner)
                .map_or(&[][..], |peer| peer.interfaces());
            let links = self.links_for(address.into()).into_iter();
            let on: Vec<_> = links
                .filter_map(|link| {
                    let near =
                        |network: &Ipv4Net| link.networks.iter().any(|mine| mine.contains(&network.addr()));
                    let interface = theirs.iter().find(|interface| near(&interface.network))?;
                    Some((link.index, AnswerWith::Other(interface.mac)))
                })
                .collect();
            self.responder.announce(address, on);
        }
        if self.published.standing.insert(key, owner.clone()).as_ref() != Some(owner) {
            self.published.touch();
        }
    }

    /// Asks a node for an address that its speaker claims, and nobody else: a unicast request, as a neighbour that checks
    /// its entry sends it.
    pub(super) fn ask_owner(&self, key: IpAddr, owner: &NodeName) -> Vec<Effect> {
        let IpAddr::V4(target) = key else { return vec![] };
        let theirs = self
            .election
            .peer(owner)
            .map_or(&[][..], |peer| peer.interfaces());
        let links = self.links_for(key).into_iter();
        links
            .filter_map(|link| {
                let mut mine = link.networks.iter();
                let (mine, theirs) = mine.find_map(|mine| {
                    let near = |theirs: &&WireInterface| mine.contains(&theirs.network.addr());
                    Some((mine, theirs.iter().find(near)?))
                })?;
                let arp = Arp {
                    op: Operation::Request,
                    eth_src: link.mac,
                    eth_dst: theirs.mac,
                    sender_mac: link.mac,
                    sender_ip: mine.addr(),
                    target_mac: MacAddr::zero(),
                    target_ip: target,
                };
                Some(Effect::Answer {
                    interface: link.index,
                    frame: arp.frame(),
                })
            })
            .collect()
    }

    /// Whether an address is one that somebody is to announce.
    pub(super) fn is_claimed(&self, address: Ipv4Addr) -> bool {
        let groups = self.wanted.iter().map(|wanted| &wanted.election.groups);
        let address = IpAddr::V4(address);
        groups.into_iter().any(|groups| groups.contains_key(&address))
    }

    /// Answers in nobody's place any more.
    pub(super) fn stand_down(&mut self, key: IpAddr) {
        if self.published.standing.remove(&key).is_none() {
            return;
        }
        let mut groups = self.wanted.iter().map(|wanted| &wanted.election.groups);
        let group = groups.find_map(|groups| groups.get(&key));
        // What nobody wants any more has no group; then the key is all that is known.
        let addresses = group.map_or_else(|| [key].into(), |group| group.addresses.clone());
        for address in addresses.iter().filter_map(v4) {
            self.responder.withdraw(address);
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

    /// Asks the gateways and a few talkers for a sign that our link works, and the suspects by ARP: a kernel that lost us
    /// as a neighbour learns us again by the question, and answers it even where pings are dropped.
    pub(super) fn ask_link(&self, now: Instant, out: &mut Vec<Effect>) {
        let suspects = self.election.suspects();
        for link in self.links.values() {
            let held = self.published.held.values();
            let addresses = held.flat_map(|held| held.addresses.iter().filter_map(v4));
            let talkers = addresses
                .flat_map(|address| self.talkers.recent(address, now))
                .filter(|talker| talker.interface == link.index);
            let talkers: BTreeSet<Ipv4Addr> = talkers.map(|t| t.peer.address).take(TALKERS).collect();
            let near = |address: &&Ipv4Addr| link.networks.iter().any(|network| network.contains(*address));
            let suspects = suspects.iter().filter(near).copied();
            let asked: BTreeSet<Ipv4Addr> = link
                .gateways
                .iter()
                .copied()
                .chain(talkers)
                .chain(suspects)
                .collect();
            out.extend(asked.into_iter().filter_map(|target| question(link, target)));
        }
    }
}
