//! Services get the addresses that they ask for, and keep them.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::scene::{APPS, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::kind::{IP_ADDRESS_POOLS, SERVICE_L2_STATUSES};
use crate::home::{NAMESPACE, PRINTER};
use crate::kube::SERVICES;
use crate::wait::until;

/// Without a router nobody knows of the phone before the speakers' first survey has met it, and these stories ask for
/// the first free address within seconds: they stand without a phone.
pub(super) fn stories() -> Vec<Story> {
    stories![address:
        a_nodes_own_address_is_given_to_nobody,
        another_load_balancer_is_named_and_not_fought,
        services_get_what_they_ask_for,
        an_assigned_address_stays_over_a_restart_of_everything with |plan| plan.without_phone(),
        a_deleted_service_leaves_silence_and_its_address,
        an_address_that_a_device_uses_is_given_to_nobody,
        a_stranger_that_answers_keeps_an_address_from_being_announced,
    ]
}

const A: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);
const B: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 211);

async fn a_nodes_own_address_is_given_to_nobody(scene: &mut Scene) -> Outcome {
    let node = scene.home.address_of("node1")?;
    scene.create_pool("nodes", &["192.168.1.11-192.168.1.14"]).await?;
    scene.advertise().await?;
    scene.create_service("whatever", &[]).await?;
    let (address, _) = scene.announced("whatever", SOON).await?;
    ensure!(address == Ipv4Addr::new(192, 168, 1, 14), "{address}");
    scene
        .create_service("asking", &[("metallb.io/loadBalancerIPs", &node.to_string())])
        .await?;
    let said = scene.event(APPS, "asking", "AllocationFailed").await?;
    ensure!(said.contains("node node1"), "{said}");
    scene.has_none("asking").await?;
    // Nor is it announced when something else has put it into a status.
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": node}]}}});
    scene.home.allocator()?.end(SOON).await?;
    scene
        .home
        .kube()
        .patch_status(SERVICES.in_namespace(APPS), "asking", &status)
        .await?;
    let line = "a node's own address";
    until("the speakers to say so", SOON, async || {
        for name in scene.home.node_names() {
            let logs = scene.home.speaker(name)?.logs();
            ensure!(
                logs.iter().any(|entry| entry.text.contains(line)),
                "{name} did not say {line:?}"
            );
        }
        Ok(())
    })
    .await?;
    let answerers = scene.home.answerers(node).await?;
    ensure!(
        answerers.len() == 1 && answerers[0].host == "node1",
        "{answerers:?}"
    );
    Ok(())
}

/// k3s' servicelb writes the nodes' addresses into every Service's status.
async fn another_load_balancer_is_named_and_not_fought(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.settle("web", A).await?;
    let services = SERVICES.in_namespace(APPS);
    let kube = scene.home.kube().clone();
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.168.1.11"}]}}});
    let is_ours = |service: &Value| service["status"]["loadBalancer"]["ingress"][0]["ip"] == A.to_string();
    let began = Instant::now();
    let mut rounds = 0;
    while began.elapsed() < Duration::from_secs(8) {
        kube.patch_status(&services, "web", &status).await?;
        rounds += 1;
        let ours = kube.wait_for(&services, "web", Duration::from_secs(8), "our address", is_ours);
        if ours.await.is_err() {
            break;
        }
    }
    ensure!(rounds < 10, "the status was written {rounds} times in 8 s");
    let said = scene.event(APPS, "web", "StatusContested").await?;
    ensure!(said.contains("--disable=servicelb"), "{said}");
    scene.problem("--disable=servicelb").await?;
    // The other one is switched off.
    kube.wait_for(&services, "web", SOON, "our address", is_ours)
        .await?;
    scene.serves(A).await?;
    Ok(())
}

