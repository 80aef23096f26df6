//! Text and tree.

use serde_json::json;

use super::*;

#[test]
fn what_is_kept_as_text_is_what_it_was() {
    let value = json!({"b": [1, -2, 0.1, u64::MAX], "a": {"d": null, "c": "\"ü\u{0}\n"}});
    let document = Document::from(value.clone());
    assert_eq!(document.value(), value);
    let same = r#"{"a":{"c":"\"ü\u0000\n","d":null},"b":[1,-2,0.1,18446744073709551615]}"#;
    let same: Value = serde_json::from_str(same).unwrap();
    assert_eq!(Document::from(same), document);
}
