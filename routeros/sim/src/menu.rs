//! The menus that are simulated. Each has a file with its properties, its own checks and its computed keys.

mod address;
mod arp;
mod bridge;
mod bridge_host;
mod dhcp_config;
mod dns;
mod dns_static;
mod group;
mod hotspot;
mod identity;
mod interface;
mod ipsec;
mod lease;
mod matcher;
mod nat;
mod network;
mod pool;
mod pool_used;
mod ppp;
mod resource;
mod routerboard;
mod safe_mode;
mod server;
mod service;
mod settings;
mod user;
mod veth;
mod vlan;
mod webserver;

use std::fmt;
use std::str::FromStr;

use crate::device::Device;
use crate::property::Property;
use crate::row::Row;
use crate::table::{Entry, Key};
use crate::trap::Trap;

pub(crate) use arp::is_pinned as arp_is_pinned;
pub(crate) use interface::BRIDGE as INTERFACE_BRIDGE;

#[cfg(test)]
mod tests;

/// A menu of the console, which is a path under `/rest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Menu {
    /// `/interface`
    Interface,
    /// `/interface/bridge`
    Bridge,
    /// `/interface/bridge/host`
    BridgeHost,
    /// `/interface/veth`
    Veth,
    /// `/interface/vlan`
    Vlan,
    /// `/ip/address`
    Address,
    /// `/ip/arp`
    Arp,
    /// `/ip/dhcp-server`
    DhcpServer,
    /// `/ip/dhcp-server/config`
    DhcpConfig,
    /// `/ip/dhcp-server/lease`
    Lease,
    /// `/ip/dhcp-server/matcher`
    Matcher,
    /// `/ip/dhcp-server/network`
    Network,
    /// `/ip/dns`
    Dns,
    /// `/ip/dns/static`
    DnsStatic,
    /// `/ip/firewall/nat`
    Nat,
    /// `/ip/hotspot`
    Hotspot,
    /// `/ip/hotspot/user/profile`
    HotspotUserProfile,
    /// `/ip/ipsec/mode-config`
    ModeConfig,
    /// `/ip/pool`
    Pool,
    /// `/ip/pool/used`
    PoolUsed,
    /// `/ip/service`
    Service,
    /// `/ip/service/webserver`
    Webserver,
    /// `/ip/settings`
    Settings,
    /// `/ppp/profile`
    PppProfile,
    /// `/ppp/secret`
    PppSecret,
    /// `/safe-mode`
    SafeMode,
    /// `/system/identity`
    Identity,
    /// `/system/resource`
    Resource,
    /// `/system/routerboard`
    Routerboard,
    /// `/user`
    User,
    /// `/user/group`
    UserGroup,
}

/// Why a text names no menu of the simulator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no menu of the simulator: write a path such as /ip/pool")]
pub struct MenuError(String);

/// A menu's kind.
pub(crate) enum Shape {
    /// Stored rows.
    Rows,
    /// One stored row without an id: GET answers an object.
    Single,
    /// Rows computed from other menus.
    DerivedRows(fn(&Device) -> Vec<Row>),
    /// A computed object.
    DerivedSingle(fn(&Device) -> Row),
}

/// What the API may do in a menu. A person in Winbox may do more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Print,
    Add,
    Set,
    Remove,
    Enable,
    Disable,
    Comment,
    Move,
    Unset,
    MakeStatic,
}

impl Command {
    const ALL: [Command; 10] = [
        Command::Print,
        Command::Add,
        Command::Set,
        Command::Remove,
        Command::Enable,
        Command::Disable,
        Command::Comment,
        Command::Move,
        Command::Unset,
        Command::MakeStatic,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Command::Print => "print",
            Command::Add => "add",
            Command::Set => "set",
            Command::Remove => "remove",
            Command::Enable => "enable",
            Command::Disable => "disable",
            Command::Comment => "comment",
            Command::Move => "move",
            Command::Unset => "unset",
            Command::MakeStatic => "make-static",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.name() == name)
    }
}

/// A menu of rows that the API reads and writes.
const ROWS: &[Command] = &[
    Command::Print,
    Command::Add,
    Command::Set,
    Command::Remove,
    Command::Comment,
];
/// The same, where rows have `disabled`.
const SWITCHED_ROWS: &[Command] = &[
    Command::Print,
    Command::Add,
    Command::Set,
    Command::Remove,
    Command::Enable,
    Command::Disable,
    Command::Comment,
];
/// A menu that the API only reads.
const READ_ONLY: &[Command] = &[Command::Print];

/// A menu's description.
pub(crate) struct Spec {
    pub(crate) path: &'static str,
    pub(crate) shape: Shape,
    pub(crate) commands: &'static [Command],
    pub(crate) properties: &'static [Property],
    /// Menus below this one that exist on a router and are not simulated (schemas' `dirs`).
    pub(crate) directories: &'static [&'static str],
    /// Whether this board has the menu.
    pub(crate) exists: fn(&Device) -> bool,
    /// Which of the table's rows belong to this menu.
    pub(crate) holds: fn(&Entry) -> bool,
    /// The menu's own rules, after each value was read.
    pub(crate) check: fn(&Device, &Entry) -> Result<(), Trap>,
    /// What follows from a row that was added or changed.
    pub(crate) changed: fn(&mut Device, Key),
    /// Adds the computed keys to a row.
    pub(crate) show: fn(&Device, &Entry, &mut Row),
    /// What a dynamic row's change is refused with.
    pub(crate) dynamic_refusal: &'static str,
}

