//! Runs against a plain set.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn address(offset: u8) -> IpAddr {
    format!("10.0.0.{offset}").parse().unwrap()
}

proptest! {
    #[test]
    fn runs_are_the_set_of_what_was_put_in_and_not_taken_out(
        ops in proptest::collection::vec((any::<bool>(), 0u8..24), 0..80),
        from in 0u8..30,
    ) {
        let mut runs = Runs::default();
        let mut set = BTreeSet::new();
        for (put, offset) in ops {
            if put {
                runs.insert(address(offset));
                set.insert(address(offset));
            } else {
                runs.remove(address(offset));
                set.remove(&address(offset));
            }
            let expected: RangeSet = set.iter().copied().collect();
            prop_assert_eq!(runs.to_set(), expected);
            prop_assert_eq!(runs.0.len(), runs.to_set().ranges().len(), "neighbours are one run");
        }
        let free = (from..=255).map(address).find(|a| !set.contains(a));
        prop_assert_eq!(runs.first_free(address(from)), free);
        let range = AddressRange::new(address(from.min(10)), address(from.max(12))).unwrap();
        let within: RangeSet = runs.within(&range).collect();
        prop_assert_eq!(within, runs.to_set().intersection(&range.into()));
    }
}

#[test]
fn the_last_address_of_a_family_has_none_behind_it() {
    let mut runs = Runs::default();
    let last: IpAddr = "255.255.255.255".parse().unwrap();
    runs.insert(last);
    assert_eq!(runs.first_free(last), None);
}
