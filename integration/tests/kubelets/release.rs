//! `helm uninstall` where no allocator runs: its hook gives the router back by itself.

use std::time::Instant;

use anyhow::ensure;
use lab::chart::RELEASE;
use lab::home::{NAMESPACE, homelab};
use lab::kube::LEASES;

use crate::stage::{FIRST_SYNC, Outcome, Stage, Story, stories};

pub(crate) fn stories() -> Vec<(&'static str, Story)> {
    stories![release: without_an_allocator_the_hook_gives_the_router_back]
}

async fn without_an_allocator_the_hook_gives_the_router_back(stage: &mut Stage) -> Outcome {
    stage.installed().await?;
    // With addresses in use it would not go.
    stage
        .shell(&format!(
            "kubectl delete -f {} && kubectl delete namespace apps --ignore-not-found",
            homelab("services").display()
        ))
        .await?;
    stage
        .shell(&format!(
            "kubectl scale -n {NAMESPACE} deployment/tiklb-allocator --replicas=0 && \
             kubectl wait -n {NAMESPACE} --for=delete pod -l component=allocator --timeout=120s"
        ))
        .await?;
    // As where none ever ran.
    let leases = LEASES.in_namespace(NAMESPACE);
    stage.home().kube().delete(&leases, "tiklb-allocator").await?;

    let began = Instant::now();
    stage
        .shell(&format!(
            "helm uninstall {RELEASE} --namespace {NAMESPACE} --wait --timeout 4m"
        ))
        .await?;
    stage.no_router().await?;
    stage.router_as_before()?;
    let took = began.elapsed();
    eprintln!(
        "helm uninstall without an allocator: gone after {:.1} s",
        took.as_secs_f64()
    );
    ensure!(took < FIRST_SYNC, "it took {took:?}");
    let lease = stage.home().kube().get(&leases, "tiklb-allocator").await?;
    ensure!(
        lease["spec"]["holderIdentity"].as_str().is_none_or(str::is_empty),
        "the hook did not give its Lease back: {lease}"
    );
    Ok(())
}
