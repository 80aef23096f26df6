//! `/user` and `/user/group`: who we are to the router, and what we may do there.

use crate::value::{Policies, RowId};

use super::{BadField, Fields, Menu, Sealed, Table};

/// A user of the router. The password is never told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The row's id.
    pub id: RowId,
    /// The name it logs in with.
    pub name: String,
    /// The group whose policies it has.
    pub group: String,
    /// The networks that it may come from, as written; empty means any.
    pub address: Vec<String>,
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
            address: fields
                .hints::<String>("address")
                .into_iter()
                .filter(|network| !network.is_empty())
                .collect(),
            disabled: fields.flag("disabled")?,
        })
    }
}

/// A group of users: what they may do, everywhere; RouterOS has no rights for single menus or rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserGroup {
    /// The row's id.
    pub id: RowId,
    /// Its name.
    pub name: String,
    /// What its users may do.
    pub policy: Policies,
}

impl Sealed for UserGroup {}

impl Table for UserGroup {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for UserGroup {
    const PATH: &'static str = "user/group";
    const PROPLIST: &'static [&'static str] = &[".id", "name", "policy"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.required("name")?,
            policy: fields.optional("policy")?.unwrap_or_default(),
        })
    }
}
