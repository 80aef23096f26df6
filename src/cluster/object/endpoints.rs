//! `EndpointSlices`, gathered into the serving endpoints of each Service.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use tiklb_core::allocator::Change;
use tiklb_core::model::service::Endpoints;
use tiklb_core::model::{NodeName, ObjectKey};

use super::{Verdict, key_of};

/// The label that names a slice's Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The serving endpoints in one slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The slice.
    pub key: ObjectKey,
    /// Its Service.
    pub service: ObjectKey,
    /// What serves.
    pub endpoints: Endpoints,
}

/// A slice; one that belongs to no Service concerns nobody.
pub fn slice(object: EndpointSlice) -> Verdict<Slice> {
    let key = key_of(&object.metadata);
    let labels = object.metadata.labels.unwrap_or_default();
    let Some(service) = labels.get(SERVICE_NAME).filter(|name| !name.is_empty()) else {
        return Verdict::Ignore;
    };
    let mut endpoints = Endpoints::default();
    for endpoint in object.endpoints.into_iter().filter(serves) {
        match endpoint.node_name.filter(|name| !name.is_empty()) {
            Some(node) => _ = endpoints.nodes.insert(NodeName(node.into())),
            None => endpoints.nodeless = true,
        }
    }
    Verdict::Keep(Slice {
        service: ObjectKey::new(key.namespace.clone(), service),
        key,
        endpoints,
    })
}

/// MetalLB's rule: ready, where unknown means ready, or terminating and still serving.
fn serves(endpoint: &Endpoint) -> bool {
    endpoint
        .conditions
        .as_ref()
        .is_none_or(|conditions| conditions.ready != Some(false) || conditions.serving == Some(true))
}

/// The serving endpoints of every Service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndpointIndex {
    /// By Service and slice: hardly any Service has two, and a table for each would be mostly empty.
    slices: BTreeMap<(ObjectKey, ObjectKey), Endpoints>,
    service_of: BTreeMap<ObjectKey, ObjectKey>,
    endpoints: BTreeMap<ObjectKey, Endpoints>,
}

impl EndpointIndex {
    /// Takes a change in; the Services for which something else serves now.
    pub fn apply(&mut self, change: Change<Slice>) -> BTreeSet<ObjectKey> {
        let touched: BTreeSet<ObjectKey> = match &change {
            Change::Listed(slices) => {
                let listed = slices.iter().map(|slice| slice.service.clone());
                listed.chain(self.endpoints.keys().cloned()).collect()
            }
            // A slice may have been handed from one Service to another.
            Change::Applied(slice) => {
                let before = self.service_of.get(&slice.key).cloned();
                before.into_iter().chain([slice.service.clone()]).collect()
            }
            Change::Deleted(key) => self.service_of.get(key).cloned().into_iter().collect(),
        };
        let serving = |index: &Self, service: &ObjectKey| index.endpoints.get(service).cloned();
        let before: Vec<_> = touched.iter().map(|service| serving(self, service)).collect();
        match change {
            Change::Listed(slices) => {
                *self = Self::default();
                for slice in slices {
                    self.put(slice);
                }
            }
            Change::Applied(slice) => {
                self.take(&slice.key);
                self.put(slice);
            }
            Change::Deleted(key) => self.take(&key),
        }
        let compared = touched.into_iter().zip(before);
        compared
            .filter(|(service, before)| serving(self, service) != *before)
            .map(|(service, _)| service)
            .collect()
    }

    /// What serves, by Service. Services without a slice are absent.
    pub fn endpoints(&self) -> &BTreeMap<ObjectKey, Endpoints> {
        &self.endpoints
    }

    fn put(&mut self, slice: Slice) {
        self.service_of.insert(slice.key.clone(), slice.service.clone());
        let key = (slice.service.clone(), slice.key);
        self.slices.insert(key, slice.endpoints);
        self.gather(slice.service);
    }

    fn take(&mut self, slice: &ObjectKey) {
        let Some(service) = self.service_of.remove(slice) else {
            return;
        };
        self.slices.remove(&(service.clone(), slice.clone()));
        self.gather(service);
    }

    fn gather(&mut self, service: ObjectKey) {
        let from = (service.clone(), ObjectKey::default());
        let slices = self.slices.range(from..);
        let mut slices = slices.take_while(|((of, _), _)| *of == service).peekable();
        if slices.peek().is_none() {
            self.endpoints.remove(&service);
            return;
        }
        let all = slices.fold(Endpoints::default(), |mut all, (_, slice)| {
            all.nodes.extend(slice.nodes.iter().cloned());
            all.nodeless |= slice.nodeless;
            all
        });
        self.endpoints.insert(service, all);
    }
}
