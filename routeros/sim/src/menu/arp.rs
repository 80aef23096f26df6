//! `/ip/arp`: permanent rows by hand, and the neighbours that the router has met.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{Menu, SWITCHED_ROWS, Spec};
use crate::device::Device;
use crate::property::{COMMENT, DISABLED, Property};
use crate::row::Row;
use crate::table::{Entry, Key, Live};
use crate::trap::Trap;
use crate::value::Kind;
use crate::version::{ARP_FALSE_INVALID, ARP_FALSE_INVALID_FIXED, ARP_LOWERCASE_DHCP, ARP_STATUS};

pub(super) static SPEC: Spec = Spec {
    path: "ip/arp",
    commands: SWITCHED_ROWS,
    properties: &[
        Property::new("address", Kind::Address).required(),
        Property::new("mac-address", Kind::Mac),
        Property::new(
            "interface",
            Kind::Link {
                menu: Menu::Interface,
                words: &[],
                unset: None,
            },
        )
        .required(),
        Property::new("published", Kind::Flag).always("false"),
        COMMENT,
        DISABLED,
    ],
    check,
    changed,
    show,
    dynamic_refusal: "can not change dynamic entry",
    ..Spec::BASE
};

/// Whether an enabled permanent row stands for the address, so that nothing is learned for it.
pub(crate) fn is_pinned(device: &Device, address: Ipv4Addr) -> bool {
    let text = address.to_string();
    let pins = |row: &Entry| !row.dynamic && !row.flag("disabled") && row.text("address") == Some(&text);
    device.entries(Menu::Arp).any(pins)
}

/// Two enabled permanent rows for one address and interface. What a router says then is not known; whether a
/// disabled row counts is not either, and is taken not to.
fn check(device: &Device, row: &Entry) -> Result<(), Trap> {
    let same = |other: &Entry, name| other.values.get(name) == row.values.get(name);
    let twin = |other: &Entry| {
        other.key != row.key
            && !other.dynamic
            && !other.flag("disabled")
            && same(other, "address")
            && same(other, "interface")
    };
    if !row.flag("disabled") && device.entries(Menu::Arp).any(twin) {
        return Err(Trap::failure(&device.switches.arp_duplicate_text));
    }
    Ok(())
}

/// A permanent row takes the place of what was learned for its address.
fn changed(device: &mut Device, key: Key) {
    let Some(row) = device.get(Menu::Arp, key).filter(|row| !row.flag("disabled")) else {
        return;
    };
    let address = row.values.get("address").cloned();
    let learned: Vec<Key> = device
        .entries(Menu::Arp)
        .filter(|other| other.dynamic && other.values.get("address").cloned() == address)
        .map(|other| other.key)
        .collect();
    for key in learned {
        let _ = device.remove(Menu::Arp, key);
    }
}

fn show(device: &Device, entry: &Entry, row: &mut Row) {
    let dhcp_key = if device.version.has(ARP_LOWERCASE_DHCP) {
        "dhcp"
    } else {
        "DHCP"
    };
    let (dhcp, status) = match &entry.live {
        Live::Neighbor(neighbor) => (neighbor.dhcp, Some(neighbor.state)),
        _ if entry.flag("disabled") => (false, None),
        _ => (false, Some(crate::neighbor::State::Permanent)),
    };
    row.put(dhcp_key, dhcp);
    row.put("dynamic", entry.dynamic);
    let invalid = !is_valid(device, entry) || (!entry.dynamic && is_said_to_be_invalid(device, entry));
    row.put("invalid", !entry.flag("disabled") && invalid);
    row.put(
        "complete",
        status.is_some_and(crate::neighbor::State::is_complete),
    );
    if let Some(status) = status.filter(|_| device.version.has(ARP_STATUS)) {
        row.put("status", status.name());
    }
    if let Live::Neighbor(neighbor) = &entry.live {
        match neighbor.mac {
            Some(mac) => row.put("mac-address", mac),
            None => row.drop_key("mac-address"),
        }
    }
}

/// An error of some releases: the row works, and is shown as invalid all the same.
fn is_said_to_be_invalid(device: &Device, entry: &Entry) -> bool {
    let reply_only = || {
        let interface = entry
            .link("interface")
            .and_then(|key| device.get(Menu::Interface, key));
        interface.is_some_and(|interface| interface.text("arp") == Some("reply-only"))
    };
    device.version.has(ARP_FALSE_INVALID) && !device.version.has(ARP_FALSE_INVALID_FIXED) && reply_only()
}

/// The interface exists and one of the router's networks on it covers the address.
fn is_valid(device: &Device, entry: &Entry) -> bool {
    let address: Option<Ipv4Addr> = entry.text("address").and_then(|text| text.parse().ok());
    let covers = |own: &Entry| {
        let net: Option<Ipv4Net> = own.text("address").and_then(|text| text.parse().ok());
        !own.flag("disabled")
            && own.link("interface") == entry.link("interface")
            && net
                .zip(address)
                .is_some_and(|(net, address)| net.contains(&address))
    };
    device.entries(Menu::Address).any(covers)
}
