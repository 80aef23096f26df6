//! `move`: a drained node's speaker stops, and a client sends a datagram every millisecond all the while.
//!
//! ```text
//!   cordon ─ SIGTERM ─ offer ─ claim, first frame of the heir ─ the owner is silent ─ … ─ the owner's process ends
//!                      └────────── both answer: 1 ms ──────────┘  └─ 4.5 s: its node still forwards ─┘
//! ```
//! Nothing may be lost: until the client's kernel has read the heir's frame its datagrams reach the old owner's node,
//! which goes on to serve them.

use std::net::SocketAddrV4;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use super::Stage;
use super::ground::{self, SOON};
use super::measure::{Goal, Measure, Statistic, Unit};
use super::number::{figure, millis};
use super::record::{Findings, recorded};
use crate::home::{Home, Plan};
use crate::kube::NODES;
use crate::wire::{PingAnswer, PingReport, Pinger, micros};

/// A tail of moves, in four minutes.
const RUNS: u32 = 20;

/// Answers before the stop and after the move, one a millisecond: a client that is served.
const STEADY: u64 = 300;

/// Datagrams that may have no answer yet when the client stops.
const UNDERWAY: usize = 50;

/// A move.
#[derive(Debug, Serialize)]
struct Handover {
    run: u32,
    from: String,
    to: String,
    /// Datagrams that nobody answered.
    lost: u64,
    /// From SIGTERM to the first answer of the other node, in microseconds.
    moved_us: u64,
    /// From SIGTERM to the end of the process.
    ended_us: u64,
    client: PingReport,
}

/// What came of a run.
type Outcome = Result<Handover, String>;

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let runs = stage.runs.unwrap_or(RUNS);
    let plan = Plan::default().tiklb(&stage.tiklb);
    let mut home = ground::build(&mut stage.screen, plan).await?;
    let services = ground::apply_homelab(&mut stage.screen, &mut home).await?;
    let first = services.first().context("the examples have no Service")?;
    let address = home.service_address(&first.namespace, &first.name, SOON).await?;
    home.serve(address, first.port).await?;
    let service = SocketAddrV4::new(address, first.port);
    home.all_hear_each_other().await?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for number in 1..=runs {
        let outcome = run_one(&mut home, service, number).await;
        if let Ok(handover) = &outcome {
            stage.screen.progress(handover.line(runs))?;
        }
        let failed = outcome.is_err();
        outcomes.push(outcome.map_err(|why| format!("run {number}: {why:#}")));
        if failed {
            stage.screen.say(home.last_words())?;
            break;
        }
    }
    findings(&outcomes)
}

async fn run_one(home: &mut Home, service: SocketAddrV4, run: u32) -> Result<Handover> {
    let from = home.announcer(*service.ip(), SOON).await?.host;
    home.address_of(&from)?;
    cordon(home, &from, true).await?;
    // For as long as this takes the speaker's watch has had the time to bring it, and nothing shows when it has. A speaker
    // that does not know says that it will be back, nobody takes over, and the run fails.
    let pinger = Pinger::start(home.client()?, service)?;
    let steady = |answer: &PingAnswer| *answer.node == *from && answer.sequence >= STEADY;
    pinger.wait_for(steady, SOON).await?;
    let stopped = Instant::now();
    let ending = home.speaker(&from)?.end(SOON);
    let moved = async {
        let first = pinger.wait_for(|answer| *answer.node != *from, SOON).await?;
        let enough = first.sequence + STEADY;
        let served = |answer: &PingAnswer| *answer.node != *from && answer.sequence >= enough;
        pinger.wait_for(served, SOON).await?;
        Ok::<_, anyhow::Error>(first)
    };
    let (ended, moved) = tokio::join!(ending, moved);
    let ended_us = micros(stopped.elapsed());
    ensure!(ended?.success(), "the speaker of {from} did not end well");
    let moved = moved?;
    let client = pinger.stop()?;
    cordon(home, &from, false).await?;
    home.start_speaker(&from).await?;
    home.all_hear_each_other().await?;
    let settled = client.samples.len().saturating_sub(UNDERWAY);
    let lost = client.samples[..settled]
        .iter()
        .filter(|sample| sample.answered_us.is_none());
    Ok(Handover {
        run,
        to: moved.node.to_string(),
        lost: lost.count() as u64,
        moved_us: micros(moved.at.saturating_duration_since(stopped)),
        ended_us,
        from,
        client,
    })
}

async fn cordon(home: &Home, node: &str, cordoned: bool) -> Result<()> {
    let patch = json!({"spec": {"unschedulable": cordoned}});
    home.kube().merge_patch(&NODES, node, &patch).await?;
    Ok(())
}

impl Handover {
    fn line(&self, runs: u32) -> String {
        format!(
            "run {} of {runs}: {} -> {} after {:.1} ms, {} of {} datagrams lost, longest silence {:.1} ms",
            self.run,
            self.from,
            self.to,
            millis(self.moved_us),
            self.lost,
            self.client.sent,
            self.client.silence.length().as_secs_f64() * 1e3,
        )
    }
}

fn findings(outcomes: &[Outcome]) -> Result<Findings> {
    let failures = outcomes.iter().filter_map(|outcome| match outcome {
        Ok(handover) if handover.client.repeated > 0 => Some(format!(
            "run {}: {} datagrams were answered by two nodes",
            handover.run, handover.client.repeated
        )),
        Ok(_) => None,
        Err(why) => Some(why.clone()),
    });
    let runs = outcomes.iter().map(|outcome| match outcome {
        Ok(handover) => recorded(handover),
        Err(why) => Ok(json!({ "failed": why })),
    });
    Ok(Findings {
        measures: measures(outcomes),
        configuration: json!({
            "nodes": 3,
            "api": "embedded",
            "speaker": "defaults",
            "datagrams_per_second": 1_000,
            "move": "the announcing node is cordoned and its speaker gets SIGTERM",
        }),
        runs: runs.collect::<Result<Vec<Value>>>()?,
        failures: failures.collect(),
        notes: vec![
            "What connections that are open come to is not measured: the lab's stand-in for kube-proxy keeps none."
                .to_owned(),
        ],
        drawn: vec!["longest silence at the client".to_owned()],
    })
}

fn measures(outcomes: &[Outcome]) -> Vec<Measure> {
    let read = |of: &dyn Fn(&Handover) -> f64| -> Vec<Option<f64>> {
        outcomes
            .iter()
            .map(|outcome| outcome.as_ref().ok().map(of))
            .collect()
    };
    let lost = read(&|handover| figure(handover.lost));
    vec![
        Measure::new("datagrams lost", Unit::Count)
            .goal(Goal::at_most(Statistic::Max, 0.0))
            .counted(lost),
        Measure::new("longest silence at the client", Unit::Millis).counted(read(&|handover| {
            handover.client.silence.length().as_secs_f64() * 1e3
        })),
        Measure::new("SIGTERM -> the other node answers", Unit::Millis)
            .counted(read(&|handover| millis(handover.moved_us))),
        Measure::new("SIGTERM -> the speaker has ended", Unit::Millis)
            .counted(read(&|handover| millis(handover.ended_us))),
    ]
}

#[cfg(test)]
mod tests;
