//! What service accounts may do against what they did: the roles of a chart, and an API server's audit log.
//!
//! A right that no request needed is one too many; a request that was refused and that no role allows is one too few.
//!
//! ```
//! use std::collections::BTreeSet;
//!
//! use lab::rights::{Request, grants, judge};
//! use serde_json::json;
//!
//! let role = json!({
//!     "kind": "Role", "metadata": {"name": "reader", "namespace": "here"},
//!     "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
//! });
//! let binding = json!({
//!     "kind": "RoleBinding", "metadata": {"name": "reader", "namespace": "here"},
//!     "roleRef": {"kind": "Role", "name": "reader"},
//!     "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "here"}],
//! });
//! let granted = grants(&[role, binding])?;
//! let asked = Request::read(&json!({
//!     "user": {"username": "system:serviceaccount:here:reader"},
//!     "verb": "get",
//!     "objectRef": {"resource": "pods", "namespace": "here", "name": "web-0"},
//!     "annotations": {"authorization.k8s.io/decision": "allow"},
//! }));
//! assert!(judge(&granted, &asked.into_iter().collect(), &[]).is_empty());
//! assert_eq!(judge(&granted, &BTreeSet::new(), &[]).len(), 1);
//! # Ok::<(), anyhow::Error>(())
//! ```

mod grant;
mod request;

use std::collections::BTreeSet;
use std::fmt;

pub use grant::{Grant, grants};
pub use request::Request;

/// A service account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    /// Where it lives.
    pub namespace: String,
    /// Its name there.
    pub name: String,
}

impl Account {
    /// The account behind a user's name, `system:serviceaccount:NAMESPACE:NAME`.
    pub fn of_user(user: &str) -> Option<Self> {
        let (namespace, name) = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
        Some(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }
}

/// A verb on a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Action {
    /// `get`, `list`, `watch`, `create`, …
    pub verb: String,
    /// The API group; empty for core.
    pub group: String,
    /// The plural, with a subresource as roles write it: `services/status`.
    pub resource: String,
}

impl fmt::Display for Action {
    /// `patch metallb.io/ipaddresspools/status`, `list services`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.group.is_empty() { "" } else { "/" };
        write!(f, "{} {}{separator}{}", self.verb, self.group, self.resource)
    }
}

/// What is wrong with the rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// No request needed it.
    Unused(Grant),
    /// It holds in every namespace, and was needed in the account's own alone.
    Wide(Grant),
    /// The second one allows all that the first one does.
    Twice(Grant, Grant),
    /// No role allows it.
    Refused(Request),
    /// An exception that is not one: the right is not granted, or was needed.
    NotExcepted(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unused(grant) => write!(
                f,
                "{grant}, and never did: take the right out of the chart, or play what needs it"
            ),
            Self::Wide(grant) => write!(
                f,
                "{grant}, and did in {} alone: a Role there is enough",
                grant.account.namespace
            ),
            Self::Twice(grant, wider) => {
                write!(f, "{grant}, though {wider}: take one of them out of the chart")
            }
            Self::Refused(request) => write!(
                f,
                "{request} was refused, and no role allows it: grant it in the chart, or do not ask"
            ),
            Self::NotExcepted(grant) => write!(
                f,
                "{grant}: stands among the exceptions, and was needed or is not granted at all: take it out of them"
            ),
        }
    }
}

/// Holds what is granted against what was asked for. `excepted` are rights that nothing could need when these requests were
/// made, as they are displayed, each with its reason.
///
/// A request that was refused though a role allows it is no finding: an account may ask before its role is bound, and after
/// it was taken away. Were it never bound, the right would not have been used.
pub fn judge(
    grants: &BTreeSet<Grant>,
    requests: &BTreeSet<Request>,
    excepted: &[(&str, &str)],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut exceptions: BTreeSet<&str> = excepted.iter().map(|(grant, _)| *grant).collect();
    for grant in grants {
        let wider = grants
            .iter()
            .find(|other| *other != grant && other.includes(grant));
        findings.extend(wider.map(|wider| Finding::Twice(grant.clone(), wider.clone())));
        let mut uses = requests
            .iter()
            .filter(|request| request.allowed && grant.allows(request))
            .peekable();
        if uses.peek().is_none() {
            if !exceptions.remove(grant.to_string().as_str()) {
                findings.push(Finding::Unused(grant.clone()));
            }
        } else if grant.namespace.is_none()
            && uses.all(|request| request.namespace.as_ref() == Some(&grant.account.namespace))
        {
            findings.push(Finding::Wide(grant.clone()));
        }
    }
    let left = exceptions.into_iter().map(str::to_owned);
    findings.extend(left.map(Finding::NotExcepted));
    findings.extend(missing(grants, requests).map(Finding::Refused));
    findings
}

/// What was refused and no role allows.
pub fn missing(grants: &BTreeSet<Grant>, requests: &BTreeSet<Request>) -> impl Iterator<Item = Request> {
    let refused = requests.iter().filter(|request| !request.allowed);
    refused
        .filter(|request| !grants.iter().any(|grant| grant.allows(request)))
        .cloned()
}

#[cfg(test)]
mod tests;
