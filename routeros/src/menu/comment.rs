//! The comments that we write.

use std::fmt;

use crate::value::quote;

/// The longest comment written. RouterOS's own limit is not documented; rows of this length were seen.
pub const MAX_COMMENT: usize = 200;

/// A text that may not be written as a comment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidComment {
    /// RouterOS takes an empty comment as "remove the comment".
    #[error("a comment that marks a row as ours cannot be empty")]
    Empty,
    /// Longer than [`MAX_COMMENT`].
    #[error("the comment has {0} characters; at most {MAX_COMMENT} are written")]
    TooLong(usize),
    /// RouterOS stores bytes of no declared character set; only printable ASCII reads back the same everywhere.
    #[error(
        "the comment `{0}` has characters other than printable ASCII; RouterOS has no fixed character set for them"
    )]
    NotAscii(String),
}

/// A comment that reads back as it was written: printable ASCII, not empty, at most [`MAX_COMMENT`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Comment(String);

impl Comment {
    /// Checks `text`.
    ///
    /// # Errors
    /// Says which of the rules it breaks.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidComment> {
        let text = text.into();
        if text.is_empty() {
            return Err(InvalidComment::Empty);
        }
        if !text.bytes().all(|b| matches!(b, b' '..=b'~')) {
            return Err(InvalidComment::NotAscii(quote(&text)));
        }
        if text.len() > MAX_COMMENT {
            return Err(InvalidComment::TooLong(text.len()));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
