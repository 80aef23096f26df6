//! Versions as RouterOS writes them.

use super::*;

#[test]
fn versions_are_written_as_they_were_read() {
    for (text, shown) in [
        ("7.20.8", "7.20.8 (stable)"),
        ("7.12 (stable)", "7.12 (stable)"),
        ("7.23.7 (long-term)", "7.23.7 (long-term)"),
        ("7.24beta2", "7.24beta2 (testing)"),
    ] {
        assert_eq!(text.parse::<Version>().unwrap().to_string(), shown);
    }
}

#[test]
fn releases_are_ordered_by_number_and_not_by_text() {
    let version = |text: &str| text.parse::<Version>().unwrap();
    assert!(version("7.12").has((7, 9, 0)));
    assert!(!version("7.8").has((7, 9, 0)));
    assert!(version("7.24beta2").has((7, 24, 0)));
    assert!(!version("7.20.8").has(POOL_COUNTERS));
}

#[test]
fn what_is_no_version_is_refused() {
    for text in ["", "seven", "7", "7.", "7.1.2.3", "7.20.8 (stable", "7.99999"] {
        assert!(text.parse::<Version>().is_err(), "{text:?}");
    }
}
