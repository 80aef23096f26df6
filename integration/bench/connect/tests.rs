//! What becomes of runs and answers.

use super::creation::tests::creation;
use super::*;

fn answers(announced: &[Option<u64>]) -> Answers {
    let times = |times: &[Option<u64>]| times.iter().map(|time| time.map(Duration::from_micros)).collect();
    Answers {
        node: "node1".to_owned(),
        announced: times(announced),
        kernel: times(&[Some(20), Some(20), Some(20)]),
        bare: times(&[Some(25), Some(25), Some(25)]),
    }
}

#[test]
fn a_run_is_judged_by_its_first_answer_and_shown_by_its_parts() {
    let outcomes = [Ok(creation(1, 40)), Ok(creation(2, 50)), Ok(creation(3, 300))];
    let found = findings(&outcomes, None, &answers(&[Some(30), Some(30), Some(30)])).unwrap();
    assert!(found.faults().is_empty(), "{:?}", found.faults());
    assert_eq!(found.measures[0].samples, [Some(40.0), Some(50.0), Some(300.0)]);
    assert_eq!(found.measures[0].distribution().percentile(50), Some(50.0));
    let ratio = found.measures[5].ratio(&found.measures).unwrap();
    assert!(
        (ratio - 1.5).abs() < 1e-9,
        "announced against the kernel's: {ratio}"
    );
    assert_eq!(found.runs[2]["answered_us"], 300_000);
    for measure in &found.measures {
        let known = |name: &String| found.measures.iter().any(|other| other.name == *name);
        assert!(measure.reference.as_ref().is_none_or(known), "{}", measure.name);
    }
}

#[test]
fn a_run_that_failed_and_a_question_without_an_answer_are_told() {
    let outcomes = [Ok(creation(1, 40)), Err("run 2: nobody answered".to_owned())];
    let found = findings(&outcomes, None, &answers(&[Some(30), None, Some(30)])).unwrap();
    assert_eq!(found.measures[0].samples, [Some(40.0), None]);
    assert_eq!(found.measures[5].samples, [Some(30.0), None, Some(30.0)]);
    let faults = found.faults();
    assert!(
        faults.len() == 2
            && faults[0] == "run 2: nobody answered"
            && faults[1].starts_with("1 questions for"),
        "{faults:?}"
    );
    assert_eq!(found.runs[1], json!({"failed": "run 2: nobody answered"}));
}

#[test]
fn a_slow_median_misses_the_goal() {
    let outcomes = [Ok(creation(1, 61)), Ok(creation(2, 61)), Ok(creation(3, 10))];
    let found = findings(&outcomes, None, &answers(&[Some(30)])).unwrap();
    assert_eq!(
        found.faults(),
        ["Service created -> first ARP answer: p50 is 61.0 ms, the goal is p50 ≤ 60 ms"]
    );
}

/// Both figures of both times, each by itself: a good median hides no bad tail, an early answer no late connection.
#[test]
fn metallb_is_a_limit_for_half_of_all_and_for_nearly_all() {
    let theirs = [20, 30, 40].map(|millis| Ok(creation(1, millis)));
    let metallb = Metallb {
        version: "v0.15.2",
        outcomes: &theirs,
    };
    let judged = |millis: [u64; 3]| {
        let own = millis.map(|millis| Ok(creation(1, millis)));
        let found = findings(&own, Some(metallb), &answers(&[Some(30)])).unwrap();
        assert_eq!(found.configuration["metallb"], "v0.15.2");
        assert_eq!(found.runs.len(), 6);
        found.faults()
    };
    assert_eq!(judged([20, 30, 40]), [] as [&str; 0]);
    // Of three samples the upper end of the confidence interval is the slowest.
    assert_eq!(
        judged([30, 41, 41]),
        [
            "Service created -> first ARP answer, its p50 beside MetalLB's: p50 is 41.0 ms, the goal is p50 ≤ 40 ms",
            "Service created -> first ARP answer, its p99 beside MetalLB's: p99 is 41.0 ms, the goal is p99 ≤ 40 ms",
            "Service created -> a TCP connection is open, its p50 beside MetalLB's: p50 is 45.1 ms, the goal is p50 ≤ 44 ms",
            "Service created -> a TCP connection is open, its p99 beside MetalLB's: p99 is 45.1 ms, the goal is p99 ≤ 44 ms",
        ]
    );
}

#[test]
fn what_metallb_does_not_do_is_told() {
    let theirs = [Err("MetalLB, run 1: nobody answered".to_owned())];
    let metallb = Metallb {
        version: "v0.15.2",
        outcomes: &theirs,
    };
    let found = findings(&[Ok(creation(1, 40))], Some(metallb), &answers(&[Some(30)])).unwrap();
    assert_eq!(found.faults(), ["MetalLB, run 1: nobody answered"]);
}
