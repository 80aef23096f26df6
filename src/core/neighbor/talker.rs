//! Who asked for which address lately: those hold it in their neighbour cache and have to hear of a takeover.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::{InterfaceIndex, Neighbor, Operation, Statement};
use crate::model::Instant;

/// How many are kept per address: as many as a takeover pokes. More of them hear the broadcast all the same.
pub const MAX_TALKERS: usize = 32;
/// How long one counts as talking. A neighbour entry that is in use is re-validated at least every 45 s (Linux:
/// 15 to 45 s), Windows and others within minutes; who stayed silent for five has no entry worth a frame.
pub const TALKER_LIFETIME: Duration = Duration::from_mins(5);
/// For how many addresses they are kept: more than any node announces, and a bound for one who asks for
/// everything. The address that was asked for longest ago goes first.
pub const MAX_ADDRESSES: usize = 1_024;

/// Recent askers per address, most recent first.
#[derive(Debug, Clone, Default)]
pub struct Talkers {
    heard: BTreeMap<IpAddr, Vec<Talker>>,
    /// The same addresses by the time of their latest question, so that eviction needs no search.
    by_age: BTreeSet<(Instant, IpAddr)>,
}

/// Somebody who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talker {
    /// Where it was heard.
    pub interface: InterfaceIndex,
    /// Who it is.
    pub peer: Neighbor,
    /// When it was heard last.
    pub heard: Instant,
}

impl Talkers {
    /// Nobody has asked for anything.
    pub const fn new() -> Self {
        Self {
            heard: BTreeMap::new(),
            by_age: BTreeSet::new(),
        }
    }

    /// Notes who asks. Probes, claims, replies and frames that nobody could answer say nothing about a
    /// neighbour's cache and are passed over.
    pub fn hear(&mut self, interface: InterfaceIndex, said: impl Into<Statement>, now: Instant) {
        let said = said.into();
        let asks = said.op == Operation::Request && !said.is_probe() && !said.is_gratuitous();
        if !asks || said.sender_mac.is_zero() || said.sender_mac.is_multicast() {
            return;
        }
        let peer = Neighbor {
            mac: said.sender_mac,
            address: said.sender_ip,
        };
        self.note(
            said.target_ip,
            Talker {
                interface,
                peer,
                heard: now,
            },
        );
    }

    /// Who asked for `address` within the last five minutes, most recent first.
    pub fn recent(&self, address: impl Into<IpAddr>, now: Instant) -> impl Iterator<Item = &Talker> {
        self.heard
            .get(&address.into())
            .into_iter()
            .flatten()
            .take_while(move |talker| now.since(talker.heard) <= TALKER_LIFETIME)
    }

    /// For how many addresses anybody is remembered.
    pub fn addresses(&self) -> usize {
        self.heard.len()
    }

    fn note(&mut self, address: IpAddr, talker: Talker) {
        let talkers = self.heard.entry(address).or_default();
        if let Some(latest) = talkers.first() {
            self.by_age.remove(&(latest.heard, address));
        }
        // One address of the asker at one interface is one asker: with a new MAC it replaces itself.
        talkers.retain(|known| {
            (known.interface, known.peer.address) != (talker.interface, talker.peer.address)
                && talker.heard.since(known.heard) <= TALKER_LIFETIME
        });
        talkers.truncate(MAX_TALKERS - 1);
        talkers.insert(0, talker);
        self.by_age.insert((talker.heard, address));
        if self.heard.len() > MAX_ADDRESSES
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.heard.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;
