//! `/ip/dhcp-server`: which interface is served from which pool.

use super::{Menu, SWITCHED_ROWS, Spec};
use crate::device::Device;
use crate::property::{COMMENT, DISABLED, Property};
use crate::row::Row;
use crate::table::Entry;
use crate::trap::Trap;
use crate::value::Kind;

/// The bound of the schema's `1s..7101w3d6h28m15s`: 2^32 - 1 seconds.
const LONGEST: u64 = 4_294_967_295;

const LEASE_TIME: Kind = Kind::Duration {
    min: 1,
    max: LONGEST,
    words: &[],
};
const AUTHORITATIVE: Kind = Kind::Choice(&["yes", "no", "after-2sec-delay", "after-10sec-delay"]);

/// `add-arp`, `authoritative` and `conflict-detection` are not in a row while they have their defaults
/// (7.23.7); the same is taken for the rest that the measured row lacks.
pub(super) static SPEC: Spec = Spec {
    path: "ip/dhcp-server",
    commands: SWITCHED_ROWS,
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
        Property::new(
            "address-pool",
            Kind::Link {
                menu: Menu::Pool,
                words: &["static-only"],
                unset: None,
            },
        )
        .always("static-only"),
        Property::new("lease-time", LEASE_TIME).always("30m"),
        Property::new("lease-script", Kind::Text).always(""),
        Property::new("use-radius", Kind::Choice(&["no", "yes", "accounting"])).always("no"),
        Property::new("address-lists", Kind::Text)
            .always("")
            .since((7, 17, 0)),
        Property::new("use-reconfigure", Kind::Flag)
            .always("false")
            .since((7, 19, 0)),
        Property::new("dynamic-lease-identifiers", Kind::Text)
            .always("client-mac,client-id")
            .since((7, 21, 0)),
        Property::new("support-broadband-tr101", Kind::Flag)
            .always("false")
            .since((7, 21, 0)),
        Property::new("add-dns-entries", Kind::Flag)
            .unless("false")
            .since((7, 23, 0)),
        Property::new("add-dns-entries-suffix", Kind::Text)
            .always("lan")
            .since((7, 23, 0)),
        Property::new("add-arp", Kind::Flag).unless("false"),
        Property::new("allow-dual-stack-queue", Kind::Flag).unless("true"),
        Property::new("always-broadcast", Kind::Flag).unless("false"),
        Property::new("authoritative", AUTHORITATIVE).unless("yes"),
        Property::new(
            "bootp-lease-time",
            Kind::Duration {
                min: 1,
                max: LONGEST,
                words: &["forever", "lease-time"],
            },
        )
        .unless("forever"),
        Property::new("bootp-support", Kind::Choice(&["none", "static", "dynamic"])).unless("static"),
        Property::new(
            "client-mac-limit",
            Kind::Number {
                min: 1,
                max: 4_294_967_295,
                words: &["unlimited"],
            },
        )
        .unless("unlimited"),
        Property::new("conflict-detection", Kind::Flag).unless("true"),
        Property::new(
            "delay-threshold",
            Kind::Duration {
                min: 0,
                max: LONGEST,
                words: &["none"],
            },
        )
        .unless("none"),
        Property::new("dhcp-option-set", Kind::Text).unless("none"),
        Property::new("insert-queue-before", Kind::Text).unless("first"),
        Property::new("parent-queue", Kind::Text).unless("none"),
        Property::new("relay", Kind::Address),
        Property::new("server-address", Kind::Address),
        Property::new("use-framed-as-classless", Kind::Flag).unless("true"),
        COMMENT,
        DISABLED,
    ],
    directories: &["alert", "option"],
    check,
    show,
    ..Spec::BASE
};

fn check(device: &Device, server: &Entry) -> Result<(), Trap> {
    for other in device
        .entries(Menu::DhcpServer)
        .filter(|other| other.key != server.key)
    {
        if other.text("name") == server.text("name") {
            return Err(Trap::failure("server with such name already exists"));
        }
        let same = |name| other.values.get(name) == server.values.get(name);
        if same("interface") && same("relay") {
            return Err(Trap::failure(
                "server or relay with such interface already exists",
            ));
        }
    }
    Ok(())
}

fn show(device: &Device, server: &Entry, row: &mut Row) {
    let interface = server
        .link("interface")
        .and_then(|key| device.get(Menu::Interface, key));
    row.put("dynamic", server.dynamic);
    row.put("invalid", interface.is_none());
}
