//! A request, as an audit log has it.

use std::fmt;

use serde_json::Value;

use super::{Account, Action};

/// Where the API server notes what its authorizer said. The answer's code does not tell: admission refuses with 403, too.
const DECISION: &str = "authorization.k8s.io/decision";

/// What a service account asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// Who.
    pub account: Account,
    /// What.
    pub action: Action,
    /// Where; `None`: in all namespaces, or what lies in none.
    pub namespace: Option<String>,
    /// Which object; `None`: a list, or one that is being made.
    pub object: Option<String>,
    /// Whether it might.
    pub allowed: bool,
}

impl Request {
    /// Reads an Event of `audit.k8s.io/v1`, of the level Metadata or a higher one. `None` for what no role is needed for: a
    /// question of somebody who is no service account, one that nobody decided on, and one about the API itself (`/apis`)
    /// that everybody may ask.
    pub fn read(event: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let account = Account::of_user(event["user"]["username"].as_str()?)?;
        let allowed = event["annotations"][DECISION].as_str()? == "allow";
        let about = &event["objectRef"];
        let resource = match (text(&about["resource"]), text(&about["subresource"])) {
            (Some(resource), Some(part)) => format!("{resource}/{part}"),
            (Some(resource), None) => resource,
            (None, _) if allowed => return None,
            (None, _) => text(&event["requestURI"])?,
        };
        Some(Self {
            account,
            action: Action {
                verb: text(&event["verb"])?,
                group: text(&about["apiGroup"]).unwrap_or_default(),
                resource,
            },
            namespace: text(&about["namespace"]),
            object: text(&about["name"]),
            allowed,
        })
    }
}

impl fmt::Display for Request {
    /// `tiklb-speaker: get secrets mikrotik in metallb-system`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.account.name, self.action)?;
        if let Some(object) = &self.object {
            write!(f, " {object}")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in {namespace}"),
            None => Ok(()),
        }
    }
}
