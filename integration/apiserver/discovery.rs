//! Discovery: which groups, versions and resources there are, in both forms that clients know.

mod openapi;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

pub(crate) use self::openapi::{document, index};
use super::resource::Resource;

/// Verbs of every resource.
const VERBS: [&str; 7] = ["create", "delete", "get", "list", "patch", "update", "watch"];
/// Verbs of `/status`.
const STATUS_VERBS: [&str; 3] = ["get", "patch", "update"];

type Groups<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a Arc<Resource>>>>;

fn groups(resources: &[Arc<Resource>]) -> Groups<'_> {
    let mut groups = Groups::new();
    for resource in resources {
        groups
            .entry(&resource.group)
            .or_default()
            .entry(&resource.version)
            .or_default()
            .push(resource);
    }
    groups
}

/// `/api` in its older form.
pub(crate) fn core_versions(address: &str) -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": address }],
    })
}

/// `/apis` in its older form.
pub(crate) fn group_list(resources: &[Arc<Resource>]) -> Value {
    let groups = groups(resources);
    let groups: Vec<Value> = groups
        .iter()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, versions)| group_value(name, versions))
        .collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

/// `/apis/<group>`; `None` where nobody has it.
pub(crate) fn group(resources: &[Arc<Resource>], name: &str) -> Option<Value> {
    let groups = groups(resources);
    let mut group = group_value(name, groups.get(name).filter(|_| !name.is_empty())?);
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    Some(group)
}

fn group_value(name: &str, versions: &BTreeMap<&str, Vec<&Arc<Resource>>>) -> Value {
    let version = |version: &&str| json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    let versions: Vec<Value> = ordered(versions).iter().map(version).collect();
    json!({ "name": name, "versions": versions, "preferredVersion": versions.first() })
}

/// Versions, the most stable first: v1, v1beta1, v1alpha1.
fn ordered<'a>(versions: &BTreeMap<&'a str, Vec<&Arc<Resource>>>) -> Vec<&'a str> {
    let mut versions: Vec<&str> = versions.keys().copied().collect();
    versions.sort_by_key(|version| {
        let stability = if version.contains("alpha") {
            2
        } else {
            u8::from(version.contains("beta"))
        };
        (stability, std::cmp::Reverse(*version))
    });
    versions
}

/// `/api/v1` and `/apis/<group>/<version>`; `None` where nobody has it.
pub(crate) fn resource_list(resources: &[Arc<Resource>], group: &str, version: &str) -> Option<Value> {
    let groups = groups(resources);
    let found = groups.get(group)?.get(version)?;
    let mut rows = Vec::new();
    for resource in found {
        rows.push(json!({
            "name": resource.plural,
            "singularName": resource.singular,
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": VERBS,
            "shortNames": resource.short_names,
            "categories": resource.categories,
        }));
        if resource.has_status {
            rows.push(json!({
                "name": format!("{}/status", resource.plural),
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": STATUS_VERBS,
            }));
        }
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    Some(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": rows,
    }))
}

/// `/api` (the core group alone) or `/apis` (all others) in the aggregated form.
pub(crate) fn aggregated(resources: &[Arc<Resource>], core: bool) -> Value {
    let groups = groups(resources);
    let items: Vec<Value> = groups
        .iter()
        .filter(|(name, _)| name.is_empty() == core)
        .map(|(name, versions)| {
            let versions: Vec<Value> = ordered(versions)
                .into_iter()
                .map(|version| {
                    let rows: Vec<Value> = versions[version]
                        .iter()
                        .map(|resource| aggregated_resource(resource))
                        .collect();
                    json!({ "version": version, "resources": rows, "freshness": "Current" })
                })
                .collect();
            let metadata = if core { json!({}) } else { json!({ "name": name }) };
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    })
}

fn aggregated_resource(resource: &Resource) -> Value {
    let kind = json!({ "group": resource.group, "version": resource.version, "kind": resource.kind });
    let mut row = json!({
        "resource": resource.plural,
        "responseKind": kind,
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": VERBS,
        "shortNames": resource.short_names,
        "categories": resource.categories,
    });
    if resource.has_status {
        row["subresources"] =
            json!([{ "subresource": "status", "responseKind": kind, "verbs": STATUS_VERBS }]);
    }
    row
}

#[cfg(test)]
mod tests;
