//! What may be written, and the conditions under which it may.

use std::fmt;

use crate::value::RowId;

use super::{Sealed, Table};

/// A menu that may be written, through its `New` and `Change` alone.
pub trait Writable: Table + Clone + fmt::Debug + Sync {
    /// A row to add.
    type New: NewRow<Self>;
    /// Properties of an existing row to set.
    type Change: Properties<Self>;
    /// What a row must still be for a write to it: what was true when the write was decided.
    type Expected: Clone + fmt::Debug + fmt::Display + PartialEq + Send + Sync + 'static;

    /// Every property that a `New` or a `Change` can carry: the allow-list.
    const WRITABLE: &'static [&'static str];

    /// What a write that was decided on this row expects.
    fn expected(&self) -> Self::Expected;

    /// Why nobody but the router or its owner may make this edit, whatever was decided.
    ///
    /// # Errors
    /// The reason.
    fn permits(&self, edit: Edit<'_, Self>) -> Result<(), &'static str>;
}

/// A write to an existing row.
#[derive(Debug)]
pub enum Edit<'a, M: Writable> {
    /// PATCH with these properties.
    Set(&'a M::Change),
    /// DELETE.
    Remove,
}

/// Properties to write: always a subset of [`Writable::WRITABLE`], always text, never empty.
pub trait Properties<M>: Sealed + Clone + fmt::Debug + Send + Sync + 'static {
    /// Name and value of each, in RouterOS's canonical form.
    fn properties(&self) -> Vec<(&'static str, String)>;

    /// The names of those that `row` does not mean. Compared as values, never as texts: RouterOS normalises.
    fn unmet(&self, row: &M) -> Vec<&'static str>;
}

/// A row to add.
pub trait NewRow<M>: Properties<M> {
    /// Whether `row` already stands where this one should: it must not be added beside it.
    fn collides(&self, row: &M) -> bool;

    /// An equality filter that at least every colliding row passes, to read less than the whole table.
    fn filter(&self) -> Option<(&'static str, String)>;
}

/// A row to write to: its id, which means nothing by itself, and what the row must be for the id to be right.
#[derive(Debug, Clone, PartialEq)]
pub struct Target<M: Writable> {
    /// The id, as last read.
    pub id: RowId,
    /// The row, as last read.
    pub expected: M::Expected,
}

impl<M: Writable> Target<M> {
    /// The row as it was read.
    pub fn of(row: &M) -> Self {
        Self {
            id: row.id(),
            expected: row.expected(),
        }
    }
}

/// Collects the properties that are set, with what a row has in their place.
pub(super) struct Unmet(Vec<&'static str>);

impl Unmet {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// Notes `property` unless `wanted` is unset or equals `found`.
    pub(super) fn check<T: PartialEq>(
        mut self,
        property: &'static str,
        wanted: Option<T>,
        found: &T,
    ) -> Self {
        if wanted.is_some_and(|wanted| wanted != *found) {
            self.0.push(property);
        }
        self
    }

    pub(super) fn names(self) -> Vec<&'static str> {
        self.0
    }
}
