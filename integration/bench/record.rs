//! What a bench found, as one JSON document: every sample, and all that is needed to read it later.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::machine::{Build, Load, Machine};
use super::measure::Measure;
use super::plot::Plot;

/// Grows when a field changes its meaning, so that an old file is not misread.
const FORMAT: u32 = 1;

/// What a bench brings home.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    /// The figures.
    pub(super) measures: Vec<Measure>,
    /// What was set up, as far as it bears on the figures.
    pub(super) configuration: Value,
    /// Every run with all that was seen in it.
    pub(super) runs: Vec<Value>,
    /// Runs that failed, each with its reason.
    pub(super) failures: Vec<String>,
    /// What a reader has to know.
    pub(super) notes: Vec<String>,
    /// Names of measures that are drawn side by side.
    pub(super) drawn: Vec<String>,
}

impl Findings {
    /// Why the bench does not count as a success: goals that were missed, runs that failed. Empty if it does.
    pub(super) fn faults(&self) -> Vec<String> {
        let missed = self.measures.iter().filter_map(Measure::fault);
        missed.chain(self.failures.iter().cloned()).collect()
    }
}

/// The frame around the findings.
#[derive(Debug, Clone)]
pub(super) struct Record<'a> {
    pub(super) bench: &'static str,
    /// What a picture is called.
    pub(super) title: &'static str,
    pub(super) began: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) build: &'a Build,
    pub(super) machine: &'a Machine,
    /// At the beginning, and at the end.
    pub(super) load: (Load, Load),
    pub(super) findings: &'a Findings,
}

impl Record<'_> {
    fn to_json(&self) -> Value {
        let findings = self.findings;
        let faults = findings.faults();
        let measures: Vec<Value> = findings
            .measures
            .iter()
            .map(|measure| measure.to_json(&findings.measures))
            .collect();
        let (before, after) = &self.load;
        json!({
            "bench": self.bench,
            "format": FORMAT,
            "verdict": if faults.is_empty() { "met" } else { "missed" },
            "faults": faults,
            "began": self.began.to_string(),
            "ended": self.ended.to_string(),
            "tiklb": self.build,
            "machine": self.machine,
            "load": {
                "before": before,
                "after": after,
                "busy": after.busy_since(before),
            },
            "configuration": findings.configuration,
            "notes": findings.notes,
            "failures": findings.failures,
            "measures": measures,
            "runs": findings.runs,
        })
    }

    /// Writes it into `folder`, over an older one of the same bench.
    pub(super) fn write(&self, folder: &Path) -> Result<PathBuf> {
        let file = folder.join(format!("{}.json", self.bench));
        let doing = || format!("writing {}", file.display());
        fs::create_dir_all(folder).with_context(doing)?;
        let mut text = serde_json::to_string(&self.to_json()).with_context(doing)?;
        text.push('\n');
        fs::write(&file, text).with_context(doing)?;
        Ok(file)
    }

    /// Draws the distribution beside the record; nothing if there is nothing to draw.
    pub(super) fn draw(&self, folder: &Path) -> Result<Option<PathBuf>> {
        let Some(plot) = Plot::of(&self.findings.drawn, &self.findings.measures) else {
            return Ok(None);
        };
        let file = folder.join(format!("{}.svg", self.bench));
        fs::write(&file, plot.svg(self.title)).with_context(|| format!("writing {}", file.display()))?;
        Ok(Some(file))
    }
}

/// A value as it stands in a record.
pub(super) fn recorded(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).context("writing a run as JSON")
}

/// Every run, those that failed with their reason.
pub(super) fn recorded_all<'a, T: Serialize + 'a>(
    outcomes: impl IntoIterator<Item = &'a Result<T, String>>,
) -> Result<Vec<Value>> {
    let runs = outcomes.into_iter().map(|outcome| match outcome {
        Ok(run) => recorded(run),
        Err(why) => Ok(json!({ "failed": why })),
    });
    runs.collect()
}

#[cfg(test)]
mod tests;
