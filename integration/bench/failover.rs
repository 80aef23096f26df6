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

mod flight;
mod scene;

use anyhow::Result;
use serde_json::{Value, json};

use super::Stage;
use super::measure::{Goal, Measure, Statistic, Unit};
use super::record::{Findings, recorded};
use flight::{Flight, Side};
use scene::Scene;

/// p99 of fewer is a matter of luck, and this many take two minutes.
const RUNS: u32 = 30;

/// A silence up to here is one that no person notices, in milliseconds. Other speakers of ARP need five seconds.
const LIMIT: f64 = 500.0;

/// Names of measures.
const SILENCE: &str = "longest silence at the client";
const FLOOR: &str = "moved by the lab at once";

/// A peer that does the same for one address by VRRP.
const PEER: &str = "keepalived";

/// What came of a run.
type Outcome = Result<Box<Flight>, String>;

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let runs = stage.runs.unwrap_or(RUNS);
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut scene = None;
    for number in 1..=runs {
        let standing = match scene.take() {
            Some(standing) => Ok(standing),
            None => Scene::build(stage).await,
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
        }
        outcomes.push(outcome);
    }
    findings(&outcomes)
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

fn findings(outcomes: &[Outcome]) -> Result<Findings> {
    let failures = outcomes.iter().filter_map(|outcome| match outcome {
        Ok(flight) => flight.failure(),
        Err(why) => Some(why.clone()),
    });
    let runs = outcomes.iter().map(|outcome| match outcome {
        Ok(flight) => recorded(flight),
        Err(why) => Ok(json!({ "failed": why })),
    });
    Ok(Findings {
        measures: measures(outcomes),
        configuration: configuration(),
        runs: runs.collect::<Result<Vec<Value>>>()?,
        failures: failures.collect(),
        notes: vec![
            format!(
                "{FLOOR}: a second address behind the same cable, which the lab takes over right after the cut."
            ),
            peers().to_owned(),
            lateness(outcomes),
        ],
    })
}

fn measures(outcomes: &[Outcome]) -> Vec<Measure> {
    let times = |read: &dyn Fn(&Flight) -> Option<std::time::Duration>| {
        let all = outcomes
            .iter()
            .map(|outcome| outcome.as_ref().ok().and_then(|flight| read(flight)));
        all.collect::<Vec<_>>()
    };
    let part = |name: &str| Measure::new(name, Unit::Millis).part();
    vec![
        Measure::new(SILENCE, Unit::Millis)
            .goal(Goal::below(Statistic::Max, LIMIT))
            .against(FLOOR)
            .times(times(&|flight| flight.tiklb.silence())),
        part("cut -> first frame of the heir").times(times(&|flight| flight.tiklb.detection())),
        part("frame -> first answered datagram").times(times(&|flight| flight.tiklb.takeover())),
        Measure::new(FLOOR, Unit::Millis).times(times(&|flight| flight.floor.silence())),
        part("cut -> the lab's frame").times(times(&|flight| flight.floor.detection())),
        part("frame -> first answered datagram").times(times(&|flight| flight.floor.takeover())),
    ]
}

fn configuration() -> Value {
    json!({
        "nodes": 3,
        "api": "embedded",
        "speaker": "defaults",
        "datagrams_per_second": 1_000,
        "cut": "the switch's end of the announcing node's cable is set down",
    })
}

/// What there is to compare with beside the floor.
fn peers() -> &'static str {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(PEER).is_file());
    if found {
        "keepalived is installed, and this bench does not measure it yet."
    } else {
        "keepalived is not installed: no peer was measured in this run."
    }
}

/// How late the clients themselves were: no silence below it means anything.
fn lateness(outcomes: &[Outcome]) -> String {
    let sides = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().ok())
        .flat_map(|flight| [&flight.tiklb, &flight.floor]);
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
