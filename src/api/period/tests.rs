//! Tests of `period`.

use super::*;

#[test]
fn texts_of_gos_form_are_read() {
    let cases = [
        ("30s", 30_000),
        ("10m", 600_000),
        ("1h30m", 5_400_000),
        ("1500ms", 1_500),
        ("0s", 0),
        ("1h1m1s1ms", 3_661_001),
    ];
    for (text, milliseconds) in cases {
        let period: Period = text.parse().unwrap();
        assert_eq!(period.get(), Duration::from_millis(milliseconds), "{text}");
    }
}

#[test]
fn other_texts_are_refused_without_a_panic() {
    let texts = [
        "",
        "30",
        "-5m",
        "+5m",
        "s",
        "10 parsecs",
        "1e300h",
        "99999999999999999999999999999h",
    ];
    for text in texts {
        let error = text.parse::<Period>().unwrap_err();
        assert!(
            error.to_string().contains("write 30s, 10m or 1h30m"),
            "{text}: {error}"
        );
    }
}

#[test]
fn it_is_written_as_it_was_read() {
    for text in ["30s", "10m", "1h30m", "0s", "1m30s"] {
        assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
    }
}
