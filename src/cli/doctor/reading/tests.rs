//! Objects as the API server shows them, as facts.

use serde_json::{Value, json};

use super::*;
use crate::cli::doctor::neighbors::Maker;
use crate::cluster::tests::{pool, world};

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
    assert_eq!(facts.rights, None);
    assert_eq!(facts.proxy, Ok(None));
    let [webhook] = facts.webhooks.unwrap().try_into().unwrap();
    assert_eq!(
        webhook.backend,
        Backend::NoService(ObjectKey::new("metallb-system", "metallb-webhook-service"))
    );
    assert!(webhook.is_fatal);
    let unsupported = world.server.unsupported();
    assert!(unsupported.is_empty(), "{unsupported:?}");
}
