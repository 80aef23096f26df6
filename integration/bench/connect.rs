//! `connect`: from a Service that is created to the first answer for its address, and the answers' own time.
//!
//! ```text
//!   POST ── a watch shows the Service ── … its address ── the client's question is answered ── a connection is open
//!        └── what any controller waits for                  (it asks every 2 ms)
//! ```
//! The addresses are known to be free: the router is in sync and a survey has asked for them. So nothing is left to be
//! waited for but the work itself.
//!
//! Where it is asked for, both tiklb and `MetalLB` have a home on the real API server, and Services are created in one and in
//! the other by turns.

mod creation;
mod verdict;

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Stage;
use super::answer::latency::{self, Answers};
use super::beside::Neighbours;
use super::ground;
use super::record::{Findings, recorded_all};
use super::service;
use crate::home::{Home, Plan, Ranges};
use crate::wire;
use creation::Creation;

/// p99 of fewer is a matter of luck, and this many take a minute.
const RUNS: u32 = 50;

/// Names of measures.
const WATCHED: &str = "a watch shows the Service";
pub(super) const KERNEL: &str = "the kernel's ARP answer";
pub(super) const BARE: &str = "a bare program's ARP answer";

/// Of the same pool, and no Service of the guide's: what `MetalLB` gives first.
const FIRST: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 220);

/// The addresses of `deploy/examples/homelab/config/tiklb/manifests/ipaddresspool.yaml`.
const POOL: &str = "200-220";

/// What came of a run.
type Outcome = Result<Creation, String>;

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let runs = stage.runs.unwrap_or(RUNS);
    let beside = stage.beside.clone();
    let mut plan = Plan::default().tiklb(&stage.tiklb);
    if let Some(beside) = &beside {
        plan = plan.api(beside.api());
    }
    let mut home = ground::build(&mut stage.screen, plan).await?;
    ground::apply_homelab(&mut stage.screen, &mut home).await?;
    let found = free_addresses(&home);
    let mut free = stage
        .screen
        .watch(&home, "silence at free addresses", found)
        .await?;
    // MetalLB's first Service keeps it.
    free.retain(|address| *address != FIRST);
    let surveyed = ground::known_free(&home, &free);
    let what = "a survey of the free addresses";
    stage.screen.watch(&home, what, surveyed).await?;
    service::make_namespace(&home).await?;
    let mut neighbours = match &beside {
        // What it waits for when it starts is over, once it has given a first address.
        Some(beside) => Some(beside.serving(stage, "first", FIRST).await?.0),
        None => None,
    };
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut theirs: Vec<Outcome> = Vec::new();
    for (number, address) in (1..=runs).zip(free.iter().cycle()) {
        outcomes.push(run_one(stage, &mut home, number, *address).await?);
        if let Some(Neighbours { home, .. }) = &mut neighbours {
            let created = creation::run(home, number, *address).await;
            theirs.push(told(stage, "MetalLB, run", number, runs, created)?);
        }
    }
    let answers = latency::run(stage, &home).await?;
    let metallb = beside.as_ref().map(|beside| Metallb {
        version: beside.version(),
        outcomes: &theirs,
    });
    findings(&outcomes, metallb, &answers)
}

/// What `MetalLB` did beside tiklb.
#[derive(Debug, Clone, Copy)]
struct Metallb<'a> {
    version: &'a str,
    outcomes: &'a [Outcome],
}

async fn run_one(stage: &mut Stage, home: &mut Home, number: u32, address: Ipv4Addr) -> Result<Outcome> {
    let runs = stage.runs.unwrap_or(RUNS);
    // Where the addresses come round again, a Service had this one not long ago.
    let what = format!("a survey of {address}, for run {number}");
    let wanted = [address];
    let known = ground::known_free(home, &wanted);
    let known = stage.screen.watch(home, &what, known).await;
    let what = format!("run {number}");
    let created = async {
        known?;
        creation::run(home, number, address).await
    };
    let created = stage.screen.wait(&what, created).await;
    told(stage, "run", number, runs, created)
}

/// The outcome, and a line about it for whoever waits.
fn told(stage: &mut Stage, what: &str, number: u32, runs: u32, created: Result<Creation>) -> Result<Outcome> {
    if let Ok(creation) = &created {
        let line = creation.line();
        stage
            .screen
            .progress(format!("{what} {number} of {runs}: {line}"))?;
    }
    Ok(created.map_err(|why| format!("{what} {number}: {why:#}")))
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

fn findings(outcomes: &[Outcome], metallb: Option<Metallb<'_>>, answers: &Answers) -> Result<Findings> {
    let theirs = metallb.map(|metallb| metallb.outcomes).unwrap_or_default();
    let all = outcomes.iter().chain(theirs);
    let failures = all.clone().filter_map(|outcome| outcome.as_ref().err().cloned());
    Ok(Findings {
        measures: verdict::measures(outcomes, metallb, answers),
        configuration: json!({
            "nodes": 3,
            "api": if metallb.is_some() { "real" } else { "embedded" },
            "metallb": metallb.map(|metallb| metallb.version),
            "router": "in sync, assignment: Proven",
            "addresses": "asked for by the Service, found free by a survey",
            "questions_every_ms": 2,
            "arp_answers": answers.configuration(),
        }),
        runs: recorded_all(all.clone())?,
        failures: failures.chain(answers.failures()).collect(),
        notes: vec![
            "Beside MetalLB, a goal is MetalLB's percentile in this run, as far as its samples tell: the upper end of its \
             one-sided confidence interval of 95 %."
                .to_owned(),
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

#[cfg(test)]
mod tests;
