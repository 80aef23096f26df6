//! What is wrong is said where a person looks, and takes nothing else down: also not over a restart of everything.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use serde_json::json;

use super::scene::{APPS, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::NAMESPACE;
use crate::home::kind::IP_ADDRESS_POOLS;
use crate::kube::SERVICES;

/// Without a router nobody knows of the phone before the speakers' first survey has met it, and these stories ask for
/// the first free address within seconds: they stand without a phone.
pub(super) fn stories() -> Vec<Story> {
    stories![configuration:
        a_garbage_range with |plan| plan.without_phone(),
        an_inverted_range with |plan| plan.without_phone(),
        overlapping_pools with |plan| plan.without_phone(),
        an_address_outside_of_every_pool with |plan| plan.without_phone(),
        two_services_that_ask_for_one_address with |plan| plan.without_phone(),
        an_annotation_that_cannot_be_read with |plan| plan.without_phone(),
        a_pool_that_is_spoilt_afterwards with |plan| plan.without_phone(),
    ]
}

/// What worked before the fault.
const GOOD: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

async fn something_that_works(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.advertise().await?;
    scene.settle("good", GOOD).await?;
    scene.no_problem().await
}

/// It goes on working, and what is new and right is served, now and after a restart of everything.
async fn everything_else_works(scene: &mut Scene) -> Outcome {
    scene.serves(GOOD).await?;
    scene.create_service("new", &[]).await?;
    scene.announced("new", SOON).await?;
    scene.restart_everything().await?;
    scene.serves(GOOD).await?;
    scene.create_service("newer", &[]).await?;
    scene.announced("newer", SOON).await?;
    Ok(())
}

/// A pool that no API server with our definitions takes; where rules are not run (or of an earlier version), the
/// allocator says it.
async fn a_bad_pool(scene: &mut Scene, addresses: &str, words: &str) -> Outcome {
    something_that_works(scene).await?;
    if let Err(refused) = scene.create_pool("bad", &[addresses]).await {
        let names_the_field = refused.to_string().contains("spec.addresses");
        ensure!(refused.code() == Some(422) && names_the_field, "{refused}");
    } else {
        let said = scene.event(NAMESPACE, "bad", "InvalidConfiguration").await?;
        ensure!(said.contains(words), "{said}");
        scene.problem(words).await?;
    }
    everything_else_works(scene).await
}

async fn a_garbage_range(scene: &mut Scene) -> Outcome {
    a_bad_pool(scene, "192.168.1.2O0-22O", "192.168.1.2O0-22O").await
}

async fn an_inverted_range(scene: &mut Scene) -> Outcome {
    a_bad_pool(
        scene,
        "192.168.1.239-192.168.1.230",
        "192.168.1.239-192.168.1.230",
    )
    .await
}

async fn overlapping_pools(scene: &mut Scene) -> Outcome {
    something_that_works(scene).await?;
    scene
        .create_pool("younger", &["192.168.1.215-192.168.1.230"])
        .await?;
    let said = scene.event(NAMESPACE, "younger", "InvalidConfiguration").await?;
    ensure!(said.contains("homelab-pool"), "{said}");
    scene.problem("younger").await?;
    // Neither does the younger one serve, nor does the older one lose anything.
    let younger = Ipv4Addr::new(192, 168, 1, 225);
    scene.ask("from-the-younger", younger).await?;
    scene.event(APPS, "from-the-younger", "AllocationFailed").await?;
    everything_else_works(scene).await?;
    scene.has_none("from-the-younger").await?;
    // The fix that the words name.
    let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
    let fixed = json!({"spec": {"addresses": ["192.168.1.221-192.168.1.230"]}});
    scene.home.kube().merge_patch(pools, "younger", &fixed).await?;
    let (given, _) = scene.announced("from-the-younger", SOON).await?;
    ensure!(given == younger, "{given}");
    scene.no_problem().await
}

async fn an_address_outside_of_every_pool(scene: &mut Scene) -> Outcome {
    something_that_works(scene).await?;
    scene.ask("lost", Ipv4Addr::new(192, 168, 1, 99)).await?;
    let said = scene.event(APPS, "lost", "AllocationFailed").await?;
    let words = "192.168.1.99 is in no usable IPAddressPool: ask for an address of a pool, or add it to one";
    ensure!(said == words, "{said}");
    scene.problem(&format!("Service {APPS}/lost: {words}")).await?;
    everything_else_works(scene).await?;
    scene.has_none("lost").await
}

async fn two_services_that_ask_for_one_address(scene: &mut Scene) -> Outcome {
    something_that_works(scene).await?;
    scene.ask("second", GOOD).await?;
    let said = scene.event(APPS, "second", "AllocationFailed").await?;
    ensure!(
        said.contains(&format!("{GOOD} belongs to Service {APPS}/good")),
        "{said}"
    );
    scene.problem(&said).await?;
    everything_else_works(scene).await?;
    scene.has_none("second").await?;
    ensure!(scene.address("good").await? == Some(GOOD));
    Ok(())
}

async fn annotate(scene: &Scene, name: &str, text: &str) -> Result<()> {
    let services = SERVICES.in_namespace(APPS);
    let patch = json!({"metadata": {"annotations": {"metallb.io/loadBalancerIPs": text}}});
    scene.home.kube().merge_patch(services, name, &patch).await?;
    Ok(())
}

async fn an_annotation_that_cannot_be_read(scene: &mut Scene) -> Outcome {
    something_that_works(scene).await?;
    let typo = "192.168.1.2O3";
    let words = format!("{typo:?}, which is not an IP address");
    let asks = [("metallb.io/loadBalancerIPs", typo)];
    scene.create_service("mistyped", &asks).await?;
    let said = scene.event(APPS, "mistyped", "AllocationFailed").await?;
    ensure!(said.contains(&words), "{said}");
    scene.problem(&format!("Service {APPS}/mistyped: ")).await?;
    // On a Service that has its address it takes nothing away.
    annotate(scene, "good", typo).await?;
    let said = scene.event(APPS, "good", "LoadBalancerFailed").await?;
    ensure!(said.contains(&words), "{said}");
    everything_else_works(scene).await?;
    scene.has_none("mistyped").await?;
    annotate(scene, "good", &GOOD.to_string()).await?;
    annotate(scene, "mistyped", "192.168.1.213").await?;
    scene.announced("mistyped", SOON).await?;
    scene.no_problem().await
}

/// A pool in use becomes unusable: who has an address of its keeps it, also over a restart of everything.
async fn a_pool_that_is_spoilt_afterwards(scene: &mut Scene) -> Outcome {
    something_that_works(scene).await?;
    scene
        .create_pool("other", &["192.168.1.230-192.168.1.239"])
        .await?;
    let other = Ipv4Addr::new(192, 168, 1, 230);
    scene.settle("other", other).await?;
    let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
    let spoilt = json!({"spec": {"addresses": ["192.168.1.220-192.168.1.239"]}});
    scene.home.kube().merge_patch(pools, "other", &spoilt).await?;
    scene.event(NAMESPACE, "other", "InvalidConfiguration").await?;
    scene.problem("other").await?;
    scene.serves(other).await?;
    everything_else_works(scene).await?;
    scene.serves(other).await?;
    ensure!(scene.address("other").await? == Some(other));
    Ok(())
}
