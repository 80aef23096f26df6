//! `move`: an address moves on purpose, and a client sends a datagram every millisecond all the while.
//!
//! ```text
//!   cordon, or a node that shuts down ─ SIGTERM ─ offer ─ claim, first frame of the heir ─ the owner is silent ─ … ─ its end
//!                      └────────── both answer: 1 ms ──────────┘  └─ 4.5 s: its node still forwards ─┘
//!   the node is back ─ … ─ offer of the heir ─ …
//! ```
//! Nothing may be lost: until the client's kernel has read the heir's frame its datagrams reach the old owner's node,
//! which goes on to serve them.

use std::fmt;
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::json;

use super::Stage;
use super::ground::{self, SOON};
use super::measure::{Goal, Measure, Statistic, Unit};
use super::number::{figure, millis};
use super::record::{Findings, recorded_all};
use super::talk::{CONNECTIONS, Talk};
use crate::home::{Home, Plan};
use crate::kube::NODES;
use crate::wire::{PingAnswer, PingReport, Pinger, micros};

/// A tail of moves: so many away from a node, and as many back.
const RUNS: u32 = 20;

/// Answers before the stop and after the move, one a millisecond: a client that is served.
const STEADY: u64 = 300;

/// Datagrams that may have no answer yet when the client stops.
const UNDERWAY: usize = 50;

/// An address goes back when its node has been well for some seconds.
const MOVED: Duration = Duration::from_mins(1);

/// Why an address moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// The node is cordoned, and its speaker gets SIGTERM.
    Drain,
    /// The node says that it is not ready, and its speaker gets SIGTERM: what a kubelet does when its machine shuts down.
    Shutdown,
    /// The node is back, and the first in order.
    Failback,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drain => "drain",
            Self::Shutdown => "shutdown",
            Self::Failback => "failback",
        })
    }
}

/// A move.
#[derive(Debug, Serialize)]
struct Handover {
    run: u32,
    kind: Kind,
    from: String,
    to: String,
    /// Datagrams that nobody answered.
    lost: u64,
    /// Of the connections that were open, those that were not afterwards.
    broken: u64,
    /// From SIGTERM, or from the return of the node, to the first answer of the other node, in microseconds.
    moved_us: u64,
    /// From SIGTERM to the end of the process.
    ended_us: Option<u64>,
    client: PingReport,
}

/// What came of a run.
type Outcome = Result<Handover, String>;

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let runs = stage.runs.unwrap_or(RUNS);
    let mut outcomes: Vec<Outcome> = Vec::new();
    for number in 1..=runs {
        // An address that went back waits longer before it does so again: each run has a home of its own.
        let (mut home, service) = match build(stage).await {
            Ok(built) => built,
            // What was measured until now is kept.
            Err(why) if number > 1 => {
                outcomes.push(Err(format!("run {number} and all after it: {why:#}")));
                break;
            }
            Err(why) => return Err(why),
        };
        let outcome = there_and_back(stage, &mut home, service, number, &mut outcomes).await;
        if let Err(why) = outcome {
            outcomes.push(Err(format!("run {number}: {why:#}")));
            stage.screen.say(home.last_words())?;
        }
    }
    findings(&outcomes)
}

/// A home with a Service that a client is served by.
async fn build(stage: &mut Stage) -> Result<(Home, SocketAddrV4)> {
    let plan = Plan::default()
        .tiklb(&stage.tiklb)
        .speaker_arguments(["--failback", "immediate"]);
    let (home, service) = ground::served(&mut stage.screen, plan).await?;
    home.all_hear_each_other().await?;
    Ok((home, service))
}

