//! `connect`: from a Service that is created to the first answer for its address, and the answers' own time.
//!
//! ```text
//!   POST ── a watch shows the Service ── … its address ── the client's question is answered ── a connection is open
//!        └── what any controller waits for                  (it asks every 2 ms)
//! ```
//! The addresses are known to be free: the router is in sync and a survey has asked for them. So nothing is left to be
//! waited for but the work itself.

mod creation;

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Stage;
use super::answer::latency::{self, Answers};
use super::ground;
use super::measure::{Goal, Measure, Statistic, Unit};
use super::record::{Findings, recorded};
use super::service;
use crate::home::{Home, Plan, Ranges};
use crate::wire;
use creation::Creation;

/// p99 of fewer is a matter of luck, and this many take a minute.
const RUNS: u32 = 50;

/// Shorter than a person notices between `kubectl apply` and the prompt, in milliseconds.
const LIMIT: f64 = 60.0;

/// Names of measures.
const WATCHED: &str = "a watch shows the Service";
pub(super) const KERNEL: &str = "the kernel's ARP answer";
pub(super) const BARE: &str = "a bare program's ARP answer";

/// The addresses of `deploy/examples/homelab/config/tiklb/manifests/ipaddresspool.yaml`.
const POOL: &str = "200-220";

/// What came of a run.
type Outcome = Result<Creation, String>;

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let runs = stage.runs.unwrap_or(RUNS);
    let plan = Plan::default().tiklb(&stage.tiklb);
    let mut home = ground::build(&mut stage.screen, plan).await?;
    ground::apply_homelab(&mut stage.screen, &mut home).await?;
    let found = free_addresses(&home);
    let free = stage
        .screen
        .watch(&home, "silence at free addresses", found)
        .await?;
    let surveyed = ground::known_free(&home, &free);
    let what = "a survey of the free addresses";
    stage.screen.watch(&home, what, surveyed).await?;
    service::make_namespace(&home).await?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (number, address) in (1..=runs).zip(free.iter().cycle()) {
        let outcome = run_one(stage, &mut home, number, *address).await;
        if let Ok(creation) = &outcome {
            stage.screen.progress(creation.line(runs))?;
        }
        outcomes.push(outcome.map_err(|why| format!("run {number}: {why:#}")));
    }
    let answers = latency::run(stage, &home).await?;
    findings(&outcomes, &answers)
}

async fn run_one(stage: &mut Stage, home: &mut Home, number: u32, address: Ipv4Addr) -> Result<Creation> {
    // Where the addresses come round again, a Service had this one not long ago.
    let what = format!("a survey of {address}, for run {number}");
    let wanted = [address];
    let known = ground::known_free(home, &wanted);
    stage.screen.watch(home, &what, known).await?;
    let what = format!("run {number}");
    let created = creation::run(home, number, address);
    stage.screen.wait(&what, created).await
}

/// Those of the pool that no Service has and nobody answers for.
async fn free_addresses(home: &Home) -> Result<Vec<Ipv4Addr>> {
    let pool: Ranges = POOL.parse()?;
    let mut free = Vec::new();
    let first = pool.first().context("the pool is empty")?;
    for address in (u32::from(first)..).take(pool.len()).map(Ipv4Addr::from) {
        let asked = wire::who_has_every(home.client()?, address, ASKED, ASKED);
        if asked.await?.is_none() {
            free.push(address);
        }
    }
    Ok(free)
}

/// How long one question for an address may take to be answered before it is free: hosts of the lab answer within a
/// millisecond.
const ASKED: Duration = Duration::from_millis(100);

fn findings(outcomes: &[Outcome], answers: &Answers) -> Result<Findings> {
    let runs = outcomes.iter().map(|outcome| match outcome {
        Ok(creation) => recorded(creation),
        Err(why) => Ok(json!({ "failed": why })),
    });
    let failures = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().err().cloned());
    Ok(Findings {
        measures: measures(outcomes, answers),
        configuration: json!({
            "nodes": 3,
            "api": "embedded",
            "router": "in sync, assignment: Proven",
            "addresses": "asked for by the Service, found free by a survey",
            "questions_every_ms": 2,
            "arp_answers": answers.configuration(),
        }),
        runs: runs.collect::<Result<Vec<Value>>>()?,
        failures: failures.chain(answers.failures()).collect(),
        notes: vec![
            format!(
                "Times count from the sending of the POST. {WATCHED}: what any controller has to wait for."
            ),
            format!(
                "{KERNEL} is {}'s own address, asked for in turn with the address that it announces; {BARE}, a thread \
                 there that waits in recv and answers for one more.",
                answers.node
            ),
        ],
        ..Findings::default()
    })
}

fn measures(outcomes: &[Outcome], answers: &Answers) -> Vec<Measure> {
    let times = |read: &dyn Fn(&Creation) -> Duration| {
        let all = outcomes.iter().map(|outcome| outcome.as_ref().ok().map(read));
        all.collect::<Vec<_>>()
    };
    let part = |name: &str| Measure::new(name, Unit::Millis).part();
    vec![
        Measure::new("Service created -> first ARP answer", Unit::Millis)
            .goal(Goal::at_most(Statistic::Median, LIMIT))
            .against(WATCHED)
            .times(times(&|creation| creation.answered)),
        part(WATCHED).times(times(&|creation| creation.watched)),
        part("the POST is answered").times(times(&|creation| creation.posted)),
        part("the address is in its status").times(times(&|creation| creation.addressed)),
        part("a TCP connection is open").times(times(&|creation| creation.connected)),
        Measure::new("ARP answer for an announced address", Unit::Micros)
            .against(KERNEL)
            .times(answers.announced.iter().copied()),
        Measure::new(KERNEL, Unit::Micros).times(answers.kernel.iter().copied()),
        Measure::new(BARE, Unit::Micros).times(answers.bare.iter().copied()),
    ]
}

#[cfg(test)]
mod tests;
