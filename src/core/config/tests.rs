//! Good and bad objects, alone and together.

use std::net::IpAddr;

use proptest::prelude::*;

use super::object::{AdvertisementSpec, PreferredNodes, ServiceAllocation};
use super::*;

mod rules;

use crate::model::object::Seniority;
use crate::model::selector::SelectorError;
use crate::model::{Labels, ObjectKey, Timestamp};

fn pool_object(name: &str, created: i64, addresses: &[&str]) -> PoolObject {
    let key = ObjectKey::new("metallb-system", name);
    PoolObject {
        seniority: Seniority {
            created: Timestamp(created),
            key: key.clone(),
        },
        key,
        labels: Labels::new(),
        spec: Ok(PoolSpec {
            addresses: addresses.iter().map(|a| (*a).to_owned()).collect(),
            auto_assign: true,
            avoid_buggy_ips: false,
            service_allocation: None,
        }),
    }
}

fn advertisement(name: &str, spec: AdvertisementSpec) -> AdvertisementObject {
    let key = ObjectKey::new("metallb-system", name);
    AdvertisementObject {
        seniority: Seniority {
            created: Timestamp(0),
            key: key.clone(),
        },
        key,
        spec: Ok(spec),
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn words(config: &Config) -> Vec<String> {
    config.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_bad_pool_excludes_itself_and_names_the_entry() {
    let config = Config::new(
        &[
            pool_object("good", 1, &["192.168.1.200-192.168.1.220"]),
            pool_object("bad", 0, &["192.168.1.50-", "10.0.0.0/30"]),
        ],
        &[],
        &[],
    );
    assert_eq!(
        config.usable().map(|p| p.name.as_str()).collect::<Vec<_>>(),
        ["good"]
    );
    assert_eq!(config.problems.len(), 1);
    assert!(
        words(&config)[0].starts_with("IPAddressPool bad: spec.addresses: \"192.168.1.50-\""),
        "{:?}",
        words(&config)
    );
}

#[test]
fn of_two_overlapping_pools_the_younger_hands_out_nothing() {
    let elder = pool_object("zeta", 1, &["192.168.1.200-192.168.1.220"]);
    let younger = pool_object("alpha", 2, &["192.168.1.210-192.168.1.230"]);
    for objects in [[elder.clone(), younger.clone()], [younger.clone(), elder.clone()]] {
        let config = Config::new(&objects, &[], &[]);
        assert_eq!(
            config.usable().map(|p| p.name.as_str()).collect::<Vec<_>>(),
            ["zeta"]
        );
        assert_eq!(
            words(&config),
            [
                "IPAddressPool alpha: 192.168.1.210-192.168.1.220 is already in the older pool zeta: remove it from one of the two; \
              until then this pool hands out nothing"
            ]
        );
    }
}

#[test]
fn an_invalid_elder_excludes_nobody() {
    let elder = pool_object("broken", 1, &["192.168.1.200-192.168.1.220", "nonsense"]);
    let younger = pool_object("good", 2, &["192.168.1.200-192.168.1.220"]);
    let config = Config::new(&[elder, younger], &[], &[]);
    assert_eq!(
        config.usable().map(|p| p.name.as_str()).collect::<Vec<_>>(),
        ["good"]
    );
}

#[test]
fn assigned_addresses_stay_until_their_pool_validly_excludes_them() {
    let address = ip("192.168.1.200");
    let with = |pools: &[PoolObject], came_from: Option<&str>| {
        Config::new(pools, &[], &[])
            .keeper(address, came_from)
            .map(|k| k.name().to_owned())
    };
    let mut undecodable = pool_object("home", 1, &[]);
    undecodable.spec = Err("spec: missing field `addresses`".to_owned());

    assert_eq!(
        with(&[pool_object("home", 1, &["192.168.1.200/30"])], None).as_deref(),
        Some("home")
    );
    assert_eq!(
        with(&[pool_object("home", 1, &["garbage"])], Some("home")).as_deref(),
        Some("home"),
        "garbage excludes nothing"
    );
    assert_eq!(with(&[undecodable], Some("home")).as_deref(), Some("home"));
    assert_eq!(
        with(&[pool_object("home", 1, &["garbage", "192.168.1.200/30"])], None).as_deref(),
        Some("home"),
        "what can be read of it holds the address"
    );
    assert_eq!(
        with(&[pool_object("home", 1, &["garbage"])], None),
        None,
        "nothing says that it came from there"
    );
    assert_eq!(
        with(&[pool_object("home", 1, &["192.168.1.100/30"])], Some("home")),
        None,
        "shrunk by the user"
    );
    assert_eq!(with(&[], Some("home")), None, "deleted by the user");
}

#[test]
fn advertisements_select_pools_by_name_and_label() {
    let mut lan = pool_object("lan", 1, &["10.0.0.0/30"]);
    lan.labels.insert("zone".to_owned(), "lan".to_owned());
    let dmz = pool_object("dmz", 1, &["10.0.1.0/30"]);
    let by_label = LabelSelectorOf::label("zone", "lan");
    let config = Config::new(
        &[lan, dmz],
        &[
            advertisement("all", AdvertisementSpec::default()),
            advertisement(
                "by-name",
                AdvertisementSpec {
                    pools: vec!["dmz".into()],
                    ..Default::default()
                },
            ),
            advertisement(
                "by-label",
                AdvertisementSpec {
                    pool_selectors: vec![Ok(by_label)],
                    ..Default::default()
                },
            ),
        ],
        &[],
    );
    let names = |pool: &str| {
        config
            .advertisements_of(&config.pools[pool])
            .iter()
            .map(|a| a.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("lan"), ["all", "by-label"]);
    assert_eq!(names("dmz"), ["all", "by-name"]);
    assert!(config.problems.is_empty());
}

struct LabelSelectorOf;
impl LabelSelectorOf {
    fn label(key: &str, value: &str) -> crate::model::LabelSelector {
        crate::model::LabelSelector {
            match_labels: [(key.to_owned(), value.to_owned())].into_iter().collect(),
            match_expressions: vec![],
        }
    }
}

#[test]
fn a_broken_advertisement_counts_only_where_no_other_does() {
    let broken = advertisement(
        "broken",
        AdvertisementSpec {
            node_selectors: vec![Err(SelectorError::UnknownOperator("Gt".into()))],
            ..Default::default()
        },
    );
    let pool = pool_object("lan", 1, &["10.0.0.0/30"]);
    let alone = Config::new(std::slice::from_ref(&pool), std::slice::from_ref(&broken), &[]);
    assert_eq!(alone.advertisements_of(&alone.pools["lan"]).len(), 1);
    assert!(words(&alone)[0].contains("L2Advertisement broken: spec.nodeSelectors: operator \"Gt\""));
    let beside = Config::new(
        &[pool],
        &[broken, advertisement("good", AdvertisementSpec::default())],
        &[],
    );
    let names: Vec<_> = beside
        .advertisements_of(&beside.pools["lan"])
        .iter()
        .map(|a| a.name.clone())
        .collect();
    assert_eq!(names, ["good"]);
}

#[test]
fn unknown_pools_and_fields_without_effect_are_said() {
    let mut reserved = pool_object("lan", 1, &["10.0.0.0/30", "fd00::/126"]);
    if let Ok(spec) = &mut reserved.spec {
        spec.service_allocation = Some(ServiceAllocation::default());
    }
    let config = Config::new(
        &[reserved],
        &[advertisement(
            "ad",
            AdvertisementSpec {
                pools: vec!["lann".into()],
                interfaces: vec!["eth1".into()],
                ..Default::default()
            },
        )],
        &[],
    );
    let all = words(&config).join("\n");
    assert!(all.contains("\"lann\""), "{all}");
    assert!(!all.contains("IPv6"), "both families are announced: {all}");
    assert!(!all.contains("serviceAllocation"), "{all}");
}

proptest! {
    #[test]
    fn the_order_of_objects_never_matters(
        spans in proptest::collection::vec((0u8..60, 0u8..12, 0i64..4), 1..7),
        shuffle in any::<proptest::sample::Index>(),
    ) {
        let objects: Vec<PoolObject> = spans
            .iter()
            .enumerate()
            .map(|(i, (first, length, created))| {
                let text = format!("10.0.0.{first}-10.0.0.{}", first + length);
                pool_object(&format!("pool-{i}"), *created, &[&text])
            })
            .collect();
        let mut rotated = objects.clone();
        rotated.rotate_left(shuffle.index(objects.len()));
        rotated.reverse();
        let config = Config::new(&objects, &[], &[]);
        prop_assert_eq!(&config, &Config::new(&rotated, &[], &[]));
        for a in config.usable() {
            for b in config.usable().filter(|b| b.name != a.name) {
                prop_assert!(a.ranges.intersection(&b.ranges).is_empty(), "usable pools never overlap");
            }
        }
    }
}
