//! Query parameters.

use std::collections::BTreeMap;

use super::status::Refusal;
use super::strategy::FieldValidation;

/// The parameters of a request, each at most once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads a query string.
    pub(crate) fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// A parameter; empty where it is missing.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A parameter that is set: `1` or `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), "1" | "true" | "True")
    }

    /// A parameter that is a number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        match self.get(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                Refusal::bad_request(format!("{name}: Invalid value: {text:?}: must be a number"))
            }),
        }
    }

    /// A resource version. None and 0 both leave the choice to the server.
    pub(crate) fn version(&self, name: &str) -> Result<Option<u64>, Refusal> {
        Ok(self.number(name)?.filter(|&version| version != 0))
    }

    /// What to do with unknown fields.
    pub(crate) fn field_validation(&self) -> FieldValidation {
        match self.get("fieldValidation") {
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            _ => FieldValidation::Warn,
        }
    }
}
