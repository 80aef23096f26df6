//! `/ppp/secret`.

use std::net::Ipv4Addr;

use crate::value::RowId;

use super::{BadField, Fields, Menu, Sealed, Table};

/// A user of the router's VPN and PPP servers: its addresses are its own also while it is away. Neither the password
/// nor the user's name is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PppSecret {
    /// The row's id.
    pub id: RowId,
    /// The router's end of the link; `None` where it comes from a pool or a profile.
    pub local_address: Option<Ipv4Addr>,
    /// The user's end of the link; `None` where it comes from a pool or a profile.
    pub remote_address: Option<Ipv4Addr>,
    /// Switched off.
    pub disabled: bool,
}

impl Sealed for PppSecret {}

impl Table for PppSecret {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for PppSecret {
    const PATH: &'static str = "ppp/secret";
    const PROPLIST: &'static [&'static str] = &[".id", "local-address", "remote-address", "disabled"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            local_address: fields.hint("local-address"),
            remote_address: fields.hint("remote-address"),
            disabled: fields.flag("disabled")?,
        })
    }
}
