//! tiklb is uninstalled: what the chart's Job does before, as the account that the chart gives it and no other. On a real
//! cluster its roles are in force.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::scene::{GRACE, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::chart;

pub(super) fn stories() -> Vec<Story> {
    stories![removal: the_uninstallation_gives_the_router_back]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

async fn the_uninstallation_gives_the_router_back(scene: &mut Scene) -> Outcome {
    // The Job looks at the router while the allocator does.
    scene.allocators = 2;
    let before = scene.home.router().snapshot();
    scene.apply_pool().await?;
    scene.apply_homelab(&["mikrotikrouter"]).await?;
    scene.in_sync().await?;
    scene.settle("web", ADDRESS).await?;
    let job = job(scene).await?;

    let shown = run(scene, &job).await?;
    ensure!(
        shown.0 == Some(1) && shown.1.contains("192.168.1.210: apps/web"),
        "a Service still has its address: {shown:?}"
    );
    scene
        .condition("ReservationsInSync", "True", "InSync", SOON)
        .await?;

    scene.delete_service("web").await?;
    scene.nothing_is_on_record().await?;
    // What takes most rights: nobody else is there to write.
    scene.home.allocator()?.end(GRACE).await?;
    let shown = run(scene, &job).await?;
    ensure!(
        shown.0 == Some(0) && shown.1.contains("everything was given back"),
        "{shown:?}"
    );
    scene.router_is_as(&before)?;

    let shown = run(scene, &job).await?;
    ensure!(
        shown.0 == Some(0) && shown.1.contains("there is no MikrotikRouter"),
        "{shown:?}"
    );
    Ok(())
}

/// Applies the Job's account and its roles, as the chart renders them, and returns what its Pod runs.
async fn job(scene: &Scene) -> Result<Value> {
    let mut job = None;
    for object in chart::everything()? {
        if object["metadata"]["labels"]["app.kubernetes.io/component"] != "release" {
            continue;
        }
        if object["kind"] == "Job" {
            job = Some(object["spec"]["template"]["spec"].clone());
        } else if scene.home.control_plane().speaks(&object) {
            scene.home.kube().apply(object).await?;
        }
    }
    job.context("the chart renders no Job")
}

/// What the Job's Pod would print: its exit code and its log.
async fn run(scene: &Scene, pod: &Value) -> Result<(Option<i32>, String)> {
    let account = pod["serviceAccountName"].as_str().context("no account")?;
    let arguments = pod["containers"][0]["args"].as_array().context("no arguments")?;
    let arguments: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
    let shown = scene.home.ask_tiklb_as(account, &arguments).await?;
    Ok((shown.code, shown.text))
}
