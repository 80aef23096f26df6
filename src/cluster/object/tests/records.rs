//! What programs write: nodes, Pods, Secrets, announcements, conflicts, surveys.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tiklb_core::allocator::{Announcement, Change, SegmentRecord, SurveyRecord};
use tiklb_core::model::NodeName;

use super::super::announcement::announcement;
use super::super::conflict::conflict;
use super::super::namespace::namespace;
use super::super::node::{address_owner, candidate};
use super::super::pod::speaker;
use super::super::secret::secret;
use super::super::split_said;
use super::super::survey::{SurveyRound, survey};
use super::*;

const NODE: &str = r#"
    metadata: {name: n1, labels: {zone: a}}
    status:
      addresses:
        - {type: InternalIP, address: 192.168.1.11}
        - {type: Hostname, address: 192.168.1.99}
        - {type: ExternalIP, address: "fd00::b"}
        - {type: InternalIP, address: not-one}
      conditions: [{type: Ready, status: "True"}, {type: NetworkUnavailable, status: "STATUS"}]
    "#;

#[test]
fn a_namespace_has_labels_and_may_be_on_its_way_out() {
    let namespace = |more: &str| {
        let yaml = format!("{{metadata: {{name: apps, labels: {{zone: a}}{more}}}}}");
        kept(namespace(object(&yaml)))
    };
    let stays = namespace("");
    assert_eq!((stays.key, stays.deleting), (key("", "apps"), false));
    assert_eq!(stays.labels.get("zone").map(String::as_str), Some("a"));
    assert!(namespace(", deletionTimestamp: '2026-01-01T00:00:00Z'").deleting);
}

#[test]
fn a_nodes_own_addresses_are_its_internal_and_external_ones() {
    let owner = kept(address_owner(object(NODE)));
    assert_eq!(owner.key, key("", "n1"));
    assert_eq!(owner.addresses, ips(&["192.168.1.11", "fd00::b"]));
    for (status, unavailable) in [("True", true), ("False", false), ("Unknown", false)] {
        let node = kept(candidate(object(&NODE.replace("STATUS", status))));
        assert_eq!(node.network_unavailable, unavailable, "{status}");
        assert_eq!(
            (&*node.name.0, node.labels.get("zone").unwrap().as_str()),
            ("n1", "a")
        );
        assert_eq!(node.addresses, owner.addresses);
    }
    assert_eq!(
        kept(candidate(object("{metadata: {name: n2}}"))).addresses,
        ips(&[])
    );
}

/// Of a speaker that ends there none is expected back: what it announces is handed over while somebody still answers.
#[test]
fn a_node_is_leaving_when_it_is_cordoned_deleted_or_not_ready() {
    let table = [
        ("spec: {unschedulable: true}", true),
        ("spec: {unschedulable: false}", false),
        (
            "metadata: {name: n1, deletionTimestamp: '2026-01-01T00:00:00Z'}",
            true,
        ),
        // What a kubelet says of a machine that is being shut down.
        ("status: {conditions: [{type: Ready, status: 'False'}]}", true),
        // A kubelet that nobody hears of says nothing about its machine, which may well go on.
        ("status: {conditions: [{type: Ready, status: Unknown}]}", false),
        ("status: {conditions: [{type: Ready, status: 'True'}]}", false),
        (
            "status: {conditions: [{type: MemoryPressure, status: 'False'}]}",
            false,
        ),
        ("status: {}", false),
    ];
    for (yaml, leaving) in table {
        let node = kept(candidate(object(&format!("{{{yaml}}}"))));
        assert_eq!(node.leaving, leaving, "{yaml}");
    }
}

