//! Services.

use std::collections::BTreeSet;

use tiklb_core::model::object::Seniority;
use tiklb_core::model::service::{FamilyPolicy, Service};
use tiklb_core::model::{Family, Labels, Timestamp, Uid};

use super::super::service::service;
use super::*;

/// A Service with every field that matters, and some that do not.
const EVERY_FIELD: &str = r#"
        metadata:
          name: web
          namespace: home
          uid: 7e57
          resourceVersion: "42"
          creationTimestamp: "2026-01-01T00:00:00Z"
          deletionTimestamp: "2026-01-02T00:00:00Z"
          labels: {app: web}
          annotations:
            metallb.io/loadBalancerIPs: 192.168.1.200
            metallb.universe.tf/address-pool: home
            metallb.io/allow-shared-ip: web
            tiklb.io/use-existing-lease: "true"
            tiklb.iot/not: ours
            kubectl.kubernetes.io/last-applied-configuration: '{"much": "text"}'
          managedFields: [{manager: kubectl, operation: Update, apiVersion: v1, fieldsType: FieldsV1, fieldsV1: {}}]
        spec:
          type: LoadBalancer
          loadBalancerClass: tiklb.io/lan
          loadBalancerIP: 192.168.1.201
          clusterIP: 10.43.0.1
          clusterIPs: [10.43.0.1, "fd43::1"]
          ipFamilies: [IPv4, IPv6]
          ipFamilyPolicy: PreferDualStack
          externalTrafficPolicy: Local
          selector: {app: web}
          ports: [{port: 80}, {port: 53, protocol: UDP}]
        status:
          loadBalancer:
            ingress: [{ip: 192.168.1.200, ipMode: VIP}, {hostname: other.example}, {ip: "fd00::1"}]
"#;

#[test]
fn every_field_that_matters_is_read_and_nothing_else_is_kept() {
    let read = service(object(EVERY_FIELD));
    let expected = Service {
        key: key("home", "web"),
        uid: Uid("7e57".to_owned()),
        resource_version: "42".to_owned(),
        seniority: Seniority {
            created: Timestamp(1_767_225_600),
            key: key("home", "web"),
        },
        labels: Labels::from_iter([("app".to_owned(), "web".to_owned())]),
        annotations: Labels::from_iter(
            [
                ("metallb.io/loadBalancerIPs", "192.168.1.200"),
                ("metallb.universe.tf/address-pool", "home"),
                ("metallb.io/allow-shared-ip", "web"),
                ("tiklb.io/use-existing-lease", "true"),
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned())),
        ),
        is_load_balancer: true,
        class: Some("tiklb.io/lan".to_owned()),
        load_balancer_ip: Some("192.168.1.201".to_owned()),
        cluster_ips: ips(&["10.43.0.1", "fd43::1"]),
        ip_families: Family::BOTH.to_vec(),
        family_policy: Some(FamilyPolicy::PreferDualStack),
        local_traffic_only: true,
        selector: Labels::from_iter([("app".to_owned(), "web".to_owned())]),
        ports: BTreeSet::from([("TCP".to_owned(), 80), ("UDP".to_owned(), 53)]),
        ingress: ips(&["192.168.1.200", "fd00::1"]),
        ingress_altered: true,
        deleting: true,
    };
    assert_eq!(kept(read), expected);
}

#[test]
fn ports_and_selector_are_kept_of_who_may_share() {
    for (prefix, kept_of) in [
        ("metallb.io", true),
        ("metallb.universe.tf", true),
        ("example.org", false),
    ] {
        let text = EVERY_FIELD.replace("metallb.io/allow-shared-ip", &format!("{prefix}/allow-shared-ip"));
        let read = kept(service(object(&text)));
        assert_eq!(!read.ports.is_empty(), kept_of, "{prefix}");
        assert_eq!(!read.selector.is_empty(), kept_of, "{prefix}");
    }
}

#[test]
fn the_shortest_service_has_defaults() {
    let read = kept(service(object(
        "{metadata: {name: a, namespace: b}, spec: {type: LoadBalancer, clusterIP: 10.43.0.1, loadBalancerIP: ''}}",
    )));
    assert_eq!(read.cluster_ips, ips(&["10.43.0.1"]));
    assert_eq!(read.load_balancer_ip, None);
    assert!(!read.local_traffic_only && read.ports.is_empty() && read.ingress.is_empty() && !read.deleting);
    let headless = kept(service(object(
        "{metadata: {name: a}, spec: {type: LoadBalancer, clusterIP: None, clusterIPs: [None]}}",
    )));
    assert_eq!(headless.cluster_ips, ips(&[]));
}

#[test]
fn only_services_that_concern_a_load_balancer_are_kept() {
    for (what, yaml, is_kept) in [
        (
            "a cluster-internal one",
            "{metadata: {name: a}, spec: {type: ClusterIP}}",
            false,
        ),
        ("one without a spec", "{metadata: {name: a}}", false),
        (
            "one that still has an address",
            "{metadata: {name: a}, status: {loadBalancer: {ingress: [{ip: 10.0.0.1}]}}}",
            true,
        ),
        (
            "one that still has our annotation",
            "{metadata: {name: a, annotations: {metallb.io/ip-allocated-from-pool: p}}}",
            true,
        ),
        (
            "one with a host name from elsewhere",
            "{metadata: {name: a}, status: {loadBalancer: {ingress: [{hostname: x}]}}}",
            false,
        ),
    ] {
        let read = service(object(yaml));
        assert_eq!(matches!(read, Verdict::Keep(_)), is_kept, "{what}: {read:?}");
    }
}

#[test]
fn an_entry_that_we_would_not_write_is_noticed() {
    let altered = |entry: &str| {
        let text = "{metadata: {name: a, namespace: b}, spec: {type: LoadBalancer}, status: {loadBalancer: {ingress: [ENTRY]}}}";
        kept(service(object(&text.replace("ENTRY", entry)))).ingress_altered
    };
    assert!(altered("{ip: 192.168.1.200, ipMode: Proxy}"));
    assert!(altered("{ip: 192.168.1.200, hostname: cloud.example}"));
    assert!(!altered("{ip: 192.168.1.200, ipMode: VIP}"));
    assert!(!altered("{ip: 192.168.1.200}"), "what an old API server drops");
}
