//! Watches.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::{BOUND, Ground, config_map, refused, text, version};
use crate::kube::{Event, Kube, Watch};

/// How long a watch of these checks asks to last. A real server sends the last bookmark two seconds before the end.
const SHORT: &str = "5";

async fn next(watch: &mut Watch) -> anyhow::Result<Event> {
    watch.next(BOUND).await?.context("the watch ended")
}

/// The next event must be of this kind, about this object.
async fn expect(watch: &mut Watch, kind: &str, name: &str) -> anyhow::Result<Event> {
    let event = next(watch).await?;
    let found = text(&event.object["metadata"]["name"]);
    ensure!(
        event.kind == kind && found == name,
        "not {kind} {name} but {event:?}"
    );
    Ok(event)
}

pub(super) async fn changes_come_in_order(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let maps = ground.config_maps();
    let list = kube.list_where(&maps, &[]).await?;
    let since = text(&list["metadata"]["resourceVersion"]);
    // The first change comes before the watch, the others after its beginning.
    let made = kube.create(&maps, &config_map("one", "1")).await?;
    let mut watch = kube.watch(&maps, &[("resourceVersion", since)]).await?;
    let added = expect(&mut watch, "ADDED", "one").await?;
    ensure!(added.object == made, "another object: {added:?}, not {made}");
    let patched = kube
        .merge_patch(&maps, "one", &json!({ "data": { "value": "2" } }))
        .await?;
    ensure!(
        expect(&mut watch, "MODIFIED", "one").await?.object == patched,
        "another object than {patched}"
    );
    kube.delete(&maps, "one").await?;
    let deleted = expect(&mut watch, "DELETED", "one").await?;
    ensure!(
        deleted.object["data"]["value"] == "2",
        "not the last form: {deleted:?}"
    );
    ensure!(
        version(&deleted.object)? > version(&patched)?,
        "the deletion has no version: {deleted:?}"
    );
    ground.clean(kube).await
}

pub(super) async fn a_watch_without_a_version_begins_with_what_is_there(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let maps = ground.config_maps();
    kube.create(&maps, &config_map("one", "1")).await?;
    let only = ("fieldSelector", "metadata.name=one");
    for query in [vec![only], vec![only, ("resourceVersion", "0")]] {
        let mut watch = kube.watch(&maps, &query).await?;
        expect(&mut watch, "ADDED", "one").await?;
    }
    ground.clean(kube).await
}

pub(super) async fn initial_events_end_with_a_bookmark(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let maps = ground.config_maps();
    kube.create(&maps, &config_map("one", "1")).await?;
    let query = [
        ("fieldSelector", "metadata.name=one"),
        ("sendInitialEvents", "true"),
        ("resourceVersionMatch", "NotOlderThan"),
        ("allowWatchBookmarks", "true"),
    ];
    let mut watch = kube.watch(&maps, &query).await?;
    expect(&mut watch, "ADDED", "one").await?;
    let mark = next(&mut watch).await?;
    let ended = &mark.object["metadata"]["annotations"]["k8s.io/initial-events-end"];
    ensure!(
        mark.kind == "BOOKMARK" && ended == "true",
        "no end of the initial events: {mark:?}"
    );
    ground.clean(kube).await
}

pub(super) async fn bookmarks_come_and_watches_end_in_time(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let maps = ground.config_maps();
    let list = kube.list_where(&maps, &[]).await?;
    let since = text(&list["metadata"]["resourceVersion"]);
    let query = [
        ("resourceVersion", since),
        ("allowWatchBookmarks", "true"),
        ("timeoutSeconds", SHORT),
    ];
    let mut watch = kube.watch(&maps, &query).await?;
    // A real server sends bookmarks only once something of the kind has changed since the watch began. This watch does
    // not see what it is, and so learns the version by the bookmark alone.
    let other = Ground::new(kube).await?;
    let unseen = kube.create(other.config_maps(), &config_map("one", "1")).await?;
    let mut last = None;
    while let Some(event) = watch.next(BOUND).await? {
        let namespace = &event.object["metadata"]["namespace"];
        ensure!(
            event.kind == "BOOKMARK" || *namespace == json!(ground.name),
            "a stranger: {event:?}"
        );
        last = Some(event).filter(|event| event.kind == "BOOKMARK").or(last);
    }
    let last = last.context("no bookmark came before the end")?;
    ensure!(
        last.object["kind"] == "ConfigMap" && last.object["data"].is_null(),
        "no bookmark: {last:?}"
    );
    ensure!(
        version(&last.object)? >= version(&unseen)?,
        "the bookmark stayed behind: {last:?}"
    );
    other.clean(kube).await?;
    ground.clean(kube).await
}

pub(super) async fn what_leaves_a_selection_is_deleted(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let maps = ground.config_maps();
    let mut watch = kube.watch(&maps, &[("labelSelector", "seen=yes")]).await?;
    kube.create(&maps, &config_map("one", "1")).await?;
    let label = |value: &str| json!({ "metadata": { "labels": { "seen": value } } });
    kube.merge_patch(&maps, "one", &label("yes")).await?;
    expect(&mut watch, "ADDED", "one").await?;
    let left = kube.merge_patch(&maps, "one", &label("no")).await?;
    let event = expect(&mut watch, "DELETED", "one").await?;
    ensure!(
        event.object["metadata"]["labels"]["seen"] == "yes",
        "not the last form that was seen: {event:?}"
    );
    ensure!(
        version(&event.object)? == version(&left)?,
        "not the version of the change: {event:?}"
    );
    ground.clean(kube).await
}

/// See the module's words on versions that have expired.
pub(super) async fn an_ancient_version_is_answered_or_expired(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let maps = ground.config_maps();
    kube.create(&maps, &config_map("one", "1")).await?;
    let exact = [("resourceVersion", "1"), ("resourceVersionMatch", "Exact")];
    if let Err(why) = kube.list_where(&maps, &exact).await {
        refused::<()>(Err(why), 410, "Expired")?;
    }
    // A watch is accepted in either case; that its version has expired is its first and only event.
    let only = ("fieldSelector", "metadata.name=one");
    let mut watch = kube.watch(&maps, &[("resourceVersion", "1"), only]).await?;
    let event = next(&mut watch).await?;
    if event.kind == "ERROR" {
        let status = &event.object;
        ensure!(
            status["code"] == 410 && status["reason"] == "Expired",
            "another error: {event:?}"
        );
        ensure!(
            watch.next(BOUND).await?.is_none(),
            "the watch went on after its error"
        );
    } else {
        ensure!(event.kind == "ADDED", "not the first change: {event:?}");
    }
    ground.clean(kube).await
}

pub(super) async fn a_future_version_is_refused(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let maps = ground.config_maps();
    let future = [("resourceVersion", "999999999999")];
    let status = refused(kube.list_where(&maps, &future).await, 504, "Timeout")?;
    let cause = &status["details"]["causes"][0]["reason"];
    ensure!(cause == "ResourceVersionTooLarge", "another cause: {status}");
    // A watch from there waits, and is silent.
    let query = [("resourceVersion", "999999999999"), ("timeoutSeconds", "1")];
    let mut watch = kube.watch(&maps, &query).await?;
    let event = watch.next(Duration::from_secs(10)).await?;
    ensure!(event.is_none(), "an event from the future: {event:?}");
    ground.clean(kube).await
}
