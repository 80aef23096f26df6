//! `/system/identity`: the router's name, which need not be unique.

use super::{Command, Shape, Spec};
use crate::property::Property;
use crate::value::Kind;

pub(super) static SPEC: Spec = Spec {
    path: "system/identity",
    shape: Shape::Single,
    commands: &[Command::Print, Command::Set],
    properties: &[Property::new("name", Kind::Text).always("MikroTik")],
    ..Spec::BASE
};
