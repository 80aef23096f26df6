//! `/ip/dhcp-server`.

use std::convert::Infallible;
use std::str::FromStr;

use crate::value::{Duration, Reference, RowId};

use super::{BadField, Fields, Menu, Sealed, Table};

/// A DHCP server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each of the row's flags, by its name"
)]
pub struct DhcpServer {
    /// The row's id.
    pub id: RowId,
    /// Its name, by which leases refer to it.
    pub name: String,
    /// The interface it answers on.
    pub interface: Reference,
    /// Where its dynamic addresses come from.
    pub address_pool: AddressPool,
    /// How long a client may keep an address; absent when not told.
    pub lease_time: Option<Duration>,
    /// Whether it makes an ARP row for each bound lease.
    pub add_arp: bool,
    /// `yes` (the default), `no` or a delay: not a flag. Empty when at its default.
    pub authoritative: String,
    /// Switched off.
    pub disabled: bool,
    /// Made by a service of the router.
    pub dynamic: bool,
    /// Set, but not in effect.
    pub invalid: bool,
    /// What a person wrote.
    pub comment: Option<String>,
}

/// Where a DHCP server takes dynamic addresses from (`address-pool=`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressPool {
    /// Nowhere: it serves static leases only. RouterOS's default.
    StaticOnly,
    /// This pool, and whatever `next-pool` names after it.
    Pool(Reference),
}

impl FromStr for AddressPool {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if text == "static-only" {
            Ok(Self::StaticOnly)
        } else {
            text.parse().map(Self::Pool)
        }
    }
}

impl Sealed for DhcpServer {}

impl Table for DhcpServer {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for DhcpServer {
    const PATH: &'static str = "ip/dhcp-server";
    const PROPLIST: &'static [&'static str] = &[
        ".id",
        "name",
        "interface",
        "address-pool",
        "lease-time",
        "add-arp",
        "authoritative",
        "disabled",
        "dynamic",
        "invalid",
        "comment",
    ];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            name: fields.required("name")?,
            interface: fields.required("interface")?,
            address_pool: fields
                .optional("address-pool")?
                .unwrap_or(AddressPool::StaticOnly),
            lease_time: fields.hint("lease-time"),
            add_arp: fields.flag("add-arp")?,
            authoritative: fields.string("authoritative"),
            disabled: fields.flag("disabled")?,
            dynamic: fields.flag("dynamic")?,
            invalid: fields.flag("invalid")?,
            comment: fields.optional_string("comment"),
        })
    }
}
