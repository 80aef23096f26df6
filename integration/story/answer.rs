//! One answer to each question, whatever happens to the speakers: a client that asks fifty times a second never hears two
//! nodes.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::announcement::{
    ADDRESS, NOTICED, answers_itself, handed_over, never_twice, other_than, pinging, stays, stood_in_for,
};
use super::scene::{OBSERVED, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::wait::until;
use crate::wire::{ArpAnswer, AskReport, Asker};

pub(super) fn stories() -> Vec<Story> {
    stories![answer:
        a_speaker_that_stands_still_for_ten_seconds_keeps_its_address,
        a_node_without_a_process_that_runs_is_stood_in_for_for_a_minute_and_then_followed,
        nothing_moves_while_every_core_is_overloaded,
        a_cut_cable_is_followed_once_while_every_core_is_overloaded,
    ]
}

/// The lowest of the addresses that the client asks from; nobody else has any of them.
const ASKERS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 60);

/// After a partition both may answer until the first heartbeats that go both ways, which are sent ten times a second. The
/// rest is for a busy machine.
const UNTIL_THEY_MEET: Duration = Duration::from_secs(5);

/// An owner that hands an address over hears of the heir's claim by a datagram. The rest is for a busy machine.
const HANDED_OVER_WITHIN: Duration = Duration::from_secs(1);

/// A client that asks for the address all the time; the first answer has come. One at a time: its addresses are taken.
pub(super) async fn asking(scene: &Scene) -> Result<Asker> {
    asking_for(scene, ADDRESS).await
}

/// The same for any address.
pub(super) async fn asking_for(scene: &Scene, address: Ipv4Addr) -> Result<Asker> {
    asking_for_each(scene, &[address]).await
}

/// The same for many, in turn.
pub(super) async fn asking_for_each(scene: &Scene, addresses: &[Ipv4Addr]) -> Result<Asker> {
    let asker = Asker::for_each(scene.home.client()?, addresses, ASKERS).await?;
    asker.all_answered(SOON).await?;
    Ok(asker)
}

/// No question had two answers that differ, and the nodes that answered were these, one after the other.
pub(super) fn one_answer(scene: &Scene, report: &AskReport, nodes: &[&str]) -> Outcome {
    never_two(scene, report, |_| false)?;
    let owners = owners(scene, report);
    ensure!(owners == nodes, "{owners:?} answered for {ADDRESS}");
    Ok(())
}

/// Waits until the client hears one node alone, which goes on for as long as one watches: its name, and since when.
pub(super) async fn settled(scene: &Scene, asker: &Asker) -> Result<(String, Instant)> {
    until("one node to answer, and to go on", SOON, async || {
        let first = asker.wait_for(|_| true, SOON).await?.answer.mac;
        let since = Instant::now();
        match asker.wait_for(|answer| answer.mac != first, OBSERVED).await {
            Ok(other) => bail!("{} answers, {first} did before", other.answer.mac),
            Err(_) => Ok((scene.home.host_with(first), since)),
        }
    })
    .await
}

/// In the end one of these answers and is on record; two answered for a moment at most, when the parts met.
pub(super) async fn one_is_left(
    scene: &Scene,
    asker: Asker,
    healed: Instant,
    candidates: &[&str],
) -> Outcome {
    let (left, since) = settled(scene, &asker).await?;
    ensure!(candidates.contains(&left.as_str()), "{left} answers");
    scene.record("web", &left).await?;
    let report = asker.stop()?;
    let met = since.min(healed + UNTIL_THEY_MEET);
    never_two(scene, &report, |at| healed <= at && at <= met)?;
    let owners = owners(scene, &report.since(since));
    ensure!(owners == [left.as_str()], "{owners:?} answered in the end");
    Ok(())
}

/// One node hands the address over to another on purpose: it answers until it hears that the heir does, so that somebody always
/// does. When the heir was first heard.
pub(super) async fn one_after_the_other(
    scene: &Scene,
    asker: Asker,
    from: &str,
    to: &str,
) -> Result<Instant> {
    let (left, since) = settled(scene, &asker).await?;
    ensure!(left == to, "{left} answers");
    let report = asker.stop()?;
    let is_heirs = |answer: &ArpAnswer| scene.home.host_with(answer.mac) == to;
    let mut questions = report.questions.iter();
    let first = questions.find(|question| question.answers.iter().any(is_heirs));
    let first = first.context("the heir answered no question")?.at;
    let given_up = since.min(first + HANDED_OVER_WITHIN);
    never_two(scene, &report, |at| first <= at && at <= given_up)?;
    let all = owners(scene, &report);
    let only_these = all.iter().all(|name| name == from || name == to);
    ensure!(
        all.first().is_some_and(|name| name == from) && only_these,
        "{all:?} answered"
    );
    let after = owners(scene, &report.since(since));
    ensure!(after == [to], "{after:?} answered in the end");
    never_unanswered(&report, NOTICED)?;
    Ok(first)
}

