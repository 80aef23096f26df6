//! `/interface`: ports, bridges, VLANs, containers' ends. All but ports have a menu of their own and share their ids with
//! this one.

use std::time::Duration;

use super::{Command, Menu, Spec};
use crate::device::Device;
use crate::property::{COMMENT, DISABLED, Property};
use crate::row::Row;
use crate::table::{Entry, Key};
use crate::trap::Trap;
use crate::value::{Kind, Value};
use crate::version::ISO_DATES;

/// The type of a bridge's row.
pub(crate) const BRIDGE: &str = "bridge";

/// How a virtual interface does ARP, by the words of `arp`.
pub(super) const ARP: Property = Property::new(
    "arp",
    Kind::Choice(&[
        "enabled",
        "disabled",
        "proxy-arp",
        "local-proxy-arp",
        "reply-only",
    ]),
)
.always("enabled");

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

/// A row that was added in the menu of a type is of that type from then on, and has a MAC address of its own.
pub(super) fn typed(device: &mut Device, key: Key, kind: &str) {
    let mac = format!("48:A9:8A:01:{:02X}:{:02X}", (key.0 >> 8) & 0xFF, key.0 & 0xFF);
    if let Some(entry) = device.get_mut(Menu::Interface, key) {
        entry.values.insert("type", Value::Text(kind.into()));
        entry.values.entry("mac-address").or_insert(Value::Text(mac));
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
