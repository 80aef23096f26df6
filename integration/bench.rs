//! Benches: the numbers that are promised, measured on a [home](crate::home) with real processes and real sockets.
//!
//! Each prints a table and writes one JSON file with every sample. A goal that is missed and a run that failed make the
//! whole of it a failure; a run that failed stays in the distribution. The machine's load is told, not judged: numbers
//! of a machine that was busy with something else are read with that.

mod allocator;
mod answer;
mod beside;
mod connect;
mod demo;
mod distribution;
mod failover;
mod false_alarms;
mod ground;
mod handover;
mod idle;
mod machine;
mod measure;
mod memory;
mod number;
pub mod page;
mod plot;
mod record;
mod report;
mod rival;
mod router;
mod service;
mod speaker;
mod talk;
mod usage;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use jiff::Timestamp;

use crate::cluster::build::target_folder;
use crate::screen::Screen;
pub use allocator::{Part, Setting, Wish};
pub use beside::Beside;
use machine::{Build, Load, Machine};
use plot::Plot;
use record::{Findings, Record};

/// Below cargo's target folder.
const FOLDER: &str = "bench";

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// Silence at a client when the announcing node is cut off
    Failover,
    /// What a client loses when an address moves on purpose: drain, shutdown, failback
    Move,
    /// What a client loses when speakers are killed, hang, or are replaced
    Speaker,
    /// From a Service that is created to the first answer for its address
    Connect,
    /// How fast ARP is answered, how often, and what frames cost that nobody answers
    Answer,
    /// What speakers use and send while nothing happens
    Idle,
    /// Addresses that move although every node lives: an overloaded machine, links that blink, speakers that stall
    FalseAlarms,
    /// How long `lab demo` takes
    Demo,
    /// Resident memory of allocator and speakers
    Memory,
    /// A router with 1,000 reservations: the first sync, and the polls after it
    Router,
    /// On a real API server beside MetalLB: Services created one by one and at once, restarts with many there
    Allocator,
}

impl Name {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Move => "move",
            Self::Speaker => "speaker",
            Self::Connect => "connect",
            Self::Answer => "answer",
            Self::Idle => "idle",
            Self::FalseAlarms => "false-alarms",
            Self::Demo => "demo",
            Self::Memory => "memory",
            Self::Router => "router",
            Self::Allocator => "allocator",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Failover => "failover: the announcing node is cut off under a client",
            Self::Move => "move: an address moves on purpose under a client",
            Self::Speaker => "speaker: it is killed, hangs, is replaced, and its node lives",
            Self::Connect => "connect: a Service is created, its address answers",
            Self::Answer => "answer: ARP, as fast and as often as it goes",
            Self::Idle => "idle: 100 addresses, and nothing happens",
            Self::FalseAlarms => "false alarms: every node lives, and the machine is overloaded",
            Self::Demo => "demo: what a new user waits for",
            Self::Memory => "memory: what allocator and speakers hold resident",
            Self::Router => "router: 1,000 Services stand on it, and then nothing changes",
            Self::Allocator => {
                "allocator: Services get their addresses, one by one, at once, and after a restart"
            }
        }
    }
}

/// What the benches are run with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The tiklb program.
    pub tiklb: PathBuf,
    /// Which ones; if there are none, all that need nothing but cargo.
    pub names: Vec<Name>,
    /// What [`Name::Allocator`] works with.
    pub allocator: Option<Setting>,
    /// `MetalLB`, where it is to be measured, too.
    pub beside: Option<Beside>,
    /// How many runs of each, where not the usual number.
    pub runs: Option<u32>,
    /// How long those last that only watch, where not the usual time.
    pub minutes: Option<u32>,
    /// Where the JSON files go; `target/bench` if not given.
    pub out: Option<PathBuf>,
}

/// What a bench works with.
struct Stage {
    screen: Screen,
    tiklb: PathBuf,
    runs: Option<u32>,
    minutes: Option<u32>,
    allocator: Option<Setting>,
    beside: Option<Beside>,
}

