//! Statuses are written as merge patches: what a status no longer says must be in the patch, as `null`.

use serde::Serialize;
use serde_json::Value;

use super::schema_of;
use crate::api::{
    AddressConflictStatus, AddressReservationStatus, ConfigurationStateStatus, IPAddressPoolStatus,
    MikrotikRouterStatus, ServiceL2StatusStatus,
};

fn names_every_field(kind: &str, empty: impl Serialize) {
    let schema = schema_of(kind);
    let status = &schema["properties"]["status"]["properties"];
    let keys = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let empty = serde_json::to_value(empty).unwrap();
    assert_eq!(keys(&empty), keys(status), "{kind}");
}

#[test]
fn an_empty_status_names_every_field() {
    names_every_field("IPAddressPool", IPAddressPoolStatus::default());
    names_every_field("ServiceL2Status", ServiceL2StatusStatus::default());
    names_every_field("ConfigurationState", ConfigurationStateStatus::default());
    names_every_field("MikrotikRouter", MikrotikRouterStatus::default());
    names_every_field("AddressConflict", AddressConflictStatus::default());
    names_every_field("AddressReservation", AddressReservationStatus::default());
}

#[test]
fn an_empty_status_reads_back() {
    let written = serde_json::to_value(MikrotikRouterStatus::default()).unwrap();
    let read: MikrotikRouterStatus = serde_json::from_value(written).unwrap();
    assert_eq!(read, MikrotikRouterStatus::default());
    let nothing: MikrotikRouterStatus =
        serde_json::from_value(Value::Object(serde_json::Map::new())).unwrap();
    assert_eq!(nothing, MikrotikRouterStatus::default());
}
