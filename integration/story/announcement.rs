//! One node answers for an address; another takes over when it is cut off or its speaker dies.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::answer::{asking, asking_for_each, never_unanswered, one_after_the_other, one_answer};
use super::scene::{APPS, GRACE, OBSERVED, PORT, SOON, Scene};
use super::talk::Talks;
use super::{Outcome, Story, stories};
use crate::home::NAMESPACE;
use crate::home::kind::CONFIGURATION_STATES;
use crate::kube::NODES;
use crate::wire::{Asker, PingAnswer, PingReport, PingSample, Pinger};

pub(super) fn stories() -> Vec<Story> {
    stories![announcement:
        a_cut_link_moves_the_address_and_no_return_moves_it_back,
        a_killed_speaker_is_stood_in_for,
        the_only_node_with_an_endpoint_is_stood_in_for,
        a_rollout_of_all_speakers_loses_nothing,
        a_speaker_of_a_cordoned_node_hands_over_and_loses_nothing,
        a_node_that_is_shut_down_hands_over_before_its_speaker_ends,
        a_speaker_that_was_stopped_is_stood_in_for_and_goes_on,
        a_firewall_that_drops_heartbeats_moves_nothing,
        answers_come_from_one_node_alone,
        a_speaker_may_open_packet_sockets_and_nothing_else,
    ]
}

pub(super) const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

/// Pings before something happens: what a person would call steady.
const STEADY: u64 = 200;

/// A silence that a person notices. The bench measures how short it is; a story on a busy machine only tells failover
/// from its absence, and MetalLB's five seconds.
pub(super) const NOTICED: Duration = Duration::from_secs(2);

/// Whoever stands in for a silent speaker has noticed within a third of a second that it is silent, and asked its node. The rest
/// is for a busy machine.
const STOOD_IN_WITHIN: Duration = Duration::from_secs(1);

/// The port of the heartbeats.
pub(super) const HEARTBEATS: u16 = 7_946;

/// Datagrams that may have no answer yet when a client stops, at one a millisecond.
const UNDERWAY: usize = 50;

pub(super) async fn pinging(scene: &Scene, node: &str) -> anyhow::Result<Pinger> {
    let pinger = Pinger::start(scene.home.client()?, SocketAddrV4::new(ADDRESS, PORT))?;
    let steady = |answer: &PingAnswer| *answer.node == *node && answer.sequence >= STEADY;
    pinger.wait_for(steady, SOON).await?;
    Ok(pinger)
}

pub(super) fn judge(report: &PingReport) -> Outcome {
    let silence = &report.silence;
    ensure!(
        silence.length() < NOTICED,
        "silent for {:?} ({:?} -> {:?})",
        silence.length(),
        silence.before,
        silence.after
    );
    never_twice(report)
}

/// No datagram had two answers.
pub(super) fn never_twice(report: &PingReport) -> Outcome {
    ensure!(
        report.repeated == 0,
        "{} datagrams were answered twice",
        report.repeated
    );
    Ok(())
}

pub(super) async fn other_than(pinger: &Pinger, node: &str) -> anyhow::Result<String> {
    let answer = pinger.wait_for(|answer| *answer.node != *node, SOON).await?;
    Ok(answer.node.to_string())
}

/// It stays where it is.
pub(super) async fn stays(pinger: &Pinger, node: &str) -> Outcome {
    let first = pinger.wait_for(|answer| *answer.node == *node, SOON).await?;
    match pinger.leaves(&first, OBSERVED).await {
        None => Ok(()),
        Some(answer) => bail!("{ADDRESS} moved from {node} to {} without need", answer.node),
    }
}

async fn a_cut_link_moves_the_address_and_no_return_moves_it_back(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let pinger = pinging(scene, &node).await?;
    let asker = asking(scene).await?;
    scene.home.lan().cut(&node).await?;
    let heir = other_than(&pinger, &node).await?;
    scene.record("web", &heir).await?;
    scene.home.lan().mend(&node).await?;
    stays(&pinger, &heir).await?;
    one_answer(scene, &asker.stop()?, &[&node, &heir])?;
    judge(&pinger.stop()?)?;
    let serving = scene.serves(ADDRESS).await?;
    ensure!(serving == heir, "{serving}");
    scene.record("web", &heir).await?;
    Ok(())
}

