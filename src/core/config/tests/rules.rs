//! What MetalLB's webhook refuses, a line each: the words name the field and the fix, and the object counts as its state
//! says. The definitions refuse most of it first; the ones of an earlier MetalLB may still be in place.

use super::*;
use crate::config::object::Selectors;
use crate::model::LabelSelector;
use crate::model::selector::{Requirement, SelectorError};

type PoolChange = fn(&mut PoolSpec);

fn name(text: &str) -> String {
    text.to_owned()
}

fn selector(key: &str) -> LabelSelector {
    let requirement = Requirement::parse(key, "Exists", vec![]).unwrap();
    LabelSelector::new(Labels::new(), vec![requirement]).unwrap()
}

fn twice() -> Selectors {
    vec![Ok(selector("a")), Ok(selector("b")), Ok(selector("a"))]
}

/// As the conversion from the API makes it.
fn written(key: &str, operator: &str, values: &[&str], times: usize) -> Selectors {
    let values: Vec<String> = values.iter().map(|value| name(value)).collect();
    let one = || Requirement::parse(key, operator, values.clone());
    let all: Result<Vec<_>, SelectorError> = (0..times).map(|_| one()).collect();
    vec![all.and_then(|all| LabelSelector::new(Labels::new(), all))]
}

fn allocation(spec: &mut PoolSpec) -> &mut ServiceAllocation {
    spec.service_allocation.get_or_insert_default()
}

const POOLS: &[(PoolChange, &str)] = &[
    (
        |s| s.addresses.clear(),
        "spec.addresses is empty: add a range or a CIDR",
    ),
    (
        |s| s.addresses = vec![name("192.168.1.200")],
        "spec.addresses: 192.168.1.200 is a single address: write it with a mask, 192.168.1.200/32",
    ),
    (
        |s| s.addresses = vec![name("192.168.1.9-192.168.1.3")],
        "spec.addresses: \"192.168.1.9-192.168.1.3\" is inverted: 192.168.1.9 lies behind 192.168.1.3; swap the two ends",
    ),
    (
        |s| s.addresses = vec![name("fd00::9-fd00::3")],
        "spec.addresses: \"fd00::9-fd00::3\" is inverted: fd00::9 lies behind fd00::3; swap the two ends",
    ),
    (
        |s| s.addresses = vec![name("192.168.1.9-fd00::3")],
        "spec.addresses: \"192.168.1.9-fd00::3\" mixes IPv4 and IPv6: write one range for each family",
    ),
    (
        |s| s.addresses = vec![name("192.168.1.0/28"), name("192.168.1.15-192.168.1.20")],
        "spec.addresses: 192.168.1.15-192.168.1.20 overlaps an earlier entry: remove one of the two",
    ),
    (
        |s| s.addresses = vec![name("fd00::/120"), name("fd00::/120")],
        "spec.addresses: fd00::/120 overlaps an earlier entry: remove one of the two",
    ),
    (
        |s| allocation(s).namespaces = vec![name("media"), name("web"), name("media")],
        "spec.serviceAllocation.namespaces: \"media\" stands here twice: remove one of the two",
    ),
    (
        |s| allocation(s).namespace_selectors = twice(),
        "spec.serviceAllocation.namespaceSelectors: entries 0 and 2 are one selector: remove one of the two",
    ),
    (
        |s| allocation(s).service_selectors = twice(),
        "spec.serviceAllocation.serviceSelectors: entries 0 and 2 are one selector: remove one of the two",
    ),
    (
        |s| allocation(s).service_selectors = written("app", "Exists", &[], 2),
        "spec.serviceAllocation.serviceSelectors: the expression on \"app\" stands in matchExpressions twice: remove one of the two",
    ),
    (
        |s| allocation(s).service_selectors = written("app", "In", &["a", "a"], 1),
        "spec.serviceAllocation.serviceSelectors: \"a\" stands twice in the values of \"app\": remove one of the two",
    ),
    (
        |s| allocation(s).namespace_selectors = written("app", "Gt", &["1"], 1),
        "spec.serviceAllocation.namespaceSelectors: operator \"Gt\" is not one of In, NotIn, Exists, DoesNotExist",
    ),
    (
        |s| allocation(s).namespace_selectors = written("app", "NotIn", &[], 1),
        "spec.serviceAllocation.namespaceSelectors: operator NotIn on \"app\" needs at least one value",
    ),
    (
        |s| allocation(s).namespace_selectors = written("my app", "Exists", &[], 1),
        "spec.serviceAllocation.namespaceSelectors: \"my app\" is no label's key",
    ),
];

