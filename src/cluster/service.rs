//! Statuses of Services: one attempt each, whose outcome goes back to the one who decided.
//!
//! Of one Service at most one write is under way and at most one waits: the newest. So a slow API server makes nothing
//! grow, and who decides anew while a write waits replaces it in its place.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Error, ResourceExt};
use serde_json::{Value, json};
use tiklb_core::allocator::WriteResult;
use tiklb_core::model::ObjectKey;
use tokio::task::JoinSet;

use super::client::Chain;
use super::tenure::Warrant;
use crate::api::annotation::{DEPRECATED_IP_ALLOCATED_FROM_POOL, IP_ALLOCATED_FROM_POOL};

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

/// Writes statuses of Services. Needs a tokio runtime around it.
pub struct ServiceWriter {
    client: Client,
    /// Services whose write waits for a place, in the order in which they came.
    order: VecDeque<ObjectKey>,
    waiting: BTreeMap<ObjectKey, (ServiceStatus, Warrant)>,
    under_way: BTreeMap<ObjectKey, ServiceStatus>,
    requests: JoinSet<(ObjectKey, WriteResult)>,
    complaint: Option<String>,
}

impl ServiceWriter {
    /// Over this client.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            order: VecDeque::new(),
            waiting: BTreeMap::new(),
            under_way: BTreeMap::new(),
            requests: JoinSet::new(),
            complaint: None,
        }
    }

    /// Writes one status, once, if its warrant stands when its turn comes. The outcome comes from
    /// [`ended`](Self::ended), unless another status of the Service replaces this one before.
    pub fn write(&mut self, status: ServiceStatus, warrant: Warrant) {
        let service = status.service.clone();
        let under_way = self.under_way.get(&service);
        if under_way == Some(&status) {
            // Its outcome is the outcome of both; what waited is not wanted any more. The same for a later version is not
            // the same: somebody has written the status meanwhile.
            self.waiting.remove(&service);
            return;
        }
        // One whose predecessor is under way gets its place when that has ended.
        if under_way.is_none() && !self.waiting.contains_key(&service) {
            self.order.push_back(service.clone());
        }
        self.waiting.insert(service, (status, warrant));
        self.begin();
    }

    /// What waits is not written any more, and has no outcome.
    pub fn forget_all(&mut self) {
        self.order.clear();
        self.waiting.clear();
    }

    /// The next outcome of a write; waits for ever while none is under way. Nothing is lost when it is dropped.
    pub async fn ended(&mut self) -> (ObjectKey, WriteResult) {
        loop {
            match self.requests.join_next().await {
                None => std::future::pending().await,
                Some(Ok(ended)) => {
                    if let Some(outcome) = self.end(ended) {
                        return outcome;
                    }
                }
                // Its Service would count as being written for ever: the process had better start anew.
                Some(Err(failed)) => std::panic::resume_unwind(failed.into_panic()),
            }
        }
    }

    /// Waits for what is under way; what waits is not begun.
    pub async fn finish(mut self) {
        self.forget_all();
        self.requests.join_all().await;
    }

    fn end(&mut self, (service, result): (ObjectKey, WriteResult)) -> Option<(ObjectKey, WriteResult)> {
        self.complain(&result);
        let ended = self.under_way.remove(&service);
        let next = self.waiting.get_mut(&service).map(|(status, _)| status);
        let outcome = match (next, ended) {
            (Some(next), Some(ended)) => {
                // Only our own write came in between: what was decided on the version before it still holds.
                if let WriteResult::Written(version) = result
                    && next.resource_version == ended.resource_version
                {
                    next.resource_version = version;
                }
                self.order.push_front(service);
                None
            }
            _ => Some((service, result)),
        };
        self.begin();
        outcome
    }

    fn begin(&mut self) {
        while self.requests.len() < AT_ONCE
            && let Some(service) = self.order.pop_front()
        {
            let Some((status, warrant)) = self.waiting.remove(&service) else {
                continue;
            };
            self.under_way.insert(service.clone(), status.clone());
            let client = self.client.clone();
            self.requests
                .spawn(async move { (service, attempt(client, &status, &warrant).await) });
        }
    }

    /// Says once what is the matter, not for each Service and each attempt.
    fn complain(&mut self, result: &WriteResult) {
        let WriteResult::Failed(why) = result else {
            self.complaint = None;
            return;
        };
        if self.complaint.as_ref() != Some(why) {
            tracing::warn!("writing a Service's status failed and is tried again: {why}");
            self.complaint = Some(why.clone());
        }
    }
}

async fn attempt(client: Client, status: &ServiceStatus, warrant: &Warrant) -> WriteResult {
    let api: Api<Service> = Api::namespaced(client, &status.service.namespace);
    let patch = Patch::Merge(patch(status));
    let parameters = PatchParams::default();
    let left = warrant.left();
    if left.is_zero() {
        return WriteResult::Failed("the Lease has ended, another replica may lead".to_owned());
    }
    let sent = api.patch_status(&status.service.name, &parameters, &patch);
    match tokio::time::timeout(TIMEOUT.min(left), sent).await {
        Ok(Ok(service)) => WriteResult::Written(service.resource_version().unwrap_or_default()),
        Ok(Err(Error::Api(error))) if error.is_not_found() => WriteResult::Gone,
        Ok(Err(Error::Api(error))) if error.code == 409 => WriteResult::Conflict,
        Ok(Err(Error::Api(error))) => WriteResult::Failed(format!("{} ({})", error.message, error.code)),
        Ok(Err(error)) => WriteResult::Failed(Chain(&error).to_string()),
        Err(_) => WriteResult::Failed("no answer in 10 s".to_owned()),
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
            "annotations": {
                IP_ALLOCATED_FROM_POOL: status.pool,
                // What an old MetalLB wrote would name another pool after the next move.
                DEPRECATED_IP_ALLOCATED_FROM_POOL: null,
            },
        },
        "status": {"loadBalancer": {"ingress": if ingress.is_empty() { Value::Null } else { ingress.into() }}},
    })
}

#[cfg(test)]
mod tests;
