//! One look at a router.

use crate::menu::{
    Address, Arp, BadRow, Bridge, DhcpMatcher, DhcpNetwork, DhcpServer, Hotspot, HotspotUserProfile,
    Identity, Interface, Lease, ModeConfig, Nat, Pool, PoolUsed, PppProfile, PppSecret, Resource,
    Routerboard, SafeMode, Veth, Vlan,
};
use crate::value::Uptime;

/// Everything that is read of a router, menu by menu in one pass. The menus were read one after another, so a change
/// in between can show in a later one and not in an earlier one: what must not rest on that is read twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What the router is, read first.
    pub resource: Resource,
    /// What it is called.
    pub identity: Identity,
    /// Its board; `None` on virtual routers.
    pub routerboard: Option<Routerboard>,
    /// Who works in Safe Mode; `None` where the router has no such menu or does not show it to the account.
    pub safe_mode: Option<SafeMode>,
    /// Its own addresses.
    pub addresses: Vec<Address>,
    /// Its interfaces.
    pub interfaces: Vec<Interface>,
    /// Its bridges.
    pub bridges: Vec<Bridge>,
    /// Its address pools.
    pub pools: Vec<Pool>,
    /// Its DHCP servers.
    pub servers: Vec<DhcpServer>,
    /// What its DHCP clients are told.
    pub networks: Vec<DhcpNetwork>,
    /// Its leases.
    pub leases: Vec<Lease>,
    /// Its ARP table.
    pub arp: Vec<Arp>,
    /// Who else uses addresses there.
    pub uses: OtherUses,
    /// Rows of any menu above that could not be read: each may hold an address.
    pub bad: Vec<BadMenuRow>,
}

impl Reading {
    /// Time since the router's last start.
    pub fn uptime(&self) -> Uptime {
        self.resource.uptime
    }

    /// The board's serial number, the best name that a device has; `None` on virtual routers.
    pub fn serial_number(&self) -> Option<&str> {
        self.routerboard.as_ref()?.serial_number.as_deref()
    }
}

/// Who uses addresses besides DHCP clients, and where the router's ARP is not as usual. These menus change seldom, and
/// some routers do not have all of them: one that is not there is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OtherUses {
    /// Addresses that were handed out from pools, to whomever.
    pub used: Vec<PoolUsed>,
    /// Rules that take addresses of a pool past the DHCP server's row.
    pub matchers: Vec<DhcpMatcher>,
    /// VLAN interfaces, for their way of doing ARP.
    pub vlans: Vec<Vlan>,
    /// Interfaces of containers on the router.
    pub containers: Vec<Veth>,
    /// What users of its VPN and PPP servers get in general.
    pub profiles: Vec<PppProfile>,
    /// Those users.
    pub secrets: Vec<PppSecret>,
    /// Its hotspots.
    pub hotspots: Vec<Hotspot>,
    /// What their guests get.
    pub hotspot_profiles: Vec<HotspotUserProfile>,
    /// What clients of its `IPsec` VPNs get.
    pub mode_configs: Vec<ModeConfig>,
    /// Its address translation.
    pub translations: Vec<Nat>,
    /// Menus that the account may not read.
    pub unread: Vec<UnreadMenu>,
    /// Rows of any of these menus that could not be read: each may hold an address.
    pub bad: Vec<BadMenuRow>,
}

/// A menu that the router has and did not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadMenu {
    /// The menu's path.
    pub menu: &'static str,
    /// Why, with the remedy.
    pub why: String,
}

/// A row that could not be read, with its menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMenuRow {
    /// The menu's path.
    pub menu: &'static str,
    /// The row.
    pub row: BadRow,
}
