//! Custom resources.

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::{BOUND, Ground, names_field, refused, text};
use crate::kube::{CUSTOM_RESOURCE_DEFINITIONS, Kube, Resource};

/// Group of the kinds that the checks define.
pub(super) const GROUP: &str = "conformance.tiklb.io";

/// The schema that the checks work on.
fn schema() -> Value {
    let condition = json!({
        "type": "object",
        "required": ["type", "status"],
        "properties": { "type": { "type": "string" }, "status": { "type": "string" } },
    });
    let conditions = json!({
        "type": "array",
        "items": condition,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    });
    let spec = json!({
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": { "type": "integer", "minimum": 1, "maximum": 9 },
            "mode": { "type": "string", "enum": ["Enforce", "DryRun"], "default": "Enforce" },
            "name": { "type": "string", "pattern": "^[a-z]+$", "maxLength": 5 },
            "tags": { "type": "array", "minItems": 1, "maxItems": 2, "items": { "type": "string" } },
            "nested": { "type": "object", "properties": { "on": { "type": "boolean", "default": true } } },
            "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            "port": { "x-kubernetes-int-or-string": true },
            "nothing": { "type": "string", "nullable": true },
        },
    });
    let status = json!({
        "type": "object",
        "properties": { "ready": { "type": "boolean" }, "conditions": conditions },
    });
    json!({ "type": "object", "required": ["spec"], "properties": { "spec": spec, "status": status } })
}

/// Defines a kind of the check's own and waits until it is served.
pub(super) async fn define(kube: &Kube, name: &str) -> anyhow::Result<Resource> {
    define_with(kube, name, schema()).await
}

