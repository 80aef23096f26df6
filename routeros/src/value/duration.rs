//! RouterOS's `time` values: lease times, expiries, uptimes.

use std::fmt;
use std::str::FromStr;
use std::time;

use super::Invalid;

#[cfg(test)]
mod tests;

const KIND: &str = "a duration";

/// Units from the largest to the smallest, as RouterOS writes them, with their length in nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Index of `h` in [`UNITS`]: a clock form (`10:20:30`) starts there.
const HOURS: usize = 2;

/// A length of time. Reads `1w2d3h4m5s`, `10ms`, a bare number of seconds (`1800`) and the clock form of error texts
/// (`1d00:00:10`); prints the first form, normalised as RouterOS does (`90m` becomes `1h30m`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(time::Duration);

impl Duration {
    /// Whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(time::Duration::from_secs(seconds))
    }

    /// As the standard library's type.
    pub const fn get(self) -> time::Duration {
        self.0
    }
}

impl From<time::Duration> for Duration {
    fn from(duration: time::Duration) -> Self {
        Self(duration)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_nanos();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, nanoseconds) in UNITS {
            let count = rest / u128::from(nanoseconds);
            rest %= u128::from(nanoseconds);
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Duration {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        parse(text.trim())
            .map(Self)
            .map_err(|why| Invalid::new(KIND, text, why))
    }
}

/// The sum of `text`'s parts, units descending.
fn parse(text: &str) -> Result<time::Duration, &'static str> {
    let mut rest = text;
    let mut total = time::Duration::ZERO;
    let mut next_unit = 0;
    loop {
        let (digits, after) = split_digits(rest);
        let count: u64 = number(digits)?;
        if after.is_empty() && next_unit == 0 {
            return Ok(time::Duration::from_secs(count));
        }
        if after.starts_with(':') && next_unit <= HOURS {
            return add(total, clock(rest)?);
        }
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, tail) = after.split_at(letters);
        let at = UNITS
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or("no such unit")?;
        if at < next_unit {
            return Err("units must go from the largest to the smallest, each once");
        }
        total = add(total, part(count, UNITS[at].1)?)?;
        if tail.is_empty() {
            return Ok(total);
        }
        next_unit = at + 1;
        rest = tail;
    }
}

/// `hh:mm:ss`, with or without a fraction of a second.
fn clock(text: &str) -> Result<time::Duration, &'static str> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, nanoseconds(fraction)?),
        None => (text, 0),
    };
    let mut parts = whole.split(':');
    let (Some(hours), Some(minutes), Some(seconds), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("a clock form has hours, minutes and seconds");
    };
    let (hours, minutes, seconds) = (number(hours)?, number(minutes)?, number(seconds)?);
    if minutes > 59 || seconds > 59 {
        return Err("minutes and seconds go up to 59");
    }
    let total = add(
        part(hours, UNITS[HOURS].1)?,
        time::Duration::from_secs(minutes * 60 + seconds),
    )?;
    add(total, time::Duration::from_nanos(fraction))
}

/// A decimal fraction of a second, in nanoseconds.
fn nanoseconds(fraction: &str) -> Result<u64, &'static str> {
    if fraction.len() > 9 {
        return Err("a fraction has at most nine digits");
    }
    number(fraction)?;
    number(&format!("{fraction:0<9}"))
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Only digits: `str::parse` would take a sign.
fn number(digits: &str) -> Result<u64, &'static str> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("a number is missing");
    }
    digits.parse().map_err(|_| "the number is too large")
}

fn part(count: u64, nanoseconds: u64) -> Result<time::Duration, &'static str> {
    const SECOND: u64 = 1_000_000_000;
    if nanoseconds >= SECOND {
        let seconds = count.checked_mul(nanoseconds / SECOND).ok_or("it is too long")?;
        return Ok(time::Duration::from_secs(seconds));
    }
    let per_second = SECOND / nanoseconds;
    let rest = (count % per_second) * nanoseconds;
    Ok(time::Duration::from_secs(count / per_second) + time::Duration::from_nanos(rest))
}

fn add(a: time::Duration, b: time::Duration) -> Result<time::Duration, &'static str> {
    a.checked_add(b).ok_or("it is too long")
}

/// A duration, or the word `never`: `last-seen` of a lease that no client has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DurationOrNever {
    /// It has not happened, or will not.
    Never,
    /// So long ago, or from now.
    Of(Duration),
}

impl fmt::Display for DurationOrNever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Of(duration) => duration.fmt(f),
        }
    }
}

impl FromStr for DurationOrNever {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.trim() == "never" {
            Ok(Self::Never)
        } else {
            text.parse().map(Self::Of)
        }
    }
}

/// How long the router has been up. Smaller than at an earlier read means that it was restarted in between: ids may
/// have come to mean other rows, and lists may for some seconds be empty without being so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uptime(pub Duration);

impl Uptime {
    /// Whether the router was restarted between the read that gave `earlier` and the one that gave `self`.
    pub fn restarted_since(self, earlier: Self) -> bool {
        self < earlier
    }
}

impl fmt::Display for Uptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Uptime {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse().map(Self)
    }
}
