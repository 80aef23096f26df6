//! What may be written to `/ip/pool`.

use std::fmt;

use crate::menu::write::Unmet;
use crate::menu::{Comment, Edit, NewRow, Properties, Sealed, Writable};
use crate::value::AddressRanges;

use super::Pool;

/// A pool cannot be left without addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no address would be left in the pool; an empty pool is never written")]
pub struct EmptyRanges;

/// Addresses to write as a pool's `ranges`: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolRanges(AddressRanges);

impl PoolRanges {
    /// The set.
    pub fn get(&self) -> &AddressRanges {
        &self.0
    }
}

impl TryFrom<AddressRanges> for PoolRanges {
    type Error = EmptyRanges;

    fn try_from(ranges: AddressRanges) -> Result<Self, EmptyRanges> {
        if ranges.is_empty() {
            Err(EmptyRanges)
        } else {
            Ok(Self(ranges))
        }
    }
}

/// A pool to add: one of ours, so it is marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPool {
    /// Its name: unique in the menu.
    pub name: String,
    /// Its addresses.
    pub ranges: PoolRanges,
    /// The mark.
    pub comment: Comment,
}

/// What to set of a pool. `ranges` may be set on any pool, that is what this crate is for; the comment only where
/// one is already, so that no person's pool is marked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolChange {
    /// Its addresses.
    pub ranges: Option<PoolRanges>,
    /// The mark.
    pub comment: Option<Comment>,
}

/// A pool as it was when a write to it was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedPool {
    /// Its name.
    pub name: String,
    /// Its addresses, as a set.
    pub ranges: AddressRanges,
    /// Its comment.
    pub comment: Option<String>,
}

impl fmt::Display for ExpectedPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pool {} with {}", self.name, self.ranges)?;
        self.comment
            .iter()
            .try_for_each(|comment| write!(f, " ({comment})"))
    }
}

impl Writable for Pool {
    type New = NewPool;
    type Change = PoolChange;
    type Expected = ExpectedPool;

    const WRITABLE: &'static [&'static str] = &["name", "ranges", "comment"];

    fn expected(&self) -> ExpectedPool {
        ExpectedPool {
            name: self.name.clone(),
            ranges: self.ranges.clone(),
            comment: self.comment.clone(),
        }
    }

    fn permits(&self, edit: Edit<'_, Self>) -> Result<(), &'static str> {
        if self.dynamic {
            return Err("the pool is dynamic: a service of the router made it");
        }
        let of_ranges_only = matches!(edit, Edit::Set(PoolChange { comment: None, .. }));
        if self.comment.is_none() && !of_ranges_only {
            return Err("the pool has no comment, so it is nobody's but its owner's");
        }
        Ok(())
    }
}

impl Sealed for NewPool {}

impl Properties<Pool> for NewPool {
    fn properties(&self) -> Vec<(&'static str, String)> {
        vec![
            ("name", self.name.clone()),
            ("ranges", self.ranges.0.to_string()),
            ("comment", self.comment.to_string()),
        ]
    }

    fn unmet(&self, row: &Pool) -> Vec<&'static str> {
        Unmet::new()
            .check("name", Some(&self.name), &&row.name)
            .check("ranges", Some(&self.ranges.0), &&row.ranges)
            .check(
                "comment",
                Some(Some(self.comment.as_str())),
                &row.comment.as_deref(),
            )
            .names()
    }
}

impl NewRow<Pool> for NewPool {
    fn collides(&self, row: &Pool) -> bool {
        row.name == self.name
    }

    /// A router has a handful of pools: they are all read.
    fn filter(&self) -> Option<(&'static str, String)> {
        None
    }
}

impl Sealed for PoolChange {}

impl Properties<Pool> for PoolChange {
    fn properties(&self) -> Vec<(&'static str, String)> {
        let ranges = self.ranges.iter().map(|ranges| ("ranges", ranges.0.to_string()));
        let comment = self
            .comment
            .iter()
            .map(|comment| ("comment", comment.to_string()));
        ranges.chain(comment).collect()
    }

    fn unmet(&self, row: &Pool) -> Vec<&'static str> {
        Unmet::new()
            .check("ranges", self.ranges.as_ref().map(PoolRanges::get), &&row.ranges)
            .check(
                "comment",
                self.comment.as_ref().map(|comment| Some(comment.as_str())),
                &row.comment.as_deref(),
            )
            .names()
    }
}
