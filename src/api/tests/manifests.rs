//! Manifests as users write them: good ones are taken by rules and types alike, bad ones are refused with words that
//! name the field and the fix.

use serde_json::{Value, json};

use super::{decodes, documents, files, rules};
use crate::api::decode::decode;
use crate::api::router::{Arp, Assignment, Dhcp, Evict, Mode, Reservations};
use crate::api::{
    ConfigurationResult, ConfigurationState, IPAddressPool, L2Advertisement, MikrotikRouter, Period,
    ServiceL2Status,
};

#[test]
fn good_manifests_are_taken() {
    for (name, yaml) in files("src/api/tests/manifests/accepted") {
        for object in documents(&yaml) {
            let what = format!("{name}: {}", object["metadata"]["name"]);
            assert_eq!(rules(&object, None), Ok(()), "{what}");
            assert_eq!(decodes(&object), Ok(()), "{what}");
        }
    }
}

#[test]
fn bad_manifests_are_refused_with_the_fix() {
    for (name, yaml) in files("src/api/tests/manifests/refused") {
        let expected = yaml.lines().next().unwrap().strip_prefix("# expect: ").unwrap();
        let object = &documents(&yaml)[0];
        let said = [rules(object, None), decodes(object)].map(|verdict| verdict.err().unwrap_or_default());
        assert!(
            said.iter().any(|words| words.contains(expected)),
            "{name}: expected {expected:?}, was told {said:?}"
        );
    }
}

fn accepted(file: &str) -> Vec<Value> {
    let files = files("src/api/tests/manifests/accepted");
    documents(&files.iter().find(|f| f.0 == file).unwrap().1)
}

#[test]
fn a_pool_gets_metallbs_defaults() {
    let pool: IPAddressPool = decode(accepted("shortest.yaml").remove(0)).unwrap();
    assert!(pool.spec.auto_assign);
    assert!(!pool.spec.avoid_buggy_ips);
    assert_eq!(pool.spec.service_allocation, None);
    assert_eq!(pool.spec.addresses[1], "192.168.9.1-192.168.9.5");
}

#[test]
fn every_field_of_a_pool_survives_a_round_trip() {
    let written = accepted("pool-every-field.yaml").remove(0);
    let pool: IPAddressPool = decode(written.clone()).unwrap();
    let allocation = pool.spec.service_allocation.as_ref().unwrap();
    assert_eq!(allocation.priority, 50);
    assert_eq!(allocation.namespaces, ["namespace-a", "namespace-b"]);
    assert_eq!(
        allocation.service_selectors[0]
            .match_expressions
            .as_ref()
            .unwrap()[0]
            .operator,
        "In"
    );
    assert_eq!(serde_json::to_value(&pool).unwrap(), written);
}

#[test]
fn an_advertisement_without_spec_is_the_empty_one() {
    let shortest: L2Advertisement = decode(accepted("shortest.yaml").remove(1)).unwrap();
    assert_eq!(shortest.spec, crate::api::L2AdvertisementSpec::default());
    let mut others = accepted("advertisement-every-field.yaml");
    for other in others.drain(1..) {
        let decoded: L2Advertisement = decode(other).unwrap();
        assert_eq!(decoded.spec, shortest.spec);
    }
}

#[test]
fn every_field_of_an_advertisement_survives_a_round_trip() {
    let written = accepted("advertisement-every-field.yaml").remove(0);
    let decoded: L2Advertisement = decode(written.clone()).unwrap();
    assert_eq!(decoded.spec.preferred_node_selectors[0].weight, 60);
    assert_eq!(decoded.spec.interfaces, ["eth0", "enp3s0"]);
    assert_eq!(serde_json::to_value(&decoded).unwrap(), written);
}

#[test]
fn unknown_fields_are_ignored() {
    let object = json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "L2Advertisement",
        "metadata": {"name": "from-the-future", "somethingNew": 1},
        "spec": {"ipAddressPools": ["a"], "somethingNew": {"a": [1, 2]}},
        "somethingElse": true,
    });
    let decoded: L2Advertisement = decode(object).unwrap();
    assert_eq!(decoded.spec.ip_address_pools, ["a"]);
}

#[test]
fn statuses_that_metallb_wrote_are_read() {
    let mut objects = accepted("statuses.yaml").into_iter();
    let status: ServiceL2Status = decode(objects.next().unwrap()).unwrap();
    let status = status.status.unwrap();
    assert_eq!(status.node.as_deref(), Some("node-a"));
    assert_eq!(status.interfaces[0].name, "eth0");
    assert_eq!((status.epoch, status.since), (None, None));
    let empty: ServiceL2Status = decode(objects.next().unwrap()).unwrap();
    assert_eq!(empty.status, None);
    let state: ConfigurationState = decode(objects.next().unwrap()).unwrap();
    let state = state.status.unwrap();
    assert_eq!(state.result, Some(ConfigurationResult::Invalid));
    assert_eq!(state.error_summary.lines().count(), 2);
    assert_eq!(state.conditions[0].reason, "ConfigurationError");
}

#[test]
fn a_router_gets_the_documented_defaults() {
    let least: MikrotikRouter = decode(accepted("routers.yaml").remove(0)).unwrap();
    let spec = least.spec;
    assert_eq!(spec.mode, Mode::Enforce);
    assert_eq!(spec.assignment, Assignment::Proven);
    let dhcp = Dhcp {
        shrink_pools: true,
        min_free_addresses: 10,
        pools: Vec::new(),
        evict: Evict::Never,
    };
    assert_eq!(spec.dhcp, dhcp);
    let reservations = Reservations {
        leases: true,
        arp: Arp::Visible,
    };
    assert_eq!(spec.reservations, reservations);
    assert_eq!(spec.poll_interval, Period::from_secs(30));
    assert_eq!(spec.release_delay, Period::from_secs(600));
    assert_eq!(spec.tls.unwrap().ca_secret_ref.unwrap().key, "ca.crt");
    assert!(!spec.allow_plain_http && !spec.accept_untested_version);
}

#[test]
fn a_partly_written_section_keeps_its_other_defaults() {
    let plain: MikrotikRouter = decode(accepted("routers.yaml").remove(2)).unwrap();
    assert_eq!(plain.spec.dhcp.min_free_addresses, 3);
    assert!(plain.spec.dhcp.shrink_pools);
}

#[test]
fn every_field_of_a_router_survives_a_round_trip() {
    let written = accepted("routers.yaml").remove(1);
    let decoded: MikrotikRouter = decode(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(&decoded).unwrap(), written);
}

#[test]
fn the_schema_gives_the_same_defaults_as_the_types() {
    // The API server fills in the schema's, the types fill in their own: a difference would make behaviour depend on
    // where an object came from.
    let least = accepted("routers.yaml").remove(0);
    let by_schema = kube::core::cel::apply_defaults(super::schema_of("MikrotikRouter"), &least);
    let by_type: MikrotikRouter = decode(least).unwrap();
    assert_eq!(serde_json::to_value(&by_type).unwrap()["spec"], by_schema["spec"]);
}
