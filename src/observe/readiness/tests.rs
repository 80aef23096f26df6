//! Ready when everything came, and not when a task died on the way.

use super::*;

#[test]
fn everything_must_come() {
    let readiness = Readiness::new();
    assert!(readiness.waiting().is_empty());
    let services = readiness.wait_for("the list of Services");
    let pools = readiness
        .clone()
        .wait_for("the list of IPAddressPools".to_owned());
    assert_eq!(
        readiness.waiting(),
        ["the list of Services", "the list of IPAddressPools"]
    );
    services.done();
    assert_eq!(readiness.waiting(), ["the list of IPAddressPools"]);
    pools.done();
    assert!(readiness.waiting().is_empty());
}

#[test]
fn equal_words_are_two_things() {
    let readiness = Readiness::new();
    let first = readiness.wait_for("a list");
    let _second = readiness.wait_for("a list");
    first.done();
    assert_eq!(readiness.waiting(), ["a list"]);
}

#[test]
fn what_was_dropped_has_not_come() {
    let readiness = Readiness::new();
    drop(readiness.wait_for("the heartbeat key"));
    assert_eq!(readiness.waiting(), ["the heartbeat key"]);
}

#[test]
fn a_ready_process_can_wait_again() {
    let readiness = Readiness::new();
    readiness.wait_for("the list of Services").done();
    let _stopping = readiness.wait_for("the next process");
    assert_eq!(readiness.waiting(), ["the next process"]);
}
