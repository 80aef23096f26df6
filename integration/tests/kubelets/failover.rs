//! A node that stops, a cable that is cut, a rollout, a drain: what a client of the Service sees.

use std::net::SocketAddrV4;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lab::home::NAMESPACE;
use lab::installation::PORT;
use lab::kube::PODS;
use lab::wait::until;
use lab::wire::{Conversation, PingReport, Pinger};
use serde_json::Value;

use crate::stage::{Outcome, SOON, Stage, Story, stories};

pub(crate) fn stories() -> Vec<(&'static str, Story)> {
    stories![failover:
        a_cable_that_is_cut,
        a_node_that_stops,
        an_upgrade_loses_nothing,
        a_drain_moves_nothing_and_loses_nothing,
    ]
}

/// A silence that a person notices. The benches measure; here the machine may be busy with anything.
const NOTICED: Duration = Duration::from_secs(1);
/// Answers before and after, one a millisecond: a client that is served.
const STEADY: u64 = 300;
/// How often the open connection is used.
const TALK: Duration = Duration::from_millis(100);

/// Everything stands; the Service's address, and the node that answers for it.
pub(crate) async fn begin(stage: &mut Stage) -> Result<(SocketAddrV4, String)> {
    stage.installed().await?;
    let address = stage.installation.echo().await?;
    stage.installation.settled().await?;
    let node = stage.installation.served(address, PORT).await?;
    Ok((SocketAddrV4::new(address, PORT), node))
}

/// A client that is served by `node`.
pub(crate) async fn client(stage: &Stage, target: SocketAddrV4, node: &str) -> Result<Pinger> {
    let pinger = Pinger::start(stage.home().client()?, target)?;
    let steady = |answer: &lab::wire::PingAnswer| *answer.node == *node && answer.sequence >= STEADY;
    pinger.wait_for(steady, SOON).await?;
    Ok(pinger)
}

/// Waits until another node than `gone` serves the client: which one, and what the client saw.
pub(crate) async fn taken_over(pinger: Pinger, gone: &str) -> Result<(String, PingReport)> {
    let first = pinger.wait_for(|answer| *answer.node != *gone, SOON).await?;
    let enough = first.sequence + STEADY;
    pinger
        .wait_for(|answer| *answer.node != *gone && answer.sequence >= enough, SOON)
        .await?;
    Ok((first.node.to_string(), pinger.stop()?))
}

/// Datagrams that nobody answered, before the last one that somebody did: what was sent then was still under way.
pub(crate) fn lost(report: &PingReport) -> usize {
    let answered = report
        .samples
        .iter()
        .rposition(|sample| sample.answered_us.is_some());
    let over = &report.samples[..answered.unwrap_or(0)];
    over.iter().filter(|sample| sample.answered_us.is_none()).count()
}

pub(crate) fn judge(what: &str, report: &PingReport) -> Outcome {
    let silence = report.silence.length();
    eprintln!(
        "{what}: silent for {:.1} ms ({} lost of {}, the client was late by up to {:.1} ms)",
        silence.as_secs_f64() * 1e3,
        lost(report),
        report.sent,
        report.lateness.as_secs_f64() * 1e3
    );
    ensure!(silence < NOTICED, "{what}: silent for {silence:?}");
    Ok(())
}

async fn a_cable_that_is_cut(stage: &mut Stage) -> Outcome {
    let (target, node) = begin(stage).await?;
    let pinger = client(stage, target, &node).await?;
    stage.home().lan().cut(&node).await?;
    let outcome = taken_over(pinger, &node).await;
    stage.home().lan().mend(&node).await?;
    let (heir, report) = outcome?;
    judge(&format!("{node} was cut off, {heir} took over"), &report)?;
    // Who returns takes nothing back.
    stage.installation.settled().await?;
    ensure!(stage.installation.served(*target.ip(), PORT).await? == heir);
    Ok(())
}

