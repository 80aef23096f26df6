//! Names, labels, annotations and finalizers at their limits.

use serde_json::{Value, json};

use super::check;
use crate::apiserver::resource::{Resource, built_in};

fn resource(plural: &str) -> Resource {
    built_in().find(|resource| resource.plural == plural).unwrap()
}

fn fits(plural: &str, metadata: &Value) -> bool {
    check(&resource(plural), &json!({ "metadata": metadata })).is_empty()
}

#[test]
fn names() {
    let (long, longer) = ("a".repeat(63), "a".repeat(253));
    for (plural, name, wanted) in [
        ("configmaps", "a.b-c.9", true),
        ("configmaps", longer.as_str(), true),
        ("configmaps", &format!("{longer}a"), false),
        ("configmaps", "-a", false),
        ("configmaps", "a_b", false),
        ("configmaps", "a..b", false),
        ("configmaps", "", false),
        ("services", long.as_str(), true),
        ("services", &format!("{long}a"), false),
        ("services", "a.b", false),
        ("namespaces", "a.b", false),
    ] {
        assert_eq!(
            fits(plural, &json!({ "name": name })),
            wanted,
            "{plural} {name:?}"
        );
    }
}

#[test]
fn maps_and_finalizers() {
    let (long, longer) = ("a".repeat(63), "a".repeat(64));
    let huge = "x".repeat(256 * 1024);
    for (field, value, wanted) in [
        ("labels", json!({ "a.b/c_D": "", "e": long }), true),
        ("labels", json!({ "a": longer }), false),
        ("labels", json!({ "a": "-b" }), false),
        ("labels", json!({ "a/b/c": "" }), false),
        ("labels", json!({ "A.b/c": "" }), false),
        ("annotations", json!({ "a.b/c": "anything at all\n" }), true),
        ("annotations", json!({ "a.b/": "" }), false),
        ("annotations", json!({ longer.as_str(): "" }), false),
        ("annotations", json!({ "a": huge }), false),
        ("finalizers", json!(["tiklb.io/row", "kubernetes"]), true),
        ("finalizers", json!(["row"]), false),
    ] {
        let metadata = json!({ "name": "one", field: value });
        assert_eq!(
            fits("configmaps", &metadata),
            wanted,
            "{field} {:.60}",
            metadata[field].to_string()
        );
    }
}
