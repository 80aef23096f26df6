//! Pools and advertisements, also bad ones.

use tiklb_core::config::Config;
use tiklb_core::config::object::{PoolSpec, ServiceAllocation};
use tiklb_core::model::LabelSelector;
use tiklb_core::model::selector::SelectorError;

use super::super::advertisement::advertisement;
use super::super::configuration::configuration;
use super::super::pool::pool;
use super::super::reservation::reservation;
use super::*;

#[test]
fn a_pool_with_every_field() {
    let known = kept(pool(object(
        r#"
        apiVersion: metallb.io/v1beta1
        kind: IPAddressPool
        metadata: {name: home, namespace: metallb-system, uid: u1, resourceVersion: "7", labels: {zone: lan}}
        spec:
          addresses: [192.168.1.200-192.168.1.220, 10.0.0.0/28]
          autoAssign: false
          avoidBuggyIPs: true
          serviceAllocation:
            priority: 10
            namespaces: [a]
            namespaceSelectors: [{matchLabels: {x: "y"}}]
            serviceSelectors: [{matchExpressions: [{key: k, operator: Near, values: [v]}]}]
        status: {assignedIPv4: 1, assignedIPv6: 0, availableIPv4: 20, availableIPv6: 0}
        "#,
    )));
    assert_eq!(known.value.key, key("metallb-system", "home"));
    assert_eq!(known.value.labels.get("zone").unwrap(), "lan");
    let match_labels = [("x".to_owned(), "y".to_owned())].into_iter().collect();
    let expected = PoolSpec {
        addresses: vec!["192.168.1.200-192.168.1.220".to_owned(), "10.0.0.0/28".to_owned()],
        auto_assign: false,
        avoid_buggy_ips: true,
        service_allocation: Some(ServiceAllocation {
            priority: 10,
            namespaces: vec!["a".to_owned()],
            namespace_selectors: vec![Ok(LabelSelector {
                match_labels,
                match_expressions: vec![],
            })],
            service_selectors: vec![Err(SelectorError::UnknownOperator("Near".to_owned()))],
        }),
    };
    assert_eq!(known.value.spec, Ok(expected));
    assert_eq!(
        (
            known.stored.uid.0.as_str(),
            known.stored.resource_version.as_str()
        ),
        ("u1", "7")
    );
    assert_eq!(known.stored.status().unwrap()["availableIPv4"], 20);
}

#[test]
fn a_pool_that_cannot_be_decoded_exists_and_says_why() {
    let known = kept(pool(object(
        "{metadata: {name: home, namespace: metallb-system, uid: u1, labels: {a: b}}, spec: {addresses: 192.168.1.200/32}}",
    )));
    let why = known.value.spec.clone().unwrap_err();
    assert!(why.starts_with("spec.addresses: "), "{why}");
    assert!(
        why.contains("kubectl explain ipaddresspool.spec.addresses"),
        "{why}"
    );
    assert_eq!(known.value.labels.get("a").unwrap(), "b");
    assert_eq!(known.stored.uid.0, "u1");
    assert_eq!(known.stored.status, None, "its status is not known to be absent");
    let problems = Config::new(&[known.value], &[], &[]).problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
}

#[test]
fn a_reservation_is_read_with_what_its_status_is_about() {
    let known = kept(reservation(object(
        r"
        apiVersion: tiklb.io/v1alpha1
        kind: AddressReservation
        metadata: {name: photos, namespace: metallb-system, uid: u1, generation: 3, resourceVersion: '9'}
        spec: {address: 192.168.1.205, for: media/photos, note: Anna}
        status: {phase: Free}
        ",
    )));
    let spec = known.value.spec.clone().unwrap();
    assert_eq!(
        (spec.address.as_str(), spec.service.as_deref(), spec.note.as_str()),
        ("192.168.1.205", Some("media/photos"), "Anna")
    );
    assert_eq!(known.value.generation, 3);
    assert_eq!(known.stored.status().unwrap()["phase"], "Free");
    let bare = kept(reservation(object(
        "{metadata: {name: bare, namespace: metallb-system}, spec: {address: 192.168.1.205}}",
    )));
    let spec = bare.value.spec.unwrap();
    assert_eq!((spec.service, spec.note), (None, String::new()));
    let broken = kept(reservation(object(
        "{metadata: {name: broken, namespace: metallb-system}, spec: {address: [192.168.1.205]}}",
    )));
    let why = broken.value.spec.unwrap_err();
    assert!(
        why.starts_with("spec.address: ") && why.contains("kubectl explain addressreservation.spec.address"),
        "{why}"
    );
}

#[test]
fn an_advertisement_with_every_field_and_the_shortest() {
    let spec = kept(advertisement(object(
        r"
        apiVersion: metallb.io/v1beta1
        kind: L2Advertisement
        metadata: {name: lan, namespace: metallb-system}
        spec:
          ipAddressPools: [home]
          ipAddressPoolSelectors: [{matchLabels: {a: b}}]
          nodeSelectors: [{matchExpressions: [{key: k, operator: Exists}]}]
          serviceSelectors: [{matchExpressions: [{key: k, operator: In}]}]
          interfaces: [eth0]
          preferredNodeSelectors: [{weight: 1, preference: {}}]
        ",
    )))
    .value
    .spec
    .unwrap();
    assert_eq!(
        (spec.pools, spec.interfaces),
        (vec!["home".to_owned()], vec!["eth0".to_owned()])
    );
    assert_eq!((spec.pool_selectors.len(), spec.node_selectors.len()), (1, 1));
    assert!(matches!(
        spec.service_selectors[..],
        [Err(SelectorError::MissingValues { .. })]
    ));
    assert_eq!(spec.preferred_nodes.len(), 1);

    let shortest = kept(advertisement(object(
        "{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: {name: all}}",
    )));
    assert_eq!(
        shortest.value.spec,
        Ok(tiklb_core::config::object::AdvertisementSpec::default())
    );
    let bad = kept(advertisement(object(
        "{metadata: {name: bad}, spec: {interfaces: eth0}}",
    )));
    assert!(bad.value.spec.unwrap_err().starts_with("spec.interfaces: "));
}

#[test]
fn a_configuration_state_is_known_by_its_status() {
    let known = kept(configuration(object(
        "{apiVersion: metallb.io/v1beta1, kind: ConfigurationState, metadata: {name: controller}, status: {result: Valid}}",
    )));
    assert_eq!(known.stored.status().unwrap()["result"], "Valid");
    let bad = kept(configuration(object(
        "{metadata: {name: controller}, status: {result: Perhaps}}",
    )));
    assert_eq!(bad.stored.status, None);
}
