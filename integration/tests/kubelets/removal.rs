//! tiklb goes: each way within a bound, and the router is configured as before it came.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use lab::chart::RELEASE;
use lab::home::{NAMESPACE, homelab};
use lab::kube::PODS;
use serde_json::Value;

use crate::guide::{PHOTOS, PHOTOS_PORT, photos};
use crate::stage::{FIRST_SYNC, Outcome, Stage, Story, stories};

pub(crate) fn stories() -> Vec<(&'static str, Story)> {
    stories![removal:
        helm_uninstall_gives_the_router_back,
        a_cascade_in_reverse_waves_gives_the_router_back,
    ]
}

/// Everything stands, and one of the guide's Services is served.
async fn begin(stage: &Stage) -> Outcome {
    stage.installed().await?;
    stage.installation.run(photos()).await?;
    stage.installation.served(PHOTOS, PHOTOS_PORT).await?;
    Ok(())
}

/// Deletes every Service that has an address of the router's.
async fn delete_services(stage: &Stage) -> Outcome {
    stage
        .shell(&format!("kubectl delete -f {}", homelab("services").display()))
        .await?;
    stage
        .shell("kubectl delete namespace apps --ignore-not-found")
        .await?;
    Ok(())
}

/// No Pod is left, and the router is as it was. Then the kinds go too, so that the next one begins from nothing.
async fn gone(stage: &Stage, what: &str, began: Instant) -> Outcome {
    stage.no_router().await?;
    stage.router_as_before()?;
    let none = <[Value]>::is_empty;
    let pods = PODS.in_namespace(NAMESPACE);
    stage
        .home()
        .kube()
        .wait_list(pods, FIRST_SYNC, "no Pod to be left", none)
        .await?;
    eprintln!(
        "{what}: gone after {:.1} s, the router is as before",
        began.elapsed().as_secs_f64()
    );
    ensure!(began.elapsed() < FIRST_SYNC, "{what} took {:?}", began.elapsed());
    stage
        .shell("kubectl get crd -o name -l app.kubernetes.io/name=tiklb | xargs kubectl delete")
        .await?;
    stage.router_as_before()
}

async fn helm_uninstall_gives_the_router_back(stage: &mut Stage) -> Outcome {
    begin(stage).await?;
    let uninstall = format!("helm uninstall {RELEASE} --namespace {NAMESPACE} --wait --timeout 4m");
    // With Services that have addresses it does not go, and says why.
    let refused = stage.installation.try_shell(&uninstall).await?;
    ensure!(refused.code != Some(0), "{}", refused.text);
    let log = stage
        .shell(&format!("kubectl -n {NAMESPACE} logs job/tiklb-release"))
        .await?;
    ensure!(log.contains("192.168.1.203: immich/immich-server-lan"), "{log}");
    stage.installation.served(PHOTOS, PHOTOS_PORT).await?;

    delete_services(stage).await?;
    let began = Instant::now();
    stage.shell(&uninstall).await?;
    gone(stage, "helm uninstall", began).await
}

/// What `ArgoCD` deletes of an Application: by waves, the highest first, each when the one before is gone; not what is to be kept,
/// and no hooks.
async fn a_cascade_in_reverse_waves_gives_the_router_back(stage: &mut Stage) -> Outcome {
    begin(stage).await?;
    delete_services(stage).await?;
    let began = Instant::now();
    let chart = stage
        .shell(&format!("helm get manifest {RELEASE} --namespace {NAMESPACE}"))
        .await?;
    let mut waves: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    for manifest in [
        "ipaddresspool",
        "l2advertisement",
        "mikrotikrouter",
        "addressreservations",
    ] {
        let text = std::fs::read_to_string(homelab(manifest))?;
        sort(&text, &mut waves)?;
    }
    sort(&chart, &mut waves)?;
    ensure!(waves.len() == 2, "{:?}", waves.keys());
    for (_, objects) in waves.into_iter().rev() {
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), list.to_string())?;
        let file = file.path().display();
        stage
            .shell(&format!(
                "kubectl delete --cascade=foreground --timeout=120s -f {file}"
            ))
            .await?;
    }
    gone(stage, "cascade", began).await?;
    // Helm still believes in it.
    stage
        .shell(&format!(
            "helm uninstall {RELEASE} --namespace {NAMESPACE} --no-hooks --ignore-not-found"
        ))
        .await?;
    Ok(())
}

/// Objects by the wave that they are annotated with.
fn sort(text: &str, waves: &mut BTreeMap<i64, Vec<Value>>) -> Result<()> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(text).context("reading manifests")?;
    for object in objects.into_iter().filter(|object| !object.is_null()) {
        let annotations = &object["metadata"]["annotations"];
        if annotations["helm.sh/resource-policy"] == "keep" {
            continue;
        }
        let wave = annotations["argocd.argoproj.io/sync-wave"].as_str();
        let wave = wave.unwrap_or("0").parse().context("reading a sync wave")?;
        waves.entry(wave).or_default().push(object);
    }
    Ok(())
}
