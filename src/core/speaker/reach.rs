//! Questions to the kernels of other nodes as frames, and what comes back.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::{Effect, Speaker, question, v4};
use crate::election::reach::Probe;
use crate::model::Instant;
use crate::neighbor::Peer;
use crate::neighbor::echo::{self, Echo};

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

    /// An answer may have come.
    pub(super) fn echo(&mut self, bytes: &[u8], age: Duration, now: Instant) {
        if let Some(echo) = Echo::parse(bytes) {
            self.election.echo(&echo, now - age, now, &mut self.outputs);
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
