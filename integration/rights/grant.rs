//! What roles and their bindings grant, as rendered manifests have them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Account, Action, Request};

/// One right of one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// Whose.
    pub account: Account,
    /// What it may do.
    pub action: Action,
    /// Of this object alone; `None`: of all.
    pub object: Option<String>,
    /// In this namespace alone; `None`: in all of them, and of what lies in none.
    pub namespace: Option<String>,
}

impl fmt::Display for Grant {
    /// `tiklb-speaker may list secrets tiklb-heartbeat in metallb-system`, `tiklb-speaker may watch nodes everywhere`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} may {}", self.account.name, self.action)?;
        if let Some(object) = &self.object {
            write!(f, " {object}")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in {namespace}"),
            None => write!(f, " everywhere"),
        }
    }
}

impl Grant {
    /// Whether the request needs no other right than this one.
    pub fn allows(&self, request: &Request) -> bool {
        self.account == request.account
            && self.action == request.action
            && self.reaches(request.namespace.as_ref(), request.object.as_ref())
    }

    /// Whether it allows all that `other` does.
    pub(super) fn includes(&self, other: &Self) -> bool {
        self.account == other.account
            && self.action == other.action
            && self.reaches(other.namespace.as_ref(), other.object.as_ref())
    }

    /// Whether this place and this object, or all of them, lie within its limits.
    fn reaches(&self, namespace: Option<&String>, object: Option<&String>) -> bool {
        let within = |limit: &Option<String>, asked| limit.is_none() || limit.as_ref() == asked;
        within(&self.namespace, namespace) && within(&self.object, object)
    }
}

/// A role's kind, namespace (empty for a `ClusterRole`) and name.
type Key<'a> = (&'a str, &'a str, &'a str);

/// All rights that the manifests grant to service accounts.
///
/// # Errors
/// A role is bound to somebody else, to nobody, or is not among the manifests; a rule is about paths.
pub fn grants(manifests: &[Value]) -> Result<BTreeSet<Grant>> {
    let roles: BTreeMap<Key<'_>, &Value> = manifests
        .iter()
        .filter(|object| ["Role", "ClusterRole"].contains(&kind(object)))
        .map(|role| ((kind(role), namespace(role), name(role)), role))
        .collect();
    let mut unbound: BTreeSet<Key<'_>> = roles.keys().copied().collect();
    let mut granted = BTreeSet::new();
    for binding in manifests {
        let place = match kind(binding) {
            "RoleBinding" => Some(namespace(binding).to_owned()),
            "ClusterRoleBinding" => None,
            _ => continue,
        };
        let doing = || format!("reading the {} {}", kind(binding), name(binding));
        let key = key(binding);
        let role = roles.get(&key).with_context(|| {
            format!(
                "the {} {} is not among the manifests: nobody can say what it grants",
                key.0, key.2
            )
        });
        let rules = rules(role.with_context(doing)?).with_context(doing)?;
        unbound.remove(&key);
        for account in accounts(binding).with_context(doing)? {
            granted.extend(rules.iter().map(|(action, object)| Grant {
                account: account.clone(),
                action: action.clone(),
                object: object.clone(),
                namespace: place.clone(),
            }));
        }
    }
    ensure!(
        unbound.is_empty(),
        "roles that are bound to nobody: {unbound:?}: bind them, or take them out of the manifests"
    );
    Ok(granted)
}

/// Which role a binding is of.
fn key(binding: &Value) -> Key<'_> {
    let role = &binding["roleRef"];
    let place = if text(&role["kind"]) == "Role" {
        namespace(binding)
    } else {
        ""
    };
    (text(&role["kind"]), place, text(&role["name"]))
}

/// Whom a binding is for.
fn accounts(binding: &Value) -> Result<Vec<Account>> {
    let subjects = list(&binding["subjects"]).iter();
    subjects
        .map(|subject| {
            ensure!(
                text(&subject["kind"]) == "ServiceAccount",
                "it is for {subject}, and only requests of service accounts are judged"
            );
            Ok(Account {
                namespace: text(&subject["namespace"]).to_owned(),
                name: text(&subject["name"]).to_owned(),
            })
        })
        .collect()
}

/// What a role allows, right by right, each with the object that it is limited to.
fn rules(role: &Value) -> Result<Vec<(Action, Option<String>)>> {
    let mut rights = Vec::new();
    for rule in list(&role["rules"]) {
        ensure!(
            list(&rule["nonResourceURLs"]).is_empty(),
            "the rule {rule} is about paths, and only requests for objects are judged"
        );
        let names = list(&rule["resourceNames"]).iter();
        let mut objects: Vec<Option<String>> = names.map(|name| Some(text(name).to_owned())).collect();
        if objects.is_empty() {
            objects.push(None);
        }
        for group in list(&rule["apiGroups"]) {
            for resource in list(&rule["resources"]) {
                for verb in list(&rule["verbs"]) {
                    let action = Action {
                        verb: text(verb).to_owned(),
                        group: text(group).to_owned(),
                        resource: text(resource).to_owned(),
                    };
                    rights.extend(objects.iter().map(|object| (action.clone(), object.clone())));
                }
            }
        }
    }
    Ok(rights)
}

fn kind(object: &Value) -> &str {
    text(&object["kind"])
}

fn name(object: &Value) -> &str {
    text(&object["metadata"]["name"])
}

fn namespace(object: &Value) -> &str {
    text(&object["metadata"]["namespace"])
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
