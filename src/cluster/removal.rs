//! Taking a `MikrotikRouter` away, for a person who does it by a verb. Nothing that runs by itself does this.

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions};
use kube::{Client, Error};
use serde_json::json;
use tiklb_core::model::{ObjectKey, Uid};

use super::client::Chain;
use super::writer::Kind;
use crate::api::finalizer;

/// Why it could not be done, in words.
#[derive(Debug, thiserror::Error)]
#[error("{doing} MikrotikRouter {router}: {why}")]
pub struct RemovalError {
    doing: &'static str,
    router: ObjectKey,
    why: String,
}

fn api(client: &Client, key: &ObjectKey) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), &key.namespace, &Kind::Router.resource())
}

fn failed(doing: &'static str, key: &ObjectKey, error: &Error) -> RemovalError {
    let why = match error {
        Error::Api(status) if status.is_forbidden() => {
            format!("{}: use a kubeconfig that may", status.message)
        }
        Error::Api(status) => format!("{} ({})", status.message, status.code),
        other => Chain(other).to_string(),
    };
    RemovalError {
        doing,
        router: key.clone(),
        why,
    }
}

/// Asks for the object's deletion. It stays until its finalizers are gone; one that is gone already is no error.
///
/// # Errors
/// The API server refuses, or is away.
pub async fn delete(client: &Client, key: &ObjectKey, uid: &Uid) -> Result<(), RemovalError> {
    let only = DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(uid.0.clone()),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    match api(client, key).delete(&key.name, &only).await {
        Ok(_) => Ok(()),
        Err(Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(failed("deleting", key, &error)),
    }
}

/// Whether the object is still there; another one of its name is not it.
///
/// # Errors
/// The API server refuses, or is away.
pub async fn exists(client: &Client, key: &ObjectKey, uid: &Uid) -> Result<bool, RemovalError> {
    let found = api(client, key).get_opt(&key.name).await;
    let found = found.map_err(|error| failed("reading", key, &error))?;
    Ok(found.is_some_and(|object| object.metadata.uid.as_ref() == Some(&uid.0)))
}

/// Takes our finalizer off, and leaves those of others on.
///
/// # Errors
/// The API server refuses or is away, or the object has just changed.
pub async fn take_finalizer_off(client: &Client, key: &ObjectKey, uid: &Uid) -> Result<(), RemovalError> {
    let api = api(client, key);
    let doing = "taking the finalizer off";
    let found = api.get_opt(&key.name).await;
    let found = found.map_err(|error| failed(doing, key, &error))?;
    let Some(object) = found.filter(|object| object.metadata.uid.as_ref() == Some(&uid.0)) else {
        return Ok(());
    };
    let mut others = object.metadata.finalizers.unwrap_or_default();
    others.retain(|name| name != finalizer::RELEASE);
    // The version that was read is the condition: nobody's finalizer is taken off by an old list.
    let patch = json!({"metadata": {
        "finalizers": others,
        "resourceVersion": object.metadata.resource_version,
    }});
    let patched = api
        .patch(&key.name, &PatchParams::default(), &Patch::Merge(patch))
        .await;
    match patched {
        Ok(_) => Ok(()),
        Err(Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(failed(doing, key, &error)),
    }
}
