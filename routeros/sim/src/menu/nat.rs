//! `/ip/firewall/nat`: address translation. The API only reads it here, and no packet is translated.
//!
//! Keys and defaults are those of MikroTik's manual (no schema of this menu is at hand); of some forty matchers those that
//! port forwards use.

use super::Spec;
use crate::property::{COMMENT, DISABLED, Property};
use crate::value::Kind;

pub(super) static SPEC: Spec = Spec {
    path: "ip/firewall/nat",
    properties: &[
        Property::new("chain", Kind::Text).required(),
        Property::new(
            "action",
            Kind::Choice(&[
                "accept",
                "add-dst-to-address-list",
                "add-src-to-address-list",
                "dst-nat",
                "endpoint-independent-nat",
                "jump",
                "log",
                "masquerade",
                "netmap",
                "passthrough",
                "redirect",
                "return",
                "same",
                "src-nat",
            ]),
        )
        .always("accept"),
        Property::new("to-addresses", Kind::Text),
        Property::new("to-ports", Kind::Text),
        Property::new("protocol", Kind::Text),
        Property::new("dst-port", Kind::Text),
        Property::new("dst-address", Kind::Text),
        Property::new("src-address", Kind::Text),
        Property::new("in-interface", Kind::Text),
        Property::new("in-interface-list", Kind::Text),
        Property::new("out-interface", Kind::Text),
        Property::new("out-interface-list", Kind::Text),
        COMMENT,
        DISABLED,
    ],
    show: |_, rule, row| {
        row.put("dynamic", rule.dynamic);
        row.put("invalid", false);
        row.put("bytes", 0);
        row.put("packets", 0);
    },
    ..Spec::BASE
};
