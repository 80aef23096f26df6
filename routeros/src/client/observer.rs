//! What is told about each request, for metrics.

use std::time::Duration;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// GET.
    Read,
    /// PUT.
    Add,
    /// PATCH.
    Set,
    /// DELETE.
    Remove,
}

impl RequestKind {
    /// As a metric's label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Add => "add",
            Self::Set => "set",
            Self::Remove => "remove",
        }
    }
}

/// One request that was sent, and how it went. Every field has few possible values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestReport {
    /// What it did.
    pub kind: RequestKind,
    /// The menu's path.
    pub menu: &'static str,
    /// `Ok`, or the error's [category](super::Error::category).
    pub outcome: &'static str,
    /// From the moment it was sent; waiting for other requests is not in it.
    pub duration: Duration,
}

/// Takes reports. Called on the request's task, between requests: it must not block.
pub trait Observer: Send + Sync {
    /// A request has ended.
    fn request(&self, report: RequestReport);
}

/// Takes reports and forgets them.
#[derive(Debug)]
pub(super) struct Unobserved;

impl Observer for Unobserved {
    fn request(&self, _: RequestReport) {}
}
