//! Merging, by the tables of RFC 7386 and of Kubernetes' own documentation.

use serde_json::{Value, json};

use super::{merge, strategic_merge};

#[test]
fn rfc_7386_appendix_a() {
    for (target, patch, wanted) in [
        (json!({ "a": "b" }), json!({ "a": "c" }), json!({ "a": "c" })),
        (
            json!({ "a": "b" }),
            json!({ "b": "c" }),
            json!({ "a": "b", "b": "c" }),
        ),
        (json!({ "a": "b" }), json!({ "a": null }), json!({})),
        (
            json!({ "a": "b", "b": "c" }),
            json!({ "a": null }),
            json!({ "b": "c" }),
        ),
        (json!({ "a": ["b"] }), json!({ "a": "c" }), json!({ "a": "c" })),
        (json!({ "a": "c" }), json!({ "a": ["b"] }), json!({ "a": ["b"] })),
        (
            json!({ "a": { "b": "c" } }),
            json!({ "a": { "b": "d", "c": null } }),
            json!({ "a": { "b": "d" } }),
        ),
        (
            json!({ "a": [{ "b": "c" }] }),
            json!({ "a": [1] }),
            json!({ "a": [1] }),
        ),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({ "a": "b" }), json!(["c"]), json!(["c"])),
        (json!({ "a": "foo" }), json!(null), json!(null)),
        (json!({ "a": "foo" }), json!("bar"), json!("bar")),
        (
            json!({ "e": null }),
            json!({ "a": 1 }),
            json!({ "e": null, "a": 1 }),
        ),
        (json!([1, 2]), json!({ "a": "b", "c": null }), json!({ "a": "b" })),
        (
            json!({}),
            json!({ "a": { "bb": { "ccc": null } } }),
            json!({ "a": { "bb": {} } }),
        ),
    ] {
        let mut merged = target.clone();
        merge(&mut merged, &patch);
        assert_eq!(merged, wanted, "{patch} onto {target}");
    }
}

fn service(ports: Value) -> Value {
    let mut service =
        json!({ "metadata": { "finalizers": ["a/1"] }, "spec": { "externalIPs": ["1.1.1.1"] } });
    service["spec"]["ports"] = ports;
    service
}

/// The ports of a Service after a patch of its spec.
fn ports_after(ports: Value, spec: &Value) -> Value {
    let mut service = service(ports);
    strategic_merge("Service", &mut service, &json!({ "spec": spec })).unwrap();
    service["spec"]["ports"].take()
}

#[test]
fn ports_merge_by_their_number() {
    let two = json!([{ "port": 80, "nodePort": 30080 }, { "port": 443 }]);
    for (patch, wanted) in [
        (
            json!({ "ports": [{ "port": 80, "name": "http" }] }),
            json!([{ "port": 80, "nodePort": 30080, "name": "http" }, { "port": 443 }]),
        ),
        (
            json!({ "ports": [{ "port": 8080 }] }),
            json!([two[0], two[1], { "port": 8080 }]),
        ),
        (
            json!({ "ports": [{ "port": 80, "$patch": "delete" }] }),
            json!([{ "port": 443 }]),
        ),
        (
            json!({ "ports": [{ "port": 81, "$patch": "delete" }] }),
            two.clone(),
        ),
        (
            json!({ "ports": [{ "port": 80, "nodePort": null }] }),
            json!([{ "port": 80 }, { "port": 443 }]),
        ),
        (
            json!({ "ports": [{ "$patch": "replace" }, { "port": 1 }] }),
            json!([{ "port": 1 }]),
        ),
        (json!({ "ports": null }), Value::Null),
    ] {
        assert_eq!(ports_after(two.clone(), &patch), wanted, "{patch}");
    }
}

#[test]
fn an_order_that_is_given_is_kept() {
    let three = json!([{ "port": 1 }, { "port": 2 }, { "port": 3 }]);
    let order = |ports: &[u32]| -> Value { ports.iter().map(|port| json!({ "port": port })).collect() };
    for (patch, wanted) in [
        (
            json!({ "$setElementOrder/ports": order(&[3, 1, 2]) }),
            order(&[3, 1, 2]),
        ),
        // What the order does not name stays behind what it stood behind.
        (
            json!({ "$setElementOrder/ports": order(&[3, 1]) }),
            order(&[3, 1, 2]),
        ),
        (
            json!({ "$setElementOrder/ports": order(&[4, 3, 2, 1]), "ports": [{ "port": 4 }] }),
            order(&[4, 3, 2, 1]),
        ),
        (
            json!({
                "$setElementOrder/ports": order(&[2, 4]),
                "ports": [{ "port": 4 }, { "port": 1, "$patch": "delete" }, { "port": 3, "$patch": "delete" }],
            }),
            order(&[2, 4]),
        ),
    ] {
        assert_eq!(ports_after(three.clone(), &patch), wanted, "{patch}");
    }
}

#[test]
fn other_lists_and_maps() {
    for (patch, path, wanted) in [
        // A list without a merge key is replaced.
        (
            json!({ "spec": { "externalIPs": ["2.2.2.2"] } }),
            "/spec/externalIPs",
            json!(["2.2.2.2"]),
        ),
        // A list of plain values merges where the type says so.
        (
            json!({ "metadata": { "finalizers": ["b/2", "a/1"] } }),
            "/metadata/finalizers",
            json!(["a/1", "b/2"]),
        ),
        (
            json!({ "metadata": { "$deleteFromPrimitiveList/finalizers": ["a/1"], "finalizers": ["b/2"] } }),
            "/metadata/finalizers",
            json!(["b/2"]),
        ),
        (
            json!({ "spec": { "$patch": "replace", "type": "ClusterIP" } }),
            "/spec",
            json!({ "type": "ClusterIP" }),
        ),
        (json!({ "spec": { "$patch": "delete" } }), "/spec", json!({})),
        (
            json!({ "spec": { "$retainKeys": ["externalIPs", "type"], "type": "ClusterIP" } }),
            "/spec",
            json!({ "externalIPs": ["1.1.1.1"], "type": "ClusterIP" }),
        ),
        (
            json!({ "metadata": { "annotations": { "a": "b" } } }),
            "/metadata/annotations",
            json!({ "a": "b" }),
        ),
    ] {
        let mut service = service(json!([{ "port": 80 }]));
        strategic_merge("Service", &mut service, &patch).unwrap();
        assert_eq!(service.pointer(path), Some(&wanted), "{patch}");
    }
}

#[test]
fn nested_lists_merge_by_their_own_keys() {
    let mut pod =
        json!({ "spec": { "containers": [{ "name": "a", "env": [{ "name": "x", "value": "1" }] }] } });
    let env = json!([{ "name": "y", "value": "2" }]);
    let patch = json!({ "spec": { "containers": [{ "name": "a", "env": env }, { "name": "b" }] } });
    strategic_merge("Pod", &mut pod, &patch).unwrap();
    let env = json!([{ "name": "x", "value": "1" }, { "name": "y", "value": "2" }]);
    assert_eq!(
        pod["spec"]["containers"],
        json!([{ "name": "a", "env": env }, { "name": "b" }])
    );
}

#[test]
fn patches_that_cannot_be_meant_are_refused() {
    for patch in [
        json!({ "spec": { "ports": [{ "name": "http" }] } }),
        json!({ "spec": { "$patch": "explode" } }),
        json!({ "spec": { "ports": [{ "port": 80, "$patch": "explode" }] } }),
    ] {
        let mut service = service(json!([{ "port": 80 }]));
        assert!(
            strategic_merge("Service", &mut service, &patch).is_err(),
            "{patch}"
        );
    }
}