async fn a_node_that_stops(stage: &mut Stage) -> Outcome {
    let (target, node) = begin(stage).await?;
    let before = containers(stage, &node).await?;
    let pinger = client(stage, target, &node).await?;
    stage.home().lan().cut(&node).await?;
    stage.installation.cluster_mut()?.power_off(&node).await?;
    let outcome = taken_over(pinger, &node).await;
    stage.home().lan().mend(&node).await?;
    stage.installation.cluster_mut()?.power_on(&node).await?;
    let (heir, report) = outcome?;
    judge(&format!("{node} was switched off, {heir} took over"), &report)?;
    // The API says "ready" of containers that are dead until the kubelet has looked.
    until("the node's containers to run again", 4 * SOON, async || {
        let now = containers(stage, &node).await?;
        ensure!(
            now.len() == before.len() && now.iter().all(|one| !before.contains(one)),
            "{before:?} before, {now:?} now"
        );
        Ok(())
    })
    .await?;
    stage.installation.settled().await?;
    ensure!(stage.installation.served(*target.ip(), PORT).await? == heir);
    Ok(())
}

/// The running containers of a node's speaker: one, or none.
async fn containers(stage: &Stage, node: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for pod in stage.home().kube().list(PODS.in_namespace(NAMESPACE)).await? {
        let owned = pod["metadata"]["ownerReferences"][0]["kind"] == "DaemonSet";
        let status = &pod["status"]["containerStatuses"][0];
        if owned && pod["spec"]["nodeName"] == node && status["ready"] == true {
            found.extend(status["containerID"].as_str().map(str::to_owned));
        }
    }
    Ok(found)
}

/// Runs commands while a client sends every millisecond and another one keeps a connection: nothing is lost, nothing reset.
async fn unnoticed(stage: &Stage, what: &str, target: SocketAddrV4, commands: &[String]) -> Outcome {
    let client = stage.home().client()?;
    let pinger = Pinger::start(client, target)?;
    pinger.wait_for(|answer| answer.sequence >= STEADY, SOON).await?;
    let mut conversation = Conversation::open(client, target, SOON).await?;
    let mut pace = tokio::time::interval(TALK);
    let work = async {
        for command in commands {
            stage.shell(command).await?;
        }
        stage.installation.settled().await
    };
    let mut work = std::pin::pin!(work);
    // What was begun is finished: Helm never forgets an upgrade that was cut off.
    let mut talk = Ok(());
    loop {
        tokio::select! {
            done = &mut work => break done?,
            _ = pace.tick(), if talk.is_ok() => talk = conversation.say("still there?", SOON).await,
        }
    }
    talk.context("the open connection")?;
    conversation
        .say("to the end?", SOON)
        .await
        .context("the open connection")?;
    let report = pinger.stop()?;
    judge(what, &report)?;
    ensure!(
        lost(&report) == 0 && report.repeated == 0,
        "{what}: {} datagrams were lost, {} answered twice",
        lost(&report),
        report.repeated
    );
    Ok(())
}

async fn an_upgrade_loses_nothing(stage: &mut Stage) -> Outcome {
    let (target, _) = begin(stage).await?;
    let pods = pods(stage).await?;
    let upgrade = format!(
        "helm upgrade tiklb {} -n {NAMESPACE} --reuse-values --set speaker.logLevel=debug --set controller.logLevel=debug \
         --wait --timeout 4m",
        lab::chart::folder().display()
    );
    unnoticed(stage, "helm upgrade", target, &[upgrade]).await?;
    let now = self::pods(stage).await?;
    ensure!(
        now.iter().all(|pod| !pods.contains(pod)),
        "the upgrade did not roll all Pods: {pods:?}, {now:?}"
    );
    Ok(())
}

/// The names of tiklb's Pods that are not on their way out.
async fn pods(stage: &Stage) -> Result<Vec<String>> {
    let pods = stage.home().kube().list(PODS.in_namespace(NAMESPACE)).await?;
    let stays = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
    let names = pods
        .iter()
        .filter(stays)
        .filter_map(|pod| pod["metadata"]["name"].as_str());
    Ok(names.map(str::to_owned).collect())
}

async fn a_drain_moves_nothing_and_loses_nothing(stage: &mut Stage) -> Outcome {
    let (target, node) = begin(stage).await?;
    let drain = format!("kubectl drain {node} --ignore-daemonsets --delete-emptydir-data --timeout=120s");
    let drained = unnoticed(stage, &format!("drain of {node}"), target, &[drain]).await;
    // Its speaker is a DaemonSet's, which a drain leaves alone: the address goes when the speaker does.
    let stayed = async {
        drained?;
        let now = stage.installation.served(*target.ip(), PORT).await?;
        ensure!(now == node, "{node} was drained, and {now} announces");
        Ok(())
    };
    let stayed = stayed.await;
    stage.shell(&format!("kubectl uncordon {node}")).await?;
    stayed
}
