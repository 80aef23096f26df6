//! tiklb goes: each way within a bound, and the router is configured as before it came.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use lab::chart::RELEASE;
use lab::home::kind::MIKROTIK_ROUTERS;
use lab::home::{NAMESPACE, ROUTER_USER, deployed, homelab, status_address};
use lab::image;
use lab::installation::{APPS, ECHO, PORT};
use lab::kube::SERVICES;
use lab::page;
use lab::wait::until;
use routeros_sim::PASSWORD;

use crate::guide::{PHOTOS, PHOTOS_PORT, photos};
use crate::stage::{FIRST_SYNC, Outcome, ROUTER, SOON, Stage, Story, stories};
use crate::waves;

pub(crate) fn stories() -> Vec<(&'static str, Story)> {
    stories![removal:
        helm_uninstall_gives_the_router_back,
        helm_uninstall_refuses_without_the_router_and_without_hooks_goes,
        plain_manifests_are_removed_by_the_commands_of_the_page,
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
pub(crate) async fn delete_services(stage: &Stage) -> Outcome {
    stage
        .shell(&format!(
            "kubectl delete --ignore-not-found -f {}",
            homelab("services").display()
        ))
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

/// Without hooks it goes all the same, and leaves what docs/install.md says, with the way to be rid of it.
async fn helm_uninstall_refuses_without_the_router_and_without_hooks_goes(stage: &mut Stage) -> Outcome {
    begin(stage).await?;
    stage.home().router().faults().unreachable(true);
    let left = uninstalled_without_the_router(stage).await;
    stage.home().router().faults().unreachable(false);
    left?;
    let began = Instant::now();
    release_by_marks(stage).await?;
    clear_finalizer(stage).await?;
    stage
        .shell(&format!(
            "kubectl -n {NAMESPACE} delete mikrotikrouter {ROUTER} --timeout=60s"
        ))
        .await?;
    delete_services(stage).await?;
    gone(
        stage,
        "helm uninstall --no-hooks, and a person after it",
        began,
        FIRST_SYNC,
    )
    .await
}

async fn uninstalled_without_the_router(stage: &Stage) -> Outcome {
    let began = Instant::now();
    let uninstall = format!("helm uninstall {RELEASE} --namespace {NAMESPACE} --wait --timeout 4m");
    let refused = stage.installation.try_shell(&uninstall).await?;
    ensure!(refused.code != Some(0), "{}", refused.text);
    eprintln!(
        "helm uninstall without the router: refused after {:.1} s",
        began.elapsed().as_secs_f64()
    );
    ensure!(began.elapsed() < FIRST_SYNC, "it took {:?}", began.elapsed());
    let log = format!("kubectl -n {NAMESPACE} logs job/tiklb-release");
    let log = stage.shell(&log).await?;
    ensure!(log.contains("not released: router"), "{log}");
    let router = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    let router = stage.home().kube().get(router, ROUTER).await?;
    ensure!(
        router["metadata"]["deletionTimestamp"].is_null(),
        "{}",
        router["metadata"]
    );
    stage.installation.served(PHOTOS, PHOTOS_PORT).await?;

    stage.shell(&format!("{uninstall} --no-hooks")).await?;
    // The hook is not Helm's to delete when it has failed.
    let [_, _, rest @ ..] = &plain_manifests()?[..] else {
        bail!("docs/install.md removes nothing");
    };
    clear_up(stage, rest).await
}

/// With the router's own rows as they are: no allocator and no cluster is asked.
pub(crate) async fn release_by_marks(stage: &Stage) -> Outcome {
    let ca = stage.home().router_ca();
    let release = format!(
        "TIKLB_PASSWORD={PASSWORD} {} release --router https://192.168.1.1 --username {ROUTER_USER} --ca-file {} --yes",
        image::program()?.display(),
        ca.display()
    );
    stage.shell(&release).await?;
    stage.router_as_before()
}

async fn clear_finalizer(stage: &Stage) -> Outcome {
    let patch = r#"{"metadata":{"finalizers":null}}"#;
    stage
        .shell(&format!(
            "kubectl -n {NAMESPACE} patch mikrotikrouter {ROUTER} --type=merge -p '{patch}'"
        ))
        .await?;
    Ok(())
}

/// The commands of docs/install.md: apply, release, and what deletes the rest.
fn plain_manifests() -> Result<Vec<String>> {
    page::lines_under(&page::read("docs/install.md")?, "Plain manifests")
}

/// Types the last of them, and looks that of tiklb's nothing is left but definitions and the namespace.
async fn clear_up(stage: &Stage, lines: &[String]) -> Outcome {
    ensure!(lines.len() == 2, "{lines:?}");
    for line in lines {
        stage.shell(line).await?;
    }
    stage.no_pod(FIRST_SYNC).await?;
    let everything = deployed("manifests/tiklb.yaml");
    let ours = "-l app.kubernetes.io/name=tiklb";
    let looks = [
        format!(
            "kubectl get --ignore-not-found -o name -f {}",
            everything.display()
        ),
        format!("kubectl get -o name -n {NAMESPACE} jobs,serviceaccounts,roles,rolebindings {ours}"),
        format!("kubectl get -o name clusterroles,clusterrolebindings {ours}"),
    ];
    for look in looks {
        let shown = stage.shell(&look).await?;
        let stays =
            |name: &str| name.starts_with("customresourcedefinition") || name.starts_with("namespace/");
        let names = shown.lines().filter(|line| line.contains('/'));
        let left: Vec<&str> = names.filter(|name| !stays(name)).collect();
        ensure!(left.is_empty(), "left behind: {left:?}");
    }
    Ok(())
}

/// By docs/install.md, from the first line to the last.
async fn plain_manifests_are_removed_by_the_commands_of_the_page(stage: &mut Stage) -> Outcome {
    let lines = plain_manifests()?;
    let [apply, release, rest @ ..] = &lines[..] else {
        bail!("the page has {lines:?}");
    };
    // What an earlier story has installed by Helm.
    stage
        .shell(&format!(
            "helm uninstall {RELEASE} --namespace {NAMESPACE} --no-hooks --ignore-not-found --wait"
        ))
        .await?;
    stage.home().put_secrets().await?;
    let folder = page::repository()?;
    stage
        .shell(&format!("cd {} && {apply}", folder.display()))
        .await?;
    stage.installation.settled().await?;
    stage.configured().await?;
    delete_services(stage).await?;

    let began = Instant::now();
    // There is nobody at this terminal to ask.
    let verb = release.strip_prefix("tiklb ").with_context(|| release.clone())?;
    let program = image::program()?;
    stage
        .shell(&format!("{} {verb} --yes", program.display()))
        .await?;
    stage.no_router().await?;
    clear_up(stage, rest).await?;
    let kept =
        "kubectl -n metallb-system get ipaddresspools/homelab-pool secrets/mikrotik secrets/tiklb-heartbeat";
    stage.shell(kept).await?;
    gone(stage, "plain manifests", began, FIRST_SYNC).await
}

/// An Application is deleted whole: nobody deletes the Services first. One of another Application loses its address with the
/// pool; the namespaces stay, with what is in them.
async fn a_cascade_in_reverse_waves_gives_the_router_back(stage: &mut Stage) -> Outcome {
    begin(stage).await?;
    let other = stage.installation.echo().await?;
    stage.installation.served(other, PORT).await?;
    let began = Instant::now();
    waves::cascade(stage).await?;
    let pods = stage.shell("kubectl get pods -n immich --no-headers").await?;
    ensure!(pods.contains("Running"), "{pods}");
    let left = stage.home().kube().get(SERVICES.in_namespace(APPS), ECHO).await?;
    ensure!(status_address(&left).is_none(), "{}", left["status"]);
    gone(stage, "cascade", began, FIRST_SYNC).await?;
    let answerers = stage.home().answerers(other).await?;
    ensure!(answerers.is_empty(), "{answerers:?} answer for {other}");
    delete_services(stage).await?;
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
    release_by_marks(stage).await?;
    clear_finalizer(stage).await?;
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
