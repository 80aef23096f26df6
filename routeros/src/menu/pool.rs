//! `/ip/pool`.

use crate::value::{AddressRanges, Reference, RowId};

use super::{BadField, Fields, Menu, Sealed, Table};

mod write;

pub use write::{EmptyRanges, ExpectedPool, NewPool, PoolChange, PoolRanges};

/// An address pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The row's id.
    pub id: RowId,
    /// Its name. Links to a pool survive renaming it.
    pub name: String,
    /// Its addresses, as a set.
    pub ranges: AddressRanges,
    /// The pool that takes over when this one is used up.
    pub next_pool: Option<Reference>,
    /// How many addresses it has; not told before 7.21.
    pub total: Option<u64>,
    /// How many are in use; not told before 7.21.
    pub used: Option<u64>,
    /// Made by a service of the router.
    pub dynamic: bool,
    /// What a person, or we, wrote.
    pub comment: Option<String>,
}

impl Sealed for Pool {}

impl Table for Pool {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for Pool {
    const PATH: &'static str = "ip/pool";
    const PROPLIST: &'static [&'static str] = &[
        ".id",
        "name",
        "ranges",
        "next-pool",
        "total",
        "used",
        "dynamic",
        "comment",
    ];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.required("name")?,
            ranges: fields.optional("ranges")?.unwrap_or_default(),
            next_pool: fields
                .hint("next-pool")
                .filter(|next: &Reference| next.name() != Some("none")),
            total: fields.hint("total"),
            used: fields.hint("used"),
            dynamic: fields.flag("dynamic")?,
            comment: fields.optional_string("comment"),
        })
    }
}
