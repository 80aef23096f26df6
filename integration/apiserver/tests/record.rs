//! What the server remembers of those who asked.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{BOUND, config_map, config_maps, server};
use crate::apiserver::{Matcher, Verb};
use crate::kube::{NAMESPACES, Resource, SECRETS};

#[tokio::test]
async fn requests_are_written_down_in_order() {
    let (server, kube) = server().await;
    kube.create(config_maps(), &config_map("one", "1")).await.unwrap();
    kube.create(config_maps(), &config_map("one", "1"))
        .await
        .unwrap_err();
    kube.merge_patch(config_maps(), "one", &json!({ "data": { "value": "1" } }))
        .await
        .unwrap();
    kube.merge_patch(config_maps(), "one", &json!({ "data": { "value": "2" } }))
        .await
        .unwrap();
    kube.list_where(config_maps(), &[("labelSelector", "a=b")])
        .await
        .unwrap();
    kube.delete(config_maps(), "one").await.unwrap();
    kube.with_token("x").list(NAMESPACES).await.unwrap_err();

    let requests = server.requests();
    let lines: Vec<_> = requests
        .iter()
        .map(|one| (one.number, one.verb, one.name.as_str(), one.code))
        .collect();
    let wanted = [
        (1, Verb::Create, "one", 201),
        (2, Verb::Create, "", 409),
        (3, Verb::Patch, "one", 200),
        (4, Verb::Patch, "one", 200),
        (5, Verb::List, "", 200),
        (6, Verb::Delete, "one", 200),
        (7, Verb::List, "", 401),
    ];
    assert_eq!(lines, wanted);
    assert!(
        requests
            .iter()
            .take(6)
            .all(|one| one.user == "admin" && one.resource == "configmaps")
    );
    assert!(requests.iter().take(6).all(|one| one.namespace == "default"));
    assert_eq!(
        requests[4].path,
        "/api/v1/namespaces/default/configmaps?labelSelector=a%3Db"
    );
    assert_eq!(
        (requests[6].user.as_str(), requests[6].resource.as_str()),
        ("", "namespaces")
    );

    let writes = server.writes();
    let made: Vec<_> = writes.iter().map(|write| write.version.is_some()).collect();
    assert_eq!(
        made,
        [true, false, true, true],
        "which write made a version: {writes:?}"
    );
    assert!(writes[0].version < writes[2].version && writes[2].version < writes[3].version);
    assert_eq!(server.dropped(), 0);
}

