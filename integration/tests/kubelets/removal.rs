//! tiklb goes: each way within a bound, and the router is configured as before it came.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use lab::chart::RELEASE;
use lab::home::{NAMESPACE, ROUTER_USER, homelab};
use lab::image;
use lab::wait::until;
use routeros_sim::PASSWORD;
use serde_json::Value;

use crate::guide::{PHOTOS, PHOTOS_PORT, photos};
use crate::stage::{FIRST_SYNC, Outcome, ROUTER, SOON, Stage, Story, stories};

pub(crate) fn stories() -> Vec<(&'static str, Story)> {
    stories![removal:
        helm_uninstall_gives_the_router_back,
        a_cascade_in_reverse_waves_gives_the_router_back,
        a_deleted_namespace_gives_the_router_back_under_its_services,
        a_deleted_namespace_waits_for_a_router_that_is_away_and_no_pod_does,
    ]
}

/// The allocator's `terminationGracePeriodSeconds`.
const GRACE: Duration = Duration::from_secs(150);
/// Kubernetes looks after a namespace at once, when something of what is left has changed, and else after half of the longest
/// grace period of its Pods.
const NAMESPACE_GOES: Duration = Duration::from_mins(3);

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
async fn gone(stage: &Stage, what: &str, began: Instant, bound: Duration) -> Outcome {
    stage.no_router().await?;
    stage.router_as_before()?;
    stage.no_pod(FIRST_SYNC).await?;
    eprintln!(
        "{what}: gone after {:.1} s, the router is as before",
        began.elapsed().as_secs_f64()
    );
    ensure!(began.elapsed() < bound, "{what} took {:?}", began.elapsed());
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
    gone(stage, "helm uninstall", began, FIRST_SYNC).await
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
    gone(stage, "cascade", began, FIRST_SYNC).await?;
    // Helm still believes in it.
    stage
        .shell(&format!(
            "helm uninstall {RELEASE} --namespace {NAMESPACE} --no-hooks --ignore-not-found"
        ))
        .await?;
    Ok(())
}

/// Nobody who deletes a namespace has thought of the Services elsewhere that have addresses. They are not tiklb's, and stay.
async fn a_deleted_namespace_gives_the_router_back_under_its_services(stage: &mut Stage) -> Outcome {
    begin(stage).await?;
    let began = Instant::now();
    stage
        .shell(&format!("kubectl delete namespace {NAMESPACE} --wait=false"))
        .await?;
    until("the router to be as before", FIRST_SYNC, async || {
        stage.router_as_before()
    })
    .await?;
    let given_back = began.elapsed().as_secs_f64();
    stage.no_pod(SOON).await?;
    eprintln!(
        "the router is as before after {given_back:.1} s, and the last Pod has ended after {:.1} s",
        began.elapsed().as_secs_f64()
    );
    namespace_gone(stage, NAMESPACE_GOES).await?;
    gone(stage, "kubectl delete namespace", began, NAMESPACE_GOES).await?;
    let answerers = stage.home().answerers(PHOTOS).await?;
    ensure!(answerers.is_empty(), "{answerers:?} answer for {PHOTOS}");
    let status = stage
        .shell("kubectl get service -n immich immich-server-lan -o jsonpath={.status.loadBalancer.ingress[0].ip}")
        .await?;
    ensure!(status.trim() == PHOTOS.to_string(), "the status names {status}");
    let rest = "kubectl delete clusterroles,clusterrolebindings -l app.kubernetes.io/name=tiklb";
    let deleted = stage.shell(rest).await?;
    ensure!(deleted.contains("tiklb-allocator"), "{deleted}");
    Ok(())
}

/// What a person then has to do is what the last words of the allocator say, and docs/install.md.
async fn a_deleted_namespace_waits_for_a_router_that_is_away_and_no_pod_does(stage: &mut Stage) -> Outcome {
    begin(stage).await?;
    delete_services(stage).await?;
    stage.home().router().faults().unreachable(true);
    let began = Instant::now();
    let left = leave_without_the_router(stage).await;
    stage.home().router().faults().unreachable(false);
    left?;
    let ca = stage.home().router_ca();
    let release = format!(
        "TIKLB_PASSWORD={PASSWORD} {} release --router https://192.168.1.1 --username {ROUTER_USER} --ca-file {} --yes",
        image::program()?.display(),
        ca.display()
    );
    stage.shell(&release).await?;
    stage.router_as_before()?;
    let patch = r#"{"metadata":{"finalizers":null}}"#;
    stage
        .shell(&format!(
            "kubectl -n {NAMESPACE} patch mikrotikrouter {ROUTER} --type=merge -p '{patch}'"
        ))
        .await?;
    namespace_gone(stage, SOON).await?;
    let what = "kubectl delete namespace, and a person after it";
    gone(stage, what, began, GRACE + NAMESPACE_GOES).await
}

async fn namespace_gone(stage: &Stage, bound: Duration) -> Outcome {
    let wait = format!(
        "kubectl wait --for=delete namespace/{NAMESPACE} --timeout={}s",
        bound.as_secs()
    );
    stage.shell(&wait).await?;
    Ok(())
}

/// The Pods end within their grace period, the last of them says what is left, and the namespace says what it waits for.
async fn leave_without_the_router(stage: &Stage) -> Outcome {
    let began = Instant::now();
    let log = stage
        .shell(&format!(
            "kubectl logs -n {NAMESPACE} -l app.kubernetes.io/component=allocator --prefix --tail=0 --follow & \
             kubectl delete namespace {NAMESPACE} --wait=false; wait"
        ))
        .await?;
    for words in [
        "staying until the routers are given back",
        "MikrotikRouter metallb-system/router is not given back",
        "`tiklb release --router https://192.168.1.1 …`",
    ] {
        ensure!(log.contains(words), "no {words:?} in {log}");
    }
    stage.no_pod(SOON).await?;
    eprintln!(
        "without the router: the last Pod is gone after {:.1} s",
        began.elapsed().as_secs_f64()
    );
    ensure!(began.elapsed() < GRACE, "the Pods took {:?}", began.elapsed());
    let waits = format!("kubectl get namespace {NAMESPACE} -o jsonpath={{.status.conditions[*].message}}");
    until("the namespace to name the finalizer", FIRST_SYNC, async || {
        let shown = stage.shell(&waits).await?;
        ensure!(
            shown.contains("tiklb.io/release in 1 resource instances"),
            "{shown}"
        );
        Ok(())
    })
    .await
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
