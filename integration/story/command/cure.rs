//! The cures that `docs/doctor.md` has a command for: what is wrong is found, the command is typed, nothing is found.

use std::net::Ipv4Addr;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::super::desk::Desk;
use super::super::doctor::{WEBHOOKS, dead_webhook, earlier_kind, metallb_workloads, says};
use super::super::scene::{SOON, Scene};
use super::super::{Outcome, Stage, Story, stories};
use super::line::{Line, line};
use super::promise::DOCTOR;
use crate::home::NAMESPACE;
use crate::home::kind::ADDRESS_RESERVATIONS;
use crate::kube::{CUSTOM_RESOURCE_DEFINITIONS, Resource, SECRETS};
use crate::page;

pub(super) fn stories() -> Vec<Story> {
    let mut all = stories![command: a_definition_that_is_missing_and_a_key_that_is_replaced];
    let real = stories![command: what_is_left_over_or_old_is_mended_by_the_line_of_its_finding];
    all.extend(real.into_iter().map(|story| story.only(Stage::Real)));
    all
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

/// What the speakers sign with.
const KEY: &str = "tiklb-heartbeat";

const ROLE_BINDINGS: Resource =
    Resource::namespaced("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding");

const DEFINITIONS: Line = line(
    DOCTOR,
    "tiklb crds | kubectl apply --server-side -f -",
    0,
    &["addressreservations.tiklb.io"],
);
const OLD_DEFINITIONS: Line = line(
    DOCTOR,
    "tiklb crds | kubectl apply --server-side --force-conflicts -f -",
    0,
    &["addressreservations.tiklb.io"],
);
const NEW_KEY: Line = line(
    DOCTOR,
    "kubectl -n metallb-system delete secret tiklb-heartbeat",
    0,
    &["deleted"],
);
const METALLB: Line = line(
    DOCTOR,
    "kubectl -n metallb-system delete deployment/controller daemonset/speaker",
    0,
    &["\"controller\" deleted", "\"speaker\" deleted"],
);
const DEAD_WEBHOOK: Line = line(
    DOCTOR,
    "kubectl delete validatingwebhookconfiguration",
    0,
    &["\"metallb-webhook-configuration\" deleted"],
);
const DEAD_CONVERSION: Line = line(
    DOCTOR,
    "kubectl delete crd bgppeers.metallb.io",
    0,
    &["\"bgppeers.metallb.io\" deleted"],
);
const RELEASE: Line = line(
    DOCTOR,
    "kubectl -n metallb-system delete secret -l owner=helm,name=metallb",
    0,
    &["\"sh.helm.release.v1.metallb.v1\" deleted"],
);
const RIGHTS: Line = line(DOCTOR, "kubectl apply -f deploy/rbac", 0, &["rolebinding"]);

pub(super) fn lines() -> impl Iterator<Item = &'static Line> {
    [
        &DEFINITIONS,
        &OLD_DEFINITIONS,
        &NEW_KEY,
        &METALLB,
        &DEAD_WEBHOOK,
        &DEAD_CONVERSION,
        &RELEASE,
        &RIGHTS,
    ]
    .into_iter()
}

/// A pool that is announced, a Service, and a doctor who finds nothing.
async fn healthy(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.settle("web", ADDRESS).await?;
    scene.home.all_hear_each_other().await?;
    well(scene).await
}

async fn well(scene: &Scene) -> Outcome {
    says(scene, &["doctor"], 0, &["nothing found, "]).await
}

