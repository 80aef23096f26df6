//! Objects in, one wish out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use tiklb_core::config::PoolSpec;
use tiklb_core::config::object::AdvertisementSpec;
use tiklb_core::model::object::Seniority;
use tiklb_core::model::service::Endpoints;
use tiklb_core::model::{LabelSelector, Labels, Timestamp};

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn pool(name: &str, range: &str) -> PoolObject {
    let key = ObjectKey::new("metallb-system", name);
    PoolObject {
        seniority: Seniority {
            key: key.clone(),
            ..Default::default()
        },
        key,
        labels: Labels::new(),
        spec: Ok(PoolSpec {
            addresses: vec![range.to_owned()],
            auto_assign: true,
            avoid_buggy_ips: false,
            service_allocation: None,
        }),
    }
}

fn advertisement() -> AdvertisementObject {
    let key = ObjectKey::new("metallb-system", "all");
    AdvertisementObject {
        seniority: Seniority {
            key: key.clone(),
            ..Default::default()
        },
        key,
        spec: Ok(AdvertisementSpec::default()),
    }
}

fn service(name: &str, address: Option<&str>) -> Service {
    Service {
        key: ObjectKey::new("default", name),
        is_load_balancer: true,
        ingress: address.map(ip).into_iter().collect(),
        ..Service::default()
    }
}

fn node(name: &str) -> Node {
    Node {
        name: NodeName::from(name),
        ..Node::default()
    }
}

fn slice(service: &str, node: &str) -> Slice {
    Slice {
        key: ObjectKey::new("default", format!("{service}-1")),
        service: ObjectKey::new("default", service),
        endpoints: Endpoints {
            nodes: BTreeSet::from([NodeName::from(node)]),
            nodeless: false,
        },
    }
}

fn pod(name: &str, node: &str, address: &str, ready: bool) -> SpeakerPod {
    SpeakerPod {
        key: ObjectKey::new("metallb-system", name),
        uid: tiklb_core::model::Uid::default(),
        node: NodeName::from(node),
        addresses: vec![ip(address)],
        ready,
    }
}

fn record(node: &str, address: &str, epoch: u64) -> Announcement {
    Announcement {
        key: ObjectKey::new("metallb-system", format!("l2-{node}")),
        service: ObjectKey::new("default", "web"),
        addresses: vec![ip(address)],
        node: NodeName::from(node),
        mac: None,
        epoch,
    }
}

fn listed() -> Vec<News> {
    vec![
        News::services(Change::Listed(vec![
            service("web", Some("192.168.1.200")),
            service("new", None),
        ])),
        News::Pools(Change::Listed(vec![pool("home", "192.168.1.200-192.168.1.203")])),
        News::Advertisements(Change::Listed(vec![advertisement()])),
        News::Nodes(Change::Listed(vec![node("n1"), node("n2")])),
        News::Slices(Change::Listed(vec![slice("web", "n1")])),
        News::Pods(Change::Listed(vec![pod("s1", "n1", "192.168.1.11", true)])),
        News::Records(Change::Listed(vec![record("n2", "192.168.1.200", 4)])),
    ]
}

fn objects() -> Objects {
    let mut objects = Objects::new(Settings::default());
    for news in listed() {
        objects.take(news);
    }
    objects
}

#[test]
fn it_is_complete_when_every_kind_was_listed_even_if_there_is_none() {
    let mut objects = Objects::new(Settings::default());
    for news in listed() {
        assert!(!objects.is_complete());
        objects.take(news);
    }
    assert!(objects.is_complete());
    let mut objects = Objects::new(Settings::default());
    for empty in [
        News::services(Change::Listed(vec![])),
        News::Pools(Change::Listed(vec![])),
        News::Advertisements(Change::Listed(vec![])),
        News::Nodes(Change::Listed(vec![])),
        News::Slices(Change::Listed(vec![])),
        News::Pods(Change::Listed(vec![])),
        News::Records(Change::Listed(vec![])),
    ] {
        objects.take(empty);
    }
    assert!(objects.is_complete());
    assert_eq!(objects.wanted(&NodeName::from("n1")), Wanted::default());
}

#[test]
fn an_addressed_service_is_wanted_and_the_rest_of_the_pool_surveyed() {
    let wanted = objects().wanted(&NodeName::from("n1"));
    let group = &wanted.election.groups[&ip("192.168.1.200")];
    assert_eq!(group.candidates.len(), 2);
    assert_eq!(wanted.pools.to_string(), "192.168.1.200-192.168.1.203");
    assert_eq!(wanted.unassigned.to_string(), "192.168.1.201-192.168.1.203");
    let peer = wanted.election.peers[&NodeName::from("n1")];
    assert_eq!((peer.address, peer.ready), (ip("192.168.1.11"), true));
}

