//! Foreign text in messages.

use proptest::prelude::*;

use super::*;

#[test]
fn a_long_text_is_cut_and_a_short_one_is_not() {
    let fits = "x".repeat(QUOTED);
    assert_eq!(quote(&fits), fits);
    assert_eq!(quote(&format!("{fits}y")), format!("{fits}…"));
    assert_eq!(quote(""), "");
    assert_eq!(quote("k\u{fc}che"), "küche");
    assert_eq!(quote("a\nb\u{1}"), "a\\nb\\u{1}");
    // Ten escapes of six characters fit, and no half of one.
    assert_eq!(quote(&"\u{7f}".repeat(12)), format!("{}…", "\\u{7f}".repeat(10)));
    assert_eq!(
        Invalid::new("a thing", "x\ty", "it is none").to_string(),
        "`x\\ty` is not a thing: it is none"
    );
}

proptest! {
    #[test]
    fn a_quoted_text_is_one_short_line(text in "[\\PC\\x00-\\x1f\\x7f-\\x9f]{0,100}") {
        let quoted = quote(&text);
        prop_assert!(!quoted.chars().any(char::is_control));
        prop_assert!(quoted.chars().count() <= QUOTED + 1);
        let whole = text.chars().map(escaped).collect::<String>();
        prop_assert!(whole.starts_with(quoted.trim_end_matches('…')));
        prop_assume!(!text.contains('…'));
        prop_assert_eq!(quoted == whole, whole.chars().count() <= QUOTED);
    }
}
