//! `/ppp/secret`.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::value::{Reference, RowId};

use super::{BadField, Fields, Menu, Sealed, Table};

/// Where an end of a PPP link has its address from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PppAddress {
    /// It is this one.
    Ip(Ipv4Addr),
    /// It is taken from a pool.
    Pool(Reference),
}

impl PppAddress {
    /// The address, where it is a certain one.
    pub fn ip(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Pool(_) => None,
        }
    }

    /// The pool, where it is taken from one.
    pub fn pool(&self) -> Option<&Reference> {
        match self {
            Self::Ip(_) => None,
            Self::Pool(pool) => Some(pool),
        }
    }
}

impl FromStr for PppAddress {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        match text.parse() {
            Ok(address) => Ok(Self::Ip(address)),
            Err(_) => text.parse().map(Self::Pool),
        }
    }
}

/// A user of the router's VPN and PPP servers: its addresses are its own also while it is away. Neither the password
/// nor the user's name is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PppSecret {
    /// The row's id.
    pub id: RowId,
    /// The router's end of the link; `None` where it comes from a profile.
    pub local_address: Option<PppAddress>,
    /// The user's end of the link; `None` where it comes from a profile.
    pub remote_address: Option<PppAddress>,
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
