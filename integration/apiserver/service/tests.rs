//! Allocation and its bad inputs, on values.

use serde_json::{Value, json};

use super::{Addresses, create, update};

fn made(addresses: &mut Addresses, spec: &Value) -> Value {
    let mut service = json!({ "metadata": { "name": "web" }, "spec": spec });
    let causes = create(&mut service, addresses);
    assert!(causes.is_empty(), "{causes:?}");
    addresses.follow(None, Some(&service));
    service
}

fn refused(spec: &Value) -> String {
    let mut service = json!({ "metadata": { "name": "web" }, "spec": spec });
    format!("{:?}", create(&mut service, &mut Addresses::default()))
}

#[test]
fn two_families_get_two_addresses() {
    let mut addresses = Addresses::default();
    let ports = json!([{ "port": 80 }]);
    let dual = made(
        &mut addresses,
        &json!({ "ipFamilyPolicy": "PreferDualStack", "ports": ports }),
    );
    assert_eq!(dual["spec"]["ipFamilies"], json!(["IPv4", "IPv6"]));
    let ips = dual["spec"]["clusterIPs"].as_array().unwrap();
    assert!(ips[0].as_str().unwrap().starts_with("10.43.") && ips[1].as_str().unwrap().starts_with("fd43::"));
    let six = made(&mut addresses, &json!({ "ipFamilies": ["IPv6"], "ports": ports }));
    assert!(six["spec"]["clusterIP"].as_str().unwrap().starts_with("fd43::"));
    assert_eq!(six["spec"]["ipFamilyPolicy"], "SingleStack");

    let mut grown = dual.clone();
    grown["spec"]["ipFamilyPolicy"] = json!("SingleStack");
    assert!(update(&mut grown, &dual, &mut addresses).is_empty());
    assert_eq!(
        grown["spec"]["clusterIPs"],
        json!([ips[0]]),
        "the second family stayed"
    );
}

#[test]
fn what_is_given_back_is_given_again() {
    let mut addresses = Addresses::default();
    let spec =
        json!({ "type": "NodePort", "clusterIP": "10.43.0.9", "ports": [{ "port": 80, "nodePort": 30080 }] });
    let first = made(&mut addresses, &spec);
    let mut second = json!({ "spec": spec });
    let causes = format!("{:?}", create(&mut second.clone(), &mut addresses));
    assert!(causes.contains("provided IP is already allocated"), "{causes}");
    addresses.follow(Some(&first), None);
    assert!(create(&mut second, &mut addresses).is_empty());
}

#[test]
fn headless_and_external_services_get_none() {
    let mut addresses = Addresses::default();
    let headless = made(
        &mut addresses,
        &json!({ "clusterIP": "None", "ports": [{ "port": 80 }] }),
    );
    assert_eq!(headless["spec"]["clusterIPs"], json!(["None"]));
    let external = made(
        &mut addresses,
        &json!({ "type": "ExternalName", "externalName": "example.com" }),
    );
    assert!(external["spec"]["clusterIP"].is_null() && external["spec"]["internalTrafficPolicy"].is_null());
}

#[test]
fn node_ports_are_given_where_they_are_wanted() {
    let mut addresses = Addresses::default();
    let ports = json!([{ "port": 80 }]);
    let without = json!({ "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": ports });
    assert!(made(&mut addresses, &without)["spec"]["ports"][0]["nodePort"].is_null());
    let with = made(&mut addresses, &json!({ "type": "LoadBalancer", "ports": ports }));
    let other = made(&mut addresses, &json!({ "type": "NodePort", "ports": ports }));
    assert_ne!(
        with["spec"]["ports"][0]["nodePort"],
        other["spec"]["ports"][0]["nodePort"]
    );
}

#[test]
fn manifests_with_a_slip_are_refused() {
    let port = json!([{ "port": 80 }]);
    for (spec, why) in [
        (json!({}), "spec.ports"),
        (json!({ "ports": [{ "port": 0 }] }), "between 1 and 65535"),
        (json!({ "ports": [{ "port": 65536 }] }), "between 1 and 65535"),
        (json!({ "ports": [{ "port": "http" }] }), "between 1 and 65535"),
        (
            json!({ "ports": [{ "port": 80, "protocol": "tcp" }] }),
            "spec.ports[0].protocol",
        ),
        (
            json!({ "ports": [{ "port": 80 }, { "port": 81 }] }),
            "spec.ports[0].name",
        ),
        (
            json!({ "ports": [{ "name": "a", "port": 80 }, { "name": "b", "port": 80 }] }),
            "Duplicate",
        ),
        (json!({ "type": "Loadbalancer", "ports": port }), "spec.type"),
        (
            json!({ "type": "LoadBalancer", "clusterIP": "None", "ports": port }),
            "may not be set to 'None'",
        ),
        (
            json!({ "externalTrafficPolicy": "Local", "ports": port }),
            "externally-accessible",
        ),
        (
            json!({ "loadBalancerClass": "a/b", "ports": port }),
            "spec.loadBalancerClass",
        ),
        (
            json!({ "type": "LoadBalancer", "externalTrafficPolicy": "local", "ports": port }),
            "spec.externalTrafficPolicy",
        ),
    ] {
        let found = refused(&spec);
        assert!(found.contains(why), "{spec}: {found}, not {why}");
    }
}

#[test]
fn the_class_is_fixed_while_it_applies() {
    let mut addresses = Addresses::default();
    let ports = json!([{ "port": 80 }]);
    let spec = json!({ "type": "LoadBalancer", "loadBalancerClass": "tiklb.io/l2", "ports": ports });
    let before = made(&mut addresses, &spec);
    let mut changed = before.clone();
    changed["spec"]["loadBalancerClass"] = json!("other.io/l2");
    assert!(
        format!("{:?}", update(&mut changed, &before, &mut addresses)).contains("may not change once set")
    );
    let mut inner = before.clone();
    inner["spec"]["type"] = json!("ClusterIP");
    assert!(update(&mut inner, &before, &mut addresses).is_empty());
    assert!(inner["spec"]["loadBalancerClass"].is_null());
}
