//! Each role has its own limit at each moment.

use super::*;

#[test]
fn a_second_pool_is_announced() {
    let [pool, advertisement] = pool(MORE_ADDRESSES);
    assert_eq!(pool["spec"]["addresses"][0], MORE_ADDRESSES);
    assert_eq!(
        advertisement["spec"]["ipAddressPools"][0],
        pool["metadata"]["name"]
    );
}

#[test]
fn every_moment_of_every_role_is_compared_with_its_start() {
    let usages: Vec<Usage> = MOMENTS
        .into_iter()
        .flat_map(|moment| {
            let of = |role, kib| Usage::of(role, moment, kib);
            [
                of("allocator", 20_480),
                of("speaker", 10_240),
                of("speaker", 12_288),
            ]
        })
        .collect();
    let found = findings(&usages, Vec::new()).unwrap();
    assert!(found.faults().is_empty(), "{:?}", found.faults());
    let names: Vec<&str> = found
        .measures
        .iter()
        .map(|measure| measure.name.as_str())
        .collect();
    assert_eq!(
        names[0..3],
        [
            "allocator at its start",
            "of it anonymous",
            "allocator with 3 Services"
        ]
    );
    assert_eq!(names[14], "speaker with 1,048 Services");
    let [start, _, later, ..] = found.measures.as_slice() else {
        panic!("too few");
    };
    assert_eq!(
        (start.ratio(&found.measures), later.ratio(&found.measures)),
        (None, Some(1.0))
    );
    assert_eq!(found.measures[14].samples, [Some(10.0), Some(12.0)]);
    assert_eq!(found.measures[15].samples, [Some(5.0), Some(6.0)]);
}

/// Each of them, and with all their addresses.
#[test]
fn a_speaker_that_holds_more_than_is_promised_misses_the_goal() {
    let usages: Vec<Usage> = MOMENTS
        .into_iter()
        .flat_map(|moment| [10_240, 17_408].map(|kib| Usage::of("speaker", moment, kib)))
        .collect();
    assert_eq!(
        findings(&usages, Vec::new()).unwrap().faults(),
        ["speaker with 1,048 Services: max is 17.0 MiB, the goal is max ≤ 16 MiB"]
    );
}

#[test]
fn a_home_that_failed_is_a_fault() {
    let found = findings(&[], vec!["run 2: no home".to_owned()]).unwrap();
    assert_eq!(found.faults().last().map(String::as_str), Some("run 2: no home"));
}
