//! What is wrong is said where a person looks, with what to do.

use anyhow::{Result, ensure};
use lab::home::NAMESPACE;
use lab::home::kind::SERVICE_L2_STATUSES;
use lab::page;
use lab::wait::until;
use serde_json::Value;

use crate::guide::{PHOTOS, PHOTOS_PORT, photos};
use crate::records::{turn_into, withdraw};
use crate::stage::{FIRST_SYNC, Outcome, ROUTER, Stage, Story, stories};

pub(crate) fn stories() -> Vec<(&'static str, Story)> {
    stories![trouble:
        a_secret_that_is_missing_is_named,
        a_rollout_without_the_capability_ends_with_the_first_node,
        without_its_labels_a_namespace_lets_no_speaker_in,
        a_card_that_no_node_has_is_said,
        a_definition_of_metallbs_is_said_and_not_written_against,
    ]
}

/// Fields of a ServiceL2Status' status that MetalLB's definition does not have, up to 0.15.2.
const METALLB_LACKS: [&str; 5] = ["addresses", "epoch", "mac", "reason", "since"];

/// Writes of one status that the API server drops a part of, until the log has said so: a request takes milliseconds, and
/// one that was not spaced out would have been made a hundred times.
const FEW: usize = 10;

/// Waits until a command's output has these words.
async fn says(stage: &Stage, command: &str, words: &str) -> Outcome {
    until(&format!("`{command}` to say {words:?}"), FIRST_SYNC, async || {
        let shown = stage.shell(command).await?;
        ensure!(shown.contains(words), "{shown}");
        Ok(())
    })
    .await
}

async fn a_secret_that_is_missing_is_named(stage: &mut Stage) -> Outcome {
    stage.installed().await?;
    stage
        .shell(&format!("kubectl delete secret -n {NAMESPACE} mikrotik"))
        .await?;
    let describe = format!("kubectl describe mikrotikrouter -n {NAMESPACE} {ROUTER}");
    let words =
        "Secret metallb-system/mikrotik does not exist: create it with the keys username and password";
    let said = says(stage, &describe, words).await;
    stage.home().put_secrets().await?;
    said?;
    stage
        .home()
        .router_condition(ROUTER, "Authorized", "True", FIRST_SYNC)
        .await?;
    Ok(())
}

async fn a_rollout_without_the_capability_ends_with_the_first_node(stage: &mut Stage) -> Outcome {
    stage.installed().await?;
    let patch =
        r#"[{"op": "remove", "path": "/spec/template/spec/containers/0/securityContext/capabilities/add"}]"#;
    stage
        .shell(&format!(
            "kubectl patch daemonset -n {NAMESPACE} tiklb-speaker --type=json --patch='{patch}'"
        ))
        .await?;
    let logs = format!("kubectl logs -n {NAMESPACE} -l component=speaker --tail=-1 --prefix");
    says(stage, &logs, "the speaker needs the capability NET_RAW").await?;
    // Started again, it ends again: it never counts as ready, and the others stay.
    let restarts = format!(
        "kubectl get pods -n {NAMESPACE} -l component=speaker --no-headers -o custom-columns=N:.status.containerStatuses[0].restartCount"
    );
    says(stage, &restarts, "1").await?;
    let ready =
        format!("kubectl get daemonset -n {NAMESPACE} tiklb-speaker -o jsonpath={{.status.numberReady}}");
    says(stage, &ready, "2").await?;
    stage.installed().await?;
    stage.home().all_hear_each_other().await
}

/// What the API server says then is what docs/operations.md has.
async fn without_its_labels_a_namespace_lets_no_speaker_in(stage: &mut Stage) -> Outcome {
    stage.installed().await?;
    let enforce = |level: &str| {
        format!("kubectl label namespace {NAMESPACE} --overwrite pod-security.kubernetes.io/enforce={level}")
    };
    stage.shell(&enforce("baseline")).await?;
    stage
        .shell(&format!(
            "kubectl delete pod -n {NAMESPACE} -l component=speaker --field-selector spec.nodeName=node1"
        ))
        .await?;
    let describe = format!("kubectl -n {NAMESPACE} describe daemonset tiklb-speaker");
    let words = "violates PodSecurity \"baseline:latest\": non-default capabilities (container \"speaker\" must not include \"NET_RAW\"";
    ensure!(page::read("docs/operations.md")?.contains(words));
    let said = says(stage, &describe, words).await;
    stage.shell(&enforce("privileged")).await?;
    said?;
    stage.installation.settled().await
}

async fn a_card_that_no_node_has_is_said(stage: &mut Stage) -> Outcome {
    stage.installed().await?;
    stage.installation.run(photos()).await?;
    stage.installation.served(PHOTOS, PHOTOS_PORT).await?;
    let patch = |interfaces: &str| {
        format!(
            "kubectl patch l2advertisement -n {NAMESPACE} homelab-l2 --type=merge \
             --patch='{{\"spec\": {{\"interfaces\": {interfaces}}}}}'"
        )
    };
    stage.shell(&patch(r#"["eth9"]"#)).await?;
    let states = format!("kubectl get configurationstates -n {NAMESPACE} -o yaml");
    // YAML is folded: the words that follow are in another line.
    let said = says(
        stage,
        &states,
        "L2Advertisement homelab-l2: spec.interfaces: node node1 has no",
    )
    .await;
    stage.shell(&patch("null")).await?;
    said?;
    stage.installation.served(PHOTOS, PHOTOS_PORT).await?;
    Ok(())
}

/// Whoever puts MetalLB's definitions back over tiklb's takes fields away that the speakers write.
async fn a_definition_of_metallbs_is_said_and_not_written_against(stage: &mut Stage) -> Outcome {
    stage.installed().await?;
    stage.installation.run(photos()).await?;
    stage.installation.served(PHOTOS, PHOTOS_PORT).await?;
    withdraw(stage).await?;
    let removals = METALLB_LACKS.map(|field| {
        let path = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties";
        format!(r#"{{"op": "remove", "path": "{path}/{field}"}}"#)
    });
    stage
        .shell(&format!(
            "kubectl patch crd servicel2statuses.metallb.io --type=json --patch='[{}]'",
            removals.join(", ")
        ))
        .await?;
    let before = status_writes(stage)?;
    turn_into(stage, "LoadBalancer").await?;
    stage.installation.served(PHOTOS, PHOTOS_PORT).await?;
    let logs = format!("kubectl logs -n {NAMESPACE} -l component=speaker --tail=-1 --prefix");
    let words = "as the kind's CustomResourceDefinition is older than tiklb";
    let said = says(stage, &logs, words).await;
    let writes = status_writes(stage)? - before;
    ensure!(writes <= FEW, "the status was written {writes} times");
    said?;

    stage.installed().await?;
    let whole = |all: &[Value]| !all.is_empty() && all.iter().all(|one| one["status"]["epoch"].is_u64());
    let statuses = SERVICE_L2_STATUSES.in_namespace(NAMESPACE);
    let kube = stage.home().kube();
    kube.wait_list(statuses, FIRST_SYNC, "whole statuses", whole)
        .await?;
    Ok(())
}

/// How often speakers have written who announces what.
fn status_writes(stage: &Stage) -> Result<usize> {
    let write = |event: &&Value| {
        event["objectRef"]["resource"] == "servicel2statuses" && event["objectRef"]["subresource"] == "status"
    };
    Ok(stage.requests()?.iter().filter(write).count())
}
