//! Selectors, good and bad.

use serde_json::{Value, json};

use super::Selector;
use crate::apiserver::resource::{Resource, built_in};

fn resource(group: &str, plural: &str) -> Resource {
    built_in()
        .find(|resource| resource.group == group && resource.plural == plural)
        .unwrap()
}

fn by_labels(selector: &str, labels: &Value) -> bool {
    let selector = Selector::parse(&resource("", "services"), None, selector, "").unwrap();
    selector.matches(&json!({ "metadata": { "labels": labels } }))
}

#[test]
fn labels_match() {
    for (selector, labels, matches) in [
        ("", json!(null), true),
        ("a=1", json!({ "a": "1" }), true),
        ("a=1", json!({ "a": "2" }), false),
        ("a=1", json!(null), false),
        ("a==1,b", json!({ "a": "1", "b": "" }), true),
        ("a!=1", json!(null), true),
        ("a!=1", json!({ "a": "1" }), false),
        ("a in (1,2),b notin (3)", json!({ "a": "2", "b": "4" }), true),
        ("a in (1, 2)", json!({ "a": "3" }), false),
        ("a notin (1)", json!(null), true),
        ("!a", json!({ "a": "" }), false),
        ("a=", json!({ "a": "" }), true),
        ("example.com/a-b_c=x", json!({ "example.com/a-b_c": "x" }), true),
    ] {
        assert_eq!(by_labels(selector, &labels), matches, "{selector} on {labels}");
    }
}

#[test]
fn fields_match() {
    let pod = json!({ "metadata": { "name": "p", "namespace": "n" }, "spec": { "nodeName": "node-1" } });
    for (fields, matches) in [
        ("spec.nodeName=node-1", true),
        ("spec.nodeName==node-1,metadata.name=p", true),
        ("spec.nodeName!=node-1", false),
        ("status.phase=", true),
        ("metadata.namespace=other", false),
    ] {
        let selector = Selector::parse(&resource("", "pods"), None, "", fields).unwrap();
        assert_eq!(selector.matches(&pod), matches, "{fields}");
    }
    let node = json!({ "metadata": { "name": "n" } });
    let selector = Selector::parse(&resource("", "nodes"), None, "", "spec.unschedulable=false").unwrap();
    assert!(selector.matches(&node), "a missing flag is not set");
}

#[test]
fn events_are_found_under_either_name() {
    let event = json!({
        "metadata": { "name": "e" },
        "involvedObject": { "kind": "Service", "name": "web" },
        "reportingComponent": "tiklb.io/allocator",
        "source": {},
        "type": "Normal",
    });
    for (group, fields) in [
        (
            "",
            "involvedObject.name=web,involvedObject.kind=Service,type=Normal",
        ),
        ("", "source=tiklb.io/allocator"),
        ("", "reportingComponent=tiklb.io/allocator"),
        (
            "events.k8s.io",
            "regarding.name=web,reportingController=tiklb.io/allocator",
        ),
    ] {
        let selector = Selector::parse(&resource(group, "events"), None, "", fields).unwrap();
        assert!(selector.matches(&event), "{fields}");
    }
}

#[test]
fn the_namespace_narrows_too() {
    let selector = Selector::parse(&resource("", "services"), Some("home"), "", "").unwrap();
    assert!(selector.matches(&json!({ "metadata": { "namespace": "home" } })));
    assert!(!selector.matches(&json!({ "metadata": { "namespace": "work" } })));
    assert!(selector.is_plain());
}

#[test]
fn what_is_not_understood_is_refused() {
    let services = resource("", "services");
    for labels in [
        "a b",
        "a in 1",
        "a in (1",
        "a like (1)",
        "=1",
        "a>1",
        "(",
        "a=1,=b",
    ] {
        let refused = Selector::parse(&services, None, labels, "").expect_err(labels);
        assert_eq!(refused.code, 400, "{labels}");
    }
    for (group, plural, fields) in [
        ("", "services", "spec.externalName=a"),
        ("", "services", "metadata.name"),
        ("", "events", "regarding.name=a"),
        ("", "events", "involvedObject.labels=a"),
        ("events.k8s.io", "events", "involvedObject.name=a"),
        ("events.k8s.io", "events", "source=a"),
    ] {
        let refused = Selector::parse(&resource(group, plural), None, "", fields).expect_err(fields);
        assert_eq!(refused.code, 400, "{fields}");
    }
}
