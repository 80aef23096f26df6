//! What an account on the router may do, and what it may not.
//!
//! Its group's policies are read; nothing is tried: a write that proves the right to write is a write.

use std::collections::BTreeSet;

use routeros::client::{Client, Error};
use routeros::menu::{Group, User};

/// What tiklb's account needs, all of it.
pub(in crate::cli) const NEEDED: [&str; 4] = ["api", "read", "rest-api", "write"];

/// What was found out.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) enum Account {
    /// Its row and its group were read.
    Known(Rights),
    /// They could not be looked at.
    Unknown(String),
}

/// The rights of an account.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Rights {
    pub(in crate::cli) group: String,
    /// Needed and not there.
    pub(in crate::cli) missing: Vec<&'static str>,
    /// There and not needed.
    pub(in crate::cli) surplus: Vec<String>,
    /// From where it may log in; empty: from anywhere.
    pub(in crate::cli) from: String,
}

impl Account {
    /// Looks `username` up. That this succeeds shows the policies rest-api, api and read already.
    pub(in crate::cli) async fn look(client: &Client, username: &str) -> Self {
        match Self::read(client, username).await {
            Ok(Some(rights)) => Self::Known(rights),
            Ok(None) => Self::Unknown(format!(
                "/user lists no {username}: it may come from RADIUS, whose policies are not told"
            )),
            Err(error) => Self::Unknown(error.to_string()),
        }
    }

    async fn read(client: &Client, username: &str) -> Result<Option<Rights>, Error> {
        let users = client.read::<User>().await?.rows;
        let Some(user) = users.into_iter().find(|user| user.name == username) else {
            return Ok(None);
        };
        let groups = client.read::<Group>().await?.rows;
        let group = groups.into_iter().find(|group| group.name == user.group);
        let policies = group.map(|group| group.policies).unwrap_or_default();
        Ok(Some(Rights::of(user, &policies)))
    }

    /// Whether it is known that it cannot write.
    pub(super) fn cannot_write(&self) -> bool {
        matches!(self, Self::Known(rights) if rights.missing.contains(&"write"))
    }

    /// The lines of the report.
    pub(super) fn lines(&self, username: &str) -> Vec<String> {
        let rights = match self {
            Self::Unknown(why) => {
                return vec![format!(
                    "account {username}: what it may do could not be looked at: {why}"
                )];
            }
            Self::Known(rights) => rights,
        };
        let mut lines = Vec::new();
        if rights.missing.is_empty() {
            lines.push(format!(
                "account {username} (group {}): has all that is needed: {}. That it may write was read, not tried",
                rights.group,
                NEEDED.join(", ")
            ));
        } else {
            lines.push(format!(
                "account {username} (group {}): LACKS {}: /user group set [find where name={}] policy={}",
                rights.group,
                rights.missing.join(", "),
                crate::cli::console::quoted(&rights.group),
                NEEDED.join(",")
            ));
        }
        if !rights.surplus.is_empty() {
            lines.push(format!(
                "account {username}: has more than is needed: {}. A user of its own is safer (deploy/routeros/setup.rsc)",
                rights.surplus.join(", ")
            ));
        }
        if rights.from.is_empty() {
            lines.push(format!(
                "account {username}: may log in from anywhere: /user set [find where name={}] address=… limits it to your nodes",
                crate::cli::console::quoted(username)
            ));
        }
        lines
    }
}

impl Rights {
    fn of(user: User, policies: &BTreeSet<String>) -> Self {
        let missing = NEEDED.into_iter().filter(|policy| !policies.contains(*policy));
        let surplus = policies
            .iter()
            .filter(|policy| !NEEDED.contains(&policy.as_str()));
        Self {
            group: user.group,
            missing: missing.collect(),
            surplus: surplus.cloned().collect(),
            from: user.address,
        }
    }
}
