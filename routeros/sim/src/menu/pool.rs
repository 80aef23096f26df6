//! `/ip/pool`: ranges of addresses for the DHCP server.

use super::{Menu, ROWS, Spec};
use crate::device::Device;
use crate::property::{COMMENT, Property};
use crate::row::Row;
use crate::table::Entry;
use crate::trap::Trap;
use crate::value::Kind;
use crate::value::ranges::Ranges;
use crate::version::POOL_COUNTERS;

pub(super) static SPEC: Spec = Spec {
    path: "ip/pool",
    commands: ROWS,
    properties: &[
        Property::new("name", Kind::Text).required(),
        Property::new("ranges", Kind::Ranges).required(),
        Property::new(
            "next-pool",
            Kind::Link {
                menu: Menu::Pool,
                words: &[],
                unset: Some("none"),
            },
        ),
        COMMENT,
    ],
    check,
    show,
    ..Spec::BASE
};

/// The ranges of a pool's row.
pub(crate) fn ranges(entry: &Entry) -> Option<Ranges> {
    Ranges::parse(entry.text("ranges")?).ok()
}

fn check(device: &Device, pool: &Entry) -> Result<(), Trap> {
    let twin = |other: &Entry| other.key != pool.key && other.text("name") == pool.text("name");
    if device.entries(Menu::Pool).any(twin) {
        return Err(Trap::failure("pool with such name exists"));
    }
    let switches = &device.switches;
    let Some(own) = ranges(pool) else { return Ok(()) };
    // Ranges of one pool must not overlap; two pools may, as far as is known.
    let others = device
        .entries(Menu::Pool)
        .filter(|other| !switches.pools_may_overlap && other.key != pool.key)
        .filter_map(ranges);
    if own.overlap() || others.into_iter().any(|other| own.meets(&other)) {
        return Err(Trap::failure(&switches.range_overlap_text));
    }
    if switches.max_ranges > 0 && own.len() > switches.max_ranges {
        return Err(Trap::failure(&switches.max_ranges_text));
    }
    Ok(())
}

fn show(device: &Device, pool: &Entry, row: &mut Row) {
    let Some(ranges) = ranges(pool) else { return };
    row.put(
        "ranges",
        ranges.show(
            device.switches.range_form,
            pool.text("ranges").unwrap_or_default(),
        ),
    );
    if device.version.has(POOL_COUNTERS) {
        let used = device.pool_used(pool.key).count() as u64;
        row.put("total", ranges.count());
        row.put("used", used);
        row.put("available", ranges.count().saturating_sub(used));
    }
}