/// Whose MAC addresses were given, one after the other.
pub(super) fn owners(scene: &Scene, report: &AskReport) -> Vec<String> {
    let owners = report.owners();
    owners.into_iter().map(|mac| scene.home.host_with(mac)).collect()
}

/// Whoever asked was answered in time, to the end, for each address.
pub(super) fn never_unanswered(report: &AskReport, at_most: Duration) -> Outcome {
    let addresses: BTreeSet<Ipv4Addr> = report.questions.iter().map(|question| question.address).collect();
    ensure!(!addresses.is_empty(), "nobody asked");
    for address in addresses {
        let report = report.of(address);
        let (since, length) = report.longest_wait();
        ensure!(
            length < at_most,
            "nobody answered for {address} for {length:?}, {since:?} after the first question"
        );
        let answered = report
            .questions
            .iter()
            .rfind(|question| !question.answers.is_empty());
        let (last, end) = (answered, report.questions.last());
        let (last, end) = last
            .zip(end)
            .with_context(|| format!("nobody ever answered for {address}"))?;
        let silent = end.after.saturating_sub(last.after);
        ensure!(
            silent < at_most,
            "nobody answered for {address} in the last {silent:?}"
        );
    }
    Ok(())
}

/// No question had two answers that differ, but those that were asked when two may answer.
pub(super) fn never_two(scene: &Scene, report: &AskReport, allowed: impl Fn(Instant) -> bool) -> Outcome {
    let wrong = report.contradicted().filter(|question| !allowed(question.at));
    let told: Vec<String> = wrong
        .map(|question| {
            let answers = question.answers.iter().map(|answer| {
                let (says, by) = (
                    scene.home.host_with(answer.mac),
                    scene.home.host_with(answer.from),
                );
                format!("{says} (said by {by} after {:?})", answer.after)
            });
            let answers: Vec<String> = answers.collect();
            format!("at {:?}: {}", question.after, answers.join(" and "))
        })
        .collect();
    ensure!(
        told.is_empty(),
        "{} of {} questions had two answers: {}",
        told.len(),
        report.questions.len(),
        told.join("; ")
    );
    Ok(())
}

/// Thirty times what a speaker's silence takes to be noticed.
const STILL: Duration = Duration::from_secs(10);

async fn a_speaker_that_stands_still_for_ten_seconds_keeps_its_address(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let before = scene.record("web", &node).await?;
    let pinger = pinging(scene, &node).await?;
    let asker = asking(scene).await?;
    // It alone: what forwards is the kernel's, as with kube-proxy, and the pods run on.
    scene.home.speaker(&node)?.stop().await?;
    let begun = Instant::now();
    stood_in_for(scene, &node).await?;
    tokio::time::sleep(STILL.saturating_sub(begun.elapsed())).await;
    scene.home.speaker(&node)?.resume()?;
    answers_itself(scene, &node).await?;
    scene.keeps_its_claim("web", &node, &before).await?;
    stays(&pinger, &node).await?;
    let report = asker.stop()?;
    one_answer(scene, &report, &[&node])?;
    never_unanswered(&report, NOTICED)?;
    handed_over(&pinger.stop()?, &[&node])
}

/// How long a silent speaker is stood in for while its node's kernel lives.
const STAND_IN: Duration = Duration::from_mins(1);

/// What a busy machine may be late by when it says that the minute began, or see of it too late.
const ROUGHLY: Duration = Duration::from_secs(10);

