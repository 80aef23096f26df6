//! What the API wants of this speaker: every object that has a say, and the one value that follows from them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use tiklb_core::allocator::{Announcement, Change};
use tiklb_core::config::{AdvertisementObject, Config, PoolObject};
use tiklb_core::election::candidate::{Ground, Group, Node, groups, interfaces};
use tiklb_core::election::{Desired, Listed};
use tiklb_core::model::service::Service;
use tiklb_core::model::{Family, NodeName, ObjectKey, RangeSet};
use tiklb_core::speaker::Wanted;

use crate::cluster::object::endpoints::{EndpointIndex, Slice};
use crate::cluster::object::pod::SpeakerPod;

/// A change of one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// `v1` Services.
    Services(Change<Box<Service>>),
    /// `IPAddressPools`.
    Pools(Change<PoolObject>),
    /// `L2Advertisements`.
    Advertisements(Change<AdvertisementObject>),
    /// `v1` Nodes.
    Nodes(Change<Node>),
    /// `EndpointSlices`.
    Slices(Change<Slice>),
    /// Pods of speakers.
    Pods(Change<SpeakerPod>),
    /// What speakers have on record.
    Records(Change<Announcement>),
}

#[cfg(test)]
impl News {
    /// Services that are not in boxes yet.
    pub(super) fn services(change: Change<Service>) -> Self {
        Self::Services(change.boxed())
    }
}

/// The kinds that must be listed before anything is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Services,
    Pools,
    Advertisements,
    Nodes,
    Slices,
    Pods,
    Records,
}

/// How many kinds there are.
const KINDS: usize = 7;

/// What does not change while the process lives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `--lb-class`.
    pub class: Option<String>,
    /// `--ignore-exclude-lb`.
    pub ignore_exclude: bool,
}

/// Every object that has a say.
#[derive(Debug, Default)]
pub struct Objects {
    settings: Settings,
    listed: BTreeSet<Kind>,
    services: BTreeMap<ObjectKey, Box<Service>>,
    pools: BTreeMap<ObjectKey, PoolObject>,
    advertisements: BTreeMap<ObjectKey, AdvertisementObject>,
    nodes: BTreeMap<NodeName, Node>,
    endpoints: EndpointIndex,
    pods: BTreeMap<ObjectKey, SpeakerPod>,
    records: BTreeMap<ObjectKey, Announcement>,
    config: Config,
}

impl Objects {
    /// Nothing was listed yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Takes a change in; whether anything differs now.
    pub fn take(&mut self, news: News) -> bool {
        match news {
            News::Services(change) => {
                self.listed.insert(Kind::Services);
                apply(
                    &mut self.services,
                    change,
                    |service| service.key.clone(),
                    Clone::clone,
                )
            }
            News::Pools(change) => {
                self.listed.insert(Kind::Pools);
                let changed = apply(&mut self.pools, change, |pool| pool.key.clone(), Clone::clone);
                self.reconfigure(changed)
            }
            News::Advertisements(change) => {
                self.listed.insert(Kind::Advertisements);
                let table = &mut self.advertisements;
                let changed = apply(table, change, |object| object.key.clone(), Clone::clone);
                self.reconfigure(changed)
            }
            News::Nodes(change) => {
                self.listed.insert(Kind::Nodes);
                let name = |key: &ObjectKey| NodeName(key.name.as_str().into());
                apply(&mut self.nodes, change, |node| node.name.clone(), name)
            }
            News::Slices(change) => {
                let first = self.listed.insert(Kind::Slices);
                !self.endpoints.apply(change).is_empty() || first
            }
            News::Pods(change) => {
                self.listed.insert(Kind::Pods);
                apply(&mut self.pods, change, |pod| pod.key.clone(), Clone::clone)
            }
            News::Records(change) => {
                self.listed.insert(Kind::Records);
                apply(
                    &mut self.records,
                    change,
                    |record| record.key.clone(),
                    Clone::clone,
                )
            }
        }
    }

    /// Every kind was listed once.
    pub fn is_complete(&self) -> bool {
        self.listed.len() == KINDS
    }

    /// What follows from all of them for one node.
    pub fn wanted(&self, me: &NodeName) -> Wanted {
        let ground = Ground {
            config: &self.config,
            nodes: &self.nodes,
            endpoints: self.endpoints.endpoints(),
            class: self.settings.class.as_deref(),
            ignore_exclude: self.settings.ignore_exclude,
        };
        let pools = self.config.pools.values();
        let all = pools.fold(RangeSet::new(), |all, pool| all.union(&pool.ranges));
        let handed_out = self.config.usable();
        let usable = handed_out.fold(RangeSet::new(), |all, pool| all.union(&pool.ranges));
        // Whatever class it has: an address in a status is somebody's.
        let services = || self.services.values().map(Box::as_ref);
        let assigned = services().flat_map(|service| &service.ingress);
        let groups = groups(services(), &ground);
        let records = self.records(&groups);
        let interfaces = self.interfaces(&groups, &ground, me);
        Wanted {
            interfaces,
            election: Arc::new(Desired {
                groups,
                peers: self.peers(me),
                records,
            }),
            pools: all,
            unassigned: usable.difference(&assigned.copied().collect()),
        }
    }

