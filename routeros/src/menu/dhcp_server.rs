//! `/ip/dhcp-server`.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::value::{Duration, Flag, Reference, RowId};

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
    /// What it does about clients that ask for an address which is not its own.
    pub authoritative: Authoritative,
    /// Whether it probes an address before it offers it.
    pub conflict_detection: bool,
    /// The relay whose requests alone it serves; `None` where it serves its own interface.
    pub relay: Option<Ipv4Addr>,
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

/// Whether a DHCP server answers `NAK` to clients that ask for an address which is not its own (`authoritative=`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Authoritative {
    /// At once. The default, and what an absent property means.
    #[default]
    Yes,
    /// Never.
    No,
    /// After the client has asked for so long in vain.
    After(Duration),
    /// A word that this crate does not know.
    Other(String),
}

impl FromStr for Authoritative {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "yes" => Self::Yes,
            "no" => Self::No,
            "after-2sec-delay" => Self::After(Duration::from_secs(2)),
            "after-10sec-delay" => Self::After(Duration::from_secs(10)),
            other => Self::Other(other.to_owned()),
        })
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
        "conflict-detection",
        "relay",
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
            authoritative: fields.optional("authoritative")?.unwrap_or_default(),
            conflict_detection: fields
                .optional::<Flag>("conflict-detection")?
                .is_none_or(|flag| flag.0),
            relay: fields
                .hint("relay")
                .filter(|relay: &Ipv4Addr| !relay.is_unspecified()),
            disabled: fields.flag("disabled")?,
            dynamic: fields.flag("dynamic")?,
            invalid: fields.flag("invalid")?,
            comment: fields.optional_string("comment"),
        })
    }
}
