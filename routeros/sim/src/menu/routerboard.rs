//! `/system/routerboard`: model and serial number. A CHR has no such menu.

use super::{Shape, Spec};
use crate::device::Device;
use crate::row::Row;

pub(super) static SPEC: Spec = Spec {
    path: "system/routerboard",
    shape: Shape::DerivedSingle(row),
    exists: |device| device.board != "CHR",
    ..Spec::BASE
};

fn row(device: &Device) -> Row {
    let firmware = device.version.number();
    let mut row: Row = [
        ("factory-firmware", "7.10"),
        ("firmware-type", "mt7621L"),
        ("routerboard", "true"),
    ]
    .into_iter()
    .collect();
    row.put("current-firmware", &firmware);
    row.put("model", &device.board);
    row.put("serial-number", &device.serial);
    row.put("upgrade-firmware", &firmware);
    row
}
