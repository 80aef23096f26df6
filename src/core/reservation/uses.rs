//! Who uses addresses on a router besides DHCP clients, as it was read. These menus change seldom, so they are read less
//! often than the others and may be some minutes old.

use std::fmt;
use std::net::IpAddr;

use crate::model::{AddressRange, RangeSet};

/// Everything of that kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OtherUses {
    /// Who takes addresses of the router's pools, besides its DHCP servers.
    pub takers: Vec<Taker>,
    /// Single addresses that somebody has because the router's configuration says so.
    pub fixed: Vec<Fixed>,
    /// Addresses that the router points others to. They are somebody's, or are to be: a Service may be meant.
    pub pointed: Vec<Pointed>,
    /// Menus and rows of them that could not be read, in words with the remedy.
    pub unread: Vec<String>,
}

/// Who takes addresses of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taker {
    /// The pool's name.
    pub pool: String,
    /// Who.
    pub who: TakerKind,
}

/// What takes addresses of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakerKind {
    /// `/ppp/profile` of this name.
    PppProfile(String),
    /// A row of `/ppp/secret`, whose name is a part of a password's pair and not read.
    PppSecret,
    /// `/ip/hotspot` of this name.
    Hotspot(String),
    /// `/ip/hotspot/user/profile` of this name.
    HotspotUserProfile(String),
    /// `/ip/dhcp-server/matcher` of this name.
    Matcher(String),
    /// `/ip/ipsec/mode-config` of this name.
    ModeConfig(String),
    /// Something that has an address of it in `/ip/pool/used`.
    Holder {
        /// What the router calls it.
        owner: String,
        /// The address.
        address: IpAddr,
    },
}

impl fmt::Display for TakerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PppProfile(name) => write!(f, "PPP profile {name}"),
            Self::PppSecret => f.write_str("a PPP secret, as its remote-address"),
            Self::Hotspot(name) => write!(f, "hotspot {name}"),
            Self::HotspotUserProfile(name) => write!(f, "hotspot user profile {name}"),
            Self::Matcher(name) => write!(f, "DHCP matcher {name}"),
            Self::ModeConfig(name) => write!(f, "IPsec mode-config {name}"),
            Self::Holder { owner, address } => write!(f, "{owner}, which gave {address} out (/ip/pool/used)"),
        }
    }
}

/// An address that is somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The address.
    pub address: IpAddr,
    /// Whose.
    pub whose: FixedKind,
}

/// Whose a single address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FixedKind {
    /// On an interface of type VRRP: of whichever router is the master.
    Vrrp {
        /// The interface.
        interface: String,
    },
    /// The router's own, which is not in effect at the moment.
    Idle {
        /// The interface.
        interface: String,
    },
    /// The user's end in a row of `/ppp/secret`, also while that user is away.
    PppUser,
    /// The router's end in a row of `/ppp/secret`.
    PppServer,
    /// An end in `/ppp/profile` of this name.
    PppProfile(String),
    /// A container's, on `/interface/veth` of this name.
    Container(String),
    /// A client's of `/ip/ipsec/mode-config` of this name.
    ModeConfig(String),
    /// Of somebody who has it from a pool by something else than DHCP.
    Taken {
        /// What the router calls it.
        owner: String,
    },
}

impl fmt::Display for FixedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vrrp { interface } => write!(f, "the VRRP address on {interface}"),
            Self::Idle { interface } => write!(
                f,
                "the router itself on {interface}, where it is not in effect now"
            ),
            Self::PppUser => f.write_str("the remote-address of a PPP secret"),
            Self::PppServer => f.write_str("the local-address of a PPP secret"),
            Self::PppProfile(name) => write!(f, "an end of PPP profile {name}"),
            Self::Container(name) => write!(f, "a container on {name}"),
            Self::ModeConfig(name) => write!(f, "a client of IPsec mode-config {name}"),
            Self::Taken { owner } => write!(f, "a client of {owner}"),
        }
    }
}

/// Addresses that the router points others to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointed {
    /// The addresses: one, but for port forwards.
    pub addresses: RangeSet,
    /// As what.
    pub role: PointedRole,
}

/// As what the router points others to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointedRole {
    /// DHCP clients are told it as their DNS server.
    Dns,
    /// DHCP clients are told it as their NTP server.
    Ntp,
    /// DHCP clients boot from it.
    Boot,
    /// A rule of `/ip/firewall/nat` forwards to it.
    Forward,
}

impl Pointed {
    /// One address in a role.
    pub fn one(address: IpAddr, role: PointedRole) -> Self {
        Self {
            addresses: AddressRange::single(address).into(),
            role,
        }
    }
}

impl fmt::Display for PointedRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "the router hands it out as DNS server",
            Self::Ntp => "the router hands it out as NTP server",
            Self::Boot => "the router hands it out as boot server (next-server)",
            Self::Forward => "the router forwards to it (dst-nat)",
        })
    }
}
