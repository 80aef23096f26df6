//! Who we are to the router.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

/// A user name and a password. Neither is ever shown.
#[derive(Clone)]
pub struct Credentials {
    username: String,
    password: SecretString,
}

impl Credentials {
    /// The user's name and password; RouterOS allows an empty password.
    pub fn new(username: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
        }
    }

    pub(super) fn username(&self) -> &str {
        &self.username
    }

    pub(super) fn password(&self) -> &str {
        self.password.expose_secret()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([hidden])")
    }
}

/// The credentials in use. Each replacement is a new generation, so that a late 401 to the old ones does not count
/// against the new ones.
#[derive(Debug)]
pub(super) struct CredentialStore(RwLock<(Arc<Credentials>, Generation)>);

/// How many times the credentials were replaced.
pub(super) type Generation = u64;

impl CredentialStore {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self(RwLock::new((Arc::new(credentials), 0)))
    }

    pub(super) fn replace(&self, credentials: Credentials) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *current = (Arc::new(credentials), current.1 + 1);
    }

    pub(super) fn current(&self) -> (Arc<Credentials>, Generation) {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn generation(&self) -> Generation {
        self.current().1
    }
}
