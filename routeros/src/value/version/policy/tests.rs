//! Which versions are refused, warned about, tested.

use super::*;

fn support(text: &str) -> Support {
    text.parse::<Version>().unwrap().support()
}

fn advisories(text: &str) -> Vec<&'static str> {
    match support(text) {
        Support::TooOld => vec!["too old"],
        Support::Supported { advisories, .. } => advisories.iter().map(|advisory| advisory.name).collect(),
    }
}

#[test]
fn refuses_versions_whose_address_list_can_be_bypassed() {
    for text in [
        "7.11.3 (stable)",
        "7.1beta4",
        "6.49.18 (long-term)",
        "7.12beta9",
        "7.12rc1",
    ] {
        assert_eq!(support(text), Support::TooOld, "{text}");
    }
    for text in ["7.12", "7.12 (stable)", "7.12.1", "8.0"] {
        assert_ne!(support(text), Support::TooOld, "{text}");
    }
}

#[test]
fn warns_of_published_faults() {
    const JSON: &str = "CVE-2025-10948";
    const SEPTEMBER: &str = "MikroTik advisory of September 2026";
    for (text, names) in [
        ("7.16.2 (stable)", vec![JSON, SEPTEMBER]),
        ("7.20 (stable)", vec![JSON, SEPTEMBER]),
        ("7.20.1 (stable)", vec![SEPTEMBER]),
        ("7.21beta1", vec![JSON, SEPTEMBER]),
        ("7.21beta2", vec![SEPTEMBER]),
        ("7.22.1", vec![SEPTEMBER]),
        ("7.23.3", vec![SEPTEMBER]),
        ("7.23.4 (long-term)", vec![]),
        ("7.23.7 (long-term)", vec![]),
        ("7.24.1", vec![SEPTEMBER]),
        ("7.24.2", vec![]),
        ("7.25beta2", vec![SEPTEMBER]),
        ("7.25beta3", vec![]),
        ("7.26", vec![]),
    ] {
        assert_eq!(advisories(text), names, "{text}");
    }
}

#[test]
fn tested_are_releases_of_listed_series() {
    for (text, expected) in [
        ("7.23.7 (long-term)", true),
        ("7.24.5", true),
        ("7.24beta2", false),
        ("7.20.8 (stable)", true),
        ("7.16.2 (stable)", false),
        ("7.26", false),
    ] {
        let Support::Supported { tested, .. } = support(text) else {
            panic!("{text} is supported")
        };
        assert_eq!(tested, expected, "{text}");
    }
}

#[test]
fn unknown_is_what_is_above_every_tested_series() {
    for (text, newer) in [
        ("7.24.5", false),
        ("7.24beta2", false),
        ("7.16.2", false),
        ("7.25beta1", true),
        ("7.25 (stable)", true),
        ("8.0", true),
        ("6.49.17", false),
    ] {
        assert_eq!(
            text.parse::<Version>().unwrap().is_newer_than_tested(),
            newer,
            "{text}"
        );
    }
}

#[test]
fn caveats_begin_and_end() {
    const ARP: &str = "static AR";
    const SAFE_MODE: &str = "it is not";
    const REST: &str = "REST can ";
    const NAMES: &str = "a DHCP se";
    let first_words = |text: &str| -> Vec<&str> {
        let version: Version = text.parse().unwrap();
        version.caveats().map(|caveat| &caveat.what[..9]).collect()
    };
    for (text, expected) in [
        ("7.11.3", vec![]),
        ("7.12 (stable)", vec![ARP, SAFE_MODE]),
        ("7.13.1", vec![ARP, SAFE_MODE]),
        ("7.13.2", vec![SAFE_MODE]),
        ("7.18beta2", vec![SAFE_MODE]),
        ("7.18", vec![]),
        ("7.20.8", vec![]),
        ("7.21", vec![REST]),
        ("7.24.5", vec![REST, NAMES]),
    ] {
        assert_eq!(first_words(text), expected, "{text}");
    }
}
