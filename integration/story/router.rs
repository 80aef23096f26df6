//! A router that cannot be used: the object says why and what to do, no address is announced without proof, and none
//! is lost that is in use.

use std::net::Ipv4Addr;

use anyhow::{Context as _, ensure};
use routeros_sim::{Certificate, PASSWORD};
use serde_json::json;

use super::scene::{APPS, FIRST_SYNC, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::apiserver::{Matcher, Verb};
use crate::home::kind::IP_ADDRESS_POOLS;
use crate::home::{NAMESPACE, POOL, ROUTER_USER};
use crate::kube::{Resource, SECRETS};

pub(super) fn stories() -> Vec<Story> {
    stories![router:
        unreachable,
        a_wrong_password,
        a_secret_that_may_not_be_read,
        a_wrong_certificate,
        no_such_pool,
        a_range_outside_of_every_connected_network,
        away_after_the_first_sync,
    ]
}

/// What an account may do in a namespace.
const ROLES: Resource = Resource::namespaced("rbac.authorization.k8s.io", "v1", "roles", "Role");

/// In use before there was a router.
const OLD: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);
/// Asked for afterwards.
const NEW: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 211);

async fn something_in_use(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.settle("old", OLD).await?;
    Ok(())
}

/// The old one is served, the new one waits for proof, and a person is told.
async fn nothing_new_nothing_lost(scene: &mut Scene) -> Outcome {
    scene.ask("new", NEW).await?;
    let said = scene.event(APPS, "new", "AwaitingProof").await?;
    ensure!(
        said.starts_with(&format!("{NEW} is not proven free yet: ")),
        "{said}"
    );
    scene.has_none("new").await?;
    scene.silent(NEW).await?;
    scene.serves(OLD).await?;
    ensure!(scene.address("old").await? == Some(OLD));
    // What is in use is recorded where that is possible; nothing is taken from DHCP.
    let pool = scene.home.pool(POOL)?;
    ensure!(pool.contains(NEW), "{POOL} holds {pool}");
    Ok(())
}

/// The fault is mended, and what waited goes on by itself.
async fn mended(scene: &mut Scene) -> Outcome {
    scene.in_sync().await?;
    let (given, _) = scene.announced("new", FIRST_SYNC).await?;
    ensure!(given == NEW, "{given}");
    Ok(())
}

async fn unreachable(scene: &mut Scene) -> Outcome {
    something_in_use(scene).await?;
    scene
        .apply_router(|spec| spec["url"] = json!("https://192.168.1.77"))
        .await?;
    let said = scene
        .condition("Reachable", "False", "Unreachable", FIRST_SYNC)
        .await?;
    ensure!(
        said.contains("192.168.1.77") && said.contains("check the address"),
        "{said}"
    );
    nothing_new_nothing_lost(scene).await?;
    scene.apply_router(|_| {}).await?;
    mended(scene).await
}

async fn a_wrong_password(scene: &mut Scene) -> Outcome {
    something_in_use(scene).await?;
    scene.home.router().faults().password(ROUTER_USER, "changed")?;
    scene.apply_router(|_| {}).await?;
    let said = scene
        .condition("Authorized", "False", "WrongCredentials", FIRST_SYNC)
        .await?;
    let fix = "in the Secret that credentialsSecretRef names";
    ensure!(said.contains(fix) && !said.contains(PASSWORD), "{said}");
    nothing_new_nothing_lost(scene).await?;
    // A change of the Secret is picked up without a restart.
    let secrets = SECRETS.in_namespace(NAMESPACE);
    let right = json!({"stringData": {"password": "changed"}});
    scene.home.kube().merge_patch(secrets, "mikrotik", &right).await?;
    mended(scene).await
}

/// It is one router's misfortune: Services that it has no say in get their addresses, also from an allocator that has just
/// started.
async fn a_secret_that_may_not_be_read(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene
        .apply_router(|spec| spec["poolSelector"] = json!({"matchLabels": {"on": "router"}}))
        .await?;
    scene
        .condition("Reachable", "True", "Reachable", FIRST_SYNC)
        .await?;
    scene.home.allocator()?.end(SOON).await?;
    conceal_secrets(scene).await?;
    scene.home.start_allocator().await?;
    scene.ask("new", NEW).await?;
    scene.announced("new", FIRST_SYNC).await?;
    scene
        .condition("Authorized", "False", "SecretMissing", FIRST_SYNC)
        .await?;
    Ok(())
}

