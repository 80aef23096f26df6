//! `/interface`.

use crate::value::{MacAddr, RowId};

use super::{BadField, Fields, Menu, Sealed, Table};

/// One of the router's interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The row's id.
    pub id: RowId,
    /// Its name.
    pub name: String,
    /// Its kind: `ether`, `bridge`, `vlan`, … Empty when not told.
    pub kind: String,
    /// Its own MAC address; tunnels have none.
    pub mac_address: Option<MacAddr>,
    /// Whether it has a link.
    pub running: bool,
}

impl Sealed for Interface {}

impl Table for Interface {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for Interface {
    const PATH: &'static str = "interface";
    const PROPLIST: &'static [&'static str] = &[".id", "name", "type", "mac-address", "running"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.required("name")?,
            kind: fields.string("type"),
            mac_address: fields.hint("mac-address"),
            running: fields.flag("running")?,
        })
    }
}
