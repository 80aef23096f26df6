//! `/ip/dhcp-server/network`.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::value::RowId;

use super::address::Prefixed;
use super::{BadField, Fields, Menu, Sealed, Table};

/// What clients of a network are told. Read only, for the addresses that must not be given away. Entries that are
/// no IPv4 address (newer versions take other kinds) are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhcpNetwork {
    /// The row's id.
    pub id: RowId,
    /// The network.
    pub address: Ipv4Net,
    /// Default gateways.
    pub gateways: Vec<Ipv4Addr>,
    /// Name servers.
    pub dns_servers: Vec<Ipv4Addr>,
    /// Time servers.
    pub ntp_servers: Vec<Ipv4Addr>,
    /// The server that network boot continues from.
    pub next_server: Option<Ipv4Addr>,
    /// Made by a service of the router.
    pub dynamic: bool,
    /// What a person wrote.
    pub comment: Option<String>,
}

impl Sealed for DhcpNetwork {}

impl Table for DhcpNetwork {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for DhcpNetwork {
    const PATH: &'static str = "ip/dhcp-server/network";
    const PROPLIST: &'static [&'static str] = &[
        ".id",
        "address",
        "gateway",
        "dns-server",
        "ntp-server",
        "next-server",
        "dynamic",
        "comment",
    ];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            address: fields.required::<Prefixed>("address")?.0,
            gateways: fields.hints("gateway"),
            dns_servers: fields.hints("dns-server"),
            ntp_servers: fields.hints("ntp-server"),
            next_server: fields.hint("next-server"),
            dynamic: fields.flag("dynamic")?,
            comment: fields.optional_string("comment"),
        })
    }
}