    /// What is wrong with the configuration, a line each; on a node with these interfaces.
    pub fn problems(&self, me: &NodeName, interfaces: &BTreeSet<String>) -> Vec<String> {
        let mut problems = self.config.faults();
        // Before they were read nobody knows which there are.
        if let Some(node) = self.nodes.get(me).filter(|_| !interfaces.is_empty()) {
            let mine = self.config.advertisements.values();
            let mine = mine.filter(|ad| !ad.broken && ad.selects_node(&node.labels));
            problems.extend(mine.filter_map(|ad| ad.missing_interfaces(me, interfaces)));
        }
        problems
    }

    /// What is valid and has no effect as things are, a line each.
    pub fn warnings(&self) -> Vec<String> {
        self.config.warnings()
    }

    /// Whether a node is cordoned, being deleted or shut down: its speaker is not expected back when it stops.
    pub fn is_leaving(&self, node: &NodeName) -> bool {
        self.nodes.get(node).is_none_or(|node| node.leaving)
    }

    /// A Service.
    pub fn service(&self, key: &ObjectKey) -> Option<&Service> {
        self.services.get(key).map(Box::as_ref)
    }

    /// The Services whose status names an address.
    pub fn services_with(&self, address: IpAddr) -> impl Iterator<Item = &Service> {
        let services = self.services.values().map(Box::as_ref);
        services.filter(move |service| service.ingress.contains(&address))
    }

    /// The interfaces of a node by group, where advertisements name any.
    fn interfaces(
        &self,
        groups: &BTreeMap<IpAddr, Group>,
        ground: &Ground<'_>,
        me: &NodeName,
    ) -> BTreeMap<IpAddr, BTreeSet<String>> {
        let mut advertisements = self.config.advertisements.values();
        // Hardly anybody names interfaces: then nothing is looked at for each Service.
        if advertisements.all(|ad| ad.interfaces.is_empty()) {
            return BTreeMap::new();
        }
        let groups = groups.values();
        let named = groups.filter_map(|group| {
            let named = interfaces(group, &self.services, ground, me)?;
            Some((group.key, named))
        });
        named.collect()
    }

    fn reconfigure(&mut self, changed: bool) -> bool {
        if !changed {
            return false;
        }
        let pools: Vec<PoolObject> = self.pools.values().cloned().collect();
        let advertisements: Vec<AdvertisementObject> = self.advertisements.values().cloned().collect();
        self.config = Config::new(&pools, &advertisements, &[]);
        true
    }

    /// What is on record of each group. A record names a Service, which may have moved to another address since; what it
    /// had before says nothing about the one that it has now.
    fn records(&self, groups: &BTreeMap<IpAddr, Group>) -> BTreeMap<IpAddr, BTreeMap<NodeName, u64>> {
        let addresses = groups.values().flat_map(|group| {
            let key = group.key;
            group.addresses.iter().map(move |address| (*address, key))
        });
        let group_of: BTreeMap<IpAddr, IpAddr> = addresses.collect();
        let mut records: BTreeMap<IpAddr, BTreeMap<NodeName, u64>> = BTreeMap::new();
        for record in self.records.values() {
            let Some(key) = record.addresses.iter().find_map(|address| group_of.get(address)) else {
                continue;
            };
            let known = records.entry(*key).or_default();
            let epoch = known.entry(record.node.clone()).or_default();
            *epoch = record.epoch.max(*epoch);
        }
        records
    }

    /// By which families this node can meet others, the better one first: two that have both meet over IPv4. One whose Pod
    /// is not known yet may have either.
    fn families(&self, me: &NodeName) -> Vec<Family> {
        let pods = self.pods.values().filter(|pod| pod.node == *me);
        let own: BTreeSet<Family> = pods
            .flat_map(|pod| &pod.addresses)
            .map(|address| Family::of(*address))
            .collect();
        let both = Family::BOTH.into_iter();
        both.filter(|family| own.is_empty() || own.contains(family))
            .collect()
    }

    /// Where the speakers are met. While a speaker is replaced its node has two Pods for a moment: the ready one counts.
    fn peers(&self, me: &NodeName) -> BTreeMap<NodeName, Listed> {
        let mut peers: BTreeMap<NodeName, Listed> = BTreeMap::new();
        let families = self.families(me);
        for pod in self.pods.values() {
            let of = |family: &Family| {
                let mut addresses = pod.addresses.iter().copied();
                addresses.find(|address| Family::of(*address) == *family)
            };
            let Some(address) = families.iter().find_map(of) else {
                continue; // It is not placed yet, or there is no way from here to there.
            };
            let listed = Listed {
                address,
                ready: pod.ready,
            };
            let known = peers.entry(pod.node.clone()).or_insert(listed);
            if listed.ready {
                *known = listed;
            }
        }
        peers
    }
}

/// Applies a change to a table; whether anything differs now.
fn apply<K: Ord + Clone, T: PartialEq>(
    table: &mut BTreeMap<K, T>,
    change: Change<T>,
    key: impl Fn(&T) -> K,
    deleted: impl Fn(&ObjectKey) -> K,
) -> bool {
    match change {
        Change::Listed(objects) => {
            let fresh: BTreeMap<K, T> = objects.into_iter().map(|object| (key(&object), object)).collect();
            let changed = fresh != *table;
            *table = fresh;
            changed
        }
        Change::Applied(object) => {
            let key = key(&object);
            let changed = table.get(&key) != Some(&object);
            table.insert(key, object);
            changed
        }
        Change::Deleted(key) => table.remove(&deleted(&key)).is_some(),
    }
}

#[cfg(test)]
mod tests;
