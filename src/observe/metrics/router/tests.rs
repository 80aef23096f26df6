//! Requests and writes by router, and none of a router that is gone.

use std::time::Duration;

use routeros::client::RequestKind;
use tiklb_core::reservation::write::ReadBack;

use super::*;
use crate::observe::metrics::tests::{samples, samples_of};

fn report(kind: RequestKind, outcome: &'static str, ms: u64) -> RequestReport {
    RequestReport {
        kind,
        menu: "ip/arp",
        outcome,
        duration: Duration::from_millis(ms),
    }
}

#[test]
fn requests_are_counted_by_what_came_of_them() {
    let mut registry = Registry::default();
    let routers = Routers::register(&mut registry);
    let home = routers.meter("home");
    let observer: Arc<dyn Observer> = home.clone();
    observer.request(report(RequestKind::Read, "Ok", 20));
    observer.request(report(RequestKind::Read, "Ok", 30));
    observer.request(report(RequestKind::Read, "Timeout", 10_000));
    observer.request(report(RequestKind::Set, "Ok", 40));
    assert_eq!(
        samples_of(&registry, "tiklb_router_requests"),
        [
            "tiklb_router_requests_total{router=\"home\",kind=\"read\",menu=\"ip/arp\",outcome=\"Ok\"} 2",
            "tiklb_router_requests_total{router=\"home\",kind=\"read\",menu=\"ip/arp\",outcome=\"Timeout\"} 1",
            "tiklb_router_requests_total{router=\"home\",kind=\"set\",menu=\"ip/arp\",outcome=\"Ok\"} 1",
        ]
    );
    let durations = samples_of(&registry, "tiklb_router_request_duration_seconds");
    for line in [
        "tiklb_router_request_duration_seconds_count{router=\"home\",kind=\"read\",menu=\"ip/arp\"} 3",
        "tiklb_router_request_duration_seconds_sum{router=\"home\",kind=\"read\",menu=\"ip/arp\"} 10.05",
        "tiklb_router_request_duration_seconds_bucket{le=\"0.05\",router=\"home\",kind=\"read\",menu=\"ip/arp\"} 2",
        "tiklb_router_request_duration_seconds_count{router=\"home\",kind=\"set\",menu=\"ip/arp\"} 1",
    ] {
        assert!(
            durations.iter().any(|sample| sample == line),
            "{line}\n{durations:#?}"
        );
    }
}

#[test]
fn writes_are_counted_by_their_outcome_without_its_words() {
    let mut registry = Registry::default();
    let meter = Routers::register(&mut registry).meter("home");
    for outcome in [
        Outcome::Applied(ReadBack::Gone),
        Outcome::Applied(ReadBack::Gone),
        Outcome::Changed,
        Outcome::Refused("failure: already have static lease".to_owned()),
        Outcome::Unknown("timed out".to_owned()),
    ] {
        meter.written(&outcome);
    }
    assert_eq!(
        samples_of(&registry, "tiklb_router_writes"),
        [
            "tiklb_router_writes_total{router=\"home\",outcome=\"applied\"} 2",
            "tiklb_router_writes_total{router=\"home\",outcome=\"changed\"} 1",
            "tiklb_router_writes_total{router=\"home\",outcome=\"refused\"} 1",
            "tiklb_router_writes_total{router=\"home\",outcome=\"unknown\"} 1",
        ]
    );
}

#[test]
fn a_router_is_shown_as_long_as_it_is_held() {
    let mut registry = Registry::default();
    let routers = Routers::register(&mut registry);
    let home = routers.meter("home");
    let old = routers.meter("old");
    home.written(&Outcome::Changed);
    old.written(&Outcome::Changed);
    assert_eq!(samples(&registry).len(), 2);
    drop(old);
    let only_home = ["tiklb_router_writes_total{router=\"home\",outcome=\"changed\"} 1"];
    assert_eq!(samples(&registry), only_home);
    // A client that is made anew for a changed URL counts on.
    routers.meter("home").written(&Outcome::Changed);
    let counted_on = ["tiklb_router_writes_total{router=\"home\",outcome=\"changed\"} 2"];
    assert_eq!(samples(&registry), counted_on);
    drop(home);
    assert!(samples(&registry).is_empty());
    assert!(routers.meter("home").lock().writes.is_empty());
}
