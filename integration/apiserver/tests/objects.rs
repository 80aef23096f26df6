//! What becomes of objects that belong to others, and of writers that meet.

use futures::future::join_all;
use serde_json::{Value, json};

use super::{BOUND, config_map, config_maps, server};
use crate::kube::{CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, Resource, SERVICES};

fn owned(name: &str, owner: &Value) -> Value {
    let (kind, name_of, uid) = (
        &owner["kind"],
        &owner["metadata"]["name"],
        &owner["metadata"]["uid"],
    );
    let reference = json!({ "apiVersion": "v1", "kind": kind, "name": name_of, "uid": uid });
    json!({ "metadata": { "name": name, "ownerReferences": [reference] } })
}

#[tokio::test]
async fn dependents_go_with_their_owner() {
    let (_server, kube) = server().await;
    let owner = kube
        .create(config_maps(), &config_map("owner", "1"))
        .await
        .unwrap();
    let child = kube.create(config_maps(), &owned("child", &owner)).await.unwrap();
    kube.create(config_maps(), &owned("grandchild", &child))
        .await
        .unwrap();
    kube.create(config_maps(), &config_map("stranger", "1"))
        .await
        .unwrap();
    kube.delete(config_maps(), "owner").await.unwrap();
    let left = kube.list(config_maps()).await.unwrap();
    let names: Vec<&Value> = left.iter().map(|one| &one["metadata"]["name"]).collect();
    assert_eq!(names, ["stranger"]);
}

