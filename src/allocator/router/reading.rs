//! What the client read of a router, as core decides on it. Pure: rows in, rows out.
//!
//! The client's rows say what stands in a menu; core's say who has which address. They differ where RouterOS lets one
//! row be about two addresses, or about none.

use std::net::IpAddr;
use std::time::Duration;

use routeros::menu::{
    Address, AddressPool, Arp, ArpMode, ArpStatus, DhcpNetwork, DhcpServer, Lease, LeaseServer, LeaseStatus,
    Pool,
};
use routeros::value::{self, AddressRanges, DurationOrNever, Reference, Support};
use tiklb_core::model::{AddressRange, MacAddr, RangeSet};
use tiklb_core::reservation::Reading;
use tiklb_core::reservation::observed::{AddressRow, ArpRow, LeaseRow, NetworkRow, PoolRow, ServerRow};

#[cfg(test)]
mod tests;
mod uses;

/// A complete reading.
pub fn reading(read: &routeros::Reading) -> Reading {
    let model = read.routerboard.as_ref().map(|board| board.model.clone());
    let board = Some(read.resource.board_name.clone()).filter(|name| !name.is_empty());
    Reading {
        identity: read.identity.name.clone(),
        serial: read.serial_number().map(str::to_owned),
        board: board.or(model).unwrap_or_default(),
        version: read.resource.version.to_string(),
        untested: !matches!(
            read.resource.version.support(),
            Support::Supported { tested: true, .. }
        ),
        uptime: read.uptime().0.get(),
        safe_mode: read
            .safe_mode
            .as_ref()
            .filter(|state| state.is_held())
            .map(|state| state.holder().to_owned()),
        addresses: read.addresses.iter().filter_map(address).collect(),
        interfaces: read
            .interfaces
            .iter()
            .filter_map(|row| Some((row.name.clone(), mac(row.mac_address?))))
            .collect(),
        reply_only: read
            .bridges
            .iter()
            .map(|row| (&row.name, &row.arp))
            .chain(read.uses.vlans.iter().map(|row| (&row.name, &row.arp)))
            .filter(|(_, arp)| **arp == ArpMode::ReplyOnly)
            .map(|(name, _)| name.clone())
            .collect(),
        pools: read.pools.iter().map(pool).collect(),
        servers: read.servers.iter().map(server).collect(),
        networks: read.networks.iter().map(network).collect(),
        leases: read
            .leases
            .iter()
            .flat_map(|row| [assigned(row), in_use(row)])
            .flatten()
            .collect(),
        arps: read.arp.iter().map(arp).collect(),
        uses: uses::other_uses(read),
        unreadable: read.bad.iter().map(unreadable).collect(),
    }
}

/// The known holes of the version that the router runs, in words; none for most.
pub fn advisories(read: &routeros::Reading) -> Vec<String> {
    match read.resource.version.support() {
        Support::Supported { advisories, .. } => advisories
            .iter()
            .map(|advisory| format!("{}: {}", advisory.name, advisory.what))
            .collect(),
        Support::TooOld => Vec::new(),
    }
}

/// An address that is in effect; `None` for the others. It stands on the interface on which it works: a DHCP server
/// is on the bridge, also where somebody put the address on one of the bridge's ports.
fn address(row: &Address) -> Option<AddressRow> {
    let interface = row.actual_interface.as_ref().unwrap_or(&row.interface);
    (!row.disabled && !row.invalid).then(|| AddressRow {
        address: IpAddr::V4(row.address.addr()),
        network: row.address.into(),
        interface: named(interface),
    })
}

/// A pool.
pub(super) fn pool(row: &Pool) -> PoolRow {
    PoolRow {
        id: row.id.to_string(),
        name: row.name.clone(),
        ranges: ranges(&row.ranges),
        next_pool: row.next_pool.as_ref().map(named),
        comment: row.comment.clone().unwrap_or_default(),
    }
}

fn server(row: &DhcpServer) -> ServerRow {
    ServerRow {
        name: row.name.clone(),
        interface: named(&row.interface),
        pool: match &row.address_pool {
            AddressPool::StaticOnly => None,
            AddressPool::Pool(pool) => Some(named(pool)),
        },
        idle: row.disabled || row.invalid,
    }
}

