//! The room against an API server: the lab's embedded one, over HTTPS. Waiting is for a condition, with a bound.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use futures::{Stream, StreamExt};
use lab::apiserver::{ApiServer, Config};
use lab::kube::Kube;
use serde_json::{Value, json};
use tiklb_core::model::ObjectKey;

use super::Client;

/// Longer than anything here takes on a busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(20);
/// What these tests call their client's user, to tell its requests from the judge's.
pub(crate) const USER: &str = "allocator";

pub(crate) struct World {
    pub(crate) server: ApiServer,
    pub(crate) judge: Kube,
    pub(crate) client: Client,
}

/// An API server with the CRDs and the namespace, and a client of it.
pub(crate) async fn world() -> World {
    let server = ApiServer::start("127.0.0.1:0".parse().unwrap(), Config::default())
        .await
        .unwrap();
    let judge = Kube::new(server.admin()).unwrap();
    let crds = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/crds");
    for file in std::fs::read_dir(crds).unwrap() {
        judge.apply_file(&file.unwrap().path()).await.unwrap();
    }
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "metallb-system"}});
    judge.create(lab::kube::NAMESPACES, &namespace).await.unwrap();
    let client = client(&server).await;
    World {
        server,
        judge,
        client,
    }
}

/// A client of that server through a kubeconfig file, as a process has it.
pub(crate) async fn client(server: &ApiServer) -> Client {
    let file = std::env::temp_dir().join(format!("tiklb-{}-{}", std::process::id(), uuid::Uuid::new_v4()));
    std::fs::write(&file, server.kubeconfig(USER)).unwrap();
    let client = super::client::connect(Some(&file)).await.unwrap();
    std::fs::remove_file(file).unwrap();
    client
}

pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey::new("metallb-system", name)
}

pub(crate) fn pool(name: &str, addresses: &str) -> Value {
    json!({
        "apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool",
        "metadata": {"name": name, "namespace": "metallb-system"},
        "spec": {"addresses": [addresses]},
    })
}

/// The next item, which must come.
pub(crate) async fn next<T>(stream: &mut (impl Stream<Item = T> + Unpin)) -> T {
    within(stream.next()).await.unwrap()
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, future).await.unwrap()
}

/// The client's own writes so far, as `verb resource name`.
pub(crate) fn writes(server: &ApiServer) -> Vec<String> {
    let all = server.writes();
    let own = all.iter().filter(|request| request.user == USER);
    own.map(|request| {
        let subresource = if request.subresource.is_empty() {
            String::new()
        } else {
            format!("/{}", request.subresource)
        };
        format!(
            "{:?} {}{subresource} {}",
            request.verb, request.resource, request.name
        )
        .to_lowercase()
    })
    .collect()
}
