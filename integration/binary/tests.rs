//! What cargo says of what it built (its reference, "External tools", JSON messages).

use super::*;

#[test]
fn the_binary_is_found_among_cargos_messages() {
    let messages = r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"tiklb"},"executable":null}
not JSON
{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"lab"},"executable":"/t/lab"}
{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"tiklb"},"executable":"/t/release/tiklb","fresh":true}
{"reason":"build-finished","success":true}"#;
    assert_eq!(executable(messages), Some(PathBuf::from("/t/release/tiklb")));
    assert_eq!(executable(""), None);
}
