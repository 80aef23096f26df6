//! Objects as the API server shows them, as facts.

use serde_json::{Value, json};

use super::*;
use crate::cli::doctor::neighbors::Maker;
use crate::cluster::tests::{World, pool, world};

fn daemon_set(labels: &Value, pod: &Value) -> Workload {
    let object = json!({
        "metadata": {"name": "x", "namespace": "kube-system", "labels": labels},
        "spec": {"selector": {}, "template": {"spec": pod}},
    });
    workload::daemon_set(serde_json::from_value(object).unwrap())
}

#[test]
fn a_daemon_set_is_known_by_its_image_its_settings_and_its_ports() {
    let pod = json!({
        "hostNetwork": true,
        "serviceAccountName": "speaker",
        "containers": [{
            "name": "speaker", "image": "quay.io/metallb/speaker:v0.15.2",
            "ports": [{"containerPort": 7472}, {"containerPort": 7946, "protocol": "UDP"}],
        }],
    });
    let found = daemon_set(&json!({}), &pod);
    assert_eq!(found.maker(), Maker::MetalLb);
    assert_eq!(found.host_ports, [7472, 7946].into());
    assert_eq!(found.service_account, "speaker");
    let pod = json!({"containers": [{
        "name": "kube-vip", "image": "ghcr.io/kube-vip/kube-vip:v0.8.0", "args": ["manager"],
        "ports": [{"containerPort": 7946}],
        "env": [{"name": "svc_enable", "value": "true"}],
    }]});
    let found = daemon_set(&json!({}), &pod);
    assert_eq!(found.maker(), Maker::KubeVip { serves: Some(true) });
    assert_eq!(found.host_ports, [].into(), "not on the host's network");
    let pod = json!({"containers": [{
        "name": "kube-vip", "image": "kube-vip", "envFrom": [{"configMapRef": {"name": "kube-vip"}}],
    }]});
    assert_eq!(
        daemon_set(&json!({}), &pod).maker(),
        Maker::KubeVip { serves: None }
    );
    let labels = json!({"svccontroller.k3s.cattle.io/svcname": "web"});
    let pod = json!({"containers": [{"name": "lb", "image": "mirror/lb"}]});
    assert_eq!(daemon_set(&labels, &pod).maker(), Maker::ServiceLb);
}

#[test]
fn what_runs_no_pod_is_stopped() {
    let deployment = |replicas: Value| {
        let object = json!({
            "metadata": {"name": "controller", "namespace": "metallb-system"},
            "spec": {"replicas": replicas, "selector": {}, "template": {"spec": {"containers": []}}},
        });
        workload::deployment(serde_json::from_value(object).unwrap())
    };
    assert!(deployment(json!(0)).stopped);
    assert!(!deployment(json!(1)).stopped);
    assert!(!deployment(Value::Null).stopped, "the default is one");
    let daemons = |wanted: i32| {
        let object = json!({
            "metadata": {"name": "speaker", "namespace": "metallb-system"},
            "spec": {"selector": {}, "template": {"spec": {"containers": []}}},
            "status": {"currentNumberScheduled": 0, "desiredNumberScheduled": wanted, "numberMisscheduled": 0, "numberReady": 0},
        });
        workload::daemon_set(serde_json::from_value(object).unwrap())
    };
    assert!(daemons(0).stopped);
    assert!(!daemons(3).stopped);
}

#[test]
fn a_static_pod_counts_and_one_of_a_daemon_set_does_not() {
    let pod = |owner: &str| {
        let object = json!({
            "metadata": {"name": "p", "namespace": "kube-system", "ownerReferences": [
                {"apiVersion": "v1", "kind": owner, "name": "n", "uid": "u"},
            ]},
            "spec": {"containers": [{"name": "c", "image": "ghcr.io/kube-vip/kube-vip:v0.8.0"}]},
        });
        workload::lone_pod(serde_json::from_value(object).unwrap())
    };
    assert!(pod("Node").is_some());
    assert!(pod("DaemonSet").is_none());
}

#[test]
fn a_status_has_the_writers_that_the_api_server_remembers() {
    let entry = |manager: &str, fields: Value| json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields});
    let object = json!({
        "metadata": {"name": "web", "namespace": "apps", "managedFields": [
            entry("kubectl", json!({"f:spec": {"f:ports": {}}})),
            entry("k3s", json!({"f:status": {"f:loadBalancer": {"f:ingress": {}}}})),
            entry("somebody", json!({"f:status": {"f:conditions": {}}})),
        ]},
        "spec": {"type": "LoadBalancer"},
        "status": {"loadBalancer": {"ingress": [{"ip": "192.168.1.11"}, {"hostname": "a.example"}]}},
    });
    let found = service(serde_json::from_value(object).unwrap());
    assert_eq!(found.writers, ["k3s".to_owned()].into());
    assert_eq!(found.hostnames, ["a.example"]);
    assert_eq!(found.addresses.len(), 1);
}

