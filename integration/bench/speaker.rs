//! `speaker`: a speaker is killed, hangs, or is replaced with all others, and its node lives: nothing may come of it.
//!
//! ```text
//!   trouble ─ … the speaker is back ─ … 60 s after the trouble
//!   └── a datagram each millisecond, a question for the address each 20 ms, and connections that were open before ──┘
//! ```
//! Where it is asked for, the same is done to `MetalLB`, in a home of its own on the real API server.

mod side;
mod verdict;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;
use serde::Serialize;
use serde_json::json;

use super::Stage;
use super::ground::SOON;
use super::record::{Findings, recorded_all};
use super::talk::{CONNECTIONS, Talk};
use crate::wire::{self, AskReport, Asker, PingAnswer, Pinger, as_micros};
use side::Side;

/// Of each trouble; each takes more than a minute.
const RUNS: u32 = 2;

/// For so long an address stays where it is.
const WATCHED: Duration = Duration::from_mins(1);

/// How long a speaker hangs.
const HANGS: Duration = Duration::from_secs(10);

/// A kubelet notices a dead container within about this.
const NOTICED: Duration = Duration::from_secs(1);

/// Answers before the trouble, one a millisecond: a client that is served.
const STEADY: u64 = 300;

/// Datagrams that may have no answer yet when the client stops.
const UNDERWAY: usize = 50;

/// The client asks from 40 addresses from here on, which nobody else has.
const ASKED_FROM: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 60);

/// What happens to a speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Trouble {
    /// SIGKILL to that of the announcing node, and a second later a new one.
    Killed,
    /// SIGSTOP to it, and SIGCONT ten seconds later.
    Stopped,
    /// SIGTERM to each, one after the other, and a new one.
    Rollout,
}

impl Trouble {
    const ALL: [Self; 3] = [Self::Killed, Self::Stopped, Self::Rollout];
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Killed => "killed",
            Self::Stopped => "stopped",
            Self::Rollout => "rollout",
        })
    }
}

/// What a client saw of it. Without its single datagrams, of which there are some sixty thousand.
#[derive(Debug, Clone, Serialize)]
struct Seen {
    system: &'static str,
    run: u32,
    trouble: Trouble,
    /// The node that announced before.
    node: String,
    sent: u64,
    lost: u64,
    /// Datagrams that two nodes answered.
    repeated: u64,
    #[serde(serialize_with = "as_micros", rename = "silence_us")]
    silence: Duration,
    /// By how much the client itself was late at most.
    #[serde(serialize_with = "as_micros", rename = "lateness_us")]
    lateness: Duration,
    /// Of the connections that were open, those that were not afterwards.
    broken: u64,
    /// How often the address went to another MAC address.
    moves: u64,
    /// Questions that two MAC addresses were given to.
    contradicted: u64,
    /// Questions that two nodes answered with one MAC address: whoever stood in, and whoever it stood in for.
    doubled: u64,
    /// The longest time in which whoever asked was given no answer; a question is asked every 20 ms.
    #[serde(serialize_with = "as_micros", rename = "unanswered_us")]
    unanswered: Duration,
    #[serde(skip)]
    window: (Instant, Instant),
}

/// What came of a run.
type Outcome = Result<Seen, String>;

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let runs = stage.runs.unwrap_or(RUNS);
    let mut own = Side::tiklb(stage).await?;
    let outcomes = all(stage, &mut own, runs).await?;
    drop(own);
    let beside = stage.beside.clone();
    let mut theirs = Vec::new();
    if let Some(beside) = &beside {
        let mut side = Side::metallb(stage, beside).await?;
        theirs = all(stage, &mut side, runs).await?;
    }
    let version = beside.as_ref().map(super::Beside::version);
    findings(&outcomes, &theirs, version)
}

/// Every trouble so often.
async fn all(stage: &mut Stage, side: &mut Side, runs: u32) -> Result<Vec<Outcome>> {
    let service = side.service();
    let asker = Asker::start(side.home().client()?, *service.ip(), ASKED_FROM).await?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for run in 1..=runs {
        for trouble in Trouble::ALL {
            let what = format!("{}, run {run} of {runs}: {trouble}", side.name());
            let seen = stage
                .screen
                .wait(&what, run_one(side, service, run, trouble))
                .await;
            if let Ok(seen) = &seen {
                stage.screen.progress(format!("{what}: {}", seen.line()))?;
            } else {
                stage.screen.say(side.last_words())?;
            }
            let failed = seen.is_err();
            outcomes.push(seen.map_err(|why| format!("{what}: {why:#}")));
            // A speaker that was left dead or standing still spoils whatever comes after it.
            if failed {
                return Ok(heard(outcomes, asker.stop()));
            }
        }
    }
    Ok(heard(outcomes, asker.stop()))
}

