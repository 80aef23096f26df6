//! `helm install`, the first Service, and what the guide's commands show.

use anyhow::{Context as _, ensure};
use lab::home::NAMESPACE;
use lab::installation::PORT;
use lab::kube::{LEASES, PODS};
use serde_json::Value;

use crate::guide::{PHOTOS, PHOTOS_PORT, photos};
use crate::stage::{Outcome, Stage, Story, stories};

pub(crate) fn stories() -> Vec<(&'static str, Story)> {
    stories![installation:
        helm_installs_it_and_the_first_service_is_answered,
        network_policies_are_accepted,
    ]
}

async fn helm_installs_it_and_the_first_service_is_answered(stage: &mut Stage) -> Outcome {
    let notes = stage.installation.install(&[]).await?;
    ensure!(notes.contains("tiklb router enroll"), "{notes}");
    let pods = stage.home().kube().list(PODS.in_namespace(NAMESPACE)).await?;
    let nodes_of = |component: &str| {
        let of = |pod: &&Value| pod["metadata"]["labels"]["app.kubernetes.io/component"] == component;
        let mut nodes: Vec<&str> = pods
            .iter()
            .filter(of)
            .filter_map(|pod| pod["spec"]["nodeName"].as_str())
            .collect();
        nodes.sort_unstable();
        nodes
    };
    ensure!(nodes_of("speaker") == ["node1", "node2", "node3"], "{pods:?}");
    let allocators = nodes_of("allocator");
    ensure!(
        allocators.len() == 2 && allocators[0] != allocators[1],
        "allocators on {allocators:?}"
    );
    let lease = stage
        .home()
        .kube()
        .get(LEASES.in_namespace(NAMESPACE), "tiklb-allocator")
        .await?;
    let holder = lease["spec"]["holderIdentity"].as_str().context("nobody leads")?;
    ensure!(
        pods.iter()
            .any(|pod| holder.starts_with(pod["metadata"]["name"].as_str().unwrap_or("-"))),
        "{holder} leads, which is no Pod"
    );

    stage.configured().await?;
    stage.installation.run(photos()).await?;
    let node = stage.installation.served(PHOTOS, PHOTOS_PORT).await?;
    eprintln!("{PHOTOS} is answered for by {node}");
    let address = stage.installation.echo().await?;
    stage.installation.served(address, PORT).await?;
    Ok(())
}

/// By a real API server. Nobody enforces them here: the lab's nodes have no such CNI.
async fn network_policies_are_accepted(stage: &mut Stage) -> Outcome {
    let values = ["networkpolicies.enabled=true", "networkpolicies.defaultDeny=true"];
    stage.installation.install(&values).await?;
    let policies = format!("kubectl get networkpolicies -n {NAMESPACE} -o name");
    let shown = stage.shell(&policies).await?;
    for name in ["tiklb-allocator", "tiklb-default-deny"] {
        ensure!(shown.contains(name), "no {name} in {shown}");
    }
    stage.installation.install(&[]).await?;
    let left = stage.shell(&policies).await?;
    ensure!(left.trim().is_empty(), "they outlive their value: {left}");
    Ok(())
}