#[test]
fn a_speakers_pod_is_met_at_its_hosts_addresses() {
    let pod = |more: &str| {
        format!(
            "{{metadata: {{name: s, namespace: m, uid: u}}, spec: {{nodeName: n1, containers: []}}, status: {{{more}}}}}"
        )
    };
    let ready = "phase: Running, hostIP: 192.168.1.11, conditions: [{type: Ready, status: 'True'}]";
    let read = kept(speaker(object(&pod(ready))));
    assert_eq!(
        (&*read.node.0, read.addresses, read.ready),
        ("n1", ips(&["192.168.1.11"]), true)
    );
    let both = format!("{ready}, hostIPs: [{{ip: 192.168.1.11}}, {{ip: 'fd00::b'}}]");
    assert_eq!(
        kept(speaker(object(&pod(&both)))).addresses,
        ips(&["192.168.1.11", "fd00::b"])
    );
    let starting = "phase: Pending, hostIP: 192.168.1.11";
    assert!(!kept(speaker(object(&pod(starting)))).ready);
    assert_eq!(
        speaker(object("{metadata: {name: s}, spec: {containers: []}}")),
        Verdict::Ignore
    );
}

#[test]
fn a_secret_gives_its_values_and_shows_none() {
    let read = kept(secret(object(
        "{metadata: {name: m, namespace: n, resourceVersion: '3'}, data: {username: YWRtaW4=, password: aHVudGVyMg==}}",
    )));
    assert_eq!(read.get("password"), Some(b"hunter2".as_slice()));
    assert_eq!(read.get("token"), None);
    let shown = format!("{read:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("aHVudGVyMg") && shown.contains('m'),
        "{shown}"
    );
}

#[test]
fn an_announcement_is_read_metallbs_too() {
    let head = "apiVersion: metallb.io/v1beta1, kind: ServiceL2Status, metadata: {name: l2-x, namespace: m}";
    let ours = kept(announcement(object(&format!(
        "{{{head}, status: {{node: n1, serviceName: web, serviceNamespace: home, addresses: [192.168.1.200], mac: '02:00:00:00:00:01', epoch: 7}}}}"
    ))));
    let expected = Announcement {
        key: key("m", "l2-x"),
        service: key("home", "web"),
        addresses: ips(&["192.168.1.200"]),
        node: NodeName::from("n1"),
        mac: Some("02:00:00:00:00:01".parse().unwrap()),
        epoch: 7,
    };
    assert_eq!(ours.value, Some(expected));
    let metallbs = kept(announcement(object(&format!(
        "{{{head}, status: {{node: n1, serviceName: web, serviceNamespace: home}}}}"
    ))));
    let metallbs = metallbs.value.unwrap();
    assert_eq!(
        (metallbs.addresses, metallbs.mac, metallbs.epoch),
        (vec![], None, 0)
    );
    // Whoever writes it has to know that it is there.
    let silent = kept(announcement(object(&format!("{{{head}}}"))));
    assert_eq!(
        (&silent.value, silent.stored.status()),
        (&None, Some(Value::Null))
    );
    let (values, stored) = split_said(Change::Applied(silent.clone()));
    assert_eq!(values, Change::Deleted(key("m", "l2-x")));
    assert_eq!(stored, Change::Applied(silent.stored));
    assert!(matches!(
        announcement(object(&format!("{{{head}, status: {{epoch: many}}}}"))),
        Verdict::Unreadable(_)
    ));
}

