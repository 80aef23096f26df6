//! `/user/group`: policies under a name. They read back in full, with `!` before those that are lacking.

use super::Spec;
use crate::property::{COMMENT, Property};
use crate::value::Kind;

pub(super) static SPEC: Spec = Spec {
    path: "user/group",
    properties: &[
        Property::new("name", Kind::Text).required(),
        Property::new("policy", Kind::Policy).required(),
        Property::new("skin", Kind::Text).always("default"),
        COMMENT,
    ],
    ..Spec::BASE
};
