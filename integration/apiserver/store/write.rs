//! Creation and update: what a real API server does to an object between the request and its storage.

use std::sync::Arc;

use serde_json::{Value, json};

use super::deletion::OWNER_DEPTH;
use super::{Key, State};
use crate::apiserver::decode::decode;
use crate::apiserver::object::{self, is_deleting};
use crate::apiserver::resource::{Resource, Storage};
use crate::apiserver::status::{Cause, Refusal};
use crate::apiserver::strategy::{self, FieldValidation};

/// Which side of an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All but the status, where the resource has a status subresource.
    Main,
    /// The status alone.
    Status,
}

/// The object after a write.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// Its stored form.
    pub(crate) object: Arc<Value>,
    /// False where the write changed nothing, and made no version and no watch event.
    pub(crate) changed: bool,
    /// What the writer should know (unknown fields).
    pub(crate) warnings: Vec<String>,
}

impl State {
    /// Creates an object from what the client sent.
    pub(crate) fn create(
        &mut self,
        resource: &Resource,
        namespace: &str,
        mut sent: Value,
        fields: FieldValidation,
    ) -> Result<Written, Refusal> {
        decode(resource, namespace, &mut sent)?;
        if !object::resource_version(&sent).is_empty() {
            return Err(Refusal::unknown(
                "resourceVersion should not be set on objects to be created",
            ));
        }
        let warnings = strategy::prune(resource, &mut sent, fields)?;
        let mut object = resource.internal(sent);
        generate_name(&mut object);
        let name = object::name(&object).to_owned();
        self.check_room(resource, namespace, &name)?;
        fresh_metadata(resource, namespace, &mut object);
        strategy::create(resource, &mut object, &mut self.addresses)
            .map_err(|causes| Refusal::invalid(resource.kind_group(), &resource.kind, &name, &causes))?;
        let object = self.put(&resource.storage, (namespace.to_owned(), name), object);
        Ok(Written {
            object,
            changed: true,
            warnings,
        })
    }

    fn check_room(&self, resource: &Resource, namespace: &str, name: &str) -> Result<(), Refusal> {
        if resource.namespaced {
            let Some(home) = self.find(&Storage::namespaces(), "", namespace) else {
                return Err(Refusal::not_found("", "namespaces", namespace));
            };
            if is_deleting(home) {
                let why = format!(
                    "unable to create new content in namespace {namespace} because it is being terminated"
                );
                return Err(Refusal::forbidden(&resource.group, &resource.plural, name, &why));
            }
        }
        if self.find(&resource.storage, namespace, name).is_some() {
            return Err(Refusal::already_exists(&resource.group, &resource.plural, name));
        }
        Ok(())
    }

    /// Updates an object: `change` makes the new form, as the client sees it, from the present one.
    pub(crate) fn update(
        &mut self,
        resource: &Resource,
        (namespace, name): (&str, &str),
        part: Part,
        fields: FieldValidation,
        change: impl FnOnce(&Value) -> Result<Value, Refusal>,
    ) -> Result<Written, Refusal> {
        let before = self.get(resource, namespace, name)?;
        let mut sent = change(&resource.external(&before))?;
        decode(resource, namespace, &mut sent)?;
        check_identity(resource, &before, &sent)?;
        let warnings = strategy::prune(resource, &mut sent, fields)?;
        let mut object = part_written(resource, part, &before, resource.internal(sent));
        keep_metadata(&before, &mut object);
        strategy::update(resource, &mut object, &before, part, &mut self.addresses)
            .and_then(|()| check_finalizers(&before, &object))
            .map_err(|causes| Refusal::invalid(resource.kind_group(), &resource.kind, name, &causes))?;
        if resource.has_generation() && wanted(&object) != wanted(&before) {
            let generation = before["metadata"]["generation"].as_u64().unwrap_or_default() + 1;
            object::set(&mut object, "generation", json!(generation));
        }
        if object == *before {
            return Ok(Written {
                object: before,
                changed: false,
                warnings,
            });
        }
        let key: Key = (namespace.to_owned(), name.to_owned());
        if is_deleting(&object) && object::finalizers(&object).next().is_none() {
            // As in the real one: the last finalizer's removal is a deletion, not an update and a deletion.
            self.remove_with_dependents(&resource.storage, &key, OWNER_DEPTH);
            return Ok(Written {
                object: Arc::new(object),
                changed: true,
                warnings,
            });
        }
        let object = self.put(&resource.storage, key, object);
        Ok(Written {
            object,
            changed: true,
            warnings,
        })
    }
}

