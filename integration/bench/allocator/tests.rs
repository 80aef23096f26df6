//! What is counted, and what is made of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::usage::Usage;
use super::sight::{Sighting, take};
use super::*;

fn shown(name: &str, address: Option<&str>) -> Value {
    let ingress: Vec<Value> = address.iter().map(|ip| json!({"ip": ip})).collect();
    json!({"metadata": {"name": name}, "status": {"loadBalancer": {"ingress": ingress}}})
}

#[test]
fn each_version_after_the_first_is_a_write_and_the_first_address_counts() {
    let begun = Instant::now();
    let at = |ms| begun + Duration::from_millis(ms);
    let mut seen = BTreeMap::new();
    take(&mut seen, "ADDED", &shown("a", None), at(0));
    take(&mut seen, "MODIFIED", &shown("a", Some("10.100.0.1")), at(5));
    take(&mut seen, "MODIFIED", &shown("a", Some("10.100.0.1")), at(9));
    take(&mut seen, "ADDED", &shown("b", Some("10.100.0.2")), at(9));
    let a = &seen["a"];
    assert_eq!((a.first, a.addressed, a.versions), (at(0), Some(at(5)), 2));
    assert_eq!(seen["b"].versions, 0);
    take(&mut seen, "DELETED", &shown("a", None), at(10));
    assert!(!seen.contains_key("a"));
}

#[test]
fn a_restart_that_writes_moves_or_loses_a_service_is_counted() {
    let now = |versions, address: &str| Sighting {
        first: Instant::now(),
        addressed: None,
        address: address.parse().ok(),
        versions,
    };
    let had = |name: &str, address: &str| (name.to_owned(), address.parse().ok());
    let before = BTreeMap::from([
        had("same", "10.100.0.1"),
        had("written", "10.100.0.2"),
        had("moved", "10.100.0.3"),
        had("gone", "10.100.0.4"),
    ]);
    let after = BTreeMap::from([
        ("same".to_owned(), now(0, "10.100.0.1")),
        ("written".to_owned(), now(1, "10.100.0.2")),
        ("moved".to_owned(), now(2, "10.100.0.9")),
        ("new".to_owned(), now(1, "10.100.0.5")),
    ]);
    assert_eq!(restart::changes(&before, &after), (3, 2));
}

#[test]
fn the_audit_log_tells_what_one_user_wrote() {
    let request = |user: &str, verb: &str, subresource: Option<&str>| {
        json!({
            "user": {"username": user},
            "verb": verb,
            "objectRef": {"resource": "services", "subresource": subresource},
        })
    };
    let requests = [
        request("ours", "patch", Some("status")),
        request("ours", "patch", Some("status")),
        request("ours", "watch", None),
        request("ours", "list", None),
        request("ours", "create", None),
        request("other", "patch", Some("status")),
    ];
    let counted = system::writes(&requests, "ours");
    let expected = [("create services", 1), ("patch services/status", 2)];
    let expected = expected.map(|(what, count)| (what.to_owned(), count));
    assert_eq!(counted, BTreeMap::from(expected));
}

fn created(addressed_us: &[u64]) -> Vec<Result<Created, String>> {
    let of = |addressed_us: &u64| {
        Ok(Created {
            posted_us: 1,
            watched_us: 1,
            addressed_us: *addressed_us,
            versions: 1,
        })
    };
    addressed_us.iter().map(of).collect()
}

fn faults(wish: &Wish, all: &[Seen]) -> Vec<String> {
    let measures = verdict::measures(wish, all);
    measures
        .iter()
        .filter_map(super::super::measure::Measure::fault)
        .collect()
}

#[test]
fn an_address_is_promised_as_soon_as_metallbs_and_its_tail_too() {
    let wish = Wish {
        parts: vec![Part::Created],
        ..Wish::default()
    };
    let hundred = |more: u64| (1..=100).map(|ms| (ms + more) * 1_000).collect::<Vec<u64>>();
    let all = |own: &[u64]| {
        [("tiklb", own), ("MetalLB", &hundred(0))].map(|(system, each)| Seen {
            system,
            created: created(each),
            ..Seen::default()
        })
    };
    assert_eq!(faults(&wish, &all(&hundred(0))), [""; 0]);
    let mut tail = hundred(0);
    tail[98..].fill(101_000);
    let found = faults(&wish, &all(&tail));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("p99 is 101.0 ms, the goal is p99 ≤ 100 ms"),
        "{found:?}"
    );
    // A hundred samples tell a median of 59 ms from one of 60, if the true one is 50.
    assert_eq!(faults(&wish, &all(&hundred(9))).len(), 1);
    assert_eq!(faults(&wish, &all(&hundred(10))).len(), 2);
}

#[test]
fn a_burst_is_judged_by_its_last_address_and_by_one_write_each() {
    let wish = Wish {
        parts: vec![Part::Burst],
        services: 2,
        ..Wish::default()
    };
    let with = |last_us, versions: [u32; 2]| {
        let burst = Burst {
            posting_us: 1,
            last_us,
            each_us: vec![1, 2],
            versions: versions.to_vec(),
            writes: BTreeMap::new(),
            processor_us: 1,
        };
        [Seen {
            system: "tiklb",
            burst: Some(burst),
            ..Seen::default()
        }]
    };
    assert_eq!(faults(&wish, &with(900_000, [1, 1])), [""; 0]);
    let late = faults(&wish, &with(1_100_000, [1, 2]));
    assert_eq!(late.len(), 2, "{late:?}");
    // What broke has not met its goals.
    let broken = [Seen {
        system: "tiklb",
        ..Seen::default()
    }];
    assert_eq!(faults(&wish, &broken).len(), 2);
}

#[test]
fn a_restart_with_many_is_judged_by_time_processor_memory_and_what_it_left_alone() {
    let wish = Wish {
        parts: vec![Part::Many],
        ..Wish::default()
    };
    let with = |addressed_us, rewritten, processor_us, mib: u64| {
        let many = Restart {
            services: 10_000,
            addressed_us,
            rewritten,
            moved: 0,
            processor_us,
            usage: Usage::of("tiklb", "after the restart", mib * 1_024),
        };
        [Seen {
            system: "tiklb",
            many: Some(many),
            ..Seen::default()
        }]
    };
    assert_eq!(faults(&wish, &with(2_900_000, 0, 1_900_000, 47)), [""; 0]);
    let missed = faults(&wish, &with(3_100_000, 1, 2_100_000, 49));
    assert!(missed.len() >= 4, "{missed:?}");
}
