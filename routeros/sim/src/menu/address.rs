//! `/ip/address`: the router's own addresses.

use ipnet::Ipv4Net;

use super::{Menu, SWITCHED_ROWS, Spec};
use crate::device::Device;
use crate::property::{COMMENT, DISABLED, Property};
use crate::row::Row;
use crate::table::Entry;
use crate::trap::Trap;
use crate::value::Kind;

pub(super) static SPEC: Spec = Spec {
    path: "ip/address",
    commands: SWITCHED_ROWS,
    properties: &[
        Property::new("address", Kind::Prefix).required(),
        Property::new(
            "interface",
            Kind::Link {
                menu: Menu::Interface,
                words: &[],
                unset: None,
            },
        )
        .required(),
        Property::new("network", Kind::Address),
        Property::new("broadcast", Kind::Address).hidden(),
        Property::new("netmask", Kind::Address).hidden(),
        COMMENT,
        DISABLED,
    ],
    check,
    show,
    ..Spec::BASE
};

fn check(device: &Device, address: &Entry) -> Result<(), Trap> {
    let same = |other: &Entry, name| other.values.get(name) == address.values.get(name);
    let twin = |other: &Entry| other.key != address.key && same(other, "address") && same(other, "interface");
    if device.entries(Menu::Address).any(twin) {
        return Err(Trap::failure("already have such address"));
    }
    Ok(())
}

fn show(device: &Device, address: &Entry, row: &mut Row) {
    let net: Option<Ipv4Net> = address.text("address").and_then(|text| text.parse().ok());
    if let (Some(net), None) = (net, address.text("network")) {
        row.put("network", net.network());
    }
    let interface = device.value(address, "interface").unwrap_or_default();
    let exists = address
        .link("interface")
        .is_some_and(|key| device.get(Menu::Interface, key).is_some());
    row.put("actual-interface", interface);
    row.put("dynamic", address.dynamic);
    row.put("invalid", !exists);
    row.put("slave", false);
    row.put("vrf", "main");
}
