//! `/interface/bridge`: the bridges' own properties, `arp` above all.
//!
//! Keys and defaults are those of a bridge that was added over REST on 7.2x (no schema of this menu is at hand).

use super::{INTERFACE_BRIDGE, Menu, SWITCHED_ROWS, Spec, interface};
use crate::property::{COMMENT, DISABLED, Property};
use crate::table::Entry;
use crate::value::{Kind, Value};

/// Bounds of the timers are not checked: nothing here depends on them.
const TIMER: Kind = Kind::Duration {
    min: 0,
    max: 4_294_967_295,
    words: &["auto"],
};

pub(super) static SPEC: Spec = Spec {
    path: "interface/bridge",
    commands: SWITCHED_ROWS,
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
        .always("auto"),
        interface::ARP,
        Property::new("arp-timeout", TIMER).always("auto"),
        Property::new("admin-mac", Kind::Mac),
        Property::new("auto-mac", Kind::Flag).always("true"),
        Property::new("ageing-time", TIMER).always("5m"),
        Property::new("priority", Kind::Text).always("0x8000"),
        Property::new("protocol-mode", Kind::Choice(&["none", "rstp", "stp", "mstp"])).always("rstp"),
        Property::new("max-message-age", TIMER).always("20s"),
        Property::new("forward-delay", TIMER).always("15s"),
        Property::new(
            "transmit-hold-count",
            Kind::Number {
                min: 1,
                max: 10,
                words: &[],
            },
        )
        .always("6"),
        Property::new("fast-forward", Kind::Flag).always("true"),
        Property::new("igmp-snooping", Kind::Flag).always("false"),
        Property::new("dhcp-snooping", Kind::Flag).always("false"),
        Property::new("vlan-filtering", Kind::Flag).always("false"),
        Property::new("port-cost-mode", Kind::Choice(&["long", "short"]))
            .always("long")
            .since((7, 13, 0)),
        Property::new("mvrp", Kind::Flag)
            .always("false")
            .since((7, 15, 0)),
        Property::new("max-learned-entries", Kind::Text)
            .always("auto")
            .since((7, 16, 0)),
        COMMENT,
        DISABLED,
    ],
    directories: &[
        "calea",
        "filter",
        "mdb",
        "mlag",
        "msti",
        "nat",
        "port",
        "port-controller",
        "port-extender",
        "settings",
        "vlan",
    ],
    holds: is_bridge,
    check: interface::check,
    changed: |device, key| {
        if let Some(entry) = device.get_mut(Menu::Interface, key) {
            entry.values.insert("type", Value::Text(INTERFACE_BRIDGE.into()));
        }
    },
    show: |_, bridge, row| {
        interface::show_hardware(bridge, row);
        row.put("dynamic", bridge.dynamic);
        row.put("l2mtu", bridge.text("l2mtu").unwrap_or("65535"));
    },
    ..Spec::BASE
};

fn is_bridge(entry: &Entry) -> bool {
    entry.text("type") == Some(INTERFACE_BRIDGE)
}
