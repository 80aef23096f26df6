//! What a router shows and a person writes.

use super::*;

fn ranges(text: &str) -> Ranges {
    text.parse().unwrap()
}

#[test]
fn every_form_is_read_and_shown_in_one() {
    for (text, shown) in [
        ("192.168.1.100-192.168.1.199", "192.168.1.100-192.168.1.199"),
        ("100-199", "192.168.1.100-192.168.1.199"),
        ("100 - 110, 120", "192.168.1.100-192.168.1.110,192.168.1.120"),
        ("110-120,100-109", "192.168.1.100-192.168.1.120"),
        ("192.168.1.252/30", "192.168.1.252-192.168.1.255"),
        ("10.0.0.255-10.0.1.0", "10.0.0.255-10.0.1.0"),
        ("255.255.255.255", "255.255.255.255"),
    ] {
        assert_eq!(ranges(text).to_string(), shown, "{text}");
        assert_eq!(ranges(shown), ranges(text));
    }
}

#[test]
fn what_is_no_range_is_refused() {
    for text in [
        "",
        ",",
        "a",
        "100-",
        "-100",
        "199-100",
        "100-256",
        "1.2.3",
        "10.0.0.0-11.0.0.0",
        "10.0.0.0/33",
    ] {
        let error = text.parse::<Ranges>().expect_err(text);
        assert!(
            error.to_string().starts_with(&format!("{text:?} is no range")),
            "{error}"
        );
    }
}

#[test]
fn sets_are_compared_and_subtracted() {
    let pool = ranges("100-254");
    assert_eq!(&pool - &ranges("200-220"), ranges("100-199,221-254"));
    assert!((&pool - &pool).is_empty() && pool.len() == 155);
    assert!(pool.overlaps(&ranges("254-255")) && !pool.overlaps(&ranges("255")));
    assert!(pool.contains([192, 168, 1, 100].into()) && !pool.contains([192, 168, 1, 99].into()));
    assert_eq!(
        (pool.first(), Ranges::default().first()),
        (Some([192, 168, 1, 100].into()), None)
    );
}
