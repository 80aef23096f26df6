//! What a story may do to watches.

use serde_json::{Value, json};

use super::{BOUND, config_map, config_maps, server, server_with};
use crate::apiserver::Config;
use crate::kube::{Event, Kube, Watch};

fn version(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().unwrap()
}

async fn watch_from(kube: &Kube, version: &str) -> Watch {
    kube.watch(config_maps(), &[("resourceVersion", version)])
        .await
        .unwrap()
}

fn assert_expired(event: &Event) {
    let status = (&event.object["code"], &event.object["reason"]);
    assert_eq!(
        (event.kind.as_str(), status),
        ("ERROR", (&json!(410), &json!("Expired"))),
        "{event:?}"
    );
}

#[tokio::test]
async fn compaction_ends_watches_and_expires_versions() {
    let (server, kube) = server().await;
    let first = kube.create(config_maps(), &config_map("one", "1")).await.unwrap();
    kube.create(config_maps(), &config_map("one-more", "1"))
        .await
        .unwrap();
    let pages = kube.list_where(config_maps(), &[("limit", "1")]).await.unwrap();
    let token = pages["metadata"]["continue"].as_str().unwrap().to_owned();
    let mut running = watch_from(&kube, pages["metadata"]["resourceVersion"].as_str().unwrap()).await;
    let second = kube.create(config_maps(), &config_map("two", "2")).await.unwrap();
    assert_eq!(
        running.next(BOUND).await.unwrap().unwrap().object["metadata"]["name"],
        "two"
    );
    server.compact();
    assert_expired(&running.next(BOUND).await.unwrap().unwrap());
    assert_eq!(
        running.next(BOUND).await.unwrap(),
        None,
        "the watch goes on after its error"
    );

    assert_expired(
        &watch_from(&kube, version(&first))
            .await
            .next(BOUND)
            .await
            .unwrap()
            .unwrap(),
    );
    let exact = [
        ("resourceVersion", version(&first)),
        ("resourceVersionMatch", "Exact"),
    ];
    let refused = kube.list_where(config_maps(), &exact).await.unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (Some(410), Some("Expired")));
    let refused = kube
        .list_where(config_maps(), &[("limit", "1"), ("continue", &token)])
        .await
        .unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (Some(410), Some("Expired")));

    let mut fresh = watch_from(&kube, version(&second)).await;
    kube.delete(config_maps(), "one").await.unwrap();
    assert_eq!(fresh.next(BOUND).await.unwrap().unwrap().kind, "DELETED");
}

#[tokio::test]
async fn closed_watches_end_in_good_order_and_resume() {
    let (server, kube) = server().await;
    let first = kube.create(config_maps(), &config_map("one", "1")).await.unwrap();
    let mut watch = watch_from(&kube, version(&first)).await;
    server.close_watches();
    assert_eq!(watch.next(BOUND).await.unwrap(), None);
    kube.create(config_maps(), &config_map("two", "2")).await.unwrap();
    let event = watch_from(&kube, version(&first))
        .await
        .next(BOUND)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (event.kind.as_str(), &event.object["metadata"]["name"]),
        ("ADDED", &json!("two"))
    );
}

#[tokio::test]
async fn who_reads_too_slowly_expires() {
    let (_server, kube) = server_with(Config {
        history: 4,
        ..Config::default()
    })
    .await;
    let first = kube
        .create(config_maps(), &config_map("first", "1"))
        .await
        .unwrap();
    let mut slow = watch_from(&kube, version(&first)).await;
    // More than the sockets hold between two ends of the loopback, so that the server has to wait for the reader.
    let large = "x".repeat(2 << 20);
    for name in 0..16 {
        kube.create(config_maps(), &config_map(&format!("large-{name}"), &large))
            .await
            .unwrap();
    }
    let mut seen = 0;
    let last = loop {
        let event = slow
            .next(BOUND)
            .await
            .unwrap()
            .expect("the watch ended without a word");
        if event.kind == "ERROR" {
            break event;
        }
        seen += 1;
    };
    assert_expired(&last);
    assert!(seen < 16, "it read everything");
    assert_eq!(slow.next(BOUND).await.unwrap(), None);
}

#[tokio::test]
async fn quiet_watches_get_bookmarks_only_when_they_ask() {
    let every = std::time::Duration::from_millis(100);
    let (_server, kube) = server_with(Config {
        bookmark_every: every,
        ..Config::default()
    })
    .await;
    let asked = [
        ("allowWatchBookmarks", "true"),
        ("fieldSelector", "metadata.name=none"),
    ];
    let mut watch = kube.watch(config_maps(), &asked).await.unwrap();
    for _ in 0..2 {
        assert_eq!(watch.next(BOUND).await.unwrap().unwrap().kind, "BOOKMARK");
    }
    let silent = [("timeoutSeconds", "1"), ("fieldSelector", "metadata.name=none")];
    let mut watch = kube.watch(config_maps(), &silent).await.unwrap();
    assert_eq!(
        watch.next(BOUND).await.unwrap(),
        None,
        "a bookmark that nobody asked for"
    );
}
