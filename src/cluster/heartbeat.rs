//! The Secret with the speakers' heartbeat key: made where it is absent, never changed.

use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, PostParams};
use kube::{Client, Error};
use tiklb_core::allocator::Change;

use super::client::Chain;
use super::object::secret::SecretObject;
use crate::api::label;

/// The Secret's name.
pub const SECRET: &str = "tiklb-heartbeat";
/// The key in it.
pub const KEY: &str = "key";

/// Bytes of a new key: as long as the digest that it signs with.
const LENGTH: usize = 32;
/// Between two attempts.
const AGAIN: Duration = Duration::from_secs(5);

/// Makes the Secret whenever its watch says that it is absent. Of several replicas that try, one succeeds.
pub async fn keep(changes: impl Stream<Item = Change<SecretObject>>, client: Client, namespace: String) {
    let api: Api<Secret> = Api::namespaced(client, &namespace);
    let mut changes = std::pin::pin!(changes);
    while let Some(change) = changes.next().await {
        let absent = match change {
            Change::Listed(secrets) => secrets.is_empty(),
            Change::Applied(_) => false,
            Change::Deleted(_) => true,
        };
        if !absent {
            continue;
        }
        loop {
            match make(&api, &namespace).await {
                Ok(()) => {
                    tracing::info!(secret = %format!("{namespace}/{SECRET}"), "made the speakers' heartbeat key");
                    break;
                }
                Err(Error::Api(status)) if status.is_already_exists() => break,
                Err(error) => {
                    tracing::warn!(
                        "making the Secret {namespace}/{SECRET}, without which no speaker starts: {}; trying again",
                        Chain(&error)
                    );
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}

async fn make(api: &Api<Secret>, namespace: &str) -> Result<(), Error> {
    let key: [u8; LENGTH] = rand::random();
    let labels = [(label::APP_NAME.to_owned(), label::APP_NAME_VALUE.to_owned())];
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(SECRET.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some(labels.into()),
            ..ObjectMeta::default()
        },
        data: Some([(KEY.to_owned(), ByteString(key.to_vec()))].into()),
        ..Secret::default()
    };
    api.create(&PostParams::default(), &secret).await.map(drop)
}
