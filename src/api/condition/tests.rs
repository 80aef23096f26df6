//! Tests of `condition`.

use std::collections::BTreeSet;

use super::configuration::{ConfigReconciler, Effects, Heartbeats, Networks, PoolReconciler};
use super::router::{Authorized, FailoverLimited, NoConflicts, PoolsExcluded, Reachable, ReservationsInSync};
use super::*;

fn at(second: i64) -> Time {
    Time(jiff::Timestamp::from_second(second).unwrap())
}

fn closed_list<R: Reason + PartialEq>() {
    let words: BTreeSet<&str> = R::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(words.len(), R::ALL.len(), "{}", R::CONDITION);
    for reason in R::ALL {
        // What the schema demands of a reason, and what a person is owed.
        assert!(
            reason.as_str().chars().all(|c| c.is_ascii_alphanumeric()),
            "{reason:?}"
        );
        assert!(reason.advice().ends_with('.'), "{reason:?}");
    }
}

#[test]
fn every_reason_can_be_written_and_advises() {
    closed_list::<Reachable>();
    closed_list::<Authorized>();
    closed_list::<PoolsExcluded>();
    closed_list::<ReservationsInSync>();
    closed_list::<NoConflicts>();
    closed_list::<FailoverLimited>();
    closed_list::<PoolReconciler>();
    closed_list::<ConfigReconciler>();
    closed_list::<Heartbeats>();
    closed_list::<Networks>();
    closed_list::<Effects>();
}

#[test]
fn each_type_has_a_reason_for_being_well() {
    assert_eq!(Reachable::Reachable.status(), Status::True);
    assert_eq!(PoolsExcluded::NothingToExclude.status(), Status::True);
    assert_eq!(NoConflicts::AddressesHeld.status(), Status::False);
    assert_eq!(FailoverLimited::Visible.status(), Status::False);
    assert_eq!(ReservationsInSync::Paused.status(), Status::Unknown);
}

#[test]
fn a_condition_carries_what_it_should() {
    let condition = Reachable::Unreachable.condition("no answer in 10 s", Some(3), at(100));
    assert_eq!(
        (condition.type_.as_str(), condition.status.as_str()),
        ("Reachable", "False")
    );
    assert_eq!(condition.reason, "Unreachable");
    assert_eq!(
        (condition.observed_generation, condition.last_transition_time),
        (Some(3), at(100))
    );
    let metallbs = PoolReconciler::ConfigurationError.condition("x", None, at(0));
    assert_eq!(metallbs.type_, "poolReconcilerValid");
}

#[test]
fn the_list_of_a_router_is_complete() {
    let known = router::known();
    let types: BTreeSet<&str> = known.iter().map(|k| k.condition).collect();
    let expected = [
        "Authorized",
        "FailoverLimited",
        "NoConflicts",
        "PoolsExcluded",
        "Reachable",
        "ReservationsInSync",
    ];
    assert_eq!(types, BTreeSet::from(expected));
    let held = known.iter().find(|k| k.reason == "AddressesHeld").unwrap();
    assert_eq!((held.condition, held.status), ("NoConflicts", Status::False));
    assert!(held.advice.contains("status.conflicts"));
}
