//! RouterOS values: checked parsers for the text that every REST property is, each with a `Display` in the form
//! that RouterOS itself prints. No parser panics on any input; none accepts what it cannot print back.

mod duration;
mod flag;
mod mac;
mod ranges;
mod reference;
mod row_id;
mod version;

pub use duration::{Duration, DurationOrNever, Uptime};
pub use flag::Flag;
pub use mac::{LocalMac, MacAddr};
pub use ranges::{AddressRange, AddressRanges, InvalidRanges};
pub use reference::Reference;
pub use row_id::RowId;
pub(crate) use version::SAFE_MODE;
pub use version::{
    ADVISORIES, Advisory, CAVEATS, Caveat, OLDEST_SUPPORTED, PreRelease, Support, TESTED, TestedSeries,
    Version,
};

use std::borrow::Cow;

#[cfg(test)]
mod tests;

/// How much of a value that could not be read is quoted in an error. Values are foreign data of any length; a line
/// in a log or a condition is not.
const QUOTED: usize = 64;

/// A text that is not a value of the kind it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {kind}: {why}")]
pub struct Invalid {
    /// What was expected, with its article: "a duration".
    kind: &'static str,
    /// The text, shortened.
    text: String,
    /// What is wrong with it.
    why: Cow<'static, str>,
}

impl Invalid {
    pub(crate) fn new(kind: &'static str, text: &str, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            text: quote(text),
            why: why.into(),
        }
    }
}

/// A foreign text as it may stand in one line of a message: control characters escaped, and then shortened, so that a
/// text of control characters is no longer than another.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::new();
    let mut left = QUOTED;
    for c in text.chars() {
        let piece = escaped(c);
        let length = piece.chars().count();
        if length > left {
            quoted.push('…');
            break;
        }
        left -= length;
        quoted.push_str(&piece);
    }
    quoted
}

/// A control character as its escape, any other as it is.
fn escaped(c: char) -> String {
    if c.is_control() {
        c.escape_default().collect()
    } else {
        c.to_string()
    }
}
