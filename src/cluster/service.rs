//! Statuses of Services: one attempt each, whose outcome goes back to the one who decided.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Error, ResourceExt};
use serde_json::{Value, json};
use tiklb_core::allocator::WriteResult;
use tiklb_core::model::ObjectKey;
use tokio::sync::Semaphore;

use super::client::Chain;
use crate::api::annotation::IP_ALLOCATED_FROM_POOL;

/// Writes under way at once: a thousand Services at once should not wait for each other's round trips.
const AT_ONCE: usize = 16;
/// Shorter than core waits for the outcome.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A Service's status as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStatus {
    /// The Service.
    pub service: ObjectKey,
    /// The version that the decision rests on.
    pub resource_version: String,
    /// In their order; empty: none.
    pub addresses: Vec<IpAddr>,
    /// The pool that they come from.
    pub pool: Option<String>,
}

/// Writes statuses of Services.
#[derive(Clone)]
pub struct ServiceWriter {
    client: Client,
    places: Arc<Semaphore>,
}

impl ServiceWriter {
    /// Over this client.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Writes one status, once.
    pub async fn write(&self, status: &ServiceStatus) -> WriteResult {
        // The semaphore is never closed.
        let _place = self.places.acquire().await;
        let api: Api<Service> = Api::namespaced(self.client.clone(), &status.service.namespace);
        let patch = Patch::Merge(patch(status));
        let parameters = PatchParams::default();
        let sent = api.patch_status(&status.service.name, &parameters, &patch);
        match tokio::time::timeout(TIMEOUT, sent).await {
            Ok(Ok(service)) => WriteResult::Written(service.resource_version().unwrap_or_default()),
            Ok(Err(Error::Api(error))) if error.is_not_found() => WriteResult::Gone,
            Ok(Err(Error::Api(error))) if error.code == 409 => WriteResult::Conflict,
            Ok(Err(Error::Api(error))) => WriteResult::Failed(format!("{} ({})", error.message, error.code)),
            Ok(Err(error)) => WriteResult::Failed(Chain(&error).to_string()),
            Err(_) => WriteResult::Failed("no answer in 10 s".to_owned()),
        }
    }
}

/// Status and annotation in one: the annotation goes through the status as in MetalLB, so that no right to change
/// Services themselves is needed.
fn patch(status: &ServiceStatus) -> Value {
    // VIP: kube-proxy takes the traffic for this address, as it always did where the field was absent.
    let ingress: Vec<Value> = status
        .addresses
        .iter()
        .map(|ip| json!({"ip": ip, "ipMode": "VIP"}))
        .collect();
    json!({
        "metadata": {
            "resourceVersion": status.resource_version,
            "annotations": {IP_ALLOCATED_FROM_POOL: status.pool},
        },
        "status": {"loadBalancer": {"ingress": if ingress.is_empty() { Value::Null } else { ingress.into() }}},
    })
}

#[cfg(test)]
mod tests;
