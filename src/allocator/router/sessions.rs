//! The sessions of all routers, by object.

use std::collections::{BTreeMap, BTreeSet};
use std::future;

use tiklb_core::allocator::Event;
use tiklb_core::model::ObjectKey;
use tiklb_core::reservation::{Depth, Failure, FailureKind, Outcome, Planned};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use super::session::{Configuration, Session};
use crate::cluster::object::router::{RouterAccess, SeenRouter};
use crate::cluster::object::secret::SecretObject;
use crate::cluster::tenure::Warrant;

pub use super::session::{Settings, Watcher, Watchers};

/// One session for each MikrotikRouter. Needs a tokio runtime around it.
///
/// Dropped, it lets each session end what it is at and begins nothing more; [`Sessions::finish`] waits for that.
pub struct Sessions {
    settings: Settings,
    events: mpsc::Sender<Event>,
    /// Under which writes are queued.
    warrant: Warrant,
    by_router: BTreeMap<ObjectKey, Session>,
    tasks: JoinSet<()>,
}

impl Sessions {
    /// No sessions yet. What comes of commands is sent to `events`.
    pub fn new(settings: Settings, events: mpsc::Sender<Event>) -> Self {
        Self {
            settings,
            events,
            warrant: Warrant::unlimited(),
            by_router: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// What is to be written from now on rests on this leadership.
    pub fn write_under(&mut self, warrant: Warrant) {
        self.warrant = warrant;
    }

    /// Makes the sessions fit the objects: all of them, and the Secrets beside them by name. Call it before core hears
    /// of the objects, so that what core wishes for them finds a session.
    ///
    /// Returns the routers that are now reached in another way than before. Core is owed an
    /// [`Event::CredentialsChanged`] for each: what failed may work now.
    pub fn apply(
        &mut self,
        routers: &[SeenRouter],
        secrets: &BTreeMap<String, SecretObject>,
    ) -> Vec<ObjectKey> {
        let keys: BTreeSet<&ObjectKey> = routers.iter().map(|router| &router.object.key).collect();
        self.by_router.retain(|key, _| keys.contains(key));
        let mut changed = Vec::new();
        for router in routers {
            let (key, configuration) = (&router.object.key, configuration(router, secrets));
            let deleting = router.object.deleting;
            match self.by_router.get_mut(key) {
                Some(session) => {
                    changed.extend(session.configure(configuration, deleting).then(|| key.clone()));
                }
                None => self.begin(key.clone(), configuration),
            }
        }
        changed
    }

    fn begin(&mut self, router: ObjectKey, configuration: Configuration) {
        let (session, task) =
            Session::new(router.clone(), configuration, &self.settings, self.events.clone());
        self.tasks.spawn(task);
        self.by_router.insert(router, session);
    }

    /// Reads a router, or the part that changes by itself; ends in one [`Event::RouterRead`].
    pub fn read(&self, router: &ObjectKey, depth: Depth) {
        match self.by_router.get(router) {
            Some(session) => session.read(depth),
            None => self.answer(Event::RouterRead {
                router: router.clone(),
                result: Box::new(Err(unknown(router))),
            }),
        }
    }

    /// Makes one write on a router; ends in one [`Event::RouterWritten`].
    pub fn write(&self, router: &ObjectKey, planned: Box<Planned>) {
        match self.by_router.get(router) {
            Some(session) => session.write(planned, self.warrant.clone()),
            None => self.answer(Event::RouterWritten {
                router: router.clone(),
                write: Box::new(planned.write),
                outcome: Outcome::Changed,
            }),
        }
    }

    /// Nobody else answers for a router that has no session. The channel may be full, and who empties it may be the
    /// caller: this cannot wait.
    fn answer(&self, event: Event) {
        let events = self.events.clone();
        tokio::spawn(async move { drop(events.send(event).await) });
    }

    /// Returns when a session's task has failed, which none should: core would wait for its answer for ever, so that
    /// the process has to end. It knows of the sessions there are when it is called.
    pub async fn failed(&mut self) -> JoinError {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                return error;
            }
        }
        future::pending().await
    }

    /// Ends all sessions and waits until nothing is in flight any more: at most as long as the longest request may
    /// take. A process that ends earlier abandons requests.
    pub async fn finish(mut self) {
        self.by_router.clear();
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        // Otherwise the set would abort its tasks, requests in flight and all.
        self.tasks.detach_all();
    }
}

fn configuration(router: &SeenRouter, secrets: &BTreeMap<String, SecretObject>) -> Configuration {
    let access = router.access.clone();
    let named = access.iter().flat_map(RouterAccess::secrets);
    let secrets = named
        .filter_map(|name| Some((name.to_owned(), secrets.get(name)?.clone())))
        .collect();
    Configuration {
        uid: router.object.uid.clone(),
        access,
        secrets,
    }
}

fn unknown(router: &ObjectKey) -> Failure {
    Failure {
        kind: FailureKind::InvalidSpec,
        message: format!("MikrotikRouter {router} is not known here: it was deleted, or not seen yet"),
    }
}
