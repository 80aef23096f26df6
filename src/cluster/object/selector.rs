//! `metav1.LabelSelector`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use tiklb_core::config::object::Selectors;
use tiklb_core::model::LabelSelector;
use tiklb_core::model::selector::{Requirement, SelectorError};

use super::labels;

/// One selector.
pub(super) fn selector(written: meta::LabelSelector) -> Result<LabelSelector, SelectorError> {
    let expressions = written.match_expressions.unwrap_or_default().into_iter();
    let requirements =
        expressions.map(|e| Requirement::parse(&e.key, &e.operator, e.values.unwrap_or_default()));
    LabelSelector::new(
        labels(written.match_labels),
        requirements.collect::<Result<_, _>>()?,
    )
}

/// A list of them, each with its own error.
pub(super) fn selectors(written: Vec<meta::LabelSelector>) -> Selectors {
    written.into_iter().map(selector).collect()
}
