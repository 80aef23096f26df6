//! What the network knows of an address: the cluster's own nodes, conflicts that speakers saw, what the nodes' subnets
//! keep for themselves, and every router that has a say.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::routers::Entry;
use crate::ipam::{Availability, Occupancy};
use crate::model::{Now, ObjectKey};
use crate::reservation::Landscape;

#[cfg(test)]
mod tests;

/// The network at one moment.
pub(super) struct Network<'a> {
    pub(super) routers: &'a BTreeMap<ObjectKey, Entry>,
    pub(super) landscape: Landscape<'a>,
    pub(super) now: Now,
}

impl Occupancy for Network<'_> {
    /// A node's own address is never a Service's, whatever else is known. One witness is enough to keep a Service off an
    /// address; every router that has a say must have proved it free.
    fn of(&self, address: IpAddr) -> Availability {
        let user = self.landscape.user(address);
        if address.is_ipv6() {
            // Routers hand out and reserve IPv4 here.
            return user.map_or(Availability::Free, Availability::Held);
        }
        let verdicts = self
            .routers
            .values()
            .filter_map(|e| e.router.availability(address, &self.landscape, self.now));
        let verdict = verdicts.fold(Availability::Free, graver);
        if let Some(user) = user {
            return Availability::Held(user.or_known_as(verdict.holder()));
        }
        let fixture = || self.landscape.surveys.fixture(address, self.now.mono);
        match verdict {
            // The router knows its own addresses better.
            Availability::Held(_) => verdict,
            _ => fixture().map_or(verdict, Availability::Held),
        }
    }
}

impl Network<'_> {
    /// Whether a router has a say in an address.
    pub(super) fn is_governed(&self, address: IpAddr) -> bool {
        let verdict = |entry: &Entry| entry.router.availability(address, &self.landscape, self.now);
        self.routers.values().any(|entry| verdict(entry).is_some())
    }
}

/// Of what two routers say the one that speaks more against using the address; of two that speak alike the second.
fn graver(one: Availability, other: Availability) -> Availability {
    let weight = |said: &Availability| match said {
        Availability::Free => 0,
        Availability::OnRequest(_) => 1,
        Availability::Reserved(_) => 2,
        Availability::Unproven(_) => 3,
        Availability::Held(_) => 4,
    };
    if weight(&one) > weight(&other) { one } else { other }
}