async fn services_get_what_they_ask_for(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene
        .create_service("by-field", &[("metallb.io/loadBalancerIPs", "192.168.1.210")])
        .await?;
    let old = [("metallb.universe.tf/loadBalancerIPs", "192.168.1.211")];
    scene.create_service("by-old-name", &old).await?;
    scene.create_service("whatever", &[]).await?;
    let (a, node) = scene.announced("by-field", SOON).await?;
    let (b, _) = scene.announced("by-old-name", SOON).await?;
    let (c, _) = scene.announced("whatever", SOON).await?;
    ensure!(
        (a, b) == (A, B) && c == Ipv4Addr::new(192, 168, 1, 200),
        "{a}, {b}, and the first of the pool: {c}"
    );
    let reached = scene.serves(a).await?;
    ensure!(reached == node, "{node} answered first, then {reached}");

    let said = scene.event(APPS, "by-field", "IPAllocated").await?;
    ensure!(said.starts_with("Assigned IP [\"192.168.1.210\"]"), "{said}");
    let said = scene.event(APPS, "by-field", "nodeAssigned").await?;
    let expected = format!("announcing from node \"{node}\" with protocol \"layer2\"");
    ensure!(said == expected, "{said}");
    scene.event(APPS, "by-old-name", "deprecatedAnnotation").await?;
    let record = scene.record("by-field", &node).await?;
    ensure!(
        record["status"]["interfaces"][0]["name"] == scene.home.lan().host(&node)?.interface(),
        "{record}"
    );
    let line = scene
        .home
        .speaker(&node)?
        .wait_for_log(
            |line| line.contains("announcing") && line.contains("192.168.1.210"),
            SOON,
        )
        .await?;
    ensure!(line.text.contains("apps/by-field"), "{}", line.text);

    let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
    let counted = |pool: &Value| pool["status"]["assignedIPv4"] == 3 && pool["status"]["availableIPv4"] == 18;
    let what = "a pool that counts three addresses of 21";
    scene
        .home
        .kube()
        .wait_for(pools, "homelab-pool", SOON, what, counted)
        .await?;
    Ok(())
}

async fn an_assigned_address_stays_over_a_restart_of_everything(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.settle("asks", A).await?;
    scene.create_service("takes", &[]).await?;
    let (taken, _) = scene.announced("takes", SOON).await?;
    let services = SERVICES.in_namespace(APPS);
    let version = async |name: &str| {
        let service = scene.home.kube().get(&services, name).await?;
        anyhow::Ok(service["metadata"]["resourceVersion"].clone())
    };
    let before = (version("asks").await?, version("takes").await?);
    scene.restart_everything().await?;
    scene.create_service("later", &[]).await?;
    scene.announced("later", SOON).await?;
    scene.serves(A).await?;
    scene.serves(taken).await?;
    let version = async |name: &str| {
        let service = scene.home.kube().get(&services, name).await?;
        anyhow::Ok(service["metadata"]["resourceVersion"].clone())
    };
    let after = (version("asks").await?, version("takes").await?);
    ensure!(before == after, "Services were written without need");
    Ok(())
}

async fn a_deleted_service_leaves_silence_and_its_address(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.settle("first", A).await?;
    scene.ask("second", A).await?;
    let said = scene.event(APPS, "second", "AllocationFailed").await?;
    ensure!(said.contains("apps/first"), "{said}");
    scene.has_none("second").await?;
    scene
        .home
        .kube()
        .delete(SERVICES.in_namespace(APPS), "first")
        .await?;
    let (given, node) = scene.announced("second", SOON).await?;
    ensure!(given == A, "{given}");
    scene.record("second", &node).await?;
    scene.delete_service("second").await?;
    let none = <[_]>::is_empty;
    let what = "no ServiceL2Status to be left";
    scene
        .home
        .kube()
        .wait_list(SERVICE_L2_STATUSES, SOON, what, none)
        .await?;
    Ok(())
}

/// Without a router, too: the speakers' survey finds it out.
async fn an_address_that_a_device_uses_is_given_to_nobody(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let printer = PRINTER.to_string();
    until("the survey to meet the printer", 3 * SOON, async || {
        let conflicts = scene.home.conflicts().await?;
        let met = |conflict: &Value| conflict["spec"]["address"] == printer.as_str();
        ensure!(conflicts.iter().any(met), "{conflicts:?}");
        Ok(())
    })
    .await?;
    scene.ask("wants-the-printers", PRINTER).await?;
    let said = scene
        .event(APPS, "wants-the-printers", "AllocationFailed")
        .await?;
    ensure!(said.contains(&format!("{PRINTER} is in use by")), "{said}");
    scene.has_none("wants-the-printers").await
}

/// Assigned before any survey could know: the question before the first claim finds it out.
async fn a_stranger_that_answers_keeps_an_address_from_being_announced(scene: &mut Scene) -> Outcome {
    scene.ask("hasty", PRINTER).await?;
    scene.apply_pool().await?;
    let said = scene.event(APPS, "hasty", "AddressConflict").await?;
    let printer = scene.home.lan().host("printer")?;
    let mac = printer.link(printer.interface()).await?.mac.to_string();
    ensure!(
        said.starts_with(&format!("{PRINTER} is not announced: {mac} answers for it")),
        "{said}"
    );
    let answering = scene.home.announcer(PRINTER, SOON).await?.host;
    ensure!(answering == "printer", "{answering}");
    Ok(())
}
