//! RouterOS's `bool`.

use std::fmt;
use std::str::FromStr;

use super::Invalid;

#[cfg(test)]
mod tests;

/// A boolean property. Reads `true`, `false`, `yes` and `no`; prints `true` or `false`, as rows do. Words like
/// `accounting` (of `use-radius`) or `after-2sec-delay` (of `authoritative`) are not booleans and are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flag(pub bool);

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "true" } else { "false" })
    }
}

impl FromStr for Flag {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.trim() {
            "true" | "yes" => Ok(Self(true)),
            "false" | "no" => Ok(Self(false)),
            _ => Err(Invalid::new(
                "a flag",
                text,
                "it should be true, false, yes or no",
            )),
        }
    }
}
