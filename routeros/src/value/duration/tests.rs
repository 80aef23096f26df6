//! Durations: the forms of routeros.md 1.4, the ones that must be refused, and the round trip.

use proptest::prelude::*;

use super::*;

fn canonical(text: &str) -> String {
    text.parse::<Duration>().unwrap().to_string()
}

#[test]
fn prints_what_routeros_prints() {
    for (read, printed) in [
        ("24h", "1d"),
        ("1800", "30m"),
        ("90m", "1h30m"),
        ("1w2d3h4m5s", "1w2d3h4m5s"),
        ("10ms", "10ms"),
        ("9m34s", "9m34s"),
        ("0s", "0s"),
        ("0", "0s"),
        ("00:00:10", "10s"),
        ("1d00:00:00", "1d"),
        ("2w1d01:02:03.5", "2w1d1h2m3s500ms"),
        ("1s500ms", "1s500ms"),
        ("00:59:59", "59m59s"),
        ("00:00:00.123456789", "123ms456us789ns"),
        ("1500ms", "1s500ms"),
        (" 10m ", "10m"),
    ] {
        assert_eq!(canonical(read), printed, "{read}");
    }
}

#[test]
fn refuses_what_is_no_duration() {
    for text in [
        "",
        " ",
        "m",
        "10x",
        "5s1m",
        "1m1m",
        "-5s",
        "+5s",
        "1m5",
        "10:20",
        "1:2:3:4",
        "00:60:00",
        "00:00:60",
        "00:00:61",
        "1h00:00:01",
        "never",
        "18446744073709551616",
        "99999999999999999999w",
        "18446744073709551615w",
        "1.5s",
        "00:00:01.",
        "١s",
        "00:00:+1",
        "1d 2h",
        "00:00:01.1234567890",
    ] {
        assert!(text.parse::<Duration>().is_err(), "{text:?}");
    }
}

#[test]
fn the_largest_counts_of_small_units() {
    let read = |text: &str| text.parse::<Duration>().unwrap().get();
    assert_eq!(
        read("18446744073709551615ms"),
        time::Duration::from_millis(u64::MAX)
    );
    assert_eq!(
        read("18446744073709551615us"),
        time::Duration::from_micros(u64::MAX)
    );
    assert_eq!(
        read("18446744073709551615ns"),
        time::Duration::from_nanos(u64::MAX)
    );
    assert_eq!(read("18446744073709551615s"), time::Duration::from_secs(u64::MAX));
}

#[test]
fn is_the_standard_librarys_and_back() {
    let nanoseconds = time::Duration::new(61, 5_000_001);
    assert_eq!(Duration::from(nanoseconds).get(), nanoseconds);
    assert_eq!(Duration::from(nanoseconds).to_string(), "1m1s5ms1ns");
}

#[test]
fn says_what_is_wrong() {
    let error = "5s1m".parse::<Duration>().unwrap_err().to_string();
    assert_eq!(
        error,
        "`5s1m` is not a duration: units must go from the largest to the smallest, each once"
    );
}

#[test]
fn never_is_a_value_of_its_own() {
    assert_eq!("never".parse(), Ok(DurationOrNever::Never));
    assert_eq!("26s".parse(), Ok(DurationOrNever::Of(Duration::from_secs(26))));
    assert_eq!(DurationOrNever::Never.to_string(), "never");
    assert!("Never mind".parse::<DurationOrNever>().is_err());
}

#[test]
fn a_smaller_uptime_is_a_restart() {
    let before: Uptime = "1w2d".parse().unwrap();
    let after: Uptime = "40s".parse().unwrap();
    assert!(after.restarted_since(before));
    assert!(!before.restarted_since(after));
    assert!(!before.restarted_since(before));
    assert_eq!(before.to_string(), "1w2d");
}

proptest! {
    #[test]
    fn reads_back_what_it_prints(seconds in any::<u64>(), nanoseconds in 0u32..1_000_000_000) {
        let duration = Duration::from(time::Duration::new(seconds, nanoseconds));
        prop_assert_eq!(duration.to_string().parse::<Duration>(), Ok(duration));
    }

    #[test]
    fn never_panics(text in ".{0,40}", near in "[0-9wdhmsun:. ]{0,30}") {
        let _ = text.parse::<DurationOrNever>();
        if let Ok(duration) = near.parse::<Duration>() {
            prop_assert_eq!(duration.to_string().parse::<Duration>(), Ok(duration));
        }
    }
}
