//! Each role has its own limit at each moment.

use super::*;

#[test]
fn a_second_pool_is_announced() {
    let [pool, advertisement] = pool();
    assert_eq!(pool["spec"]["addresses"][0], MORE_ADDRESSES);
    assert_eq!(
        advertisement["spec"]["ipAddressPools"][0],
        pool["metadata"]["name"]
    );
}

#[test]
fn what_was_not_read_is_no_success() {
    let found = findings(&[], Vec::new()).unwrap();
    assert_eq!(found.measures.len(), 2 * MOMENTS.len());
    assert_eq!(found.faults().len(), found.measures.len(), "{:?}", found.faults());
    let names: Vec<&str> = found
        .measures
        .iter()
        .map(|measure| measure.name.as_str())
        .collect();
    assert_eq!(names[0], "allocator at its start");
    assert_eq!(names[5], "speaker with 48 Services");
    assert_eq!(
        found.measures[5].reference.as_deref(),
        Some("speaker at its start")
    );
    assert_eq!(found.measures[3].reference, None);
}
