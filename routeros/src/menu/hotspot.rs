//! `/ip/hotspot` and `/ip/hotspot/user/profile`.

use crate::value::{Reference, RowId};

use super::{BadField, Fields, Menu, Sealed, Table};

/// A hotspot: it gives its guests addresses of a pool, besides those that DHCP gave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hotspot {
    /// The row's id.
    pub id: RowId,
    /// Its name.
    pub name: String,
    /// The pool; `None` where guests keep their addresses.
    pub address_pool: Option<Reference>,
    /// Switched off.
    pub disabled: bool,
}

/// What a group of a hotspot's guests gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotspotUserProfile {
    /// The row's id.
    pub id: RowId,
    /// Its name.
    pub name: String,
    /// The pool that they get addresses of; `None` where the hotspot's own holds.
    pub address_pool: Option<Reference>,
}

fn address_pool(fields: &Fields<'_>) -> Result<Option<Reference>, BadField> {
    let pool: Option<Reference> = fields.optional("address-pool")?;
    Ok(pool.filter(|pool| pool.name() != Some("none")))
}

impl Sealed for Hotspot {}

impl Table for Hotspot {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for Hotspot {
    const PATH: &'static str = "ip/hotspot";
    const PROPLIST: &'static [&'static str] = &[".id", "name", "address-pool", "disabled"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.string("name"),
            address_pool: address_pool(fields)?,
            disabled: fields.flag("disabled")?,
        })
    }
}

impl Sealed for HotspotUserProfile {}

impl Table for HotspotUserProfile {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for HotspotUserProfile {
    const PATH: &'static str = "ip/hotspot/user/profile";
    const PROPLIST: &'static [&'static str] = &[".id", "name", "address-pool"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.string("name"),
            address_pool: address_pool(fields)?,
        })
    }
}
