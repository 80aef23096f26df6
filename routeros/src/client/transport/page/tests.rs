//! Versions on front pages.

use super::*;

#[test]
fn a_page_names_the_version_behind_a_word() {
    let version = |page: &str| named(page).map(|version| version.to_string());
    for (page, expected) in [
        ("<html><h1>RouterOS v6.49.17</h1></html>", Some("6.49.17")),
        (
            "<title>RouterOS</title>\nRouterOS v6.48.6 (long-term)",
            Some("6.48.6"),
        ),
        ("RouterOS v7.24beta2", Some("7.24beta2")),
        ("RouterOS v7.8", Some("7.8")),
        ("RouterOS v", None),
        ("RouterOS v<b>6.49</b>", None),
        ("OpenWrt v23.05", None),
        ("", None),
    ] {
        assert_eq!(version(page).as_deref(), expected, "{page}");
    }
}
