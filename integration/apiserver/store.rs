//! Every object, every change, and the one counter that orders them.
//!
//! A resource version is the number of the change that made the object, so changes `floor+1 ..= version` are all in the
//! history and a watcher needs no queue of its own: it reads on from where it is. One that falls behind the history, or
//! meets a compaction, has expired.

mod deletion;
mod history;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

pub(crate) use self::deletion::{Deletion, Preconditions};
pub(crate) use self::history::{Change, History};
pub(crate) use self::write::{Part, Written};
use super::definition;
use super::object;
use super::resource::{Resource, Storage, built_in};
use super::service::Addresses;
use super::status::Refusal;

/// Namespace (empty where there is none) and name.
pub(crate) type Key = (String, String);

/// The objects of one storage.
pub(crate) type Objects = BTreeMap<Key, Arc<Value>>;

/// What watchers wait for: any of these numbers has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pulse {
    /// The newest resource version.
    pub(crate) version: u64,
    /// How often history was dropped by [`Store::compact`].
    pub(crate) compactions: u64,
    /// How often every watch was ended by [`Store::close_watches`].
    pub(crate) closings: u64,
}

/// The shared, in-memory counterpart of etcd and of the registry in front of it.
#[derive(Debug)]
pub(crate) struct Store {
    state: Mutex<State>,
    pulse: watch::Sender<Pulse>,
}

/// Everything that one lock guards. It is never held across an await.
#[derive(Debug)]
pub(crate) struct State {
    resources: Vec<Arc<Resource>>,
    objects: BTreeMap<Storage, Objects>,
    /// Objects by the UIDs of their owners, so that a deletion need not look at everything.
    dependents: BTreeMap<String, BTreeSet<(Storage, Key)>>,
    history: History,
    addresses: Addresses,
}

impl Store {
    /// An empty store that keeps the last `window` changes.
    pub(crate) fn new(window: usize) -> Self {
        let state = State {
            resources: built_in().map(Arc::new).collect(),
            objects: BTreeMap::new(),
            dependents: BTreeMap::new(),
            history: History::new(window),
            addresses: Addresses::default(),
        };
        Self {
            state: Mutex::new(state),
            pulse: watch::Sender::new(Pulse::default()),
        }
    }

    /// Looks at the state.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state, then wakes the watchers.
    pub(crate) fn write<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut state);
        let version = state.history.version();
        // Sent under the lock, so that the pulse never goes back.
        self.pulse
            .send_if_modified(|pulse| std::mem::replace(&mut pulse.version, version) != version);
        result
    }

    /// Drops the history: what is older than now has expired, also for running watches.
    pub(crate) fn compact(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.history.compact();
        self.pulse.send_modify(|pulse| pulse.compactions += 1);
    }

    /// Ends every running watch in good order, as a real API server does from time to time.
    pub(crate) fn close_watches(&self) {
        self.pulse.send_modify(|pulse| pulse.closings += 1);
    }

    /// A receiver that sees every later pulse.
    pub(crate) fn pulses(&self) -> watch::Receiver<Pulse> {
        self.pulse.subscribe()
    }
}

impl State {
    /// The resource of a path, if it is served.
    pub(crate) fn resource(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        let same = |r: &&Arc<Resource>| r.group == group && r.version == version && r.plural == plural;
        self.resources.iter().find(same).cloned()
    }

    /// Every served resource, built-in ones first.
    pub(crate) fn resources(&self) -> &[Arc<Resource>] {
        &self.resources
    }

    /// The changes that are still known.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// One object.
    pub(crate) fn get(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
    ) -> Result<Arc<Value>, Refusal> {
        self.find(&resource.storage, namespace, name)
            .cloned()
            .ok_or_else(|| Refusal::not_found(&resource.group, &resource.plural, name))
    }

    /// The objects of a storage as they were at `version`, which must lie in the history.
    pub(crate) fn snapshot(&self, storage: &Storage, version: u64) -> Objects {
        let mut objects = self.objects.get(storage).cloned().unwrap_or_default();
        for change in self
            .history
            .since(version)
            .filter(|change| change.storage == *storage)
            .rev()
        {
            match &change.before {
                Some(before) => objects.insert(change.key.clone(), before.clone()),
                None => objects.remove(&change.key),
            };
        }
        objects
    }

    fn find(&self, storage: &Storage, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.objects
            .get(storage)?
            .get(&(namespace.to_owned(), name.to_owned()))
    }

    fn every(&self) -> impl Iterator<Item = (&Storage, &Key, &Arc<Value>)> {
        self.objects
            .iter()
            .flat_map(|(storage, objects)| objects.iter().map(move |(key, object)| (storage, key, object)))
    }

    /// Puts an object and writes the change down. The object gets the change's resource version.
    fn put(&mut self, storage: &Storage, key: Key, mut object: Value) -> Arc<Value> {
        object::set(
            &mut object,
            "resourceVersion",
            self.history.next().to_string().into(),
        );
        let object = Arc::new(object);
        let objects = self.objects.entry(storage.clone()).or_default();
        let before = objects.insert(key.clone(), object.clone());
        self.follow(storage, &key, before.as_deref(), Some(&object));
        self.history
            .push(storage.clone(), key, before, Some(object.clone()));
        object
    }

    /// Removes an object and writes the change down.
    fn remove(&mut self, storage: &Storage, key: &Key) -> Option<Arc<Value>> {
        let before = self.objects.get_mut(storage)?.remove(key)?;
        self.follow(storage, key, Some(&before), None);
        self.history
            .push(storage.clone(), key.clone(), Some(before.clone()), None);
        Some(before)
    }

    /// Keeps what is derived from objects in step with a change of one of them.
    fn follow(&mut self, storage: &Storage, key: &Key, before: Option<&Value>, after: Option<&Value>) {
        for owner in before.into_iter().flat_map(object::owners) {
            let Some(dependents) = self.dependents.get_mut(owner) else {
                continue;
            };
            dependents.remove(&(storage.clone(), key.clone()));
            if dependents.is_empty() {
                self.dependents.remove(owner);
            }
        }
        for owner in after.into_iter().flat_map(object::owners) {
            self.dependents
                .entry(owner.to_owned())
                .or_default()
                .insert((storage.clone(), key.clone()));
        }
        if storage.is_core("services") {
            self.addresses.follow(before, after);
        }
        if let (true, Some(definition)) = (*storage == definition::storage(), after.or(before)) {
            self.follow_definition(definition, after.is_some());
        }
    }

    /// Serves the resources of a definition from now on, or no longer.
    fn follow_definition(&mut self, definition: &Value, present: bool) {
        let custom = definition::custom_storage(definition);
        self.resources
            .retain(|resource| resource.custom.is_none() || resource.storage != custom);
        if present {
            self.resources
                .extend(definition::resources(definition).into_iter().map(Arc::new));
        }
    }
}

#[cfg(test)]
mod tests;
