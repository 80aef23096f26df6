//! `false-alarms`: how often an address moves although every node lives.
//!
//! ```text
//!   busy processes, twice as many as there are processors, all the time
//!   ├── a sixth: nothing else
//!   ├── a half: 100 times the announcing node's cable is out for 25 ms
//!   ├── a sixth: 20 times its speaker stands still for 200 ms
//!   └── a sixth: 20 times the whole node does, as a virtual machine that is moved
//! ```
//! A move is what a client sees: an announcement by another MAC address than the one before. Every one is recorded, with
//! what was done to whom just then.
//!
//! keepalived stands beside it, at the interval at which `failover` compares both. It is the peer, and no goal: how hasty
//! one is that is as fast. Its address goes back to its master each time, so that one alarm hides none.

mod owners;
mod pods;
mod trouble;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::json;
use tokio::time::sleep;

use super::Stage;
use super::ground::{self, SOON};
use super::measure::{Goal, Measure, Statistic, Unit};
use super::record::{Findings, recorded};
use super::rival::{self, MISSING, PEER, Rival};
use crate::home::{Home, Plan};
use crate::peers::keepalived::Keepalived;
use owners::{Move, Watch};
use pods::Pods;
use trouble::{BLIP, Busy, LONGER, Trouble};

const MINUTES: u32 = 5;

/// Where nobody may make cgroups.
const NO_PODS: &str =
    "no cgroups could be made: speakers and busy processes weigh the same, which says nothing of Pods";

/// keepalived's address goes back each time.
const PREEMPTS: bool = true;

/// How often each thing is done.
const BLIPS: u32 = 100;
const PAUSES: u32 = 20;
const STANDSTILLS: u32 = 20;

/// A move so long after a blip that was too long is that blip's: detection and takeover, with much to spare.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// Of the blips, so many must have been as short as they were meant to be, or nothing is known of them.
const SHORT: f64 = 50.0;

/// Between two looks while nothing is done.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is going on beside the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    Load,
    Blips,
    Pauses,
    Standstills,
}

/// All that happened, counted from the beginning.
#[derive(Debug, Clone, Default)]
struct Seen {
    minutes: u32,
    busy: usize,
    /// What a speaker's Pod asks for, in thousandths of a processor; nothing where there are no Pods.
    request: Option<u64>,
    /// Whether the thread that made the blips had real-time priority.
    realtime: bool,
    troubles: Vec<Trouble>,
    moves: Vec<Move>,
    /// Which keepalived stood beside it, and on which node its master was.
    rival: Option<(String, String)>,
    /// Every move of its address.
    alarms: Vec<Move>,
    /// When each phase began.
    phases: Vec<(Phase, Duration)>,
    /// What was not as it should be at the end.
    failure: Option<String>,
}

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let minutes = stage.minutes.unwrap_or(MINUTES);
    let plan = Plan::default().tiklb(&stage.tiklb);
    let mut home = ground::build(&mut stage.screen, plan).await?;
    let services = ground::apply_homelab(&mut stage.screen, &mut home).await?;
    let mut addresses = Vec::new();
    for service in &services {
        let found = home.service_address(&service.namespace, &service.name, SOON);
        addresses.push(found.await?);
    }
    home.all_hear_each_other().await?;
    // The one whose owner's cable is out now and then.
    let first = addresses.iter().min().context("the examples have no Service")?;
    let master = home.announcer(*first, SOON).await?.host;
    let rival = stand_beside(stage, &home, &master).await?;
    let at_master = match &rival {
        Some(_) => {
            let address = *rival::ADDRESS.ip();
            Some((address, home.announcer(address, SOON).await?.answer.mac))
        }
        None => None,
    };
    let mut watch = Watch::start(&home, &addresses, at_master).await?;
    let pods = put_into_pods(stage, &home)?;
    let busy = Busy::start(&home, pods.as_ref()).await?;
    let mut seen = Seen {
        minutes,
        busy: busy.len(),
        request: pods.as_ref().map(|pods| pods.speaker),
        realtime: trouble::hurry(&home).await?,
        rival: rival.as_ref().map(|rival| (rival.version().to_owned(), master)),
        ..Seen::default()
    };
    let watched = trouble_all(&home, &mut watch, &mut seen);
    let what = format!("{minutes} min of trouble");
    let went = stage.screen.watch(&home, &what, watched).await;
    drop(busy);
    let ended = match went {
        Ok(()) => watch.settled(&home).await,
        Err(why) => Err(why),
    };
    seen.failure = ended.err().map(|why| format!("{why:#}"));
    if seen.failure.is_some() {
        stage.screen.say(home.last_words())?;
    }
    if let Some(rival) = &rival {
        rival.all_run()?;
    }
    (seen.moves, seen.alarms) = watch.into_moves();
    findings(&seen, std::env::var("CI").as_deref() == Ok("true"))
}

