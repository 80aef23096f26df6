//! Answers with foreign bytes in them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn reads_proper_json() {
    assert_eq!(
        parse(br#"[{".id":"*1","comment":"k\u00fcche \ud83d\ude00"}]"#).unwrap()[0]["comment"],
        "küche 😀"
    );
    assert_eq!(parse(b""), Ok(Value::Null));
    assert_eq!(parse(b" \r\n"), Ok(Value::Null));
}

#[test]
fn one_foreign_comment_does_not_break_a_list() {
    let body = b"[{\".id\":\"*1\",\"comment\":\"k\xfcche\"},{\".id\":\"*2\",\"comment\":\"k\xc3\xbcche\"},\
                 {\".id\":\"*3\",\"comment\":\"a\x01b\nc\td\"},{\".id\":\"*4\",\"comment\":\"C:\\new \\x \\ud83d!\"}]";
    let value = parse(body).unwrap();
    assert_eq!(
        value,
        json!([
            {".id": "*1", "comment": "küche"},
            {".id": "*2", "comment": "küche"},
            {".id": "*3", "comment": "a\u{1}b\nc\td"},
            {".id": "*4", "comment": "C:\new \\x \\ud83d!"},
        ])
    );
}

#[test]
fn escapes_are_read_beside_foreign_bytes() {
    let body =
        b"[{\"comment\":\"\xfc \\u00fc \\ud83d\\ude00 \\n\\/\\\" \\ude00 \\ud83d\\u0041 \\u00g0 \\u12\"}]";
    let value = parse(body).unwrap();
    assert_eq!(
        value[0]["comment"], "ü ü 😀 \n/\" \\ude00 \\ud83dA \\u00g0 \\u12",
        "what is no escape stays as it is written"
    );
}

#[test]
fn says_where_it_breaks_without_quoting() {
    assert_eq!(
        parse(b"[{\"secret\": ]").unwrap_err().to_string(),
        "no JSON at line 1, column 13"
    );
    assert_eq!(
        parse(b"<html>").unwrap_err().to_string(),
        "no JSON at line 1, column 1"
    );
    assert!(parse(b"[{}").is_err() && parse(b"\"\\\"").is_err());
}

proptest! {
    /// Any bytes but a quote and a backslash can stand in a string without costing the answer.
    #[test]
    fn any_text_can_stand_in_a_string(text in prop::collection::vec(any::<u8>(), 0..60)) {
        let text: Vec<u8> = text.into_iter().filter(|b| !b"\"\\".contains(b)).collect();
        let body = [b"[{\"comment\":\"", text.as_slice(), b"\"},{\".id\":\"*2\"}]"].concat();
        let value = parse(&body);
        prop_assert!(value.is_ok(), "{:?}", value);
        prop_assert_eq!(&value.unwrap()[1][".id"], "*2");
    }

    /// Backslashes anywhere but before the closing quote cost nothing either.
    #[test]
    fn backslashes_are_harmless(text in "[a-u0-9\\\\é]{0,30}") {
        let body = format!("[{{\"comment\":\"{text} \"}}]");
        prop_assert!(parse(body.as_bytes()).is_ok());
    }

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse(&bytes);
    }
}
