//! `MikrotikRouters`.

use std::time::Duration;

use tiklb_core::config::object::{ArpRows, Assignment, Evict, RouterMode};
use tiklb_core::model::Timestamp;

use super::super::Known;
use super::super::router::{SecretKey, SeenRouter, router};
use super::*;

const HEAD: &str =
    "apiVersion: tiklb.io/v1alpha1, kind: MikrotikRouter, metadata: {name: r, namespace: metallb-system}";

/// A router with these further fields of its spec.
fn with(fields: &str) -> Known<SeenRouter> {
    kept(router(object(&format!(
        "{{{HEAD}, spec: {{url: 'https://192.168.1.1', clusterName: home, credentialsSecretRef: {{name: mikrotik}}, {fields}}}}}"
    ))))
}

const EVERY_FIELD: &str = r#"
        apiVersion: tiklb.io/v1alpha1
        kind: MikrotikRouter
        metadata:
          name: router
          namespace: metallb-system
          uid: u1
          resourceVersion: "9"
          generation: 3
          finalizers: [other/one, tiklb.io/release]
          annotations: {tiklb.io/confirm: 00c0ffee}
          deletionTimestamp: "2026-01-02T00:00:00Z"
        spec:
          url: https://router.lan
          clusterName: home
          credentialsSecretRef: {name: mikrotik}
          tls: {caSecretRef: {name: mikrotik-ca}, pins: ["sha256/x"], serverName: router}
          mode: DryRun
          acceptUntestedVersion: true
          poolSelector: {matchLabels: {zone: lan}}
          dhcp: {shrinkPools: false, minFreeAddresses: 3, pools: [ppp], evict: OnRequest}
          reservations: {leases: false, arp: Never}
          assignment: Surveyed
          pollInterval: 1m
          releaseDelay: 1h
          adoptFrom: 0a1b2c3d-0000-4000-8000-000000000000
          acceptSerial: NEW
        status:
          identity: MikroTik
          serial: OLD
          confirmed: {hash: 0badcafe, removals: "12345678 deadbeef"}
          taken:
            - {pool: dhcp_pool, server: defconf, ranges: "192.168.1.200-192.168.1.204,192.168.1.206", since: "2026-01-01T00:00:00Z"}
        "#;

#[test]
fn a_router_with_every_field() {
    let known = kept(router(object(EVERY_FIELD)));
    let SeenRouter { object, access } = known.value;
    let access = access.unwrap();
    assert_eq!(access.url, "https://router.lan");
    assert_eq!(access.secrets().collect::<Vec<_>>(), ["mikrotik-ca", "mikrotik"]);
    assert_eq!(
        access.ca,
        Some(SecretKey {
            secret: "mikrotik-ca".to_owned(),
            key: "ca.crt".to_owned()
        })
    );
    assert_eq!(
        (access.pins.len(), access.server_name.as_deref()),
        (1, Some("router"))
    );
    assert!(object.deleting && object.finalizer);
    assert_eq!((object.generation, object.resource_version.as_str()), (3, "9"));
    assert_eq!(
        (object.serial.as_deref(), object.identity.as_deref()),
        (Some("OLD"), Some("MikroTik"))
    );
    assert_eq!(
        object.taken[0].ranges,
        ranges("192.168.1.200-192.168.1.204,192.168.1.206")
    );
    assert_eq!(object.taken[0].since, Timestamp(1_767_225_600));
    assert_eq!(object.confirm.as_deref(), Some("00c0ffee"));
    assert_eq!(object.confirmed.word, "0badcafe");
    assert_eq!(
        object.confirmed.removals,
        ["12345678".to_owned(), "deadbeef".to_owned()].into()
    );
    let spec = object.spec.unwrap();
    assert_eq!(
        (spec.mode, spec.arp, spec.assignment),
        (RouterMode::DryRun, ArpRows::Never, Assignment::Surveyed)
    );
    assert_eq!(spec.pool_selector.match_labels.get("zone").unwrap(), "lan");
    assert_eq!(
        (spec.shrink_pools, spec.min_free_addresses, spec.leases),
        (false, 3, false)
    );
    assert_eq!(
        (spec.allowed_pools, spec.evict),
        (vec!["ppp".to_owned()], Evict::OnRequest)
    );
    assert_eq!(
        (spec.poll_interval, spec.release_delay),
        (Duration::from_mins(1), Duration::from_hours(1))
    );
    assert_eq!(spec.accept_serial.as_deref(), Some("NEW"));
    assert!(spec.accept_untested);
    assert_eq!(spec.unsupported, [""; 0]);
    assert_eq!(spec.adopt_from.as_deref(), Some("0a1b2c3d"));
    assert_eq!(known.stored.finalizers, ["other/one", "tiklb.io/release"]);
}

#[test]
fn what_this_version_does_not_act_on_is_named() {
    for (fields, named) in [
        ("tls: {pins: [p]}", None),
        ("tls: {caSecretRef: {name: ca}, serverName: router.lan}", None),
        ("dhcp: {evict: OnRequest}", None),
        ("reservations: {arp: Always}", None),
        ("adoptFrom: 1a2b3c4d", None),
        ("releaseDelay: 1h", None),
        (
            "tls: {pins: [p], serverName: router.lan}",
            Some("spec.tls.serverName"),
        ),
    ] {
        let unsupported = with(fields).value.object.spec.unwrap().unsupported;
        match named {
            None => assert_eq!(unsupported, [""; 0], "{fields}"),
            Some(named) => assert!(
                matches!(&unsupported[..], [one] if one.starts_with(named)),
                "{fields}: {unsupported:?}"
            ),
        }
    }
    let plain = kept(router(object(&format!(
        "{{{HEAD}, spec: {{url: 'http://192.168.1.1', allowPlainHttp: true, clusterName: home, credentialsSecretRef: {{name: m}}, tls: {{pins: [p]}}}}}}"
    ))));
    assert_eq!(
        plain.value.object.spec.unwrap().unsupported,
        ["spec.tls (spec.url is http)"]
    );
    let rows = with("reservations: {arp: Always}").value.object.spec.unwrap().arp;
    assert_eq!(rows, ArpRows::Always);
}

#[test]
fn a_spec_that_cannot_be_used_says_why_and_the_router_still_exists() {
    let bad = kept(router(object(&format!(
        "{{{HEAD}, spec: {{url: 'https://a', clusterName: home}}}}"
    ))));
    let why = bad.value.object.spec.unwrap_err();
    assert!(why.contains("credentialsSecretRef"), "{why}");
    assert_eq!(bad.value.access, None);
    assert_eq!(bad.value.object.key, key("metallb-system", "r"));
    let why = with("poolSelector: {matchExpressions: [{key: k, operator: Near}]}")
        .value
        .object
        .spec
        .unwrap_err();
    assert!(why.starts_with("spec.poolSelector: "), "{why}");
}

#[test]
fn a_record_that_cannot_be_read_stops_everything_on_the_router() {
    let known = kept(router(object(&format!(
        "{{{HEAD}, spec: {{url: 'https://a', clusterName: home, credentialsSecretRef: {{name: m}}}}, status: {{taken: [{{pool: p, ranges: a bit}}]}}}}"
    ))));
    let why = known.value.object.spec.unwrap_err();
    assert!(why.starts_with("status.taken[0].ranges: "), "{why}");
    assert!(known.value.access.is_some());
    assert!(known.value.object.record_unknown);
    let undecoded = kept(router(object(&format!("{{{HEAD}, spec: {{mode: Later}}}}"))));
    assert!(undecoded.value.object.record_unknown);
}
