//! Statuses as the API server stores them.

use tiklb_core::allocator::{Phase, Row};
use tiklb_core::config::object::Confirmed;
use tiklb_core::model::RangeSet;
use tiklb_core::reservation::condition::Listing;

use super::*;
use crate::api::condition::router::known;

#[test]
fn a_reservation_says_who_has_it_and_what_stands_on_the_router() {
    let status = |phase, row, message: &str| ReservationStatus {
        phase,
        row,
        message: message.to_owned(),
        observed_generation: 2,
    };
    assert_eq!(
        reservation(&status(
            Phase::Assigned,
            Some(Row::Written),
            "Service media/photos has it"
        )),
        json!({
            "phase": "Assigned", "row": "Written", "message": "Service media/photos has it",
            "observedGeneration": 2,
        })
    );
    let long = reservation(&status(Phase::Held, None, &"ä".repeat(5_000)));
    assert_eq!(long["message"].as_str().unwrap().chars().count(), 1_024);
    assert_eq!(long["row"], Value::Null);
}

#[test]
fn a_router_says_everything_a_person_needs() {
    let mut status = RouterStatus {
        identity: "MikroTik".to_owned(),
        version: "7.23.7 (long-term)".to_owned(),
        taken: vec![Taken {
            pool: "dhcp_pool".to_owned(),
            server: "defconf".to_owned(),
            ranges: "192.168.1.200-192.168.1.220".parse::<RangeSet>().unwrap(),
            since: Timestamp(1_767_225_600),
        }],
        leases: 2,
        wanted: 3,
        conflicts: Listing {
            entries: vec!["192.168.1.201 annas-phone".to_owned()],
            truncated: 4,
        },
        observed_generation: 7,
        ..RouterStatus::default()
    };
    status.conditions.insert(
        ConditionKind::Reachable,
        condition::Condition {
            truth: Truth::True,
            reason: "Reachable",
            message: "it answers".to_owned(),
        },
    );
    let written = router(&status);
    assert_eq!(written["conditions"][0]["type"], "Reachable");
    assert_eq!(written["conditions"][0]["status"], "True");
    assert_eq!(written["conditions"][0]["observedGeneration"], 7);
    assert!(
        written["conditions"][0]["lastTransitionTime"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    assert_eq!(
        written["taken"],
        json!([{
            "pool": "dhcp_pool", "server": "defconf", "ranges": "192.168.1.200-192.168.1.220",
            "since": "2026-01-01T00:00:00Z",
        }])
    );
    assert_eq!(
        written["reservations"],
        json!({"leases": 2, "arp": 0, "wanted": 3})
    );
    assert_eq!(written["conflictsTruncated"], 4);
    assert_eq!(
        written["serial"],
        Value::Null,
        "absent fields clear what was there"
    );
}

#[test]
fn a_word_for_removals_is_shown_from_when_there_was_one() {
    assert_eq!(router(&RouterStatus::default())["confirmed"], Value::Null);
    let status = RouterStatus {
        confirmed: Confirmed {
            word: "0badcafe".to_owned(),
            removals: ["00c0ffee".to_owned(), "deadbeef".to_owned()].into(),
        },
        ..RouterStatus::default()
    };
    assert_eq!(
        router(&status)["confirmed"],
        json!({"hash": "0badcafe", "removals": "00c0ffee deadbeef"})
    );
}

#[test]
fn every_reason_of_core_is_on_the_list_of_the_api_with_its_status() {
    // Core's reasons are texts; those that it can say are gathered from its sources.
    let source = include_str!("../../core/reservation/router/judgement.rs");
    let listed = known();
    let mut seen = 0;
    for (call, status) in [
        ("Condition::yes(", "True"),
        ("Condition::no(", "False"),
        ("Condition::unknown(", "Unknown"),
    ] {
        for rest in source.split(call).skip(1) {
            let Some(reason) = rest
                .trim_start()
                .strip_prefix('"')
                .and_then(|text| text.split('"').next())
            else {
                continue; // The reason is computed; `refusal_reason` and `unreachable` are below.
            };
            seen += 1;
            let matching = listed.iter().filter(|known| known.reason == reason);
            assert!(
                matching.clone().any(|known| known.status.as_str() == status),
                "{reason} is said as {status} and not listed so"
            );
        }
    }
    assert!(seen > 20, "{seen}: the pattern no longer finds the reasons");
}

#[test]
fn a_configuration_is_valid_or_lists_what_is_wrong() {
    let valid = configuration(&[], &[]);
    assert_eq!(
        (&valid["result"], &valid["errorSummary"]),
        (&json!("Valid"), &json!(""))
    );
    assert_eq!(valid["conditions"][0]["reason"], "Reconciled");
    let lines: Vec<String> = (0..25).map(|n| format!("IPAddressPool p{n}: bad")).collect();
    let invalid = configuration(&lines, &[]);
    assert_eq!(invalid["result"], "Invalid");
    let summary = invalid["errorSummary"].as_str().unwrap();
    assert_eq!(summary.lines().count(), 21);
    assert!(summary.ends_with("and 5 more"), "{summary}");
}

#[test]
fn what_has_no_effect_is_said_and_makes_nothing_invalid() {
    let warning = "L2Advertisement ad: it selects nothing".to_owned();
    let said = configuration(&[], std::slice::from_ref(&warning));
    assert_eq!(
        (&said["result"], &said["errorSummary"]),
        (&json!("Valid"), &json!(""))
    );
    let effects = |said: &Value| said["conditions"][1].clone();
    assert_eq!(effects(&said)["type"], "everythingInEffect");
    assert_eq!(
        (&effects(&said)["status"], &effects(&said)["message"]),
        (&json!("False"), &json!(warning))
    );
    assert_eq!(effects(&configuration(&[], &[]))["status"], "True");
}

#[test]
fn a_record_that_nobody_could_read_is_not_in_the_patch() {
    let unknown = RouterStatus {
        record_unknown: true,
        ..RouterStatus::default()
    };
    let said = router(&unknown);
    for field in ["taken", "serial", "identity"] {
        assert!(said.get(field).is_none(), "{field}: {said}");
        assert!(router(&RouterStatus::default()).get(field).is_some());
    }
    assert!(said.get("conditions").is_some());
}
