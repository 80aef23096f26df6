//! What a router was read to hold: plain rows of the menus that matter here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::marker::Marker;
use super::uses::OtherUses;
use crate::model::{MacAddr, RangeSet};

/// One complete reading, menu after menu.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// `/system/identity`.
    pub identity: String,
    /// `/system/routerboard` serial number; a virtual router (CHR) has none.
    pub serial: Option<String>,
    /// `/system/resource` board name.
    pub board: String,
    /// `/system/resource` version, as the router says it.
    pub version: String,
    /// The version is none that was tested.
    pub untested: bool,
    /// `/system/resource` uptime.
    pub uptime: Duration,
    /// `/safe-mode` (7.18 and later): who holds it, in words; `None` where nobody does or the router does not say.
    pub safe_mode: Option<String>,
    /// `/ip/address`: enabled, valid rows.
    pub addresses: Vec<AddressRow>,
    /// MAC addresses of the router's interfaces, by name.
    pub interfaces: BTreeMap<String, MacAddr>,
    /// Names of interfaces with `arp=reply-only` (`/interface/bridge`, `/interface/vlan`): the router learns nothing there and talks only
    /// to addresses that have an ARP row.
    pub reply_only: BTreeSet<String>,
    /// `/ip/pool`.
    pub pools: Vec<PoolRow>,
    /// `/ip/dhcp-server`.
    pub servers: Vec<ServerRow>,
    /// `/ip/dhcp-server/network`.
    pub networks: Vec<NetworkRow>,
    /// `/ip/dhcp-server/lease`.
    pub leases: Vec<LeaseRow>,
    /// `/ip/arp`.
    pub arps: Vec<ArpRow>,
    /// Who uses addresses besides DHCP clients.
    pub uses: OtherUses,
    /// Rows that could not be understood, in words; they are nobody's of ours.
    pub unreadable: Vec<String>,
}

/// A row of `/ip/address`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressRow {
    /// The router's own address.
    pub address: IpAddr,
    /// The connected network.
    pub network: IpNet,
    /// The interface that has it.
    pub interface: String,
}

/// A row of `/ip/pool`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolRow {
    /// `.id`, good for one read-modify-write.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub ranges: RangeSet,
    /// The pool that is used when this one is empty.
    pub next_pool: Option<String>,
    /// Its comment; empty when there is none.
    pub comment: String,
}

/// A row of `/ip/dhcp-server`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRow {
    /// Its name.
    pub name: String,
    /// The interface it serves.
    pub interface: String,
    /// Its pool; `None` for `static-only`. A dead pool reads as `*1`.
    pub pool: Option<String>,
    /// Disabled or invalid: it serves nobody.
    pub idle: bool,
}

/// A row of `/ip/dhcp-server/network`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRow {
    /// The network.
    pub network: IpNet,
    /// What clients are told is their gateway.
    pub gateways: Vec<IpAddr>,
}

/// A row of `/ip/dhcp-server/lease`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of a row of the router")]
pub struct LeaseRow {
    /// `.id`.
    pub id: String,
    /// The address it reserves or hands out.
    pub address: IpAddr,
    /// The client's MAC address, if the row has one.
    pub mac: Option<MacAddr>,
    /// The server's name; `None`: all servers.
    pub server: Option<String>,
    /// Made by the router for a client.
    pub dynamic: bool,
    /// The row assigns another address, or any: all that it shows is that its client has this one. No write may be made
    /// on it.
    pub evidence: bool,
    /// Switched off by a person.
    pub disabled: bool,
    /// A client has the address, or the server found somebody there: a static row may be that, or only keep its address.
    pub bound: bool,
    /// How long the client may still use it; rows that are not bound have none, and leases that never end.
    pub expires_after: Option<Duration>,
    /// What the client calls itself.
    pub host_name: Option<String>,
    /// Its comment; empty when there is none.
    pub comment: String,
}

/// A row of `/ip/arp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArpRow {
    /// `.id`.
    pub id: String,
    /// The address.
    pub address: IpAddr,
    /// Its MAC address; failed rows have none.
    pub mac: Option<MacAddr>,
    /// The interface.
    pub interface: String,
    /// Learned by the router.
    pub dynamic: bool,
    /// Without effect.
    pub disabled: bool,
    /// The router has spoken to it lately, or a person wrote it.
    pub alive: bool,
    /// Its comment; empty when there is none.
    pub comment: String,
}

/// The part of a reading that two readings must agree on before anything is written, so that a router that is
/// still booting (empty or foreign answers) or a restored backup is never taken for the truth.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Fingerprint {
    identity: String,
    serial: Option<String>,
    pools: Vec<(String, RangeSet)>,
    marked: Vec<(String, IpAddr)>,
}

impl Fingerprint {
    /// Whether both are of one router.
    pub fn same_board(&self, other: &Self) -> bool {
        self.identity == other.identity && self.serial == other.serial
    }
}

impl Reading {
    /// What the pools without a mark of tiklb's hand out.
    pub fn handed_out(&self) -> RangeSet {
        let foreign = self
            .pools
            .iter()
            .filter(|row| Marker::parse(&row.comment).is_none());
        foreign.fold(RangeSet::new(), |all, row| all.union(&row.ranges))
    }

    /// What must be equal in two readings in a row.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut pools: Vec<_> = self
            .pools
            .iter()
            .map(|p| (p.name.clone(), p.ranges.clone()))
            .collect();
        pools.sort();
        let leases = self.leases.iter().map(|row| (&row.comment, row.address));
        let arps = self.arps.iter().map(|row| (&row.comment, row.address));
        let mut marked: Vec<_> = leases
            .chain(arps)
            .filter(|(comment, _)| Marker::parse(comment).is_some())
            .map(|(comment, address)| (comment.clone(), address))
            .collect();
        marked.sort();
        Fingerprint {
            identity: self.identity.clone(),
            serial: self.serial.clone(),
            pools,
            marked,
        }
    }

    /// All MAC addresses of the router itself.
    pub fn own_macs(&self) -> impl Iterator<Item = MacAddr> + '_ {
        self.interfaces.values().copied()
    }
}
