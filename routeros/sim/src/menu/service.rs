//! `/ip/service`: what the router listens on. The API only reads it here.

use super::Spec;
use crate::property::{DISABLED, Property};
use crate::value::Kind;
use crate::version::SERVICE_MAX_SESSIONS;

pub(super) static SPEC: Spec = Spec {
    path: "ip/service",
    properties: &[
        Property::new("name", Kind::Text).required(),
        Property::new(
            "port",
            Kind::Number {
                min: 1,
                max: 65_535,
                words: &[],
            },
        )
        .required(),
        Property::new("address", Kind::Text).always(""),
        Property::new("certificate", Kind::Text),
        Property::new("tls-version", Kind::Choice(&["any", "only-1.2"])),
        Property::new(
            "max-sessions",
            Kind::Number {
                min: 1,
                max: 1000,
                words: &[],
            },
        )
        .always("20")
        .since(SERVICE_MAX_SESSIONS),
        Property::new("vrf", Kind::Text).always("main"),
        DISABLED,
    ],
    show: |_, service, row| {
        row.put("dynamic", service.dynamic);
        row.put("invalid", false);
        row.put("proto", "tcp");
        if service.dynamic {
            // A living connection.
            row.put("connection", true);
            for key in ["local", "remote"] {
                row.put(key, service.text(key).unwrap_or_default());
            }
            for key in ["address", "certificate", "max-sessions", "tls-version"] {
                row.drop_key(key);
            }
        }
    },
    ..Spec::BASE
};
