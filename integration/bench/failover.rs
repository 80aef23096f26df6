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

mod flight;
mod scene;
mod verdict;

use anyhow::Result;
use serde_json::{Value, json};

use super::Stage;
use super::record::{Findings, recorded};
use super::rival::{self, MISSING, PEER};
use crate::peers::keepalived::Keepalived;
use flight::{Flight, Side};
use scene::Scene;
use verdict::{FLOOR, SILENCE};

/// p99 of fewer is a matter of luck, and this many take two minutes.
const RUNS: u32 = 30;

/// What came of a run.
type Outcome = Result<Box<Flight>, String>;

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let runs = stage.runs.unwrap_or(RUNS);
    let keepalived = Keepalived::find()?;
    if keepalived.is_none() {
        stage.screen.say(MISSING)?;
    }
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut scene = None;
    for number in 1..=runs {
        let standing = match scene.take() {
            Some(standing) => Ok(standing),
            None => Scene::build(stage, keepalived.as_ref()).await,
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
    let demanded = std::env::var("CI").as_deref() == Ok("true");
    findings(&outcomes, keepalived.as_ref(), demanded)
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

/// `demanded`: a peer that is not there is a failure.
fn findings(outcomes: &[Outcome], keepalived: Option<&Keepalived>, demanded: bool) -> Result<Findings> {
    let failures = outcomes.iter().filter_map(|outcome| match outcome {
        Ok(flight) => flight.failure(),
        Err(why) => Some(why.clone()),
    });
    let unmeasured = (keepalived.is_none() && demanded).then(|| MISSING.to_owned());
    let runs = outcomes.iter().map(|outcome| match outcome {
        Ok(flight) => recorded(flight),
        Err(why) => Ok(json!({ "failed": why })),
    });
    let measures = verdict::measures(outcomes, keepalived.is_some());
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
    Ok(Findings {
        drawn: [SILENCE, PEER, FLOOR].map(str::to_owned).to_vec(),
        measures,
        configuration: configuration(keepalived),
        runs: runs.collect::<Result<Vec<Value>>>()?,
        failures: failures.chain(unmeasured).collect(),
        notes,
    })
}

fn configuration(keepalived: Option<&Keepalived>) -> Value {
    json!({
        "nodes": 3,
        "api": "embedded",
        "speaker": "defaults",
        "datagrams_per_second": 1_000,
        "cut": "the switch's end of the announcing node's cable is set down",
        "keepalived": keepalived.map(|found| rival::configuration(&found.version, false)),
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
