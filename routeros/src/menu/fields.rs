//! Access to a row's properties.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::value::{Flag, RowId};

/// A property without which its row has no meaning, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("property {property}: {why}")]
pub struct BadField {
    property: &'static str,
    why: String,
}

/// One row as RouterOS sent it: every value a string, absent when unset. Numbers and booleans are taken as their
/// text, should a version send them; an empty text counts as absent, since unset lists read as `""`.
#[derive(Debug)]
pub struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(crate) fn new(object: &'a Map<String, Value>) -> Self {
        Self(object)
    }

    fn text(&self, property: &str) -> Result<Option<Cow<'a, str>>, &'static str> {
        match self.0.get(property) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(Cow::Borrowed(text))),
            Some(Value::Array(_) | Value::Object(_)) => Err("it is not a text"),
            Some(other) => Ok(Some(Cow::Owned(other.to_string()))),
        }
    }

    /// A text as it is; empty when absent.
    pub(crate) fn string(&self, property: &str) -> String {
        self.optional_string(property).unwrap_or_default()
    }

    /// A text as it is.
    pub(crate) fn optional_string(&self, property: &str) -> Option<String> {
        self.text(property).ok().flatten().map(Cow::into_owned)
    }

    /// A property that must parse where it is set.
    pub(crate) fn optional<T: FromStr<Err: Display>>(
        &self,
        property: &'static str,
    ) -> Result<Option<T>, BadField> {
        let bad = |why: String| BadField { property, why };
        let text = self.text(property).map_err(|why| bad(why.to_owned()))?;
        text.map(|text| text.parse())
            .transpose()
            .map_err(|why: T::Err| bad(why.to_string()))
    }

    /// A property that must be there and parse.
    pub(crate) fn required<T: FromStr<Err: Display>>(&self, property: &'static str) -> Result<T, BadField> {
        let missing = || BadField {
            property,
            why: "it is missing".to_owned(),
        };
        self.optional(property)?.ok_or_else(missing)
    }

    /// A property that only informs: absent when it does not parse.
    pub(crate) fn hint<T: FromStr>(&self, property: &str) -> Option<T> {
        self.text(property).ok()??.parse().ok()
    }

    /// A comma-separated list that only informs: without the items that do not parse.
    pub(crate) fn hints<T: FromStr>(&self, property: &str) -> Vec<T> {
        let text = self.string(property);
        text.split(',')
            .filter_map(|item| item.trim().parse().ok())
            .collect()
    }

    /// A flag; absent is false.
    pub(crate) fn flag(&self, property: &'static str) -> Result<bool, BadField> {
        Ok(self.optional::<Flag>(property)?.unwrap_or_default().0)
    }

    /// The row's own id.
    pub(crate) fn id(&self) -> Result<RowId, BadField> {
        self.required(".id")
    }
}
