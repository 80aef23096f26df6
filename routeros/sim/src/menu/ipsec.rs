//! `/ip/ipsec/mode-config`, which gives a VPN's clients their addresses. The API only reads it here.
//!
//! Keys are those of MikroTik's manual (no schema of this menu is at hand).

use super::{Menu, Spec};
use crate::property::{COMMENT, Property};
use crate::value::Kind;

pub(super) static MODE_CONFIG: Spec = Spec {
    path: "ip/ipsec/mode-config",
    properties: &[
        Property::new("name", Kind::Text).required(),
        Property::new("responder", Kind::Flag).always("false"),
        Property::new(
            "address-pool",
            Kind::Link {
                menu: Menu::Pool,
                words: &["none"],
                unset: Some("none"),
            },
        ),
        Property::new("address", Kind::Address),
        Property::new("address-prefix-length", Kind::Text),
        Property::new("system-dns", Kind::Flag),
        Property::new("static-dns", Kind::Addresses),
        Property::new("split-include", Kind::Text),
        COMMENT,
    ],
    ..Spec::BASE
};
