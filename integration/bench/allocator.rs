//! `allocator`: how soon Services have their addresses, on a real API server, with `MetalLB`'s controller beside it.
//!
//! ```text
//!   created    one Service after the other:  POST ── … its address
//!   burst      1,000 at once, by 8 connections:  last POST answered ── … all have theirs
//!   restart    with those 1,000:  the process starts, one more is created ── … its address
//!   many       the same with 10,000
//! ```
//! Each system has a home of its own and runs alone in it: no speaker, no router. Single Services are created in one and
//! in the other by turns, so that a machine which grows slower does so for both; everything else one system after the
//! other. What it writes is counted by a watch, which shows every version of every Service, and by the API server's audit
//! log.

mod burst;
mod created;
mod restart;
mod sight;
mod system;
mod verdict;

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Value, json};

use super::Stage;
use super::record::{Findings, recorded};
use crate::cluster;
use crate::peers::metallb::{self, Metallb};
use burst::Burst;
use created::Created;
use restart::Restart;
use system::{System, Which};

/// Of so many, p99 leaves five slower ones: a disk's hiccup or two decides nothing.
const RUNS: u32 = 500;

/// Between two of them: what either system has to say about the last one, its events, is not to be in the way of the next.
const PAUSE: Duration = Duration::from_millis(100);

/// What is promised for a burst.
pub(super) const SERVICES: usize = 1_000;

/// What is promised for a large cluster.
pub(super) const MANY: usize = 10_000;

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// One Service after the other
    Created,
    /// A thousand at once
    Burst,
    /// The process is started anew with a thousand there
    Restart,
    /// The same with ten thousand; without MetalLB, which would take many minutes to assign them
    Many,
}

/// What is to be measured, and how much of it.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Only these; all if there are none.
    pub parts: Vec<Part>,
    /// Services of a burst.
    pub services: usize,
    /// Services of `many`.
    pub many: usize,
    /// On the embedded API server, which `MetalLB` does not understand.
    pub embedded: bool,
    /// Without `MetalLB`.
    pub alone: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            services: SERVICES,
            many: MANY,
            embedded: false,
            alone: false,
        }
    }
}

/// The same with the programs for it.
#[derive(Debug, Clone)]
pub struct Setting {
    wish: Wish,
    cluster: Option<cluster::Options>,
    metallb: Option<Metallb>,
}

impl Wish {
    /// Builds what it needs. Outside of the sandbox, where the go command has a network.
    ///
    /// # Errors
    /// No Go, or a failed build.
    pub async fn prepare(self) -> Result<Setting> {
        let mut progress = std::io::stderr();
        let mut setting = Setting {
            wish: self,
            cluster: None,
            metallb: None,
        };
        if setting.wish.embedded {
            return Ok(setting);
        }
        let binaries = cluster::build(&mut progress).await;
        let binaries = binaries.context("building the real cluster (--embedded does without)")?;
        setting.cluster = Some(cluster::Options {
            proxies: false,
            ..cluster::Options::new(binaries)
        });
        if !setting.wish.alone {
            let built = metallb::build(&mut progress).await;
            setting.metallb = Some(built.context("building MetalLB (--alone does without)")?);
        }
        Ok(setting)
    }

    fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}

/// What was seen of one system.
#[derive(Debug, Clone, Default, Serialize)]
struct Seen {
    system: &'static str,
    created: Vec<Result<Created, String>>,
    burst: Option<Burst>,
    restart: Option<Restart>,
    many: Option<Restart>,
    /// Parts that broke, each with its reason.
    broken: Vec<String>,
}

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let setting = stage.allocator.clone().context("nobody has prepared it")?;
    let runs = stage.runs.unwrap_or(RUNS);
    let metallb = setting.metallb.clone().map(Box::new).map(Which::Metallb);
    let mut systems = Vec::new();
    for which in [Some(Which::Tiklb), metallb].into_iter().flatten() {
        let name = which.name();
        let built = system::build(&stage.tiklb, setting.cluster.as_ref(), which);
        let built = stage.screen.wait(&format!("a home for {name}"), built).await;
        let mut seen = Seen {
            system: name,
            ..Seen::default()
        };
        systems.push((kept(&mut seen.broken, "its home", built), seen));
    }
    if setting.wish.wants(Part::Created) {
        one_by_one(stage, &mut systems, runs).await?;
    }
    let mut all = Vec::new();
    for (system, mut seen) in systems {
        if let Some(mut system) = system {
            many_at_once(stage, &setting.wish, &mut system, &mut seen).await?;
            if !seen.broken.is_empty() {
                stage.screen.say(system.last_words())?;
            }
        }
        all.push(seen);
    }
    findings(&setting, &all)
}

