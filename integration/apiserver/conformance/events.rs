//! Events in both groups.

use anyhow::ensure;
use serde_json::{Value, json};

use super::{Ground, names_field, refused};
use crate::kube::{EVENTS, EVENTS_V1, Kube};

/// An event as tiklb writes it.
fn event(namespace: &str, name: &str) -> Value {
    json!({
        "metadata": { "name": name },
        "regarding": { "apiVersion": "v1", "kind": "Service", "namespace": namespace, "name": "web" },
        "reason": "IPAllocated",
        "note": "assigned 192.168.1.200",
        "type": "Normal",
        "action": "Allocate",
        "eventTime": "2026-01-02T03:04:05.678901Z",
        "reportingController": "tiklb.io/allocator",
        "reportingInstance": "tiklb-0",
    })
}

pub(super) async fn events_have_two_faces(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let (old, new) = (
        EVENTS.in_namespace(&ground.name),
        EVENTS_V1.in_namespace(&ground.name),
    );
    kube.create(&new, &event(&ground.name, "one")).await?;
    let core = kube.get(&old, "one").await?;
    for (field, wanted) in [
        ("message", json!("assigned 192.168.1.200")),
        ("reason", json!("IPAllocated")),
        ("reportingComponent", json!("tiklb.io/allocator")),
        ("reportingInstance", json!("tiklb-0")),
        ("eventTime", json!("2026-01-02T03:04:05.678901Z")),
        ("firstTimestamp", Value::Null),
        ("source", json!({})),
    ] {
        ensure!(core[field] == wanted, "the core face has another {field}: {core}");
    }
    ensure!(
        core["involvedObject"]["name"] == "web",
        "about another object: {core}"
    );
    let about = json!({ "kind": "Service", "namespace": ground.name, "name": "db" });
    let plain = json!({
        "metadata": { "name": "two" },
        "involvedObject": about,
        "reason": "Old",
        "message": "note",
        "source": { "component": "kubelet", "host": "node-1" },
    });
    kube.create(&old, &plain).await?;
    let shown = kube.get(&new, "two").await?;
    ensure!(
        shown["note"] == "note" && shown["regarding"]["name"] == "db",
        "another new face: {shown}"
    );
    ensure!(
        shown["deprecatedSource"]["component"] == "kubelet",
        "another new face: {shown}"
    );
    let found = kube.events(&ground.name, "web").await?;
    ensure!(
        found.len() == 1 && found[0]["metadata"]["name"] == "one",
        "selected {found:?}"
    );
    let query = [("fieldSelector", "regarding.name=db,regarding.kind=Service")];
    let found = kube.list_where(&new, &query).await?;
    ensure!(
        found["items"].as_array().is_some_and(|items| items.len() == 1),
        "selected {found}"
    );
    for (collection, foreign) in [(&new, "involvedObject.name=db"), (&old, "regarding.name=db")] {
        let list = kube.list_where(collection, &[("fieldSelector", foreign)]).await;
        refused(list, 400, "BadRequest")?;
    }
    ground.clean(kube).await
}

pub(super) async fn events_are_checked(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let events = EVENTS_V1.in_namespace(&ground.name);
    for (field, value) in [
        ("eventTime", Value::Null),
        ("type", json!("Error")),
        ("action", json!("")),
        ("reason", json!("")),
        ("reportingInstance", json!("")),
        ("reportingInstance", json!("x".repeat(129))),
    ] {
        let mut event = event(&ground.name, "one");
        event[field] = value;
        let status = refused(kube.create(&events, &event).await, 422, "Invalid")?;
        names_field(&status, field)?;
    }
    let mut long = event(&ground.name, "one");
    long["note"] = json!("x".repeat(1025));
    let status = refused(kube.create(&events, &long).await, 422, "Invalid")?;
    // The refusal speaks of the stored form.
    names_field(&status, "message")?;
    ground.clean(kube).await
}

pub(super) async fn a_series_is_all_that_changes(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let events = EVENTS_V1.in_namespace(&ground.name);
    kube.create(&events, &event(&ground.name, "one")).await?;
    let seen = "2026-01-02T03:05:05.000000Z";
    let series = |count: u32| json!({ "series": { "count": count, "lastObservedTime": seen } });
    let patched = kube.merge_patch(&events, "one", &series(2)).await?;
    ensure!(
        patched["series"]["count"] == 2,
        "the series was not written: {patched}"
    );
    let status = refused(kube.merge_patch(&events, "one", &series(1)).await, 422, "Invalid")?;
    names_field(&status, "series.count")?;
    let note = json!({ "note": "another" });
    let status = refused(kube.merge_patch(&events, "one", &note).await, 422, "Invalid")?;
    names_field(&status, "message")?;
    ground.clean(kube).await
}
