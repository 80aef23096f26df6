//! `answer`: how fast ARP is answered, how often, and what it costs not to answer.
//!
//! - Latency: an announced address, the node's own one, which its kernel answers for, and one for which the barest program
//!   answers that there can be, asked in turn on one veth. A kernel answers in the turn in which the question comes; any
//!   program has to be woken up first, and the bare one's time says what that alone takes.
//! - Rate: questions for one address, many at once. The answers a second of the speaker's processor time are judged: who
//!   asks is on the same machine and takes as much of it.
//! - Foreign frames: ARP between others, straight into the node's cable, so that no other host has to do with it. What
//!   they add to the speaker's processor time, beside that of a socket without a filter that is read in the same node.

pub(super) mod latency;
mod load;

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::Stage;
use super::connect::{BARE, KERNEL};
use super::ground;
use super::measure::{Goal, Measure, Statistic, Unit};
use super::number::tenths_up;
use super::record::{Findings, recorded};
use crate::home::Plan;
use latency::Answers;
use load::{Foreign, Rate};

/// Rounds of rate and of foreign frames: their figures move by some percent.
const RUNS: u32 = 3;

/// How much longer than the kernel's, and than a bare program's, an answer may take, at the median.
const SLOWER: f64 = 1.3;
/// Answers a second of a processor.
const ANSWERS: f64 = 100_000.0;
/// Of the reader's processor time, in percent.
const FOREIGN: f64 = 10.0;

/// What came of all.
struct Seen {
    answers: Answers,
    rates: Vec<Rate>,
    foreign: Vec<Foreign>,
}

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let runs = stage.runs.unwrap_or(RUNS);
    let plan = Plan::default().tiklb(&stage.tiklb);
    let mut home = ground::build(&mut stage.screen, plan).await?;
    ground::apply_homelab(&mut stage.screen, &mut home).await?;
    home.all_hear_each_other().await?;
    let mut seen = Seen {
        answers: latency::run(stage, &home).await?,
        rates: Vec::new(),
        foreign: Vec::new(),
    };
    for number in 1..=runs {
        let what = format!("round {number} of {runs}: as many answers as there are");
        let rate = stage.screen.watch(&home, &what, load::rate(&home)).await?;
        let what = format!("round {number} of {runs}: frames between others");
        let foreign = stage.screen.watch(&home, &what, load::foreign(&home)).await?;
        stage
            .screen
            .progress(format!("round {number} of {runs}: {rate}; {foreign}"))?;
        seen.rates.push(rate);
        seen.foreign.push(foreign);
    }
    findings(&seen)
}

fn findings(seen: &Seen) -> Result<Findings> {
    let Seen {
        answers,
        rates,
        foreign,
    } = seen;
    let rates = rates.iter().map(recorded);
    let runs = rates.chain(foreign.iter().map(recorded));
    Ok(Findings {
        measures: measures(seen),
        configuration: json!({
            "nodes": 3,
            "api": "embedded",
            "latency": answers.configuration(),
            "rate": load::rate_configuration(),
            "foreign": load::foreign_configuration(),
        }),
        runs: runs.collect::<Result<Vec<_>>>()?,
        failures: answers.failures().into_iter().collect(),
        notes: vec![
            format!(
                "{KERNEL} is {}'s own address, asked for in turn with the address that it announces.",
                answers.node
            ),
            format!(
                "{BARE}: a thread there that waits in recv and answers for one more address. What it takes more than the \
                 kernel is the waking up of a process."
            ),
            "Processor time is the speaker's own, all threads, with heartbeats and watching. What the kernel does for \
             a frame in its soft interrupt is nobody's there, nor the reader's."
                .to_owned(),
        ],
        ..Findings::default()
    })
}

fn measures(seen: &Seen) -> Vec<Measure> {
    let Answers {
        announced,
        kernel,
        bare,
        ..
    } = &seen.answers;
    let reference =
        |name, times: &[Option<Duration>]| Measure::new(name, Unit::Micros).times(times.iter().copied());
    let (kernel, bare) = (reference(KERNEL, kernel), reference(BARE, bare));
    // Without the other's figure nothing is promised, and its missing answers are a failure by themselves.
    let beside = |name, other: &Measure| {
        let median = other.distribution().percentile(50);
        Measure {
            goal: median.map(|median| Goal::at_most(Statistic::Median, tenths_up(median * SLOWER))),
            ..reference(name, announced).against(&other.name)
        }
    };
    let of_rate = |name: &str, unit, read: fn(&Rate) -> f64| Measure {
        samples: seen.rates.iter().map(|rate| Some(read(rate))).collect(),
        ..Measure::new(name, unit)
    };
    let of_foreign = |name: &str, unit, read: fn(&Foreign) -> f64| Measure {
        samples: seen.foreign.iter().map(|foreign| Some(read(foreign))).collect(),
        ..Measure::new(name, unit)
    };
    vec![
        beside("ARP answer for an announced address", &kernel),
        beside("the same beside a bare program's", &bare),
        kernel,
        bare,
        of_rate(
            "answers a second of a processor",
            Unit::PerSecond,
            Rate::per_processor,
        )
        .goal(Goal::at_least(ANSWERS)),
        of_rate("answers a second by the clock", Unit::PerSecond, Rate::per_second).part(),
        of_rate("questions without an answer", Unit::Percent, Rate::unanswered).part(),
        of_foreign(
            "what foreign frames add, of a reader's processor time",
            Unit::Percent,
            Foreign::share,
        )
        .goal(Goal::at_most(Statistic::Max, FOREIGN)),
        of_foreign("the speaker's", Unit::Percent, Foreign::speaker).part(),
        of_foreign("the speaker's without them", Unit::Percent, Foreign::idle).part(),
        of_foreign("the reader's", Unit::Percent, Foreign::reader).part(),
        of_foreign("foreign frames", Unit::PerSecond, Foreign::per_second).part(),
    ]
}

#[cfg(test)]
mod tests;