/// The speakers, where this machine lets cgroups be made.
fn put_into_pods(stage: &mut Stage, home: &Home) -> Result<Option<Pods>> {
    let pods = match Pods::new() {
        Ok(pods) => pods,
        Err(why) => {
            stage.screen.say(format!("{NO_PODS}: {why:#}"))?;
            return Ok(None);
        }
    };
    for node in home.node_names() {
        pods.put(home.speaker(node)?, pods.speaker)?;
    }
    Ok(Some(pods))
}

/// keepalived on all nodes, where it is installed.
async fn stand_beside(stage: &mut Stage, home: &Home, master: &str) -> Result<Option<Rival>> {
    let Some(program) = Keepalived::find()? else {
        stage.screen.say(MISSING)?;
        return Ok(None);
    };
    let rival = Rival::new(program, PREEMPTS)?;
    rival.settle(home, master).await?;
    Ok(Some(rival))
}

/// The phases, one after the other.
async fn trouble_all(home: &Home, watch: &mut Watch, seen: &mut Seen) -> Result<()> {
    let whole = Duration::from_mins(seen.minutes.into());
    let begun = watch.begun();
    seen.phases.push((Phase::Load, begun.elapsed()));
    while begun.elapsed() < whole / 6 {
        sleep(LOOK_EVERY.min(whole / 6)).await;
        watch.look(home)?;
    }
    for (phase, times, share) in [
        (Phase::Blips, BLIPS, 3),
        (Phase::Pauses, PAUSES, 1),
        (Phase::Standstills, STANDSTILLS, 1),
    ] {
        seen.phases.push((phase, begun.elapsed()));
        let (start, every) = (Instant::now(), whole * share / 6 / times);
        for number in 0..times {
            sleep((every * number).saturating_sub(start.elapsed())).await;
            let node = watch.owner(home)?;
            seen.troubles.push(match phase {
                Phase::Blips => Trouble::blip(home, &node, begun).await?,
                Phase::Standstills => Trouble::standstill(home, &node, begun).await?,
                Phase::Load | Phase::Pauses => Trouble::pause(home, &node, begun).await?,
            });
            watch.look(home)?;
        }
        // What comes of the last one belongs to it.
        sleep(AFTERWARDS).await;
        watch.look(home)?;
    }
    ensure!(
        watch.missed() == 0,
        "{} frames were seen and forgotten: moves may be missing",
        watch.missed()
    );
    Ok(())
}

impl Seen {
    /// The phase at a moment.
    fn phase(&self, at: Duration) -> Phase {
        let begun = self.phases.iter().rev().find(|(_, begun)| *begun <= at);
        begun.map_or(Phase::Load, |(phase, _)| *phase)
    }

    /// Whether what was done last before it was a blip that the machine made longer than it was meant to be.
    fn is_after_a_longer_blip(&self, at: Duration) -> bool {
        let last = self.troubles.iter().rev().find(|trouble| trouble.at <= at);
        last.is_some_and(|trouble| trouble.is_longer() && at <= trouble.at + trouble.took + AFTERWARDS)
    }

    fn blips(&self) -> impl Iterator<Item = &Trouble> {
        self.troubles
            .iter()
            .filter(|trouble| trouble.kind == trouble::LINK)
    }

