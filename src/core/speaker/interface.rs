//! On which interfaces an address is announced, and what follows where this node has none of those that are named.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Link, Speaker};
use crate::election::{Desired, Group, order};
use crate::model::{Instant, MacAddr};

/// A group that nobody announces for so long, although its first candidate lives, is told: a first claim takes 60 ms, and
/// each candidate waits 120 ms for the one before it.
const NOWHERE_AFTER: Duration = Duration::from_secs(3);

impl Speaker {
    /// Stands for what this node has an interface for. Each node judges its own interfaces: the others wait for it as for
    /// one that is late, and go on.
    pub(super) fn stand(&mut self, now: Instant) {
        let Some(wanted) = &self.wanted else { return };
        let mut election = wanted.election.clone();
        for key in self.lacking() {
            self.step_back(Arc::make_mut(&mut election), key);
        }
        self.election.set_desired(election, now);
    }

    fn step_back(&self, desired: &mut Desired, key: IpAddr) {
        let Some(group) = desired.groups.get_mut(&key) else {
            return;
        };
        group.candidates.remove(&self.me);
        group.stand_ins.retain(|node| *node != self.me);
        let candidates = group.candidates.iter().map(|(node, weight)| (node, *weight));
        group.order = order(candidates, key).into_iter().cloned().collect();
    }

    /// The groups for which this node has none of the interfaces that are named.
    fn lacking(&self) -> Vec<IpAddr> {
        let wanted = self.wanted.iter();
        let named = wanted.flat_map(|wanted| &wanted.interfaces);
        let has = |name: &String| self.links.values().any(|link| link.name == *name);
        named
            .filter(|(_, names)| !names.iter().any(has))
            .map(|(key, _)| *key)
            .collect()
    }

    /// Where an address of a group is announced: of the interfaces that its advertisements allow those that have its
    /// subnet; where none has, all of them, as in MetalLB (for an IPv6 address: all that have any IPv6 address).
    pub(super) fn links_for(&self, key: IpAddr, address: IpAddr) -> Vec<&Link> {
        let named = self
            .wanted
            .as_ref()
            .and_then(|wanted| wanted.interfaces.get(&key));
        let allowed = |link: &&Link| named.is_none_or(|names| names.contains(&link.name));
        let connected = |link: &&Link| link.is_in_network_of(address);
        // Without an IPv6 address of its own the kernel there neither hears nor sends for the address.
        let speaks = |link: &&Link| address.is_ipv4() || !link.networks_v6.is_empty();
        let links = self.links.values().filter(allowed).filter(speaks);
        let with_subnet: Vec<&Link> = links.clone().filter(connected).collect();
        if with_subnet.is_empty() {
            return links.collect();
        }
        // What is named is meant, also where one of two has the subnet.
        let meant = if named.is_some() {
            links.collect()
        } else {
            with_subnet
        };
        one_of_each_subnet(meant, address)
    }

    /// The names of the interfaces that answer for a group, and the MAC of the first.
    pub(super) fn answering_on(&self, key: IpAddr) -> (Vec<String>, Option<MacAddr>) {
        let mut links = self.links_for(key, key);
        for address in self.group(key).into_iter().flat_map(|group| &group.addresses) {
            for link in self.links_for(key, *address) {
                if !links.iter().any(|known| known.index == link.index) {
                    links.push(link);
                }
            }
        }
        let mac = links.first().map(|link| link.mac);
        (links.into_iter().map(|link| link.name.clone()).collect(), mac)
    }

    /// Tells which groups no node announces because none has an interface that is named: the first candidate that lives
    /// says so for all.
    pub(super) fn publish_nowhere(&mut self, now: Instant) {
        let first: BTreeSet<IpAddr> = self
            .lacking()
            .into_iter()
            .filter(|key| self.election.has_listened() && self.election.owner(*key).is_none())
            .filter(|key| self.group(*key).is_some_and(|group| self.is_first_of(group)))
            .collect();
        self.nowhere.retain(|key, _| first.contains(key));
        for key in first {
            self.nowhere.entry(key).or_insert(now);
        }
        let over = self.nowhere.iter();
        let over = over.filter(|(_, since)| now.since(**since) >= NOWHERE_AFTER);
        let over: BTreeSet<IpAddr> = over.map(|(key, _)| *key).collect();
        if over != self.published.nowhere {
            self.published.nowhere = over;
            self.published.touch();
        }
    }

    fn is_first_of(&self, group: &Group) -> bool {
        let alive = |node: &&crate::model::NodeName| **node == self.me || self.election.up().contains(*node);
        group.order.iter().find(alive) == Some(&self.me)
    }
}

/// Interfaces in one subnet are on one segment, and one question must not have two answers: the first of them by precedence
/// answers.
fn one_of_each_subnet(mut links: Vec<&Link>, address: IpAddr) -> Vec<&Link> {
    links.sort_by_key(|link| link.precedence());
    let mut answered = BTreeSet::new();
    links.retain(|link| {
        link.subnet_of(address)
            .is_none_or(|subnet| answered.insert(subnet))
    });
    links
}
