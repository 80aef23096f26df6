//! A document as lines that a diff can tell apart: one for each value, with the path that leads to it.

use std::collections::BTreeMap;

use serde_json::Value;

/// The document's values by path: `status.loadBalancer.ingress[0].ip` → `192.168.1.202`. What is empty is a value too.
pub(super) fn leaves(document: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect("", document, &mut found);
    found
}

fn collect(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                collect(&format!("{path}{dot}{key}"), value, found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                collect(&format!("{path}[{index}]"), item, found);
            }
        }
        Value::String(text) => {
            found.insert(path.to_owned(), text.clone());
        }
        other => {
            found.insert(path.to_owned(), other.to_string());
        }
    }
}

/// What became of a document: `path: old -> new`, `path: old -> nothing`, in the order of the paths.
pub(super) fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    let shown = |value: Option<&String>| value.map_or("nothing", String::as_str).to_owned();
    paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| {
            format!(
                "{path}: {} -> {}",
                shown(before.get(path)),
                shown(after.get(path))
            )
        })
        .collect()
}

#[cfg(test)]
mod tests;
