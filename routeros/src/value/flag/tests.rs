//! Flags.

use proptest::prelude::*;

use super::*;

#[test]
fn reads_both_dialects_and_prints_one() {
    for (read, value) in [
        ("true", true),
        ("yes", true),
        ("false", false),
        ("no", false),
        (" yes ", true),
    ] {
        assert_eq!(read.parse(), Ok(Flag(value)), "{read}");
    }
    assert_eq!(Flag(true).to_string(), "true");
    assert_eq!(Flag(false).to_string(), "false");
}

#[test]
fn refuses_enumerations_that_look_like_flags() {
    for text in ["", "accounting", "after-2sec-delay", "TRUE", "1", "0", "on", "y"] {
        assert!(text.parse::<Flag>().is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn never_panics(text in ".{0,20}") {
        let _ = text.parse::<Flag>();
    }
}