/// One Service after the other, by turns.
async fn one_by_one(stage: &mut Stage, systems: &mut [(Option<System>, Seen)], runs: u32) -> Result<()> {
    for number in 1..=runs {
        for (system, seen) in &mut *systems {
            let Some(system) = system else { continue };
            let created = created::run(system, number).await;
            if let Ok(created) = &created {
                let took = created.addressed_ms();
                let line = format!("{}: {number} of {runs}: {took:.1} ms", seen.system);
                stage.screen.progress(line)?;
            }
            seen.created
                .push(created.map_err(|why| format!("Service {number}: {why:#}")));
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Everything else that is wanted of one system.
async fn many_at_once(stage: &mut Stage, wish: &Wish, system: &mut System, seen: &mut Seen) -> Result<()> {
    let name = seen.system;
    let thousand = wish.wants(Part::Burst) || wish.wants(Part::Restart);
    if thousand {
        let what = format!("{} Services at once to have addresses from {name}", wish.services);
        let burst = stage.screen.wait(&what, burst::run(system, wish.services)).await;
        seen.burst = kept(&mut seen.broken, "burst", burst);
    }
    if wish.wants(Part::Restart) && seen.burst.is_some() {
        let what = format!("a restart of {name} with {} Services", wish.services);
        let restart = stage
            .screen
            .wait(&what, restart::run(system, wish.services))
            .await;
        seen.restart = kept(&mut seen.broken, "restart", restart);
    }
    if wish.wants(Part::Many) && system.is_tiklb() {
        let what = format!("{} Services to have addresses from {name}", wish.many);
        let filled = stage.screen.wait(&what, restart::fill(system, wish.many)).await;
        if kept(&mut seen.broken, "many", filled).is_some() {
            let what = format!("a restart of {name} with {} Services", wish.many);
            let many = stage.screen.wait(&what, restart::run(system, wish.many)).await;
            seen.many = kept(&mut seen.broken, "many", many);
        }
    }
    Ok(())
}

/// What was found; or why not, for the end.
fn kept<T>(broken: &mut Vec<String>, part: &str, found: Result<T>) -> Option<T> {
    found.map_err(|why| broken.push(format!("{part}: {why:#}"))).ok()
}

fn findings(setting: &Setting, all: &[Seen]) -> Result<Findings> {
    let wish = &setting.wish;
    let metallb = setting.metallb.as_ref();
    let failures = all.iter().flat_map(|seen| {
        let created = seen.created.iter().filter_map(|created| created.as_ref().err());
        let broken = created.chain(&seen.broken);
        broken.map(|why| format!("{}: {why}", seen.system))
    });
    Ok(Findings {
        measures: verdict::measures(wish, all),
        configuration: json!({
            "api": if wish.embedded { "embedded" } else { "real" },
            "metallb": metallb.map(|metallb| &metallb.version),
            "services": wish.services,
            "many": wish.many,
            "connections": burst::CONNECTIONS,
            "running": "the allocator, or the controller, alone: no speaker, no router",
        }),
        runs: all.iter().map(recorded).collect::<Result<Vec<Value>>>()?,
        failures: failures.collect(),
        notes: vec![
            "The goal of single Services is MetalLB's percentile in this run, as far as its samples tell: the upper end of \
             its one-sided confidence interval of 95 %."
                .to_owned(),
            "Times of single Services count from the sending of their POST, that of a burst from the answer to the last \
             POST, those of a restart from the start of the process."
                .to_owned(),
            "Versions are what a watch shows of a Service after its creation: each is a write of its status or of its \
             annotations. Processor time is the process's own, user and system."
                .to_owned(),
        ],
        ..Findings::default()
    })
}

#[cfg(test)]
mod tests;