#[test]
fn an_address_of_another_class_is_not_announced_and_not_surveyed_either() {
    let mut objects = objects();
    let mut other = service("other", Some("192.168.1.201"));
    other.class = Some("elsewhere".to_owned());
    assert!(objects.take(News::services(Change::Applied(other))));
    let wanted = objects.wanted(&NodeName::from("n1"));
    assert_eq!(wanted.election.groups.len(), 1);
    assert_eq!(wanted.unassigned.to_string(), "192.168.1.202-192.168.1.203");
}

#[test]
fn only_what_differs_is_news() {
    let mut objects = objects();
    assert!(!objects.take(News::services(Change::Applied(service(
        "web",
        Some("192.168.1.200")
    )))));
    assert!(objects.take(News::services(Change::Applied(service(
        "web",
        Some("192.168.1.202")
    )))));
    assert!(!objects.take(News::Nodes(Change::Applied(node("n1")))));
    assert!(objects.take(News::Nodes(Change::Deleted(ObjectKey::new("", "n2")))));
    assert!(!objects.take(News::Nodes(Change::Deleted(ObjectKey::new("", "n2")))));
    assert!(!objects.take(News::Slices(Change::Applied(slice("web", "n1")))));
    assert!(objects.take(News::Slices(Change::Deleted(ObjectKey::new("default", "web-1")))));
    assert_eq!(
        objects.wanted(&NodeName::from("n1")).election.groups[&ip("192.168.1.202")]
            .candidates
            .len(),
        0
    );
}

#[test]
fn a_node_whose_speaker_is_replaced_is_met_at_the_ready_one() {
    let mut objects = objects();
    let old = pod("s1", "n1", "192.168.1.11", false);
    objects.take(News::Pods(Change::Applied(old)));
    objects.take(News::Pods(Change::Applied(pod(
        "s1-new",
        "n1",
        "192.168.1.111",
        true,
    ))));
    objects.take(News::Pods(Change::Applied(pod(
        "s1-zzz",
        "n1",
        "192.168.1.112",
        false,
    ))));
    let peer = objects.wanted(&NodeName::from("n1")).election.peers[&NodeName::from("n1")];
    assert_eq!((peer.address, peer.ready), (ip("192.168.1.111"), true));
}

#[test]
fn a_bad_pool_is_reported_and_the_good_one_works() {
    let mut objects = objects();
    objects.take(News::Pools(Change::Applied(pool("bad", "nonsense"))));
    let problems = objects.problems(&NodeName::from("n1"), &BTreeSet::new());
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("IPAddressPool bad"));
    assert_eq!(
        objects.wanted(&NodeName::from("n1")).election.groups[&ip("192.168.1.200")]
            .candidates
            .len(),
        2
    );
}

#[test]
fn interfaces_that_a_node_lacks_are_that_nodes_problem() {
    let mut objects = objects();
    let key = ObjectKey::new("metallb-system", "wired");
    let selector = LabelSelector::new(
        Labels::from_iter([("wired".to_owned(), "yes".to_owned())]),
        vec![],
    );
    objects.take(News::Advertisements(Change::Applied(AdvertisementObject {
        seniority: Seniority {
            created: Timestamp(0),
            key: key.clone(),
        },
        key,
        spec: Ok(AdvertisementSpec {
            node_selectors: vec![selector],
            interfaces: vec!["eth1".to_owned(), "eth2".to_owned()],
            ..AdvertisementSpec::default()
        }),
    })));
    let has = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let said =
        |objects: &Objects, node: &str, names: &[&str]| objects.problems(&NodeName::from(node), &has(names));
    assert!(
        said(&objects, "n1", &["eth0"]).is_empty(),
        "it does not announce under it"
    );
    let mut wired = node("n1");
    wired.labels.insert("wired".to_owned(), "yes".to_owned());
    objects.take(News::Nodes(Change::Applied(wired)));
    assert_eq!(
        said(&objects, "n1", &["eth0"]),
        [
            "L2Advertisement wired: spec.interfaces: node n1 has no usable interface eth1 or eth2: correct the names, or \
          leave the node out with spec.nodeSelectors"
        ]
    );
    assert!(
        said(&objects, "n1", &["eth0", "eth2"]).is_empty(),
        "one of them is enough"
    );
    assert!(said(&objects, "n1", &[]).is_empty(), "they were not read yet");
    assert!(said(&objects, "n2", &["eth0"]).is_empty(), "another node");
    assert!(objects.warnings().is_empty(), "{:?}", objects.warnings());
}

