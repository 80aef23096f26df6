//! What a cut's frames and answers say, as values.

use std::time::Duration;

use super::super::measure::Measure;
use super::flight::tests::{Cut, flight};
use super::*;

fn keepalived() -> Keepalived {
    Keepalived {
        program: "/usr/sbin/keepalived".into(),
        version: "v2.2.7".to_owned(),
    }
}

/// On a machine without keepalived, and without a demand for it.
fn alone(outcomes: &[Outcome]) -> Findings {
    findings(outcomes, &Peers::default(), false).unwrap()
}

fn beside(outcomes: &[Outcome]) -> Findings {
    let keepalived = keepalived();
    let peers = Peers {
        keepalived: Some(&keepalived),
        metallb: None,
    };
    findings(outcomes, &peers, true).unwrap()
}

fn of<'a>(found: &'a Findings, name: &str) -> &'a Measure {
    let mut all = found.measures.iter();
    let found = all.find(|measure| measure.name == name);
    found.unwrap_or_else(|| panic!("there is no measure {name}"))
}

/// After which the client was answered again, in milliseconds after the cut.
fn answered(tiklb: u64, rival: Option<u64>) -> Box<Flight> {
    let after = |millis| Duration::from_millis(500 + millis);
    let cut = Cut {
        announced: Some(after(tiklb)),
        answered: Some(after(tiklb)),
        rival: rival.map(after),
        ..Cut::default()
    };
    Box::new(flight(cut))
}

