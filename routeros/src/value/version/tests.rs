//! Versions: parse, print, order.

use proptest::prelude::*;

use super::*;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

#[test]
fn reads_and_prints() {
    for text in [
        "7.23.7 (long-term)",
        "7.12 (stable)",
        "7.24beta2",
        "7.24rc1 (testing)",
        "7.1alpha3",
        "7.25_ab12 (development)",
        "6.49.18 (long-term)",
        "7.24beta2_ab7",
    ] {
        assert_eq!(version(text).to_string(), text);
    }
    assert_eq!(version(" 7.12.0 ").to_string(), "7.12");
    assert_eq!(version("7.23.7 (long-term)").channel(), Some("long-term"));
    assert_eq!(version("7.23.7 (long-term)").series(), (7, 23));
}

#[test]
fn refuses_what_is_no_version() {
    for text in [
        "",
        "7",
        "7.",
        ".7",
        "7.x",
        "7.1.2.3",
        "7.24gamma1",
        "7.24beta",
        "7.24 stable",
        "7.24 (",
        "7.24 ()",
        "7.24_",
        "7.24 (sta ble)",
        "+7.24",
        "7.-1",
        "99999999999.1",
        "v7.24",
        "7.24beta2x",
        "7.24 (stable) x",
    ] {
        assert!(text.parse::<Version>().is_err(), "{text:?}");
    }
}

#[test]
fn orders_by_number_and_pre_releases_before_their_release() {
    let ascending = [
        "6.49.18",
        "7.1alpha1",
        "7.1beta4",
        "7.1beta10",
        "7.1rc1",
        "7.1",
        "7.2",
        "7.9.2",
        "7.12 (stable)",
        "7.20.1",
        "7.24beta2",
        "7.24",
        "7.24.2",
    ];
    for pair in ascending.windows(2) {
        assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
    }
    assert!(version("7.12 (stable)") >= Version::new(7, 12, 0));
}

proptest! {
    #[test]
    fn reads_back_what_it_prints(
        numbers in any::<(u32, u32, u32)>(),
        pre in prop::option::of((0..3, any::<u32>())),
        build in prop::option::of("[a-z0-9-]{1,8}"),
        channel in prop::option::of("[a-z-]{1,10}"),
    ) {
        let pre = pre.map(|(kind, number)| match kind {
            0 => PreRelease::Alpha(number),
            1 => PreRelease::Beta(number),
            _ => PreRelease::Candidate(number),
        });
        let (major, minor, patch) = numbers;
        let stage = pre.map_or(Stage::Release, Stage::Before);
        let version = Version { major, minor, patch, stage, build, channel };
        prop_assert_eq!(version.to_string().parse::<Version>(), Ok(version));
    }

    #[test]
    fn never_panics(text in ".{0,30}", near in "[0-9.a-z() _-]{0,24}") {
        let _ = text.parse::<Version>();
        if let Ok(version) = near.parse::<Version>() {
            prop_assert_eq!(version.to_string().parse::<Version>(), Ok(version));
        }
    }
}
