//! Who uses addresses besides DHCP clients, as core decides on it.

use std::net::{IpAddr, Ipv4Addr};

use routeros::menu::{Address, PppAddress};
use routeros::value::Reference;
use tiklb_core::reservation::uses::{Fixed, FixedKind, OtherUses, Pointed, PointedRole, Taker, TakerKind};

use super::{named, ranges, unreadable};

/// The type of a VRRP interface in `/interface`.
const VRRP: &str = "vrrp";

/// Everything that the menus beside DHCP and ARP say of addresses.
pub(super) fn other_uses(read: &routeros::Reading) -> OtherUses {
    let uses = &read.uses;
    let unread = uses
        .unread
        .iter()
        .map(|unread| format!("/{}: {}", unread.menu, unread.why));
    OtherUses {
        takers: takers(uses).collect(),
        fixed: own(read).chain(fixed(uses)).collect(),
        pointed: pointed(read).collect(),
        unread: unread.chain(uses.bad.iter().map(unreadable)).collect(),
    }
}

/// A reference to a pool that is gone takes nothing.
fn taker(pool: Option<&Reference>, who: impl FnOnce() -> TakerKind) -> Option<Taker> {
    let pool = pool?.name()?.to_owned();
    Some(Taker { pool, who: who() })
}

fn takers(uses: &routeros::OtherUses) -> impl Iterator<Item = Taker> {
    let pool = |address: &Option<PppAddress>| address.as_ref().and_then(PppAddress::pool).cloned();
    let profiles = uses.profiles.iter().flat_map(move |row| {
        [&row.local_address, &row.remote_address]
            .into_iter()
            .filter_map(move |end| taker(pool(end).as_ref(), || TakerKind::PppProfile(row.name.clone())))
    });
    let secrets = uses.secrets.iter().filter(|row| !row.disabled);
    let secrets =
        secrets.filter_map(move |row| taker(pool(&row.remote_address).as_ref(), || TakerKind::PppSecret));
    let hotspots = uses.hotspots.iter().filter(|row| !row.disabled);
    let hotspots =
        hotspots.filter_map(|row| taker(row.address_pool.as_ref(), || TakerKind::Hotspot(row.name.clone())));
    let guests = uses.hotspot_profiles.iter().filter_map(|row| {
        taker(row.address_pool.as_ref(), || {
            TakerKind::HotspotUserProfile(row.name.clone())
        })
    });
    let matchers = uses.matchers.iter().filter(|row| !row.disabled);
    let matchers =
        matchers.filter_map(|row| taker(row.address_pool.as_ref(), || TakerKind::Matcher(row.name.clone())));
    let configs = uses.mode_configs.iter().filter_map(|row| {
        taker(row.address_pool.as_ref(), || {
            TakerKind::ModeConfig(row.name.clone())
        })
    });
    // Last: what is configured says more than what shows of it.
    let used = uses.used.iter().filter(|row| !row.is_of_dhcp());
    let used = used.filter_map(|row| {
        taker(Some(&row.pool), || TakerKind::Holder {
            owner: owner(&row.owner),
            address: IpAddr::V4(row.address),
        })
    });
    let of_ppp = profiles.chain(secrets);
    let of_guests = hotspots.chain(guests).chain(matchers);
    of_ppp.chain(of_guests).chain(configs).chain(used)
}

fn owner(text: &str) -> String {
    if text.is_empty() {
        return "something that has no name".to_owned();
    }
    text.to_owned()
}

/// The router's own addresses that are special: shared with other routers, or not in effect and so in no network.
fn own(read: &routeros::Reading) -> impl Iterator<Item = Fixed> {
    let is_vrrp = |name: &str| {
        let mut interfaces = read.interfaces.iter();
        interfaces.any(|interface| interface.name == name && interface.kind == VRRP)
    };
    let enabled = read.addresses.iter().filter(|row| !row.disabled);
    enabled.filter_map(move |row: &Address| {
        let interface = named(&row.interface);
        let whose = match (is_vrrp(&interface), row.invalid) {
            (true, _) => FixedKind::Vrrp { interface },
            (false, true) => FixedKind::Idle { interface },
            (false, false) => return None,
        };
        Some(fixed_at(row.address.addr(), whose))
    })
}

fn fixed_at(address: Ipv4Addr, whose: FixedKind) -> Fixed {
    let address = IpAddr::V4(address);
    Fixed { address, whose }
}

fn fixed(uses: &routeros::OtherUses) -> impl Iterator<Item = Fixed> {
    let ip = |address: &Option<PppAddress>| address.as_ref().and_then(PppAddress::ip);
    let secrets = uses.secrets.iter().filter(|row| !row.disabled);
    let secrets = secrets.flat_map(move |row| {
        let ends = [
            (ip(&row.local_address), FixedKind::PppServer),
            (ip(&row.remote_address), FixedKind::PppUser),
        ];
        ends.into_iter()
            .filter_map(|(end, whose)| Some(fixed_at(end?, whose)))
    });
    let profiles = uses.profiles.iter().flat_map(move |row| {
        let ends = [ip(&row.local_address), ip(&row.remote_address)];
        let ends = ends.into_iter().flatten();
        ends.map(|end| fixed_at(end, FixedKind::PppProfile(row.name.clone())))
    });
    let containers = uses.containers.iter().filter(|row| !row.disabled);
    let containers = containers.flat_map(|row| {
        let addresses = row.addresses.iter();
        addresses.map(|address| fixed_at(*address, FixedKind::Container(row.name.clone())))
    });
    let configs = uses
        .mode_configs
        .iter()
        .filter_map(|row| Some(fixed_at(row.address?, FixedKind::ModeConfig(row.name.clone()))));
    let used = uses.used.iter().filter(|row| !row.is_of_dhcp());
    let used = used.map(|row| {
        let owner = owner(&row.owner);
        fixed_at(row.address, FixedKind::Taken { owner })
    });
    used.chain(profiles)
        .chain(secrets)
        .chain(containers)
        .chain(configs)
}

fn pointed(read: &routeros::Reading) -> impl Iterator<Item = Pointed> {
    let told = read.networks.iter().flat_map(|network| {
        let dns = network
            .dns_servers
            .iter()
            .map(|server| (*server, PointedRole::Dns));
        let ntp = network
            .ntp_servers
            .iter()
            .map(|server| (*server, PointedRole::Ntp));
        let boot = network
            .next_server
            .iter()
            .map(|server| (*server, PointedRole::Boot));
        dns.chain(ntp).chain(boot)
    });
    let told = told.map(|(server, role)| Pointed::one(IpAddr::V4(server), role));
    let rules = read.uses.translations.iter().filter(|rule| rule.forwards());
    let forwards = rules.map(|rule| Pointed {
        addresses: ranges(&rule.to_addresses),
        role: PointedRole::Forward,
    });
    told.chain(forwards)
}
