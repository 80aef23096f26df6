//! Creating, replacing, patching.

use anyhow::ensure;
use reqwest::Method;
use serde_json::json;

use super::{Ground, config_map, names_field, refused, text, version};
use crate::kube::{CONFIG_MAPS, Kube, NAMESPACES};

pub(super) async fn creation_fills_in_metadata(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let made = kube.create(ground.config_maps(), &config_map("one", "1")).await?;
    let metadata = &made["metadata"];
    ensure!(text(&metadata["uid"]).len() == 36, "no UID: {made}");
    ensure!(
        text(&metadata["creationTimestamp"]).ends_with('Z'),
        "no time of creation: {made}"
    );
    ensure!(
        metadata["namespace"] == json!(ground.name),
        "no namespace: {made}"
    );
    ensure!(
        metadata["generation"].is_null(),
        "a config map has no generation: {made}"
    );
    ensure!(
        made["kind"] == "ConfigMap" && made["apiVersion"] == "v1",
        "no type: {made}"
    );
    ensure!(version(&made)? > 0, "no version: {made}");
    let read = kube.get(ground.config_maps(), "one").await?;
    ensure!(
        read["metadata"]["uid"] == metadata["uid"] && read["data"] == made["data"],
        "another object: {read}"
    );
    let prefix = json!({ "metadata": { "generateName": "some-" } });
    let named = kube.create(ground.config_maps(), &prefix).await?;
    ensure!(
        text(&named["metadata"]["name"]).len() == "some-".len() + 5,
        "no generated name: {named}"
    );
    ground.clean(kube).await
}

pub(super) async fn creation_refuses_what_makes_no_sense(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    kube.create(ground.config_maps(), &config_map("one", "1")).await?;
    refused(
        kube.create(ground.config_maps(), &config_map("one", "2")).await,
        409,
        "AlreadyExists",
    )?;
    refused(kube.get(ground.config_maps(), "two").await, 404, "NotFound")?;
    let nowhere = CONFIG_MAPS.in_namespace("there-is-no-such-namespace");
    let status = refused(
        kube.create(nowhere, &config_map("one", "1")).await,
        404,
        "NotFound",
    )?;
    ensure!(
        status["details"]["kind"] == "namespaces",
        "it is not the namespace that is missed: {status}"
    );
    let nameless = json!({ "metadata": {}, "data": {} });
    let status = refused(kube.create(ground.config_maps(), &nameless).await, 422, "Invalid")?;
    names_field(&status, "metadata.name")?;
    let other_kind = json!({ "kind": "Secret", "metadata": { "name": "two" } });
    refused(
        kube.create(ground.config_maps(), &other_kind).await,
        400,
        "BadRequest",
    )?;
    let elsewhere = json!({ "metadata": { "name": "two", "namespace": "default" } });
    refused(
        kube.create(ground.config_maps(), &elsewhere).await,
        400,
        "BadRequest",
    )?;
    for metadata in [
        json!({ "name": "Capital" }),
        json!({ "name": "two", "labels": { "key": "no spaces" } }),
        json!({ "name": "two", "annotations": { "no spaces": "" } }),
        json!({ "name": "two", "finalizers": ["unqualified"] }),
    ] {
        refused(
            kube.create(ground.config_maps(), &json!({ "metadata": metadata }))
                .await,
            422,
            "Invalid",
        )?;
    }
    let numbers = json!({ "metadata": { "name": "two", "labels": { "key": 1 } } });
    refused(
        kube.create(ground.config_maps(), &numbers).await,
        400,
        "BadRequest",
    )?;
    ground.clean(kube).await
}

pub(super) async fn replacing_needs_the_present_version(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let first = kube.create(ground.config_maps(), &config_map("one", "1")).await?;
    let mut second = first.clone();
    second["data"] = json!({ "value": "2" });
    let second = kube.replace(ground.config_maps(), &second).await?;
    ensure!(
        version(&second)? > version(&first)?,
        "the version did not grow: {second}"
    );
    ensure!(
        second["metadata"]["uid"] == first["metadata"]["uid"],
        "another object: {second}"
    );
    refused(kube.replace(ground.config_maps(), &first).await, 409, "Conflict")?;
    let read = kube.get(ground.config_maps(), "one").await?;
    ensure!(read["data"]["value"] == "2", "the stale writer won: {read}");
    // Config maps may be replaced blindly.
    let blind = kube
        .replace(ground.config_maps(), &config_map("one", "3"))
        .await?;
    ensure!(
        blind["metadata"]["uid"] == first["metadata"]["uid"],
        "the UID was lost: {blind}"
    );
    refused(
        kube.replace(ground.config_maps(), &config_map("two", "1")).await,
        404,
        "NotFound",
    )?;
    ground.clean(kube).await
}

