//! One look at a router.

use crate::menu::{
    Address, Arp, BadRow, Bridge, DhcpNetwork, DhcpServer, Identity, Interface, Lease, Pool, Resource,
    Routerboard,
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
    /// Rows of any menu that could not be read: each may hold an address.
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

/// A row that could not be read, with its menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMenuRow {
    /// The menu's path.
    pub menu: &'static str,
    /// The row.
    pub row: BadRow,
}
