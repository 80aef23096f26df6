//! `idle`: what speakers use and send while a hundred addresses are announced and nothing happens, by the number of
//! nodes.

mod counters;

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use serde_json::json;
use tokio::time::sleep;

use super::Stage;
use super::ground;
use super::measure::{Goal, Measure, Statistic, Unit};
use super::number::ratio;
use super::record::{Findings, recorded};
use super::service::settle;
use super::usage::{self, precise_processor};
use crate::home::{Home, Plan};
use crate::sandbox;
use crate::wire::micros;
use counters::Counters;

/// One home with each number of nodes.
const RUNS: u32 = 1;

/// Enough for the slowest thing that speakers do by themselves: they announce everything anew once a minute.
const MINUTES: u32 = 1;

/// Addresses in all, shared by the nodes.
const ADDRESSES: usize = 100;
/// A hundred of the home's own network.
const RANGE: &str = "192.168.1.100-192.168.1.199";

/// Nodes of a home, and what a speaker is to use of one processor at most, in percent, where that is promised.
const NODES: [(u8, Option<f64>); 3] = [(3, None), (5, Some(1.0)), (50, Some(3.0))];

/// For all of them to be announced, on two processors that fifty speakers share.
const BEGUN: Duration = Duration::from_mins(5);

/// A takeover is announced for the last time after 4.4 s: by then nothing is left of the beginning.
const SETTLED: Duration = Duration::from_secs(6);

/// What one speaker did.
#[derive(Debug, Clone, Serialize)]
struct Idle {
    run: u32,
    nodes: u8,
    node: String,
    took_us: u64,
    processor_us: u64,
    resident_mib: f64,
    counters: Counters,
}

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let runs = stage.runs.unwrap_or(RUNS);
    let minutes = stage.minutes.unwrap_or(MINUTES);
    let (mut all, mut failures) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        for (nodes, _) in NODES {
            if let Some(why) = lacks_room(nodes, sandbox::neighbor_room()) {
                stage.screen.say(&why)?;
                failures.push(why);
                continue;
            }
            match watch(stage, run, nodes, minutes).await {
                Ok(found) => all.extend(found),
                Err(why) => failures.push(format!("run {run} with {nodes} nodes: {why:#}")),
            }
        }
    }
    findings(&all, failures, minutes)
}

/// Each node has an entry of each other one, of the router and of the API server in the one table that a machine has for all
/// namespaces; half of it is somebody else's. Said before minutes are spent in which nobody finds anybody.
fn lacks_room(nodes: u8, room: Option<usize>) -> Option<String> {
    let nodes = usize::from(nodes);
    let needed = 2 * nodes * (nodes + 1);
    let room = room.filter(|room| *room < needed)?;
    Some(format!(
        "{nodes} nodes are not measured: this machine's neighbour table has room for {room} entries, and all of them together \
         need up to {needed}; as root: sysctl -w net.ipv4.neigh.default.gc_thresh3={needed}"
    ))
}

async fn watch(stage: &mut Stage, run: u32, nodes: u8, minutes: u32) -> Result<Vec<Idle>> {
    let plan = Plan::default().nodes(nodes).tiklb(&stage.tiklb);
    let home = ground::build(&mut stage.screen, plan).await?;
    let what = format!("{ADDRESSES} addresses, announced by {nodes} nodes");
    let settled = settle(&home, RANGE, ADDRESSES, BEGUN);
    stage.screen.watch(&home, &what, settled).await?;
    home.all_hear_each_other().await?;
    sleep(SETTLED).await;
    let before = look(&home)?;
    let begun = Instant::now();
    let what = format!("{minutes} min of nothing with {nodes} nodes");
    let lasting = Duration::from_mins(minutes.into());
    let pause = async {
        sleep(lasting).await;
        Ok(())
    };
    stage.screen.watch(&home, &what, pause).await?;
    let (took, after) = (begun.elapsed(), look(&home)?);
    let speakers = before.into_iter().zip(after);
    speakers
        .map(|(before, after)| {
            Ok(Idle {
                run,
                nodes,
                took_us: micros(took),
                processor_us: micros(after.processor.saturating_sub(before.processor)),
                resident_mib: usage::of_one(home.speaker(&before.node)?, "speaker", "idle")?.resident_mib(),
                counters: after.counters.since(&before.counters),
                node: before.node,
            })
        })
        .collect()
}

/// A speaker at a moment.
struct Look {
    node: String,
    processor: Duration,
    counters: Counters,
}

fn look(home: &Home) -> Result<Vec<Look>> {
    let nodes = home.node_names().map(|node| {
        Ok(Look {
            node: node.to_owned(),
            processor: precise_processor(home.speaker(node)?)?,
            counters: Counters::of(home.lan().host(node)?)?,
        })
    });
    nodes.collect()
}

fn findings(all: &[Idle], failures: Vec<String>, minutes: u32) -> Result<Findings> {
    Ok(Findings {
        measures: NODES.into_iter().flat_map(|(nodes, limit)| measures(all, nodes, limit)).collect(),
        configuration: json!({
            "nodes": NODES.map(|(nodes, _)| nodes),
            "api": "embedded",
            "addresses": ADDRESSES,
            "minutes": minutes,
            "figures": "schedstat of all threads; the node's interface and its UDP, the API server's watches included",
        }),
        runs: all.iter().map(recorded).collect::<Result<Vec<_>>>()?,
        failures,
        notes: vec![
            "A sample is one speaker. Frames and datagrams are all that the node sends and receives, so the API \
             server's too; the survey of unassigned addresses is among them."
                .to_owned(),
        ],
        ..Findings::default()
    })
}

/// One speaker is one sample.
fn measures(all: &[Idle], nodes: u8, limit: Option<f64>) -> Vec<Measure> {
    let measure = |name: String, unit, read: &dyn Fn(&Idle) -> f64| Measure {
        samples: all
            .iter()
            .filter(|idle| idle.nodes == nodes)
            .map(|idle| Some(read(idle)))
            .collect(),
        ..Measure::new(name, unit)
    };
    let rate = |name: &str, read: fn(&Counters) -> u64| {
        let name = format!("{nodes} nodes: {name}");
        measure(name, Unit::PerSecond, &|idle| {
            ratio(read(&idle.counters), idle.took_us) * 1e6
        })
        .part()
    };
    let processor = measure(
        format!("{nodes} nodes: a speaker's share of a processor"),
        Unit::Percent,
        &|idle| ratio(idle.processor_us, idle.took_us) * 100.0,
    );
    let processor = match limit {
        Some(limit) => processor.goal(Goal::at_most(Statistic::Max, limit)),
        None => processor,
    };
    vec![
        processor,
        rate("frames sent", |counters| counters.frames_sent),
        rate("frames received", |counters| counters.frames_received),
        rate("datagrams sent", |counters| counters.datagrams_sent),
        rate("datagrams received", |counters| counters.datagrams_received),
        measure(format!("{nodes} nodes: resident"), Unit::Mebibytes, &|idle| {
            idle.resident_mib
        })
        .part(),
    ]
}

#[cfg(test)]
mod tests;
