//! `/user`: who may log in. It is read to tell a person what an account may not do; passwords are never shown.

use crate::value::RowId;

use super::{BadField, Fields, Menu, Sealed, Table};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The row's id.
    pub id: RowId,
    /// Its name.
    pub name: String,
    /// The group whose policies it has.
    pub group: String,
    /// From where it may log in, with commas; empty: from anywhere.
    pub address: String,
    /// Switched off.
    pub disabled: bool,
}

impl Sealed for User {}

impl Table for User {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for User {
    const PATH: &'static str = "user";
    const PROPLIST: &'static [&'static str] = &[".id", "name", "group", "address", "disabled"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.required("name")?,
            group: fields.string("group"),
            address: fields.string("address"),
            disabled: fields.flag("disabled")?,
        })
    }
}
