//! Deletion: preconditions, finalizers, dependents, and the contents of namespaces.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Key, State};
use crate::apiserver::definition;
use crate::apiserver::object::{self, is_deleting};
use crate::apiserver::resource::{Resource, Storage};
use crate::apiserver::status::Refusal;

/// How deep chains of owners are followed. Deeper ones do not occur here, and a ring of owners must end.
pub(super) const OWNER_DEPTH: usize = 16;

/// `DeleteOptions`, as far as they are spoken here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Preconditions {
    /// The object must have this UID.
    pub(crate) uid: Option<String>,
    /// The object must be this version.
    pub(crate) resource_version: Option<String>,
    /// `propagationPolicy: Orphan`: dependents stay.
    pub(crate) orphan: bool,
}

/// What a deletion came to.
#[derive(Debug, Clone)]
pub(crate) enum Deletion {
    /// The object is gone; this was its last form.
    Gone(Arc<Value>),
    /// The object is marked and waits for its finalizers, or a namespace for its contents.
    Pending(Arc<Value>),
}

impl State {
    /// Deletes an object, or marks it while finalizers hold it.
    pub(crate) fn delete(
        &mut self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        preconditions: &Preconditions,
    ) -> Result<Deletion, Refusal> {
        let object = self.get(resource, namespace, name)?;
        let held = [
            (&preconditions.uid, object::uid(&object), "UID"),
            (
                &preconditions.resource_version,
                object::resource_version(&object),
                "ResourceVersion",
            ),
        ];
        for (wanted, found, what) in held {
            if wanted.as_ref().is_some_and(|wanted| wanted != found) {
                let wanted = wanted.as_deref().unwrap_or_default();
                let why = format!(
                    "Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}"
                );
                return Err(Refusal::conflict(&resource.group, &resource.plural, name, &why));
            }
        }
        let key = (namespace.to_owned(), name.to_owned());
        let depth = if preconditions.orphan { 0 } else { OWNER_DEPTH };
        self.take_away(&resource.storage, &key, depth);
        let left = self.find(&resource.storage, namespace, name).cloned();
        Ok(left.map_or(Deletion::Gone(object), Deletion::Pending))
    }

    /// Marks the object; removes it, and what depends on it, where nothing holds it.
    fn take_away(&mut self, storage: &Storage, key: &Key, depth: usize) {
        let Some(object) = self.find(storage, &key.0, &key.1).cloned() else {
            return;
        };
        let is_namespace = storage.is_core("namespaces");
        let custom = (*storage == definition::storage()).then(|| definition::custom_storage(&object));
        let held = is_namespace || custom.is_some() || object::finalizers(&object).next().is_some();
        if held && !is_deleting(&object) {
            self.mark(storage, key, (*object).clone());
        }
        if is_namespace {
            self.empty(|_, inside| inside.0 == key.1, depth);
        }
        if let Some(custom) = custom {
            self.empty(|storage, _| *storage == custom, depth);
        }
        self.finish(storage, key, depth);
    }

    fn mark(&mut self, storage: &Storage, key: &Key, mut object: Value) {
        object::set(&mut object, "deletionTimestamp", object::now());
        object::set(&mut object, "deletionGracePeriodSeconds", json!(0));
        if storage.is_core("namespaces") {
            object["status"]["phase"] = json!("Terminating");
        }
        self.put(storage, key.clone(), object);
    }

    /// Deletes everything of which `inside` is true.
    fn empty(&mut self, inside: impl Fn(&Storage, &Key) -> bool, depth: usize) {
        let found: Vec<(Storage, Key)> = self
            .every()
            .filter(|(storage, key, _)| inside(storage, key))
            .map(|(storage, key, _)| (storage.clone(), key.clone()))
            .collect();
        for (storage, key) in found {
            self.take_away(&storage, &key, depth);
        }
    }

    /// Removes an object that was asked to go, where nothing holds it any more.
    fn finish(&mut self, storage: &Storage, key: &Key, depth: usize) {
        let found = self.find(storage, &key.0, &key.1);
        if found.is_some_and(|object| !self.is_held(storage, key, object)) {
            self.remove_with_dependents(storage, key, depth);
        }
    }

    /// Removes an object, then its dependents, and the namespace or definition that waited for it.
    pub(super) fn remove_with_dependents(&mut self, storage: &Storage, key: &Key, depth: usize) {
        let Some(object) = self.remove(storage, key) else {
            return;
        };
        if let Some(depth) = depth.checked_sub(1) {
            self.delete_dependents(object::uid(&object), depth);
        }
        self.finish_waiting(storage, key, depth);
    }

    fn is_held(&self, storage: &Storage, key: &Key, object: &Value) -> bool {
        let finalizers = object::finalizers(object).next().is_some();
        let contents = storage.is_core("namespaces") && self.every().any(|(_, other, _)| other.0 == key.1);
        let customs = *storage == definition::storage()
            && self
                .objects
                .get(&definition::custom_storage(object))
                .is_some_and(|objects| !objects.is_empty());
        finalizers || contents || customs
    }

    fn delete_dependents(&mut self, owner: &str, depth: usize) {
        for (storage, key) in self.dependents.remove(owner).unwrap_or_default() {
            self.take_away(&storage, &key, depth);
        }
    }

    /// A namespace, or a definition, that waited for the object at `key` may be gone now.
    fn finish_waiting(&mut self, storage: &Storage, key: &Key, depth: usize) {
        let definition = format!("{}.{}", storage.plural, storage.group);
        for (storage, name) in [
            (Storage::namespaces(), key.0.clone()),
            (definition::storage(), definition),
        ] {
            if self
                .find(&storage, "", &name)
                .is_some_and(|object| is_deleting(object))
            {
                self.finish(&storage, &(String::new(), name), depth);
            }
        }
    }
}