/// Waits until another node answers with the MAC address of this one.
pub(super) async fn stood_in_for(scene: &Scene, node: &str) -> Outcome {
    answered_by(scene, node, "somebody in the place of", |by| by != node).await
}

/// Waits until it answers itself.
pub(super) async fn answers_itself(scene: &Scene, node: &str) -> Outcome {
    answered_by(scene, node, "nobody but", |by| by == node).await
}

/// Waits until one answer gives the MAC address of a node, and the host that sends it fits.
async fn answered_by(scene: &Scene, node: &str, who: &str, fits: impl Fn(&str) -> bool) -> Outcome {
    crate::wait::until(&format!("{who} {node} to answer"), SOON, async || {
        let answerer = scene.home.announcer(ADDRESS, SOON).await?;
        let by = scene.home.host_with(answerer.answer.from);
        ensure!(
            answerer.host == node && fits(&by),
            "{by} answers for {}",
            answerer.host
        );
        Ok(())
    })
    .await
}

/// What a client sent was answered from beginning to end, by one node, once.
fn unharmed(report: &PingReport, node: &str) -> Outcome {
    handed_over(report, &[node])
}

/// Somebody answered at most so long after the last answer, one at a time and for this node, and no datagram was lost.
fn was_always_its(scene: &Scene, node: &str, asker: Asker, pinger: Pinger, at_most: Duration) -> Outcome {
    let report = asker.stop()?;
    never_unanswered(&report, at_most)?;
    one_answer(scene, &report, &[node])?;
    unharmed(&pinger.stop()?, node)
}

/// What a client sent was answered from beginning to end, once, by these nodes one after the other.
pub(super) fn handed_over(report: &PingReport, nodes: &[&str]) -> Outcome {
    judge(report)?;
    // The first ones may have met a kube-proxy that had not heard of the Service, the last ones may be on their way.
    let settled = report.samples.len().saturating_sub(UNDERWAY);
    let answered = |sample: &PingSample| sample.answered_us.is_some();
    let served = report.samples[..settled]
        .iter()
        .skip_while(|sample| !answered(sample));
    let lost = served.filter(|sample| !answered(sample)).count();
    ensure!(lost == 0, "{lost} of {} datagrams were lost", report.sent);
    ensure!(report.nodes == nodes, "{:?} answered", report.nodes);
    Ok(())
}

async fn a_killed_speaker_is_stood_in_for(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let pinger = pinging(scene, &node).await?;
    let asker = asking(scene).await?;
    scene.home.speaker(&node)?.kill(Signal::SIGKILL)?;
    stood_in_for(scene, &node).await?;
    scene.record("web", &node).await?;
    stays(&pinger, &node).await?;
    scene.home.start_speaker(&node).await?;
    answers_itself(scene, &node).await?;
    scene.record("web", &node).await?;
    was_always_its(scene, &node, asker, pinger, STOOD_IN_WITHIN)
}

/// `externalTrafficPolicy: Local` and one Pod, as many an ingress is run: no other node may announce the address.
async fn the_only_node_with_an_endpoint_is_stood_in_for(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    scene.home.put_endpoints(APPS, "web", &[&node]).await?;
    let pinger = pinging(scene, &node).await?;
    let asker = asking(scene).await?;
    let status = scene.home.speaker(&node)?.end(SOON).await?;
    ensure!(status.success(), "the speaker of {node} ended with {status}");
    stood_in_for(scene, &node).await?;
    scene.home.start_speaker(&node).await?;
    answers_itself(scene, &node).await?;
    scene.record("web", &node).await?;
    was_always_its(scene, &node, asker, pinger, NOTICED)
}

/// Addresses of further Services, each with connections that are open from before a rollout to its end.
const TALKED_TO: [(&str, Ipv4Addr); 3] = [
    ("web", ADDRESS),
    ("mail", Ipv4Addr::new(192, 168, 1, 211)),
    ("files", Ipv4Addr::new(192, 168, 1, 212)),
];

