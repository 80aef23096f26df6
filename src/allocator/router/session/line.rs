//! The client that a session has at the moment, and whether it still is the right one.

use std::sync::Arc;

use routeros::client::{Client, Observer, Timeouts};
use tiklb_core::model::ObjectKey;
use tiklb_core::reservation::{Failure, FailureKind};

use super::{Configuration, Numbered, Watcher};
use crate::allocator::router::connection::{self, Connection, Peer};

/// A way to the router, or why there is none.
pub(super) struct Line {
    router: ObjectKey,
    timeouts: Timeouts,
    watcher: Arc<dyn Watcher>,
    /// Of the configuration that it was made for; `None` before the first.
    number: Option<u64>,
    end: Result<(Peer, Client), Failure>,
}

impl Line {
    pub(super) fn new(router: ObjectKey, timeouts: Timeouts, watcher: Arc<dyn Watcher>) -> Self {
        Self {
            router,
            timeouts,
            watcher,
            number: None,
            end: Err(undecoded()),
        }
    }

    /// The client.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn client(&self) -> Result<&Client, &Failure> {
        self.end.as_ref().map(|(_, client)| client)
    }

    /// The number of the configuration that it was made for.
    pub(super) fn is_for(&self, number: u64) -> bool {
        self.number == Some(number)
    }

    /// Makes it fit a configuration.
    pub(super) async fn fit(&mut self, (number, configuration): &Numbered) {
        if self.is_for(*number) {
            return;
        }
        self.number = Some(*number);
        match (self.wanted(configuration), &self.end) {
            // Also where they are the same as before: a person who wrote them again may have mended the router's side.
            (Ok(wanted), Ok((peer, client))) if *peer == wanted.peer => {
                client.set_credentials(wanted.credentials);
            }
            (wanted, _) => {
                self.idle().await;
                self.end = wanted.and_then(|wanted| self.connect(wanted));
            }
        }
    }

    fn wanted(&self, configuration: &Configuration) -> Result<Connection, Failure> {
        let access = configuration.access.as_ref().ok_or_else(undecoded)?;
        connection::connection(&self.router.namespace, access, &configuration.secrets)
    }

    fn connect(&self, Connection { peer, credentials }: Connection) -> Result<(Peer, Client), Failure> {
        let observer: Arc<dyn Observer> = self.watcher.clone();
        let client = peer.client(credentials, self.timeouts, observer)?;
        Ok((peer, client))
    }

    /// Waits until nothing is in flight.
    pub(super) async fn idle(&self) {
        if let Ok(client) = self.client() {
            client.idle().await;
        }
    }
}

/// Core says why; this is only met between a change of the object and core's hearing of it.
fn undecoded() -> Failure {
    Failure {
        kind: FailureKind::InvalidSpec,
        message: "the object's spec cannot be read: kubectl describe mikrotikrouter -A says why".to_owned(),
    }
}
