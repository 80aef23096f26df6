//! `demo`: how long a new user waits for the whole story.
//!
//! The demo runs as a person starts it, as a process of its own, in a sandbox inside of this one.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use super::Stage;
use super::measure::{Goal, Measure, Statistic, Unit};
use super::record::Findings;
use crate::binary::GIVEN;

/// Each takes half a minute.
const RUNS: u32 = 3;

/// What a person watches without doing something else meanwhile, in seconds.
const LIMIT: f64 = 30.0;

/// Four times the goal; then it hangs.
const GIVEN_UP: Duration = Duration::from_mins(2);

/// How many of its last lines are kept where it failed: all that its processes said last.
const LINES: usize = 60;

/// How the demo's last line begins.
const DONE: &str = "All as it should be, in ";

/// One that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    /// In a line.
    why: String,
    /// What it printed last.
    lines: Vec<String>,
}

type Outcome = Result<Shown, Failure>;

/// A demo that ended well.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    /// From the start of the process to its end.
    took: Duration,
    /// Titles of the steps, and when each began, in seconds by the demo's own clock.
    steps: Vec<(String, f64)>,
    /// What the last line says, in seconds.
    total: f64,
}

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let runs = stage.runs.unwrap_or(RUNS);
    let mut outcomes = Vec::new();
    for number in 1..=runs {
        let what = format!("demo {number} of {runs}");
        let (took, output) = stage.screen.wait(&what, play(&stage.tiklb)).await?;
        outcomes.push(judge(number, took, output.as_ref()));
    }
    Ok(findings(&outcomes))
}

/// Runs it, and says how long that took; without an output where it did not end.
async fn play(tiklb: &Path) -> Result<(Duration, Option<Output>)> {
    let begun = Instant::now();
    let child = Command::new("/proc/self/exe")
        .arg("demo")
        .env(GIVEN, tiklb)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("starting the demo")?;
    let ended = tokio::time::timeout(GIVEN_UP, child.wait_with_output()).await;
    let output = ended.ok().transpose().context("waiting for the demo")?;
    Ok((begun.elapsed(), output))
}

fn judge(number: u32, took: Duration, output: Option<&Output>) -> Outcome {
    let Some(output) = output else {
        return Err(Failure {
            why: format!("run {number}: the demo had not ended after {GIVEN_UP:?}"),
            lines: Vec::new(),
        });
    };
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let all: Vec<&str> = out.lines().chain(err.lines()).collect();
    let failure = |why: &str| Failure {
        why: format!("run {number}: {why}"),
        lines: all[all.len().saturating_sub(LINES)..]
            .iter()
            .map(ToString::to_string)
            .collect(),
    };
    if !output.status.success() {
        let last = err.lines().rfind(|line| !line.trim().is_empty());
        let ended = format!("the demo failed ({})", output.status);
        return Err(failure(last.unwrap_or(&ended)));
    }
    match read(&out) {
        Ok((steps, total)) => Ok(Shown { took, steps, total }),
        Err(why) => Err(failure(&format!("reading what the demo printed: {why:#}"))),
    }
}

/// The steps' titles and beginnings, and the whole, as the demo prints them.
fn read(out: &str) -> Result<(Vec<(String, f64)>, f64)> {
    let steps: Vec<_> = out.lines().filter_map(step).collect();
    ensure!(
        !steps.is_empty(),
        "there is no line of a step such as \"1. Title   0.0 s\""
    );
    let last = out.lines().find_map(|line| line.trim().strip_prefix(DONE));
    let total = last.and_then(|total| total.strip_suffix(" s.")?.parse().ok());
    let total = total.with_context(|| format!("there is no last line such as \"{DONE}1.0 s.\""))?;
    Ok((steps, total))
}

/// `4. Cluster, router and LAN agree      1.3 s`: what is below a step is indented.
fn step(line: &str) -> Option<(String, f64)> {
    let (number, rest) = line.split_once(". ")?;
    number.parse::<u32>().ok()?;
    let (title, time) = rest.strip_suffix(" s")?.rsplit_once(' ')?;
    Some((format!("{number}. {}", title.trim()), time.parse().ok()?))
}

fn findings(outcomes: &[Outcome]) -> Findings {
    let all = outcomes.iter().map(|outcome| outcome.as_ref().ok());
    let mut whole = vec![
        Measure::new("the demo, from start to end", Unit::Seconds)
            .goal(Goal::at_most(Statistic::Max, LIMIT))
            .times(all.map(|shown| shown.map(|shown| shown.took))),
    ];
    whole.extend(steps(outcomes));
    let runs = outcomes.iter().map(|outcome| match outcome {
        Ok(Shown { took, steps, total }) => json!({
            "took_s": took.as_secs_f64(),
            "told_s": total,
            "steps_begin_s": steps.iter().map(|(title, at)| json!([title, at])).collect::<Vec<_>>(),
        }),
        Err(Failure { why, lines }) => json!({ "failed": why, "last_lines": lines }),
    });
    Findings {
        measures: whole,
        configuration: json!({"command": "lab demo", "goal": "the whole process, its sandbox included"}),
        runs: runs.collect::<Vec<Value>>(),
        failures: outcomes.iter().filter_map(|outcome| Some(outcome.as_ref().err()?.why.clone())).collect(),
        notes: vec![
            "Some 10 s of step 4 are a wait on purpose: leases that the router has just offered settle before an \
             address counts as free."
                .to_owned(),
        ],
        ..Findings::default()
    }
}

/// How long each step took, by the first demo's titles with what changes from run to run left as it is.
fn steps(outcomes: &[Outcome]) -> Vec<Measure> {
    let first = outcomes.iter().find_map(|outcome| outcome.as_ref().ok());
    let titles = first.map(|shown| shown.steps.as_slice()).unwrap_or_default();
    let measures = titles.iter().enumerate().map(|(place, (title, _))| {
        let samples = outcomes
            .iter()
            .map(|outcome| outcome.as_ref().ok()?.length(place));
        Measure {
            samples: samples.collect(),
            ..Measure::new(title, Unit::Seconds).part()
        }
    });
    measures.collect()
}

impl Shown {
    /// From the beginning of a step to that of the next, in seconds.
    fn length(&self, place: usize) -> Option<f64> {
        let (_, begun) = self.steps.get(place)?;
        let ended = self.steps.get(place + 1).map_or(self.total, |(_, next)| *next);
        Some(ended - begun)
    }
}

#[cfg(test)]
mod tests;