/// The allocator may list no Secret any more.
async fn conceal_secrets(scene: &Scene) -> Outcome {
    if let Some(api) = scene.home.control_plane().embedded() {
        api.fail_next(Matcher::any().resource("secrets").verb(Verb::List), u32::MAX, 403);
        return Ok(());
    }
    let roles = ROLES.in_namespace(NAMESPACE);
    let kube = scene.home.kube();
    let mut role = kube.get(&roles, "tiklb-allocator").await?;
    let rules = role["rules"].as_array_mut().context("a role without rules")?;
    for rule in rules.iter_mut().filter(|rule| rule["resources"][0] == "secrets") {
        rule["verbs"] = json!(["get", "create"]);
    }
    kube.replace(&roles, &role).await?;
    Ok(())
}

async fn a_wrong_certificate(scene: &mut Scene) -> Outcome {
    something_in_use(scene).await?;
    scene
        .home
        .router()
        .faults()
        .certificate(Certificate::SelfSigned)?;
    scene.apply_router(|_| {}).await?;
    let said = scene
        .condition("Reachable", "False", "CertificateRejected", FIRST_SYNC)
        .await?;
    ensure!(said.contains("tls.pins"), "{said}");
    nothing_new_nothing_lost(scene).await?;
    scene.home.router().faults().certificate(Certificate::default())?;
    mended(scene).await
}

async fn no_such_pool(scene: &mut Scene) -> Outcome {
    something_in_use(scene).await?;
    scene
        .apply_router(|spec| spec["dhcp"] = json!({"pools": ["dhcp-pool"]}))
        .await?;
    let said = scene
        .condition("PoolsExcluded", "False", "PoolNotFound", FIRST_SYNC)
        .await?;
    ensure!(said.contains("its pools are: dhcp_pool"), "{said}");
    nothing_new_nothing_lost(scene).await?;
    scene
        .apply_router(|spec| spec["dhcp"] = json!({"pools": ["dhcp_pool"]}))
        .await?;
    mended(scene).await
}

async fn a_range_outside_of_every_connected_network(scene: &mut Scene) -> Outcome {
    something_in_use(scene).await?;
    scene.create_pool("elsewhere", &["10.77.0.10-10.77.0.20"]).await?;
    // Both pools are meant by the router.
    scene
        .apply_router(|spec| {
            spec["poolSelector"] = json!({"matchLabels": {"on": "router"}});
        })
        .await?;
    let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
    let meant = json!({"metadata": {"labels": {"on": "router"}}});
    for pool in ["elsewhere", "homelab-pool"] {
        scene.home.kube().merge_patch(&pools, pool, &meant).await?;
    }
    let said = scene
        .condition("PoolsExcluded", "False", "RangeNotConnected", FIRST_SYNC)
        .await?;
    ensure!(
        said.contains("10.77.0.10-10.77.0.20") && said.contains("spec.poolSelector"),
        "{said}"
    );
    let stranger = Ipv4Addr::new(10, 77, 0, 15);
    scene.ask("stranger", stranger).await?;
    let said = scene.event(APPS, "stranger", "AwaitingProof").await?;
    ensure!(said.contains("10.77.0.10-10.77.0.20"), "{said}");
    scene.has_none("stranger").await?;
    // The other pool is as good as before.
    scene.ask("new", NEW).await?;
    scene.announced("new", FIRST_SYNC).await?;
    scene.serves(OLD).await?;
    Ok(())
}

/// With proof, an outage of the router holds nobody up; its rows are written when it is back.
async fn away_after_the_first_sync(scene: &mut Scene) -> Outcome {
    something_in_use(scene).await?;
    scene.apply_router(|_| {}).await?;
    scene.in_sync().await?;
    scene.ask("proven", Ipv4Addr::new(192, 168, 1, 212)).await?;
    scene.announced("proven", FIRST_SYNC).await?;
    scene.in_sync().await?;
    scene.home.router().faults().unreachable(true);
    scene
        .condition("Reachable", "False", "Unreachable", FIRST_SYNC)
        .await?;
    scene.settle("new", NEW).await?;
    scene.serves(OLD).await?;
    let before = scene.home.router().journal().applied().count();
    scene.home.router().faults().unreachable(false);
    scene
        .condition("Reachable", "True", "Reachable", FIRST_SYNC)
        .await?;
    crate::wait::until("the row of the new one", FIRST_SYNC, async || {
        let row = scene
            .home
            .row(routeros_sim::Menu::Lease, "address", &NEW.to_string());
        ensure!(row.is_some(), "no lease for {NEW}");
        Ok(())
    })
    .await?;
    let after = scene.home.router().journal().applied().count();
    ensure!(after > before);
    scene
        .condition("ReservationsInSync", "True", "InSync", SOON)
        .await?;
    Ok(())
}
