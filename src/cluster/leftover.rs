//! MetalLB's kinds that tiklb does not read, for BGP and of before 0.14: whether they are defined here is all that is asked.
//!
//! Looked for by discovery, which every account may use, and seldom: nothing but a word to a person hangs on it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{Stream, stream};
use kube::Client;

use super::client::Chain;
use crate::api::METALLB_GROUP;

/// For BGP.
const BGP: [&str; 5] = [
    "BFDProfile",
    "BGPAdvertisement",
    "BGPPeer",
    "Community",
    "ServiceBGPStatus",
];
/// What MetalLB 0.13 had beside IPAddressPools.
const ADDRESS_POOL: &str = "AddressPool";

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
        kinds.extend(found.filter(|kind| kind == ADDRESS_POOL || BGP.contains(&kind.as_str())));
    }
    Ok(kinds)
}

/// What a person should know of these kinds; nothing where there are none.
pub fn sentences(kinds: &BTreeSet<String>) -> Vec<String> {
    let names: Vec<&str> = kinds.iter().map(String::as_str).collect();
    let bgp: Vec<&str> = names.iter().copied().filter(|name| BGP.contains(name)).collect();
    let mut sentences = Vec::new();
    if !bgp.is_empty() {
        sentences.push(format!(
            "{}: defined in this cluster and not read, as tiklb announces by layer 2 alone: their objects have no effect. \
             Where nothing else uses them, delete the CustomResourceDefinitions",
            bgp.join(", ")
        ));
    }
    if names.contains(&ADDRESS_POOL) {
        sentences.push(format!(
            "{ADDRESS_POOL}: defined in this cluster and not read: addresses that stand in no IPAddressPool are given to no \
             Service. Write its objects as IPAddressPools, then delete the CustomResourceDefinition addresspools.{METALLB_GROUP}"
        ));
    }
    sentences
}

#[cfg(test)]
mod tests;