#[test]
fn what_metallb_refuses_of_a_pool_is_said_and_hands_out_nothing() {
    for (change, words_of_it) in POOLS {
        let mut object = pool_object("pool", 1, &["192.168.1.200/28"]);
        change(object.spec.as_mut().unwrap());
        let config = Config::new(&[object], &[], &[]);
        assert_eq!(config.usable().count(), 0, "{words_of_it}");
        let said = words(&config);
        let wanted = format!("IPAddressPool pool: {words_of_it}");
        assert!(
            said.len() == 1 && said[0].starts_with(&wanted),
            "{wanted}: {said:?}"
        );
        assert_eq!(config.problems[0].kind, ProblemKind::Invalid);
    }
}

type AdvertisementChange = fn(&mut AdvertisementSpec);

const ADVERTISEMENTS: &[(AdvertisementChange, &str)] = &[
    (
        |s| s.pools = vec![name("lan"), name("lan")],
        "spec.ipAddressPools: \"lan\" stands here twice: remove one of the two",
    ),
    (
        |s| s.pool_selectors = twice(),
        "spec.ipAddressPoolSelectors: entries 0 and 2 are one selector: remove one of the two",
    ),
    (
        |s| s.node_selectors = twice(),
        "spec.nodeSelectors: entries 0 and 2 are one selector: remove one of the two",
    ),
    (
        |s| s.service_selectors = twice(),
        "spec.serviceSelectors: entries 0 and 2 are one selector: remove one of the two",
    ),
    (
        |s| s.node_selectors = written("zone", "Exists", &[], 2),
        "spec.nodeSelectors: the expression on \"zone\" stands in matchExpressions twice: remove one of the two",
    ),
    (
        |s| s.node_selectors = written("zone", "NotIn", &["a", "b", "b"], 1),
        "spec.nodeSelectors: \"b\" stands twice in the values of \"zone\": remove one of the two",
    ),
    (
        |s| s.service_selectors = written("zone", "Equals", &["a"], 1),
        "spec.serviceSelectors: operator \"Equals\" is not one of In, NotIn, Exists, DoesNotExist",
    ),
    (
        |s| s.preferred_nodes = vec![preferred(0, Ok(selector("a")))],
        "spec.preferredNodeSelectors[0].weight: 0 is no weight: write one from 1 to 100",
    ),
    (
        |s| {
            s.preferred_nodes = vec![
                preferred(100, Ok(selector("a"))),
                preferred(101, Ok(selector("b"))),
            ];
        },
        "spec.preferredNodeSelectors[1].weight: 101 is no weight: write one from 1 to 100",
    ),
    (
        |s| s.preferred_nodes = vec![preferred(1, written("zone", "Is", &["a"], 1).remove(0))],
        "spec.preferredNodeSelectors[0].preference: operator \"Is\" is not one of In, NotIn, Exists, DoesNotExist",
    ),
];

fn preferred(weight: i64, preference: Result<LabelSelector, SelectorError>) -> PreferredNodes {
    PreferredNodes { weight, preference }
}

#[test]
fn what_metallb_refuses_of_an_advertisement_is_said_and_counts_where_no_other_does() {
    for (change, words_of_it) in ADVERTISEMENTS {
        let mut spec = AdvertisementSpec {
            pools: vec![name("lan")],
            ..Default::default()
        };
        change(&mut spec);
        let config = Config::new(
            &[pool_object("lan", 1, &["192.168.1.200/28"])],
            &[
                advertisement("ad", spec),
                advertisement("good", AdvertisementSpec::default()),
            ],
            &[],
        );
        let said = words(&config);
        let wanted = format!("L2Advertisement ad: {words_of_it}");
        assert!(said.contains(&wanted), "{wanted}: {said:?}");
        let counted = config.advertisements_of(&config.pools["lan"]);
        let counted: Vec<&str> = counted.iter().map(|ad| ad.name.as_str()).collect();
        assert_eq!(counted, ["good"], "{words_of_it}");
    }
}