async fn a_rollout_of_all_speakers_loses_nothing(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let mut owners = Vec::new();
    for (name, address) in TALKED_TO {
        owners.push(scene.settle(name, address).await?);
    }
    let node = owners.first().context("no Service")?.clone();
    let pinger = pinging(scene, &node).await?;
    let addresses = TALKED_TO.map(|(_, address)| address);
    let talks = Talks::open(scene, &addresses).await?;
    let asker = asking_for_each(scene, &addresses).await?;
    let names: Vec<String> = scene.home.node_names().map(str::to_owned).collect();
    for name in &names {
        let status = scene.home.speaker(name)?.end(SOON).await?;
        ensure!(status.success(), "the speaker of {name} ended with {status}");
        if *name == node {
            stood_in_for(scene, &node).await?;
        }
        scene.home.start_speaker(name).await?;
        answers_itself(scene, &node).await?;
    }
    let report = asker.stop()?;
    never_unanswered(&report, NOTICED)?;
    for ((name, address), owner) in TALKED_TO.into_iter().zip(&owners) {
        scene.record(name, owner).await?;
        one_answer(scene, &report.of(address), &[owner])?;
    }
    talks.end().await?;
    unharmed(&pinger.stop()?, &node)
}

async fn a_speaker_of_a_cordoned_node_hands_over_and_loses_nothing(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let pinger = pinging(scene, &node).await?;
    let asker = asking(scene).await?;
    let cordoned = json!({"spec": {"unschedulable": true}});
    scene.home.kube().merge_patch(&NODES, &node, &cordoned).await?;
    // A cordon alone takes nothing away.
    stays(&pinger, &node).await?;
    let status = scene.home.speaker(&node)?.end(SOON).await?;
    ensure!(status.success(), "the speaker ended with {status}");
    let heir = other_than(&pinger, &node).await?;
    let record = scene.record("web", &heir).await?;
    ensure!(record["status"]["reason"] == "OwnerOffered", "{record}");
    one_after_the_other(scene, asker, &node, &heir).await?;
    handed_over(&pinger.stop()?, &[&node, &heir])
}

/// What a kubelet says once its machine is told to shut down, and ends the Pods.
async fn a_node_that_is_shut_down_hands_over_before_its_speaker_ends(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let pinger = pinging(scene, &node).await?;
    let asker = asking(scene).await?;
    not_ready(scene, &node).await?;
    // That alone takes nothing away.
    stays(&pinger, &node).await?;
    let speaker = scene.home.speaker(&node)?;
    speaker.kill(Signal::SIGTERM)?;
    let status = speaker.wait(GRACE).await?;
    let ended = Instant::now();
    ensure!(status.success(), "the speaker ended with {status}");
    let heir = other_than(&pinger, &node).await?;
    let record = scene.record("web", &heir).await?;
    ensure!(record["status"]["reason"] == "OwnerOffered", "{record}");
    // The machine is off.
    scene.home.lan().cut(&node).await?;
    stays(&pinger, &heir).await?;
    let begun = one_after_the_other(scene, asker, &node, &heir).await?;
    ensure!(
        begun < ended,
        "{heir} answers since the speaker of {node} is gone"
    );
    scene.keeps_its_claim("web", &heir, &record).await?;
    handed_over(&pinger.stop()?, &[&node, &heir])
}

async fn not_ready(scene: &Scene, node: &str) -> Outcome {
    let kube = scene.home.kube();
    let mut status = kube.get(NODES, node).await?["status"].take();
    let conditions = status["conditions"].as_array_mut();
    let conditions = conditions.context("a node without conditions")?;
    conditions.retain(|condition| condition["type"] != "Ready");
    let (reason, message) = ("KubeletNotReady", "node is shutting down");
    conditions.push(json!({"type": "Ready", "status": "False", "reason": reason, "message": message}));
    let patch = json!({"status": {"conditions": conditions}});
    kube.patch_status(NODES, node, &patch).await?;
    Ok(())
}

