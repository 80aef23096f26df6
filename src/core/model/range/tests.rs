//! Ranges as users write them, and set arithmetic against sets of plain addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use proptest::prelude::*;

use super::{AddressRange, RangeError, RangeSet};

fn range(text: &str) -> AddressRange {
    AddressRange::parse(text).unwrap()
}

fn set(texts: &[&str]) -> RangeSet {
    texts.iter().map(|t| range(t)).collect()
}

#[test]
fn both_forms_of_metallb_are_read() {
    assert_eq!(
        range("192.168.1.200-192.168.1.220").to_string(),
        "192.168.1.200-192.168.1.220"
    );
    assert_eq!(
        range(" 192.168.1.200 - 192.168.1.220 "),
        range("192.168.1.200-192.168.1.220")
    );
    assert_eq!(range("192.168.1.64/30").to_string(), "192.168.1.64-192.168.1.67");
    assert_eq!(
        range("192.168.1.66/30"),
        range("192.168.1.64/30"),
        "host bits are masked away"
    );
    assert_eq!(range("192.168.1.200/32").to_string(), "192.168.1.200");
    assert_eq!(range("fd00::/126").to_string(), "fd00::-fd00::3");
}

#[test]
fn a_printed_set_is_read_back() {
    for text in [
        "",
        "192.168.1.200",
        "192.168.1.200-192.168.1.204,192.168.1.206,fd00::1-fd00::9",
    ] {
        assert_eq!(text.parse::<RangeSet>().unwrap().to_string(), text);
    }
    assert_eq!(
        " 192.168.1.2, 192.168.1.1 "
            .parse::<RangeSet>()
            .unwrap()
            .to_string(),
        "192.168.1.1-192.168.1.2"
    );
    assert!("192.168.1.1,x".parse::<RangeSet>().is_err());
    assert!("192.168.1.9-192.168.1.1".parse::<RangeSet>().is_err());
}

#[test]
fn what_is_no_range_says_how_to_write_it() {
    for (text, fix) in [
        ("", "neither a CIDR"),
        ("dhcp", "neither a CIDR"),
        ("192.168.1.200-", "neither a CIDR"),
        ("192.168.1.0/33", "neither a CIDR"),
        ("192.168.1.200", "192.168.1.200/32"),
        ("fd00::1", "fd00::1/128"),
        ("192.168.1.220-192.168.1.200", "swap the two ends"),
        ("192.168.1.1-fd00::1", "one range for each family"),
    ] {
        let error = AddressRange::parse(text).unwrap_err().to_string();
        assert!(error.contains(fix), "{text:?}: {error}");
    }
    assert!(matches!(
        AddressRange::parse("a-b"),
        Err(RangeError::Unreadable(_))
    ));
}

#[test]
fn a_pool_without_our_range_is_what_remains_on_both_sides() {
    let pool = set(&["192.168.1.100-192.168.1.254"]);
    let ours = set(&["192.168.1.200-192.168.1.220"]);
    let rest = pool.difference(&ours);
    assert_eq!(
        rest.to_string(),
        "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254"
    );
    assert_eq!(rest.union(&ours), pool);
    assert_eq!(pool.intersection(&ours), ours);
    assert_eq!(ours.count(), 21);
}

#[test]
fn touching_ranges_are_one_set_and_families_never_touch() {
    assert_eq!(set(&["10.0.0.0/25", "10.0.0.128/25"]), set(&["10.0.0.0/24"]));
    let edges = set(&["255.255.255.255/32", "::/128"]);
    assert_eq!(edges.ranges().len(), 2);
    assert!(set(&["::/0"]).count() > u128::MAX - 1);
    assert_eq!(
        set(&["0.0.0.0/0"]).difference(&set(&["0.0.0.0/0"])),
        RangeSet::new()
    );
}

fn small(bits: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, bits])
}

fn sets() -> impl Strategy<Value = (RangeSet, BTreeSet<IpAddr>)> {
    proptest::collection::vec((any::<u8>(), any::<u8>()), 0..6).prop_map(|pairs| {
        let ranges: Vec<AddressRange> = pairs
            .iter()
            .filter_map(|(a, b)| AddressRange::new(small(*a.min(b)), small(*a.max(b))))
            .collect();
        let plain = ranges.iter().flat_map(AddressRange::iter).collect();
        (ranges.into_iter().collect(), plain)
    })
}

proptest! {
    #[test]
    fn set_arithmetic_agrees_with_plain_sets((a, plain_a) in sets(), (b, plain_b) in sets()) {
        prop_assert_eq!(a.iter().collect::<BTreeSet<_>>(), plain_a.clone());
        prop_assert_eq!(a.count(), plain_a.len() as u128);
        prop_assert_eq!(a.union(&b).iter().collect::<BTreeSet<_>>(), &plain_a | &plain_b);
        prop_assert_eq!(a.intersection(&b).iter().collect::<BTreeSet<_>>(), &plain_a & &plain_b);
        prop_assert_eq!(a.difference(&b).iter().collect::<BTreeSet<_>>(), &plain_a - &plain_b);
        prop_assert_eq!(a.contains_all(&b), plain_b.is_subset(&plain_a));
        for bits in 0..=255 {
            prop_assert_eq!(a.contains(small(bits)), plain_a.contains(&small(bits)));
        }
        let reordered: RangeSet = a.ranges().iter().rev().copied().collect();
        prop_assert_eq!(reordered, a, "the form of a set is canonical");
    }

    #[test]
    fn no_text_can_panic_the_parser(text in ".{0,60}") {
        let _ = AddressRange::parse(&text);
    }
}
