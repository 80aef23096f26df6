//! A menu's properties: what each takes, from which release it exists, and when its key is in a row.

use crate::value::Kind;
use crate::version::{Release, Version};

/// When a property's key is in a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shown {
    /// Always; this is its text where nothing was set.
    Always(&'static str),
    /// Only when it was set.
    WhenSet,
    /// Only when it differs from this default.
    Unless(&'static str),
    /// Never: a password.
    Never,
}

/// One writable property.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) shown: Shown,
    /// `add` refuses without it.
    pub(crate) required: bool,
    since: Release,
    until: Release,
}

impl Property {
    /// Optional, and in a row only when set.
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            shown: Shown::WhenSet,
            required: false,
            since: (0, 0, 0),
            until: (u16::MAX, 0, 0),
        }
    }

    /// Always in a row, with this text where nothing was set.
    pub(crate) const fn always(mut self, default: &'static str) -> Self {
        self.shown = Shown::Always(default);
        self
    }

    /// In a row only when it differs from `default`.
    pub(crate) const fn unless(mut self, default: &'static str) -> Self {
        self.shown = Shown::Unless(default);
        self
    }

    /// Never in a row.
    pub(crate) const fn hidden(mut self) -> Self {
        self.shown = Shown::Never;
        self
    }

    /// `add` refuses without it.
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Exists from this release on.
    pub(crate) const fn since(mut self, release: Release) -> Self {
        self.since = release;
        self
    }

    /// Exists in releases before this one.
    pub(crate) const fn until(mut self, release: Release) -> Self {
        self.until = release;
        self
    }

    /// Whether `version` has it.
    pub(crate) fn exists_in(&self, version: &Version) -> bool {
        version.has(self.since) && !version.has(self.until)
    }
}

/// `comment`, in nearly every menu: absent from a row when empty.
pub(crate) const COMMENT: Property = Property::new("comment", Kind::Text);
/// `disabled`, always in a row.
pub(crate) const DISABLED: Property = Property::new("disabled", Kind::Flag).always("false");