#[test]
fn the_rights_that_are_asked_for_are_those_of_the_deployed_roles() {
    let allocator = rights::of(include_str!("../../../../deploy/rbac/allocator.yaml"));
    let said: Vec<String> = allocator.iter().map(ToString::to_string).collect();
    for wanted in [
        "patch services/status",
        "list ipaddresspools.metallb.io",
        "update leases.coordination.k8s.io",
        "create secrets",
    ] {
        assert!(
            said.iter().any(|right| right == wanted),
            "no {wanted} in {said:?}"
        );
    }
    let cluster_wide = allocator
        .iter()
        .find(|right| right.to_string() == "patch services/status");
    assert!(!cluster_wide.unwrap().namespaced);
    let speaker = rights::of(include_str!("../../../../deploy/rbac/speaker.yaml"));
    let key = speaker.iter().find(|right| right.object == "tiklb-heartbeat");
    assert!(key.unwrap().namespaced);
}

/// Definitions of another version let through what this one cannot decode.
async fn lax(world: &World, name: &str) {
    let all = crds().into_iter();
    let mut ours = all.filter(|definition| definition.metadata.name.as_deref() == Some(name));
    let mut definition = serde_json::to_value(ours.next().unwrap()).unwrap();
    for version in definition["spec"]["versions"].as_array_mut().unwrap() {
        version["schema"]["openAPIV3Schema"] =
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    }
    world.judge.apply(definition).await.unwrap();
}

fn conflict(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "tiklb.io/v1alpha1", "kind": "AddressConflict",
        "metadata": {"name": name, "namespace": "metallb-system"}, "spec": spec,
    })
}

#[tokio::test]
async fn objects_that_cannot_be_decoded_are_read_with_what_is_wrong() {
    let world = world().await;
    lax(&world, "ipaddresspools.metallb.io").await;
    lax(&world, "addressconflicts.tiklb.io").await;
    let mut bad = pool("bad", "");
    bad["spec"]["addresses"] = json!("192.168.1.1");
    let mut elsewhere = bad.clone();
    elsewhere["metadata"]["namespace"] = json!("default");
    for object in [bad, elsewhere, conflict("empty", &json!({}))] {
        world.judge.apply(object).await.unwrap();
    }
    let inventory = Inventory::new(world.client.clone());
    let facts = Box::pin(look(&inventory, "metallb-system", None)).await.facts;
    let found: Vec<(String, &str)> = facts
        .undecoded
        .iter()
        .map(|object| (format!("{} {}", object.kind, object.key), object.why.as_str()))
        .collect();
    let [(pool, addresses), (empty, missing)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(pool, "IPAddressPool metallb-system/bad");
    assert!(addresses.starts_with("spec.addresses: "), "{addresses}");
    assert_eq!(empty, "AddressConflict metallb-system/empty");
    assert!(missing.contains("`address`"), "{missing}");
}

#[tokio::test]
async fn who_else_uses_addresses_is_read() {
    let world = world().await;
    let web = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "default",
            "annotations": {"metallb.io/loadBalancerIPs": "192.168.1.201"}},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    });
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "cilium-config", "namespace": "kube-system"},
        "data": {"enable-l2-announcements": "true"},
    });
    let phone = conflict("192.168.1.201", &json!({"address": "192.168.1.201"}));
    for object in [phone, web, settings] {
        world.judge.apply(object).await.unwrap();
    }
    let conflicts =
        lab::kube::Resource::namespaced("tiklb.io", "v1alpha1", "addressconflicts", "AddressConflict");
    let conflicts = conflicts.in_namespace("metallb-system");
    let status = json!({"status": {
        "mac": "02:00:00:00:01:e7", "holder": "annas-phone", "seenBy": ["node1"], "since": "2026-01-01T08:00:00Z",
    }});
    let patched = world.judge.patch_status(conflicts, "192.168.1.201", &status);
    patched.await.unwrap();
    let inventory = Inventory::new(world.client.clone());
    let facts = Box::pin(look(&inventory, "metallb-system", None)).await.facts;
    let [seen] = facts.conflicts.unwrap().try_into().unwrap();
    assert_eq!(seen.address.to_string(), "192.168.1.201");
    assert_eq!(seen.mac.as_deref(), Some("02:00:00:00:01:e7"));
    assert_eq!(seen.holder.as_deref(), Some("annas-phone"));
    assert_eq!(seen.seen_by, ["node1"]);
    let since = seen.since.map(|since| since.to_string());
    assert_eq!(since.as_deref(), Some("2026-01-01T08:00:00Z"));
    assert_eq!(facts.services.unwrap()[0].wanted, [seen.address]);
    let settings = facts.cilium_settings.unwrap().unwrap();
    assert_eq!(settings["enable-l2-announcements"], "true");
}

