//! `/ip/dhcp-server/network`: what clients of a network are told.

use super::{Command, Menu, Spec};
use crate::device::Device;
use crate::property::{COMMENT, Property};
use crate::row::Row;
use crate::table::Entry;
use crate::trap::Trap;
use crate::value::Kind;

/// Lists read as an empty text while unset; single values are absent.
pub(super) static SPEC: Spec = Spec {
    path: "ip/dhcp-server/network",
    commands: &[
        Command::Print,
        Command::Add,
        Command::Set,
        Command::Remove,
        Command::Comment,
        Command::Unset,
    ],
    properties: &[
        Property::new("address", Kind::Network).required(),
        Property::new("gateway", Kind::Addresses).always(""),
        Property::new("dns-server", Kind::Addresses).always(""),
        Property::new("ntp-server", Kind::Addresses).always(""),
        Property::new("wins-server", Kind::Addresses).always(""),
        Property::new("caps-manager", Kind::Addresses).always(""),
        Property::new("dhcp-option", Kind::Text).always(""),
        Property::new(
            "netmask",
            Kind::Number {
                min: 0,
                max: 32,
                words: &[],
            },
        )
        .unless("0"),
        Property::new("dns-none", Kind::Flag).unless("false"),
        Property::new("ntp-none", Kind::Flag)
            .unless("false")
            .since((7, 20, 0)),
        Property::new("domain", Kind::Text),
        Property::new("next-server", Kind::Address),
        Property::new("boot-file-name", Kind::Text),
        Property::new("dhcp-option-set", Kind::Text).unless("none"),
        COMMENT,
    ],
    check,
    show,
    ..Spec::BASE
};

fn check(device: &Device, network: &Entry) -> Result<(), Trap> {
    let twin = |other: &Entry| other.key != network.key && other.text("address") == network.text("address");
    if device.entries(Menu::Network).any(twin) {
        return Err(Trap::failure("such network already exists"));
    }
    Ok(())
}

fn show(_: &Device, network: &Entry, row: &mut Row) {
    row.put("dynamic", network.dynamic);
}
