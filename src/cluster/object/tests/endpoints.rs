//! `EndpointSlices` and the index over them.

use std::collections::BTreeSet;

use tiklb_core::allocator::Change;
use tiklb_core::model::NodeName;
use tiklb_core::model::service::Endpoints;

use super::super::endpoints::{EndpointIndex, Slice, slice};
use super::*;

fn endpoints(nodes: &[&str], nodeless: bool) -> Endpoints {
    Endpoints {
        nodes: nodes.iter().map(|node| NodeName::from(*node)).collect(),
        nodeless,
    }
}

#[test]
fn an_endpoint_serves_when_ready_or_unknown_or_still_serving() {
    for (conditions, serves) in [
        ("null", true),
        ("{}", true),
        ("{ready: true}", true),
        ("{ready: false}", false),
        ("{ready: false, serving: false, terminating: true}", false),
        ("{ready: false, serving: true, terminating: true}", true),
        ("{ready: true, serving: false}", true),
    ] {
        let yaml = format!(
            "{{metadata: {{name: s, namespace: home, labels: {{kubernetes.io/service-name: web}}}}, addressType: IPv4, \
             endpoints: [{{addresses: [10.42.0.1], nodeName: n1, conditions: {conditions}}}]}}"
        );
        let read = kept(slice(object(&yaml)));
        let expected = if serves {
            endpoints(&["n1"], false)
        } else {
            endpoints(&[], false)
        };
        assert_eq!(read.endpoints, expected, "{conditions}");
        assert_eq!((read.key, read.service), (key("home", "s"), key("home", "web")));
    }
}

#[test]
fn an_endpoint_without_a_node_serves_too() {
    let read = kept(slice(object(
        "{metadata: {name: s, labels: {kubernetes.io/service-name: web}}, addressType: IPv4, \
         endpoints: [{addresses: [10.42.0.1]}, {addresses: [10.42.0.2], nodeName: n1}]}",
    )));
    assert_eq!(read.endpoints, endpoints(&["n1"], true));
}

#[test]
fn a_slice_of_no_service_concerns_nobody() {
    for labels in ["{}", "null", "{kubernetes.io/service-name: ''}"] {
        let yaml = format!("{{metadata: {{name: s, labels: {labels}}}, addressType: IPv4, endpoints: []}}");
        assert_eq!(slice(object(&yaml)), Verdict::Ignore, "{labels}");
    }
}

fn part(name: &str, service: &str, nodes: &[&str]) -> Slice {
    Slice {
        key: key("home", name),
        service: key("home", service),
        endpoints: endpoints(nodes, false),
    }
}

fn names(services: BTreeSet<ObjectKey>) -> Vec<String> {
    services.into_iter().map(|service| service.name.clone()).collect()
}

#[test]
fn slices_of_one_service_add_up_and_changes_name_the_services() {
    let mut index = EndpointIndex::default();
    let listed = Change::Listed(vec![
        part("web-1", "web", &["n1"]),
        part("web-2", "web", &["n2"]),
        part("db-1", "db", &[]),
    ]);
    assert_eq!(names(index.apply(listed)), ["db", "web"]);
    assert_eq!(
        index.endpoints()[&key("home", "web")],
        endpoints(&["n1", "n2"], false)
    );
    assert!(!index.endpoints()[&key("home", "db")].any());

    let same = Change::Applied(part("web-1", "web", &["n1"]));
    assert_eq!(names(index.apply(same)), [""; 0]);
    let moved = Change::Applied(part("web-1", "web", &["n3"]));
    assert_eq!(names(index.apply(moved)), ["web"]);
    assert_eq!(
        index.endpoints()[&key("home", "web")],
        endpoints(&["n2", "n3"], false)
    );
    let handed_over = Change::Applied(part("web-1", "db", &["n3"]));
    assert_eq!(names(index.apply(handed_over)), ["db", "web"]);
    assert_eq!(names(index.apply(Change::Deleted(key("home", "web-2")))), ["web"]);
    assert_eq!(index.endpoints().get(&key("home", "web")), None);
    assert_eq!(names(index.apply(Change::Deleted(key("home", "web-2")))), [""; 0]);
}

#[test]
fn what_a_new_list_lacks_is_gone() {
    let mut index = EndpointIndex::default();
    index.apply(Change::Listed(vec![
        part("web-1", "web", &["n1"]),
        part("db-1", "db", &["n1"]),
    ]));
    let changed = index.apply(Change::Listed(vec![part("web-1", "web", &["n1"])]));
    assert_eq!(names(changed), ["db"]);
    assert_eq!(index.endpoints().len(), 1);
}
