//! Tests of `event`.

use std::collections::BTreeSet;

use super::*;

#[test]
fn reasons_are_distinct_and_short_enough() {
    let words: BTreeSet<&str> = EventReason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(words.len(), EventReason::ALL.len());
    // The API server's limit for an event's reason.
    assert!(words.iter().all(|word| !word.is_empty() && word.len() <= 128));
}

#[test]
fn types_are_metallbs() {
    let normal = |reason: EventReason| reason.event_type() == EventType::Normal;
    assert!(normal(EventReason::IpAllocated) && normal(EventReason::ClearAssignment));
    assert!(normal(EventReason::NodeAssigned) && normal(EventReason::AdditionalAssignFailed));
    assert!(!normal(EventReason::AllocationFailed) && !normal(EventReason::AnnounceFailed));
    assert!(!normal(EventReason::DeprecatedAnnotation) && !normal(EventReason::LoadBalancerFailed));
    assert_eq!(EventType::Warning.as_str(), "Warning");
}
