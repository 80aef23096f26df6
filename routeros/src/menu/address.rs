//! `/ip/address`.

use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::Ipv4Net;

use crate::value::{Invalid, Reference, RowId};

use super::{BadField, Fields, Menu, Sealed, Table};

/// One of the router's own addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The row's id.
    pub id: RowId,
    /// The address with its prefix length; the host part is the router's.
    pub address: Ipv4Net,
    /// The network address, or the peer's on a point-to-point link.
    pub network: Option<Ipv4Addr>,
    /// The interface it was put on.
    pub interface: Reference,
    /// The interface it works on, where that differs: the bridge of a bridge port.
    pub actual_interface: Option<Reference>,
    /// The routing table's name, where it is not the main one.
    pub vrf: Option<String>,
    /// Switched off.
    pub disabled: bool,
    /// Made by a service of the router.
    pub dynamic: bool,
    /// Set, but not in effect.
    pub invalid: bool,
    /// What a person wrote.
    pub comment: Option<String>,
}

impl Sealed for Address {}

impl Table for Address {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for Address {
    const PATH: &'static str = "ip/address";
    const PROPLIST: &'static [&'static str] = &[
        ".id",
        "address",
        "network",
        "interface",
        "actual-interface",
        "vrf",
        "VRF",
        "disabled",
        "dynamic",
        "invalid",
        "comment",
    ];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            address: fields.required::<Prefixed>("address")?.0,
            network: fields.hint("network"),
            interface: fields.required("interface")?,
            actual_interface: fields.hint("actual-interface"),
            vrf: fields
                .optional_string("vrf")
                .or_else(|| fields.optional_string("VRF")),
            disabled: fields.flag("disabled")?,
            dynamic: fields.flag("dynamic")?,
            invalid: fields.flag("invalid")?,
            comment: fields.optional_string("comment"),
        })
    }
}

/// An address with or without its prefix length: without, it stands alone.
pub(super) struct Prefixed(pub(super) Ipv4Net);

impl FromStr for Prefixed {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let network = text
            .parse()
            .ok()
            .or_else(|| text.parse::<Ipv4Addr>().ok().map(Ipv4Net::from));
        let why = "it should be like 192.168.1.1/24";
        network
            .map(Self)
            .ok_or_else(|| Invalid::new("an IPv4 address with a prefix length", text, why))
    }
}
