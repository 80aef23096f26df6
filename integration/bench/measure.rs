//! One measure of a bench: its samples, what was promised about them, and what they are compared with.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::distribution::Distribution;

/// What a sample counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Millis,
    Micros,
    Mebibytes,
    Kibibytes,
    /// Things that are counted.
    Count,
    /// Things that are counted, of each second.
    PerSecond,
    /// Of the time of one processor, or of all there is of anything.
    Percent,
}

impl Unit {
    /// The name that stands behind a number.
    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Millis => "ms",
            Self::Micros => "µs",
            Self::Mebibytes => "MiB",
            Self::Kibibytes => "KiB",
            Self::Count => "",
            Self::PerSecond => "/s",
            Self::Percent => "%",
        }
    }

    /// A duration in this unit. Memory, counts and shares have none.
    fn of(self, duration: Duration) -> f64 {
        let per_second = match self {
            Self::Millis => 1e3,
            Self::Micros => 1e6,
            Self::Seconds
            | Self::Mebibytes
            | Self::Kibibytes
            | Self::Count
            | Self::PerSecond
            | Self::Percent => 1.0,
        };
        duration.as_secs_f64() * per_second
    }
}

/// Which figure of a distribution a goal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statistic {
    Median,
    /// The slowest but one in a hundred.
    Tail,
    Mean,
    Min,
    Max,
}

impl Statistic {
    const fn name(self) -> &'static str {
        match self {
            Self::Median => "p50",
            Self::Tail => "p99",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
        }
    }

    fn read(self, all: &Distribution) -> Option<f64> {
        match self {
            Self::Median => all.percentile(50),
            Self::Tail => all.percentile(99),
            Self::Mean => all.mean(),
            // A run that failed is below every limit.
            Self::Min => all.min().filter(|_| all.failed() == 0),
            Self::Max => all.max(),
        }
    }
}

/// What was promised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Goal {
    statistic: Statistic,
    limit: f64,
    bound: Bound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Upper,
    Lower,
}

impl Goal {
    /// The figure is `limit` at most, in the measure's unit.
    pub(super) const fn at_most(statistic: Statistic, limit: f64) -> Self {
        Self {
            statistic,
            limit,
            bound: Bound::Upper,
        }
    }

    /// The smallest sample is `limit` at least.
    pub(super) const fn at_least(limit: f64) -> Self {
        Self {
            statistic: Statistic::Min,
            limit,
            bound: Bound::Lower,
        }
    }

    const fn relation(&self) -> &'static str {
        match self.bound {
            Bound::Upper => "≤",
            Bound::Lower => "≥",
        }
    }

    fn judge(&self, all: &Distribution) -> Verdict {
        let met = |value: f64| match self.bound {
            Bound::Upper => value <= self.limit,
            Bound::Lower => value >= self.limit,
        };
        // What never happened was not in time.
        match self.statistic.read(all) {
            Some(value) if met(value) => Verdict::Met,
            _ => Verdict::Missed,
        }
    }
}

/// Whether a goal was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Met,
    Missed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Met => "met",
            Self::Missed => "missed",
        })
    }
}

/// A measure.
#[derive(Debug, Clone)]
pub(super) struct Measure {
    pub(super) name: String,
    pub(super) unit: Unit,
    /// In the order of the runs; `None` where it never happened.
    pub(super) samples: Vec<Option<f64>>,
    pub(super) goal: Option<Goal>,
    /// The name of another measure of the same bench.
    pub(super) reference: Option<String>,
    /// It tells where the time of the measure above it goes.
    pub(super) part: bool,
}

impl Measure {
    pub(super) fn new(name: impl Into<String>, unit: Unit) -> Self {
        Self {
            name: name.into(),
            unit,
            samples: Vec::new(),
            goal: None,
            reference: None,
            part: false,
        }
    }

    /// Promises something.
    pub(super) fn goal(self, goal: Goal) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }

    /// Names what it is compared with.
    pub(super) fn against(self, reference: &str) -> Self {
        Self {
            reference: Some(reference.to_owned()),
            ..self
        }
    }

    /// Puts it below the one before it.
    pub(super) fn part(self) -> Self {
        Self { part: true, ..self }
    }

    /// Takes over samples; `None` where it never happened.
    pub(super) fn times(mut self, times: impl IntoIterator<Item = Option<Duration>>) -> Self {
        let unit = self.unit;
        let samples = times.into_iter().map(|time| time.map(|time| unit.of(time)));
        self.samples.extend(samples);
        self
    }

    /// The same of numbers in the measure's unit.
    pub(super) fn counted(mut self, numbers: impl IntoIterator<Item = Option<f64>>) -> Self {
        self.samples.extend(numbers);
        self
    }

    pub(super) fn distribution(&self) -> Distribution {
        Distribution::of(&self.samples)
    }

    /// Whether the goal was reached; nothing if none was set.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        Some(self.goal?.judge(&self.distribution()))
    }

    /// The goal in words.
    pub(super) fn promise(&self) -> Option<String> {
        let goal = self.goal?;
        let (name, relation, limit) = (goal.statistic.name(), goal.relation(), goal.limit);
        let promise = format!("{name} {relation} {limit} {}", self.unit.symbol());
        Some(promise.trim_end().to_owned())
    }

    /// How it missed its goal, for a person; nothing if it did not.
    pub(super) fn fault(&self) -> Option<String> {
        let goal = self.goal.filter(|_| self.verdict() == Some(Verdict::Missed))?;
        let found = goal.statistic.read(&self.distribution());
        let found = found.map_or_else(
            || "is none, because a run failed".to_owned(),
            |found| {
                format!("is {found:.1} {}", self.unit.symbol())
                    .trim_end()
                    .to_owned()
            },
        );
        let promise = self.promise().unwrap_or_default();
        Some(format!(
            "{}: {} {found}, the goal is {promise}",
            self.name,
            goal.statistic.name()
        ))
    }

    /// How many times the reference's median this one's is, if it has a reference among `all`.
    pub(super) fn ratio(&self, all: &[Self]) -> Option<f64> {
        let name = self.reference.as_ref()?;
        let reference = all.iter().find(|measure| &measure.name == name)?;
        let reference = reference.distribution().percentile(50)?;
        let own = self.distribution().percentile(50)?;
        (reference > 0.0).then(|| own / reference)
    }

    /// As it stands in a record. A figure is null where it falls on a failed run.
    pub(super) fn to_json(&self, all: &[Self]) -> Value {
        let found = self.distribution();
        let goal = self.goal.map(|goal| {
            json!({
                "statistic": goal.statistic.name(),
                "relation": goal.relation(),
                "limit": goal.limit,
            })
        });
        json!({
            "name": self.name,
            "unit": self.unit.symbol(),
            "n": found.len(),
            "failed": found.failed(),
            "min": found.min(),
            "p50": found.percentile(50),
            "p95": found.percentile(95),
            "p99": found.percentile(99),
            "max": found.max(),
            "goal": goal,
            "verdict": self.verdict().map(|verdict| verdict.to_string()),
            "reference": self.reference,
            "ratio": self.ratio(all),
            "samples": self.samples,
        })
    }
}

#[cfg(test)]
mod tests;
