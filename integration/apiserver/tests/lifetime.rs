//! Starting, stopping, starting again.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::{BOUND, config_map, config_maps, server};
use crate::apiserver::{ApiServer, Config};
use crate::kube::{Access, Error, Kube, NAMESPACES, SERVICES};

#[tokio::test]
async fn stopping_cuts_everything_and_forgets_nothing() {
    let (server, kube) = server().await;
    let made = kube.create(config_maps(), &config_map("one", "1")).await.unwrap();
    let version = made["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = kube
        .watch(config_maps(), &[("resourceVersion", version)])
        .await
        .unwrap();
    server.stop().await;
    assert!(
        matches!(watch.next(BOUND).await, Err(Error::Unreachable { .. })),
        "the watch was not cut"
    );
    assert!(
        matches!(kube.list(config_maps()).await, Err(Error::Unreachable { .. })),
        "the listener is open"
    );

    server.start_again().await.unwrap();
    assert_eq!(
        kube.get(config_maps(), "one").await.unwrap(),
        made,
        "after the pause it is another object"
    );
    let mut watch = kube
        .watch(config_maps(), &[("resourceVersion", version)])
        .await
        .unwrap();
    kube.create(config_maps(), &config_map("two", "2")).await.unwrap();
    let event = watch.next(BOUND).await.unwrap().unwrap();
    assert_eq!(
        event.object["metadata"]["name"], "two",
        "the watch did not go on where it was"
    );
    assert_eq!(
        server
            .requests()
            .iter()
            .filter(|request| request.name == "one")
            .count(),
        2,
        "the journal was lost"
    );
}

#[tokio::test]
async fn the_last_handle_stops_the_server() {
    let (server, kube) = server().await;
    let second = server.clone();
    drop(server);
    kube.list(NAMESPACES).await.unwrap();
    let mut watch = kube.watch(config_maps(), &[]).await.unwrap();
    drop(second);
    assert!(
        matches!(watch.next(BOUND).await, Err(Error::Unreachable { .. })),
        "it runs on without a handle"
    );
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let why = ApiServer::start(address, Config::default()).await.unwrap_err();
    assert!(why.to_string().contains(&address.to_string()), "{why:#}");
}

#[tokio::test]
async fn the_socket_is_opened_by_whom_it_was_given_to() {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = opened.clone();
    let bind = Arc::new(move |address| {
        count.fetch_add(1, Ordering::SeqCst);
        TcpListener::bind::<std::net::SocketAddr>(address)
    });
    let config = Config {
        advertise: Some("localhost".to_owned()),
        ..Config::default()
    };
    let server = ApiServer::start_with("127.0.0.1:0".parse().unwrap(), config, bind)
        .await
        .unwrap();
    assert_eq!(
        server.url(),
        format!("https://localhost:{}", server.address().port())
    );
    let kube = Kube::new(server.admin()).unwrap();
    kube.list(NAMESPACES).await.unwrap();
    server.stop().await;
    server.start_again().await.unwrap();
    kube.list(NAMESPACES).await.unwrap();
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_kubeconfig_says_all_that_a_client_needs() {
    let (server, _) = server().await;
    let read: Value = serde_saphyr::from_str(&server.kubeconfig("speaker-\"1\"")).unwrap();
    let (cluster, user) = (&read["clusters"][0]["cluster"], &read["users"][0]);
    assert_eq!(cluster["server"], server.url());
    assert_eq!(user["name"], "speaker-\"1\"");
    let ca = cluster["certificate-authority-data"].as_str().unwrap();
    let ca = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, ca).unwrap();
    let token = user["user"]["token"].as_str().unwrap().to_owned();
    let access = Access {
        url: server.url(),
        ca_pem: String::from_utf8(ca).unwrap(),
        token: token.clone(),
    };
    assert!(!format!("{access:?}").contains(&token), "the token shows");
    Kube::new(access).unwrap().list(NAMESPACES).await.unwrap();
    assert_eq!(server.requests().last().unwrap().user, "speaker-\"1\"");
    assert_eq!(
        server.token("speaker-\"1\""),
        token,
        "the same user has another token"
    );
    assert_ne!(server.token("speaker-2"), token, "two users have one token");
}

#[tokio::test]
async fn a_stranger_with_the_wrong_authority_is_not_believed() {
    let (server, _) = server().await;
    let (other, _) = super::server().await;
    let access = Access {
        ca_pem: other.ca_pem(),
        ..server.admin()
    };
    let refused = Kube::new(access).unwrap().list(NAMESPACES).await.unwrap_err();
    assert!(refused.to_string().contains("certificate"), "{refused}");
}

#[tokio::test]
async fn a_fresh_cluster_is_furnished() {
    let (_server, kube) = server().await;
    let namespaces = kube.list(NAMESPACES).await.unwrap();
    let names: Vec<&str> = namespaces
        .iter()
        .map(|one| one["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["default", "kube-node-lease", "kube-public", "kube-system"]
    );
    let service = kube
        .get(SERVICES.in_namespace("default"), "kubernetes")
        .await
        .unwrap();
    assert_eq!(service["spec"]["clusterIP"], "10.43.0.1");
}
