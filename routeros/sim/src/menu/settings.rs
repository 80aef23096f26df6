//! `/ip/settings`: `arp-timeout` above all.

use super::{Command, Shape, Spec};
use crate::property::Property;
use crate::value::Kind;

pub(super) static SPEC: Spec = Spec {
    path: "ip/settings",
    shape: Shape::Single,
    commands: &[Command::Print, Command::Set],
    properties: &[
        Property::new("accept-redirects", Kind::Flag).always("false"),
        Property::new("accept-source-route", Kind::Flag).always("false"),
        Property::new("allow-fast-path", Kind::Flag).always("true"),
        Property::new(
            "arp-timeout",
            Kind::Duration {
                min: 1,
                max: 4_294_967_295,
                words: &[],
            },
        )
        .always("30s"),
        Property::new("icmp-errors-use-inbound-interface-address", Kind::Flag)
            .always("false")
            .since((7, 20, 0)),
        Property::new(
            "icmp-rate-limit",
            Kind::Number {
                min: 0,
                max: 4_294_967_295,
                words: &[],
            },
        )
        .always("10"),
        Property::new("icmp-rate-mask", Kind::Text).always("0x1818"),
        Property::new("ip-forward", Kind::Flag).always("true"),
        Property::new("ipv4-fragment-time", Kind::Text).since((7, 24, 0)),
        Property::new("ipv4-high-fragment-thresh", Kind::Text).since((7, 24, 0)),
        Property::new(
            "ipv4-multipath-hash-policy",
            Kind::Choice(&["l3", "l3-inner", "l4"]),
        )
        .always("l3")
        .since((7, 16, 0)),
        Property::new(
            "max-neighbor-entries",
            Kind::Number {
                min: 1,
                max: 4_294_967_295,
                words: &[],
            },
        )
        .always("8192"),
        Property::new("route-cache", Kind::Flag)
            .always("true")
            .until((7, 16, 0)),
        Property::new("rp-filter", Kind::Choice(&["no", "loose", "strict"])).always("no"),
        Property::new("secure-redirects", Kind::Flag).always("true"),
        Property::new("send-redirects", Kind::Flag).always("true"),
        Property::new("tcp-syncookies", Kind::Flag).always("false"),
        Property::new(
            "tcp-timestamps",
            Kind::Choice(&["disabled", "enabled", "random-offset"]),
        )
        .always("random-offset")
        .since((7, 20, 0)),
    ],
    show: |_, _, row| {
        for (key, value) in [
            ("ipv4-fast-path-active", "true"),
            ("ipv4-fast-path-bytes", "0"),
            ("ipv4-fast-path-packets", "0"),
            ("ipv4-fasttrack-active", "false"),
            ("ipv4-fasttrack-bytes", "0"),
            ("ipv4-fasttrack-packets", "0"),
        ] {
            row.put(key, value);
        }
    },
    ..Spec::BASE
};
