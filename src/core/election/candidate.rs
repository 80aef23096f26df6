//! Which nodes may announce which addresses, as the API says it.
//!
//! Whether they are alive and have the interface for it is decided later, from heartbeats.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use litemap::LiteMap;

use crate::config::{Advertisement, Config};
use crate::ipam::request::FROM_POOL;
use crate::model::service::{Endpoints, Service};
use crate::model::{Few, Labels, NodeName, ObjectKey};

/// A node as far as announcing goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// Its name.
    pub name: NodeName,
    /// Its labels.
    pub labels: Labels,
    /// Its addresses (`InternalIP`, `ExternalIP`).
    pub addresses: Vec<IpAddr>,
    /// Condition `NetworkUnavailable` is true.
    pub network_unavailable: bool,
    /// It is cordoned (as a drain begins), being deleted, or not ready, as a kubelet says when its machine is shut down.
    pub leaving: bool,
}

/// A node with this label announces nothing, whatever its value.
pub const EXCLUDE_LABEL: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// Addresses that are announced together: those of Services that share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The address that the order is computed for: the lowest.
    pub key: IpAddr,
    /// All of them.
    pub addresses: Few<IpAddr>,
    /// The Services behind them.
    pub services: Few<ObjectKey>,
    /// Nodes that may announce, with their weight.
    pub candidates: LiteMap<NodeName, i32>,
    /// The same nodes in their order for the key.
    pub order: Vec<NodeName>,
    /// Nodes that lack nothing but an endpoint (`externalTrafficPolicy: Local`), in their order for the key: they never
    /// announce it, but after the candidates they may answer with the owner's MAC address while its speaker is away.
    pub stand_ins: Vec<NodeName>,
    /// Why there is none, for people.
    pub nobody: Option<Nobody>,
}

/// Why no node may announce an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Nobody {
    /// MetalLB: nobody announces what nobody serves.
    #[error("none of its endpoints is serving: kubectl get endpointslices -n <its namespace>")]
    NoEndpoints,
    /// No `L2Advertisement` selects its pool and the Service.
    #[error("no L2Advertisement covers it: create one, or correct ipAddressPools and serviceSelectors")]
    NoAdvertisement,
    /// MetalLB: a shared address and serviceSelectors exclude each other.
    #[error("it shares an address and its L2Advertisements have serviceSelectors, which exclude each other")]
    SharedWithSelectors,
    /// No node is selected, or the selected ones are excluded or have no endpoint under `Local`.
    #[error("no node fits: see nodeSelectors, the label {EXCLUDE_LABEL}, and externalTrafficPolicy: Local")]
    NoNode,
    /// One of its addresses belongs to no pool (any more), or to another one than the rest.
    #[error("its addresses are not all in one IPAddressPool")]
    NoPool,
    /// One of its addresses is a node's own, where the kernel answers for it.
    #[error("it is a node's own address: take the nodes' addresses out of the IPAddressPools")]
    NodeAddress,
}

/// What candidates are computed from.
pub struct Ground<'a> {
    /// The validated configuration.
    pub config: &'a Config,
    /// All nodes.
    pub nodes: &'a BTreeMap<NodeName, Node>,
    /// Serving endpoints of each Service.
    pub endpoints: &'a BTreeMap<ObjectKey, Endpoints>,
    /// `--lb-class`.
    pub class: Option<&'a str>,
    /// `--ignore-exclude-lb`.
    pub ignore_exclude: bool,
}

/// Groups Services by the addresses they share and finds each group's candidates.
pub fn groups<'a>(
    services: impl IntoIterator<Item = &'a Service>,
    ground: &Ground<'_>,
) -> BTreeMap<IpAddr, Group> {
    let mut groups: Vec<(Few<IpAddr>, Vec<&Service>)> = Vec::new();
    let announced = |service: &&Service| {
        service.is_load_balancer && service.class.as_deref() == ground.class && !service.ingress.is_empty()
    };
    let mut index: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for service in services.into_iter().filter(announced) {
        let touching: BTreeSet<usize> = service
            .ingress
            .iter()
            .filter_map(|a| index.get(a).copied())
            .collect();
        let mut addresses: Few<IpAddr> = service.ingress.iter().copied().collect();
        let mut members = vec![service];
        for at in touching {
            let (more, others) = std::mem::take(&mut groups[at]);
            addresses.extend(more);
            members.extend(others);
        }
        index.extend(addresses.iter().map(|address| (*address, groups.len())));
        groups.push((addresses, members));
    }
    let full = groups.into_iter().filter(|(addresses, _)| !addresses.is_empty());
    full.filter_map(|(addresses, members)| group(addresses, &members, ground))
        .map(|g| (g.key, g))
        .collect()
}

