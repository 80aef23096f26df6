//! References to rows that exist, and to rows that do not any more.

use proptest::prelude::*;

use super::*;

fn reference(text: &str) -> Reference {
    let Ok(reference) = text.parse();
    reference
}

#[test]
fn a_dead_rows_id_is_no_name() {
    for (text, name, printed) in [
        ("defconf", Some("defconf"), "defconf"),
        ("*1", None, "*1"),
        ("*ffffffff", None, "*FFFFFFFF"),
        ("*not an id", Some("*not an id"), "*not an id"),
    ] {
        assert_eq!(reference(text).name(), name, "{text}");
        assert_eq!(reference(text).to_string(), printed);
    }
}

proptest! {
    #[test]
    fn reads_back_what_it_prints(text in ".{0,20}", id in "[*][0-9A-F]{1,16}") {
        for text in [text, id] {
            let read = reference(&text);
            prop_assert_eq!(reference(&read.to_string()), read);
        }
    }
}
