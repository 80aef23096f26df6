//! Row ids.

use std::fmt;
use std::str::FromStr;

use super::Invalid;

#[cfg(test)]
mod tests;

/// A row's `.id`: `*` and a hexadecimal number. It names a row for one read-modify-write only: after a reboot an id
/// can belong to another row. It is the only way in which this crate names a row to write to, because a bare number
/// would be a *position* in the table and any other text is matched against names and comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(u64);

impl fmt::Display for RowId {
    /// As it stands in a path, the `*` as it is: percent-encoded (`%2A`) RouterOS refuses it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*{:X}", self.0)
    }
}

impl FromStr for RowId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = |why| Invalid::new("a row id", text, why);
        let digits = text
            .strip_prefix('*')
            .ok_or_else(|| invalid("it should start with *"))?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(invalid("hexadecimal digits should follow the *"));
        }
        u64::from_str_radix(digits, 16)
            .map(Self)
            .map_err(|_| invalid("the number is too large"))
    }
}