/// Away from a node, and back to it.
async fn there_and_back(
    stage: &mut Stage,
    home: &mut Home,
    service: SocketAddrV4,
    run: u32,
    outcomes: &mut Vec<Outcome>,
) -> Result<()> {
    let runs = stage.runs.unwrap_or(RUNS);
    let kind = if run % 2 == 1 { Kind::Drain } else { Kind::Shutdown };
    let what = format!("run {run}: {kind}");
    let left = leave(home, service, run, kind);
    let left = stage.screen.wait(&what, left).await?;
    stage.screen.progress(left.line(runs))?;
    let node = left.from.clone();
    outcomes.push(Ok(left));
    let what = format!("run {run}: {node} to have its address back");
    let back = come_back(home, service, run, &node, kind);
    let back = stage.screen.wait(&what, back).await?;
    stage.screen.progress(back.line(runs))?;
    outcomes.push(Ok(back));
    Ok(())
}

async fn leave(home: &Home, service: SocketAddrV4, run: u32, kind: Kind) -> Result<Handover> {
    let from = home.announcer(*service.ip(), SOON).await?.host;
    home.address_of(&from)?;
    tell(home, &from, kind, true).await?;
    // For as long as it takes the client to be served the speaker's watch has had the time to bring it, and nothing shows
    // when it has. A speaker that does not know says that it will be back, nobody takes over, and the run fails.
    let sight = Sight::open(home, service, &from).await?;
    let begun = Instant::now();
    let (ended, moved) = tokio::join!(home.speaker(&from)?.end(SOON), sight.moved());
    let ended_us = micros(begun.elapsed());
    ensure!(ended?.success(), "the speaker of {from} did not end well");
    let mut handover = sight.close(run, kind, begun, &moved?).await?;
    handover.ended_us = Some(ended_us);
    Ok(handover)
}

/// `node` is back, which has left by `kind`.
async fn come_back(
    home: &mut Home,
    service: SocketAddrV4,
    run: u32,
    node: &str,
    kind: Kind,
) -> Result<Handover> {
    let from = home.announcer(*service.ip(), SOON).await?.host;
    tell(home, node, kind, false).await?;
    let sight = Sight::open(home, service, &from).await?;
    let begun = Instant::now();
    let (started, moved) = tokio::join!(home.start_speaker(node), sight.moved());
    started?;
    let moved = moved?;
    ensure!(
        *moved.node == *node,
        "{} has taken it, and not {node}",
        moved.node
    );
    home.all_hear_each_other().await?;
    sight.close(run, Kind::Failback, begun, &moved).await
}

