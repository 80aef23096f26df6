//! `/system/resource`: version, board and uptime.

use super::{Shape, Spec};
use crate::device::Device;
use crate::row::Row;
use crate::value::duration;
use crate::version::ISO_DATES;

pub(super) static SPEC: Spec = Spec {
    path: "system/resource",
    shape: Shape::DerivedSingle(row),
    ..Spec::BASE
};

/// What does not matter to any client is constant: a small board, idle.
fn row(device: &Device) -> Row {
    let build_time = if device.version.has(ISO_DATES) {
        "2026-02-02 09:30:00"
    } else {
        "Feb/02/2026 09:30:00"
    };
    let mut row: Row = [
        ("bad-blocks", "0"),
        ("build-time", build_time),
        ("cpu", "MIPS 1004Kc V2.15"),
        ("cpu-count", "4"),
        ("cpu-frequency", "880"),
        ("cpu-load", "1"),
        ("factory-software", "7.10"),
        ("free-hdd-space", "3014656"),
        ("free-memory", "198180864"),
        ("platform", "MikroTik"),
        ("total-hdd-space", "16777216"),
        ("total-memory", "268435456"),
        ("write-sect-since-reboot", "1200"),
        ("write-sect-total", "48210"),
    ]
    .into_iter()
    .collect();
    row.put(
        "architecture-name",
        if device.board == "CHR" { "x86_64" } else { "mmips" },
    );
    row.put("board-name", &device.board);
    row.put("uptime", duration::show_span(device.uptime()));
    row.put("version", &device.version);
    row
}