fn network(row: &DhcpNetwork) -> NetworkRow {
    NetworkRow {
        network: row.address.into(),
        gateways: row.gateways.iter().copied().map(IpAddr::V4).collect(),
    }
}

/// The row of the address that a lease assigns, switched off or not. `None` where it assigns any address of a pool:
/// such a row by itself keeps nobody from any address.
pub(super) fn assigned(row: &Lease) -> Option<LeaseRow> {
    let address = row.address.ip()?;
    let at_home = row.active_address.is_none_or(|active| active == address);
    let client = row.mac_address.or(row.active_mac_address.filter(|_| at_home));
    Some(LeaseRow {
        id: row.id.to_string(),
        address: IpAddr::V4(address),
        mac: client.map(mac),
        server: match &row.server {
            LeaseServer::All => None,
            LeaseServer::One(server) => Some(named(server)),
        },
        dynamic: row.dynamic,
        evidence: false,
        disabled: row.disabled,
        bound: at_home && is_bound(row),
        // Until then the client may use the address that it has, not the one that it is to have next.
        expires_after: expiry(row).filter(|_| at_home),
        host_name: row.host_name.clone(),
        comment: row.comment.clone().unwrap_or_default(),
    })
}

/// The row of the address that a lease's client has at the moment, where that is not the one that the lease assigns:
/// the reservation was moved under a client that has not come back yet, or any address of a pool is assigned. It is
/// evidence alone. No write may be made on it, so it never carries a mark: the comment is taken for the client's name.
fn in_use(row: &Lease) -> Option<LeaseRow> {
    let address = row
        .active_address
        .filter(|active| row.address.ip() != Some(*active))?;
    let server = row.active_server.as_ref().or(match &row.server {
        LeaseServer::All => None,
        LeaseServer::One(server) => Some(server),
    });
    Some(LeaseRow {
        id: row.id.to_string(),
        address: IpAddr::V4(address),
        mac: row.active_mac_address.or(row.mac_address).map(mac),
        server: server.map(named),
        // It was handed out for a time, whatever the row is.
        dynamic: true,
        evidence: true,
        disabled: row.disabled,
        bound: true,
        expires_after: expiry(row),
        host_name: row.host_name.clone().or_else(|| row.comment.clone()),
        comment: String::new(),
    })
}

/// Whether more is known of the row than that a person wrote it. An end that is no time, or that never comes, says so
/// as well as one that does; of a word that nobody knows the worse is taken.
fn is_bound(row: &Lease) -> bool {
    row.status != LeaseStatus::Waiting || row.active_address.is_some() || row.active_mac_address.is_some()
}

fn expiry(row: &Lease) -> Option<Duration> {
    match row.expires_after? {
        DurationOrNever::Never => None,
        DurationOrNever::Of(duration) => Some(duration.get()),
    }
}

/// An ARP row.
pub(super) fn arp(row: &Arp) -> ArpRow {
    let alive = match &row.status {
        Some(ArpStatus::Permanent | ArpStatus::Reachable) => true,
        Some(
            ArpStatus::Stale
            | ArpStatus::Delay
            | ArpStatus::Probe
            | ArpStatus::Failed
            | ArpStatus::Incomplete,
        ) => false,
        // Old versions have no word for it, newer ones may have new words: whoever has an answer may be there.
        Some(ArpStatus::Other(_)) | None => row.complete,
    };
    ArpRow {
        id: row.id.to_string(),
        address: IpAddr::V4(row.address),
        mac: row.mac_address.map(mac),
        interface: named(&row.interface),
        dynamic: row.dynamic,
        disabled: row.disabled,
        alive,
        comment: row.comment.clone().unwrap_or_default(),
    }
}

fn unreadable(bad: &routeros::BadMenuRow) -> String {
    let id = bad.row.id.map(|id| format!(" {id}")).unwrap_or_default();
    format!("/{} row{id}: {}", bad.menu, bad.row.why)
}

/// A dead reference reads as the dead row's id.
fn named(reference: &Reference) -> String {
    reference.to_string()
}

pub(super) fn mac(mac: value::MacAddr) -> MacAddr {
    MacAddr::from(mac.0)
}

fn ranges(ranges: &AddressRanges) -> RangeSet {
    ranges
        .iter()
        .filter_map(|range| AddressRange::new(range.first().into(), range.last().into()))
        .collect()
}
