//! References from one row to another.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use super::RowId;

#[cfg(test)]
mod tests;

/// A property that names another row: a lease's server, a server's pool or interface. When the row it named was
/// deleted, RouterOS shows the dead row's id instead, and creating a row of the old name does not relink it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// The name of a row that exists.
    Name(String),
    /// The id of a row that exists no more (`*1`, `*FFFFFFFF`).
    Dangling(RowId),
}

impl Reference {
    /// The name, unless the reference dangles.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Dangling(_) => None,
        }
    }
}

impl FromStr for Reference {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text
            .parse()
            .map_or_else(|_| Self::Name(text.to_owned()), Self::Dangling))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Dangling(id) => id.fmt(f),
        }
    }
}
