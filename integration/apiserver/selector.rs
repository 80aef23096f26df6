//! Label and field selectors of lists and watches.

use serde_json::Value;

use super::event;
use super::object;
use super::resource::Resource;
use super::status::Refusal;

/// What a list or watch is narrowed to. The empty one lets everything through.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    namespace: Option<String>,
    labels: Vec<LabelRule>,
    fields: Vec<FieldRule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum LabelRule {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

#[derive(Debug, Clone)]
struct FieldRule {
    path: String,
    value: String,
    equal: bool,
}

impl Selector {
    /// Reads the `labelSelector` and `fieldSelector` of a request.
    pub(crate) fn parse(
        resource: &Resource,
        namespace: Option<&str>,
        labels: &str,
        fields: &str,
    ) -> Result<Self, Refusal> {
        let labels = split(labels)
            .into_iter()
            .map(|term| label_rule(&term))
            .collect::<Result<_, _>>()?;
        let fields = fields.split(',').filter(|term| !term.is_empty());
        let fields = fields
            .map(|term| field_rule(resource, term))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            namespace: namespace.map(str::to_owned),
            labels,
            fields,
        })
    }

    /// Nothing but the namespace narrows the result.
    pub(crate) fn is_plain(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// The stored object is among what was asked for.
    pub(crate) fn matches(&self, stored: &Value) -> bool {
        self.namespace
            .as_ref()
            .is_none_or(|namespace| object::namespace(stored) == namespace)
            && self
                .labels
                .iter()
                .all(|rule| rule.matches(&stored["metadata"]["labels"]))
            && self
                .fields
                .iter()
                .all(|rule| (field(stored, &rule.path) == rule.value) == rule.equal)
    }
}

impl LabelRule {
    fn matches(&self, labels: &Value) -> bool {
        let found = |key: &String| labels[key.as_str()].as_str();
        match self {
            Self::In(key, values) => {
                found(key).is_some_and(|value| values.iter().any(|other| other == value))
            }
            Self::NotIn(key, values) => {
                found(key).is_none_or(|value| values.iter().all(|other| other != value))
            }
            Self::Exists(key) => found(key).is_some(),
            Self::Missing(key) => found(key).is_none(),
        }
    }
}

/// Splits at the commas that stand outside of parentheses.
fn split(selector: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut depth = 0_u32;
    for letter in selector.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if letter == ',' && depth == 0 {
            terms.push(String::new());
        } else if let Some(term) = terms.last_mut() {
            term.push(letter);
        }
    }
    terms
        .into_iter()
        .map(|term| term.trim().to_owned())
        .filter(|term| !term.is_empty())
        .collect()
}

fn label_rule(term: &str) -> Result<LabelRule, Refusal> {
    let refused = || Refusal::bad_request(format!("unable to parse requirement: {term:?}"));
    let one = |value: &str| vec![value.trim().to_owned()];
    let rule = if let Some((key, value)) = term.split_once("!=") {
        LabelRule::NotIn(key.trim().to_owned(), one(value))
    } else if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        LabelRule::In(key.trim().to_owned(), one(value))
    } else if let Some((head, list)) = term.split_once('(') {
        let list = list.strip_suffix(')').ok_or_else(refused)?;
        let values = list.split(',').map(|value| value.trim().to_owned()).collect();
        match head.split_whitespace().collect::<Vec<_>>().as_slice() {
            [key, "in"] => LabelRule::In((*key).to_owned(), values),
            [key, "notin"] => LabelRule::NotIn((*key).to_owned(), values),
            _ => return Err(refused()),
        }
    } else if let Some(key) = term.strip_prefix('!') {
        LabelRule::Missing(key.trim().to_owned())
    } else {
        LabelRule::Exists(term.to_owned())
    };
    let (LabelRule::In(key, _) | LabelRule::NotIn(key, _) | LabelRule::Exists(key) | LabelRule::Missing(key)) =
        &rule;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if key.is_empty() || !key.chars().all(plain) {
        Err(refused())
    } else {
        Ok(rule)
    }
}

fn field_rule(resource: &Resource, term: &str) -> Result<FieldRule, Refusal> {
    let parts = [("!=", false), ("==", true), ("=", true)];
    let part = parts
        .iter()
        .find_map(|(sign, equal)| term.split_once(sign).map(|parts| (parts, *equal)));
    let Some(((path, value), equal)) = part else {
        return Err(Refusal::bad_request(format!(
            "invalid selector: {term:?}; can't understand {term:?}"
        )));
    };
    let in_events_group = resource.group == event::GROUP;
    let stored = if in_events_group {
        event::stored_field(path)
    } else {
        path.to_owned()
    };
    let foreign = in_events_group
        && (path.starts_with("involvedObject") || matches!(path, "reportingComponent" | "source"));
    if foreign || !selectable(resource, &stored) {
        return Err(Refusal::bad_request(format!("field label not supported: {path}")));
    }
    Ok(FieldRule {
        path: stored,
        value: value.to_owned(),
        equal,
    })
}

/// The fields that a real API server selects by, per kind (`pkg/apis/*/v1/conversion.go`).
fn selectable(resource: &Resource, path: &str) -> bool {
    if matches!(path, "metadata.name" | "metadata.namespace") {
        return true;
    }
    let fields: &[&str] = match resource.plural.as_str() {
        _ if resource.custom.is_some() => &[],
        "events" => &["reason", "reportingComponent", "source", "type"],
        "namespaces" => &["status.phase"],
        "nodes" => &["spec.unschedulable"],
        "pods" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "secrets" => &["type"],
        "services" => &["spec.clusterIP", "spec.type"],
        _ => &[],
    };
    let about = path.strip_prefix("involvedObject.").is_some_and(|field| {
        [
            "kind",
            "namespace",
            "name",
            "uid",
            "apiVersion",
            "resourceVersion",
            "fieldPath",
        ]
        .contains(&field)
    });
    fields.contains(&path) || about && resource.plural == "events"
}

fn field(stored: &Value, path: &str) -> String {
    let found = path.split('.').fold(stored, |value, name| &value[name]);
    match (path, found) {
        // An event's `source` selects by the component that reported it.
        ("source", _) => {
            let source = stored["source"]["component"]
                .as_str()
                .filter(|component| !component.is_empty());
            source
                .or(stored["reportingComponent"].as_str())
                .unwrap_or_default()
                .to_owned()
        }
        ("spec.unschedulable", Value::Null) => "false".to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Bool(flag)) => flag.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
