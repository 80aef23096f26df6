//! `/ip/firewall/nat`.

use crate::value::{AddressRanges, RowId};

use super::{BadField, Fields, Menu, Sealed, Table};

/// A rule of address translation. Read for the hosts that ports are forwarded to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nat {
    /// The row's id.
    pub id: RowId,
    /// Where it applies: `dstnat`, `srcnat` or a chain of the owner's.
    pub chain: String,
    /// What it does: `dst-nat`, `masquerade`, … Empty when not told.
    pub action: String,
    /// The addresses that it puts in; empty where it puts in none.
    pub to_addresses: AddressRanges,
    /// Switched off.
    pub disabled: bool,
}

impl Nat {
    /// Whether it forwards to its addresses.
    pub fn forwards(&self) -> bool {
        self.action == "dst-nat" && !self.disabled
    }
}

impl Sealed for Nat {}

impl Table for Nat {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for Nat {
    const PATH: &'static str = "ip/firewall/nat";
    const PROPLIST: &'static [&'static str] = &[".id", "chain", "action", "to-addresses", "disabled"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            chain: fields.string("chain"),
            action: fields.string("action"),
            to_addresses: fields.hint("to-addresses").unwrap_or_default(),
            disabled: fields.flag("disabled")?,
        })
    }
}