    /// Of these moments those in a phase, after longer blips or but for those.
    fn count(&self, moments: impl Iterator<Item = Duration>, phase: Phase, longer: bool) -> usize {
        moments
            .filter(|at| self.phase(*at) == phase && self.is_after_a_longer_blip(*at) == longer)
            .count()
    }

    fn moves(&self, phase: Phase, longer: bool) -> usize {
        self.count(self.moves.iter().map(|found| found.at), phase, longer)
    }

    /// The moves while nodes stood still one after the other: from the one that did so last, and from others.
    fn moves_in_standstills(&self) -> (Vec<&Move>, Vec<&Move>) {
        let moves = self.moves.iter();
        let moves = moves.filter(|found| self.phase(found.at) == Phase::Standstills);
        moves.partition(|found| {
            let last = self.troubles.iter().rev().find(|trouble| trouble.at <= found.at);
            last.is_some_and(|trouble| trouble.node == found.from)
        })
    }

    /// By node that stood still, how often any one address left it meanwhile.
    fn moves_by_standstill(&self) -> Vec<Option<f64>> {
        let stood = self.troubles.iter();
        let stood = stood.filter(|trouble| trouble.kind == trouble::NODE);
        let mut nodes: BTreeMap<&str, BTreeMap<Ipv4Addr, u32>> = stood
            .map(|trouble| (trouble.node.as_str(), BTreeMap::new()))
            .collect();
        for found in self.moves_in_standstills().0 {
            let left = nodes.entry(found.from.as_str()).or_default();
            *left.entry(found.address).or_default() += 1;
        }
        let most = |left: BTreeMap<Ipv4Addr, u32>| left.into_values().max().unwrap_or_default();
        let all: Vec<_> = nodes
            .into_values()
            .map(|left| Some(f64::from(most(left))))
            .collect();
        // A phase that never came has not gone well.
        if all.is_empty() { vec![None] } else { all }
    }

    /// How often keepalived's address left its master.
    fn alarms(&self, phase: Phase) -> Option<usize> {
        let (_, master) = self.rival.as_ref()?;
        let taken = self.alarms.iter().filter(|alarm| alarm.from == *master);
        Some(self.count(taken.map(|alarm| alarm.at), phase, false))
    }

    /// What is to be known of keepalived's part.
    fn told_of_rival(&self) -> String {
        let Some((version, master)) = &self.rival else {
            return MISSING.to_owned();
        };
        let of_master = self.blips().filter(|blip| blip.node == *master).count();
        let all = self.blips().count();
        format!(
            "{PEER}: {version} on the same nodes, without real-time priority, in no Pod, one address. {of_master} of the {all} blips \
             were of its master's cable. It takes a master for dead after three advertisements that fail to come, so that a \
             blip of 25 ms that swallows three is one by its own rule; at its next step, 20 ms, none would be."
        )
    }
}

