//! Events have two faces over one storage: core/v1 and events.k8s.io/v1.
//!
//! The stored form is core's; the mapping is the one of `k8s.io/kubernetes/pkg/apis/events/v1/conversion.go`.

use serde_json::{Map, Value, json};

use super::object;
use super::status::Cause;

/// The newer face's group.
pub(crate) const GROUP: &str = "events.k8s.io";

/// Field names: events.k8s.io/v1, then core/v1. Fields that are not listed have one name.
const FIELDS: &[(&str, &str)] = &[
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// Longest note, in bytes (`NoteLengthLimit`).
const NOTE_LIMIT: usize = 1024;
/// Longest reason, action and reporting instance, in bytes.
const WORD_LIMIT: usize = 128;

/// The events.k8s.io/v1 form of a core event.
pub(crate) fn to_events_group(core: &Value) -> Value {
    renamed(core, |name| {
        FIELDS
            .iter()
            .find(|(_, core)| *core == name)
            .map(|(events, _)| *events)
    })
}

/// The core form of an events.k8s.io/v1 event.
pub(crate) fn to_core_group(event: &Value) -> Value {
    renamed(event, |name| {
        FIELDS
            .iter()
            .find(|(events, _)| *events == name)
            .map(|(_, core)| *core)
    })
}

fn renamed(event: &Value, other: impl Fn(&str) -> Option<&'static str>) -> Value {
    let fields = event.as_object().into_iter().flatten();
    let fields = fields.map(|(name, value)| (other(name).unwrap_or(name).to_owned(), value.clone()));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// The field name as the stored form calls it: `regarding.name` is `involvedObject.name`.
pub(crate) fn stored_field(field: &str) -> String {
    let (head, rest) = field
        .split_once('.')
        .map_or((field, None), |(head, rest)| (head, Some(rest)));
    let head = FIELDS
        .iter()
        .find(|(events, _)| *events == head)
        .map_or(head, |(_, core)| core);
    rest.map_or_else(|| head.to_owned(), |rest| format!("{head}.{rest}"))
}

/// What a real API server fills in and refuses on creation (`ValidateEventCreate`). `strict` for events.k8s.io/v1.
pub(crate) fn create(event: &mut Value, strict: bool) -> Vec<Cause> {
    for (field, empty) in [("involvedObject", json!({})), ("source", json!({}))] {
        object::default(event, field, empty);
    }
    for field in ["reportingComponent", "reportingInstance"] {
        object::default(event, field, "");
    }
    for field in ["eventTime", "firstTimestamp", "lastTimestamp"] {
        object::default(event, field, Value::Null);
    }
    let mut causes = check(event);
    if strict {
        if event["eventTime"].is_null() {
            causes.push(Cause::required("eventTime"));
        }
        if !matches!(event["type"].as_str(), Some("Normal" | "Warning")) {
            causes.push(Cause::invalid("type", &event["type"], "has invalid value"));
        }
        for field in ["firstTimestamp", "lastTimestamp", "count"] {
            if !event[field].is_null() && event[field] != json!(0) {
                causes.push(Cause::invalid(field, &event[field], "needs to be unset"));
            }
        }
        check_series(event, &mut causes);
    }
    causes
}

/// What a real API server refuses on update: through events.k8s.io/v1 only `series` and metadata may change.
pub(crate) fn update(event: &Value, before: &Value, strict: bool) -> Vec<Cause> {
    let mut causes = check(event);
    if !strict {
        return causes;
    }
    if event["series"] != before["series"] {
        check_series(event, &mut causes);
    }
    let fixed = [
        "involvedObject",
        "reason",
        "message",
        "source",
        "firstTimestamp",
        "lastTimestamp",
        "count",
    ];
    let also = [
        "type",
        "eventTime",
        "action",
        "related",
        "reportingComponent",
        "reportingInstance",
    ];
    for field in fixed.into_iter().chain(also) {
        if event[field] != before[field] {
            causes.push(Cause::invalid(field, &event[field], "field is immutable"));
        }
    }
    causes
}

/// `legacyValidateEvent`.
fn check(event: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let own = object::namespace(event);
    let about = event["involvedObject"]["namespace"].as_str().unwrap_or_default();
    let timed = !event["eventTime"].is_null();
    let unnamespaced_ok = own == "default" || (timed && own == "kube-system");
    if about.is_empty() && !unnamespaced_ok || !timed && !about.is_empty() && about != own {
        let why = "does not match event.namespace";
        causes.push(Cause::invalid("involvedObject.namespace", &json!(about), why));
    }
    if timed {
        for field in ["reportingComponent", "reportingInstance", "action", "reason"] {
            let value = event[field].as_str().unwrap_or_default();
            if value.is_empty() {
                causes.push(Cause::required(field));
            } else if value.len() > WORD_LIMIT && field != "reportingComponent" {
                causes.push(Cause::invalid(
                    field,
                    &json!(""),
                    format!("can have at most {WORD_LIMIT} characters"),
                ));
            }
        }
        if event["message"]
            .as_str()
            .is_some_and(|note| note.len() > NOTE_LIMIT)
        {
            causes.push(Cause::invalid(
                "message",
                &json!(""),
                format!("can have at most {NOTE_LIMIT} characters"),
            ));
        }
    }
    causes
}

fn check_series(event: &Value, causes: &mut Vec<Cause>) {
    let series = &event["series"];
    if series.is_null() {
        return;
    }
    if series["count"].as_u64().unwrap_or_default() < 2 {
        causes.push(Cause::invalid(
            "series.count",
            &series["count"],
            "should be at least 2",
        ));
    }
    if series["lastObservedTime"].is_null() {
        causes.push(Cause::required("series.lastObservedTime"));
    }
}

#[cfg(test)]
mod tests;
