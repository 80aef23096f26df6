//! What an answer other than 2xx means.

use serde_json::Value;

use crate::value::quote;

use super::call::Call;
use super::{Error, Permission, RequestKind};

#[cfg(test)]
mod tests;

/// How long RouterOS itself lets a request run before it answers `Session closed`.
const SESSION: std::time::Duration = std::time::Duration::from_mins(1);

/// The error that `status` and `body` stand for. The texts are classified by their gist alone: they differ between
/// versions, and nothing is ever concluded from them about what the router now holds.
pub(super) fn classify(call: &Call, status: u16, body: &Value, address: &str) -> Error {
    let field = |name| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let detail = if field("detail").is_empty() {
        field("message")
    } else {
        field("detail")
    };
    let has_json = body.is_object();
    match (status, call.id) {
        (401, _) => Error::Unauthorized,
        (403, _) => Error::SourceRefused,
        (404, Some(id)) if has_json => Error::NotFound { menu: call.menu, id },
        (400, Some(id)) if detail.contains("no such item") => Error::NotFound { menu: call.menu, id },
        (400, _) if detail.contains("Session closed") => Error::Timeout {
            menu: call.menu,
            after: SESSION,
        },
        (500, _) if detail.contains("(9)") => Error::PolicyMissing(missing(call.kind, detail)),
        (500.., _) => Error::Busy {
            why: format!("{status} {}", quote(detail)).trim_end().to_owned(),
        },
        _ if has_json => Error::Refused {
            menu: call.menu,
            status,
            detail: quote(detail),
        },
        _ => Error::NoRest {
            address: address.to_owned(),
            why: format!("status {status} without a JSON body"),
        },
    }
}

/// Which policy a "(9)" means: `not allowed` is about the service, `not enough permissions` about what was done.
fn missing(kind: RequestKind, detail: &str) -> Permission {
    match kind {
        _ if detail.contains("not allowed") => Permission::Api,
        RequestKind::Read => Permission::Read,
        RequestKind::Add | RequestKind::Set | RequestKind::Remove => Permission::Write,
    }
}

/// The gist of every refusal of a write that versions up to the newest tested one are known to give.
const KNOWN: [&str; 20] = [
    "already exist",
    "already have",
    "can not change dynamic",
    "contents too long",
    "does not match any value of",
    "expects range of ip addresses",
    "has some users",
    "invalid network",
    "invalid or unexpected argument",
    "invalid value",
    "is configured elsewhere",
    "missing =",
    "missing or invalid resource identifier",
    "must have ip address",
    "no such command",
    "no such item",
    "out of range",
    "pool with such name exists",
    "ranges overlap",
    "update canceled",
];

/// Whether a refusal of a write is one that is known. `unknown parameter` is not: it says that a property which this
/// crate writes is gone.
pub(super) fn is_known(detail: &str) -> bool {
    KNOWN.iter().any(|known| detail.contains(known))
}
