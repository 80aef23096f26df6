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
