//! `failover`: how long a client is without answers when the announcing node is cut off.
//!
//! ```text
//!   last answer ─ cut ──────────── first frame of the heir ─ first answered datagram
//!               │ └── detection ──┘└────── takeover ──────┘│
//!               └────────────────── silence ───────────────┘
//! ```
//! The same cut also hits a second address, which tiklb knows nothing of. The lab moves that one itself, as soon as it
//! has cut: nothing is detected, nothing is agreed upon. Its silence is what the kernel and the LAN cost, and no load
//! balancer can be faster on this machine.
//!
//! A third address behind the cable is keepalived's, at the shortest interval that it takes. It is the peer: what is
//! promised of tiklb's silence holds for keepalived's in the same run, too.
//!
//! Where it is asked for, the same is then done to `MetalLB`, in a home of its own on the real API server.

mod flight;
mod scene;
mod verdict;

use anyhow::Result;
use serde_json::{Value, json};

use super::Stage;
use super::record::{Findings, recorded_all};
use super::rival::{self, MISSING, PEER};
use crate::peers::keepalived::Keepalived;
use flight::{Flight, Side};
use scene::Scene;
use verdict::{FLOOR, METALLB, SILENCE};

/// p99 of fewer is a matter of luck, and this many take two minutes.
const RUNS: u32 = 30;

/// Each takes half a minute, and no two of them differ by much.
const METALLB_RUNS: u32 = 10;

/// What came of a run.
type Outcome = Result<Box<Flight>, String>;

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let runs = stage.runs.unwrap_or(RUNS);
    let keepalived = Keepalived::find()?;
    if keepalived.is_none() {
        stage.screen.say(MISSING)?;
    }
    let outcomes = fly(stage, runs, async |stage| {
        Box::pin(Scene::build(stage, keepalived.as_ref())).await
    });
    let outcomes = Box::pin(outcomes).await?;
    let metallb = match stage.beside.clone() {
        Some(beside) => {
            let runs = runs.min(METALLB_RUNS);
            let outcomes = fly(stage, runs, async |stage| Scene::of_metallb(stage, &beside).await);
            Some((beside.version().to_owned(), Box::pin(outcomes).await?))
        }
        None => None,
    };
    let demanded = std::env::var("CI").as_deref() == Ok("true");
    let peers = Peers {
        keepalived: keepalived.as_ref(),
        metallb: metallb
            .as_ref()
            .map(|(version, outcomes)| (version.as_str(), outcomes.as_slice())),
    };
    findings(&outcomes, &peers, demanded)
}

/// So many cuts, in a scene that is built anew after one that failed.
async fn fly(
    stage: &mut Stage,
    runs: u32,
    build: impl AsyncFn(&mut Stage) -> Result<Scene>,
) -> Result<Vec<Outcome>> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut scene = None;
    for number in 1..=runs {
        let standing = match scene.take() {
            Some(standing) => Ok(standing),
            None => build(stage).await,
        };
        let standing = match standing {
            Ok(standing) => standing,
            // What was measured until now is kept.
            Err(why) if number > 1 => {
                outcomes.push(Err(format!("run {number} and all after it: {why:#}")));
                break;
            }
            Err(why) => return Err(why),
        };
        let outcome = run_one(stage, &standing, number).await;
        if let Ok(flight) = &outcome {
            stage.screen.progress(flight.line(runs))?;
        }
        // A home in which something failed does not spoil the next run.
        if outcome.as_ref().is_ok_and(|flight| flight.failure().is_none()) {
            scene = Some(standing);
        } else {
            stage.screen.say(standing.home().last_words())?;
            stage.screen.say(standing.last_words())?;
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

async fn run_one(stage: &mut Stage, scene: &Scene, number: u32) -> Outcome {
    let named = |why| format!("run {number}: {why:#}");
    let home = scene.home();
    let what = format!("run {number}");
    let flown = stage.screen.watch(home, &what, scene.fly(number)).await;
    let mut flight = flown.map_err(named)?;
    if flight.heir.is_some() {
        let what = format!("{} to be back", flight.node);
        let mended = stage.screen.watch(home, &what, scene.mend(&flight.node)).await;
        flight.trouble = mended.err().map(named);
    }
    Ok(Box::new(flight))
}

/// What is measured beside tiklb.
#[derive(Debug, Clone, Copy, Default)]
struct Peers<'a> {
    keepalived: Option<&'a Keepalived>,
    /// Its version, and what came of its runs.
    metallb: Option<(&'a str, &'a [Outcome])>,
}

/// `demanded`: a keepalived that is not there is a failure.
fn findings(outcomes: &[Outcome], peers: &Peers<'_>, demanded: bool) -> Result<Findings> {
    let keepalived = peers.keepalived;
    let others = peers.metallb.map(|(_, outcomes)| outcomes).unwrap_or_default();
    let named = |why: String| format!("MetalLB: {why}");
    let failures = outcomes.iter().filter_map(failure);
    let failures = failures.chain(others.iter().filter_map(failure).map(named));
    let unmeasured = (keepalived.is_none() && demanded).then(|| MISSING.to_owned());
    let measures = verdict::measures(outcomes, peers);
    let mut notes = verdict::notes(&measures);
    notes.extend([
        format!(
            "{FLOOR}: a second address behind the same cable, which the lab takes over right after the cut."
        ),
        keepalived.map_or(MISSING.to_owned(), |found| {
            let interval = rival::INTERVAL;
            format!(
                "{PEER}: {} at {interval:?} a third one, whose master is the node that is cut off.",
                found.version
            )
        }),
        lateness(outcomes),
    ]);
    notes.extend(peers.metallb.map(|(version, _)| {
        format!("{METALLB}: {version} with its defaults, in a home of its own on the real API server; run after tiklb's.")
    }));
    Ok(Findings {
        drawn: [SILENCE, PEER, FLOOR].map(str::to_owned).to_vec(),
        measures,
        configuration: configuration(peers),
        runs: recorded_all(outcomes.iter().chain(others))?,
        failures: failures.chain(unmeasured).collect(),
        notes,
    })
}

fn failure(outcome: &Outcome) -> Option<String> {
    match outcome {
        Ok(flight) => flight.failure(),
        Err(why) => Some(why.clone()),
    }
}

fn configuration(peers: &Peers<'_>) -> Value {
    json!({
        "nodes": 3,
        "api": "embedded",
        "speaker": "defaults",
        "datagrams_per_second": 1_000,
        "cut": "the switch's end of the announcing node's cable is set down",
        "keepalived": peers.keepalived.map(|found| rival::configuration(&found.version, false)),
        "metallb": peers.metallb.map(|(version, _)| json!({"version": version, "api": "real"})),
    })
}

/// How late the clients themselves were: no silence below it means anything.
fn lateness(outcomes: &[Outcome]) -> String {
    let sides = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().ok())
        .flat_map(|flight| [&flight.tiklb, &flight.floor].into_iter().chain(&flight.rival));
    let (late, realtime) = sides.fold((0.0_f64, true), |(late, realtime), Side { client, .. }| {
        (
            late.max(client.lateness.as_secs_f64() * 1e3),
            realtime && client.realtime,
        )
    });
    let priority = if realtime { "with" } else { "without" };
    format!("The client was late by {late:.1} ms at most, {priority} real-time priority.")
}

#[cfg(test)]
mod tests;
