//! `/ip/pool/used`.

use std::net::Ipv4Addr;

use crate::value::Reference;

use super::{BadField, Fields, Menu, Rows, Sealed};

/// An address that was handed out from a pool, to whomever: the only place that shows users of a pool other than DHCP
/// servers. Its rows are not written to and need no id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolUsed {
    /// The pool it is from.
    pub pool: Reference,
    /// The address.
    pub address: Ipv4Addr,
    /// The service that has it: `DHCP`, or the name of another one such as PPP or the hotspot. Empty when not told.
    pub owner: String,
    /// The client: a MAC address or a user's name. Empty when not told.
    pub info: String,
}

impl PoolUsed {
    /// Whether a DHCP server handed it out.
    pub fn is_of_dhcp(&self) -> bool {
        self.owner.eq_ignore_ascii_case("dhcp")
    }
}

impl Sealed for PoolUsed {}
impl Rows for PoolUsed {}

impl Menu for PoolUsed {
    const PATH: &'static str = "ip/pool/used";
    const PROPLIST: &'static [&'static str] = &["pool", "address", "owner", "info"];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            pool: fields.required("pool")?,
            address: fields.required("address")?,
            owner: fields.string("owner"),
            info: fields.string("info"),
        })
    }
}
