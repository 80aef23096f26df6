//! Whether tiklb's accounts may do what tiklb does: the roles of `deploy/rbac`, asked right by right, so that it does not
//! matter by which roles and bindings a cluster gives them.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use serde_json::Value;
use tiklb_core::model::ObjectKey;

use crate::cli::doctor::facts::{MissingRight, Workload};
use crate::cli::doctor::neighbors::Maker;
use crate::cluster::inventory::{Inventory, Read};

/// What the allocator needs.
const ALLOCATOR: &str = include_str!("../../../../deploy/rbac/allocator.yaml");
/// What a speaker needs.
const SPEAKER: &str = include_str!("../../../../deploy/rbac/speaker.yaml");
/// Questions at once: there are about eighty, each a round trip.
const AT_ONCE: usize = 16;

/// One right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Right {
    /// In tiklb's namespace alone.
    pub(super) namespaced: bool,
    pub(super) group: String,
    pub(super) resource: String,
    pub(super) subresource: String,
    /// Of this object alone; empty: of all.
    pub(super) object: String,
    pub(super) verb: String,
}

/// The rights of the roles in a manifest.
pub(super) fn of(manifest: &str) -> BTreeSet<Right> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(manifest).unwrap_or_default();
    let mut rights = BTreeSet::new();
    for role in &documents {
        let namespaced = match role["kind"].as_str() {
            Some("Role") => true,
            Some("ClusterRole") => false,
            _ => continue,
        };
        for rule in words(&role["rules"]) {
            let none = [Value::from("")];
            let objects = rule["resourceNames"].as_array().map_or(&none[..], Vec::as_slice);
            for (group, resource, object, verb) in product(rule, objects) {
                let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                rights.insert(Right {
                    namespaced,
                    group: group.to_owned(),
                    resource: resource.to_owned(),
                    subresource: subresource.to_owned(),
                    object: object.to_owned(),
                    verb: verb.to_owned(),
                });
            }
        }
    }
    rights
}

fn words(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn product<'a>(
    rule: &'a Value,
    objects: &'a [Value],
) -> impl Iterator<Item = (&'a str, &'a str, &'a str, &'a str)> {
    let text = |value: &'a Value| value.as_str().unwrap_or_default();
    words(&rule["apiGroups"]).iter().flat_map(move |group| {
        words(&rule["resources"]).iter().flat_map(move |resource| {
            objects.iter().flat_map(move |object| {
                let verbs = words(&rule["verbs"]).iter();
                verbs.map(move |verb| (text(group), text(resource), text(object), text(verb)))
            })
        })
    })
}

/// What tiklb's accounts lack; `None` where nothing of tiklb's runs in `namespace`, so that no account is known.
pub(super) async fn missing(
    inventory: &Inventory,
    namespace: &str,
    workloads: &[Workload],
) -> Option<Read<Vec<MissingRight>>> {
    let ours = workloads
        .iter()
        .filter(|workload| workload.key.namespace == namespace && workload.maker() == Maker::Ours);
    let questions: BTreeSet<(ObjectKey, Right)> =
        ours.flat_map(|workload| questions(workload, namespace)).collect();
    if questions.is_empty() {
        return None;
    }
    let mut answers = stream::iter(questions)
        .map(|(account, right)| async move {
            let allowed = inventory.may(&account, right.attributes(namespace)).await;
            allowed.map(|allowed| {
                (!allowed).then(|| MissingRight {
                    account,
                    right: right.to_string(),
                })
            })
        })
        .buffered(AT_ONCE);
    let mut missing = Vec::new();
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(found) => missing.extend(found),
            Err(why) => return Some(Err(why)),
        }
    }
    Some(Ok(missing))
}

/// A Deployment is the allocator's, a DaemonSet the speakers'.
fn questions(workload: &Workload, namespace: &str) -> Vec<(ObjectKey, Right)> {
    let manifest = match workload.kind {
        "Deployment" => ALLOCATOR,
        "DaemonSet" => SPEAKER,
        _ => return Vec::new(),
    };
    let name = Some(&workload.service_account).filter(|name| !name.is_empty());
    let account = ObjectKey::new(namespace, name.map_or("default", String::as_str));
    of(manifest)
        .into_iter()
        .map(|right| (account.clone(), right))
        .collect()
}

impl Right {
    fn attributes(&self, namespace: &str) -> ResourceAttributes {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        ResourceAttributes {
            namespace: self.namespaced.then(|| namespace.to_owned()),
            group: some(&self.group),
            resource: some(&self.resource),
            subresource: some(&self.subresource),
            name: some(&self.object),
            verb: some(&self.verb),
            ..ResourceAttributes::default()
        }
    }
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if !self.object.is_empty() {
            write!(f, " {}", self.object)?;
        }
        Ok(())
    }
}
