//! `/ip/arp`.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::value::{MacAddr, Reference, RowId};

use super::{BadField, Fields, Menu, Sealed, Table};

mod write;

pub use write::{ArpChange, ExpectedArp, NewArp};

/// A row of the router's ARP table: dynamic (learnt) or static (a person's, or ours).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each of the row's flags, by its name"
)]
pub struct Arp {
    /// The row's id.
    pub id: RowId,
    /// The address.
    pub address: Ipv4Addr,
    /// Who has it; absent on rows that never resolved.
    pub mac_address: Option<MacAddr>,
    /// Where.
    pub interface: Reference,
    /// How sure the router is; absent on old versions.
    pub status: Option<ArpStatus>,
    /// Whether the row has an answer.
    pub complete: bool,
    /// Made by the DHCP server (`add-arp`).
    pub dhcp: bool,
    /// Learnt.
    pub dynamic: bool,
    /// The router answers for it with its own MAC address.
    pub published: bool,
    /// Switched off.
    pub disabled: bool,
    /// Set, but not in effect.
    pub invalid: bool,
    /// The routing table's name, where it is not the main one.
    pub vrf: Option<String>,
    /// What a person, or we, wrote.
    pub comment: Option<String>,
}

/// How sure the router is of an ARP row (`status=`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArpStatus {
    /// Set by hand: ARP traffic does not change it.
    Permanent,
    /// Answered lately.
    Reachable,
    /// Not confirmed for a while.
    Stale,
    /// Waiting for a hint before it asks.
    Delay,
    /// Asking.
    Probe,
    /// Asked without an answer.
    Failed,
    /// Asking for the first time.
    Incomplete,
    /// A word that this crate does not know.
    Other(String),
}

impl FromStr for ArpStatus {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "permanent" => Self::Permanent,
            "reachable" => Self::Reachable,
            "stale" => Self::Stale,
            "delay" => Self::Delay,
            "probe" => Self::Probe,
            "failed" => Self::Failed,
            "incomplete" => Self::Incomplete,
            other => Self::Other(other.to_owned()),
        })
    }
}

impl Sealed for Arp {}

impl Table for Arp {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for Arp {
    const PATH: &'static str = "ip/arp";
    const PROPLIST: &'static [&'static str] = &[
        ".id",
        "address",
        "mac-address",
        "interface",
        "status",
        "complete",
        "dhcp",
        "DHCP",
        "dynamic",
        "published",
        "disabled",
        "invalid",
        "vrf",
        "VRF",
        "comment",
    ];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        let mac: Option<MacAddr> = fields.optional("mac-address")?;
        Ok(Self {
            id: fields.id()?,
            address: fields.required("address")?,
            mac_address: mac.filter(|mac| *mac != MacAddr::ZERO),
            interface: fields.required("interface")?,
            status: fields.hint("status"),
            complete: fields.flag("complete")?,
            dhcp: fields.flag("dhcp")? || fields.flag("DHCP")?,
            dynamic: fields.flag("dynamic")?,
            published: fields.flag("published")?,
            disabled: fields.flag("disabled")?,
            invalid: fields.flag("invalid")?,
            vrf: fields
                .optional_string("vrf")
                .or_else(|| fields.optional_string("VRF")),
            comment: fields.optional_string("comment"),
        })
    }
}