/// The object in a PUT, or after a patch, must be the one that the writer read.
fn check_identity(resource: &Resource, before: &Value, sent: &Value) -> Result<(), Refusal> {
    let name = object::name(before);
    if object::name(sent) != name {
        let message = format!(
            "the name of the object ({}) does not match the name on the URL ({name})",
            object::name(sent)
        );
        return Err(Refusal::bad_request(message));
    }
    let version = object::resource_version(sent);
    if version.is_empty() && !resource.has_unconditional_update() {
        let cause = Cause::invalid(
            "metadata.resourceVersion",
            &json!(0),
            "must be specified for an update",
        );
        return Err(Refusal::invalid(
            resource.kind_group(),
            &resource.kind,
            name,
            &[cause],
        ));
    }
    if !version.is_empty() && version != object::resource_version(before) {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        return Err(Refusal::conflict(&resource.group, &resource.plural, name, why));
    }
    Ok(())
}

fn generate_name(object: &mut Value) {
    let prefix = object::text(object, "generateName").to_owned();
    if object::name(object).is_empty() && !prefix.is_empty() {
        // Five characters, like the real one; a clash is refused as AlreadyExists there, too.
        let suffix: String = uuid::Uuid::new_v4()
            .simple()
            .to_string()
            .chars()
            .take(5)
            .collect();
        object::set(object, "name", json!(format!("{prefix}{suffix}")));
    }
}

/// Metadata that only the API server sets.
fn fresh_metadata(resource: &Resource, namespace: &str, object: &mut Value) {
    for field in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
    ] {
        object::set(object, field, Value::Null);
    }
    object::set(object, "uid", json!(uuid::Uuid::new_v4().to_string()));
    object::set(object, "creationTimestamp", object::now());
    object::set(
        object,
        "generation",
        if resource.has_generation() {
            json!(1)
        } else {
            Value::Null
        },
    );
    object::set(
        object,
        "namespace",
        if resource.namespaced {
            json!(namespace)
        } else {
            Value::Null
        },
    );
}

/// Metadata that no writer can change.
fn keep_metadata(before: &Value, object: &mut Value) {
    object::set(object, "managedFields", Value::Null);
    object::set(object, "selfLink", Value::Null);
    let kept = [
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "namespace",
    ];
    for field in kept.into_iter().chain(["resourceVersion", "generateName"]) {
        object::set(object, field, before["metadata"][field].clone());
    }
    if object::uid(object).is_empty() {
        object::set(object, "uid", before["metadata"]["uid"].clone());
    }
}

/// Takes the written side from what was sent and the other side from what was there.
fn part_written(resource: &Resource, part: Part, before: &Value, sent: Value) -> Value {
    match part {
        Part::Main if resource.has_status => {
            let mut object = sent;
            object::remove(&mut object, "status");
            if !before["status"].is_null() {
                object["status"] = before["status"].clone();
            }
            object
        }
        Part::Main => sent,
        Part::Status => {
            let mut object = before.clone();
            object["status"] = sent["status"].clone();
            // Built-in kinds take labels and annotations through /status too; custom resources do not.
            if resource.custom.is_none() {
                object["metadata"] = sent["metadata"].clone();
            }
            if object["status"].is_null() {
                object::remove(&mut object, "status");
            }
            object
        }
    }
}

/// What `metadata.generation` counts: everything but metadata and status.
fn wanted(object: &Value) -> Vec<(&String, &Value)> {
    let fields = object.as_object().into_iter().flatten();
    fields
        .filter(|(name, _)| !matches!(name.as_str(), "metadata" | "status"))
        .collect()
}

fn check_finalizers(before: &Value, object: &Value) -> Result<(), Vec<Cause>> {
    let mut causes = Vec::new();
    if object::uid(object) != object::uid(before) {
        causes.push(Cause::invalid(
            "metadata.uid",
            &object["metadata"]["uid"],
            "field is immutable",
        ));
    }
    if is_deleting(before) {
        let new: Vec<&str> = object::finalizers(object)
            .filter(|new| !object::finalizers(before).any(|old| old == *new))
            .collect();
        if !new.is_empty() {
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers {new:?}"
            );
            causes.push(Cause::forbidden("metadata.finalizers", why));
        }
    }
    if causes.is_empty() { Ok(()) } else { Err(causes) }
}
