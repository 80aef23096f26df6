//! It is a set.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn it_holds_what_was_put_in_and_not_taken_out(deeds in prop::collection::vec((any::<bool>(), 0_u8..6), 0..40)) {
        let (mut few, mut set) = (Few::default(), BTreeSet::new());
        for (put, element) in deeds {
            if put {
                prop_assert_eq!(few.insert(element), set.insert(element));
            } else {
                prop_assert_eq!(few.remove(&element), set.remove(&element));
            }
            prop_assert!(few.iter().eq(&set));
            prop_assert_eq!((few.len(), few.first(), few.is_empty()), (set.len(), set.first(), set.is_empty()));
        }
        prop_assert!((0..6).all(|element| few.contains(&element) == set.contains(&element)));
    }
}
