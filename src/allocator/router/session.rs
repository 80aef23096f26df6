//! One router: one command after another, each answered with one event.
//!
//! ```text
//! configuration (latest wins) ──▶ ┌─────────┐ ──▶ the client, one request in flight
//! read, write   (in order)    ──▶ │ session │ ──▶ RouterRead, RouterWritten
//!                                 └─────────┘
//! ```
//! The configuration overtakes commands that wait: there is no use in reading with a password that is known to be
//! wrong. A write that was planned under an earlier one is not made: it may have been meant for another router.
//!
//! A write is made only while the leadership under which it was planned stands: that is asked when it is taken up, and
//! again between the look at the row and the request that changes it.
//!
//! When the handle is dropped, what is in flight is waited for and what still waits is not begun. RouterOS can give
//! the answer of an abandoned request to the one that comes next, whoever sends it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use routeros::client::{Observer, Timeouts};
use tiklb_core::allocator::Event;
use tiklb_core::model::{ObjectKey, Uid};
use tiklb_core::reservation::{Depth, Failure, Outcome, Planned, Reading};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use super::failure::failure;
use super::reading::{advisories, reading};
use super::write;
use crate::cluster::object::router::RouterAccess;
use crate::cluster::object::secret::SecretObject;
use crate::cluster::tenure::Warrant;

mod line;
mod log;

use line::Line;
use log::Log;

pub use log::AUDIT;

/// Commands that may wait. Core asks for one at a time; only after a change of leader can another be on its way.
const WAITING: usize = 4;

/// Is told about each request to one router, and what became of each write.
pub trait Watcher: Observer {
    /// A write has ended.
    fn written(&self, planned: &Planned, outcome: &Outcome);
}

/// Makes the watcher of a router.
pub type Watchers = Arc<dyn Fn(&ObjectKey) -> Arc<dyn Watcher> + Send + Sync>;

/// What every session is given.
#[derive(Clone)]
pub struct Settings {
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// Who watches.
    pub watchers: Watchers,
}

/// What an object says about its router, with what it names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Configuration {
    /// Another object of the same name may be about another router.
    pub(super) uid: Uid,
    /// `None` where the spec cannot be decoded.
    pub(super) access: Option<RouterAccess>,
    /// The Secrets that it names and that exist.
    pub(super) secrets: BTreeMap<String, SecretObject>,
}

/// A configuration and how many there were before it.
type Numbered = (u64, Arc<Configuration>);

enum Command {
    Read(Depth),
    Write {
        planned: Box<Planned>,
        /// The number of the configuration that was in force when it was planned.
        under: u64,
        /// Of the leadership that planned it.
        warrant: Warrant,
    },
}

/// The handle to a session, which ends with it.
pub(super) struct Session {
    configuration: watch::Sender<Numbered>,
    commands: mpsc::Sender<Command>,
    keepsake: Keepsake,
}

/// The Secrets that an object names, as they were last: a directory that is deleted as a whole takes them away before
/// the router was given back with them. In memory alone; a finalizer on the Secrets would take the right to change every
/// Secret of the namespace.
struct Keepsake {
    uid: Uid,
    secrets: BTreeMap<String, SecretObject>,
}

impl Keepsake {
    fn of(configuration: &Configuration) -> Self {
        Self {
            uid: configuration.uid.clone(),
            secrets: configuration.secrets.clone(),
        }
    }

    /// Takes in a configuration, and lends it what it lacks if its object is being deleted.
    fn complete(&mut self, configuration: &mut Configuration, deleting: bool) {
        if self.uid != configuration.uid {
            *self = Self::of(configuration);
            return;
        }
        if let Some(access) = &configuration.access {
            self.secrets
                .retain(|name, _| access.secrets().any(|named| named == name));
        }
        self.secrets.extend(configuration.secrets.clone());
        if deleting {
            configuration.secrets = self.secrets.clone();
        }
    }
}

impl Session {
    /// A session, and the task that has to run for it.
    pub(super) fn new(
        router: ObjectKey,
        configuration: Configuration,
        settings: &Settings,
        events: mpsc::Sender<Event>,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let keepsake = Keepsake::of(&configuration);
        let (configuration, configured) = watch::channel((0, Arc::new(configuration)));
        let (commands, commanded) = mpsc::channel(WAITING);
        let watcher = (settings.watchers)(&router);
        let task = Task {
            line: Line::new(router.clone(), settings.timeouts, watcher.clone()),
            watcher,
            log: Log::new(router.clone()),
            known: None,
            router,
            configured,
            commanded,
            events,
        };
        let session = Self {
            configuration,
            commands,
            keepsake,
        };
        (session, task.run())
    }