pub(super) async fn replacing_by_another_object_is_refused(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let first = kube.create(ground.config_maps(), &config_map("one", "1")).await?;
    let foreign = json!("00000000-0000-0000-0000-000000000000");
    let mut other = config_map("one", "2");
    other["metadata"]["uid"] = foreign.clone();
    refused(kube.replace(ground.config_maps(), &other).await, 409, "Conflict")?;
    // In a patch the UID is no precondition but a change that nobody can make.
    let patch = json!({ "metadata": { "uid": foreign }, "data": { "value": "2" } });
    let status = refused(
        kube.merge_patch(ground.config_maps(), "one", &patch).await,
        422,
        "Invalid",
    )?;
    names_field(&status, "metadata.uid")?;
    let path = ground.config_maps().object_path("one");
    let misnamed = json!({ "kind": "ConfigMap", "apiVersion": "v1", "metadata": { "name": "two" } });
    let put = kube
        .send(Method::PUT, &path, Some(("application/json", &misnamed)))
        .await;
    refused(put, 400, "BadRequest")?;
    let read = kube.get(ground.config_maps(), "one").await?;
    ensure!(
        version(&read)? == version(&first)?,
        "something was written: {read}"
    );
    ground.clean(kube).await
}

pub(super) async fn merge_patches_merge(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let maps = ground.config_maps();
    let first = kube
        .create(
            &maps,
            &json!({ "metadata": { "name": "one" }, "data": { "a": "1", "b": "2" } }),
        )
        .await?;
    let patch = json!({ "metadata": { "annotations": { "x": "y" } }, "data": { "a": null, "c": "3" } });
    let second = kube.merge_patch(&maps, "one", &patch).await?;
    ensure!(
        second["data"] == json!({ "b": "2", "c": "3" }),
        "merged otherwise: {second}"
    );
    ensure!(
        second["metadata"]["annotations"]["x"] == "y",
        "merged otherwise: {second}"
    );
    let mut guarded = json!({ "metadata": { "resourceVersion": first["metadata"]["resourceVersion"] } });
    guarded["data"] = json!({ "b": "4" });
    refused(kube.merge_patch(&maps, "one", &guarded).await, 409, "Conflict")?;
    guarded["metadata"]["resourceVersion"] = second["metadata"]["resourceVersion"].clone();
    let third = kube.merge_patch(&maps, "one", &guarded).await?;
    ensure!(
        third["data"]["b"] == "4",
        "the guarded patch was not applied: {third}"
    );
    refused(kube.merge_patch(&maps, "two", &guarded).await, 404, "NotFound")?;
    let media = kube
        .send(
            Method::PATCH,
            &maps.object_path("one"),
            Some(("application/foo", &guarded)),
        )
        .await;
    refused(media, 415, "UnsupportedMediaType")?;
    ground.clean(kube).await
}

pub(super) async fn writing_nothing_new_makes_no_version(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let first = kube.create(ground.config_maps(), &config_map("one", "1")).await?;
    let patched = kube
        .merge_patch(ground.config_maps(), "one", &json!({ "data": { "value": "1" } }))
        .await?;
    ensure!(
        version(&patched)? == version(&first)?,
        "a patch without a change made a version: {patched}"
    );
    let replaced = kube.replace(ground.config_maps(), &first).await?;
    ensure!(
        version(&replaced)? == version(&first)?,
        "a PUT without a change made a version: {replaced}"
    );
    ground.clean(kube).await
}

pub(super) async fn unknown_tokens_are_refused(kube: &Kube) -> anyhow::Result<()> {
    refused(
        kube.with_token("nobody-holds-this").list(NAMESPACES).await,
        401,
        "Unauthorized",
    )?;
    Ok(())
}
