//! Texts whose bytes no UTF-8 text can hold: what an old Winbox wrote in its own code page, and control characters.
//!
//! `RouterOS` sends such bytes as they are in the middle of a JSON string. Rows here are texts, so each such byte is kept
//! as one character of a private range, and becomes the byte again on the wire.

/// The byte 0 as a character; the others follow.
const FIRST: u32 = 0xF700;

/// A text that is sent as exactly these bytes. Quotation mark and backslash are escaped on the wire all the same:
/// without that, an answer would not even have an end.
pub fn raw(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => char::from_u32(FIRST + u32::from(*byte)).unwrap_or(char::REPLACEMENT_CHARACTER),
        })
        .collect()
}

/// The bytes of a text on the wire.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c)
            .checked_sub(FIRST)
            .and_then(|byte| u8::try_from(byte).ok())
        {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}
