//! Strategic merge patch, as `kubectl apply` sends it for kinds that it was compiled with.
//!
//! Lists merge by a key where the Go type says so (`patchStrategy:"merge" patchMergeKey:"…"`), and are replaced
//! elsewhere. Source: `k8s.io/apimachinery/pkg/util/strategicpatch` and the tags in `k8s.io/api/core/v1/types.go`.

use serde_json::{Map, Value};

use crate::apiserver::object::items;

/// How a list merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Merge {
    /// Items are objects; this field tells them apart.
    ByKey(&'static str),
    /// Items are plain values; the patch adds.
    Values,
    /// The patch's list takes the place of the old one.
    Replace,
}

/// Lists that merge: kind (empty for every kind), path, and how. `[]` stands for the items of a list.
#[rustfmt::skip]
const LISTS: &[(&str, &str, Merge)] = &[
    ("", "metadata.ownerReferences", Merge::ByKey("uid")),
    ("", "metadata.finalizers", Merge::Values),
    ("", "status.conditions", Merge::ByKey("type")),
    ("Service", "spec.ports", Merge::ByKey("port")),
    ("Node", "spec.podCIDRs", Merge::Values),
    ("Node", "status.addresses", Merge::ByKey("type")),
    ("Pod", "spec.containers", Merge::ByKey("name")),
    ("Pod", "spec.containers[].env", Merge::ByKey("name")),
    ("Pod", "spec.containers[].ports", Merge::ByKey("containerPort")),
    ("Pod", "spec.containers[].volumeMounts", Merge::ByKey("mountPath")),
    ("Pod", "spec.imagePullSecrets", Merge::ByKey("name")),
    ("Pod", "spec.volumes", Merge::ByKey("name")),
    ("Pod", "status.podIPs", Merge::ByKey("ip")),
    ("Pod", "status.hostIPs", Merge::ByKey("ip")),
    ("ServiceAccount", "secrets", Merge::ByKey("name")),
    ("ServiceAccount", "imagePullSecrets", Merge::ByKey("name")),
];

fn strategy(kind: &str, path: &str) -> Merge {
    let row = LISTS
        .iter()
        .find(|(of, list, _)| (of.is_empty() || *of == kind) && *list == path);
    row.map_or(Merge::Replace, |(_, _, merge)| *merge)
}

/// Applies a strategic merge patch to an object of `kind`.
pub(crate) fn strategic_merge(kind: &str, target: &mut Value, patch: &Value) -> Result<(), String> {
    merge_value(kind, "", target, patch)
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn merge_value(kind: &str, path: &str, target: &mut Value, patch: &Value) -> Result<(), String> {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return Ok(());
    };
    match changes.get("$patch").and_then(Value::as_str) {
        None | Some("merge") => {}
        Some("replace") => {
            *target = without_directives(changes);
            return Ok(());
        }
        Some("delete") => {
            *target = Value::Object(Map::new());
            return Ok(());
        }
        Some(other) => return Err(format!("unknown $patch directive {other:?} at {path:?}")),
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else {
        return Ok(());
    };
    if let Some(kept) = changes.get("$retainKeys") {
        fields.retain(|name, _| items(kept).iter().any(|kept| kept == name));
    }
    for (name, change) in changes.iter().filter(|(name, _)| !name.starts_with('$')) {
        merge_field(kind, &joined(path, name), fields, name, change)?;
    }
    for (directive, value) in changes {
        if let Some(name) = directive.strip_prefix("$deleteFromPrimitiveList/")
            && let Some(list) = fields.get_mut(name).and_then(Value::as_array_mut)
        {
            list.retain(|item| !items(value).contains(item));
        }
    }
    for (directive, order) in changes {
        if let Some(name) = directive.strip_prefix("$setElementOrder/")
            && let Some(list) = fields.get_mut(name).and_then(Value::as_array_mut)
        {
            set_order(strategy(kind, &joined(path, name)), list, items(order));
        }
    }
    Ok(())
}

fn merge_field(
    kind: &str,
    path: &str,
    fields: &mut Map<String, Value>,
    name: &str,
    change: &Value,
) -> Result<(), String> {
    if change.is_null() {
        fields.remove(name);
        return Ok(());
    }
    let slot = fields.entry(name).or_insert(Value::Null);
    match (change, strategy(kind, path)) {
        (Value::Array(changes), Merge::ByKey(key)) => merge_by_key(kind, path, key, slot, changes),
        (Value::Array(changes), Merge::Values) => {
            let mut list = items(slot).to_vec();
            list.extend(changes.iter().filter(|new| !items(slot).contains(new)).cloned());
            *slot = Value::Array(list);
            Ok(())
        }
        _ => merge_value(kind, path, slot, change),
    }
}

fn merge_by_key(
    kind: &str,
    path: &str,
    key: &str,
    slot: &mut Value,
    changes: &[Value],
) -> Result<(), String> {
    let replaces = |change: &&Value| change["$patch"] == "replace";
    let mut list = if changes.iter().any(|change| replaces(&change)) {
        Vec::new()
    } else {
        items(slot).to_vec()
    };
    for change in changes.iter().filter(|change| !replaces(change)) {
        if change[key].is_null() {
            return Err(format!(
                "{path}: the patch has an item without its merge key {key:?}"
            ));
        }
        let place = list.iter().position(|item| item[key] == change[key]);
        match (place, change["$patch"] == "delete") {
            (Some(place), true) => {
                list.remove(place);
            }
            (None, true) => {}
            (Some(place), false) => merge_value(kind, &format!("{path}[]"), &mut list[place], change)?,
            (None, false) => {
                let mut item = Value::Null;
                merge_value(kind, &format!("{path}[]"), &mut item, change)?;
                list.push(item);
            }
        }
    }
    *slot = Value::Array(list);
    Ok(())
}

/// Puts the listed items in the listed order. Items that the order does not name are the server's own; they keep their
/// place after the last listed one that stood before them.
fn set_order(merge: Merge, list: &mut Vec<Value>, order: &[Value]) {
    let rank = |item: &Value| {
        order.iter().position(|listed| match merge {
            Merge::ByKey(key) => listed[key] == item[key],
            Merge::Values | Merge::Replace => listed == item,
        })
    };
    let mut after = None;
    let mut placed: Vec<(Option<usize>, Value)> = Vec::new();
    for item in list.drain(..) {
        let own = rank(&item);
        after = own.map_or(after, |own| {
            Some(after.map_or(own, |after: usize| after.max(own)))
        });
        placed.push((own.or(after), item));
    }
    placed.sort_by_key(|(rank, _)| *rank);
    *list = placed.into_iter().map(|(_, item)| item).collect();
}

fn without_directives(fields: &Map<String, Value>) -> Value {
    let kept = fields.iter().filter(|(name, _)| !name.starts_with('$'));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}