fn group(addresses: Few<IpAddr>, members: &[&Service], ground: &Ground<'_>) -> Option<Group> {
    let key = *addresses.first()?;
    let mut candidates: Option<LiteMap<NodeName, i32>> = None;
    let mut announced: Vec<&Service> = Vec::new();
    let mut nobody = None;
    let belongs_to_a_node = ground
        .nodes
        .values()
        .any(|node| node.addresses.iter().any(|address| addresses.contains(address)));
    for service in members {
        let these = if belongs_to_a_node {
            Err(Nobody::NodeAddress)
        } else {
            candidates_of(service, ground)
        };
        match these {
            Err(why) => nobody = nobody.max(Some(why)),
            Ok(these) => {
                announced.push(service);
                // Services that share an address go together: what each of them prefers adds up.
                let both = |before: LiteMap<NodeName, i32>| {
                    let shared = before.into_iter();
                    shared
                        .filter_map(|(node, weight)| {
                            let more = these.get(&node)?;
                            Some((node, weight.saturating_add(*more)))
                        })
                        .collect()
                };
                candidates = Some(candidates.map_or(these.clone(), both));
            }
        }
    }
    let candidates = candidates.unwrap_or_default();
    let nobody = if candidates.is_empty() {
        nobody.or(Some(Nobody::NoNode))
    } else {
        None
    };
    let services = members.iter().map(|service| service.key.clone()).collect();
    let order = super::order(candidates.iter().map(|(node, weight)| (node, *weight)), key);
    let order = order.into_iter().cloned().collect();
    let stand_ins = stand_ins(&announced, ground, &candidates, key);
    Some(Group {
        key,
        addresses,
        services,
        candidates,
        order,
        stand_ins,
        nobody,
    })
}

fn candidates_of(service: &Service, ground: &Ground<'_>) -> Result<LiteMap<NodeName, i32>, Nobody> {
    let none = Endpoints::default();
    let endpoints = ground.endpoints.get(&service.key).unwrap_or(&none);
    if !endpoints.any() {
        return Err(Nobody::NoEndpoints);
    }
    let ads = advertisements(service, ground)?;
    let serves = |node: &&Node| !service.local_traffic_only || endpoints.nodes.contains(&node.name);
    let nodes: LiteMap<_, _> = fitting(ground, &ads)
        .filter(serves)
        .map(|node| (node.name.clone(), weight(node, &ads)))
        .collect();
    if nodes.is_empty() {
        Err(Nobody::NoNode)
    } else {
        Ok(nodes)
    }
}

/// The nodes that these advertisements select, whether or not they have an endpoint.
fn fitting<'a>(ground: &Ground<'a>, ads: &[&Advertisement]) -> impl Iterator<Item = &'a Node> {
    let ignore_exclude = ground.ignore_exclude;
    ground.nodes.values().filter(move |node| {
        !node.network_unavailable
            && (ignore_exclude || !node.labels.contains_key(EXCLUDE_LABEL))
            && ads.iter().any(|ad| ad.selects_node(&node.labels))
    })
}

/// See [`Group::stand_ins`]. `announced`: of the Services that share the addresses those that have candidates.
fn stand_ins(
    announced: &[&Service],
    ground: &Ground<'_>,
    candidates: &LiteMap<NodeName, i32>,
    key: IpAddr,
) -> Vec<NodeName> {
    if candidates.is_empty() || !announced.iter().any(|service| service.local_traffic_only) {
        return vec![];
    }
    let of = |service: &&Service| -> BTreeSet<&NodeName> {
        let ads = advertisements(service, ground).unwrap_or_default();
        fitting(ground, &ads).map(|node| &node.name).collect()
    };
    let common = announced.iter().map(of).reduce(|some, these| &some & &these);
    let common = common.into_iter().flatten();
    let others = common.filter(|node| !candidates.contains_key(*node));
    let ordered = super::order(others.map(|node| (node, 0)), key);
    ordered.into_iter().cloned().collect()
}

fn weight(node: &Node, ads: &[&Advertisement]) -> i32 {
    ads.iter()
        .fold(0, |sum, ad| sum.saturating_add(ad.weight_of(&node.labels)))
}

/// The interfaces on which a node announces a group, by name; `None`: all that can. A node may use what any of the
/// advertisements that select it and the Service names, and all where one of them names none.
pub fn interfaces(
    group: &Group,
    services: &BTreeMap<ObjectKey, Box<Service>>,
    ground: &Ground<'_>,
    node: &NodeName,
) -> Option<BTreeSet<String>> {
    let node = ground.nodes.get(node)?;
    let mut named = BTreeSet::new();
    for service in group.services.iter().filter_map(|key| services.get(key)) {
        let ads = advertisements(service, ground).unwrap_or_default();
        for ad in ads.into_iter().filter(|ad| ad.selects_node(&node.labels)) {
            if ad.interfaces.is_empty() {
                return None;
            }
            named.extend(ad.interfaces.iter().cloned());
        }
    }
    (!named.is_empty()).then_some(named)
}

fn advertisements<'a>(service: &Service, ground: &Ground<'a>) -> Result<Vec<&'a Advertisement>, Nobody> {
    let came_from = service.annotations.get(FROM_POOL).map(String::as_str);
    // Whoever may write a status must not be able to have any address of the LAN answered for.
    let mut pool = None;
    for address in &service.ingress {
        let keeper = ground.config.keeper(*address, came_from);
        let name = keeper.ok_or(Nobody::NoPool)?.name().to_owned();
        if pool.as_ref().is_some_and(|pool| *pool != name) {
            return Err(Nobody::NoPool);
        }
        pool = Some(name);
    }
    let all = ground
        .config
        .advertisements_of(&ground.config.pools[&pool.ok_or(Nobody::NoPool)?]);
    let shared = [
        "metallb.io/allow-shared-ip",
        "metallb.universe.tf/allow-shared-ip",
    ];
    if shared.iter().any(|key| service.annotations.contains_key(*key))
        && all.iter().any(|ad| !ad.service_selectors.is_empty())
    {
        return Err(Nobody::SharedWithSelectors);
    }
    let ads: Vec<_> = all
        .into_iter()
        .filter(|ad| ad.selects_service(&service.labels))
        .collect();
    if ads.is_empty() {
        Err(Nobody::NoAdvertisement)
    } else {
        Ok(ads)
    }
}

#[cfg(test)]
mod tests;
