//! The status subresource: two sides of an object, written apart.

use anyhow::ensure;
use serde_json::json;

use super::{Ground, custom, names_field, refused, version};
use crate::kube::{Kube, SERVICES};

pub(super) async fn a_service_has_two_sides(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let services = SERVICES.in_namespace(&ground.name);
    let spec = json!({ "type": "LoadBalancer", "ports": [{ "port": 80 }] });
    let ingress = json!({ "loadBalancer": { "ingress": [{ "ip": "192.168.1.200" }] } });
    let made = kube
        .create(
            &services,
            &json!({ "metadata": { "name": "web" }, "spec": spec, "status": ingress }),
        )
        .await?;
    ensure!(
        made["status"] == json!({ "loadBalancer": {} }),
        "born with a status: {made}"
    );
    let patch = json!({ "metadata": { "annotations": { "a": "b" } }, "status": ingress });
    let written = kube.patch_status(&services, "web", &patch).await?;
    let wanted = json!({ "loadBalancer": { "ingress": [{ "ip": "192.168.1.200", "ipMode": "VIP" }] } });
    ensure!(
        written["status"] == wanted,
        "the status was not written, or without its default: {written}"
    );
    ensure!(
        written["metadata"]["annotations"]["a"] == "b",
        "core kinds take metadata along: {written}"
    );
    ensure!(written["spec"] == made["spec"], "the spec changed: {written}");
    let again = kube.patch_status(&services, "web", &patch).await?;
    ensure!(
        version(&again)? == version(&written)?,
        "the same status made a version: {again}"
    );
    let patch = json!({ "spec": { "sessionAffinity": "ClientIP" }, "status": { "loadBalancer": null } });
    let written = kube.merge_patch(&services, "web", &patch).await?;
    ensure!(
        written["status"] == wanted,
        "the main resource wrote the status: {written}"
    );
    ensure!(
        written["metadata"]["generation"].is_null(),
        "Services have no generation: {written}"
    );
    ground.clean(kube).await
}

pub(super) async fn a_service_status_is_checked(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let services = SERVICES.in_namespace(&ground.name);
    let spec = json!({ "type": "LoadBalancer", "ports": [{ "port": 80 }] });
    kube.create(&services, &json!({ "metadata": { "name": "web" }, "spec": spec }))
        .await?;
    let ingress = |ip: &str| json!({ "status": { "loadBalancer": { "ingress": [{ "ip": ip }] } } });
    let status = refused(
        kube.patch_status(&services, "web", &ingress("192.168.1.")).await,
        422,
        "Invalid",
    )?;
    names_field(&status, "status.loadBalancer.ingress[0].ip")?;
    kube.patch_status(&services, "web", &ingress("192.168.1.200"))
        .await?;
    let written = kube
        .merge_patch(&services, "web", &json!({ "spec": { "type": "ClusterIP" } }))
        .await?;
    ensure!(
        written["status"] == json!({ "loadBalancer": {} }),
        "the old type's status stayed: {written}"
    );
    let status = refused(
        kube.patch_status(&services, "web", &ingress("192.168.1.200"))
            .await,
        422,
        "Invalid",
    )?;
    names_field(&status, "status.loadBalancer.ingress")?;
    ground.clean(kube).await
}

pub(super) async fn a_custom_resource_has_two_sides(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let widgets = custom::define(kube, "sides").await?;
    let own = widgets.in_namespace(&ground.name);
    let object = json!({ "metadata": { "name": "one" }, "spec": { "size": 1 }, "status": { "ready": true } });
    let made = kube.create(&own, &object).await?;
    ensure!(
        made["status"].is_null() && made["metadata"]["generation"] == 1,
        "born otherwise: {made}"
    );
    let patch =
        json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "size": 5 }, "status": { "ready": true } });
    let written = kube.patch_status(&own, "one", &patch).await?;
    ensure!(
        written["status"]["ready"] == true,
        "the status was not written: {written}"
    );
    ensure!(
        written["spec"]["size"] == 1 && written["metadata"]["labels"].is_null(),
        "more was written: {written}"
    );
    ensure!(
        written["metadata"]["generation"] == 1,
        "a status is no new generation: {written}"
    );
    let patch = json!({ "spec": { "size": 5 }, "status": { "ready": false } });
    let written = kube.merge_patch(&own, "one", &patch).await?;
    ensure!(
        written["spec"]["size"] == 5 && written["status"]["ready"] == true,
        "written otherwise: {written}"
    );
    ensure!(
        written["metadata"]["generation"] == 2,
        "a new spec is a new generation: {written}"
    );
    let written = kube
        .merge_patch(&own, "one", &json!({ "metadata": { "labels": { "a": "b" } } }))
        .await?;
    ensure!(
        written["metadata"]["generation"] == 2,
        "metadata is no new generation: {written}"
    );
    custom::forget(kube, &widgets).await?;
    ground.clean(kube).await
}
