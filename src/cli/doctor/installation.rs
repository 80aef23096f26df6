//! tiklb itself: its kinds, its leader, its rights.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionVersion,
};
use serde_json::Value;

use super::changeover::{install, is_installed};
use super::facts::{Facts, LeaderLease, MissingRight};
use super::finding::{Kind, Report, named};
use crate::api::crds;

/// A Lease that was not renewed for so long beyond its duration has no living holder, even where this machine's clock
/// and the holder's differ: both are set by NTP, or a person would know.
const GRACE: i64 = 30;
/// Where a version's schema stands.
const FIELDS: &str = "openAPIV3Schema";

/// All of it.
pub(super) fn check(facts: &Facts, report: &mut Report) {
    definitions(facts, report);
    leader(facts, report);
    rights(facts, report);
}

fn definitions(facts: &Facts, report: &mut Report) {
    let before = report.findings.len();
    let Some(installed) = report.seen("CustomResourceDefinitions", &facts.definitions) else {
        return;
    };
    let ours = crds();
    let mut missing = Vec::new();
    for definition in &ours {
        let name = definition.metadata.name.clone().unwrap_or_default();
        match installed.get(&name) {
            None => missing.push(name),
            Some(found) => {
                let lacks = lacking(definition, found);
                if !lacks.is_empty() {
                    report.find(
                        Kind::DefinitionOld,
                        format!("CustomResourceDefinition {name} lacks {}", named(lacks)),
                    );
                }
            }
        }
    }
    if !missing.is_empty() {
        report.find(
            Kind::DefinitionMissing,
            format!("not installed: {}", named(missing)),
        );
    }
    report.fine_since(
        before,
        format!(
            "the {} CustomResourceDefinitions are those of this version",
            ours.len()
        ),
    );
}

/// Fields of ours that the installed definition does not know, in our version of the kind.
fn lacking(ours: &CustomResourceDefinition, found: &CustomResourceDefinition) -> BTreeSet<String> {
    let mut lacks = BTreeSet::new();
    for version in &ours.spec.versions {
        let served = found.spec.versions.iter();
        let mut served = served.filter(|served| served.served && served.name == version.name);
        let Some(served) = served.next() else {
            lacks.insert(format!("version {}", version.name));
            continue;
        };
        let (ours, found) = (schema(version), schema(served));
        differ(&ours[FIELDS], &found[FIELDS], "", &mut lacks);
    }
    lacks
}

fn schema(version: &CustomResourceDefinitionVersion) -> Value {
    serde_json::to_value(&version.schema).unwrap_or_default()
}

/// Adds the paths of properties that `found` lacks; below one that it lacks nothing more is said.
fn differ(ours: &Value, found: &Value, path: &str, lacks: &mut BTreeSet<String>) {
    if found["x-kubernetes-preserve-unknown-fields"] == Value::Bool(true) {
        return;
    }
    for (name, property) in ours["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        match found["properties"].get(name) {
            Some(found) => differ(property, found, &path, lacks),
            None => _ = lacks.insert(path),
        }
    }
    if ours["items"].is_object() {
        differ(&ours["items"], &found["items"], &format!("{path}[]"), lacks);
    }
}

fn leader(facts: &Facts, report: &mut Report) {
    let Some(lease) = report.seen("the allocator's Lease", &facts.lease) else {
        return;
    };
    let name = crate::allocator::LEASE;
    let place = format!("Lease {}/{name}", facts.namespace);
    let fix = if is_installed(facts) {
        format!(
            "see the allocator's Pods: kubectl -n {} get pods -l app.kubernetes.io/component=allocator",
            facts.namespace
        )
    } else {
        absent(facts)
    };
    match lease {
        None => report.find_with(
            Kind::NoLeader,
            format!("{place} does not exist: no allocator has ever led"),
            fix,
        ),
        Some(LeaderLease { holder: None, .. }) => {
            report.find_with(
                Kind::NoLeader,
                format!("{place} has no holder: the last allocator was stopped"),
                fix,
            );
        }
        Some(
            lease @ LeaderLease {
                holder: Some(holder),
                renewed,
                ..
            },
        ) => {
            if leads(facts, lease) {
                report.fine.push(format!("allocator {holder} leads"));
            } else {
                let since = renewed.map_or("never".to_owned(), |at| format!("last at {at}"));
                report.find_with(
                    Kind::NoLeader,
                    format!("{place} of {holder} is not renewed any more ({since})"),
                    fix,
                );
            }
        }
    }
}

/// Whether its holder lives, as far as the clocks agree.
pub(super) fn leads(facts: &Facts, lease: &LeaderLease) -> bool {
    let age = lease
        .renewed
        .map_or(i64::MAX, |renewed| facts.now.as_second() - renewed.as_second());
    lease.holder.is_some() && age <= lease.seconds.saturating_add(GRACE)
}

/// What brings a process of tiklb's where nothing of it is installed.
pub(super) fn absent(facts: &Facts) -> String {
    format!("tiklb is not installed: {}", install(facts))
}

fn rights(facts: &Facts, report: &mut Report) {
    let before = report.findings.len();
    let Some(rights) = &facts.rights else {
        report.notes.push(format!(
            "no Deployment or DaemonSet of tiklb's in namespace {}: whether its accounts have their rights was not asked",
            facts.namespace
        ));
        return;
    };
    let Some(missing) = report.seen("the rights of tiklb's ServiceAccounts", rights) else {
        return;
    };
    let accounts: BTreeSet<_> = missing.iter().map(|missing| &missing.account).collect();
    for account in accounts {
        let of = missing.iter().filter(|missing| missing.account == *account);
        let lacks: Vec<&String> = of.map(|MissingRight { right, .. }| right).collect();
        report.find(
            Kind::RightMissing,
            format!("ServiceAccount {account} may not {}", named(lacks)),
        );
    }
    report.fine_since(before, "tiklb's ServiceAccounts have their rights");
}
