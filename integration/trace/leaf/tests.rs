//! Documents, value by value.

use serde_json::json;

use super::{changes, leaves};

#[test]
fn every_value_has_its_path() {
    let document = json!({"spec": {"ports": [{"port": 80}], "selector": {}}, "kind": "Service"});
    let found: Vec<String> = leaves(&document)
        .into_iter()
        .map(|(path, value)| format!("{path} = {value}"))
        .collect();
    assert_eq!(
        found,
        ["kind = Service", "spec.ports[0].port = 80", "spec.selector = {}"]
    );
}

#[test]
fn changes_name_what_came_and_went() {
    let before = leaves(&json!({"same": 1, "gone": true, "count": 1}));
    let after = leaves(&json!({"same": 1, "count": 2, "new": "x"}));
    let expected = ["count: 1 -> 2", "gone: true -> nothing", "new: nothing -> x"];
    assert_eq!(changes(&before, &after), expected);
}
