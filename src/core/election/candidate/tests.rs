//! Candidates as MetalLB has them.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::config::object::{AdvertisementSpec, PreferredNodes};
use crate::config::{AdvertisementObject, PoolObject, PoolSpec};
use crate::model::object::Seniority;
use crate::model::{LabelSelector, Timestamp};

fn label(key: &str, value: &str) -> Labels {
    [(key.to_owned(), value.to_owned())].into_iter().collect()
}

fn selector(key: &str, value: &str) -> LabelSelector {
    LabelSelector {
        match_labels: label(key, value),
        match_expressions: vec![],
    }
}

struct World {
    ads: Vec<AdvertisementSpec>,
    nodes: BTreeMap<NodeName, Node>,
    endpoints: BTreeMap<ObjectKey, Endpoints>,
    services: Vec<Service>,
    ignore_exclude: bool,
}

fn world() -> World {
    let node = |name: &str| {
        let name = NodeName::from(name);
        (
            name.clone(),
            Node {
                name,
                ..Node::default()
            },
        )
    };
    World {
        ads: vec![AdvertisementSpec::default()],
        nodes: [node("node1"), node("node2"), node("node3")].into(),
        endpoints: BTreeMap::new(),
        services: vec![],
        ignore_exclude: false,
    }
}

impl World {
    fn service(&mut self, name: &str, address: &str, endpoints: &[&str]) -> &mut Service {
        let key = ObjectKey::new("default", name);
        let nodes = endpoints.iter().map(|n| NodeName::from(*n)).collect();
        self.endpoints.insert(
            key.clone(),
            Endpoints {
                nodes,
                nodeless: false,
            },
        );
        self.services.push(Service {
            key,
            is_load_balancer: true,
            ingress: vec![address.parse().unwrap()],
            ..Service::default()
        });
        self.services.last_mut().unwrap()
    }

    fn groups(&self) -> BTreeMap<IpAddr, Group> {
        self.with_ground(|ground| groups(&self.services, ground))
    }

    /// The interfaces on which a node announces the Service at an address.
    fn interfaces(&self, address: &str, node: &str) -> Option<Vec<String>> {
        let services = self.services.iter();
        let services = services.map(|service| (service.key.clone(), Box::new(service.clone())));
        let services = services.collect();
        let group = &self.groups()[&address.parse::<IpAddr>().unwrap()];
        let named = self.with_ground(|ground| interfaces(group, &services, ground, &NodeName::from(node)));
        named.map(|named| named.into_iter().collect())
    }

