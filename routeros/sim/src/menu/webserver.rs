//! `/ip/service/webserver` (7.21 and newer): what the web server serves, each over HTTP and HTTPS.

use super::{Shape, Spec};
use crate::property::Property;
use crate::value::Kind;
use crate::version::WEBSERVER_TOGGLES;

pub(super) static SPEC: Spec = Spec {
    path: "ip/service/webserver",
    shape: Shape::Single,
    exists: |device| device.version.has(WEBSERVER_TOGGLES),
    properties: &[
        Property::new("acme-plain", Kind::Flag).always("true"),
        Property::new("crl-plain", Kind::Flag).always("true"),
        Property::new("graphs-plain", Kind::Flag).always("true"),
        Property::new("graphs-secure", Kind::Flag).always("true"),
        Property::new("index-plain", Kind::Flag).always("true"),
        Property::new("index-secure", Kind::Flag).always("true"),
        Property::new("rest-plain", Kind::Flag).always("true"),
        Property::new("rest-secure", Kind::Flag).always("true"),
        Property::new("scep-plain", Kind::Flag).always("true"),
        Property::new("webfig-plain", Kind::Flag).always("true"),
        Property::new("webfig-secure", Kind::Flag).always("true"),
    ],
    ..Spec::BASE
};
