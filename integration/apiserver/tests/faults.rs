//! Faults that a story asks for.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{BOUND, config_map, config_maps, server};
use crate::apiserver::{Matcher, Verb};
use crate::kube::{NAMESPACES, SERVICES};

#[tokio::test]
async fn failures_meet_those_meant_as_often_as_meant() {
    let (server, kube) = server().await;
    server.fail_next(Matcher::any().verb(Verb::Create).resource("configmaps"), 2, 503);
    kube.list(config_maps()).await.unwrap();
    for _ in 0..2 {
        let refused = kube
            .create(config_maps(), &config_map("one", "1"))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), refused.reason()),
            (Some(503), Some("ServiceUnavailable"))
        );
    }
    assert_eq!(
        kube.find(config_maps(), "one").await.unwrap(),
        None,
        "a failed write was kept"
    );
    kube.create(config_maps(), &config_map("one", "1")).await.unwrap();
}

#[tokio::test]
async fn failures_choose_by_user_subresource_and_name() {
    let (server, kube) = server().await;
    let services = SERVICES.in_namespace("default");
    let status = Matcher::any()
        .user("allocator")
        .resource("services")
        .subresource("status")
        .name("kubernetes");
    server.fail_next(status.namespace("default"), 1, 409);
    let allocator = kube.with_token(&server.token("allocator"));
    let patch = json!({ "status": { "loadBalancer": {} } });
    kube.patch_status(&services, "kubernetes", &patch).await.unwrap();
    allocator
        .merge_patch(&services, "kubernetes", &json!({}))
        .await
        .unwrap();
    let refused = allocator
        .patch_status(&services, "kubernetes", &patch)
        .await
        .unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (Some(409), Some("Conflict")));
    allocator
        .patch_status(&services, "kubernetes", &patch)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_watch_may_be_refused_as_expired() {
    let (server, kube) = server().await;
    server.fail_next(Matcher::any().verb(Verb::Watch), 1, 410);
    let refused = kube.watch(config_maps(), &[]).await.unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (Some(410), Some("Expired")));
    kube.watch(config_maps(), &[]).await.unwrap();
}

#[tokio::test]
async fn delays_hold_up_those_meant_until_they_are_taken_back() {
    let (server, kube) = server().await;
    let delay = Duration::from_millis(300);
    server.delay(Matcher::any().resource("namespaces"), delay);
    let began = Instant::now();
    kube.list(NAMESPACES).await.unwrap();
    assert!(began.elapsed() >= delay, "not held up");
    server.delay(Matcher::any().resource("configmaps"), BOUND);
    let waiting = tokio::time::timeout(delay, kube.list(config_maps())).await;
    assert!(waiting.is_err(), "the longer delay does not hold");
    server.clear_faults();
    tokio::time::timeout(BOUND / 2, kube.list(config_maps()))
        .await
        .unwrap()
        .unwrap();
}