    /// Takes another configuration; whether it is another. An object that is being deleted is served with the Secrets
    /// that it had.
    pub(super) fn configure(&mut self, mut wanted: Configuration, deleting: bool) -> bool {
        self.keepsake.complete(&mut wanted, deleting);
        self.configuration.send_if_modified(|(number, current)| {
            let changed = **current != wanted;
            if changed {
                (*number, *current) = (*number + 1, Arc::new(wanted));
            }
            changed
        })
    }

    pub(super) fn read(&self, depth: Depth) {
        self.command(Command::Read(depth));
    }

    pub(super) fn write(&self, planned: Box<Planned>, warrant: Warrant) {
        let under = self.configuration.borrow().0;
        self.command(Command::Write {
            planned,
            under,
            warrant,
        });
    }

    /// A command too many is dropped: each of those that wait ends in an event, after which core asks anew.
    fn command(&self, command: Command) {
        match self.commands.try_send(command) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => tracing::debug!("a command to a router was dropped: others wait"),
            // Whoever watches the tasks ends the process.
            Err(TrySendError::Closed(_)) => tracing::error!("the task of a router's session has ended"),
        }
    }
}

/// The session's own side.
struct Task {
    router: ObjectKey,
    configured: watch::Receiver<Numbered>,
    commanded: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    line: Line,
    /// The last reading, and the number of the configuration under which it was made.
    known: Option<(u64, routeros::Reading)>,
    log: Log,
    watcher: Arc<dyn Watcher>,
}

impl Task {
    async fn run(mut self) {
        while let Some(command) = self.commanded.recv().await {
            if self.configured.has_changed().is_err() {
                break; // The handle is gone: nobody wants this any more.
            }
            let configured = self.configured.borrow_and_update().clone();
            self.line.fit(&configured).await;
            let event = match command {
                Command::Read(depth) => self.read(depth, configured.0).await,
                Command::Write {
                    planned,
                    under,
                    warrant,
                } => self.write(*planned, under, warrant).await,
            };
            if !self.tell(event).await {
                break;
            }
        }
        self.line.idle().await;
    }

    async fn read(&mut self, depth: Depth, under: u64) -> Event {
        let result = self.reading(depth, under).await;
        self.log.read(&result);
        Event::RouterRead {
            router: self.router.clone(),
            result: Box::new(result),
        }
    }

    async fn reading(&mut self, depth: Depth, under: u64) -> Result<Reading, Failure> {
        let client = self.line.client().map_err(Clone::clone)?;
        // What was read of another router, or before a failure, is no part of a reading.
        let known = self.known.take().filter(|(number, _)| *number == under);
        let read = match known.filter(|_| depth == Depth::Pulse) {
            Some((_, known)) => client.pulse(&known).await,
            None => client.reading().await,
        };
        let read = read.map_err(|error| failure(&error))?;
        self.log.advisories(&read.resource.version, &advisories(&read));
        let reading = reading(&read);
        self.known = Some((under, read));
        Ok(reading)
    }

    async fn write(&self, planned: Planned, under: u64, warrant: Warrant) -> Event {
        let outcome = self.outcome(&planned, under, warrant).await;
        Event::RouterWritten {
            router: self.router.clone(),
            write: Box::new(planned.write),
            outcome,
        }
    }

    async fn outcome(&self, planned: &Planned, under: u64, warrant: Warrant) -> Outcome {
        if !warrant.stands() {
            self.log
                .not_begun(planned, "the Lease under which it was planned has ended");
            return Outcome::Changed;
        }
        let client = match self.line.client() {
            Ok(client) if self.line.is_for(under) => client,
            // Core reads next, and that reading says what the matter is.
            unusable => {
                let why = unusable.map_or_else(
                    |failure| failure.message.as_str(),
                    |_| "it was planned before the object or one of its Secrets changed",
                );
                self.log.not_begun(planned, why);
                return Outcome::Changed;
            }
        };
        client.permit_writes_by(Arc::new(move || warrant.stands()));
        self.log.writing(planned);
        let began = Instant::now();
        let made = write::make(client, &planned.write).await;
        self.log.written(planned, &made, began.elapsed());
        self.watcher.written(planned, &made.outcome);
        made.outcome
    }

    /// Whether the event was taken. It is not waited for once the handle is gone: whoever waits for sessions to end
    /// may no longer take events.
    async fn tell(&mut self, event: Event) -> bool {
        let gone = async { while self.configured.changed().await.is_ok() {} };
        tokio::select! {
            biased;
            taken = self.events.send(event) => taken.is_ok(),
            () = gone => false,
        }
    }
}
