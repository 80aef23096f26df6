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

/// A person searches for the word that `kubectl describe` shows.
#[test]
fn every_reason_has_its_row_in_the_docs() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let (_, events) = page.split_once("\n## Events\n").unwrap();
    let rows = events
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let rows: BTreeSet<&str> = rows.collect();
    let reasons: BTreeSet<&str> = EventReason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(rows, reasons, "docs/operations.md, Events");
}
