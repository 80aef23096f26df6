//! Both forms of discovery tell the same.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{aggregated, document, group, group_list, index, resource_list};
use crate::apiserver::resource::{Custom, Resource, Storage, built_in};

fn resources() -> Vec<Arc<Resource>> {
    let thing = |version: &str| Resource {
        group: "example.com".to_owned(),
        version: version.to_owned(),
        plural: "things".to_owned(),
        singular: "thing".to_owned(),
        kind: "Thing".to_owned(),
        short_names: vec!["th".to_owned()],
        categories: vec!["all".to_owned()],
        namespaced: true,
        has_status: true,
        custom: Some(Custom {
            schema: json!({ "type": "object" }),
            ..Custom::default()
        }),
        storage: Storage::of("example.com", "things"),
    };
    built_in()
        .chain(["v1beta1", "v1alpha1", "v1"].map(thing))
        .map(Arc::new)
        .collect()
}

fn named<'a>(list: &'a Value, field: &str, name: &str) -> &'a Value {
    let mut items = list.as_array().unwrap().iter();
    items
        .find(|item| item[field] == name)
        .unwrap_or_else(|| panic!("no {name} in {list}"))
}

#[test]
fn the_older_form() {
    let all = resources();
    let groups = group_list(&all);
    let things = named(&groups["groups"], "name", "example.com");
    let versions: Vec<&Value> = things["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["version"])
        .collect();
    assert_eq!(versions, ["v1", "v1beta1", "v1alpha1"], "the most stable first");
    assert_eq!(things["preferredVersion"]["groupVersion"], "example.com/v1");
    assert!(
        groups["groups"]
            .as_array()
            .unwrap()
            .iter()
            .all(|group| group["name"] != ""),
        "core is no group there"
    );
    assert_eq!(group(&all, "example.com").unwrap()["kind"], "APIGroup");
    assert_eq!(group(&all, ""), None);
    let list = resource_list(&all, "example.com", "v1").unwrap();
    assert_eq!(
        named(&list["resources"], "name", "things")["shortNames"],
        json!(["th"])
    );
    assert_eq!(
        named(&list["resources"], "name", "things/status")["verbs"],
        json!(["get", "patch", "update"])
    );
    assert_eq!(resource_list(&all, "example.com", "v2"), None);
}

#[test]
fn the_aggregated_form() {
    let all = resources();
    let core = aggregated(&all, true);
    assert_eq!(core["items"].as_array().unwrap().len(), 1);
    let services = named(
        &core["items"][0]["versions"][0]["resources"],
        "resource",
        "services",
    );
    assert_eq!(
        services["responseKind"],
        json!({ "group": "", "version": "v1", "kind": "Service" })
    );
    assert_eq!(services["subresources"][0]["subresource"], "status");
    let rest = aggregated(&all, false);
    let groups = rest["items"].as_array().unwrap();
    let things = groups
        .iter()
        .find(|group| group["metadata"]["name"] == "example.com")
        .unwrap();
    assert_eq!(things["versions"][0]["version"], "v1");
    let nodes = named(&core["items"][0]["versions"][0]["resources"], "resource", "nodes");
    assert_eq!(
        (&nodes["scope"], &services["scope"]),
        (&json!("Cluster"), &json!("Namespaced"))
    );
}

#[test]
fn the_schema_that_kubectl_looks_up() {
    let all = resources();
    let path = "apis/example.com/v1";
    assert_eq!(
        index(&all)["paths"][path]["serverRelativeURL"],
        format!("/openapi/v3/{path}")
    );
    let document = document(&all, path).unwrap();
    let patch = &document["paths"]["/apis/example.com/v1/namespaces/{namespace}/things/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Thing");
    assert_eq!(patch["parameters"][0]["name"], "fieldValidation");
    assert_eq!(
        document["components"]["schemas"]["com.example.v1.Thing"]["type"],
        "object"
    );
    assert_eq!(super::document(&all, "apis/nobody.com/v1"), None);
}
