//! An answer's bytes made into JSON, whatever stands in other people's comments.

use serde_json::Value;

#[cfg(test)]
mod tests;

/// Bytes that are no JSON, and where they stop being it; what they are is not quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no JSON at line {line}, column {column}")]
pub struct Unreadable {
    line: usize,
    column: usize,
}

/// Reads `bytes` as JSON. RouterOS stores text as bytes of no declared character set and does not escape what it
/// should, so: bytes that are no UTF-8 are taken as latin-1, control characters and stray backslashes inside strings
/// are escaped. An empty body is `Null`.
///
/// # Errors
/// Says where the JSON breaks.
pub fn parse(bytes: &[u8]) -> Result<Value, Unreadable> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    serde_json::from_str(&mend(&decode(bytes))).map_err(|error| Unreadable {
        line: error.line(),
        column: error.column(),
    })
}

/// UTF-8 where it is that, each other byte as the latin-1 character of its number.
fn decode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| char::from(*byte)));
    }
    text
}

/// Escapes within strings what JSON wants escaped there.
fn mend(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut in_string = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                in_string = !in_string;
                mended.push(c);
            }
            // Outside of a string it breaks the JSON, escaped or not.
            '\\' => {
                let length = escape_length(rest.as_str());
                mended.push_str(if length == 0 { "\\\\" } else { "\\" });
                mended.extend(rest.by_ref().take(length));
            }
            c if in_string && c.is_ascii_control() => {
                mended.extend(format!("\\u{:04x}", u32::from(c)).chars());
            }
            c => mended.push(c),
        }
    }
    mended
}

/// How many characters after a backslash belong to its escape; none if it is no escape.
fn escape_length(after: &str) -> usize {
    match after.chars().next() {
        Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => 1,
        Some('u') => match code_unit(after) {
            Some(0xD800..=0xDBFF) => {
                let low = after
                    .get(5..)
                    .and_then(|after| after.strip_prefix('\\'))
                    .and_then(code_unit);
                if matches!(low, Some(0xDC00..=0xDFFF)) {
                    11
                } else {
                    0
                }
            }
            Some(0xDC00..=0xDFFF) | None => 0,
            Some(_) => 5,
        },
        _ => 0,
    }
}

/// The UTF-16 code unit of `uXXXX`.
fn code_unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('u')?.get(..4)?;
    if digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        u32::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}
