//! A request and its answer, as the layers see them. Requests are made from menu types alone.

use serde_json::{Map, Value};

use crate::menu::{Menu, Properties, Rows, Singleton, Table, Writable};
use crate::value::RowId;

use super::{Error, RequestKind};

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) kind: RequestKind,
    pub(super) menu: &'static str,
    pub(super) id: Option<RowId>,
    /// Without the `?`; ASCII that needs no escape.
    pub(super) query: Option<String>,
    pub(super) body: Option<Value>,
}

impl Call {
    fn read<M: Menu>(id: Option<RowId>, query: Option<String>) -> Self {
        Self {
            kind: RequestKind::Read,
            menu: M::PATH,
            id,
            query,
            body: None,
        }
    }

    pub(super) fn singleton<M: Singleton>() -> Self {
        Self::read::<M>(None, None)
    }

    /// The table, with the properties that are read. The filter's value is an address: it needs no escape.
    pub(super) fn list<M: Rows>(filter: Option<(&'static str, String)>) -> Self {
        let filter = filter
            .map(|(property, value)| format!("{property}={value}&"))
            .unwrap_or_default();
        Self::read::<M>(None, Some(format!("{filter}.proplist={}", M::PROPLIST.join(","))))
    }

    pub(super) fn row<M: Table>(id: RowId) -> Self {
        Self::read::<M>(Some(id), None)
    }

    pub(super) fn add<M: Writable>(new: &M::New) -> Self {
        Self {
            kind: RequestKind::Add,
            menu: M::PATH,
            id: None,
            query: None,
            body: Some(body(new)),
        }
    }

    pub(super) fn set<M: Writable>(id: RowId, change: &M::Change) -> Self {
        Self {
            kind: RequestKind::Set,
            menu: M::PATH,
            id: Some(id),
            query: None,
            body: Some(body(change)),
        }
    }

    pub(super) fn remove<M: Writable>(id: RowId) -> Self {
        Self {
            kind: RequestKind::Remove,
            menu: M::PATH,
            id: Some(id),
            query: None,
            body: None,
        }
    }
}

/// Every value as a string: bare numbers could be read as hexadecimal or octal.
fn body<M>(properties: &impl Properties<M>) -> Value {
    let properties = properties
        .properties()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)));
    Value::Object(properties.collect::<Map<_, _>>())
}

/// A 2xx answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// `Null` when it had no body.
    pub(super) body: Value,
}

/// A request that did not get a 2xx answer.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) stage: Stage,
}

/// How far a request came. Once it was sent, no answer, whatever it says, proves that nothing changed: RouterOS is
/// known to apply requests that it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The router has not seen it.
    Unsent,
    /// It may have been seen, but there was no whole answer.
    Interrupted,
    /// There was a whole answer.
    Answered,
}

impl Failure {
    pub(super) fn unsent(error: Error) -> Self {
        Self {
            error,
            stage: Stage::Unsent,
        }
    }

    pub(super) fn interrupted(error: Error) -> Self {
        Self {
            error,
            stage: Stage::Interrupted,
        }
    }

    pub(super) fn answered(error: Error) -> Self {
        Self {
            error,
            stage: Stage::Answered,
        }
    }
}
