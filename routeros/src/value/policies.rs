//! The policies of a user group.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

#[cfg(test)]
mod tests;

/// What the users of a group may do: a set of words. Reads RouterOS's form, which names those that are missing too
/// (`read,write,!ftp`); prints those that are there, in alphabetical order. Words that this crate does not know are
/// kept: new versions bring new ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policies(BTreeSet<String>);

impl Policies {
    /// What this crate's client needs: reading, writing, and both ways in that REST goes through.
    pub const NEEDED: [&'static str; 4] = ["read", "write", "api", "rest-api"];

    /// Whether `policy` is among them.
    pub fn contains(&self, policy: &str) -> bool {
        self.0.contains(policy)
    }

    /// Those of [`Policies::NEEDED`] that are missing.
    pub fn missing(&self) -> Vec<&'static str> {
        Self::NEEDED
            .into_iter()
            .filter(|policy| !self.contains(policy))
            .collect()
    }

    /// Those that are not needed: what a stolen password could do beyond what ours does.
    pub fn needless(&self) -> Vec<&str> {
        self.0
            .iter()
            .map(String::as_str)
            .filter(|policy| !Self::NEEDED.contains(policy))
            .collect()
    }
}

impl FromStr for Policies {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let words = text.split(',').map(str::trim);
        let there = words.filter(|word| !word.is_empty() && !word.starts_with('!'));
        Ok(Self(there.map(str::to_owned).collect()))
    }
}

impl fmt::Display for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, policy) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            f.write_str(policy)?;
        }
        Ok(())
    }
}
