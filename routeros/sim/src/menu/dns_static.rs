//! `/ip/dns/static`: names that the router answers itself.
//!
//! The API of this simulator knows the menu so that a client of others can be tested; a client that reserves addresses
//! has no business in it ([`crate::Switches::allowed`]).

use super::{Command, Menu, Spec};
use crate::device::Device;
use crate::property::{COMMENT, DISABLED, Property};
use crate::row::Row;
use crate::table::Entry;
use crate::trap::Trap;
use crate::value::Kind;
use crate::version::DNS_STATIC_TYPE;

/// Bounds of the numbers are the protocol's 16 bits.
const NUMBER: Kind = Kind::Number {
    min: 0,
    max: 65_535,
    words: &[],
};

/// What a record of each type says: rows that agree in name, type and this are doubles.
const CONTENTS: [&str; 10] = [
    "address",
    "cname",
    "forward-to",
    "mx-exchange",
    "mx-preference",
    "ns",
    "srv-port",
    "srv-priority",
    "srv-target",
    "text",
];

pub(super) static SPEC: Spec = Spec {
    path: "ip/dns/static",
    commands: &[
        Command::Print,
        Command::Add,
        Command::Set,
        Command::Remove,
        Command::Enable,
        Command::Disable,
        Command::Comment,
        Command::Move,
    ],
    properties: &[
        Property::new("name", Kind::Text),
        Property::new("regexp", Kind::Text),
        Property::new(
            "type",
            Kind::Choice(&["A", "AAAA", "CNAME", "FWD", "MX", "NS", "NXDOMAIN", "SRV", "TXT"]),
        )
        .hidden(),
        Property::new("address", Kind::Text),
        Property::new("cname", Kind::Text),
        Property::new("text", Kind::Text),
        Property::new("ns", Kind::Text),
        Property::new("forward-to", Kind::Text),
        Property::new("mx-exchange", Kind::Text),
        Property::new("mx-preference", NUMBER),
        Property::new("srv-port", NUMBER),
        Property::new("srv-priority", NUMBER),
        Property::new("srv-target", Kind::Text),
        Property::new("srv-weight", NUMBER),
        Property::new("address-list", Kind::Text),
        Property::new("match-subdomain", Kind::Flag),
        Property::new(
            "ttl",
            Kind::Duration {
                min: 0,
                max: 4_294_967_295,
                words: &[],
            },
        )
        .always("1d"),
        COMMENT,
        DISABLED,
    ],
    check,
    show,
    ..Spec::BASE
};

/// A record's type: an address record where none was named.
fn kind(entry: &Entry) -> &str {
    entry.text("type").unwrap_or("A")
}

fn check(device: &Device, record: &Entry) -> Result<(), Trap> {
    if record.text("name").is_some() == record.text("regexp").is_some() {
        return Err(Trap::failure("only name or regexp allowed"));
    }
    if kind(record) == "MX" && record.text("mx-exchange").is_none() {
        return Err(Trap::failure("bad MX data"));
    }
    let same = |other: &Entry, name| other.values.get(name) == record.values.get(name);
    let twin = |other: &Entry| {
        other.key != record.key
            && !other.flag("disabled")
            && kind(other) == kind(record)
            && same(other, "name")
            && same(other, "regexp")
            && CONTENTS.iter().all(|name| same(other, name))
    };
    if !record.flag("disabled") && device.entries(Menu::DnsStatic).any(twin) {
        return Err(Trap::failure("entry already exists"));
    }
    Ok(())
}

fn show(device: &Device, record: &Entry, row: &mut Row) {
    row.put("dynamic", record.dynamic);
    // Older releases leave the type of an address record out.
    if kind(record) != "A" || device.version.has(DNS_STATIC_TYPE) {
        row.put("type", kind(record));
    }
}
