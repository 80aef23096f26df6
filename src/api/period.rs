//! Durations as a person writes them: `30s`, `10m`, `1h30m`, a subset of Go's.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::fmt::friendly::{Designator, Spacing, SpanPrinter};
use kube::core::Rule;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whole hours, minutes, seconds and milliseconds, largest first, each with at most six digits: more than enough,
/// and every text of this form is a duration to Go, to CEL and to us.
const PATTERN: &str = "^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?([0-9]{1,6}ms)?$";

/// The longest text that the pattern allows.
const MAX_LENGTH: u32 = 29;

/// A span of time, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write 30s, 10m or 1h30m")]
pub struct PeriodError(String);

impl Period {
    /// This many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The same as the standard library's type.
    pub const fn get(self) -> Duration {
        self.0
    }

    /// The CEL rule for a field of this type: readable, and between two bounds (both written as durations).
    pub(super) fn between(least: &str, most: &str) -> Rule {
        Rule::new(format!(
            "self.matches('{PATTERN}') && self != '' && duration(self) >= duration('{least}') && duration(self) <= duration('{most}')"
        ))
        .message(format!("write a duration from {least} to {most}, such as 30s, 10m or 1h30m").as_str())
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || PeriodError(text.to_owned());
        let written = text.len() <= MAX_LENGTH as usize && text.starts_with(|c: char| c.is_ascii_digit());
        let signed: SignedDuration = if written {
            text.parse().map_err(|_| error())?
        } else {
            return Err(error());
        };
        Duration::try_from(signed).map(Self).map_err(|_| error())
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PRINTER: SpanPrinter = SpanPrinter::new()
            .spacing(Spacing::None)
            .designator(Designator::Compact);
        let signed = SignedDuration::try_from(self.0).map_err(|_| fmt::Error)?;
        f.write_str(&PRINTER.duration_to_string(&signed))
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'_, str>::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl JsonSchema for Period {
    fn schema_name() -> Cow<'static, str> {
        "Period".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": MAX_LENGTH})
    }
}

#[cfg(test)]
mod tests;
