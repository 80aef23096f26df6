//! Kubernetes label selectors (`metav1.LabelSelector`).

use std::collections::BTreeMap;

use super::Labels;

/// A label selector. Empty: matches everything, as in Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct LabelSelector {
    /// Every one of these labels must be present with this value.
    pub match_labels: BTreeMap<String, String>,
    /// Every one of these must hold.
    pub match_expressions: Vec<Requirement>,
}

/// One entry of `matchExpressions`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// What must hold of it.
    pub operator: Operator,
}

/// The operators of `matchExpressions`, with their values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// The label is present with one of these values.
    In(Vec<String>),
    /// The label is absent or has none of these values.
    NotIn(Vec<String>),
    /// The label is present.
    Exists,
    /// The label is absent.
    DoesNotExist,
}

/// Why a selector is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// An operator that Kubernetes does not have.
    #[error("operator {0:?} is not one of In, NotIn, Exists, DoesNotExist")]
    UnknownOperator(String),
    /// `In` and `NotIn` need values.
    #[error("operator {operator} on {key:?} needs at least one value")]
    MissingValues {
        /// `In` or `NotIn`.
        operator: &'static str,
        /// The label's key.
        key: String,
    },
    /// `Exists` and `DoesNotExist` take none.
    #[error("operator {operator} on {key:?} takes no values")]
    SurplusValues {
        /// `Exists` or `DoesNotExist`.
        operator: &'static str,
        /// The label's key.
        key: String,
    },
}

impl Requirement {
    /// One `matchExpressions` entry as it is written.
    ///
    /// # Errors
    /// An unknown operator, or values that do not fit it.
    pub fn parse(key: &str, operator: &str, values: Vec<String>) -> Result<Self, SelectorError> {
        let key = key.to_owned();
        let operator = match (operator, values.is_empty()) {
            ("In", false) => Operator::In(values),
            ("NotIn", false) => Operator::NotIn(values),
            ("In", true) => return Err(SelectorError::MissingValues { operator: "In", key }),
            ("NotIn", true) => {
                return Err(SelectorError::MissingValues {
                    operator: "NotIn",
                    key,
                });
            }
            ("Exists", true) => Operator::Exists,
            ("DoesNotExist", true) => Operator::DoesNotExist,
            ("Exists", false) => {
                return Err(SelectorError::SurplusValues {
                    operator: "Exists",
                    key,
                });
            }
            ("DoesNotExist", false) => {
                return Err(SelectorError::SurplusValues {
                    operator: "DoesNotExist",
                    key,
                });
            }
            (other, _) => return Err(SelectorError::UnknownOperator(other.to_owned())),
        };
        Ok(Self { key, operator })
    }

    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match &self.operator {
            Operator::In(values) => value.is_some_and(|v| values.contains(v)),
            Operator::NotIn(values) => value.is_none_or(|v| !values.contains(v)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

impl LabelSelector {
    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.match_labels.iter().all(|(k, v)| labels.get(k) == Some(v))
            && self.match_expressions.iter().all(|r| r.matches(labels))
    }
}

#[cfg(test)]
mod tests;
