//! What differs from run to run although nothing else happened, and the names that are put in its place.
//!
//! | in a run | in the trace | why it says nothing |
//! |---|---|---|
//! | a host's MAC address | the host's name | which host it is matters, the number does not |
//! | times of day, durations | `<time>` | the order is kept, how long it took is for benches |
//! | UIDs, also the eight digits in a row's comment | `<uid>` | drawn by the API server |
//! | resource versions | `<version>` | counted over all that was written before; that one is named at all is kept |
//! | names of events and records | `web.<generated>`, `l2-<generated>` | made of a time, and of a hash |
//! | ids of router rows (`*9`) | `<row of …>`, by [`router`](super::router) | counted by the router |
//!
//! MAC addresses that no host has stay: those of reserved leases are made of the address.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::Result;
use regex::{Captures, Regex};
use serde_json::Value;

use crate::lan::Mac;

/// Puts names in the place of what differs.
pub(super) struct Names {
    hosts: BTreeMap<Mac, String>,
    mac: Regex,
    rules: Vec<(Regex, &'static str)>,
}

impl Names {
    /// # Errors
    /// Never; the patterns are constants.
    pub(super) fn new(hosts: BTreeMap<Mac, String>) -> Result<Self> {
        let rule = |pattern: &str, name| -> Result<_> { Ok((Regex::new(pattern)?, name)) };
        Ok(Self {
            hosts,
            mac: Regex::new(r"(?i)\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b")?,
            rules: vec![
                rule(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>")?,
                rule(r"\bduration=\S+", "duration=<time>")?,
                rule(
                    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
                    "<uid>",
                )?,
                rule(r"\b(tiklb/v1 [^ /]+/)[0-9a-f]{8}\b", "${1}<uid>")?,
                rule(r"\bl2-[0-9a-f]{16}\b", "l2-<generated>")?,
                rule(r"\b([a-z][a-z0-9-]*)\.[0-9a-f]{16}\b", "${1}.<generated>")?,
            ],
        })
    }

    /// The host with this MAC address.
    pub(super) fn host(&self, mac: Mac) -> Option<&str> {
        self.hosts.get(&mac).map(String::as_str)
    }

    /// A text with names in it.
    pub(super) fn plain(&self, text: &str) -> String {
        let host = |found: &Captures<'_>| {
            // RouterOS writes capitals.
            let mac = found[0].to_lowercase().parse().ok();
            let host = mac.and_then(|mac| self.host(mac));
            host.unwrap_or(&found[0]).to_owned()
        };
        let named = self.mac.replace_all(text, host);
        let named = self.rules.iter().fold(named, |text, (pattern, name)| {
            Cow::Owned(pattern.replace_all(&text, *name).into_owned())
        });
        named.into_owned()
    }

    /// A document with names in it.
    pub(super) fn document(&self, document: &Value) -> Value {
        match document {
            Value::Object(fields) => {
                let named = fields.iter().map(|(key, value)| match key.as_str() {
                    "resourceVersion" => (key.clone(), "<version>".into()),
                    _ => (key.clone(), self.document(value)),
                });
                named.collect()
            }
            Value::Array(items) => items.iter().map(|item| self.document(item)).collect(),
            Value::String(text) => self.plain(text).into(),
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