/// Runs them inside of the [sandbox](crate::sandbox), one after the other. Whether every goal was met and every run
/// went well; what did not is printed.
///
/// # Errors
/// When a file cannot be written or nothing can be printed. A bench that breaks does not end the others.
pub async fn run(options: Options) -> Result<bool> {
    let target = target_folder();
    let build = Build::of(&options.tiklb, target.as_deref().ok());
    let out = match options.out {
        Some(out) => out,
        None => target
            .context("finding a place for the JSON files: --out names one")?
            .join(FOLDER),
    };
    let names = if options.names.is_empty() {
        let all = Name::value_variants().iter().copied();
        all.filter(|name| *name != Name::Allocator).collect()
    } else {
        options.names
    };
    let machine = Machine::here();
    let mut stage = Stage {
        screen: Screen::stdout(),
        tiklb: options.tiklb,
        runs: options.runs,
        minutes: options.minutes,
        allocator: options.allocator,
        beside: options.beside,
    };
    stage
        .screen
        .say(format!("{build}\n{machine}; load {}", Load::now()))?;
    if build.is_for_development() {
        stage
            .screen
            .say("Built for development: for numbers that count, cargo run --release.")?;
    }
    let mut faults = Vec::new();
    for name in names {
        stage.screen.step(name.title())?;
        let (began, before) = (Timestamp::now(), Load::now());
        let found = stage.measure(name).await.unwrap_or_else(|why| Findings {
            failures: vec![format!("it broke: {why:#}")],
            ..Findings::default()
        });
        let record = Record {
            bench: name.as_str(),
            title: name.title(),
            began,
            ended: Timestamp::now(),
            build: &build,
            machine: &machine,
            load: (before, Load::now()),
            findings: &found,
        };
        stage.tell(&record)?;
        stage.keep(&record, &out)?;
        let found = found.faults().into_iter();
        faults.extend(found.map(|fault| format!("{}: {fault}", name.as_str())));
    }
    stage.conclude(&faults)?;
    Ok(faults.is_empty())
}

impl Stage {
    async fn measure(&mut self, name: Name) -> Result<Findings> {
        // A home and all that is asked of it make large futures.
        match name {
            Name::Failover => Box::pin(failover::run(self)).await,
            Name::Move => Box::pin(handover::run(self)).await,
            Name::Speaker => Box::pin(speaker::run(self)).await,
            Name::Connect => Box::pin(connect::run(self)).await,
            Name::Answer => Box::pin(answer::run(self)).await,
            Name::Idle => Box::pin(idle::run(self)).await,
            Name::FalseAlarms => Box::pin(false_alarms::run(self)).await,
            Name::Demo => Box::pin(demo::run(self)).await,
            Name::Memory => Box::pin(memory::run(self)).await,
            Name::Router => Box::pin(router::run(self)).await,
            Name::Allocator => Box::pin(allocator::run(self)).await,
        }
    }

    fn tell(&mut self, record: &Record<'_>) -> Result<()> {
        let Record { findings, load, .. } = record;
        self.screen
            .say(format!("\n{}", report::table(&findings.measures)))?;
        if let Some(plot) = Plot::of(&findings.drawn, &findings.measures) {
            self.screen.say(format!("{}\n", plot.text()))?;
        }
        for note in &findings.notes {
            self.screen.say(note)?;
        }
        let (before, after) = load;
        self.screen.say(format!(
            "Load {before} before, {after} after; the processors were busy for {:.0} % of the time.",
            after.busy_since(before) * 100.0
        ))?;
        Ok(())
    }

    /// Writes it into a folder, and says where.
    fn keep(&mut self, record: &Record<'_>, folder: &Path) -> Result<()> {
        let file = record.write(folder)?;
        self.screen.say(format!("Every sample: {}", file.display()))?;
        if let Some(picture) = record.draw(folder)? {
            self.screen
                .say(format!("The distribution: {}", picture.display()))?;
        }
        Ok(())
    }

    fn conclude(&mut self, faults: &[String]) -> Result<()> {
        if faults.is_empty() {
            self.screen.say("\nAll goals met.")?;
            return Ok(());
        }
        self.screen.say("\nNot as promised:")?;
        for fault in faults {
            self.screen.say(format!("- {fault}"))?;
        }
        Ok(())
    }
}
