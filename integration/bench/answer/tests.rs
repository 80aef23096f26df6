//! What is judged of answers, and of frames that get none.

use std::time::Duration;

use super::*;

fn seen() -> Seen {
    Seen {
        answers: Answers {
            node: "node1".to_owned(),
            announced: vec![Some(Duration::from_micros(26)); 3],
            kernel: vec![Some(Duration::from_micros(20)); 3],
            bare: vec![Some(Duration::from_micros(30)); 3],
        },
        // A second, half of it the speaker's.
        rates: vec![Rate {
            asked: 50_100,
            answered: 50_000,
            took_us: 1_000_000,
            processor_us: 500_000,
        }],
        // 10 ms more than without for 250,000 frames, where the reader took a second for half of them.
        foreign: vec![Foreign {
            sent: 250_000,
            took_us: 5_000_000,
            speaker_us: 50_000,
            idle_us: 40_000,
            read: 125_000,
            read_took_us: 5_000_000,
            reader_us: 1_000_000,
        }],
    }
}

fn figure(found: &Findings, name: &str) -> f64 {
    let mut all = found.measures.iter();
    all.find(|measure| measure.name == name).unwrap().samples[0].unwrap()
}

#[test]
fn all_goals_can_be_met_at_their_limits() {
    let found = findings(&seen()).unwrap();
    assert!(found.faults().is_empty(), "{:?}", found.faults());
    for (name, wanted) in [
        ("answers a second of a processor", 100_000.0),
        ("answers a second by the clock", 50_000.0),
        ("what foreign frames add, of a reader's processor time", 0.5),
        ("the speaker's", 1.0),
        ("the speaker's without them", 0.8),
        ("the reader's", 20.0),
        ("foreign frames", 50_000.0),
    ] {
        let found = figure(&found, name);
        assert!((found - wanted).abs() < 1e-6, "{name}: {found}");
    }
    assert_eq!(found.runs.len(), 2, "both rounds are recorded");
}

#[test]
fn each_goal_is_missed_by_its_own_figure() {
    let mut slow = seen();
    slow.answers.announced = vec![Some(Duration::from_micros(40)); 3];
    slow.rates[0].processor_us = 501_000;
    slow.foreign[0].speaker_us = 290_000;
    let faults = findings(&slow).unwrap().faults();
    assert_eq!(
        faults,
        [
            "ARP answer for an announced address: p50 is 40.0 µs, the goal is p50 ≤ 26 µs",
            "the same beside a bare program's: p50 is 40.0 µs, the goal is p50 ≤ 39 µs",
            "answers a second of a processor: min is 99800.4 /s, the goal is min ≥ 100000 /s",
            "what foreign frames add, of a reader's processor time: max is 12.5 %, the goal is max ≤ 10 %",
        ]
    );
}

#[test]
fn a_reader_that_read_nothing_proves_nothing() {
    let mut blind = seen();
    blind.foreign[0].read = 0;
    blind.foreign[0].reader_us = 0;
    assert_eq!(findings(&blind).unwrap().faults().len(), 1);
}

#[test]
fn an_answer_that_never_came_is_a_failure() {
    let (mut lost, mut lost_by_bare) = (seen(), seen());
    lost.answers.announced[1] = None;
    lost_by_bare.answers.bare[1] = None;
    for (lost, told) in [(lost, "1 questions for"), (lost_by_bare, "0 questions for")] {
        let faults = findings(&lost).unwrap().faults();
        assert!(faults.len() == 1 && faults[0].starts_with(told), "{faults:?}");
    }
}
