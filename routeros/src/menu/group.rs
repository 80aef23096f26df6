//! `/user/group`: policies under a name.

use std::collections::BTreeSet;

use crate::value::RowId;

use super::{BadField, Fields, Menu, Sealed, Table};

/// A group of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The row's id.
    pub id: RowId,
    /// Its name.
    pub name: String,
    /// What its users may do. It reads back with all words, those that are lacking behind a `!`: they are left out
    /// here.
    pub policies: BTreeSet<String>,
}

impl Sealed for Group {}

impl Table for Group {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for Group {
    const PATH: &'static str = "user/group";
    const PROPLIST: &'static [&'static str] = &[".id", "name", "policy"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        let words: String = fields.string("policy");
        let had = words
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty() && !word.starts_with('!'));
        Ok(Self {
            id: fields.id()?,
            name: fields.required("name")?,
            policies: had.map(str::to_owned).collect(),
        })
    }
}
