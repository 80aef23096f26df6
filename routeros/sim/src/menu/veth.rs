//! `/interface/veth`: the router's ends of its containers' links, with the containers' addresses, which are in no other
//! menu. The API only reads them here.
//!
//! Keys and defaults are those of MikroTik's manual (no schema of this menu is at hand).

use super::{Spec, interface};
use crate::property::{COMMENT, DISABLED, Property};
use crate::table::Entry;
use crate::value::Kind;

/// The type of such a row in `/interface`.
const VETH: &str = "veth";

pub(super) static SPEC: Spec = Spec {
    path: "interface/veth",
    properties: &[
        Property::new("name", Kind::Text).required(),
        // A list of addresses of both families, each with its length.
        Property::new("address", Kind::Text).always(""),
        Property::new("gateway", Kind::Text).always(""),
        Property::new("gateway6", Kind::Text).always(""),
        COMMENT,
        DISABLED,
    ],
    holds: |entry: &Entry| entry.text("type") == Some(VETH),
    check: interface::check,
    changed: |device, key| interface::typed(device, key, VETH),
    show: |_, veth, row| row.put("running", !veth.flag("disabled")),
    ..Spec::BASE
};
