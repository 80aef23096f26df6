//! `/ip/dhcp-server/lease`.

use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::value::{DurationOrNever, Invalid, MacAddr, Reference, RowId};

use super::{BadField, Fields, Menu, Sealed, Table};

mod dynamic;
mod write;

pub use dynamic::DynamicLease;
pub use write::{ExpectedLease, LeaseChange, NewLease};

/// A DHCP lease: dynamic (the router's) or static (a person's, or ours).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The row's id.
    pub id: RowId,
    /// What it assigns.
    pub address: LeaseAddress,
    /// The client it is for.
    pub mac_address: Option<MacAddr>,
    /// The client id it is for.
    pub client_id: Option<String>,
    /// The server it belongs to.
    pub server: LeaseServer,
    /// The address that the client has now.
    pub active_address: Option<Ipv4Addr>,
    /// The client that has it now.
    pub active_mac_address: Option<MacAddr>,
    /// The server that gave it.
    pub active_server: Option<Reference>,
    /// Where it stands.
    pub status: LeaseStatus,
    /// What the client calls itself.
    pub host_name: Option<String>,
    /// Until it ends, from the moment of reading; absent on leases that are not bound.
    pub expires_after: Option<DurationOrNever>,
    /// Since the client was heard.
    pub last_seen: Option<DurationOrNever>,
    /// Made by the server for a client.
    pub dynamic: bool,
    /// Switched off.
    pub disabled: bool,
    /// The client is refused.
    pub blocked: bool,
    /// What a person, or we, wrote.
    pub comment: Option<String>,
}

/// What a lease assigns (`address=`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeaseAddress {
    /// This address.
    Ip(Ipv4Addr),
    /// Any address of this pool.
    Pool(String),
    /// Any address of the server's pool: `0.0.0.0`, or no address at all.
    ServerPool,
}

impl LeaseAddress {
    /// The one address that it assigns, if it is one.
    pub fn ip(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Pool(_) | Self::ServerPool => None,
        }
    }
}

impl FromStr for LeaseAddress {
    type Err = Invalid;

    /// A text made of what IPv4 addresses are made of is one, and wrong if it is none, as is an IPv6 address; any
    /// other is a pool's name.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        match text.parse() {
            Ok(Ipv4Addr::UNSPECIFIED) => Ok(Self::ServerPool),
            Ok(address) => Ok(Self::Ip(address)),
            Err(_) if like_ipv4(text) || text.parse::<Ipv6Addr>().is_ok() => Err(Invalid::new(
                "an address of a lease",
                text,
                "it should be an IPv4 address or a pool's name",
            )),
            Err(_) => Ok(Self::Pool(text.to_owned())),
        }
    }
}

fn like_ipv4(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b"./-, ".contains(&b))
}

/// The server that a lease belongs to (`server=`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeaseServer {
    /// Every server: what an absent property means.
    All,
    /// This one.
    One(Reference),
}

impl FromStr for LeaseServer {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if text == "all" {
            Ok(Self::All)
        } else {
            text.parse().map(Self::One)
        }
    }
}

/// Where a lease stands (`status=`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LeaseStatus {
    /// Nobody has asked for it. Also what an absent property means.
    #[default]
    Waiting,
    /// The server probes whether the address is in use.
    Testing,
    /// The server asks RADIUS.
    Authorizing,
    /// Something answered the probe (older versions).
    Busy,
    /// Offered, not yet taken.
    Offered,
    /// In use.
    Bound,
    /// The client found the address in use.
    Declined,
    /// Something answered the probe.
    Conflict,
    /// A word that this crate does not know.
    Other(String),
}

impl FromStr for LeaseStatus {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "waiting" => Self::Waiting,
            "testing" => Self::Testing,
            "authorizing" => Self::Authorizing,
            "busy" => Self::Busy,
            "offered" => Self::Offered,
            "bound" => Self::Bound,
            "declined" => Self::Declined,
            "conflict" => Self::Conflict,
            other => Self::Other(other.to_owned()),
        })
    }
}

impl Sealed for Lease {}

impl Table for Lease {
    fn id(&self) -> RowId {
        self.id
    }
}

impl Menu for Lease {
    const PATH: &'static str = "ip/dhcp-server/lease";
    const PROPLIST: &'static [&'static str] = &[
        ".id",
        "address",
        "mac-address",
        "client-id",
        "server",
        "active-address",
        "active-mac-address",
        "active-server",
        "status",
        "host-name",
        "expires-after",
        "last-seen",
        "dynamic",
        "disabled",
        "blocked",
        "comment",
    ];

    fn from_fields(fields: &Fields<'_>) -> Result<Self, BadField> {
        Ok(Self {
            id: fields.id()?,
            address: fields.optional("address")?.unwrap_or(LeaseAddress::ServerPool),
            mac_address: fields.optional("mac-address")?,
            client_id: fields.optional_string("client-id"),
            server: fields.optional("server")?.unwrap_or(LeaseServer::All),
            active_address: fields.optional("active-address")?,
            active_mac_address: fields.optional("active-mac-address")?,
            active_server: fields.optional("active-server")?,
            status: fields.optional("status")?.unwrap_or_default(),
            host_name: fields.optional_string("host-name"),
            expires_after: fields.hint("expires-after"),
            last_seen: fields.hint("last-seen"),
            dynamic: fields.flag("dynamic")?,
            disabled: fields.flag("disabled")?,
            blocked: fields.flag("blocked")?,
            comment: fields.optional_string("comment"),
        })
    }
}
