//! What becomes of a sync and of the polls after it.

use super::*;

fn sync(polls: &[(u64, u64)]) -> Sync {
    let tally = |(reads, writes): &(u64, u64)| Tally {
        reads: *reads,
        writes: *writes,
        sent_bytes: 2_048,
        received_bytes: 10_240,
    };
    Sync {
        request_ms: 1,
        took_us: 12_000_000,
        asked: tally(&(4_000, 2_000)),
        floor_us: 6_000_000,
        before: Usage::of("allocator", "before the router", 20_480),
        after: Usage::of("allocator", "in sync", 40_960),
        polls: polls.iter().map(tally).collect(),
    }
}

fn measure<'a>(found: &'a Findings, name: &str) -> &'a Measure {
    let mut all = found.measures.iter();
    all.find(|measure| measure.name == name).unwrap()
}

#[test]
fn reads_are_judged_by_their_mean_and_a_single_write_is_too_much() {
    let met = findings(&[Ok(sync(&[(5, 0), (7, 0)])), Ok(sync(&[]))], 2).unwrap();
    assert!(met.faults().is_empty(), "{:?}", met.faults());
    let missed = findings(&[Ok(sync(&[(5, 0), (8, 1)])), Ok(sync(&[]))], 2).unwrap();
    assert_eq!(
        missed.faults(),
        [
            "reads in a poll: mean is 6.5, the goal is mean ≤ 6",
            "writes in a poll: max is 1.0, the goal is max ≤ 0"
        ]
    );
    assert_eq!(
        measure(&met, "received in a poll").samples,
        [Some(10.0), Some(10.0)]
    );
}

#[test]
fn a_sync_is_compared_with_as_many_round_trips() {
    let found = findings(
        &[Ok(sync(&[(5, 0)])), Err("20ms a request: it broke".to_owned())],
        1,
    )
    .unwrap();
    let first = measure(&found, "first sync, 1ms a request");
    assert_eq!(first.samples, [Some(12.0)]);
    assert_eq!(first.ratio(&found.measures), Some(2.0));
    assert_eq!(measure(&found, "requests").samples, [Some(6_000.0)]);
    let memory = measure(&found, "allocator after it, 1ms a request");
    assert_eq!(memory.ratio(&found.measures), Some(2.0));
    // What failed stays.
    assert_eq!(measure(&found, "first sync, 20ms a request").samples, [None]);
    assert_eq!(found.failures, ["20ms a request: it broke"]);
    assert_eq!(found.runs[1], json!({"failed": "20ms a request: it broke"}));
    for measure in &found.measures {
        let known = |name: &String| found.measures.iter().any(|other| other.name == *name);
        assert!(measure.reference.as_ref().is_none_or(known), "{}", measure.name);
    }
}

#[test]
fn without_a_first_run_every_poll_has_failed() {
    let found = findings(&[Err("it broke".to_owned()), Ok(sync(&[]))], 2).unwrap();
    assert_eq!(measure(&found, "writes in a poll").samples, [None, None]);
    assert_eq!(found.faults().len(), 3, "{:?}", found.faults());
}