/// Without kubectl the lab's own client has its place.
async fn a_definition_that_is_missing_and_a_key_that_is_replaced(scene: &mut Scene) -> Outcome {
    healthy(scene).await?;
    let desk = Desk::open(&scene.home)?;
    let kube = scene.home.kube();
    let reservations = ADDRESS_RESERVATIONS.definition();
    kube.delete(CUSTOM_RESOURCE_DEFINITIONS, &reservations).await?;
    says(scene, &["doctor"], 2, &[&reservations, "(DefinitionMissing)"]).await?;
    if desk.has_kubectl() {
        DEFINITIONS.plays(scene, &desk).await?;
    } else {
        let line = DEFINITIONS.typed()?;
        let (printed, _) = line.split_once(" | ").context("nothing is handed over")?;
        desk.types(scene, &format!("{printed} > crds.yaml"), 0, &[])
            .await?;
        kube.apply_file(&desk.file("crds.yaml")).await?;
    }
    well(scene).await?;

    let secrets = SECRETS.in_namespace(NAMESPACE);
    let old = kube.get(&secrets, KEY).await?;
    if desk.has_kubectl() {
        NEW_KEY.plays(scene, &desk).await?;
    } else {
        kube.delete(&secrets, KEY).await?;
    }
    let renewed = |secret: &Value| secret["data"] != old["data"];
    kube.wait_for(&secrets, KEY, SOON, "another key", renewed).await?;
    scene.home.all_hear_each_other().await?;
    well(scene).await
}

async fn what_is_left_over_or_old_is_mended_by_the_line_of_its_finding(scene: &mut Scene) -> Outcome {
    healthy(scene).await?;
    let desk = Desk::open(&scene.home)?;
    left_over(scene, &desk).await?;
    old(scene, &desk).await
}

/// What MetalLB may leave.
async fn left_over(scene: &Scene, desk: &Desk) -> Outcome {
    let kube = scene.home.kube();
    metallb_workloads(kube, "v0.15.2").await?;
    mended(scene, desk, "MetalLbRuns", METALLB).await?;

    kube.create(WEBHOOKS, &dead_webhook()).await?;
    mended(scene, desk, "DeadWebhook", DEAD_WEBHOOK).await?;

    kube.create(CUSTOM_RESOURCE_DEFINITIONS, &earlier_kind("BGPPeer"))
        .await?;
    mended(scene, desk, "DeadConversion", DEAD_CONVERSION).await?;

    let release = json!({
        "metadata": {
            "name": "sh.helm.release.v1.metallb.v1",
            "labels": {"owner": "helm", "name": "metallb", "status": "deployed", "version": "1"},
        },
        "type": "helm.sh/release.v1",
        "stringData": {"release": "none of the lab's business"},
    });
    kube.create(SECRETS.in_namespace(NAMESPACE), &release).await?;
    RELEASE.plays(scene, desk).await
}

/// What an older version has, or somebody took away.
async fn old(scene: &Scene, desk: &Desk) -> Outcome {
    let kube = scene.home.kube();
    let reservations = ADDRESS_RESERVATIONS.definition();
    let found = kube.get(CUSTOM_RESOURCE_DEFINITIONS, &reservations).await?;
    let mut versions = found["spec"]["versions"].clone();
    let status = "/0/schema/openAPIV3Schema/properties/status/properties";
    let properties = versions.pointer_mut(status).and_then(Value::as_object_mut);
    let field = properties.and_then(|properties| properties.remove("row"));
    ensure!(
        field.is_some(),
        "the status of an AddressReservation has no row: {found}"
    );
    let without = json!({"spec": {"versions": versions}});
    kube.merge_patch(CUSTOM_RESOURCE_DEFINITIONS, &reservations, &without)
        .await?;
    mended(scene, desk, "DefinitionOld", OLD_DEFINITIONS).await?;

    let bindings = ROLE_BINDINGS.in_namespace(NAMESPACE);
    let all = kube.list(&bindings).await?;
    let one = all
        .iter()
        .filter_map(|binding| binding["metadata"]["name"].as_str())
        .find(|name| name.starts_with("tiklb-"));
    let one = one.with_context(|| format!("no RoleBinding of tiklb's: {all:?}"))?;
    kube.delete(&bindings, one).await?;
    // Its paths begin in the repository.
    RIGHTS.plays_in(scene, desk, &page::repository()?).await?;
    kube.get(&bindings, one).await?;
    well(scene).await
}

/// The doctor finds it, the page's line is typed, and the doctor finds nothing.
async fn mended(scene: &Scene, desk: &Desk, kind: &str, cure: Line) -> Outcome {
    says(scene, &["doctor"], 2, &[&format!("({kind})")]).await?;
    cure.plays(scene, desk).await?;
    well(scene)
        .await
        .with_context(|| format!("after the cure of {kind}"))
}
