//! The two faces of an event.

use serde_json::json;

use super::{stored_field, to_core_group, to_events_group};

#[test]
fn the_faces_turn_into_each_other() {
    let event = json!({
        "metadata": { "name": "e" },
        "regarding": { "name": "web" },
        "related": { "name": "node-1" },
        "note": "n",
        "reportingController": "tiklb.io/speaker",
        "reportingInstance": "i",
        "deprecatedSource": { "component": "c" },
        "deprecatedFirstTimestamp": null,
        "deprecatedLastTimestamp": null,
        "deprecatedCount": 3,
        "eventTime": null,
        "series": { "count": 2 },
        "type": "Normal",
        "reason": "r",
        "action": "a",
    });
    let core = to_core_group(&event);
    for (field, value) in [
        ("message", "n"),
        ("reportingComponent", "tiklb.io/speaker"),
        ("action", "a"),
    ] {
        assert_eq!(core[field], value, "{core}");
    }
    assert_eq!(
        (&core["involvedObject"]["name"], &core["count"]),
        (&json!("web"), &json!(3))
    );
    assert_eq!(to_events_group(&core), event);
}

#[test]
fn fields_of_selectors_follow() {
    assert_eq!(stored_field("regarding.name"), "involvedObject.name");
    assert_eq!(stored_field("reportingController"), "reportingComponent");
    assert_eq!(stored_field("metadata.name"), "metadata.name");
}
