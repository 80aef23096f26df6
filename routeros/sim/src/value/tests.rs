//! What is accepted, and in which form it reads back.

use proptest::prelude::*;

use super::ranges::{RangeForm, Ranges};
use super::*;

fn read(kind: Kind, text: &str) -> Result<Option<Value>, Trap> {
    kind.read("x", text, &|_, _| None)
}

fn text(kind: Kind, input: &str) -> String {
    match read(kind, input) {
        Ok(Some(Value::Text(text))) => text,
        other => panic!("{input:?} read as {other:?}"),
    }
}

fn detail(kind: Kind, input: &str) -> String {
    read(kind, input).expect_err(input).detail.expect("a detail")
}

const LEASE_TIME: Kind = Kind::Duration {
    min: 1,
    max: 4_294_967_295,
    words: &[],
};

#[test]
fn durations_are_normalised() {
    for (given, read_back) in [
        ("24h", "1d"),
        ("1800", "30m"),
        ("90m", "1h30m"),
        ("00:30:00", "30m"),
        ("1d02:00:00", "1d2h"),
        ("1w2d3h4m5s", "1w2d3h4m5s"),
        ("788645", "1w2d3h4m5s"),
    ] {
        assert_eq!(text(LEASE_TIME, given), read_back, "{given}");
    }
    assert_eq!(
        text(
            Kind::Duration {
                min: 0,
                max: 60,
                words: &["none"]
            },
            "10ms"
        ),
        "10ms"
    );
    assert_eq!(
        text(
            Kind::Duration {
                min: 0,
                max: 60,
                words: &["none"]
            },
            "none"
        ),
        "none"
    );
}

#[test]
fn durations_that_are_none_are_refused_with_the_consoles_words() {
    assert_eq!(detail(LEASE_TIME, "soon"), "invalid value for argument x");
    assert_eq!(
        detail(LEASE_TIME, "0s"),
        "value of x is out of range (00:00:01 .. 7101w3d06:28:15)",
        "7101w3d6h28m15s is the schema's own bound"
    );
}

#[test]
fn macs_read_back_in_upper_case_with_colons() {
    for given in ["02:00:c0:a8:01:c8", "02-00-C0-A8-01-C8", "02.00.c0.A8.01.c8"] {
        assert_eq!(text(Kind::Mac, given), "02:00:C0:A8:01:C8");
    }
    for given in [
        "02:00:c0:a8:01",
        "02:00:c0:a8:01:c8:00",
        "02:00:c0:a8:01:+8",
        "nic",
        "g2:00:c0:a8:01:c8",
    ] {
        assert_eq!(detail(Kind::Mac, given), "invalid value for argument x");
    }
}

#[test]
fn flags_take_four_words_and_read_back_two() {
    for (given, read_back) in [
        ("yes", "true"),
        ("true", "true"),
        ("no", "false"),
        ("false", "false"),
    ] {
        assert_eq!(text(Kind::Flag, given), read_back);
    }
    assert_eq!(detail(Kind::Flag, "maybe"), "input does not match any value of x");
}

#[test]
fn choices_keep_their_words() {
    let use_radius = Kind::Choice(&["no", "yes", "accounting"]);
    assert_eq!(text(use_radius, "yes"), "yes");
    assert_eq!(detail(use_radius, "true"), "input does not match any value of x");
}

#[test]
fn pool_ranges_are_refused_in_the_routers_words() {
    for (given, detail_text) in [
        ("", "value of range expects range of ip addresses"),
        ("pool", "value of range expects range of ip addresses"),
        ("192.168.1.300", "value of range expects range of ip addresses"),
        ("-192.168.1.9", "value of range must have ip address before '-'"),
        ("192.168.1.5-", "value of range must have ip address after '-'"),
        (
            "192.168.1.5-192.168.1.x",
            "value of range must have ip address after '-'",
        ),
        (
            "192.168.1.9-192.168.1.5",
            "value of range expects range of ip addresses",
        ),
        ("192.168.1.0/33", "value of range expects range of ip addresses"),
        ("192.168.1.1,", "value of range expects range of ip addresses"),
    ] {
        assert_eq!(detail(Kind::Ranges, given), detail_text, "{given:?}");
    }
}

#[test]
fn pool_ranges_read_back_in_three_forms() {
    let written = "192.168.1.128-192.168.1.191,192.168.1.100-192.168.1.127,192.168.1.7-192.168.1.7";
    let ranges = Ranges::parse(written).unwrap();
    assert_eq!(ranges.show(RangeForm::Verbatim, written), written);
    assert_eq!(
        ranges.show(RangeForm::Cidr, written),
        "192.168.1.128/26,192.168.1.100-192.168.1.127,192.168.1.7"
    );
    assert_eq!(
        ranges.show(RangeForm::Merged, written),
        "192.168.1.7,192.168.1.100-192.168.1.191"
    );
}

#[test]
fn masks_and_prefixes_are_ranges_too() {
    let ranges = Ranges::parse("10.0.0.0/255.255.255.0,10.0.1.0/31").unwrap();
    assert_eq!(ranges.count(), 258);
    assert!(ranges.contains(Ipv4Addr::new(10, 0, 1, 1)));
    assert!(!ranges.contains(Ipv4Addr::new(10, 0, 1, 2)));
    assert_eq!(ranges.descending().next(), Some(Ipv4Addr::new(10, 0, 1, 1)));
}

#[test]
fn a_group_reads_back_every_policy() {
    assert_eq!(
        text(Kind::Policy, "read,write,api,rest-api"),
        "read,write,api,rest-api,!local,!telnet,!ssh,!ftp,!reboot,!policy,!test,!winbox,!password,!web,!sniff,\
         !sensitive,!romon"
    );
    assert_eq!(
        detail(Kind::Policy, "read,root"),
        "input does not match any value of x"
    );
}

proptest! {
    #[test]
    fn every_form_of_a_range_is_the_same_set(spans in prop::collection::vec((0_u8..=255, 0_u8..=40), 1..5)) {
        let written = spans
            .iter()
            .map(|(first, length)| format!("10.0.0.{first}-10.0.0.{}", first.saturating_add(*length)))
            .collect::<Vec<_>>()
            .join(",");
        let ranges = Ranges::parse(&written).unwrap();
        for form in [RangeForm::Cidr, RangeForm::Merged] {
            let again = Ranges::parse(&ranges.show(form, &written)).unwrap();
            for host in 0..=255 {
                let address = Ipv4Addr::new(10, 0, 0, host);
                prop_assert_eq!(ranges.contains(address), again.contains(address));
            }
        }
    }

    #[test]
    fn a_duration_survives_its_own_form(millis in 0_u64..10_000_000_000) {
        prop_assert_eq!(duration::parse(&duration::show(millis)), Some(millis));
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in ".{0,40}") {
        for kind in [LEASE_TIME, Kind::Mac, Kind::Ranges, Kind::Prefix, Kind::Network, Kind::Addresses, Kind::Policy] {
            let _ = read(kind, &text);
        }
    }
}
