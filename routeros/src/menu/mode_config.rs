//! `/ip/ipsec/mode-config`.

use std::net::Ipv4Addr;

use crate::value::{Reference, RowId};

use super::{BadField, Fields, Menu, Sealed, Table};

/// What an `IPsec` VPN's clients are told: one more taker of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeConfig {
    /// The row's id.
    pub id: RowId,
    /// Its name.
    pub name: String,
    /// The pool that they get addresses of.
    pub address_pool: Option<Reference>,
    /// The one address that its one client gets.
    pub address: Option<Ipv4Addr>,
}

impl Sealed for ModeConfig {}

impl Table for ModeConfig {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for ModeConfig {
    const PATH: &'static str = "ip/ipsec/mode-config";
    const PROPLIST: &'static [&'static str] = &[".id", "name", "address-pool", "address"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.string("name"),
            address_pool: fields
                .optional("address-pool")?
                .filter(|pool: &Reference| pool.name() != Some("none")),
            address: fields.hint("address"),
        })
    }
}
