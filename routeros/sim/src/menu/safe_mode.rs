//! `/safe-mode` (7.18 and newer): whether a person works in Safe Mode, and who.
//!
//! The keys are those of the schema (`enabled`, `current`, `owner`, `user`); which texts a router puts there is not
//! known. `current` is taken to say whether the asking session holds it, which a REST request never does.

use super::{Shape, Spec};
use crate::device::Device;
use crate::row::Row;
use crate::version::SAFE_MODE;

pub(super) static SPEC: Spec = Spec {
    path: "safe-mode",
    shape: Shape::DerivedSingle(row),
    exists: |device| device.version.has(SAFE_MODE),
    ..Spec::BASE
};

fn row(device: &Device) -> Row {
    let holder = device.safe_mode_holder();
    let mut row = Row::default();
    row.put("enabled", holder.is_some());
    row.put("current", false);
    row.put("owner", if holder.is_some() { "winbox" } else { "" });
    row.put("user", holder.unwrap_or_default());
    row
}
