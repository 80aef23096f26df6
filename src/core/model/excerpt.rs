//! Texts of others in words of ours.

/// Longer than any name: a label's value, an annotation or a range that is longer was not written to be read.
pub const NAME: usize = 64;
/// A sentence of ours with such texts in it, or a parser's.
pub const SENTENCE: usize = 768;

/// At most `most` characters of a text, the last of which then shows that there was more. Whoever may write an annotation
/// can write 256 KiB into it, and nothing that quotes it may fail for that.
pub fn excerpt(text: impl AsRef<str> + Into<String>, most: usize) -> String {
    match text.as_ref().char_indices().nth(most) {
        None => text.into(),
        Some(_) => text
            .as_ref()
            .chars()
            .take(most.saturating_sub(1))
            .chain(['…'])
            .collect(),
    }
}

#[cfg(test)]
mod tests;