/// Its kernel takes every connection, and no pod reads one: whoever stands in cannot help that, and takes the address when
/// the minute is over.
async fn a_node_without_a_process_that_runs_is_stood_in_for_for_a_minute_and_then_followed(
    scene: &mut Scene,
) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let pinger = pinging(scene, &node).await?;
    let asker = asking(scene).await?;
    let own = asker.wait_for(|_| true, SOON).await?.answer.mac;
    scene.home.freeze(&node).await?;
    let frozen = Instant::now();
    stood_in_for(scene, &node).await?;
    let moved = asker
        .wait_for(|answer| answer.mac != own, STAND_IN + SOON)
        .await?;
    let after = moved.asked.saturating_duration_since(frozen);
    ensure!(after + ROUGHLY > STAND_IN, "it moved after {after:?}");
    let heir = other_than(&pinger, &node).await?;
    ensure!(scene.home.host_with(moved.answer.mac) == heir, "{heir} serves");
    scene.record("web", &heir).await?;
    stays(&pinger, &heir).await?;
    // What lies in its kernel since then is nobody's answer any more.
    never_twice(&pinger.stop()?)?;
    scene.home.thaw(&node)?;
    scene.home.all_hear_each_other().await?;
    let (left, _) = settled(scene, &asker).await?;
    ensure!(left == heir, "{left} answers");
    let record = scene.record("web", &heir).await?;
    ensure!(record["status"]["reason"] == "OwnerSilent", "{record}");
    let report = asker.stop()?;
    one_answer(scene, &report, &[&node, &heir])?;
    never_unanswered(&report, NOTICED)
}

/// How long the machine has more to do than it can.
const OVERLOAD: Duration = Duration::from_secs(15);

/// Programs that do nothing but compute, for each core.
const LOOPS: usize = 2;

/// How long somebody who asks may wait meanwhile, whatever else happens: what takes a third of a second at most, and a hundred
/// turns of the loops.
const OVERLOADED: Duration = Duration::from_secs(5);

/// They end when dropped.
struct Overload(Vec<std::process::Child>);

impl Overload {
    fn begin() -> Result<Self> {
        let cores = std::thread::available_parallelism()?.get();
        let mut overload = Self(Vec::new());
        for _ in 0..cores * LOOPS {
            let endless = std::process::Command::new("/bin/sh")
                .args(["-c", "while :; do :; done"])
                .stdin(Stdio::null())
                .spawn()
                .context("starting an endless loop")?;
            overload.0.push(endless);
        }
        Ok(overload)
    }
}

impl Drop for Overload {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has ended already is none to end.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

async fn nothing_moves_while_every_core_is_overloaded(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let before = scene.record("web", &node).await?;
    let asker = asking(scene).await?;
    let overload = Overload::begin()?;
    tokio::time::sleep(OVERLOAD).await;
    drop(overload);
    answers_itself(scene, &node).await?;
    let report = asker.stop()?;
    one_answer(scene, &report, &[&node])?;
    never_unanswered(&report, OVERLOADED)?;
    scene.keeps_its_claim("web", &node, &before).await
}

async fn a_cut_cable_is_followed_once_while_every_core_is_overloaded(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let asker = asking(scene).await?;
    let _overload = Overload::begin()?;
    // Nothing moves before.
    let (before, _) = settled(scene, &asker).await?;
    ensure!(before == node, "{before} answers");
    let cut = Instant::now();
    scene.home.lan().cut(&node).await?;
    until("another node to answer", SOON, async || {
        let told = asker.wait_for(|_| true, SOON).await?;
        let answers = scene.home.host_with(told.answer.mac);
        ensure!(answers != node, "{node} answers");
        Ok(())
    })
    .await?;
    let took = cut.elapsed();
    ensure!(took < OVERLOADED, "another node answers after {took:?}");
    // Where turns are late two may claim, until the one has read what the other says; that must not go on and on.
    let (heir, since) = settled(scene, &asker).await?;
    ensure!(heir != node, "{node} answers again");
    scene.record("web", &heir).await?;
    let report = asker.stop()?;
    let met = since.min(cut + OVERLOADED);
    never_two(scene, &report, |at| cut <= at && at <= met)?;
    let after = owners(scene, &report.since(met));
    ensure!(after == [heir.as_str()], "{after:?} answered in the end");
    moved_on(&owners(scene, &report.undisputed()), &node, &heir)?;
    never_unanswered(&report, OVERLOADED)
}

/// From the node to its heir. Where two claimed the one that yields may have been heard alone before; nobody is heard again
/// after another.
fn moved_on(owners: &[String], node: &str, heir: &str) -> Outcome {
    println!("    {owners:?} answered, one after the other");
    let different: BTreeSet<&String> = owners.iter().collect();
    let ends = owners.first().zip(owners.last());
    ensure!(
        different.len() == owners.len() && ends.is_some_and(|(first, last)| first == node && last == heir),
        "{owners:?} answered, one after the other, and {heir} was to follow {node} once"
    );
    Ok(())
}
