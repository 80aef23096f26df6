//! RouterOS versions, and what this crate makes of each.

use std::fmt;
use std::str::FromStr;

use super::Invalid;

mod policy;
#[cfg(test)]
mod tests;

pub(crate) use policy::SAFE_MODE;
pub use policy::{ADVISORIES, Advisory, CAVEATS, Caveat, OLDEST_SUPPORTED, Support, TESTED, TestedSeries};

const KIND: &str = "a RouterOS version";

/// A build before the release of its number; an alpha is older than a beta, a beta than a release candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PreRelease {
    /// `7.24alpha…`
    Alpha(u32),
    /// `7.24beta…`
    Beta(u32),
    /// `7.24rc…`
    Candidate(u32),
}

/// A version as `/system/resource` shows it: `7.23.7 (long-term)`, `7.24beta2`, `7.25_ab12 (development)`. Ordered by
/// number, pre-releases before their release; build and channel break ties only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    // The order of the fields is the order of versions.
    major: u32,
    minor: u32,
    patch: u32,
    stage: Stage,
    build: Option<String>,
    channel: Option<String>,
}

/// What of a number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Stage {
    Before(PreRelease),
    Release,
}

impl Version {
    /// The release of that number, of no particular channel.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
            stage: Stage::Release,
            build: None,
            channel: None,
        }
    }

    /// A pre-release of `major.minor`.
    pub const fn pre_release(major: u32, minor: u32, pre: PreRelease) -> Self {
        Self {
            major,
            minor,
            patch: 0,
            stage: Stage::Before(pre),
            build: None,
            channel: None,
        }
    }

    /// `(major, minor)`: `(7, 23)` for every 7.23.
    pub const fn series(&self) -> (u32, u32) {
        (self.major, self.minor)
    }

    /// The channel's name as shown in brackets, like `stable` or `long-term`.
    pub fn channel(&self) -> Option<&str> {
        self.channel.as_deref()
    }

    /// Whether it is a build before the release of its number.
    pub const fn is_pre_release(&self) -> bool {
        matches!(self.stage, Stage::Before(_))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 {
            write!(f, ".{}", self.patch)?;
        }
        match self.stage {
            Stage::Before(PreRelease::Alpha(number)) => write!(f, "alpha{number}")?,
            Stage::Before(PreRelease::Beta(number)) => write!(f, "beta{number}")?,
            Stage::Before(PreRelease::Candidate(number)) => write!(f, "rc{number}")?,
            Stage::Release => {}
        }
        if let Some(build) = &self.build {
            write!(f, "_{build}")?;
        }
        match &self.channel {
            Some(channel) => write!(f, " ({channel})"),
            None => Ok(()),
        }
    }
}

impl FromStr for Version {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        parse(text.trim())
            .ok_or_else(|| Invalid::new(KIND, text, "it should be like 7.23.7 (long-term) or 7.24beta2"))
    }
}

fn parse(text: &str) -> Option<Version> {
    let (text, channel) = match text.split_once(' ') {
        Some((text, bracketed)) => (text, Some(bracketed.trim().strip_prefix('(')?.strip_suffix(')')?)),
        None => (text, None),
    };
    let (text, build) = match text.split_once('_') {
        Some((text, build)) => (text, Some(build)),
        None => (text, None),
    };
    if !build.into_iter().chain(channel).all(is_word) {
        return None;
    }
    let letters = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (numbers, pre) = text.split_at(letters);
    let mut numbers = numbers.split('.').map(number);
    let (major, minor) = (numbers.next()??, numbers.next()??);
    let patch = numbers.next().unwrap_or(Some(0))?;
    if numbers.next().is_some() {
        return None;
    }
    let stage = if pre.is_empty() {
        Stage::Release
    } else {
        Stage::Before(pre_release(pre)?)
    };
    Some(Version {
        major,
        minor,
        patch,
        stage,
        build: build.map(str::to_owned),
        channel: channel.map(str::to_owned),
    })
}

/// Letters, digits and hyphens, at least one: what builds and channels are made of.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn pre_release(text: &str) -> Option<PreRelease> {
    let digits = text.find(|c: char| c.is_ascii_digit())?;
    let (word, digits) = text.split_at(digits);
    let number = number(digits)?;
    match word {
        "alpha" => Some(PreRelease::Alpha(number)),
        "beta" => Some(PreRelease::Beta(number)),
        "rc" => Some(PreRelease::Candidate(number)),
        _ => None,
    }
}

/// Only digits: `str::parse` would take a sign.
fn number(digits: &str) -> Option<u32> {
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten()
}