#[test]
fn a_silence_is_told_in_its_parts() {
    let outcomes: Vec<Outcome> = vec![
        Ok(Box::new(flight(Cut::default()))),
        Ok(Box::new(flight(Cut {
            announced: Some(Duration::from_millis(900)),
            answered: Some(Duration::from_millis(910)),
            ..Cut::default()
        }))),
    ];
    let found = alone(&outcomes);
    // Last answer at 499 ms, cut at 500, the gateway asked at 519: see `Cut::default`.
    for (name, wanted) in [
        (SILENCE, [302.0, 411.0]),
        ("cut -> the gateway is asked for a sign", [19.0, 19.0]),
        ("asked -> first frame of the heir", [281.0, 381.0]),
        ("frame -> first answered datagram", [1.0, 10.0]),
        (FLOOR, [2.0, 2.0]),
    ] {
        assert_eq!(of(&found, name).samples, wanted.map(Some), "{name}");
    }
    assert_eq!(of(&found, SILENCE).ratio(&found.measures), Some(151.0));
    assert!(
        found.notes[0].starts_with(
            "Where it goes (medians): detection 19.0 ms, poll, verdict and claim 281.0 ms, neighbour update 1.0 ms"
        ),
        "{:?}",
        found.notes
    );
    assert_eq!(
        found.runs[0]["tiklb"]["client"]["samples"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    assert_eq!(found.runs[0]["tiklb"]["cut_us"], 500_000);
}

#[test]
fn half_of_the_silences_and_nearly_all_have_a_limit_each() {
    // The last answer was a millisecond before the cut.
    let good = [
        Ok(answered(34, None)),
        Ok(answered(34, None)),
        Ok(answered(59, None)),
    ];
    assert!(alone(&good).faults().is_empty(), "{:?}", alone(&good).faults());
    let slow = [
        Ok(answered(34, None)),
        Ok(answered(35, None)),
        Ok(answered(60, None)),
    ];
    assert_eq!(
        alone(&slow).faults(),
        [
            "longest silence at the client: p50 is 36.0 ms, the goal is p50 ≤ 35 ms",
            "its p99: p99 is 61.0 ms, the goal is p99 ≤ 60 ms"
        ]
    );
}

#[test]
fn keepalived_is_to_be_beaten_figure_by_figure() {
    let found = beside(&[
        Ok(answered(20, Some(30))),
        Ok(answered(30, Some(30))),
        Ok(answered(50, Some(40))),
    ]);
    assert_eq!(
        found.faults(),
        ["its p99 beside keepalived's: p99 is 51.0 ms, the goal is p99 ≤ 41 ms"]
    );
    assert_eq!(of(&found, SILENCE).ratio(&found.measures), Some(1.0));
    assert_eq!(
        found.notes[1],
        "Beside keepalived: p50 1.00 ×, p95 1.24 ×, p99 1.24 ×, max 1.24 ×."
    );
    assert_eq!(found.configuration["keepalived"]["version"], "v2.2.7");
}

#[test]
fn a_keepalived_that_does_not_take_over_is_a_failure() {
    let mut lost = flight(Cut {
        announced: Some(Duration::from_millis(520)),
        answered: Some(Duration::from_millis(520)),
        ..Cut::default()
    });
    let rival = lost.rival.as_mut().unwrap();
    rival.client.silence.after = None;
    let found = beside(&[Ok(Box::new(lost))]);
    assert_eq!(
        found.faults(),
        ["run 1: node2 was cut off and keepalived did not take over"]
    );
    assert_eq!(of(&found, PEER).samples, [None]);
}

#[test]
fn a_machine_without_keepalived_says_so_and_fails_where_it_is_demanded() {
    let good = [Ok(answered(20, None))];
    let silent = alone(&good);
    assert!(silent.notes.contains(&MISSING.to_owned()), "{:?}", silent.notes);
    assert!(silent.faults().is_empty() && silent.configuration["keepalived"].is_null());
    assert_eq!(
        findings(&good, &Peers::default(), true).unwrap().faults(),
        [MISSING]
    );
}

#[test]
fn a_silence_without_an_end_misses_every_goal() {
    let endless = flight(Cut {
        heir: None,
        announced: None,
        answered: None,
        ..Cut::default()
    });
    let found = alone(&[Ok(Box::new(endless)), Err("run 2: no home".to_owned())]);
    assert_eq!(
        found.measures[0].samples,
        [None, None],
        "both stay in the distribution"
    );
    let faults = found.faults();
    assert!(
        faults.len() == 4
            && faults[2].contains("node2 was cut off and nobody took over")
            && faults[3] == "run 2: no home",
        "{faults:?}"
    );
    assert_eq!(found.runs[1], json!({"failed": "run 2: no home"}));
}

#[test]
fn two_answers_to_one_datagram_are_a_failure() {
    let mut twice = flight(Cut::default());
    twice.tiklb.client.repeated = 3;
    let found = alone(&[Ok(Box::new(twice))]);
    assert_eq!(found.failures, ["run 1: 3 datagrams were answered by two nodes"]);
}

#[test]
fn a_node_that_does_not_come_back_is_a_failure_and_the_silence_counts() {
    let mut lost = flight(Cut::default());
    lost.trouble = Some("run 1: node1 does not hear node2".to_owned());
    let found = alone(&[Ok(Box::new(lost))]);
    assert_eq!(found.measures[0].samples, [Some(302.0)]);
    assert_eq!(found.failures, ["run 1: node1 does not hear node2"]);
}

#[test]
fn a_late_client_is_told() {
    let found = alone(&[Ok(Box::new(flight(Cut::default())))]);
    assert!(
        found.notes[found.notes.len() - 1]
            .starts_with("The client was late by 4.0 ms at most, with real-time"),
        "{:?}",
        found.notes
    );
}

/// In a home of its own, and judged by nothing: its failures are told, and its seconds stand beside our milliseconds.
#[test]
fn metallbs_silences_stand_beside_ours() {
    let theirs: Vec<Outcome> = vec![Ok(answered(2_499, None)), Err("run 2: no home".to_owned())];
    let peers = Peers {
        keepalived: None,
        metallb: Some(("v0.15.2", &theirs)),
    };
    let found = findings(&[Ok(answered(24, None))], &peers, false).unwrap();
    assert_eq!(of(&found, METALLB).samples, [Some(2_500.0), None]);
    assert_eq!(of(&found, SILENCE).samples, [Some(25.0)]);
    assert_eq!(found.faults(), ["MetalLB: run 2: no home"]);
    assert!(
        found
            .notes
            .iter()
            .any(|note| note.starts_with("Beside MetalLB: p50 0.0100 ×")),
        "{:?}",
        found.notes
    );
    assert_eq!(found.configuration["metallb"]["version"], "v0.15.2");
    assert_eq!(found.runs.len(), 3);
}
