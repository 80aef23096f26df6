//! MetalLB's kinds for BGP, which tiklb does not read: whether they are defined here is all that is asked.
//!
//! Looked for by discovery, which every account may use, and seldom: nothing but a word to a person hangs on it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{Stream, stream};
use kube::Client;

use super::client::Chain;
use crate::api::METALLB_GROUP;

/// The kinds.
const KINDS: [&str; 5] = [
    "BFDProfile",
    "BGPAdvertisement",
    "BGPPeer",
    "Community",
    "ServiceBGPStatus",
];

/// Between two looks. Definitions come and go with an installation.
const EVERY: Duration = Duration::from_mins(10);
/// After a look that failed: an API server that starts answers by then.
const AGAIN: Duration = Duration::from_mins(1);
/// For one look, of a handful of small requests.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What is defined of them, at once and whenever it was looked for again.
pub(super) fn presence(client: Client) -> impl Stream<Item = BTreeSet<String>> + Send {
    stream::unfold((client, None), |(client, mut pause)| async move {
        loop {
            if let Some(pause) = pause.take() {
                tokio::time::sleep(pause).await;
            }
            match tokio::time::timeout(TIMEOUT, look(&client)).await {
                Ok(Ok(kinds)) => return Some((kinds, (client, Some(EVERY)))),
                Ok(Err(error)) => tracing::debug!(
                    "asking which kinds of {METALLB_GROUP} are defined: {}",
                    Chain(&error)
                ),
                Err(_) => tracing::debug!(
                    "asking which kinds of {METALLB_GROUP} are defined: no answer in {TIMEOUT:?}"
                ),
            }
            pause = Some(AGAIN);
        }
    })
}

async fn look(client: &Client) -> Result<BTreeSet<String>, kube::Error> {
    let groups = client.list_api_groups().await?.groups;
    let versions = groups.into_iter().filter(|group| group.name == METALLB_GROUP);
    let mut kinds = BTreeSet::new();
    for version in versions.flat_map(|group| group.versions) {
        let resources = client
            .list_api_group_resources(&version.group_version)
            .await?
            .resources;
        let found = resources.into_iter().map(|resource| resource.kind);
        kinds.extend(found.filter(|kind| KINDS.contains(&kind.as_str())));
    }
    Ok(kinds)
}

/// What a person should know of these kinds; nothing where there are none.
pub fn sentence(kinds: &BTreeSet<String>) -> Option<String> {
    let names: Vec<&str> = kinds.iter().map(String::as_str).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{}: defined in this cluster and not read, as tiklb announces by layer 2 alone: their objects have no effect. \
             Where nothing else uses them, delete the CustomResourceDefinitions",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests;
