//! `/user`: who may log in. Passwords are never shown; the API only reads.

use super::{Menu, Spec};
use crate::device::Device;
use crate::property::{COMMENT, DISABLED, Property};
use crate::table::Entry;
use crate::trap::Trap;
use crate::value::Kind;

pub(super) static SPEC: Spec = Spec {
    path: "user",
    properties: &[
        Property::new("name", Kind::Text).required(),
        Property::new(
            "group",
            Kind::Link {
                menu: Menu::UserGroup,
                words: &[],
                unset: None,
            },
        )
        .required(),
        Property::new("password", Kind::Text).hidden(),
        Property::new("address", Kind::Text).always(""),
        Property::new(
            "inactivity-policy",
            Kind::Choice(&["none", "lockscreen", "logout"]),
        )
        .always("none")
        .since((7, 16, 0)),
        Property::new(
            "inactivity-timeout",
            Kind::Duration {
                min: 60,
                max: 86_400,
                words: &[],
            },
        )
        .always("10m")
        .since((7, 16, 0)),
        COMMENT,
        DISABLED,
    ],
    directories: &["aaa", "active", "settings", "ssh-keys"],
    check,
    show: |_, _, row| row.put("expired", false),
    ..Spec::BASE
};

fn check(device: &Device, user: &Entry) -> Result<(), Trap> {
    let twin = |other: &Entry| other.key != user.key && other.text("name") == user.text("name");
    if device.entries(Menu::User).any(twin) {
        return Err(Trap::failure("user with the same name already exists"));
    }
    Ok(())
}
