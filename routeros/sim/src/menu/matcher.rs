//! `/ip/dhcp-server/matcher`: clients that are given addresses from another pool. The API only reads it here.

use super::{Menu, Shape, Spec};
use crate::property::{COMMENT, DISABLED, Property};
use crate::value::Kind;

pub(super) static SPEC: Spec = Spec {
    path: "ip/dhcp-server/matcher",
    shape: Shape::Rows,
    properties: &[
        Property::new("name", Kind::Text).required(),
        Property::new(
            "server",
            Kind::Link {
                menu: Menu::DhcpServer,
                words: &["all"],
                unset: None,
            },
        )
        .always("all"),
        Property::new(
            "address-pool",
            Kind::Link {
                menu: Menu::Pool,
                words: &["none"],
                unset: None,
            },
        )
        .always("none"),
        Property::new(
            "code",
            Kind::Number {
                min: 1,
                max: 254,
                words: &[],
            },
        )
        .required(),
        Property::new("value", Kind::Text).always(""),
        Property::new("option-set", Kind::Text).always("none"),
        Property::new("matching-type", Kind::Choice(&["exact", "substring"]))
            .always("exact")
            .since((7, 16, 0)),
        COMMENT_SINCE_16,
        DISABLED,
    ],
    ..Spec::BASE
};

/// The schema of 7.12.2 lacks it here.
const COMMENT_SINCE_16: Property = COMMENT.since((7, 16, 0));
