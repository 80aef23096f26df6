//! `/ppp/profile`.

use crate::value::RowId;

use super::{BadField, Fields, Menu, PppAddress, Sealed, Table};

/// What users of the router's VPN and PPP servers get unless their own row says otherwise. Nobody can switch one off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PppProfile {
    /// The row's id.
    pub id: RowId,
    /// Its name.
    pub name: String,
    /// The router's end of the links.
    pub local_address: Option<PppAddress>,
    /// The users' ends of the links.
    pub remote_address: Option<PppAddress>,
}

impl Sealed for PppProfile {}

impl Table for PppProfile {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for PppProfile {
    const PATH: &'static str = "ppp/profile";
    const PROPLIST: &'static [&'static str] = &[".id", "name", "local-address", "remote-address"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.string("name"),
            local_address: fields.hint("local-address"),
            remote_address: fields.hint("remote-address"),
        })
    }
}
