//! `/ip/dns`: the resolver's settings. The API only reads them here.

use super::{Shape, Spec};
use crate::property::Property;
use crate::value::Kind;

const TIME: Kind = Kind::Duration {
    min: 0,
    max: 4_294_967_295,
    words: &[],
};
const COUNT: Kind = Kind::Number {
    min: 0,
    max: 4_294_967_295,
    words: &[],
};

pub(super) static SPEC: Spec = Spec {
    path: "ip/dns",
    shape: Shape::Single,
    properties: &[
        Property::new("allow-remote-requests", Kind::Flag).always("true"),
        Property::new("cache-max-ttl", TIME).always("1w"),
        Property::new("cache-size", COUNT).always("2048"),
        Property::new("max-concurrent-queries", COUNT).always("100"),
        Property::new("max-concurrent-tcp-sessions", COUNT).always("20"),
        Property::new("max-udp-packet-size", COUNT).always("4096"),
        Property::new("query-server-timeout", TIME).always("2s"),
        Property::new("query-total-timeout", TIME).always("10s"),
        Property::new("servers", Kind::Addresses).always(""),
        Property::new("use-doh-server", Kind::Text).always(""),
        Property::new("verify-doh-cert", Kind::Flag).always("false"),
    ],
    show: |_, _, row| {
        row.put("cache-used", 48);
        row.put("dynamic-servers", "");
    },
    ..Spec::BASE
};