pub(super) async fn define_with(kube: &Kube, name: &str, schema: Value) -> anyhow::Result<Resource> {
    let suffix = uuid::Uuid::new_v4().simple().to_string();
    let plural = format!("{name}{}", &suffix[..8]);
    let kind = format!("Widget{}", &suffix[..8]);
    let columns = json!([
        { "name": "Size", "type": "integer", "jsonPath": ".spec.size" },
        { "name": "Tags", "type": "string", "jsonPath": ".spec.tags" },
        { "name": "First", "type": "string", "jsonPath": ".spec.tags[*]" },
        { "name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status" },
        { "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "priority": 1 },
    ]);
    let version = json!({
        "name": "v1",
        "served": true,
        "storage": true,
        "subresources": { "status": {} },
        "additionalPrinterColumns": columns,
        "schema": { "openAPIV3Schema": schema },
    });
    let definition = json!({
        "metadata": { "name": format!("{plural}.{GROUP}") },
        "spec": {
            "group": GROUP,
            "names": { "kind": kind, "plural": plural },
            "scope": "Namespaced",
            "versions": [version],
        },
    });
    let made = kube
        .create(CUSTOM_RESOURCE_DEFINITIONS, &definition)
        .await
        .context("defining a kind")?;
    let name = text(&made["metadata"]["name"]).to_owned();
    let established = |definition: &Value| {
        let conditions = definition["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten();
        conditions
            .into_iter()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
    };
    kube.wait_for(
        CUSTOM_RESOURCE_DEFINITIONS,
        &name,
        BOUND,
        "the kind to be established",
        established,
    )
    .await?;
    let resource = Resource {
        group: GROUP.into(),
        version: "v1".into(),
        plural: plural.into(),
        kind: kind.into(),
        namespaced: true,
    };
    kube.wait_served(&resource, BOUND).await?;
    Ok(resource)
}

/// Removes a kind that a check defined.
pub(super) async fn forget(kube: &Kube, resource: &Resource) -> anyhow::Result<()> {
    let name = format!("{}.{}", resource.plural, resource.group);
    kube.delete(CUSTOM_RESOURCE_DEFINITIONS, &name)
        .await
        .context("removing the check's kind")?;
    Ok(())
}

pub(super) async fn definitions_make_resources(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let widgets = define(kube, "made").await?;
    let name = format!("{}.{GROUP}", widgets.plural);
    let definition = kube.get(CUSTOM_RESOURCE_DEFINITIONS, &name).await?;
    let kind = &widgets.kind;
    let names = json!({
        "kind": kind,
        "listKind": format!("{kind}List"),
        "plural": widgets.plural,
        "singular": kind.to_lowercase(),
    });
    ensure!(
        definition["status"]["acceptedNames"] == names,
        "other names: {definition}"
    );
    ensure!(
        definition["status"]["storedVersions"] == json!(["v1"]),
        "other versions: {definition}"
    );
    let object = json!({
        "metadata": { "name": "one" },
        "spec": { "size": 3, "tags": ["a", "b"] },
    });
    kube.create(widgets.in_namespace(&ground.name), &object).await?;
    let list = kube.list_where(&widgets, &[]).await?;
    ensure!(
        list["kind"] == json!(format!("{kind}List")),
        "another list: {list}"
    );
    ensure!(
        list["items"][0]["kind"] == json!(kind),
        "items of custom lists say their kind: {list}"
    );
    let ready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
    kube.patch_status(widgets.in_namespace(&ground.name), "one", &ready)
        .await?;
    let table = kube.table(&widgets).await?;
    let cells = &table["rows"][0]["cells"].as_array().cloned().unwrap_or_default()[..5];
    let wanted = [
        json!("one"),
        json!(3),
        json!("[\"a\",\"b\"]"),
        json!("a"),
        json!("True"),
    ];
    ensure!(cells == wanted, "other cells: {cells:?}");
    forget(kube, &widgets).await?;
    kube.wait_gone(CUSTOM_RESOURCE_DEFINITIONS, &name, BOUND).await?;
    ground.clean(kube).await
}

pub(super) async fn values_are_defaulted_and_pruned(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let widgets = define(kube, "defaulted").await?;
    let own = widgets.in_namespace(&ground.name);
    let spec = json!({
        "size": 1,
        "mode": null,
        "name": null,
        "nothing": null,
        "nested": { "unknown": 1 },
        "free": { "unknown": 1 },
        "unknown": 1,
    });
    let made = kube
        .create(
            &own,
            &json!({ "metadata": { "name": "one" }, "spec": spec, "unknown": 1 }),
        )
        .await?;
    let wanted = json!({
        "size": 1,
        "mode": "Enforce",
        "nothing": null,
        "nested": { "on": true },
        "free": { "unknown": 1 },
    });
    ensure!(
        made["spec"] == wanted && made["unknown"].is_null(),
        "stored otherwise: {made}"
    );
    forget(kube, &widgets).await?;
    ground.clean(kube).await
}

pub(super) async fn values_are_checked(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let widgets = define(kube, "checked").await?;
    let own = widgets.in_namespace(&ground.name);
    for (field, spec) in [
        ("spec.size", json!({})),
        ("spec.size", json!({ "size": "1" })),
        ("spec.size", json!({ "size": 0 })),
        ("spec.size", json!({ "size": 10 })),
        ("spec.mode", json!({ "size": 1, "mode": "Pause" })),
        ("spec.name", json!({ "size": 1, "name": "Abc" })),
        ("spec.name", json!({ "size": 1, "name": "abcdef" })),
        ("spec.tags", json!({ "size": 1, "tags": [] })),
        ("spec.tags", json!({ "size": 1, "tags": ["a", "b", "c"] })),
        ("spec.tags[0]", json!({ "size": 1, "tags": [1] })),
        ("spec.nested", json!({ "size": 1, "nested": [] })),
        ("spec.port", json!({ "size": 1, "port": 1.5 })),
    ] {
        let made = kube
            .create(&own, &json!({ "metadata": { "name": "one" }, "spec": spec }))
            .await;
        names_field(&refused(made, 422, "Invalid")?, field).with_context(|| spec.to_string())?;
    }
    let bare = kube.create(&own, &json!({ "metadata": { "name": "one" } })).await;
    names_field(&refused(bare, 422, "Invalid")?, "spec")?;
    kube.create(
        &own,
        &json!({ "metadata": { "name": "one" }, "spec": { "size": 1, "port": "http" } }),
    )
    .await?;
    let ready = json!({ "type": "Ready", "status": "True" });
    let twice = json!({ "status": { "conditions": [ready, ready] } });
    let status = refused(kube.patch_status(&own, "one", &twice).await, 422, "Invalid")?;
    names_field(&status, "status.conditions[1]")?;
    let patch = json!({ "spec": { "size": 10 } });
    refused(kube.merge_patch(&own, "one", &patch).await, 422, "Invalid")?;
    forget(kube, &widgets).await?;
    ground.clean(kube).await
}

pub(super) async fn unknown_fields_are_refused_when_asked(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let widgets = define(kube, "strict").await?;
    let own = widgets.in_namespace(&ground.name);
    let path = format!("{}?fieldValidation=Strict", own.path());
    let mut object = json!({
        "apiVersion": widgets.api_version(),
        "kind": widgets.kind,
        "metadata": { "name": "one" },
        "spec": { "size": 1, "sice": 2 },
    });
    let made = kube
        .send(Method::POST, &path, Some(("application/json", &object)))
        .await;
    let status = refused(made, 400, "BadRequest")?;
    let message = text(&status["message"]);
    ensure!(
        message.contains("unknown field \"spec.sice\""),
        "the field is not named: {message}"
    );
    object["spec"] = json!({ "size": 1, "free": { "sice": 2 } });
    kube.send(Method::POST, &path, Some(("application/json", &object)))
        .await?;
    forget(kube, &widgets).await?;
    ground.clean(kube).await
}

pub(super) async fn updates_need_a_version(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let widgets = define(kube, "blind").await?;
    let own = widgets.in_namespace(&ground.name);
    let mut object = json!({ "metadata": { "name": "one" }, "spec": { "size": 1 } });
    let made = kube.create(&own, &object).await?;
    let status = refused(kube.replace(&own, &object).await, 422, "Invalid")?;
    names_field(&status, "metadata.resourceVersion")?;
    object["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"].clone();
    object["spec"]["size"] = json!(2);
    kube.replace(&own, &object).await?;
    refused(kube.replace(&own, &object).await, 409, "Conflict")?;
    forget(kube, &widgets).await?;
    ground.clean(kube).await
}
