//! Who we are in this cluster.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Api, Client, ResourceExt};
use tiklb_core::model::Uid;

use super::client::Chain;

/// Between two attempts to learn something without which nothing can begin.
const AGAIN: Duration = Duration::from_secs(2);

/// The UID of the kube-system namespace: the cluster's own name, which no other cluster has. Waits until it is known.
pub async fn cluster_uid(client: &Client) -> Uid {
    let api: Api<Namespace> = Api::all(client.clone());
    let mut said = false;
    loop {
        match api.get("kube-system").await {
            Ok(namespace) => return Uid(namespace.uid().unwrap_or_default()),
            Err(error) if !said => {
                said = true;
                tracing::warn!(
                    "reading the namespace kube-system, whose UID marks this cluster's rows on the router: {}; trying again",
                    Chain(&error)
                );
            }
            Err(_) => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The reference that makes our Pod the owner of what it writes, so that it goes with the Pod. `None` where there is
/// no such Pod: a process that a person started.
pub async fn owner(client: &Client, namespace: &str, pod: &str) -> Option<OwnerReference> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    loop {
        match api.get_opt(pod).await {
            Ok(Some(pod)) => {
                return Some(OwnerReference {
                    api_version: "v1".to_owned(),
                    kind: "Pod".to_owned(),
                    name: pod.name_any(),
                    uid: pod.uid().unwrap_or_default(),
                    ..OwnerReference::default()
                });
            }
            Ok(None) => return None,
            Err(kube::Error::Api(status)) if status.is_forbidden() => return None,
            Err(error) => tracing::debug!("reading our own Pod {namespace}/{pod}: {}", Chain(&error)),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Both of the above.
pub async fn learn(client: &Client, namespace: &str, pod: &str) -> (Uid, Option<OwnerReference>) {
    tokio::join!(cluster_uid(client), owner(client, namespace, pod))
}
