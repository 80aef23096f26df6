//! One request of a [`Job`](super::desk::Job), and what came of it.

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use kube::{Client, Error};
use serde_json::Value;

use super::desk::{Job, Request};
use super::{Kind, Target};
use crate::api::configuration_state::CONTROLLER;
use crate::cluster::client::Chain;
use crate::cluster::object::Stored;

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The object as it is stored now.
    Stored(Box<Stored>),
    /// There is no such object (any more).
    Gone,
    /// It is not as it was thought to be.
    Conflict,
    /// It failed, in words.
    Failed(String),
}

/// Makes the request.
pub(super) async fn make(client: &Client, job: &Job) -> Outcome {
    let resource = job.target.kind.resource();
    let key = &job.target.key;
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &key.namespace, &resource);
    let field_manager = manager(&job.target).map(str::to_owned);
    let posting = PostParams {
        field_manager: field_manager.clone(),
        ..PostParams::default()
    };
    let patching = PatchParams {
        field_manager,
        ..PatchParams::default()
    };
    let result = match &job.request {
        Request::Create(object) => match serde_json::from_value(object.clone()) {
            Ok(object) => api.create(&posting, &object).await,
            Err(error) => return Outcome::Failed(format!("the object cannot be written: {error}")),
        },
        Request::Patch(patch) => api.patch(&key.name, &patching, &Patch::Merge(patch)).await,
        Request::PatchStatus(patch) => api.patch_status(&key.name, &patching, &Patch::Merge(patch)).await,
        Request::Delete { uid } => {
            let only = DeleteParams {
                preconditions: Some(Preconditions {
                    uid: Some(uid.clone()),
                    resource_version: None,
                }),
                ..DeleteParams::default()
            };
            return match api.delete(&key.name, &only).await {
                Ok(_) => Outcome::Gone,
                Err(error) => failed(&error),
            };
        }
    };
    match result {
        Ok(object) => Outcome::Stored(Box::new(stored(&object))),
        Err(error) => failed(&error),
    }
}

/// Who stands in `metadata.managedFields` of a ConfigurationState: MetalLB's names for its two reconcilers. Other objects
/// are written under the process' own name.
fn manager(target: &Target) -> Option<&'static str> {
    let configuration = target.kind == Kind::Configuration;
    configuration.then(|| {
        if target.key.name == CONTROLLER {
            "poolReconciler"
        } else {
            "configReconciler"
        }
    })
}

fn stored(object: &DynamicObject) -> Stored {
    let status = object.data.get("status").unwrap_or(&Value::Null);
    Stored::of(&object.metadata, Some(status))
}

fn failed(error: &Error) -> Outcome {
    match error {
        Error::Api(status) if status.is_not_found() => Outcome::Gone,
        Error::Api(status) if status.code == 409 => Outcome::Conflict,
        Error::Api(status) if status.is_forbidden() => {
            Outcome::Failed(format!("{}: apply deploy/rbac again", status.message))
        }
        Error::Api(status) => Outcome::Failed(format!("{} ({})", status.message, status.code)),
        other => Outcome::Failed(Chain(other).to_string()),
    }
}