    fn with_ground<T>(&self, f: impl FnOnce(&Ground<'_>) -> T) -> T {
        let key = ObjectKey::new("metallb-system", "lan");
        let seniority = Seniority {
            created: Timestamp(0),
            key: key.clone(),
        };
        let pool = PoolObject {
            key,
            seniority,
            labels: Labels::new(),
            spec: Ok(PoolSpec {
                addresses: vec!["10.0.0.0/24".to_owned(), "fd00::/112".to_owned()],
                auto_assign: true,
                avoid_buggy_ips: false,
                service_allocation: None,
            }),
        };
        let ads: Vec<AdvertisementObject> = self
            .ads
            .iter()
            .enumerate()
            .map(|(i, spec)| {
                let key = ObjectKey::new("metallb-system", format!("ad{i}"));
                let seniority = Seniority {
                    created: Timestamp(0),
                    key: key.clone(),
                };
                AdvertisementObject {
                    key,
                    seniority,
                    spec: Ok(spec.clone()),
                }
            })
            .collect();
        let config = Config::new(&[pool], &ads, &[]);
        let ground = Ground {
            config: &config,
            nodes: &self.nodes,
            endpoints: &self.endpoints,
            class: None,
            ignore_exclude: self.ignore_exclude,
        };
        f(&ground)
    }

    fn label_node(&mut self, node: &str, key: &str, value: &str) {
        let labels = &mut self.nodes.get_mut(&NodeName::from(node)).unwrap().labels;
        labels.insert(key.to_owned(), value.to_owned());
    }

    /// Candidates with their weights, the first in order first.
    fn weights(&self, address: &str) -> Vec<(String, i32)> {
        let groups = self.groups();
        let group = &groups[&address.parse::<IpAddr>().unwrap()];
        let order = group.order.iter();
        order
            .map(|node| (node.to_string(), group.candidates[node]))
            .collect()
    }

    fn of(&self, address: &str) -> (Vec<String>, Option<Nobody>) {
        let groups = self.groups();
        let group = groups
            .values()
            .find(|g| g.addresses.contains(&address.parse().unwrap()))
            .unwrap();
        (
            group.candidates.keys().map(ToString::to_string).collect(),
            group.nobody,
        )
    }
}

const ALL: [&str; 3] = ["node1", "node2", "node3"];

#[test]
fn under_cluster_every_node_is_a_candidate_and_under_local_those_with_endpoints() {
    let mut world = world();
    world.service("a", "10.0.0.1", &["node2"]);
    world.service("b", "10.0.0.2", &["node2"]).local_traffic_only = true;
    assert_eq!(world.of("10.0.0.1").0, ALL);
    assert_eq!(world.of("10.0.0.2").0, ["node2"]);
}

/// They lack nothing but an endpoint.
#[test]
fn under_local_those_without_endpoints_may_stand_in() {
    let mut world = world();
    world.service("a", "10.0.0.1", &["node2"]);
    world.service("b", "10.0.0.2", &["node2"]).local_traffic_only = true;
    world.service("c", "10.0.0.3", &ALL);
    world.service("d", "10.0.0.3", &["node1"]).local_traffic_only = true;
    let stand_ins = |world: &World, address: &str| {
        let group = &world.groups()[&address.parse::<IpAddr>().unwrap()];
        group
            .stand_ins
            .iter()
            .map(|node| node.0.to_string())
            .collect::<BTreeSet<_>>()
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(stand_ins(&world, "10.0.0.1"), names(&[]));
    assert_eq!(stand_ins(&world, "10.0.0.2"), names(&["node1", "node3"]));
    assert_eq!(stand_ins(&world, "10.0.0.3"), names(&["node2", "node3"]));
    world.label_node("node3", EXCLUDE_LABEL, "");
    assert_eq!(
        stand_ins(&world, "10.0.0.2"),
        names(&["node1"]),
        "never one that is excluded"
    );
    world.label_node("node2", "lan", "yes");
    world.ads[0].node_selectors = vec![Ok(selector("lan", "yes"))];
    assert_eq!(
        stand_ins(&world, "10.0.0.2"),
        names(&[]),
        "nor one that no L2Advertisement selects"
    );
}

#[test]
fn nobody_announces_what_nobody_serves() {
    let mut world = world();
    world.service("a", "10.0.0.1", &[]);
    assert_eq!(world.of("10.0.0.1"), (vec![], Some(Nobody::NoEndpoints)));
    world
        .endpoints
        .get_mut(&ObjectKey::new("default", "a"))
        .unwrap()
        .nodeless = true;
    assert_eq!(
        world.of("10.0.0.1").0,
        ALL,
        "an endpoint outside the cluster serves too"
    );
}

/// A status that was left behind when its Service became another kind, or another implementation's.
#[test]
fn only_load_balancers_of_our_class_that_have_an_address_are_announced() {
    let mut world = world();
    world.service("a", "10.0.0.1", &ALL);
    world.service("b", "10.0.0.2", &ALL).is_load_balancer = false;
    world.service("c", "10.0.0.3", &ALL).class = Some("other".to_owned());
    world.service("d", "10.0.0.4", &ALL).ingress.clear();
    let announced: Vec<String> = world.groups().keys().map(ToString::to_string).collect();
    assert_eq!(announced, ["10.0.0.1"]);
}

#[test]
fn a_node_announces_on_the_interfaces_that_any_of_its_advertisements_names() {
    let mut world = world();
    world.service("a", "10.0.0.1", &ALL);
    assert_eq!(world.interfaces("10.0.0.1", "node1"), None, "all that can");
    world.ads[0].interfaces = vec!["eth1".to_owned()];
    world.ads.push(AdvertisementSpec {
        node_selectors: vec![Ok(selector("zone", "rack"))],
        interfaces: vec!["eth0".to_owned()],
        ..AdvertisementSpec::default()
    });
    world.label_node("node3", "zone", "rack");
    let named = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(world.interfaces("10.0.0.1", "node1"), named(&["eth1"]));
    assert_eq!(world.interfaces("10.0.0.1", "node3"), named(&["eth0", "eth1"]));
    world.ads[1].interfaces.clear();
    assert_eq!(world.interfaces("10.0.0.1", "node1"), named(&["eth1"]));
    assert_eq!(
        world.interfaces("10.0.0.1", "node3"),
        None,
        "one of them names none"
    );
}

#[test]
fn excluded_and_unavailable_nodes_are_none() {
    let mut world = world();
    world.service("a", "10.0.0.1", &ALL);
    world.nodes.get_mut(&NodeName::from("node1")).unwrap().labels = label(EXCLUDE_LABEL, "");
    world
        .nodes
        .get_mut(&NodeName::from("node2"))
        .unwrap()
        .network_unavailable = true;
    assert_eq!(world.of("10.0.0.1").0, ["node3"]);
    world.ignore_exclude = true;
    assert_eq!(world.of("10.0.0.1").0, ["node1", "node3"]);
}

#[test]
fn advertisements_choose_nodes_and_services() {
    let mut world = world();
    world.nodes.get_mut(&NodeName::from("node3")).unwrap().labels = label("zone", "rack");
    world.ads[0].node_selectors = vec![Ok(selector("zone", "rack"))];
    world.service("a", "10.0.0.1", &ALL);
    assert_eq!(world.of("10.0.0.1").0, ["node3"]);
    world.ads[0].service_selectors = vec![Ok(selector("app", "web"))];
    assert_eq!(world.of("10.0.0.1").1, Some(Nobody::NoAdvertisement));
    world.services[0].labels = label("app", "web");
    assert_eq!(world.of("10.0.0.1").0, ["node3"]);
    world.services[0]
        .annotations
        .insert("metallb.io/allow-shared-ip".to_owned(), String::new());
    assert_eq!(world.of("10.0.0.1").1, Some(Nobody::SharedWithSelectors));
    world.ads.clear();
    world.services[0].annotations.clear();
    assert_eq!(world.of("10.0.0.1").1, Some(Nobody::NoAdvertisement));
}

#[test]
fn services_that_share_an_address_are_announced_together() {
    let mut world = world();
    world.service("a", "10.0.0.1", &ALL);
    world.service("b", "10.0.0.1", &["node1"]).local_traffic_only = true;
    world.service("c", "10.0.0.9", &ALL);
    let groups = world.groups();
    assert_eq!(groups.len(), 2);
    let shared = &groups[&"10.0.0.1".parse::<IpAddr>().unwrap()];
    assert_eq!(shared.services.len(), 2);
    assert_eq!(
        shared.candidates.keys().map(|n| &*n.0).collect::<BTreeSet<_>>(),
        ["node1"].into()
    );
}

#[test]
fn both_addresses_of_a_service_go_together() {
    let mut world = world();
    world
        .service("a", "10.0.0.1", &ALL)
        .ingress
        .push("10.0.0.2".parse().unwrap());
    world.service("b", "10.0.0.2", &ALL);
    world.service("c", "10.0.0.3", &ALL);
    let groups = world.groups();
    let sizes: Vec<_> = groups
        .values()
        .map(|g| (g.addresses.len(), g.services.len()))
        .collect();
    assert_eq!(sizes, [(2, 2), (1, 1)]);
}

#[test]
fn an_address_outside_every_pool_is_announced_by_nobody() {
    let mut world = world();
    world.service("a", "10.9.0.1", &ALL);
    assert_eq!(world.of("10.9.0.1").1, Some(Nobody::NoPool));
}

#[test]
fn a_status_brings_no_address_on_the_lan_but_those_of_one_pool() {
    let mut world = world();
    let service = world.service("a", "10.0.0.1", &["node2"]);
    for foreign in ["192.168.1.255", "192.168.1.99"] {
        service.ingress.push(foreign.parse().unwrap());
    }
    assert_eq!(world.of("10.0.0.1"), (vec![], Some(Nobody::NoPool)));
    assert_eq!(world.of("192.168.1.99"), (vec![], Some(Nobody::NoPool)));
}

#[test]
fn what_a_node_has_itself_is_announced_by_none() {
    let mut world = world();
    world.service("a", "10.0.0.11", &["node2"]);
    world.service("b", "10.0.0.12", &["node2"]);
    let node = world.nodes.get_mut(&NodeName::from("node3")).unwrap();
    node.addresses = vec!["10.0.0.11".parse().unwrap()];
    assert_eq!(world.of("10.0.0.11"), (vec![], Some(Nobody::NodeAddress)));
    assert_eq!(world.of("10.0.0.12").0, ALL);
}

#[test]
fn ipv6_alone_has_the_same_candidates_and_goes_with_its_ipv4_twin() {
    let mut world = world();
    world.service("six", "fd00::1", &["node1"]);
    let both = world.service("both", "fd00::2", &["node1"]);
    both.ingress.push("10.0.0.7".parse().unwrap());
    assert_eq!(world.of("fd00::1"), (world.of("10.0.0.7").0, None));
    assert_eq!(world.of("10.0.0.7").1, None);
}

fn prefer(weight: i64, key: &str, value: &str) -> PreferredNodes {
    PreferredNodes {
        weight,
        preference: Ok(selector(key, value)),
    }
}

/// Preference as `MetalLB`'s suite has it (P01, P02, P05 to P08). `node2` is first for 10.0.0.1 by the hash.
fn preferring(preferred: Vec<PreferredNodes>) -> World {
    let mut world = world();
    world.service("a", "10.0.0.1", &ALL);
    assert_eq!(world.weights("10.0.0.1")[0].0, "node2");
    world.ads[0].preferred_nodes = preferred;
    world
}

#[test]
fn p01_a_preferred_node_comes_first_and_without_its_label_the_hash_decides() {
    let mut world = preferring(vec![prefer(50, "disk", "fast")]);
    assert_eq!(world.weights("10.0.0.1")[0], ("node2".to_owned(), 0));
    world.label_node("node3", "disk", "fast");
    assert_eq!(world.weights("10.0.0.1")[0], ("node3".to_owned(), 50));
}

#[test]
fn p02_a_preference_that_all_nodes_meet_changes_no_order() {
    let all = PreferredNodes {
        weight: 7,
        preference: Ok(LabelSelector {
            match_labels: Labels::new(),
            match_expressions: vec![],
        }),
    };
    let world = preferring(vec![prefer(50, "disk", "none"), all]);
    assert_eq!(world.weights("10.0.0.1")[0], ("node2".to_owned(), 7));
    assert!(world.weights("10.0.0.1").iter().all(|(_, weight)| *weight == 7));
}

#[test]
fn p05_p06_a_preference_counts_among_the_selected_nodes_alone() {
    let mut world = preferring(vec![prefer(50, "disk", "fast")]);
    world.label_node("node1", "zone", "a");
    world.label_node("node3", "zone", "a");
    world.ads[0].node_selectors = vec![Ok(selector("zone", "a"))];
    world.label_node("node3", "disk", "fast");
    assert_eq!(
        world.weights("10.0.0.1"),
        [("node3".to_owned(), 50), ("node1".to_owned(), 0)]
    );
    // Preferred, and not selected.
    let mut world = preferring(vec![prefer(50, "disk", "fast")]);
    world.label_node("node1", "zone", "a");
    world.ads[0].node_selectors = vec![Ok(selector("zone", "a"))];
    world.label_node("node3", "disk", "fast");
    assert_eq!(world.weights("10.0.0.1"), [("node1".to_owned(), 0)]);
}

#[test]
fn p07_weights_of_two_advertisements_add_up() {
    let mut world = preferring(vec![prefer(60, "disk", "fast"), prefer(1, "disk", "slow")]);
    world.ads.push(AdvertisementSpec {
        preferred_nodes: vec![prefer(50, "disk", "slow"), prefer(10, "rack", "a")],
        ..AdvertisementSpec::default()
    });
    world.label_node("node1", "disk", "fast");
    world.label_node("node3", "disk", "slow");
    world.label_node("node3", "rack", "a");
    let order = world.weights("10.0.0.1");
    assert_eq!(order[..2], [("node3".to_owned(), 61), ("node1".to_owned(), 60)]);
    world
        .nodes
        .get_mut(&NodeName::from("node3"))
        .unwrap()
        .labels
        .remove("rack");
    assert_eq!(world.weights("10.0.0.1")[0], ("node1".to_owned(), 60));
}

#[test]
fn p08_a_preference_holds_for_the_services_of_its_advertisement() {
    let mut world = preferring(vec![]);
    world.ads.push(AdvertisementSpec {
        service_selectors: vec![Ok(selector("app", "web"))],
        preferred_nodes: vec![prefer(50, "disk", "fast")],
        ..AdvertisementSpec::default()
    });
    world.label_node("node3", "disk", "fast");
    world.service("b", "10.0.0.2", &ALL).labels = label("app", "web");
    assert_eq!(world.weights("10.0.0.1")[0].0, "node2");
    assert_eq!(world.weights("10.0.0.2")[0].0, "node3");
}

#[test]
fn services_that_share_an_address_add_up_what_they_prefer() {
    let mut world = preferring(vec![prefer(50, "disk", "fast")]);
    world.label_node("node3", "disk", "fast");
    world.service("b", "10.0.0.1", &ALL);
    assert_eq!(world.weights("10.0.0.1")[0], ("node3".to_owned(), 100));
}