async fn a_speaker_that_was_stopped_is_stood_in_for_and_goes_on(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let pinger = pinging(scene, &node).await?;
    let asker = asking(scene).await?;
    scene.home.speaker(&node)?.kill(Signal::SIGSTOP)?;
    stood_in_for(scene, &node).await?;
    scene.home.speaker(&node)?.kill(Signal::SIGCONT)?;
    answers_itself(scene, &node).await?;
    scene.record("web", &node).await?;
    stays(&pinger, &node).await?;
    was_always_its(scene, &node, asker, pinger, STOOD_IN_WITHIN)
}

/// A firewall on the nodes drops the heartbeats alone: whoever is asked itself still answers.
async fn a_firewall_that_drops_heartbeats_moves_nothing(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let owner = scene.settle("web", ADDRESS).await?;
    let names: Vec<String> = scene.home.node_names().map(str::to_owned).collect();
    let pinger = pinging(scene, &owner).await?;
    bar(scene, &names, true).await?;
    states_name_the_port(scene, true).await?;
    bar(scene, &names, false).await?;
    states_name_the_port(scene, false).await?;
    answers_itself(scene, &owner).await?;
    scene.record("web", &owner).await?;
    unharmed(&pinger.stop()?, &owner)
}

/// Waits until a speaker's ConfigurationState tells of the heartbeats' port, or none does.
pub(super) async fn states_name_the_port(scene: &Scene, named: bool) -> Outcome {
    let summary = |state: &Value| state["status"]["conditions"].to_string();
    let port = HEARTBEATS.to_string();
    let says = |all: &[Value]| all.iter().any(|state| summary(state).contains(&port));
    let what = if named {
        "a ConfigurationState that names the port"
    } else {
        "ConfigurationStates without the port"
    };
    let states = CONFIGURATION_STATES.in_namespace(NAMESPACE);
    let kube = scene.home.kube();
    kube.wait_list(states, SOON, what, |all| says(all) == named)
        .await?;
    Ok(())
}

async fn bar(scene: &Scene, names: &[String], barred: bool) -> Outcome {
    for name in names {
        for other in names.iter().filter(|other| *other != name) {
            let address = scene
                .home
                .address_of(other)
                .context("a node without an address")?;
            scene.home.lan().host(name)?.bar(address, barred).await?;
        }
    }
    Ok(())
}

async fn answers_come_from_one_node_alone(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    for _ in 0..20 {
        let answerers = scene.home.answerers(ADDRESS).await?;
        let names: Vec<&str> = answerers.iter().map(|one| one.host.as_str()).collect();
        ensure!(names == [node.as_str()], "{names:?} answer, {node} did first");
    }
    let other = Ipv4Addr::new(192, 168, 1, 212);
    let strangers = scene.home.answerers(other).await?;
    ensure!(
        strangers.is_empty(),
        "{strangers:?} answer for {other}, which no Service has"
    );
    scene.serves(ADDRESS).await.map(drop).context("at the end")
}

/// `CAP_NET_RAW` (`linux/capability.h`), as `/proc/PID/status` writes a set.
const NET_RAW: &str = "0000000000002000";

async fn a_speaker_may_open_packet_sockets_and_nothing_else(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let process = std::path::Path::new("/proc").join(scene.home.speaker(&node)?.pid().to_string());
    let mut threads = 0;
    for thread in std::fs::read_dir(process.join("task"))? {
        let status = std::fs::read_to_string(thread?.path().join("status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim_start_matches(':').trim().to_owned())
                .with_context(|| format!("no {name} in {status}"))
        };
        let none = "0000000000000000";
        for (name, expected) in [
            ("CapPrm", NET_RAW),
            ("CapEff", NET_RAW),
            ("CapBnd", NET_RAW),
            ("CapInh", none),
            ("CapAmb", none),
            ("NoNewPrivs", "1"),
        ] {
            let has = field(name)?;
            ensure!(has == expected, "{name} of {} is {has}", field("Name")?);
        }
        threads += 1;
    }
    ensure!(threads > 1, "one thread alone was looked at");
    Ok(())
}