#[tokio::test]
async fn orphans_stay_and_rings_end() {
    let (_server, kube) = server().await;
    let owner = kube
        .create(config_maps(), &config_map("owner", "1"))
        .await
        .unwrap();
    kube.create(config_maps(), &owned("child", &owner)).await.unwrap();
    let orphan = json!({ "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan" });
    let path = "/api/v1/namespaces/default/configmaps/owner";
    kube.send(reqwest::Method::DELETE, path, Some(("application/json", &orphan)))
        .await
        .unwrap();
    let child = kube.get(config_maps(), "child").await.unwrap();
    let other = kube.create(config_maps(), &owned("other", &child)).await.unwrap();
    let ring =
        json!({ "metadata": { "ownerReferences": owned("child", &other)["metadata"]["ownerReferences"] } });
    kube.merge_patch(config_maps(), "child", &ring).await.unwrap();
    kube.delete(config_maps(), "child").await.unwrap();
    assert_eq!(kube.list(config_maps()).await.unwrap(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_namespace_goes_when_its_last_object_does() {
    let (_server, kube) = server().await;
    kube.create(NAMESPACES, &json!({ "metadata": { "name": "home" } }))
        .await
        .unwrap();
    let maps = CONFIG_MAPS.in_namespace("home");
    kube.create(&maps, &config_map("free", "1")).await.unwrap();
    let held = json!({ "metadata": { "name": "held", "finalizers": ["tiklb.io/row"] } });
    kube.create(&maps, &held).await.unwrap();
    let answer = kube.delete(NAMESPACES, "home").await.unwrap();
    assert_eq!(answer["status"]["phase"], "Terminating");
    assert_eq!(kube.find(&maps, "free").await.unwrap(), None);
    let held = kube.get(&maps, "held").await.unwrap();
    assert!(held["metadata"]["deletionTimestamp"].is_string(), "{held}");
    let refused = kube.create(&maps, &config_map("late", "1")).await.unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (Some(403), Some("Forbidden")));
    kube.merge_patch(&maps, "held", &json!({ "metadata": { "finalizers": [] } }))
        .await
        .unwrap();
    kube.wait_gone(NAMESPACES, "home", BOUND).await.unwrap();
}

#[tokio::test]
async fn a_definition_takes_its_objects_and_its_resource_along() {
    let (_server, kube) = server().await;
    let things = Resource::cluster_wide("example.com", "v1", "things", "Thing");
    assert_eq!(kube.list(&things).await.unwrap_err().code(), Some(404));
    let version = |name: &str, storage: bool| {
        let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        json!({ "name": name, "served": true, "storage": storage, "schema": { "openAPIV3Schema": schema } })
    };
    let spec = json!({
        "group": "example.com",
        "names": { "kind": "Thing", "plural": "things" },
        "scope": "Cluster",
        "versions": [version("v1", true), version("v1beta1", false)],
    });
    let definition = json!({ "metadata": { "name": "things.example.com" }, "spec": spec });
    kube.create(CUSTOM_RESOURCE_DEFINITIONS, &definition)
        .await
        .unwrap();
    kube.create(
        &things,
        &json!({ "metadata": { "name": "one" }, "spec": { "any": 1 } }),
    )
    .await
    .unwrap();
    let older = Resource {
        version: "v1beta1".into(),
        ..things.clone()
    };
    let seen = kube.get(&older, "one").await.unwrap();
    assert_eq!(
        (&seen["apiVersion"], &seen["spec"]["any"]),
        (&json!("example.com/v1beta1"), &json!(1))
    );
    let mut watch = kube.watch(&things, &[("resourceVersion", "1")]).await.unwrap();
    kube.delete(CUSTOM_RESOURCE_DEFINITIONS, "things.example.com")
        .await
        .unwrap();
    let kinds = [
        watch.next(BOUND).await.unwrap().unwrap().kind,
        watch.next(BOUND).await.unwrap().unwrap().kind,
    ];
    assert_eq!(kinds, ["ADDED", "DELETED"]);
    assert_eq!(kube.list(&things).await.unwrap_err().code(), Some(404));
}

/// What MetalLB leaves behind: a webhook that is gone between two versions.
#[tokio::test]
async fn versions_that_a_webhook_converts_are_out_of_reach_until_nothing_converts_them() {
    let (_server, kube) = server().await;
    let things = Resource::cluster_wide("example.com", "v1", "things", "Thing");
    let version = |name: &str, storage: bool| {
        let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        json!({ "name": name, "served": true, "storage": storage, "schema": { "openAPIV3Schema": schema } })
    };
    let service = json!({ "namespace": "default", "name": "gone", "path": "/convert" });
    let webhook = json!({ "clientConfig": { "service": service }, "conversionReviewVersions": ["v1"] });
    let definition = json!({ "metadata": { "name": "things.example.com" }, "spec": {
        "group": "example.com",
        "names": { "kind": "Thing", "plural": "things" },
        "scope": "Cluster",
        "versions": [version("v1", true), version("v1beta1", false)],
        "conversion": { "strategy": "Webhook", "webhook": webhook },
    } });
    kube.create(CUSTOM_RESOURCE_DEFINITIONS, &definition)
        .await
        .unwrap();
    kube.create(&things, &json!({ "metadata": { "name": "one" } }))
        .await
        .unwrap();
    assert_eq!(kube.list(&things).await.unwrap().len(), 1, "as it is stored");
    let older = Resource {
        version: "v1beta1".into(),
        ..things
    };
    let why = kube.list(&older).await.unwrap_err();
    assert!(
        why.code() == Some(500)
            && why
                .to_string()
                .contains("conversion webhook for example.com/v1beta1, Kind=Thing failed"),
        "{why}"
    );
    let name = "things.example.com";
    let half = json!({ "spec": { "conversion": { "strategy": "None" } } });
    let why = kube.merge_patch(CUSTOM_RESOURCE_DEFINITIONS, name, &half).await;
    let why = why.unwrap_err().to_string();
    assert!(why.contains("spec.conversion.webhook"), "{why}");
    let whole = json!({ "spec": { "conversion": { "strategy": "None", "webhook": null } } });
    kube.merge_patch(CUSTOM_RESOURCE_DEFINITIONS, name, &whole)
        .await
        .unwrap();
    assert_eq!(kube.list(&older).await.unwrap().len(), 1);
}

#[tokio::test]
async fn definitions_that_cannot_work_are_refused() {
    let (_server, kube) = server().await;
    let schema = json!({ "type": "object" });
    let version =
        json!({ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } });
    let good = json!({
        "metadata": { "name": "things.example.com" },
        "spec": {
            "group": "example.com",
            "names": { "kind": "Thing", "plural": "things" },
            "scope": "Cluster",
            "versions": [version],
        },
    });
    for (path, value, field) in [
        ("/metadata/name", json!("other.example.com"), "metadata.name"),
        ("/spec/scope", json!("Galaxy"), "spec.scope"),
        ("/spec/names/kind", json!(""), "spec.names.kind"),
        ("/spec/versions/0/storage", json!(false), "spec.versions"),
        ("/spec/versions/0/schema", json!({}), "schema.openAPIV3Schema"),
        (
            "/spec/versions/0/schema/openAPIV3Schema",
            json!({ "type": "object", "pattern": "(" }),
            "pattern",
        ),
    ] {
        let mut definition = good.clone();
        *definition.pointer_mut(path).unwrap() = value;
        let made = kube.create(CUSTOM_RESOURCE_DEFINITIONS, &definition).await;
        let why = made.expect_err(path).to_string();
        assert!(
            why.contains("422 Invalid") && why.contains(field),
            "{path}: {why}"
        );
    }
    let mut column = good.clone();
    column["spec"]["versions"][0]["additionalPrinterColumns"] =
        json!([{ "name": "All", "type": "string", "jsonPath": "..spec" }]);
    let why = kube
        .create(CUSTOM_RESOURCE_DEFINITIONS, &column)
        .await
        .unwrap_err()
        .to_string();
    assert!(why.contains("jsonPath"), "{why}");
}

#[tokio::test]
async fn of_writers_with_one_version_one_wins() {
    let (_server, kube) = server().await;
    let read = kube.create(config_maps(), &config_map("one", "0")).await.unwrap();
    let writes = (1..=8).map(|writer: u32| {
        let mut mine = read.clone();
        mine["data"]["value"] = json!(writer.to_string());
        let kube = kube.clone();
        async move { kube.replace(config_maps(), &mine).await }
    });
    let results = join_all(writes).await;
    let won: Vec<&Value> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(won.len(), 1);
    assert!(
        results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .all(|why| why.code() == Some(409))
    );
    assert_eq!(&kube.get(config_maps(), "one").await.unwrap(), won[0]);
}

#[tokio::test]
async fn node_ports_run_out_as_on_a_real_cluster() {
    let (_server, kube) = server().await;
    let services = SERVICES.in_namespace("default");
    let ports: Vec<Value> = (1..=2000)
        .map(|port: u32| json!({ "name": format!("p{port}"), "port": port }))
        .collect();
    let spec = json!({ "type": "LoadBalancer", "ports": ports });
    let service = |name: &str| json!({ "metadata": { "name": name }, "spec": spec });
    kube.create(&services, &service("first")).await.unwrap();
    let why = kube
        .create(&services, &service("second"))
        .await
        .unwrap_err()
        .to_string();
    assert!(why.contains("range is full"), "{why}");
    kube.delete(&services, "first").await.unwrap();
    kube.create(&services, &service("second")).await.unwrap();
}
