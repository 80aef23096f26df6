//! Schemas that the conformance checks do not reach: combinations, nesting, maps.

use serde_json::{Value, json};

use super::{Schema, bad_patterns, default_and_check, prune};

/// A whole schema around that of the spec.
fn root(spec: Value) -> Value {
    let mut root = json!({ "type": "object", "properties": {} });
    root["properties"]["spec"] = spec;
    root
}

/// The spec after pruning and defaulting, and what was found faulty.
fn admitted(schema: Value, spec: Value) -> (Value, Vec<String>) {
    let schema = root(schema);
    let mut object = json!({ "apiVersion": "v1", "kind": "A", "metadata": { "name": "a" } });
    object["spec"] = spec;
    prune(Schema::new(&schema), &mut object);
    let causes = default_and_check(Schema::new(&schema), &mut object);
    let causes = causes.iter().map(|cause| format!("{cause:?}")).collect();
    (object["spec"].take(), causes)
}

fn fits(schema: Value, value: Value) -> bool {
    admitted(schema, value).1.is_empty()
}

#[test]
fn defaults_reach_into_lists_and_maps() {
    let item = json!({ "type": "object", "properties": { "on": { "type": "boolean", "default": true } } });
    let schema = json!({
        "type": "object",
        "properties": {
            "list": { "type": "array", "items": item },
            "map": { "type": "object", "additionalProperties": item },
            "whole": { "type": "object", "default": { "on": false }, "properties": { "on": { "type": "boolean" } } },
        },
    });
    let (spec, causes) = admitted(
        schema,
        json!({ "list": [{}, { "on": false, "off": 1 }], "map": { "a": {} } }),
    );
    let wanted = json!({
        "list": [{ "on": true }, { "on": false }],
        "map": { "a": { "on": true } },
        "whole": { "on": false },
    });
    assert_eq!((spec, causes), (wanted, Vec::new()));
}

#[test]
fn a_default_below_a_missing_parent_is_not_set() {
    let inner = json!({ "type": "object", "properties": { "on": { "type": "boolean", "default": true } } });
    let schema = json!({ "type": "object", "properties": { "inner": inner } });
    assert_eq!(admitted(schema, json!({})).0, json!({}));
}

#[test]
fn unknown_fields_are_named_by_their_path() {
    let item = json!({ "type": "object", "properties": { "known": { "type": "string" } } });
    let schema =
        root(json!({ "type": "object", "properties": { "list": { "type": "array", "items": item } } }));
    let mut object =
        json!({ "spec": { "list": [{ "known": "" }, { "other": 1 }], "more": {} }, "status": {} });
    assert_eq!(
        prune(Schema::new(&schema), &mut object),
        ["spec.list[1].other", "spec.more", "status"]
    );
    assert_eq!(object, json!({ "spec": { "list": [{ "known": "" }, {}] } }));
}

#[test]
fn preserved_subtrees_keep_what_is_not_known() {
    let known = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let mut schema = json!({ "type": "object", "properties": { "known": known } });
    schema["x-kubernetes-preserve-unknown-fields"] = json!(true);
    let (spec, _) = admitted(
        schema,
        json!({ "free": { "deep": 1 }, "known": { "a": "", "b": 1 } }),
    );
    assert_eq!(spec, json!({ "free": { "deep": 1 }, "known": { "a": "" } }));
    let embedded = json!({ "type": "object", "x-kubernetes-embedded-resource": true, "properties": {} });
    let (spec, _) = admitted(
        embedded,
        json!({ "kind": "A", "apiVersion": "v1", "metadata": {}, "spec": {} }),
    );
    assert_eq!(spec, json!({ "kind": "A", "apiVersion": "v1", "metadata": {} }));
}

#[test]
fn combinations() {
    let either = json!({ "anyOf": [{ "required": ["a"] }, { "required": ["b"] }] });
    let one = json!({ "oneOf": [{ "required": ["a"] }, { "required": ["b"] }] });
    let both = json!({ "allOf": [{ "required": ["a"] }, { "required": ["b"] }] });
    let not = json!({ "not": { "required": ["a"] } });
    for (rule, with_a, with_both, with_none) in [
        (either, true, true, false),
        (one, true, false, false),
        (both, false, true, false),
        (not, false, false, true),
    ] {
        let mut schema = json!({ "type": "object", "properties": { "a": {}, "b": {} } });
        schema
            .as_object_mut()
            .unwrap()
            .extend(rule.as_object().unwrap().clone());
        assert_eq!(fits(schema.clone(), json!({ "a": 1 })), with_a, "{rule} with a");
        assert_eq!(
            fits(schema.clone(), json!({ "a": 1, "b": 1 })),
            with_both,
            "{rule} with both"
        );
        assert_eq!(fits(schema, json!({})), with_none, "{rule} with none");
    }
}

#[test]
fn bounds() {
    let number = |rule: &Value| {
        let mut schema = json!({ "type": "number" });
        schema
            .as_object_mut()
            .unwrap()
            .extend(rule.as_object().unwrap().clone());
        json!({ "type": "object", "properties": { "n": schema } })
    };
    for (rule, value, wanted) in [
        (json!({ "minimum": 1 }), json!(1), true),
        (json!({ "minimum": 1, "exclusiveMinimum": true }), json!(1), false),
        (json!({ "maximum": 1.5 }), json!(1.5), true),
        (
            json!({ "maximum": 1.5, "exclusiveMaximum": true }),
            json!(1.5),
            false,
        ),
        (json!({ "minimum": -3 }), json!(-4), false),
    ] {
        assert_eq!(
            fits(number(&rule), json!({ "n": value })),
            wanted,
            "{value} under {rule}"
        );
    }
    let time =
        json!({ "type": "object", "properties": { "t": { "type": "string", "format": "date-time" } } });
    assert!(fits(time.clone(), json!({ "t": "2026-01-02T03:04:05Z" })));
    assert!(!fits(time, json!({ "t": "today" })));
    let map = json!({ "type": "object", "maxProperties": 1, "additionalProperties": { "type": "string" } });
    assert!(fits(map.clone(), json!({ "a": "" })));
    assert!(!fits(map.clone(), json!({ "a": "", "b": "" })));
    assert!(!fits(map, json!({ "a": 1 })));
}

#[test]
fn entries_that_must_stand_once() {
    let list = |kind: &str| {
        let item = json!({ "type": "object", "properties": { "k": { "type": "string" }, "v": { "type": "string" } } });
        let list = json!({
            "type": "array",
            "items": item,
            "x-kubernetes-list-type": kind,
            "x-kubernetes-list-map-keys": ["k"],
        });
        json!({ "type": "object", "properties": { "list": list } })
    };
    let pair = json!({ "list": [{ "k": "a", "v": "1" }, { "k": "a", "v": "2" }] });
    assert!(!fits(list("map"), pair.clone()));
    assert!(fits(list("set"), pair.clone()));
    assert!(fits(list("atomic"), pair));
    assert!(!fits(
        list("set"),
        json!({ "list": [{ "k": "a" }, { "k": "a" }] })
    ));
}

#[test]
fn patterns_that_are_none_are_found_anywhere() {
    let schema = json!({
        "properties": {
            "pattern": { "type": "string", "pattern": "[" },
            "fine": { "type": "string", "pattern": "^a$", "default": { "pattern": "[" } },
            "list": { "items": { "anyOf": [{ "pattern": "(" }] } },
        },
    });
    let mut found = bad_patterns(&schema);
    found.sort_unstable();
    assert_eq!(found, ["(", "["]);
}