#[tokio::test]
async fn bodies_of_writes_are_kept_and_those_of_secrets_are_not() {
    let (server, kube) = server().await;
    let patch = json!({ "data": { "value": "2" } });
    kube.create(config_maps(), &config_map("one", "1")).await.unwrap();
    kube.merge_patch(config_maps(), "one", &patch).await.unwrap();
    kube.delete(config_maps(), "one").await.unwrap();
    let long = "x".repeat(17 << 10);
    kube.create(config_maps(), &config_map("long", &long))
        .await
        .unwrap();
    let secret = json!({ "metadata": { "name": "key" }, "stringData": { "key": "hush" } });
    kube.create(SECRETS.in_namespace("default"), &secret)
        .await
        .unwrap();

    let writes = server.writes();
    let bodies: Vec<&str> = writes.iter().map(|write| write.body.as_str()).collect();
    assert!(bodies[0].contains(r#""name":"one""#), "{bodies:?}");
    assert_eq!(serde_json::from_str::<Value>(bodies[1]).unwrap(), patch);
    assert_eq!(bodies[2..], ["", "", ""]);
    let now = server.began().elapsed();
    assert!(writes.iter().all(|write| write.at <= now));
}

#[tokio::test]
async fn a_request_can_be_waited_for() {
    let (server, kube) = server().await;
    kube.list(NAMESPACES).await.unwrap();
    let first = server
        .wait_for_request(0, Matcher::any().resource("namespaces"), BOUND)
        .await
        .unwrap();
    let next = server.wait_for_request(first.number, Matcher::any().resource("namespaces"), BOUND);
    let (next, _) = tokio::join!(next, async { kube.list(NAMESPACES).await.unwrap() });
    assert_eq!(next.unwrap().number, first.number + 1);
    let brief = Duration::from_millis(50);
    let none = server
        .wait_for_request(0, Matcher::any().resource("nodes"), brief)
        .await
        .unwrap_err();
    assert!(none.to_string().contains("nodes"), "{none}");
}

#[tokio::test]
async fn what_is_not_spoken_is_refused_and_remembered() {
    let (server, kube) = server().await;
    kube.create(config_maps(), &config_map("one", "1")).await.unwrap();
    let path = "/api/v1/namespaces/default/configmaps/one";
    let patch = json!([{ "op": "remove", "path": "/data" }]);
    let stateful = Resource::namespaced("apps", "v1", "statefulsets", "StatefulSet");
    let daemons = Resource::namespaced("apps", "v1", "daemonsets", "DaemonSet");
    let daemon = json!({ "metadata": { "name": "one" } });
    let calls = [
        kube.send(Method::PATCH, path, Some(("application/json-patch+json", &patch)))
            .await,
        kube.send(
            Method::PATCH,
            path,
            Some(("application/apply-patch+yaml", &json!({}))),
        )
        .await,
        kube.send(Method::DELETE, "/api/v1/namespaces/default/configmaps", None)
            .await,
        kube.send(Method::DELETE, &format!("{path}?dryRun=All"), None)
            .await,
        kube.send(
            Method::DELETE,
            path,
            Some(("application/json", &json!({ "dryRun": ["All"] }))),
        )
        .await,
        kube.send(Method::GET, &format!("{path}?watch=1"), None).await,
        kube.send(Method::GET, "/api/v1/namespaces/default/pods/one/log", None)
            .await,
        kube.send(
            Method::POST,
            "/api/v1/namespaces/default/pods/one/eviction",
            Some(("", &json!({}))),
        )
        .await,
        kube.send(Method::GET, "/logs", None).await,
        kube.list(&stateful).await.map(Into::into),
        kube.create(daemons.in_namespace("default"), &daemon).await,
    ];
    let codes: Vec<_> = calls
        .iter()
        .map(|call| call.as_ref().err().and_then(crate::kube::Error::code))
        .collect();
    assert_eq!(codes, [Some(501); 11]);
    assert_eq!(server.unsupported().len(), 11, "{:?}", server.unsupported());
    assert!(
        kube.find(config_maps(), "one").await.unwrap().is_some(),
        "a dry run deleted it"
    );
}

#[tokio::test]
async fn what_a_real_server_would_refuse_too_is_no_gap() {
    let (server, kube) = server().await;
    let nobodys = Resource::namespaced("nobody.example.com", "v1", "things", "Thing");
    let path = "/api/v1/namespaces/default/configmaps/one";
    let calls = [
        (kube.list(&nobodys).await.map(Into::into), 404),
        (kube.send(Method::POST, path, Some(("", &json!({})))).await, 405),
        (
            kube.send(Method::PATCH, "/api/v1/namespaces/default/configmaps", None)
                .await,
            405,
        ),
        (
            kube.send(
                Method::POST,
                "/api/v1/configmaps",
                Some(("", &config_map("one", "1"))),
            )
            .await,
            405,
        ),
        (kube.send(Method::GET, "/api/v1/configmaps/one", None).await, 404),
        (
            kube.send(Method::GET, "/api/v1/namespaces/default/nodes", None)
                .await,
            404,
        ),
        (
            kube.send(Method::GET, "/apis/nobody.example.com", None).await,
            404,
        ),
        (kube.send(Method::GET, "/openapi/v2", None).await, 404),
    ];
    for (index, (call, code)) in calls.iter().enumerate() {
        assert_eq!(
            call.as_ref().err().and_then(crate::kube::Error::code),
            Some(*code),
            "call {index}"
        );
    }
    assert_eq!(server.unsupported(), Vec::<String>::new());
}

#[tokio::test]
async fn oversized_bodies_are_refused() {
    let (_server, kube) = server().await;
    let huge = config_map("one", &"x".repeat(3 << 20));
    let refused = kube.create(config_maps(), &huge).await.unwrap_err();
    assert_eq!(refused.code(), Some(413), "{refused}");
}

#[tokio::test]
async fn discovery_knows_both_of_its_forms() {
    let (server, kube) = server().await;
    for path in [
        "/version",
        "/api",
        "/apis",
        "/api/v1",
        "/apis/events.k8s.io",
        "/openapi/v3",
        "/openapi/v3/api/v1",
    ] {
        kube.send(Method::GET, path, None).await.unwrap();
    }
    let services = kube.send(Method::GET, "/api/v1", None).await.unwrap();
    let row = services["resources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "services")
        .unwrap();
    assert_eq!(
        (&row["kind"], &row["shortNames"][0]),
        (&json!("Service"), &json!("svc"))
    );
    assert_eq!(server.unsupported(), Vec::<String>::new());
}
