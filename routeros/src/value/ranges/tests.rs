//! Pool ranges: RouterOS's grammar, its errors, and the set operations against a plain model.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn ranges(text: &str) -> AddressRanges {
    text.parse().unwrap()
}

#[test]
fn reads_every_form() {
    for (read, printed) in [
        ("192.168.88.10-192.168.88.254", "192.168.88.10-192.168.88.254"),
        ("192.168.68.2", "192.168.68.2"),
        ("192.168.68.2-192.168.68.2", "192.168.68.2"),
        ("192.168.80.0/24", "192.168.80.0-192.168.80.255"),
        ("192.168.80.7/24", "192.168.80.0-192.168.80.255"),
        ("192.168.80.0/255.255.255.0", "192.168.80.0-192.168.80.255"),
        ("192.168.80.1/32", "192.168.80.1"),
        ("192.168.80.1/255.255.255.255", "192.168.80.1"),
        ("0.0.0.0/0", "0.0.0.0-255.255.255.255"),
        ("0.0.0.0/0.0.0.0", "0.0.0.0-255.255.255.255"),
        ("10.0.0.9,10.0.0.1-10.0.0.3", "10.0.0.1-10.0.0.3,10.0.0.9"),
        ("10.0.0.1-10.0.0.3,10.0.0.4-10.0.0.6", "10.0.0.1-10.0.0.6"),
        ("10.0.0.1-10.0.0.5,10.0.0.2-10.0.0.3", "10.0.0.1-10.0.0.5"),
        (" 10.0.0.1 - 10.0.0.2 , 10.0.0.9 ", "10.0.0.1-10.0.0.2,10.0.0.9"),
        (
            "255.255.255.255,255.255.255.254",
            "255.255.255.254-255.255.255.255",
        ),
        ("", ""),
    ] {
        assert_eq!(ranges(read).to_string(), printed, "{read}");
    }
}

#[test]
fn says_what_is_wrong_where() {
    for (text, expected) in [
        (
            "10.0.0.1,10.0.0.9-10.0.0.2",
            "range 2 (`10.0.0.9-10.0.0.2`): the first address is above the last",
        ),
        (
            "-10.0.0.2",
            "range 1 (`-10.0.0.2`): there should be an IPv4 address before the -",
        ),
        (
            "10.0.0.1-",
            "range 1 (`10.0.0.1-`): there should be an IPv4 address after the -",
        ),
        (
            "10.0.0.1,,10.0.0.2",
            "range 2 (``): nothing stands between the commas",
        ),
        ("10.0.0.1,", "range 2 (``): nothing stands between the commas"),
        (
            "10.0.0.0/33",
            "range 1 (`10.0.0.0/33`): after the / there should be 0 to 32, or a mask like 255.255.255.0",
        ),
        (
            "10.0.0.0/",
            "range 1 (`10.0.0.0/`): after the / there should be 0 to 32, or a mask like 255.255.255.0",
        ),
        (
            "10.0.0.0/+8",
            "range 1 (`10.0.0.0/+8`): after the / there should be 0 to 32, or a mask like 255.255.255.0",
        ),
        (
            "10.0.0.0/255.0.255.0",
            "range 1 (`10.0.0.0/255.0.255.0`): the mask's ones are not all in front",
        ),
        (
            "x/8",
            "range 1 (`x/8`): there should be an IPv4 address before the /",
        ),
        (
            "10.0.0.300",
            "range 1 (`10.0.0.300`): it should be an IPv4 address, first-last, or address/prefix",
        ),
    ] {
        assert_eq!(text.parse::<AddressRanges>().unwrap_err().to_string(), expected);
    }
}

#[test]
fn are_equal_as_sets() {
    assert_eq!(
        ranges("192.168.80.0/24"),
        ranges("192.168.80.128-192.168.80.255,192.168.80.0-192.168.80.127")
    );
    assert_ne!(ranges("192.168.80.0/24"), ranges("192.168.80.1-192.168.80.255"));
}

#[test]
fn shrinks_a_pool_and_gives_back() {
    let pool = ranges("192.168.1.100-192.168.1.254");
    let ours = ranges("192.168.1.200-192.168.1.220");
    let left = pool.subtract(&ours);
    assert_eq!(
        left.to_string(),
        "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254"
    );
    assert_eq!(left.union(&ours), pool);
    assert!(pool.is_superset(&ours) && !left.is_superset(&ours));
    assert_eq!((pool.len(), ours.len()), (155, 21));
}

#[test]
fn the_whole_address_space_has_no_overflow() {
    let all = ranges("0.0.0.0/0");
    assert_eq!(all.len(), 1 << 32);
    assert!(all.subtract(&all).is_empty());
    assert_eq!(
        all.subtract(&ranges("255.255.255.255")).to_string(),
        "0.0.0.0-255.255.255.254"
    );
    assert_eq!(
        all.subtract(&ranges("0.0.0.0")).to_string(),
        "0.0.0.1-255.255.255.255"
    );
    assert!(all.contains(Ipv4Addr::BROADCAST) && !AddressRanges::default().contains(Ipv4Addr::BROADCAST));
}

#[test]
fn one_range_is_a_set() {
    let [first, last] = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 3)];
    let range = AddressRange::new(first, last).unwrap();
    assert_eq!(AddressRanges::from(range), ranges("10.0.0.1-10.0.0.3"));
    assert_eq!(
        (range.first(), range.last(), range.to_string().as_str()),
        (first, last, "10.0.0.1-10.0.0.3")
    );
    assert_eq!(AddressRange::new(last, first), None);
    assert_eq!(AddressRange::new(first, first).unwrap().to_string(), "10.0.0.1");
}

/// A few ranges within 64 addresses, so that they touch and overlap often.
fn small() -> impl Strategy<Value = AddressRanges> {
    prop::collection::vec((0u32..64, 0u32..8), 0..6).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(first, more)| AddressRange {
                first,
                last: (first + more).min(63),
            })
            .collect()
    })
}

fn model(ranges: &AddressRanges) -> BTreeSet<u32> {
    ranges.iter().flat_map(|range| range.first..=range.last).collect()
}

proptest! {
    #[test]
    fn operations_are_those_of_sets(a in small(), b in small()) {
        let (x, y) = (model(&a), model(&b));
        prop_assert_eq!(model(&a.subtract(&b)), x.difference(&y).copied().collect::<BTreeSet<_>>());
        prop_assert_eq!(model(&a.union(&b)), x.union(&y).copied().collect::<BTreeSet<_>>());
        prop_assert_eq!(model(&a.intersection(&b)), x.intersection(&y).copied().collect::<BTreeSet<_>>());
        prop_assert_eq!(a.is_superset(&b), x.is_superset(&y));
        prop_assert_eq!(a == b, x == y);
        prop_assert_eq!(a.len(), x.len() as u64);
        for address in 0..64 {
            prop_assert_eq!(a.contains(address.into()), x.contains(&address));
        }
    }

    #[test]
    fn reads_back_what_it_prints(a in small()) {
        prop_assert_eq!(a.to_string().parse::<AddressRanges>(), Ok(a));
    }

    #[test]
    fn never_panics(text in ".{0,40}", near in "[0-9./,-]{0,60}") {
        let _ = text.parse::<AddressRanges>();
        if let Ok(ranges) = near.parse::<AddressRanges>() {
            prop_assert_eq!(ranges.to_string().parse::<AddressRanges>(), Ok(ranges));
        }
    }
}