/// The same with what those were told who asked for the address meanwhile.
fn heard(mut outcomes: Vec<Outcome>, asked: Result<AskReport, wire::Error>) -> Vec<Outcome> {
    match asked {
        Ok(asked) => outcomes.iter_mut().flatten().for_each(|seen| seen.heard(&asked)),
        // Without it nothing is known of moves.
        Err(why) => outcomes.push(Err(format!("asking for the address: {why}"))),
    }
    outcomes
}

async fn run_one(side: &mut Side, service: SocketAddrV4, run: u32, trouble: Trouble) -> Result<Seen> {
    side.settle().await?;
    let node = side.home().announcer(*service.ip(), SOON).await?.host;
    let client = side.home().client()?.clone();
    let pinger = Pinger::start(&client, service)?;
    let steady = |answer: &PingAnswer| answer.sequence >= STEADY;
    pinger.wait_for(steady, SOON).await?;
    let mut talk = Talk::open(&client, service).await?;
    let begun = Instant::now();
    befall(side, &node, trouble)
        .await
        .with_context(|| format!("what a speaker of {node} goes through"))?;
    tokio::time::sleep_until((begun + WATCHED).into()).await;
    let ended = Instant::now();
    let broken = talk.broken().await;
    let report = pinger.stop()?;
    Ok(Seen {
        system: side.name(),
        run,
        trouble,
        node,
        sent: report.sent,
        lost: report.lost_but_for(UNDERWAY),
        repeated: report.repeated,
        silence: report.silence.length(),
        lateness: report.lateness,
        broken,
        moves: 0,
        contradicted: 0,
        doubled: 0,
        unanswered: Duration::ZERO,
        window: (begun, ended),
    })
}

async fn befall(side: &mut Side, node: &str, trouble: Trouble) -> Result<()> {
    match trouble {
        Trouble::Killed => {
            side.speaker(node)?.kill(Signal::SIGKILL)?;
            tokio::time::sleep(NOTICED).await;
            side.start(node).await?;
        }
        Trouble::Stopped => {
            side.speaker(node)?.stop().await?;
            tokio::time::sleep(HANGS).await;
            side.speaker(node)?.resume()?;
        }
        Trouble::Rollout => {
            let nodes: Vec<String> = side.home().node_names().map(str::to_owned).collect();
            for node in nodes {
                side.end(&node).await?;
                side.start(&node).await?;
            }
        }
    }
    Ok(())
}

impl Seen {
    /// What was answered to those who asked for the address meanwhile.
    fn heard(&mut self, asked: &AskReport) {
        let (begun, ended) = self.window;
        let meanwhile = asked.within(begun..ended);
        self.moves = meanwhile.owners().len().saturating_sub(1) as u64;
        self.contradicted = meanwhile.contradicted().count() as u64;
        self.doubled = meanwhile.doubled().count() as u64;
        let mut moments = vec![begun];
        let answered = meanwhile
            .questions
            .iter()
            .filter(|question| !question.answers.is_empty());
        moments.extend(answered.map(|question| question.at));
        moments.push(ended);
        let waits = moments
            .windows(2)
            .map(|pair| pair[1].saturating_duration_since(pair[0]));
        self.unanswered = waits.max().unwrap_or_default();
    }

    fn line(&self) -> String {
        format!(
            "{} of {} datagrams lost, longest silence {:.1} ms, {} of {CONNECTIONS} connections broken",
            self.lost,
            self.sent,
            self.silence.as_secs_f64() * 1e3,
            self.broken,
        )
    }
}

fn findings(outcomes: &[Outcome], theirs: &[Outcome], metallb: Option<&str>) -> Result<Findings> {
    let all = outcomes.iter().chain(theirs);
    Ok(Findings {
        measures: verdict::measures(outcomes, theirs),
        configuration: json!({
            "nodes": 3,
            "api": "embedded",
            "speaker": "defaults",
            "datagrams_per_second": 1_000,
            "connections": CONNECTIONS,
            "watched_s": WATCHED.as_secs(),
            "hangs_s": HANGS.as_secs(),
            "metallb": metallb.map(|version| json!({"version": version, "api": "real"})),
        }),
        runs: recorded_all(all.clone())?,
        failures: all.filter_map(|outcome| outcome.as_ref().err().cloned()).collect(),
        notes: metallb
            .map(|version| {
                format!(
                    "MetalLB: {version} with its defaults, in a home of its own on the real API server; between two of its \
                     rollout's speakers pass 10 s, which its readiness probe waits for."
                )
            })
            .into_iter()
            .collect(),
        ..Findings::default()
    })
}

#[cfg(test)]
mod tests;
