//! Single rules, and where they and the code that judges the same thing must agree.

use serde_json::{Value, json};
use tiklb_core::model::AddressRange;

use super::{documents, files, rules, schema_of};
use crate::api::{address_conflict, decode};

fn pool(entry: &str) -> Value {
    json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool", "metadata": {"name": "pool"},
        "spec": {"addresses": [entry]},
    })
}

/// Entries, whether the rules take them, and whether core does.
const ENTRIES: &[(&str, bool, bool)] = &[
    ("192.168.1.0/24", true, true),
    ("192.168.1.77/28", true, true),
    ("192.168.1.200/32", true, true),
    ("192.168.1.200-192.168.1.220", true, true),
    ("192.168.1.200 - 192.168.1.220", true, true),
    (" 192.168.1.9-192.168.1.10 ", true, true),
    ("192.168.1.255-192.168.2.0", true, true),
    ("10.0.0.0-255.255.255.255", true, true),
    ("192.168.1.200-192.168.1.200", true, true),
    ("fd00::/64", true, true),
    ("fd00::10-fd00::ff", true, true),
    ("192.168.1.200", false, false),
    ("fd00::1", false, false),
    ("", false, false),
    ("-", false, false),
    ("192.168.1.0/33", false, false),
    ("192.168.1.256/24", false, false),
    ("192.168.1.1-192.168.1", false, false),
    ("192.168.1.1-5", false, false),
    ("192.168.1.1-192.168.1.3-192.168.1.5", false, false),
    ("192.168.1.220-192.168.1.200", false, false),
    ("192.168.2.0-192.168.1.255", false, false),
    ("10.0.0.10-9.255.255.255", false, false),
    // MetalLB's webhook refuses it; CEL cannot order IPv6 addresses, so the allocator reports it.
    ("fd00::ff-fd00::10", true, false),
    // MetalLB takes it and hands out nothing.
    ("192.168.1.1-fd00::1", false, false),
    ("fd00::1-192.168.1.1", false, false),
    // MetalLB refuses it, and so do the rules; core is lenient with spaces.
    (" 192.168.1.0/24", false, true),
];

#[test]
fn rules_and_core_agree_on_addresses() {
    for (entry, by_rules, by_core) in ENTRIES {
        let verdict = rules(&pool(entry), None);
        assert_eq!(verdict.is_ok(), *by_rules, "{entry:?}: {verdict:?}");
        assert_eq!(AddressRange::parse(entry).is_ok(), *by_core, "{entry:?}");
    }
}

/// Rows on the router carry the name; under another they would be a stranger's.
#[test]
fn a_clusters_name_on_its_router_never_changes() {
    let router = |cluster: &str, mode: &str| {
        json!({
            "apiVersion": "tiklb.io/v1alpha1", "kind": "MikrotikRouter", "metadata": {"name": "home"},
            "spec": {
                "url": "https://192.168.1.1", "clusterName": cluster, "mode": mode,
                "credentialsSecretRef": {"name": "mikrotik"}, "tls": {"caSecretRef": {"name": "mikrotik-ca"}},
            },
        })
    };
    let before = router("home", "DryRun");
    assert_eq!(rules(&router("home", "Enforce"), Some(&before)), Ok(()));
    let refused = rules(&router("attic", "DryRun"), Some(&before)).unwrap_err();
    assert!(
        refused.contains("delete the MikrotikRouter, which gives the router back"),
        "{refused}"
    );
}

#[test]
fn what_a_status_is_about_never_changes() {
    let status = |node: &str, epoch: i64| {
        json!({
            "apiVersion": "metallb.io/v1beta1", "kind": "ServiceL2Status", "metadata": {"name": "l2-x"},
            "status": {"node": node, "serviceName": "web", "serviceNamespace": "default", "epoch": epoch},
        })
    };
    assert_eq!(rules(&status("a", 2), Some(&status("a", 1))), Ok(()));
    let refused = rules(&status("b", 1), Some(&status("a", 1))).unwrap_err();
    assert!(
        refused.contains("status.node") && refused.contains("object of its own"),
        "{refused}"
    );
}

#[test]
fn a_conflict_is_about_one_address() {
    let conflict = |address: &str| {
        json!({
            "apiVersion": "tiklb.io/v1alpha1", "kind": "AddressConflict", "metadata": {"name": "x"},
            "spec": {"address": address},
        })
    };
    for good in ["192.168.1.205", "fd00::5"] {
        assert_eq!(rules(&conflict(good), None), Ok(()));
    }
    assert!(rules(&conflict("fd00::6"), Some(&conflict("fd00::5"))).is_err());
    assert!(rules(&conflict("router"), None).is_err());
}

#[test]
fn names_of_conflicts_are_object_names() {
    let name = |address: &str| address_conflict::name_of(address.parse().unwrap());
    assert_eq!(name("192.168.1.205"), "192.168.1.205");
    assert_eq!(name("fd00::5"), "fd00-0000-0000-0000-0000-0000-0000-0005");
    // An object's name begins and ends with a letter or a digit.
    assert_eq!(name("::"), ["0000"; 8].join("-"));
}

#[test]
fn what_the_rules_take_as_a_duration_can_be_decoded() {
    let accepted = files("src/api/tests/manifests/accepted");
    let routers = accepted.iter().find(|file| file.0 == "routers.yaml").unwrap();
    let router = documents(&routers.1).remove(0);
    for text in [
        "1s", "1h", "59m59s", "1h0m0s", "90s", "1500ms", "000001s", "0h30m", "", "30", "1s1h", "1.5s", "30 s",
    ] {
        let mut router = router.clone();
        router["spec"]["pollInterval"] = text.into();
        let by_rules = rules(&router, None);
        if by_rules.is_ok() {
            let decoded = decode::decode::<crate::api::MikrotikRouter>(router);
            assert!(decoded.is_ok(), "{text:?}: {decoded:?}");
        }
        let good = [
            "1s", "1h", "59m59s", "1h0m0s", "90s", "1500ms", "000001s", "0h30m",
        ];
        assert_eq!(by_rules.is_ok(), good.contains(&text), "{text:?}: {by_rules:?}");
    }
}

#[test]
fn every_rule_compiles() {
    let mut rules = Vec::new();
    for kind in [
        "IPAddressPool",
        "L2Advertisement",
        "ServiceL2Status",
        "MikrotikRouter",
        "AddressConflict",
        "AddressReservation",
    ] {
        collect(schema_of(kind), &mut rules);
    }
    assert!(rules.len() > 20, "only {} rules found", rules.len());
    for rule in rules {
        let text = rule["rule"].as_str().unwrap();
        let compiled = kube::core::cel::cel::Program::compile(text);
        assert!(compiled.is_ok(), "{text}: {:?}", compiled.err());
        assert!(rule.get("message").is_some(), "{text} has no message");
    }
}

fn collect(schema: &Value, into: &mut Vec<Value>) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::Array(rules)) = fields.get("x-kubernetes-validations") {
                into.extend(rules.iter().cloned());
            }
            fields.values().for_each(|value| collect(value, into));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}
