//! API objects to core's values and back. Pure: an object goes in, a value comes out.
//!
//! Values hold what tiklb reads and nothing else: managed fields, unknown fields and other people's annotations end
//! here. What is wrong with a configuration object becomes part of its value, so that it can be reported and what it
//! had handed out stays; what no user can have written (the kinds that only programs write) is [`Verdict::Unreadable`].

pub mod advertisement;
pub mod announcement;
pub mod configuration;
pub mod conflict;
pub mod document;
pub mod endpoints;
pub mod namespace;
pub mod node;
pub mod pod;
pub mod pool;
pub mod reservation;
pub mod router;
pub mod secret;
mod selector;
pub mod service;
pub mod survey;

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;
use tiklb_core::allocator::Change;
use tiklb_core::model::object::Seniority;
use tiklb_core::model::{Labels, ObjectKey, Timestamp, Uid};

use self::document::Document;

/// What a conversion makes of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<T> {
    /// A value.
    Keep(T),
    /// It does not concern tiklb: as if it did not exist.
    Ignore,
    /// It cannot be understood, in words: what is known of it stays.
    Unreadable(String),
}

impl<T> Verdict<T> {
    /// Changes the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Verdict<U> {
        match self {
            Self::Keep(value) => Verdict::Keep(f(value)),
            Self::Ignore => Verdict::Ignore,
            Self::Unreadable(why) => Verdict::Unreadable(why),
        }
    }
}

/// A value of an object that tiklb also writes, with what writing needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Known<T> {
    /// The value.
    pub value: T,
    /// What is stored of the object.
    pub stored: Stored,
}

impl<T> Known<Option<T>> {
    /// What it says, if it says anything.
    pub fn said(self) -> Option<Known<T>> {
        Some(Known {
            value: self.value?,
            stored: self.stored,
        })
    }
}

/// What the API server holds of an object that tiklb writes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stored {
    /// Namespace and name.
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// `metadata.finalizers`.
    pub finalizers: Vec<String>,
    /// `status`; `None` where it could not be decoded, `null` where there is none.
    pub status: Option<Document>,
}

impl Stored {
    /// From an object's metadata and its status.
    pub fn of(metadata: &ObjectMeta, status: Option<&impl Serialize>) -> Self {
        Self {
            key: key_of(metadata),
            uid: uid_of(metadata),
            resource_version: metadata.resource_version.clone().unwrap_or_default(),
            finalizers: metadata.finalizers.clone().unwrap_or_default(),
            status: status
                .map_or(Ok(Value::Null), serde_json::to_value)
                .ok()
                .map(Document::from),
        }
    }

    /// The status, for who looks into it.
    pub fn status(&self) -> Option<Value> {
        self.status.as_ref().map(Document::value)
    }

    /// From the metadata of an object whose rest could not be decoded.
    pub fn undecoded(metadata: &ObjectMeta) -> Self {
        Self {
            status: None,
            ..Self::of(metadata, None::<&Value>)
        }
    }
}

/// A change of an object that tiklb also writes, for the one who decides and for the one who writes.
pub fn split<T>(change: Change<Known<T>>) -> (Change<T>, Change<Stored>) {
    match change {
        Change::Listed(all) => {
            let (values, stored) = all.into_iter().map(|known| (known.value, known.stored)).unzip();
            (Change::Listed(values), Change::Listed(stored))
        }
        Change::Applied(known) => (Change::Applied(known.value), Change::Applied(known.stored)),
        Change::Deleted(key) => (Change::Deleted(key.clone()), Change::Deleted(key)),
    }
}

/// The same where an object may say nothing yet: for the one who decides it is not there.
pub fn split_said<T>(change: Change<Known<Option<T>>>) -> (Change<T>, Change<Stored>) {
    match change {
        Change::Applied(Known { value: None, stored }) => {
            (Change::Deleted(stored.key.clone()), Change::Applied(stored))
        }
        Change::Applied(Known {
            value: Some(value),
            stored,
        }) => (Change::Applied(value), Change::Applied(stored)),
        Change::Listed(all) => {
            let (values, stored): (Vec<_>, _) =
                all.into_iter().map(|known| (known.value, known.stored)).unzip();
            (
                Change::Listed(values.into_iter().flatten().collect()),
                Change::Listed(stored),
            )
        }
        Change::Deleted(key) => (Change::Deleted(key.clone()), Change::Deleted(key)),
    }
}

/// Namespace and name.
pub fn key_of(metadata: &ObjectMeta) -> ObjectKey {
    ObjectKey::new(
        metadata.namespace.clone().unwrap_or_default(),
        metadata.name.clone().unwrap_or_default(),
    )
}

/// `metadata.uid`.
pub fn uid_of(metadata: &ObjectMeta) -> Uid {
    Uid(metadata.uid.clone().unwrap_or_default())
}

/// The place in disputes of the object with this key.
fn seniority_of(metadata: &ObjectMeta, key: &ObjectKey) -> Seniority {
    let created = metadata.creation_timestamp.as_ref();
    Seniority {
        created: created.map_or(Timestamp::default(), |time| Timestamp(time.0.as_second())),
        key: key.clone(),
    }
}

/// What a client reads as a tree, in as much memory as it needs.
fn labels(map: Option<BTreeMap<String, String>>) -> Labels {
    map.unwrap_or_default().into_iter().collect()
}

/// The addresses among these texts; what is none is passed over, since the API server checked them.
fn addresses<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<IpAddr> {
    texts.into_iter().filter_map(|text| text.parse().ok()).collect()
}

#[cfg(test)]
mod tests;
