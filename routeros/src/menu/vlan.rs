//! `/interface/vlan`.

use crate::value::{Reference, RowId};

use super::{ArpMode, BadField, Fields, Menu, Sealed, Table};

/// A VLAN interface. As with bridges, `arp` stands here and not in the list of `/interface`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vlan {
    /// The row's id.
    pub id: RowId,
    /// Its name.
    pub name: String,
    /// The interface it is on, often a bridge.
    pub interface: Option<Reference>,
    /// How it does ARP.
    pub arp: ArpMode,
    /// Switched off.
    pub disabled: bool,
}

impl Sealed for Vlan {}

impl Table for Vlan {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for Vlan {
    const PATH: &'static str = "interface/vlan";
    const PROPLIST: &'static [&'static str] = &[".id", "name", "interface", "arp", "disabled"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.required("name")?,
            interface: fields.optional("interface")?,
            arp: fields.optional("arp")?.unwrap_or_default(),
            disabled: fields.flag("disabled")?,
        })
    }
}
