//! Deletion.

use anyhow::ensure;
use serde_json::json;

use super::{BOUND, Ground, config_map, names_field, refused, text};
use crate::kube::Kube;

pub(super) async fn deletion_waits_for_finalizers(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let maps = ground.config_maps();
    let object = json!({ "metadata": { "name": "held", "finalizers": ["tiklb.io/a", "tiklb.io/b"] } });
    let made = kube.create(&maps, &object).await?;
    let since = text(&made["metadata"]["resourceVersion"]);
    let mut watch = kube.watch(&maps, &[("resourceVersion", since)]).await?;
    let marked = kube.delete(&maps, "held").await?;
    ensure!(
        marked["kind"] == "ConfigMap",
        "the marked object is not answered: {marked}"
    );
    ensure!(
        marked["metadata"]["deletionTimestamp"].is_string(),
        "not marked: {marked}"
    );
    ensure!(
        marked["metadata"]["deletionGracePeriodSeconds"] == 0,
        "not marked: {marked}"
    );
    let more = json!({ "metadata": { "finalizers": ["tiklb.io/a", "tiklb.io/c"] } });
    let status = refused(kube.merge_patch(&maps, "held", &more).await, 422, "Invalid")?;
    names_field(&status, "metadata.finalizers")?;
    let revived = json!({ "metadata": { "deletionTimestamp": null, "finalizers": ["tiklb.io/b"] } });
    let revived = kube.merge_patch(&maps, "held", &revived).await?;
    ensure!(
        revived["metadata"]["deletionTimestamp"].is_string(),
        "back from the dead: {revived}"
    );
    let last = kube
        .merge_patch(&maps, "held", &json!({ "metadata": { "finalizers": null } }))
        .await?;
    ensure!(last["metadata"]["finalizers"].is_null(), "another answer: {last}");
    refused(kube.get(&maps, "held").await, 404, "NotFound")?;
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "DELETED") {
        let Some(event) = watch.next(BOUND).await? else {
            break;
        };
        kinds.push(event.kind);
    }
    ensure!(
        kinds == ["MODIFIED", "MODIFIED", "DELETED"],
        "other events: {kinds:?}"
    );
    kube.create(&maps, &config_map("held", "1")).await?;
    ground.clean(kube).await
}

pub(super) async fn deletion_has_preconditions(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let maps = ground.config_maps();
    let made = kube.create(&maps, &config_map("one", "1")).await?;
    let foreign = json!({ "uid": "00000000-0000-0000-0000-000000000000" });
    refused(kube.delete_if(&maps, "one", &foreign).await, 409, "Conflict")?;
    kube.merge_patch(&maps, "one", &json!({ "data": { "value": "2" } }))
        .await?;
    let stale = json!({ "resourceVersion": made["metadata"]["resourceVersion"] });
    refused(kube.delete_if(&maps, "one", &stale).await, 409, "Conflict")?;
    let gone = kube
        .delete_if(&maps, "one", &json!({ "uid": made["metadata"]["uid"] }))
        .await?;
    ensure!(
        gone["kind"] == "Status" && gone["status"] == "Success",
        "another answer: {gone}"
    );
    ensure!(
        gone["details"]["uid"] == made["metadata"]["uid"],
        "another object: {gone}"
    );
    refused(kube.delete(&maps, "one").await, 404, "NotFound")?;
    ground.clean(kube).await
}
