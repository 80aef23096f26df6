//! What a difference to the committed trace looks like to a person.

use super::{Purpose, compare};

#[test]
fn a_difference_is_shown_line_by_line_with_the_way_to_renew() {
    let error = compare("one\ntwo\nthree\n", "one\n2\nthree\n")
        .unwrap_err()
        .to_string();
    for line in [
        "-two\n",
        "+2\n",
        " three\n",
        "TIKLB_GOLDEN=renew cargo test --test golden",
    ] {
        assert!(error.contains(line), "{line:?} is missing in:\n{error}");
    }
    assert!(compare("same\n", "same\n").is_ok());
    assert!(
        compare("same\n", "same").is_err(),
        "also the last line has an end"
    );
}

#[test]
fn nothing_is_renewed_without_the_wish_nor_in_ci() {
    assert_eq!(Purpose::of(None, true).unwrap(), Purpose::Compare);
    assert_eq!(Purpose::of(Some(""), false).unwrap(), Purpose::Compare);
    assert_eq!(Purpose::of(Some("renew"), false).unwrap(), Purpose::Renew);
    assert!(Purpose::of(Some("renew"), true).is_err());
    assert!(Purpose::of(Some("1"), false).is_err());
}
