//! What conditions and lists say.

use crate::reservation::ConditionKind;
use crate::reservation::condition::{Condition, LISTED, Listing, is_listed};

#[test]
fn conditions_have_the_names_that_people_wait_for() {
    use ConditionKind::{
        Authorized, FailoverLimited, NoConflicts, PoolsExcluded, Reachable, ReservationsInSync,
    };
    let kinds = [
        Reachable,
        Authorized,
        PoolsExcluded,
        ReservationsInSync,
        NoConflicts,
        FailoverLimited,
    ];
    assert_eq!(
        kinds.map(ConditionKind::name),
        [
            "Reachable",
            "Authorized",
            "PoolsExcluded",
            "ReservationsInSync",
            "NoConflicts",
            "FailoverLimited"
        ]
    );
}

#[test]
fn a_reason_that_is_not_listed_for_its_condition_and_truth_is_none() {
    let kind = ConditionKind::PoolsExcluded;
    assert!(is_listed(kind, &Condition::yes("Excluded", "")));
    assert!(!is_listed(kind, &Condition::no("Excluded", "")));
    assert!(!is_listed(kind, &Condition::yes("AllIsWell", "")));
}

#[test]
fn a_list_shows_twenty_and_counts_the_rest() {
    let of = |count: usize| -> Listing { (0..count).map(|number| number.to_string()).collect() };
    assert_eq!((of(LISTED).entries.len(), of(LISTED).truncated), (LISTED, 0));
    let long = of(LISTED + 3);
    assert_eq!((long.entries.len(), long.truncated), (LISTED, 3));
    assert_eq!(long.entries.last().map(String::as_str), Some("19"));
}
