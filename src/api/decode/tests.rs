//! Tests of `decode`.

use kube::ResourceExt;
use serde_json::json;

use super::*;
use crate::api::{IPAddressPool, L2Advertisement, MikrotikRouter};

fn error_of<K: Resource<DynamicType = ()> + DeserializeOwned + Debug>(object: Value) -> String {
    decode::<K>(object).unwrap_err().to_string()
}

use std::fmt::Debug;

#[test]
fn the_field_and_where_to_read_about_it_are_named() {
    let error = error_of::<IPAddressPool>(json!({"metadata": {}, "spec": {"addresses": ["10.0.0.0/24", 5]}}));
    assert!(
        error.starts_with("spec.addresses[1]: invalid type: integer `5`"),
        "{error}"
    );
    assert!(
        error.ends_with("`kubectl explain ipaddresspool.spec.addresses` shows what belongs there"),
        "{error}"
    );
}

#[test]
fn a_missing_field_is_named() {
    let error = error_of::<IPAddressPool>(json!({"metadata": {}, "spec": {}}));
    assert!(error.starts_with("spec: missing field `addresses`"), "{error}");
    let error = error_of::<IPAddressPool>(json!({"metadata": {}}));
    assert!(
        error.starts_with("missing field `spec`; `kubectl explain ipaddresspool`"),
        "{error}"
    );
}

#[test]
fn fields_behind_an_optional_spec_are_named_too() {
    let spec = json!({"nodeSelectors": [{}, {"matchLabels": {"a": 1}}]});
    let error = error_of::<L2Advertisement>(json!({"metadata": {}, "spec": spec}));
    assert!(
        error.starts_with("spec.nodeSelectors[1].matchLabels.a: "),
        "{error}"
    );
}

#[test]
fn values_of_a_closed_list_are_told() {
    let spec = json!({"url": "https://r", "clusterName": "a", "credentialsSecretRef": {"name": "s"}, "mode": "Observe"});
    let error = error_of::<MikrotikRouter>(json!({"metadata": {}, "spec": spec}));
    assert!(
        error.starts_with("spec.mode: unknown variant `Observe`, expected one of `Enforce`"),
        "{error}"
    );
}

#[test]
fn one_bad_object_leaves_the_others_of_a_list_alone() {
    let list = json!([
        {"metadata": {"name": "good"}, "spec": {"addresses": ["10.0.0.0/24"]}},
        {"metadata": {"name": "bad", "namespace": "metallb-system"}, "spec": {"addresses": "10.0.1.0/24"}},
        {"metadata": 7, "spec": {}},
    ]);
    let pools: Vec<Decoded<IPAddressPool>> = serde_json::from_value(list).unwrap();
    assert_eq!(pools[0].0.as_ref().unwrap().spec.addresses, ["10.0.0.0/24"]);
    assert_eq!(
        (pools[1].name_any(), pools[1].namespace()),
        ("bad".into(), Some("metallb-system".into()))
    );
    let bad = pools[1].0.as_ref().unwrap_err();
    assert_eq!(bad.error.path, "spec.addresses");
    assert_eq!(pools[2].name_any(), "");
}
