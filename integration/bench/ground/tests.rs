//! What the survey's Leases say.

use serde_json::json;

use super::*;

#[test]
fn all_surveys_are_read_as_one() {
    let lease = |covered: &str, occupied: &str| {
        json!({"metadata": {"annotations": {
            "tiklb.io/covered": covered,
            "tiklb.io/occupied": occupied,
        }}})
    };
    let list = json!({"items": [
        lease("192.168.1.201-192.168.1.210", "192.168.1.205"),
        lease("192.168.1.215", ""),
        {"metadata": {}},
    ]});
    let (covered, occupied) = surveyed(&list).unwrap();
    assert_eq!(covered.to_string(), "192.168.1.201-192.168.1.210,192.168.1.215");
    assert_eq!(occupied.to_string(), "192.168.1.205");

    let none = surveyed(&json!({"items": []})).unwrap();
    assert_eq!(none, (Ranges::default(), Ranges::default()));
    assert!(surveyed(&json!({"items": [lease("all of them", "")]})).is_err());
}

#[test]
fn a_service_is_known_by_its_first_port() {
    let object = json!({
        "kind": "Service",
        "metadata": {"namespace": "immich", "name": "lan"},
        "spec": {"ports": [{"port": 2283}, {"port": 1}]},
    });
    let found = service(&object).unwrap();
    assert_eq!(
        (found.namespace.as_str(), found.name.as_str(), found.port),
        ("immich", "lan", 2283)
    );
    assert!(service(&json!({"kind": "Namespace", "metadata": {"name": "immich"}})).is_none());
}
