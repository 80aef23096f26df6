//! `/ip/hotspot` and `/ip/hotspot/user/profile`, which take addresses of pools. The API only reads them here, and no
//! hotspot is served.
//!
//! Keys and defaults are those of MikroTik's manual (no schema of these menus is at hand).

use super::{Menu, Spec};
use crate::property::{DISABLED, Property};
use crate::value::Kind;

/// A pool, or none.
const ADDRESS_POOL: Property = Property::new(
    "address-pool",
    Kind::Link {
        menu: Menu::Pool,
        words: &["none"],
        unset: None,
    },
);

pub(super) static SPEC: Spec = Spec {
    path: "ip/hotspot",
    properties: &[
        Property::new("name", Kind::Text).required(),
        Property::new(
            "interface",
            Kind::Link {
                menu: Menu::Interface,
                words: &[],
                unset: None,
            },
        )
        .required(),
        ADDRESS_POOL.always("none"),
        Property::new("profile", Kind::Text).always("default"),
        Property::new("idle-timeout", Kind::Text).always("5m"),
        Property::new("keepalive-timeout", Kind::Text).always("none"),
        Property::new("login-timeout", Kind::Text).always("none"),
        Property::new("addresses-per-mac", Kind::Text).always("2"),
        DISABLED,
    ],
    show: |_, _, row| row.put("invalid", false),
    directories: &[
        "active",
        "cookie",
        "host",
        "ip-binding",
        "profile",
        "service-port",
        "walled-garden",
    ],
    ..Spec::BASE
};

pub(super) static USER_PROFILE: Spec = Spec {
    path: "ip/hotspot/user/profile",
    properties: &[
        Property::new("name", Kind::Text).required(),
        ADDRESS_POOL,
        Property::new("shared-users", Kind::Text).always("1"),
        Property::new("rate-limit", Kind::Text),
        Property::new("idle-timeout", Kind::Text).always("none"),
        Property::new("keepalive-timeout", Kind::Text).always("2m"),
    ],
    ..Spec::BASE
};
