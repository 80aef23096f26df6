//! `/ip/dhcp-server/config`: how often dynamic leases are written to disk, which decides what a power cut takes.

use super::{Command, Shape, Spec};
use crate::property::Property;
use crate::value::Kind;

pub(super) static SPEC: Spec = Spec {
    path: "ip/dhcp-server/config",
    shape: Shape::Single,
    commands: &[Command::Print, Command::Set],
    properties: &[
        Property::new("accounting", Kind::Flag).always("true"),
        Property::new(
            "interim-update",
            Kind::Duration {
                min: 0,
                max: 4_294_967_295,
                words: &[],
            },
        )
        .always("0s"),
        Property::new("radius-password", Kind::Text).always("empty"),
        Property::new(
            "store-leases-disk",
            Kind::Duration {
                min: 0,
                max: 4_294_967_295,
                words: &["immediately", "never"],
            },
        )
        .always("5m"),
    ],
    ..Spec::BASE
};
