//! Who may ask: bearer tokens and the users they stand for. There is no RBAC here; rights are judged on a real cluster.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Tokens given out so far. A user has one token, made when it is first asked for.
#[derive(Default)]
pub(crate) struct Access {
    users: Mutex<BTreeMap<String, String>>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

impl Access {
    /// The token of a user.
    pub(crate) fn token(&self, user: &str) -> String {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users
            .entry(user.to_owned())
            .or_insert_with(|| uuid::Uuid::new_v4().simple().to_string())
            .clone()
    }

    /// The user of an `Authorization` header; `None` where nobody holds that token.
    pub(crate) fn user(&self, authorization: Option<&str>) -> Option<String> {
        let token = authorization?.strip_prefix("Bearer ")?.trim();
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users
            .iter()
            .find(|(_, held)| *held == token)
            .map(|(user, _)| user.clone())
    }
}

/// A kubeconfig with everything in it.
pub(crate) fn kubeconfig(url: &str, ca_pem: &str, user: &str, token: &str) -> String {
    let ca = STANDARD.encode(ca_pem);
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: lab
  cluster:
    server: {url}
    certificate-authority-data: {ca}
users:
- name: {user:?}
  user:
    token: {token}
contexts:
- name: lab
  context:
    cluster: lab
    user: {user:?}
    namespace: default
current-context: lab
"
    )
}
