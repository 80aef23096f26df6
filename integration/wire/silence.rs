//! The longest time without an answer.

use std::time::Duration;

use serde::Serialize;

use super::as_micros;

/// A time without answers, counted from the pinger's start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Silence {
    /// The last answer before it, or the start.
    #[serde(serialize_with = "as_micros", rename = "begin_us")]
    pub begin: Duration,
    /// The first answer after it, or the end.
    #[serde(serialize_with = "as_micros", rename = "end_us")]
    pub end: Duration,
    /// The node that answered last before it; nothing if none ever had.
    pub before: Option<String>,
    /// The node that answered first after it; nothing if the silence lasted to the end.
    pub after: Option<String>,
}

impl Silence {
    /// How long it was.
    pub fn length(&self) -> Duration {
        self.end.saturating_sub(self.begin)
    }

    /// The longest silence between the start (zero), the answers in the order of their arrival, and `end`.
    pub(super) fn longest<'a>(answers: impl Iterator<Item = (Duration, &'a str)>, end: Duration) -> Self {
        let mut longest = Self::default();
        let mut last: (Duration, Option<&str>) = (Duration::ZERO, None);
        for next in answers.map(|(at, node)| (at, Some(node))).chain([(end, None)]) {
            if next.0.saturating_sub(last.0) > longest.length() {
                longest = Self {
                    begin: last.0,
                    end: next.0,
                    before: last.1.map(str::to_owned),
                    after: next.1.map(str::to_owned),
                };
            }
            last = next;
        }
        longest
    }
}

#[cfg(test)]
mod tests;
