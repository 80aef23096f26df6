//! `/interface/veth`.

use std::net::Ipv4Addr;

use crate::value::RowId;

use super::address::Prefixed;
use super::{BadField, Fields, Menu, Sealed, Table};

/// A container's interface on the router. Its addresses are in no other menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veth {
    /// The row's id.
    pub id: RowId,
    /// Its name.
    pub name: String,
    /// The container's IPv4 addresses.
    pub addresses: Vec<Ipv4Addr>,
    /// Switched off.
    pub disabled: bool,
}

impl Sealed for Veth {}

impl Table for Veth {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for Veth {
    const PATH: &'static str = "interface/veth";
    const PROPLIST: &'static [&'static str] = &[".id", "name", "address", "disabled"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.required("name")?,
            addresses: fields
                .hints::<Prefixed>("address")
                .into_iter()
                .map(|address| address.0.addr())
                .collect(),
            disabled: fields.flag("disabled")?,
        })
    }
}
