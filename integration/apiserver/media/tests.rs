//! What clients say they accept.

use super::{Form, aggregated_discovery, negotiate};
use crate::apiserver::table::Include;

#[test]
fn the_first_spoken_form_is_taken() {
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    for (accept, wanted) in [
        ("", Some(Form::Plain)),
        ("*/*", Some(Form::Plain)),
        ("application/json", Some(Form::Plain)),
        (
            "application/vnd.kubernetes.protobuf,application/json",
            Some(Form::Plain),
        ),
        (
            &format!("{table},application/json"),
            Some(Form::Table(Include::Metadata)),
        ),
        (
            "application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json",
            Some(Form::Plain),
        ),
        (
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            Some(Form::Metadata),
        ),
        ("text/html", None),
        ("application/vnd.kubernetes.protobuf", None),
    ] {
        assert_eq!(negotiate(accept, "").ok(), wanted, "{accept}");
    }
    assert_eq!(negotiate(table, "Object"), Ok(Form::Table(Include::Object)));
    assert_eq!(negotiate(table, "None"), Ok(Form::Table(Include::None)));
}

#[test]
fn aggregated_discovery_is_for_those_who_ask() {
    let v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    assert_eq!(
        aggregated_discovery(&format!("{v2},application/json")).as_deref(),
        Some(v2)
    );
    assert_eq!(
        aggregated_discovery("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"),
        None
    );
    assert_eq!(aggregated_discovery("application/json"), None);
}