impl Spec {
    /// An empty read-only menu, from which the others are made.
    const BASE: Spec = Spec {
        path: "",
        shape: Shape::Rows,
        commands: READ_ONLY,
        properties: &[],
        directories: &[],
        exists: |_| true,
        holds: |_| true,
        check: |_, _| Ok(()),
        changed: |_, _| {},
        show: |_, _, _| {},
        dynamic_refusal: "can not change dynamic item",
    };

    /// Whether rows can be named instead of numbered.
    pub(crate) fn has_names(&self) -> bool {
        self.properties.iter().any(|property| property.name == "name") && !matches!(self.shape, Shape::Single)
    }

    /// Whether a router that boots answers before it has filled this menu. The board knows itself at once.
    pub(crate) fn comes_late(&self) -> bool {
        !matches!(
            self.path,
            "system/resource" | "system/routerboard" | "interface" | "user" | "user/group"
        )
    }

    pub(crate) fn is_single(&self) -> bool {
        matches!(self.shape, Shape::Single | Shape::DerivedSingle(_))
    }
}

impl Menu {
    /// Every menu, in the order of a snapshot.
    pub const ALL: [Menu; 31] = [
        Menu::Identity,
        Menu::Resource,
        Menu::Routerboard,
        Menu::Interface,
        Menu::Bridge,
        Menu::BridgeHost,
        Menu::Vlan,
        Menu::Veth,
        Menu::Address,
        Menu::Settings,
        Menu::Dns,
        Menu::DnsStatic,
        Menu::Service,
        Menu::Webserver,
        Menu::SafeMode,
        Menu::Pool,
        Menu::PoolUsed,
        Menu::PppProfile,
        Menu::PppSecret,
        Menu::Hotspot,
        Menu::HotspotUserProfile,
        Menu::ModeConfig,
        Menu::Nat,
        Menu::DhcpServer,
        Menu::DhcpConfig,
        Menu::Matcher,
        Menu::Network,
        Menu::Lease,
        Menu::Arp,
        Menu::UserGroup,
        Menu::User,
    ];

    /// The path below `/rest/`, such as `ip/pool`.
    pub fn path(self) -> &'static str {
        self.spec().path
    }

    pub(crate) fn spec(self) -> &'static Spec {
        match self {
            Menu::Interface => &interface::SPEC,
            Menu::Bridge => &bridge::SPEC,
            Menu::BridgeHost => &bridge_host::SPEC,
            Menu::Veth => &veth::SPEC,
            Menu::Vlan => &vlan::SPEC,
            Menu::Nat => &nat::SPEC,
            Menu::Hotspot => &hotspot::SPEC,
            Menu::HotspotUserProfile => &hotspot::USER_PROFILE,
            Menu::ModeConfig => &ipsec::MODE_CONFIG,
            Menu::PppProfile => &ppp::PROFILE,
            Menu::PppSecret => &ppp::SECRET,
            Menu::Address => &address::SPEC,
            Menu::Arp => &arp::SPEC,
            Menu::DhcpServer => &server::SPEC,
            Menu::DhcpConfig => &dhcp_config::SPEC,
            Menu::Matcher => &matcher::SPEC,
            Menu::Lease => &lease::SPEC,
            Menu::Network => &network::SPEC,
            Menu::Dns => &dns::SPEC,
            Menu::DnsStatic => &dns_static::SPEC,
            Menu::Pool => &pool::SPEC,
            Menu::PoolUsed => &pool_used::SPEC,
            Menu::Service => &service::SPEC,
            Menu::Webserver => &webserver::SPEC,
            Menu::SafeMode => &safe_mode::SPEC,
            Menu::Settings => &settings::SPEC,
            Menu::Identity => &identity::SPEC,
            Menu::Resource => &resource::SPEC,
            Menu::Routerboard => &routerboard::SPEC,
            Menu::User => &user::SPEC,
            Menu::UserGroup => &group::SPEC,
        }
    }

    /// The menu whose table holds the rows: bridges, VLANs and containers' ends are interfaces, and their ids are the
    /// same in both menus.
    pub(crate) fn table(self) -> Menu {
        match self {
            Menu::Bridge | Menu::Veth | Menu::Vlan => Menu::Interface,
            menu => menu,
        }
    }
}

impl fmt::Display for Menu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.path())
    }
}

impl FromStr for Menu {
    type Err = MenuError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.trim_matches('/');
        Menu::ALL
            .into_iter()
            .find(|menu| menu.path() == path)
            .ok_or_else(|| MenuError(text.to_owned()))
    }
}
