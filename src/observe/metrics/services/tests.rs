//! Services under names of ours.

use super::*;
use crate::observe::metrics::tests::{samples, samples_of};

#[test]
fn services_are_shown_by_what_they_wait_for_and_what_became_of_writes() {
    let mut registry = Registry::default();
    let services = Services::register(&mut registry);
    services.standing(&BTreeMap::from([("Exhausted", 2), ("Held", 1)]), 3);
    for result in [
        WriteResult::Written("7".to_owned()),
        WriteResult::Written("8".to_owned()),
        WriteResult::Conflict,
        WriteResult::Gone,
        WriteResult::Failed("the words of a foreign server".to_owned()),
    ] {
        services.written(&result);
    }
    services.leads();
    let mut shown = samples(&registry);
    shown.retain(|line| !line.starts_with("tiklb_service_address_wait"));
    let expected = [
        "tiklb_services_waiting{reason=\"Exhausted\"} 2",
        "tiklb_services_waiting{reason=\"Held\"} 1",
        "tiklb_service_status_writes_total{outcome=\"conflict\"} 1",
        "tiklb_service_status_writes_total{outcome=\"failed\"} 1",
        "tiklb_service_status_writes_total{outcome=\"gone\"} 1",
        "tiklb_service_status_writes_total{outcome=\"written\"} 2",
        "tiklb_address_conflicts 3",
        "tiklb_allocator_leader_terms_total 1",
    ];
    assert_eq!(shown, expected);

    services.standing(&BTreeMap::new(), 0);
    assert_eq!(samples_of(&registry, "tiklb_services_waiting"), [""; 0]);
}

#[test]
fn waits_are_a_histogram_of_seconds() {
    let mut registry = Registry::default();
    let services = Services::register(&mut registry);
    services.served(Duration::from_millis(20));
    services.served(Duration::from_secs(40));
    let shown = samples_of(&registry, "tiklb_service_address_wait_seconds");
    let has = |line: &str| {
        assert!(
            shown.iter().any(|shown| shown == line),
            "{line} is not in {shown:?}"
        );
    };
    has("tiklb_service_address_wait_seconds_count 2");
    has("tiklb_service_address_wait_seconds_sum 40.02");
    has("tiklb_service_address_wait_seconds_bucket{le=\"0.025\"} 1");
    has("tiklb_service_address_wait_seconds_bucket{le=\"60.0\"} 2");
}
