//! `/interface/vlan`: VLAN interfaces, for where they are and how they do ARP. The API only reads them here.
//!
//! Keys and defaults are those of MikroTik's manual (no schema of this menu is at hand).

use super::{Menu, Spec, interface};
use crate::property::{COMMENT, DISABLED, Property};
use crate::table::Entry;
use crate::value::Kind;

/// The type of a VLAN's row in `/interface`.
const VLAN: &str = "vlan";

pub(super) static SPEC: Spec = Spec {
    path: "interface/vlan",
    properties: &[
        Property::new("name", Kind::Text).required(),
        Property::new(
            "mtu",
            Kind::Number {
                min: 68,
                max: 65_535,
                words: &[],
            },
        )
        .always("1500"),
        interface::ARP,
        Property::new(
            "vlan-id",
            Kind::Number {
                min: 1,
                max: 4095,
                words: &[],
            },
        )
        .required(),
        Property::new(
            "interface",
            Kind::Link {
                menu: Menu::Interface,
                words: &[],
                unset: None,
            },
        )
        .required(),
        Property::new("use-service-tag", Kind::Flag).always("false"),
        COMMENT,
        DISABLED,
    ],
    holds: |entry: &Entry| entry.text("type") == Some(VLAN),
    check: interface::check,
    changed: |device, key| interface::typed(device, key, VLAN),
    show: |_, vlan, row| interface::show_hardware(vlan, row),
    ..Spec::BASE
};
