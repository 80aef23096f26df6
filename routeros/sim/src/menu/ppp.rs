//! `/ppp/profile` and `/ppp/secret`: the users of the router's VPN and PPP servers and where their addresses come from.
//! The API only reads them here, and nobody dials in.
//!
//! Keys and defaults are those of MikroTik's manual and of a secret that the Terraform provider quotes (no schema of these
//! menus is at hand). What a user's last call leaves (`last-logged-out` and the like) is not simulated.

use super::Spec;
use crate::property::{COMMENT, DISABLED, Property};
use crate::value::Kind;

/// An address, or the pool that one is taken from.
const LOCAL: Property = Property::new("local-address", Kind::AddressOrPool);
/// The same for the other end.
const REMOTE: Property = Property::new("remote-address", Kind::AddressOrPool);

pub(super) static PROFILE: Spec = Spec {
    path: "ppp/profile",
    properties: &[
        Property::new("name", Kind::Text).required(),
        LOCAL,
        REMOTE,
        Property::new("bridge", Kind::Text),
        Property::new("use-mpls", Kind::Text).always("default"),
        Property::new("use-compression", Kind::Text).always("default"),
        Property::new("use-encryption", Kind::Text).always("default"),
        Property::new("only-one", Kind::Text).always("default"),
        Property::new("change-tcp-mss", Kind::Text).always("default"),
        Property::new("use-upnp", Kind::Text).always("default"),
        Property::new("address-list", Kind::Text).always(""),
        Property::new("on-up", Kind::Text).always(""),
        Property::new("on-down", Kind::Text).always(""),
        COMMENT,
    ],
    show: |_, _, row| row.put("default", false),
    ..Spec::BASE
};

pub(super) static SECRET: Spec = Spec {
    path: "ppp/secret",
    properties: &[
        Property::new("name", Kind::Text).required(),
        Property::new("service", Kind::Text).always("any"),
        Property::new("caller-id", Kind::Text).always(""),
        // Shown to users with the policy sensitive alone, whom nobody simulates.
        Property::new("password", Kind::Text).hidden(),
        Property::new("profile", Kind::Text).always("default"),
        LOCAL,
        REMOTE,
        Property::new("routes", Kind::Text).always(""),
        Property::new("ipv6-routes", Kind::Text).always(""),
        Property::new("limit-bytes-in", Kind::Text).always("0"),
        Property::new("limit-bytes-out", Kind::Text).always("0"),
        COMMENT,
        DISABLED,
    ],
    ..Spec::BASE
};
