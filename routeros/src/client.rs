//! The client: one router, one request at a time, nothing written that was not looked at first.
//!
//! A request passes these layers, outermost first:
//! 1. *retry*: reads alone, few times, after transport errors and 5xx answers;
//! 2. *outlive*: the request runs on a task of its own. RouterOS can deliver the answer of a request that was
//!    abandoned to the next one, so that dropping a caller's future must not abandon the request;
//! 3. *one in flight*: the next request waits until that task is done;
//! 4. *breaker*: after a 401 further requests fail at once, for a growing time or until the credentials change;
//! 5. *settle*: after a transport error the next request waits, and then takes a new connection;
//! 6. *permit*: a write whose decider may not write any more is not sent;
//! 7. *observe*: the outcome and the duration of what was really sent;
//! 8. *deadline*: a read's or a write's own timeout;
//! 9. *transport*: HTTP.

use std::sync::Arc;

use serde_json::Value;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

mod call;
mod credentials;
mod endpoint;
mod error;
mod observer;
mod presented;
mod reading;
mod refusal;
mod resolver;
mod stack;
#[cfg(test)]
mod tests;
mod transport;
mod trust;
mod write;

pub use credentials::Credentials;
pub use endpoint::{Endpoint, Timeouts};
pub use error::{CertificateProblem, Error, NoConnection, Permission};
pub use observer::{Observer, RequestKind, RequestReport};
pub use presented::{Presented, presented};
pub use stack::Permit;
pub use trust::{InvalidPin, SpkiPin, Trust};
pub use write::Outcome;

use crate::menu::{self, BadRow, Listing, Rows, Singleton, Table};
use crate::value::{RowId, Version};
use call::{Answer, Call, Failure};
use credentials::CredentialStore;
use stack::PermitStore;
use transport::Transport;

/// The stack below a client, and the seam for tests.
type Stack = BoxCloneSyncService<Call, Answer, Failure>;

/// A client of one router. Clones share its state.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    stack: Stack,
    credentials: Arc<CredentialStore>,
    permits: PermitStore,
    /// The last version read: no write goes out before it is known to be new enough.
    version: std::sync::Mutex<Option<Version>>,
    /// A refusal that no known version gives, of a version that is not known: a reason to write nothing more.
    unfamiliar: std::sync::Mutex<Option<Error>>,
    /// Held from the look before a write until the look after it, so that no other write of ours comes in between.
    writing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client that reports its requests to nobody. Connects when the first request is made.
    ///
    /// # Errors
    /// [`Error::Configuration`] names what in `endpoint` cannot be used.
    pub fn new(endpoint: Endpoint) -> Result<Self, Error> {
        Self::observed(endpoint, Arc::new(observer::Unobserved))
    }

    /// A client that reports each request it really sent to `observer`.
    ///
    /// # Errors
    /// [`Error::Configuration`] names what in `endpoint` cannot be used.
    pub fn observed(endpoint: Endpoint, observer: Arc<dyn Observer>) -> Result<Self, Error> {
        let base = endpoint.base()?;
        let tls = trust::client_config(&endpoint.trust, endpoint.server_name.as_deref())?;
        let credentials = Arc::new(CredentialStore::new(endpoint.credentials));
        let transport = Transport::new(base, tls, endpoint.timeouts.connect, Arc::clone(&credentials))?;
        let permits = PermitStore::default();
        let stack = stack::build(transport, &endpoint.timeouts, &credentials, &permits, observer);
        Ok(Self::over(stack, credentials, permits))
    }

    fn over(stack: Stack, credentials: Arc<CredentialStore>, permits: PermitStore) -> Self {
        Self(Arc::new(Shared {
            stack,
            credentials,
            permits,
            version: std::sync::Mutex::default(),
            unfamiliar: std::sync::Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        }))
    }

    /// Uses `credentials` from the next request on, and closes the breaker: they may be right where the old ones
    /// were wrong.
    pub fn set_credentials(&self, credentials: Credentials) {
        self.0.credentials.replace(credentials);
    }

    /// From now on each write is sent only if `permit` says so immediately before; what does not pass ends in
    /// [`Error::Forbidden`]. Reads always pass.
    pub fn permit_writes_by(&self, permit: Permit) {
        self.0.permits.replace(permit);
    }

    /// Waits until no request is in flight: a process that ends earlier abandons it. A request takes at most the
    /// longer of [`Timeouts::read`] and [`Timeouts::write`].
    pub async fn idle(&self) {
        // The place of the one in flight was given back; taking it fails never.
        drop(self.0.stack.clone().ready().await.map(|_| ()));
    }

    /// Reads a whole menu.
    ///
    /// # Errors
    /// Any kind; rows that cannot be read are in the listing and are none.
    pub async fn read<M: Rows>(&self) -> Result<Listing<M>, Error> {
        self.list(None).await.map_err(|failure| failure.error)
    }

    /// Reads one row.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the menu has no such row, [`Error::Malformed`] when it cannot be read.
    pub async fn row<M: Table>(&self, id: RowId) -> Result<M, Error> {
        self.find(id)
            .await
            .map_err(|failure| failure.error)?
            .ok_or(Error::NotFound { menu: M::PATH, id })
    }

    /// Reads a menu that holds one object.
    ///
    /// # Errors
    /// Any kind.
    pub async fn get<M: Singleton>(&self) -> Result<M, Error> {
        let answer = self
            .call(Call::singleton::<M>())
            .await
            .map_err(|failure| failure.error)?;
        menu::row(&answer.body).map_err(|bad| malformed::<M>(&bad))
    }

    /// The rows of a menu, or of those the ones that pass an equality filter.
    async fn list<M: Rows>(&self, filter: Option<(&'static str, String)>) -> Result<Listing<M>, Failure> {
        let answer = self.call(Call::list::<M>(filter)).await?;
        match &answer.body {
            Value::Array(rows) => Ok(Listing::read(rows)),
            _ => Err(Failure::answered(Error::Malformed {
                menu: M::PATH,
                why: "it is no list of rows".to_owned(),
            })),
        }
    }

    /// One row; `None` when there is none of that id.
    async fn find<M: Table>(&self, id: RowId) -> Result<Option<M>, Failure> {
        match self.call(Call::row::<M>(id)).await {
            Ok(answer) => menu::row(&answer.body)
                .map(Some)
                .map_err(|bad| Failure::answered(malformed::<M>(&bad))),
            Err(Failure {
                error: Error::NotFound { .. },
                ..
            }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn call(&self, call: Call) -> Result<Answer, Failure> {
        self.0.stack.clone().oneshot(call).await
    }
}

fn malformed<M: menu::Menu>(bad: &BadRow) -> Error {
    Error::Malformed {
        menu: M::PATH,
        why: bad.why.clone(),
    }
}