#[test]
fn a_conflict_names_its_holder_and_who_saw_it() {
    let head =
        "apiVersion: tiklb.io/v1alpha1, kind: AddressConflict, metadata: {name: 192.168.1.207, namespace: m}";
    let read = |more: &str| conflict(object(&format!("{{{head}, {more}}}")));
    let one = kept(read(
        "spec: {address: 192.168.1.207}, status: {mac: 'aa:bb:cc:00:00:01', holder: phone, seenBy: [n1, n2]}",
    ));
    assert_eq!(one.value.address, ip("192.168.1.207"));
    assert_eq!(
        one.value.holder.to_string(),
        "phone (aa:bb:cc:00:00:01, seen by n1, n2)"
    );
    let many = kept(read(
        "spec: {address: 192.168.1.207}, status: {seenBy: [a, b, c, d, e]}",
    ));
    assert_eq!(many.value.holder.to_string(), "seen by a, b, c and 2 more");
    let unwritten = kept(read("spec: {address: 192.168.1.207}"));
    assert_eq!(unwritten.value.holder.to_string(), "see its AddressConflict");
    for bad in ["spec: {address: everywhere}", "spec: {}"] {
        assert!(matches!(read(bad), Verdict::Unreadable(_)), "{bad}");
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn round() -> SurveyRound {
    SurveyRound {
        subnet: "192.168.1.0/24".parse().unwrap(),
        gateways: ["192.168.1.1", "192.168.1.2"]
            .map(|ip| ip.parse().unwrap())
            .into(),
        seen: time("2026-01-01T00:00:30Z"),
        node: NodeName::from("n1"),
        covered: ranges("192.168.1.200-192.168.1.205,192.168.1.210"),
        occupied: ranges("192.168.1.203"),
        began: time("2026-01-01T00:00:00.5Z"),
        ended: time("2026-01-01T00:00:05Z"),
    }
}

#[test]
fn a_survey_comes_back_as_it_was_written() {
    let lease = round().lease("metallb-system");
    assert_eq!(lease.metadata.labels.as_ref().unwrap()["tiklb.io/survey"], "true");
    let expected = SurveyRecord {
        key: key("metallb-system", "tiklb-survey-192-168-1-0-24"),
        node: NodeName::from("n1"),
        covered: round().covered,
        occupied: round().occupied,
        took: Duration::from_millis(4500),
        age: Duration::from_secs(55),
        segment: Some(SegmentRecord {
            subnet: "192.168.1.0/24".parse().unwrap(),
            gateways: round().gateways,
            age: Duration::from_secs(30),
        }),
    };
    assert_eq!(kept(survey(&lease, time("2026-01-01T00:01:00Z"))), expected);
    let mut earlier = lease.clone();
    let annotations = earlier.metadata.annotations.as_mut().unwrap();
    annotations.retain(|name, _| ["tiklb.io/covered", "tiklb.io/occupied"].contains(&name.as_str()));
    let earlier = kept(survey(&earlier, time("2026-01-01T00:01:00Z")));
    assert_eq!(earlier.segment, None, "an earlier version's");
    assert_eq!(earlier.covered, expected.covered);
    let ahead = kept(survey(&lease, time("2025-12-31T00:00:00Z")));
    assert_eq!(ahead.age, Duration::ZERO, "its clock is ahead of ours");
}

#[test]
fn each_subnet_has_a_name_of_its_own() {
    for (subnet, name) in [
        ("192.168.1.77/24", "tiklb-survey-192-168-1-0-24"),
        ("10.0.0.0/8", "tiklb-survey-10-0-0-0-8"),
        ("fd00:1::/64", "tiklb-survey-fd00-1---64"),
    ] {
        assert_eq!(SurveyRound::lease_name(&subnet.parse().unwrap()), name);
    }
}

#[test]
fn a_survey_that_says_nothing_is_unreadable() {
    let now = time("2026-01-01T00:01:00Z");
    let mut garbled = round().lease("m");
    garbled
        .metadata
        .annotations
        .as_mut()
        .unwrap()
        .insert("tiklb.io/covered".to_owned(), "all of them".to_owned());
    let mut placeless = round().lease("m");
    let annotations = placeless.metadata.annotations.as_mut().unwrap();
    annotations.insert("tiklb.io/gateways".to_owned(), "fd00::1".to_owned());
    let mut nobodys = round().lease("m");
    nobodys.spec.as_mut().unwrap().holder_identity = None;
    let mut timeless = round().lease("m");
    timeless.spec.as_mut().unwrap().renew_time = None;
    for (lease, word) in [
        (garbled, "tiklb.io/covered"),
        (placeless, "tiklb.io/gateways"),
        (nobodys, "holderIdentity"),
        (timeless, "renewTime"),
    ] {
        let Verdict::Unreadable(why) = survey(&lease, now) else {
            panic!("{word}");
        };
        assert!(why.contains(word), "{why}");
    }
}
