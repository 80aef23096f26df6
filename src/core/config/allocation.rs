//! `IPAddressPool.spec.serviceAllocation`: which Services a pool is for.

use std::collections::{BTreeMap, BTreeSet};

use super::object::{Selectors, ServiceAllocation};
use super::repetition;
use crate::model::service::Service;
use crate::model::{LabelSelector, Labels};

/// Which Services a pool is for. Namespaces by name and by label add up, and a Service must be selected besides; what is
/// not written restricts nothing. Selectors that match no namespace let nobody in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allocation {
    /// Lower ones are used first.
    pub rank: u64,
    namespaces: BTreeSet<String>,
    namespace_selectors: Vec<LabelSelector>,
    service_selectors: Vec<LabelSelector>,
}

/// Whether a Service may be served from a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Yes,
    /// The pool is for others.
    No,
    /// That depends on the labels of its namespace, which was not seen yet.
    Unknown,
}

impl Allocation {
    /// # Errors
    /// A selector is none, or something stands there twice; in words.
    pub(super) fn read(spec: &ServiceAllocation) -> Result<Self, String> {
        let read = |field: &str, written: &Selectors| {
            let selectors: Result<Vec<_>, _> = written.iter().cloned().collect();
            let field = format!("spec.serviceAllocation.{field}");
            let selectors = selectors.map_err(|why| format!("{field}: {why}"))?;
            repetition::of_selectors(&field, written).map_or(Ok(selectors), Err)
        };
        if let Some(words) = repetition::of_names("spec.serviceAllocation.namespaces", &spec.namespaces) {
            return Err(words);
        }
        Ok(Self {
            // 0, and with it what is not positive, comes last.
            rank: u64::try_from(spec.priority)
                .ok()
                .filter(|p| *p > 0)
                .unwrap_or(u64::MAX),
            namespaces: spec.namespaces.iter().cloned().collect(),
            namespace_selectors: read("namespaceSelectors", &spec.namespace_selectors)?,
            service_selectors: read("serviceSelectors", &spec.service_selectors)?,
        })
    }

    pub(super) fn admits(&self, service: &Service, namespaces: &BTreeMap<String, Labels>) -> Admission {
        let selects = |selectors: &[LabelSelector], labels: &Labels| {
            selectors.iter().any(|selector| selector.matches(labels))
        };
        if !self.service_selectors.is_empty() && !selects(&self.service_selectors, &service.labels) {
            return Admission::No;
        }
        let anywhere = self.namespaces.is_empty() && self.namespace_selectors.is_empty();
        if anywhere || self.namespaces.contains(&service.key.namespace) {
            return Admission::Yes;
        }
        if self.namespace_selectors.is_empty() {
            return Admission::No;
        }
        match namespaces.get(&service.key.namespace) {
            None => Admission::Unknown,
            Some(labels) if selects(&self.namespace_selectors, labels) => Admission::Yes,
            Some(_) => Admission::No,
        }
    }
}

#[cfg(test)]
mod tests;