/// What the API says of a node that leaves, or that is back.
async fn tell(home: &Home, node: &str, kind: Kind, leaves: bool) -> Result<()> {
    if kind == Kind::Drain {
        let patch = json!({"spec": {"unschedulable": leaves}});
        home.kube().merge_patch(&NODES, node, &patch).await?;
        return Ok(());
    }
    let ready = if leaves {
        json!({"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "node is shutting down"})
    } else {
        json!({"type": "Ready", "status": "True", "reason": "KubeletReady"})
    };
    let patch = json!({"status": {"conditions": [ready]}});
    home.kube().patch_status(&NODES, node, &patch).await?;
    Ok(())
}

/// A client that is served, with connections open.
struct Sight {
    pinger: Pinger,
    talk: Talk,
    from: String,
}

impl Sight {
    /// Waits until `from` serves it.
    async fn open(home: &Home, service: SocketAddrV4, from: &str) -> Result<Self> {
        let client = home.client()?;
        let pinger = Pinger::start(client, service)?;
        let steady = |answer: &PingAnswer| *answer.node == *from && answer.sequence >= STEADY;
        pinger.wait_for(steady, SOON).await?;
        Ok(Self {
            pinger,
            talk: Talk::open(client, service).await?,
            from: from.to_owned(),
        })
    }

    /// Waits until another node serves it, and gives that one's first answer.
    async fn moved(&self) -> Result<PingAnswer> {
        let others = |answer: &PingAnswer| *answer.node != *self.from;
        let first = self.pinger.wait_for(others, MOVED).await?;
        let enough = first.sequence + STEADY;
        let served = |answer: &PingAnswer| others(answer) && answer.sequence >= enough;
        self.pinger.wait_for(served, SOON).await?;
        Ok(first)
    }

    async fn close(mut self, run: u32, kind: Kind, begun: Instant, first: &PingAnswer) -> Result<Handover> {
        let client = self.pinger.stop()?;
        Ok(Handover {
            run,
            kind,
            from: self.from,
            to: first.node.to_string(),
            lost: client.lost_but_for(UNDERWAY),
            broken: self.talk.broken().await,
            moved_us: micros(first.at.saturating_duration_since(begun)),
            ended_us: None,
            client,
        })
    }
}

impl Handover {
    fn line(&self, runs: u32) -> String {
        format!(
            "run {} of {runs}, {}: {} -> {} after {:.1} ms, {} of {} datagrams lost, longest silence {:.1} ms, {} of \
             {CONNECTIONS} connections broken",
            self.run,
            self.kind,
            self.from,
            self.to,
            millis(self.moved_us),
            self.lost,
            self.client.sent,
            self.client.silence.length().as_secs_f64() * 1e3,
            self.broken,
        )
    }
}

fn findings(outcomes: &[Outcome]) -> Result<Findings> {
    let failures = outcomes.iter().filter_map(|outcome| match outcome {
        Ok(handover) if handover.client.repeated > 0 => Some(format!(
            "run {}, {}: {} datagrams were answered by two nodes",
            handover.run, handover.kind, handover.client.repeated
        )),
        Ok(_) => None,
        Err(why) => Some(why.clone()),
    });
    Ok(Findings {
        measures: measures(outcomes),
        configuration: json!({
            "nodes": 3,
            "api": "embedded",
            "speaker": "--failback immediate",
            "datagrams_per_second": 1_000,
            "connections": CONNECTIONS,
            "drain": "the announcing node is cordoned and its speaker gets SIGTERM",
            "shutdown": "the announcing node says that it is not ready and its speaker gets SIGTERM",
            "failback": "the node is back, and its speaker is started",
        }),
        runs: recorded_all(outcomes)?,
        failures: failures.collect(),
        notes: vec![
            "Connections break with every move, as behind any announcer of layer 2: the other node knows none of them. They \
             are counted, not judged."
                .to_owned(),
        ],
        drawn: vec![SILENCE.to_owned()],
    })
}

/// What is told of every move.
const SILENCE: &str = "longest silence at the client";

fn measures(outcomes: &[Outcome]) -> Vec<Measure> {
    let of = |kinds: &[Kind], read: &dyn Fn(&Handover) -> Option<f64>| -> Vec<Option<f64>> {
        let outcomes = outcomes.iter().map(|outcome| outcome.as_ref().ok());
        let wanted =
            outcomes.filter(|handover| handover.is_none_or(|handover| kinds.contains(&handover.kind)));
        wanted.map(|handover| read(handover?)).collect()
    };
    let every = [Kind::Drain, Kind::Shutdown, Kind::Failback];
    let silence = |handover: &Handover| Some(handover.client.silence.length().as_secs_f64() * 1e3);
    let mut all = vec![
        Measure::new("datagrams lost", Unit::Count)
            .goal(Goal::at_most(Statistic::Max, 0.0))
            .counted(of(&every, &|handover| Some(figure(handover.lost)))),
    ];
    all.extend(every.map(|kind| {
        Measure::new(format!("by {kind}"), Unit::Count)
            .counted(of(&[kind], &|handover| Some(figure(handover.lost))))
            .part()
    }));
    all.extend([
        Measure::new(SILENCE, Unit::Millis).counted(of(&every, &silence)),
        Measure::new(format!("connections broken, of {CONNECTIONS}"), Unit::Count)
            .counted(of(&every, &|handover| Some(figure(handover.broken)))),
        Measure::new("SIGTERM -> the other node answers", Unit::Millis)
            .counted(of(&every[..2], &|handover| Some(millis(handover.moved_us)))),
        Measure::new("SIGTERM -> the speaker has ended", Unit::Millis)
            .counted(of(&every[..2], &|handover| handover.ended_us.map(millis))),
        Measure::new("a speaker starts -> its node answers again", Unit::Millis)
            .counted(of(&every[2..], &|handover| Some(millis(handover.moved_us)))),
    ]);
    all
}

#[cfg(test)]
mod tests;
