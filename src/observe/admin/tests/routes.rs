//! Every route, with right and wrong methods.

use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE};

use super::*;

#[tokio::test]
async fn the_index_lists_what_there_is() {
    let house = house();
    let (status, body) = house.get("/").await;
    assert_eq!(status, StatusCode::OK);
    for path in [
        "/livez",
        "/healthz",
        "/readyz",
        "/metrics",
        "/debug/state",
        "/log-level",
    ] {
        assert!(body.lines().any(|line| line.starts_with(path)), "{path}: {body}");
        let (status, _) = house.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
    }
    let (status, body) = house.get("/livez?verbose").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "ok\n"));
}

#[tokio::test]
async fn ready_when_nothing_is_waited_for() {
    let house = house();
    let services = house.readiness.wait_for("the list of Services");
    let key = house.readiness.wait_for("the heartbeat key");
    let (status, body) = house.get("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        body,
        "waiting for the list of Services\nwaiting for the heartbeat key\n"
    );
    services.done();
    let (status, body) = house.get("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body, "waiting for the heartbeat key\n");
    key.done();
    assert_eq!(house.get("/readyz").await, (StatusCode::OK, "ok\n".to_owned()));
    drop(house.readiness.wait_for("something whose task has died"));
    assert_eq!(house.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    // A process that is not ready is alive.
    assert_eq!(house.get("/livez").await, (StatusCode::OK, "ok\n".to_owned()));
}

#[tokio::test]
async fn alive_while_the_loops_go_round() {
    let house = house();
    let _slow = house.liveness.pulse("the allocator", Duration::from_hours(1));
    let wire = house.liveness.pulse("the wire thread", Duration::ZERO);
    let silent = || async {
        loop {
            let (status, body) = house.get("/livez").await;
            if status != StatusCode::OK {
                return (status, body);
            }
        }
    };
    for path in ["/livez", "/healthz"] {
        let (status, body) = silent().await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.starts_with("the wire thread has stood still for "), "{body}");
        assert_eq!(body.lines().count(), 1, "{path}: {body}");
    }
    wire.touch();
    assert_eq!(house.get("/readyz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn metrics_are_openmetrics() {
    let house = house();
    let (status, headers, body) = house.ask(Method::GET, "/metrics", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        headers[CONTENT_TYPE],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(body.contains("\ntiklb_build_info{version="), "{body}");
    assert!(body.ends_with("# EOF\n"), "{body}");
}

#[tokio::test]
async fn the_state_is_json() {
    let house = house();
    let (status, headers, body) = house.ask(Method::GET, "/debug/state", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[CONTENT_TYPE], "application/json");
    let state: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(state["services"]["default/web"][0], "192.0.2.1");
}

#[tokio::test]
async fn a_head_is_an_answer_without_its_body() {
    let house = house();
    for path in ["/", "/livez", "/readyz", "/debug/state", "/log-level"] {
        let (status, headers, body) = house.ask(Method::HEAD, path, "").await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, ""), "{path}");
        let length: usize = headers[CONTENT_LENGTH].to_str().unwrap().parse().unwrap();
        assert_eq!(length, house.get(path).await.1.len(), "{path}");
    }
    assert_eq!(house.ask(Method::HEAD, "/metrics", "").await.0, StatusCode::OK);
    assert_eq!(
        house.ask(Method::HEAD, "/nothing", "").await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_with_words() {
    let house = house();
    for path in ["/nothing", "/livez/", "/debug", "//", "/METRICS"] {
        let (status, body) = house.get(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(body.contains("/metrics"), "{body}");
    }
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::PATCH,
    ] {
        let (status, headers, body) = house.ask(method, "/metrics", "").await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(headers[ALLOW], "GET, HEAD");
        assert_eq!(body, "only GET, HEAD are answered here\n");
    }
    let (status, headers, body) = house.ask(Method::POST, "/log-level", "debug").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(headers[ALLOW], "GET, HEAD, PUT");
    assert_eq!(body, "only GET, HEAD, PUT are answered here\n");
    assert_eq!(house.log.level(), "info");
}

#[tokio::test]
async fn the_log_level_can_be_changed() {
    let house = house();
    assert_eq!(
        house.get("/log-level").await,
        (StatusCode::OK, "info\n".to_owned())
    );
    for (level, shown) in [
        ("debug", "debug\n"),
        (" info,tiklb::cluster=debug\n", "info,tiklb::cluster=debug\n"),
    ] {
        let (status, _, body) = house.ask(Method::PUT, "/log-level", level).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, shown));
        assert_eq!(house.get("/log-level").await.1, shown);
    }
    for (level, status, words) in [
        (
            "loud",
            StatusCode::BAD_REQUEST,
            "neither a level nor target=level",
        ),
        ("", StatusCode::BAD_REQUEST, "it is empty"),
        (
            &"x".repeat(2_000),
            StatusCode::PAYLOAD_TOO_LARGE,
            "at most 1024 bytes",
        ),
    ] {
        let (answered, _, body) = house.ask(Method::PUT, "/log-level", level).await;
        assert_eq!(answered, status, "{level}: {body}");
        assert!(body.contains(words), "{level}: {body}");
    }
    assert_eq!(house.log.level(), "info,tiklb::cluster=debug");
}

#[tokio::test]
async fn the_log_level_is_changed_from_this_host_alone() {
    let (sources, _dispatch) = sources();
    for (peer, status) in [
        ("192.168.1.50:40000", StatusCode::FORBIDDEN),
        ("[2001:db8::50]:40000", StatusCode::FORBIDDEN),
        ("[::ffff:192.168.1.50]:40000", StatusCode::FORBIDDEN),
        ("127.0.0.1:40000", StatusCode::OK),
        ("[::1]:40000", StatusCode::OK),
        ("[::ffff:127.0.0.1]:40000", StatusCode::OK),
    ] {
        sources.log.set_level("info").unwrap();
        let request = Request::put("/log-level")
            .body(Full::new(Bytes::from("debug")))
            .unwrap();
        let answer = answer::answer(&sources, peer.parse().unwrap(), request).await;
        assert_eq!(answer.status(), status, "{peer}");
        let changed = sources.log.level() == "debug";
        assert_eq!(changed, status == StatusCode::OK, "{peer}");
        let request = Request::get("/log-level").body(Full::new(Bytes::new())).unwrap();
        let read = answer::answer(&sources, peer.parse().unwrap(), request).await;
        assert_eq!(read.status(), StatusCode::OK, "{peer}");
    }
}
