//! Kubernetes label selectors (`metav1.LabelSelector`).

use std::collections::BTreeSet;

use super::Labels;
use super::excerpt::{NAME, excerpt};

/// A label selector. Empty: matches everything, as in Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct LabelSelector {
    /// Every one of these labels must be present with this value.
    pub match_labels: Labels,
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
    /// One value is enough.
    #[error("{value:?} stands twice in the values of {key:?}: remove one of the two")]
    RepeatedValue {
        /// The label's key.
        key: String,
        /// What is repeated.
        value: String,
    },
    /// No label has such a key.
    #[error(
        "{0:?} is no label's key: write letters, digits, '-', '_' and '.', at most 63, after a domain and a slash or alone"
    )]
    BadKey(String),
    /// No label has such a value.
    #[error(
        "{value:?} is no value of a label ({key:?}): write letters, digits, '-', '_' and '.', at most 63"
    )]
    BadValue {
        /// The label's key.
        key: String,
        /// What is no value.
        value: String,
    },
    /// One expression is enough.
    #[error("the expression on {0:?} stands in matchExpressions twice: remove one of the two")]
    RepeatedExpression(String),
}

/// The longest name in a label's key, and the longest value.
const LABEL_LENGTH: usize = 63;
/// The longest domain before a label's key.
const DOMAIN_LENGTH: usize = 253;

/// A name as keys have it, and values where they are not empty.
fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ends = |c: char| c.is_ascii_alphanumeric();
    (1..=LABEL_LENGTH).contains(&text.len())
        && text.chars().all(inner)
        && text.starts_with(ends)
        && text.ends_with(ends)
}

/// Whether the domain is one (RFC 1123), in lower case as Kubernetes wants it.
fn is_domain(text: &str) -> bool {
    let part = |part: &str| is_name(part) && part.chars().all(|c| !c.is_ascii_uppercase() && c != '_');
    text.len() <= DOMAIN_LENGTH && text.split('.').all(part)
}

/// What the API server asks of labels: a selector that names no label there can be is a slip of the pen.
fn check<'a>(key: &str, values: impl IntoIterator<Item = &'a String>) -> Result<(), SelectorError> {
    let good = match key.split_once('/') {
        Some((domain, name)) => is_domain(domain) && is_name(name),
        None => is_name(key),
    };
    if !good {
        return Err(SelectorError::BadKey(excerpt(key, NAME)));
    }
    let bad = values
        .into_iter()
        .find(|value| !value.is_empty() && !is_name(value));
    bad.map_or(Ok(()), |value| {
        Err(SelectorError::BadValue {
            key: key.to_owned(),
            value: excerpt(value, NAME),
        })
    })
}

/// The first item that stood before.
pub fn repeated<'a, T: Ord>(items: impl IntoIterator<Item = &'a T>) -> Option<&'a T> {
    let mut seen = BTreeSet::new();
    items.into_iter().find(|item| !seen.insert(*item))
}

impl Requirement {
    /// One `matchExpressions` entry as it is written.
    ///
    /// # Errors
    /// An unknown operator, values that do not fit it, one of them twice, or what no label has.
    pub fn parse(key: &str, operator: &str, values: Vec<String>) -> Result<Self, SelectorError> {
        check(key, &values)?;
        let key = key.to_owned();
        if let Some(value) = repeated(&values) {
            let value = excerpt(value, NAME);
            return Err(SelectorError::RepeatedValue { key, value });
        }
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
    /// A selector as it is written.
    ///
    /// # Errors
    /// An expression stands there twice, or a label is none.
    pub fn new(match_labels: Labels, match_expressions: Vec<Requirement>) -> Result<Self, SelectorError> {
        for (key, value) in &match_labels {
            check(key, [value])?;
        }
        if let Some(twice) = repeated(&match_expressions) {
            return Err(SelectorError::RepeatedExpression(twice.key.clone()));
        }
        Ok(Self {
            match_labels,
            match_expressions,
        })
    }

    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.match_labels.iter().all(|(k, v)| labels.get(k) == Some(v))
            && self.match_expressions.iter().all(|r| r.matches(labels))
    }
}

#[cfg(test)]
mod tests;
