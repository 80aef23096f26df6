//! An interface of this node, and by which of its addresses other nodes know it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Speaker;
use crate::election::SubnetsV6;
use crate::election::wire::MAX_NETWORKS_V6;
use crate::model::{Family, MacAddr};
use crate::neighbor::InterfaceIndex;

/// An interface that can announce: up, with carrier, not excluded, no member of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number.
    pub index: InterfaceIndex,
    /// `eth0`.
    pub name: String,
    /// Its hardware address.
    pub mac: MacAddr,
    /// Its IPv4 addresses with their networks.
    pub networks: Vec<Ipv4Net>,
    /// Its IPv6 addresses with their networks, the link-local one included.
    pub networks_v6: Vec<Ipv6Net>,
    /// Those of its IPv6 addresses that do not stay: temporary or deprecated ones, and such as are still being checked.
    pub passing: BTreeSet<Ipv6Addr>,
    /// Routers that this node uses there.
    pub gateways: Vec<IpAddr>,
    /// The smallest metric of a default route over it. The kernel takes the route with the smallest.
    pub metric: Option<u32>,
}

impl Link {
    /// Whether one of its networks holds the address.
    pub fn is_in_network_of(&self, address: IpAddr) -> bool {
        self.subnet_of(address).is_some()
    }

    /// The subnet of its that holds the address.
    pub fn subnet_of(&self, address: IpAddr) -> Option<IpNet> {
        let v4 = self.networks.iter().copied().map(IpNet::V4);
        let mut networks = v4.chain(self.networks_v6.iter().copied().map(IpNet::V6));
        let near = networks.find(|network| network.contains(&address));
        near.map(|network| network.trunc())
    }

    /// Of several interfaces in one subnet the least one answers: that by which the kernel reaches a router, of these the
    /// one with the smallest metric, and of equal ones the one that came first.
    pub(super) fn precedence(&self) -> (bool, Option<u32>, InterfaceIndex) {
        (self.gateways.is_empty(), self.metric, self.index)
    }

    /// By which family nodes ask each other for signs of life here. One that has both speaks IPv4: all of a segment have to
    /// mean the same.
    pub fn family(&self) -> Family {
        if self.networks.is_empty() {
            Family::V6
        } else {
            Family::V4
        }
    }

    /// The addresses by which other nodes know this one here, with their networks: all of IPv4; without any, one of IPv6 that
    /// stays, of a network that the site gave itself, which stays too (RFC 4193), before one that a provider gave.
    fn hosts(&self) -> Vec<IpNet> {
        let own = |network: &Ipv6Net| !network.addr().is_unique_local();
        let beyond = |network: &Ipv6Net| !network.addr().is_unicast_link_local();
        match self.family() {
            Family::V4 => self.networks.iter().copied().map(IpNet::V4).collect(),
            Family::V6 => {
                let six = self.lasting().filter(beyond);
                let six = six.min_by_key(|network| (own(network), *network));
                six.map(IpNet::V6).into_iter().collect()
            }
        }
    }

    /// The link-local address, as the only one by which it is known.
    fn local(&self) -> Vec<IpNet> {
        let mut lasting = self.lasting();
        let local = lasting.find(|network| network.addr().is_unicast_link_local());
        local.map(IpNet::V6).into_iter().collect()
    }

    fn lasting(&self) -> impl Iterator<Item = Ipv6Net> {
        let networks = self.networks_v6.iter().copied();
        networks.filter(|network| !self.passing.contains(&network.addr()))
    }

    /// The routers of its family.
    fn routers(&self) -> impl Iterator<Item = IpAddr> {
        let family = self.family();
        let gateways = self.gateways.iter().copied();
        gateways.filter(move |gateway| Family::of(*gateway) == family)
    }

    /// The addresses from which this node asks its neighbours there, and to which they answer.
    pub(super) fn asks_from(&self) -> Vec<IpAddr> {
        match self.family() {
            Family::V4 => self
                .networks
                .iter()
                .map(|network| network.addr().into())
                .collect(),
            Family::V6 => self.lasting().map(|network| network.addr().into()).collect(),
        }
    }

    /// The address from which `target` is asked for a sign: one of its network. A router of IPv6 has a link-local one.
    pub(super) fn asks(&self, target: IpAddr) -> Option<IpAddr> {
        match (self.family(), target) {
            (Family::V4, IpAddr::V4(target)) => {
                let near = self.networks.iter().find(|network| network.contains(&target))?;
                Some(near.addr().into())
            }
            (Family::V6, IpAddr::V6(target)) => {
                let near = self.lasting().find(|network| network.contains(&target))?;
                Some(near.addr().into())
            }
            _ => None,
        }
    }

    /// The IPv6 address from which a neighbour is asked for `target`: one of its network, or the link-local one. One that stays,
    /// if there is any.
    pub(super) fn own_v6(&self, target: Ipv6Addr) -> Option<Ipv6Addr> {
        let networks = || self.lasting().chain(self.networks_v6.iter().copied());
        let near = networks().find(|network| network.contains(&target));
        let local = || networks().find(|network| network.addr().is_unicast_link_local());
        near.or_else(local).map(|network| network.addr())
    }
}

/// By link, the addresses by which other nodes know this node. Link-local ones only where it has no others on any link: every
/// link has that network, also one that leads nowhere, and the others could not tell which of them is meant.
pub(super) fn hosts(links: &BTreeMap<InterfaceIndex, Link>) -> BTreeMap<InterfaceIndex, Vec<IpNet>> {
    let of = |which: fn(&Link) -> Vec<IpNet>| -> BTreeMap<InterfaceIndex, Vec<IpNet>> {
        let hosts = links.iter().map(|(index, link)| (*index, which(link)));
        hosts.filter(|(_, hosts)| !hosts.is_empty()).collect()
    };
    let known = of(Link::hosts);
    if known.is_empty() { of(Link::local) } else { known }
}

impl Speaker {
    /// The addresses by which other nodes know this one on a link, with their networks.
    pub(super) fn hosts_on(&self, link: InterfaceIndex) -> &[IpNet] {
        self.hosts.get(&link).map_or(&[], Vec::as_slice)
    }

    /// The IPv6 subnets that this node can announce in, each once: a host has many addresses in one, and they come and go. As
    /// many as others are told of, so that all judge alike.
    pub(super) fn subnets_v6(&self) -> SubnetsV6 {
        let mut subnets = SubnetsV6::new();
        for link in self.links.values() {
            let known = self.hosts_on(link.index).iter().map(IpNet::trunc);
            let beyond = |network: &&Ipv6Net| !network.addr().is_unicast_link_local();
            for network in link.networks_v6.iter().filter(beyond) {
                subnets.entry(network.trunc()).or_default().extend(known.clone());
            }
        }
        subnets.into_iter().take(MAX_NETWORKS_V6).collect()
    }

    /// The routers that are asked for a sign, and told of a takeover: where other nodes know this one, too.
    pub(super) fn routers<'a>(&self, link: &'a Link) -> impl Iterator<Item = IpAddr> + use<'a> {
        let known = !self.hosts_on(link.index).is_empty();
        link.routers().filter(move |_| known)
    }
}

#[cfg(test)]
mod tests;
