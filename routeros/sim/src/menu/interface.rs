//! `/interface`: ports and bridges. Bridges have a menu of their own and share their ids with this one.

use std::time::Duration;

use super::{Command, Menu, Spec};
use crate::device::Device;
use crate::property::{COMMENT, DISABLED, Property};
use crate::row::Row;
use crate::table::Entry;
use crate::trap::Trap;
use crate::value::Kind;
use crate::version::ISO_DATES;

/// The type of a bridge's row.
pub(crate) const BRIDGE: &str = "bridge";

/// Counters that every interface has. Nothing is counted here; their keys are part of a row.
const COUNTERS: [&str; 14] = [
    "fp-rx-byte",
    "fp-rx-packet",
    "fp-tx-byte",
    "fp-tx-packet",
    "link-downs",
    "rx-byte",
    "rx-drop",
    "rx-error",
    "rx-packet",
    "tx-byte",
    "tx-drop",
    "tx-error",
    "tx-packet",
    "tx-queue-drop",
];

/// How long after boot the links come up.
const LINK_UP: Duration = Duration::from_secs(10);

pub(super) static SPEC: Spec = Spec {
    path: "interface",
    commands: &[
        Command::Print,
        Command::Set,
        Command::Enable,
        Command::Disable,
        Command::Comment,
    ],
    properties: &[
        Property::new("name", Kind::Text).required(),
        Property::new(
            "mtu",
            Kind::Number {
                min: 68,
                max: 65_535,
                words: &["auto"],
            },
        )
        .always("1500"),
        Property::new(
            "l2mtu",
            Kind::Number {
                min: 0,
                max: 65_535,
                words: &[],
            },
        ),
        COMMENT,
        DISABLED,
    ],
    directories: &[
        "6to4",
        "bonding",
        "detect-internet",
        "dot1x",
        "eoip",
        "eoipv6",
        "ethernet",
        "gre",
        "gre6",
        "ipip",
        "ipipv6",
        "l2tp-client",
        "l2tp-ether",
        "l2tp-server",
        "list",
        "lte",
        "macsec",
        "macvlan",
        "mesh",
        "ovpn-client",
        "ovpn-server",
        "ppp-client",
        "ppp-server",
        "pppoe-client",
        "pppoe-server",
        "pptp-client",
        "pptp-server",
        "sstp-client",
        "sstp-server",
        "veth",
        "vlan",
        "vpls",
        "vrrp",
        "vxlan",
        "wifi",
        "wireguard",
    ],
    check,
    show,
    ..Spec::BASE
};

pub(super) fn check(device: &Device, interface: &Entry) -> Result<(), Trap> {
    let twin = |other: &Entry| other.key != interface.key && other.text("name") == interface.text("name");
    if device.entries(Menu::Interface).any(twin) {
        return Err(Trap::failure("already have interface with such name"));
    }
    Ok(())
}

fn show(device: &Device, interface: &Entry, row: &mut Row) {
    show_hardware(interface, row);
    for key in ["default-name", "slave", "type"] {
        if let Some(value) = interface.text(key) {
            row.put(key, value);
        }
    }
    for counter in COUNTERS {
        row.put(counter, 0);
    }
    row.put("last-link-up-time", link_up_time(device));
}

/// What a port shows in `/interface` and a bridge in both menus.
pub(super) fn show_hardware(interface: &Entry, row: &mut Row) {
    row.put(
        "actual-mtu",
        interface
            .text("mtu")
            .filter(|mtu| *mtu != "auto")
            .unwrap_or("1500"),
    );
    row.put("running", !interface.flag("disabled"));
    if let Some(mac) = interface.text("mac-address") {
        row.put("mac-address", mac);
    }
}

/// An absolute time, in the form of the version.
fn link_up_time(device: &Device) -> String {
    let booted = device.clock.wall() - device.uptime();
    let form = if device.version.has(ISO_DATES) {
        "%Y-%m-%d %H:%M:%S"
    } else {
        "%b/%d/%Y %H:%M:%S"
    };
    let at = jiff::Timestamp::try_from(booted + LINK_UP).unwrap_or_default();
    at.strftime(form).to_string().to_lowercase()
}