/// `demanded`: a peer that is not there is a failure.
fn findings(seen: &Seen, demanded: bool) -> Result<Findings> {
    let troubles = seen.troubles.iter().map(recorded);
    let moves = seen.moves.iter().chain(&seen.alarms).map(recorded);
    let longer = seen.blips().filter(|blip| blip.is_longer()).count();
    let priority = if seen.realtime { "with" } else { "without" };
    Ok(Findings {
        measures: measures(seen)?,
        configuration: json!({
            "nodes": 3,
            "api": "embedded",
            "minutes": seen.minutes,
            "busy_processes": seen.busy,
            "cpu_request": seen.request.map(|request| format!("{request}m")),
            "busy_cpu_request": seen.request.map(|_| format!("{}m", pods::BUSY)),
            "blips": BLIPS,
            "blip_ms": BLIP.as_millis(),
            "pauses": PAUSES,
            "standstills": STANDSTILLS,
            "keepalived": seen.rival.as_ref().map(|(version, _)| rival::configuration(version, PREEMPTS)),
            "phases": seen.phases.iter().map(|(phase, at)| json!({"phase": phase, "at_us": at.as_micros()})).collect::<Vec<_>>(),
        }),
        runs: troubles.chain(moves).collect::<Result<Vec<_>>>()?,
        failures: seen
            .failure
            .iter()
            .cloned()
            .chain((seen.rival.is_none() && demanded).then(|| MISSING.to_owned()))
            .chain((seen.request.is_none() && demanded).then(|| NO_PODS.to_owned()))
            .collect(),
        notes: vec![
            format!(
                "{} busy processes all the time. {longer} blips were longer than {LONGER:?} on this machine ({priority} \
                 real-time priority): a node that is away for so long may be taken for dead, so moves after them are \
                 told apart.",
                seen.busy
            ),
            "A pause stops the speaker alone: its kernel lives, so that others stand in and nothing has to move. A standstill is \
             the announcing node's whole: for 200 ms nothing gets in or out, and its speaker does not run. That looks like its \
             end until it is over; each node may lose an address so once, and is given that much longer from then on."
                .to_owned(),
            seen.request.map_or(NO_PODS.to_owned(), |request| {
                format!(
                    "Each speaker is in a cgroup with the weight of a Pod that asks for {request}m, as in the chart, each busy \
                     process in one of {}m.",
                    pods::BUSY
                )
            }),
            seen.told_of_rival(),
        ],
        ..Findings::default()
    })
}

fn measures(seen: &Seen) -> Result<Vec<Measure>> {
    // A phase that never came has not gone well.
    let came = |phase| seen.phases.iter().any(|(found, _)| *found == phase);
    let counted = |name: &str, came: bool, count: usize| -> Result<Measure> {
        let count = u32::try_from(count).with_context(|| format!("counting {name}"))?;
        Ok(Measure {
            samples: vec![came.then(|| f64::from(count))],
            ..Measure::new(name, Unit::Count)
        })
    };
    let moves = |name: &str, phase, longer, limit: Option<f64>| -> Result<Measure> {
        Ok(Measure {
            goal: limit.map(|limit| Goal::at_most(Statistic::Max, limit)),
            ..counted(name, came(phase), seen.moves(phase, longer))?
        })
    };
    let alarms = |when: &str, phase| -> Result<Option<Measure>> {
        let name = format!("{PEER}: alarms {when}");
        let alarms = seen.alarms(phase);
        let measure = alarms.map(|count| counted(&name, came(phase), count));
        Ok(measure.transpose()?.map(Measure::part))
    };
    let took = |name: &str, kind: &str| {
        let all = seen.troubles.iter().filter(|trouble| trouble.kind == kind);
        Measure::new(name, Unit::Millis)
            .times(all.map(|trouble| Some(trouble.took)))
            .part()
    };
    let short = seen.blips().filter(|blip| !blip.is_longer()).count();
    let short = counted("blips as short as they were meant to be", true, short)?;
    let mut all = vec![moves("moves under load", Phase::Load, false, Some(0.0))?];
    all.extend(alarms("under load", Phase::Load)?);
    all.push(moves("moves with link blips", Phase::Blips, false, Some(0.0))?);
    all.extend(alarms("with link blips", Phase::Blips)?);
    all.extend([
        short.goal(Goal::at_least(SHORT)).part(),
        took("a blip, as it was", trouble::LINK),
        moves("after longer blips", Phase::Blips, true, None)?.part(),
        moves("moves with pauses", Phase::Pauses, false, Some(1.0))?,
        took("a pause, as it was", trouble::SPEAKER),
        Measure {
            samples: seen.moves_by_standstill(),
            ..Measure::new("moves of an address from one node that stands still", Unit::Count)
        }
        .goal(Goal::at_most(Statistic::Max, 1.0)),
        Measure {
            goal: Some(Goal::at_most(Statistic::Max, 0.0)),
            ..counted(
                "moves from nodes that did not",
                came(Phase::Standstills),
                seen.moves_in_standstills().1.len(),
            )?
        }
        .part(),
        took("a standstill, as it was", trouble::NODE),
    ]);
    Ok(all)
}

#[cfg(test)]
mod tests;