/// MetalLB's definition of AddressPools in 0.13, as far as it has a say here.
fn address_pools() -> Value {
    let version = |name: &str, storage: bool| {
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": schema}})
    };
    let service = json!({"namespace": "metallb-system", "name": "webhook-service", "path": "/convert"});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "addresspools.metallb.io"},
        "spec": {
            "group": "metallb.io", "scope": "Namespaced",
            "names": {"kind": "AddressPool", "plural": "addresspools"},
            "versions": [version("v1alpha1", false), version("v1beta1", true)],
            "conversion": {"strategy": "Webhook", "webhook": {
                "clientConfig": {"service": service},
                "conversionReviewVersions": ["v1alpha1", "v1beta1"],
            }},
        },
    })
}

#[tokio::test]
async fn what_an_older_metallb_left_is_read() {
    let world = world().await;
    let pool = json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "AddressPool",
        "metadata": {"name": "default", "namespace": "metallb-system"},
        "spec": {"protocol": "layer2", "addresses": ["192.168.1.240-192.168.1.250"]},
    });
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "config", "namespace": "metallb-system"},
        "data": {"config": "address-pools:\n- name: old\n  protocol: layer2\n  addresses:\n  - 192.168.1.230/31\n"},
    });
    for object in [address_pools(), pool, config] {
        world.judge.apply(object).await.unwrap();
    }
    let inventory = Inventory::new(world.client.clone());
    let facts = Box::pin(look(&inventory, "metallb-system", None)).await.facts;
    let gone = Backend::NoService(ObjectKey::new("metallb-system", "webhook-service"));
    assert_eq!(facts.conversions.unwrap()["addresspools.metallb.io"], gone);
    let found: Vec<(String, String)> = facts
        .earlier
        .unwrap()
        .into_iter()
        .map(|pool| (pool.what, pool.addresses.join(" ")))
        .collect();
    let both = [
        (
            "AddressPool metallb-system/default",
            "192.168.1.240-192.168.1.250",
        ),
        ("pool old of ConfigMap metallb-system/config", "192.168.1.230/31"),
    ];
    assert_eq!(
        found,
        both.map(|(what, addresses)| (what.to_owned(), addresses.to_owned()))
    );
}

#[tokio::test]
async fn a_cluster_is_read_as_it_is() {
    let world = world().await;
    world
        .judge
        .apply(pool("lan", "192.168.1.200-192.168.1.220"))
        .await
        .unwrap();
    let mut elsewhere = pool("stray", "192.168.1.100/32");
    elsewhere["metadata"]["namespace"] = json!("default");
    world.judge.apply(elsewhere).await.unwrap();
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "metallb-webhook-configuration"},
        "webhooks": [{
            "name": "ipaddresspoolvalidationwebhook.metallb.io", "failurePolicy": "Fail", "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"name": "metallb-webhook-service", "namespace": "metallb-system"}},
            "rules": [{"apiGroups": ["metallb.io"], "apiVersions": ["v1beta1"], "operations": ["CREATE"],
                "resources": ["ipaddresspools"]}],
        }, {
            "name": "other.example", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"name": "none", "namespace": "default"}},
            "rules": [{"apiGroups": ["apps"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["*"]}],
        }],
    });
    world.judge.apply(webhook).await.unwrap();
    let inventory = Inventory::new(world.client.clone());
    let facts = Box::pin(look(&inventory, "metallb-system", None)).await.facts;
    assert_eq!(facts.pools.as_ref().map(Vec::len), Ok(2));
    assert_eq!(facts.definitions.as_ref().map(BTreeMap::len), Ok(crds().len()));
    assert_eq!(facts.lease, Ok(None));
    assert_eq!(facts.workloads, Ok(vec![]));
    assert_eq!(facts.cilium, Ok(vec![]));
    assert_eq!(facts.bgp, Ok(vec![]));
    assert_eq!(facts.earlier, Ok(vec![]));
    assert_eq!(facts.rights, None);
    assert_eq!(facts.proxy, Ok(None));
    assert_eq!(facts.cilium_settings, Ok(None));
    assert_eq!(facts.conflicts, Ok(vec![]));
    assert_eq!(facts.undecoded, []);
    let [webhook] = facts.webhooks.unwrap().try_into().unwrap();
    assert_eq!(
        webhook.backend,
        Backend::NoService(ObjectKey::new("metallb-system", "metallb-webhook-service"))
    );
    assert!(webhook.is_fatal);
    let unsupported = world.server.unsupported();
    assert!(unsupported.is_empty(), "{unsupported:?}");
}
