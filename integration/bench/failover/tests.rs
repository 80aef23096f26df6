//! What a cut's frames and answers say, as values.

use std::time::Duration;

use super::flight::tests::{Cut, flight};
use super::*;

fn milliseconds(measure: &Measure) -> Vec<Option<f64>> {
    measure.samples.clone()
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
    let found = findings(&outcomes).unwrap();
    // Last answer at 499 ms, cut at 500: see `Cut::default`.
    assert_eq!(milliseconds(&found.measures[0]), [Some(302.0), Some(411.0)]);
    assert_eq!(milliseconds(&found.measures[1]), [Some(300.0), Some(400.0)]);
    assert_eq!(milliseconds(&found.measures[2]), [Some(1.0), Some(10.0)]);
    assert_eq!(milliseconds(&found.measures[3]), [Some(2.0), Some(2.0)]);
    assert!(found.faults().is_empty(), "{:?}", found.faults());
    assert_eq!(found.measures[0].ratio(&found.measures), Some(151.0));
    assert_eq!(
        found.runs[0]["tiklb"]["client"]["samples"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    assert_eq!(found.runs[0]["tiklb"]["cut_us"], 500_000);
}

#[test]
fn a_silence_at_the_limit_or_without_an_end_misses_the_goal() {
    let at_limit = flight(Cut {
        answered: Some(Duration::from_millis(999)),
        ..Cut::default()
    });
    let found = findings(&[Ok(Box::new(at_limit))]).unwrap();
    assert_eq!(
        found.faults(),
        ["longest silence at the client: max is 500.0 ms, the goal is max < 500 ms"]
    );

    let endless = flight(Cut {
        heir: None,
        announced: None,
        answered: None,
    });
    let found = findings(&[Ok(Box::new(endless)), Err("run 2: no home".to_owned())]).unwrap();
    assert_eq!(
        found.measures[0].samples,
        [None, None],
        "both stay in the distribution"
    );
    let faults = found.faults();
    assert!(
        faults.len() == 3
            && faults[1].contains("node2 was cut off and nobody took over")
            && faults[2] == "run 2: no home",
        "{faults:?}"
    );
    assert_eq!(found.runs[1], json!({"failed": "run 2: no home"}));
}

#[test]
fn two_answers_to_one_datagram_are_a_failure() {
    let mut twice = flight(Cut::default());
    twice.tiklb.client.repeated = 3;
    let found = findings(&[Ok(Box::new(twice))]).unwrap();
    assert_eq!(found.faults(), ["run 1: 3 datagrams were answered by two nodes"]);
}

#[test]
fn a_node_that_does_not_come_back_is_a_failure_and_the_silence_counts() {
    let mut lost = flight(Cut::default());
    lost.trouble = Some("run 1: node1 does not hear node2".to_owned());
    let found = findings(&[Ok(Box::new(lost))]).unwrap();
    assert_eq!(found.measures[0].samples, [Some(302.0)]);
    assert_eq!(found.faults(), ["run 1: node1 does not hear node2"]);
}

#[test]
fn a_late_client_is_told() {
    let found = findings(&[Ok(Box::new(flight(Cut::default())))]).unwrap();
    assert!(
        found.notes[2].starts_with("The client was late by 4.0 ms at most, with real-time"),
        "{:?}",
        found.notes
    );
}
