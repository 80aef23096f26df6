//! Installing and removing it as `docs/install.md` and the guide say, with Helm and kubectl on a real API server. No Pod runs:
//! what they would do is played on nodes that have kubelets.

use super::super::desk::Desk;
use super::super::scene::Scene;
use super::super::{Outcome, Stage, Story, stories};
use super::line::{Line, line};
use super::promise::{GUIDE, INSTALL, MIGRATION, OPERATIONS};
use crate::home::deployed;
use crate::page;

pub(super) fn stories() -> Vec<Story> {
    let all = stories![command: by_helm_and_by_manifests with crate::home::Plan::before_tiklb];
    all.into_iter().map(|story| story.only(Stage::Real)).collect()
}

/// In their order, in the repository.
const BY_HELM: [Line; 8] = [
    line(
        INSTALL,
        "kubectl create namespace metallb-system",
        0,
        &["namespace/metallb-system created"],
    ),
    line(
        INSTALL,
        "kubectl label namespace metallb-system",
        0,
        &["namespace/metallb-system labeled"],
    ),
    line(
        INSTALL,
        "helm install tiklb deploy/chart --namespace metallb-system",
        0,
        &["STATUS: deployed"],
    ),
    line(
        MIGRATION,
        "kubectl label --overwrite namespace metallb-system",
        0,
        &["namespace/metallb-system not labeled"],
    ),
    line(
        GUIDE,
        "kubectl label namespace metallb-system",
        0,
        &["namespace/metallb-system not labeled"],
    ),
    line(
        MIGRATION,
        "helm list --namespace metallb-system",
        0,
        &["tiklb", "deployed"],
    ),
    line(
        OPERATIONS,
        "helm upgrade tiklb deploy/chart --namespace metallb-system",
        0,
        &["has been upgraded"],
    ),
    line(
        MIGRATION,
        "kubectl annotate $(kubectl get crd -o name | grep '\\.metallb\\.io$') argocd",
        0,
        &["ipaddresspools.metallb.io annotated"],
    ),
];

/// In a copy of the guide's repository.
const CONFIGURED: Line = line(
    GUIDE,
    "kubectl apply -f config/tiklb/manifests/",
    0,
    &[
        "ipaddresspool.metallb.io/homelab-pool created",
        "mikrotikrouter.tiklb.io/router created",
        "addressreservation.tiklb.io/photos created",
    ],
);

/// The hook needs a Pod.
const REMOVED: Line = line(
    MIGRATION,
    "helm uninstall tiklb --namespace metallb-system --no-hooks",
    0,
    &["release \"tiklb\" uninstalled"],
);

/// The definitions have stayed.
const AGAIN: Line = line(
    GUIDE,
    "helm install tiklb deploy/chart --namespace metallb-system",
    0,
    &["STATUS: deployed"],
);

/// Without Helm.
const BY_MANIFESTS: [Line; 4] = [
    line(
        INSTALL,
        "kubectl delete crd -l app.kubernetes.io/name=tiklb",
        0,
        &["\"mikrotikrouters.tiklb.io\" deleted"],
    ),
    line(
        INSTALL,
        "kubectl apply --server-side -f deploy/manifests/tiklb.yaml",
        0,
        &["daemonset.apps/tiklb-speaker serverside-applied"],
    ),
    line(
        INSTALL,
        "kubectl delete clusterroles,clusterrolebindings -l",
        0,
        &["\"tiklb-allocator\" deleted"],
    ),
    line(
        GUIDE,
        "kubectl get crd -o name -l",
        0,
        &["\"mikrotikrouters.tiklb.io\" deleted"],
    ),
];

pub(super) fn lines() -> impl Iterator<Item = &'static Line> {
    let others = [&CONFIGURED, &REMOVED, &AGAIN];
    BY_HELM.iter().chain(others).chain(&BY_MANIFESTS)
}

async fn by_helm_and_by_manifests(scene: &mut Scene) -> Outcome {
    let desk = Desk::open(&scene.home)?;
    let repository = page::repository()?;
    for line in BY_HELM {
        line.plays_in(scene, &desk, &repository).await?;
    }
    let copy = format!("cp -r {} copy", deployed("examples/homelab").display());
    desk.types(scene, &copy, 0, &[]).await?;
    CONFIGURED.plays_in(scene, &desk, &desk.file("copy")).await?;
    for line in [REMOVED, AGAIN, REMOVED] {
        line.plays_in(scene, &desk, &repository).await?;
    }
    for line in BY_MANIFESTS {
        line.plays_in(scene, &desk, &repository).await?;
    }
    Ok(())
}
