//! What is read, against the embedded API server, and what is refused, against one that says so.

use http::{Request, Response};
use k8s_openapi::api::core::v1::{ConfigMap, Node};
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::api::{Decoded, IPAddressPool};
use crate::cluster::tests::{pool, world};

/// A server that answers everything with this.
fn says(code: u16, body: &Value) -> Inventory {
    let body = body.to_string();
    let service = tower::service_fn(move |_: Request<Body>| {
        let body = body.clone();
        async move {
            let answer = Response::builder().status(code);
            answer.body(Body::from(body.into_bytes()))
        }
    });
    Inventory::new(Client::new(service, "default"))
}

fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}

#[tokio::test]
async fn what_is_there_is_read_and_what_nobody_installed_is_told_apart() {
    let world = world().await;
    let inventory = Inventory::new(world.client.clone());
    assert!(inventory.version().await.is_ok());
    world.judge.apply(pool("lan", "192.168.1.0/24")).await.unwrap();
    let pools: Vec<Decoded<IPAddressPool>> = inventory.list(Scope::default()).await.unwrap();
    assert_eq!(pools.len(), 1);
    let elsewhere = Scope {
        namespace: Some("default"),
        ..Scope::default()
    };
    let pools: Vec<Decoded<IPAddressPool>> = inventory.list(elsewhere).await.unwrap();
    assert!(pools.is_empty());
    let peers = inventory.names("metallb.io", "v1beta2", "BGPPeer", "bgppeers");
    assert_eq!(peers.await, Err(Unread::Undefined));
    let proxy: Option<ConfigMap> = inventory.get("kube-system", "kube-proxy").await.unwrap();
    assert_eq!(proxy, None);
}

#[tokio::test]
async fn a_refusal_is_told_from_a_fault() {
    let forbidden = says(403, &status(403, "Forbidden", "nodes is forbidden"));
    let read: Read<Vec<Node>> = forbidden.list_all().await;
    assert_eq!(read, Err(Unread::Forbidden("nodes is forbidden".to_owned())));
    let broken = says(500, &status(500, "InternalError", "etcd is away"));
    let read: Read<Vec<Node>> = broken.list_all().await;
    assert!(
        matches!(&read, Err(Unread::Failed(why)) if why.contains("etcd is away")),
        "{read:?}"
    );
}

#[tokio::test]
async fn a_list_without_end_is_not_read_for_ever() {
    let page = json!({"kind": "NodeList", "apiVersion": "v1", "metadata": {"continue": "more"}, "items": [{"metadata": {"name": "a"}}]});
    let read: Read<Vec<Node>> = says(200, &page).list_all().await;
    assert_eq!(
        read,
        Err(Unread::Failed("there are more than 20 of them".to_owned()))
    );
}

#[tokio::test]
async fn whether_an_account_may_is_answered() {
    let review = |allowed: bool| {
        json!({"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": {},
            "status": {"allowed": allowed}})
    };
    let account = ObjectKey::new("metallb-system", "tiklb-allocator");
    let asked = says(201, &review(true))
        .may(&account, ResourceAttributes::default())
        .await;
    assert_eq!(asked, Ok(true));
    let asked = says(201, &review(false))
        .may(&account, ResourceAttributes::default())
        .await;
    assert_eq!(asked, Ok(false));
}