fn named(name: &str, interfaces: &[&str], label: Option<&str>) -> News {
    let key = ObjectKey::new("metallb-system", name);
    let selector = |value: &str| {
        LabelSelector::new(
            Labels::from_iter([("wired".to_owned(), value.to_owned())]),
            vec![],
        )
    };
    News::Advertisements(Change::Applied(AdvertisementObject {
        seniority: Seniority {
            created: Timestamp(0),
            key: key.clone(),
        },
        key,
        spec: Ok(AdvertisementSpec {
            node_selectors: label.map(selector).into_iter().collect(),
            interfaces: interfaces.iter().map(|name| (*name).to_owned()).collect(),
            ..AdvertisementSpec::default()
        }),
    }))
}

#[test]
fn a_nodes_interfaces_are_those_of_the_advertisements_that_select_it() {
    let mut objects = objects();
    let interfaces = |objects: &Objects, node: &str| -> Option<String> {
        let wanted = objects.wanted(&NodeName::from(node));
        let named = wanted.interfaces.get(&ip("192.168.1.200"))?;
        Some(named.iter().cloned().collect::<Vec<_>>().join(","))
    };
    assert_eq!(interfaces(&objects, "n1"), None);
    objects.take(named("ad", &["eth1"], None));
    assert_eq!(interfaces(&objects, "n1"), None, "the other one names none");
    objects.take(named("all", &["eth0"], None));
    assert_eq!(interfaces(&objects, "n1").as_deref(), Some("eth0,eth1"));
    objects.take(named("all", &["eth0"], Some("yes")));
    assert_eq!(
        interfaces(&objects, "n1").as_deref(),
        Some("eth1"),
        "it has no such label"
    );
    let mut wired = node("n2");
    wired.labels.insert("wired".to_owned(), "yes".to_owned());
    objects.take(News::Nodes(Change::Applied(wired)));
    assert_eq!(interfaces(&objects, "n2").as_deref(), Some("eth0,eth1"));
    assert_eq!(interfaces(&objects, "n9"), None, "nobody knows it");
}

#[test]
fn what_others_have_on_record_counts_for_the_address_that_it_names() {
    let mut objects = objects();
    let recorded = |objects: &Objects| objects.wanted(&NodeName::from("n1")).election.records.clone();
    let of = |epoch| {
        BTreeMap::from([(
            ip("192.168.1.200"),
            BTreeMap::from([(NodeName::from("n2"), epoch)]),
        )])
    };
    assert_eq!(recorded(&objects), of(4));
    assert!(objects.take(News::Records(Change::Applied(record("n2", "192.168.1.200", 5)))));
    assert_eq!(recorded(&objects), of(5));
    // An address that the Service had before.
    objects.take(News::Records(Change::Applied(record("n2", "192.168.1.203", 6))));
    assert_eq!(recorded(&objects), BTreeMap::new());
}

/// Where `me` meets the other one, of two speakers with these addresses.
fn met(mine: &[&str], theirs: &[&str]) -> Option<IpAddr> {
    let mut objects = Objects::new(Settings::default());
    let pods = [("me", mine), ("other", theirs)].map(|(node, addresses)| SpeakerPod {
        addresses: addresses.iter().map(|address| ip(address)).collect(),
        ..pod(node, node, "192.168.1.1", true)
    });
    objects.take(News::Pods(Change::Listed(pods.into())));
    let wanted = objects.wanted(&NodeName::from("me"));
    let peer = wanted.election.peers.get(&NodeName::from("other"));
    peer.map(|peer| peer.address)
}

#[test]
fn speakers_meet_over_ipv4_where_both_have_it_and_else_over_ipv6() {
    let (four, six) = ("192.168.1.12", "fd00:0:0:1::12");
    for (mine, theirs, expected) in [
        (vec!["192.168.1.11"], vec![four], Some(four)),
        (
            vec!["fd00:0:0:1::11", "192.168.1.11"],
            vec![six, four],
            Some(four),
        ),
        (vec!["fd00:0:0:1::11"], vec![six], Some(six)),
        (vec!["fd00:0:0:1::11"], vec![four, six], Some(six)),
        (vec!["192.168.1.11", "fd00:0:0:1::11"], vec![six], Some(six)),
        (vec!["192.168.1.11"], vec![six], None),
        (vec!["fd00:0:0:1::11"], vec![four], None),
        // Where our own Pod is not known yet.
        (vec![], vec![six, four], Some(four)),
        (vec![], vec![six], Some(six)),
    ] {
        assert_eq!(met(&mine, &theirs), expected.map(ip), "{mine:?} and {theirs:?}");
    }
}
