//! From a `MetalLB` before 0.14, by the page's section about it. Its kinds and objects are there; of its programs only the
//! workloads, which nobody runs.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::home::{NAMESPACE, deployed};
use crate::kube::{CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, Kube, NAMESPACES, SECRETS, SERVICES};
use crate::page::{self, Block};
use crate::story::desk::Desk;
use crate::story::doctor::{WEBHOOKS, dead_webhook, earlier_kind, metallb_workloads, says};
use crate::story::scene::{APPS, PORT, SOON, Scene};
use crate::story::{Outcome, Story, stories};

pub(super) fn stories() -> Vec<Story> {
    stories![migration: from_a_version_before_0_14 with crate::home::Plan::before_tiklb]
}

/// Of the page's range.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 240);
const RANGE: &str = "192.168.1.240-192.168.1.250";
const HEADING: &str = "From MetalLB 0.13 or older";

async fn from_a_version_before_0_14(scene: &mut Scene) -> Outcome {
    installed(scene.home.kube()).await?;
    scene.create_service("web", &[]).await?;
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS.to_string()}]}}});
    let services = SERVICES.in_namespace(APPS);
    scene.home.kube().patch_status(services, "web", &status).await?;
    let unread = format!("{RANGE} is in no IPAddressPool (EarlierPoolNotRead)");
    says(
        scene,
        &["doctor"],
        2,
        &[&unread, "(MetalLbRuns)", "(MetalLbAlone)"],
    )
    .await?;

    let (objects, change_over, clean) = section()?;
    ensure!(
        objects.contains(RANGE),
        "the page is about another range: {objects}"
    );
    let desk = Desk::open(&scene.home)?;
    symlink(deployed("."), desk.file("deploy"))?;
    fs::write(desk.file("pools.yaml"), objects)?;
    for line in &change_over {
        desk.types(scene, line, 0, &[]).await?;
    }
    scene.home.move_in().await?;
    scene.home.start_allocator().await?;
    scene.home.start_speakers().await?;
    scene.home.serve(ADDRESS, PORT).await?;
    let node = scene.serves(ADDRESS).await?;
    scene.record("web", &node).await?;
    ensure!(
        scene.address("web").await? == Some(ADDRESS),
        "the Service has lost {ADDRESS}"
    );
    says(scene, &["doctor"], 2, &["(DeadConversion)", "(MetalLbLeftOver)"]).await?;
    let (doctor, clean) = clean.split_last().context("nothing is put away")?;
    for line in clean {
        desk.types(scene, line, 0, &[]).await?;
    }
    desk.types(scene, doctor, 0, &["nothing found, "]).await?;
    ensure!(
        scene.home.announcer(ADDRESS, SOON).await?.host == node,
        "another node answers"
    );
    Ok(())
}

/// The section's objects, the commands of the change, and those of what is left over.
fn section() -> Result<(String, Vec<String>, Vec<String>)> {
    let text = page::read("docs/migrate-from-metallb.md")?;
    let objects = page::blocks(&text, HEADING, Block::Yaml)?.concat();
    let blocks = page::blocks(&text, HEADING, Block::Shell)?;
    let [change_over, clean] = blocks.as_slice() else {
        anyhow::bail!("the section has other blocks of commands than the story plays: {blocks:?}");
    };
    Ok((objects, page::lines(change_over), page::lines(clean)))
}

/// What an installation of it leaves in the API.
async fn installed(kube: &Kube) -> Outcome {
    kube.create(NAMESPACES, &json!({"metadata": {"name": NAMESPACE}}))
        .await?;
    for kind in ["AddressPool", "BGPPeer"] {
        kube.create(CUSTOM_RESOURCE_DEFINITIONS, &earlier_kind(kind))
            .await?;
    }
    kube.apply(json!({
        "apiVersion": "metallb.io/v1beta1",
        "kind": "AddressPool",
        "metadata": {"name": "default", "namespace": NAMESPACE},
        "spec": {"protocol": "layer2", "addresses": [RANGE]},
    }))
    .await?;
    metallb_workloads(kube, "v0.13.12").await?;
    let service = json!({"metadata": {"name": "webhook-service"}, "spec": {"ports": [{"port": 443}]}});
    kube.create(SERVICES.in_namespace(NAMESPACE), &service).await?;
    for name in ["webhook-server-cert", "memberlist"] {
        kube.create(
            SECRETS.in_namespace(NAMESPACE),
            &json!({"metadata": {"name": name}}),
        )
        .await?;
    }
    let config = json!({"metadata": {"name": "config"}, "data": {"config": "peers: []"}});
    kube.create(CONFIG_MAPS.in_namespace(NAMESPACE), &config).await?;
    kube.create(WEBHOOKS, &dead_webhook()).await?;
    Ok(())
}
