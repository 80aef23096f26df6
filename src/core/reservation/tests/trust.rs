//! When the state machine stops believing, and what it does about outcomes it does not know.

use std::time::Duration;

use super::paper::*;
use crate::ipam::Availability;
use crate::reservation::router::Work;
use crate::reservation::write::{Outcome, Write};
use crate::reservation::{ConditionKind, Failure, FailureKind};

fn failure(kind: FailureKind, message: &str) -> Failure {
    Failure {
        kind,
        message: message.to_owned(),
    }
}

fn settled() -> Paper {
    let mut paper = Paper::new(home_router());
    paper.survey("");
    paper.run(Duration::from_secs(15));
    assert_eq!(paper.availability("192.168.1.210"), Some(Availability::Free));
    paper
}

#[test]
fn each_failure_is_said_where_a_person_looks() {
    use ConditionKind::{Authorized, Reachable};
    for (kind, condition, reason) in [
        (FailureKind::Unreachable, Reachable, "Unreachable"),
        (FailureKind::Certificate, Reachable, "CertificateRejected"),
        (FailureKind::NoRest, Reachable, "NoRest"),
        (FailureKind::VersionTooOld, Reachable, "VersionTooOld"),
        (FailureKind::Rebooting, Reachable, "Rebooting"),
        (FailureKind::Credentials, Authorized, "WrongCredentials"),
        (FailureKind::Policy, Authorized, "PolicyMissing"),
        (FailureKind::SecretMissing, Authorized, "SecretMissing"),
    ] {
        let mut paper = Paper::new(home_router());
        paper.read(Err(failure(kind, "do this")));
        let (truth, found, message) = paper.condition(condition);
        assert!(
            !truth && found == reason && message == "do this",
            "{kind:?}: {found} {message}"
        );
        assert!(matches!(
            paper.availability("192.168.1.210"),
            Some(Availability::Unproven(_))
        ));
    }
}

#[test]
fn a_router_that_went_away_blocks_nothing_that_was_proven() {
    let mut paper = settled();
    paper.run(Duration::from_secs(30));
    for _ in 0..50 {
        paper.read(Err(failure(FailureKind::Unreachable, "no answer")));
        paper.pass(Duration::from_mins(20));
        paper.survey("");
    }
    assert_eq!(paper.availability("192.168.1.210"), Some(Availability::Free));
    paper.pass(Duration::from_hours(10));
    assert!(
        matches!(
            paper.availability("192.168.1.210"),
            Some(Availability::Unproven(_))
        ),
        "after a day the survey has to agree"
    );
    paper.survey("");
    assert_eq!(paper.availability("192.168.1.210"), Some(Availability::Free));
}

#[test]
fn failed_readings_back_off_to_the_poll_interval() {
    let mut paper = Paper::new(home_router());
    let mut waits = vec![];
    for _ in 0..8 {
        assert!(matches!(paper.intend().work, Work::Read(_)));
        paper.read(Err(failure(FailureKind::Unreachable, "no answer")));
        let Work::Wait(Some(wake)) = paper.intend().work else {
            panic!("it waits")
        };
        waits.push(wake.since(paper.now.mono).as_secs());
        paper.pass(wake.since(paper.now.mono));
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
}

/// The first reading after a reboot has been taken in, and a lease waits to be written.
fn is_trusted_again(paper: &mut Paper) {
    assert!(
        !matches!(paper.intend().work, Work::Write(_)),
        "one reading after a reboot is not enough"
    );
    paper.run(Duration::from_secs(2));
    assert!(!paper.rows.leases.is_empty());
    assert!(
        matches!(
            paper.availability("192.168.1.210"),
            Some(Availability::Unproven(_))
        ),
        "the survey of before the reboot says nothing of now"
    );
    paper.pass(Duration::from_secs(10));
    paper.survey("");
    assert_eq!(paper.availability("192.168.1.210"), Some(Availability::Free));
}

#[test]
fn after_a_reboot_two_readings_agree_and_the_survey_speaks_before_anything_is_used() {
    let mut paper = settled();
    paper.assign("192.168.1.200", "a");
    paper.rows.uptime = Duration::from_secs(20);
    paper.pass(Duration::from_secs(30));
    let Work::Read(_) = paper.intend().work else {
        panic!("a poll is due")
    };
    paper.read(Ok(paper.rows.clone()));
    is_trusted_again(&mut paper);
}

/// It ran longer since than it had run before: its uptime alone looks like that of a router that never stopped.
#[test]
fn a_reboot_during_a_long_absence_is_seen() {
    let mut rows = home_router();
    rows.uptime = Duration::from_secs(5);
    let mut paper = Paper::new(rows);
    paper.survey("");
    paper.run(Duration::from_secs(20));
    assert_eq!(paper.availability("192.168.1.210"), Some(Availability::Free));
    paper.read(Err(failure(FailureKind::Unreachable, "no answer")));
    paper.assign("192.168.1.200", "a");
    paper.pass(Duration::from_mins(10));
    paper.rows.uptime = Duration::from_mins(9);
    paper.survey("");
    paper.read(Ok(paper.rows.clone()));
    is_trusted_again(&mut paper);
}

#[test]
fn clocks_that_differ_a_little_and_slow_answers_are_no_reboot() {
    let mut paper = settled();
    // Ten hours away, by a clock that loses 500 in a million, and a reading that takes a minute.
    paper.pass(Duration::from_hours(10));
    paper.rows.uptime -= Duration::from_secs(18);
    let mut rows = paper.rows.clone();
    let now = paper.now.mono;
    paper
        .router
        .begin(&Work::Read(crate::reservation::Depth::Whole), now);
    paper.survey("");
    paper.pass(Duration::from_mins(1));
    rows.leases.clear();
    paper.with(|router, landscape, now| router.read(Ok(rows), landscape, now));
    assert_eq!(paper.availability("192.168.1.210"), Some(Availability::Free));
}

#[test]
fn another_board_at_the_same_address_is_not_written_to() {
    let mut paper = settled();
    paper.assign("192.168.1.200", "a");
    paper.rows.serial = Some("OTHER".to_owned());
    let writes = paper.writes.len();
    paper.pass(Duration::from_secs(30));
    paper.read(Ok(paper.rows.clone()));
    paper.run(Duration::from_mins(5));
    assert_eq!(paper.writes.len(), writes, "{:?}", paper.journal);
    let (truth, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
    assert!(
        !truth && reason == "SerialChanged" && message.contains("spec.acceptSerial to OTHER"),
        "{message}"
    );
    let mut accepted = paper.router.object().clone();
    accepted.spec.as_mut().unwrap().accept_serial = Some("OTHER".to_owned());
    let now = paper.now.mono;
    paper.router.update(accepted, now);
    paper.run(Duration::from_secs(5));
    assert!(paper.writes.len() > writes);
}

#[test]
fn rows_of_a_namesake_stop_everything() {
    let mut rows = home_router();
    let mut lease = lease_row("192.168.1.230", "", None);
    lease.comment = "tiklb/v1 home/ffffffff default/x".to_owned();
    rows.leases.push(lease);
    let mut paper = Paper::new(rows);
    paper.run(Duration::from_mins(1));
    assert!(paper.writes.is_empty());
    assert_eq!(
        paper.condition(ConditionKind::ReservationsInSync).1,
        "OwnedByOtherInstance"
    );
}

#[test]
fn an_unknown_outcome_is_settled_by_reading_and_never_by_repeating() {
    for applied in [true, false] {
        let mut paper = Paper::new(home_router());
        let planned = loop {
            match paper.work() {
                Work::Write(planned) => break planned,
                Work::Read(_) => paper.read(Ok(paper.rows.clone())),
                Work::Wait(_) => paper.pass(Duration::from_secs(1)),
            }
        };
        assert!(matches!(planned.write, Write::SetPoolRanges { .. }));
        if applied {
            paper.write(&planned.write);
        }
        let attempts = paper.writes.len();
        paper.finish(
            &planned.write,
            &Outcome::Unknown("the answer was lost".to_owned()),
        );
        let Work::Wait(Some(wake)) = paper.intend().work else {
            panic!("first it waits")
        };
        assert_eq!(wake.since(paper.now.mono), Duration::from_secs(5));
        paper.pass(Duration::from_secs(5));
        assert!(matches!(paper.intend().work, Work::Read(_)), "then it reads");
        paper.run(Duration::from_secs(5));
        let cuts = paper
            .writes
            .iter()
            .filter(|w| matches!(w, Write::SetPoolRanges { .. }))
            .count();
        assert_eq!(cuts, 1, "applied before: {applied}");
        assert!(paper.writes.len() > attempts);
    }
}

#[test]
fn a_refused_write_does_not_hold_up_the_others_and_is_not_hammered() {
    let mut paper = settled();
    paper.assign("192.168.1.200", "a");
    paper.assign("192.168.1.201", "b");
    let planned = paper.due_write();
    paper.finish(
        &planned.write,
        &Outcome::Refused("failure: already have static lease".to_owned()),
    );
    let next = paper.due_write();
    assert_eq!(next.write.target(), "lease 192.168.1.201");
    let outcome = paper.write(&next.write);
    paper.finish(&next.write, &outcome);
    let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
    assert!(
        reason == "WriteFailed" && message.contains("already have static lease"),
        "{reason} {message}"
    );
    let Work::Wait(Some(wake)) = paper.intend().work else {
        panic!("it waits before the next attempt")
    };
    assert!(
        wake.since(paper.now.mono) >= Duration::from_secs(10),
        "{:?}",
        wake.since(paper.now.mono)
    );
    paper.run(Duration::from_secs(40));
    assert_eq!(paper.rows.leases.len(), 2);
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
}

#[test]
fn a_refusal_is_forgotten_with_the_wish() {
    let mut paper = settled();
    paper.assign("192.168.1.200", "a");
    let planned = paper.due_write();
    paper.finish(&planned.write, &Outcome::Refused("failure: no".to_owned()));
    assert_eq!(
        paper.condition(ConditionKind::ReservationsInSync).1,
        "WriteFailed"
    );
    paper.assigned.clear();
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
}

#[test]
fn a_row_that_changed_under_us_is_read_again_first() {
    let mut paper = settled();
    paper.assign("192.168.1.200", "a");
    let planned = paper.due_write();
    paper.finish(&planned.write, &Outcome::Changed);
    assert!(matches!(paper.intend().work, Work::Read(_)));
}

#[test]
fn a_row_that_is_never_what_was_read_is_not_read_over_and_over() {
    let mut paper = settled();
    paper.assign("192.168.1.200", "a");
    paper.assign("192.168.1.201", "b");
    let mut attempts = 0;
    let end = paper.now.mono + Duration::from_mins(5);
    let reads = paper.journal.iter().filter(|line| *line == "read").count();
    while paper.now.mono < end {
        match paper.work() {
            Work::Read(_) => paper.read(Ok(paper.rows.clone())),
            Work::Write(planned) if planned.write.target() == "lease 192.168.1.200" => {
                attempts += 1;
                paper.finish(&planned.write, &Outcome::Changed);
            }
            Work::Write(planned) => {
                let outcome = paper.write(&planned.write);
                paper.finish(&planned.write, &outcome);
            }
            Work::Wait(wake) => paper.pass(wake.unwrap_or(end).since(paper.now.mono)),
        }
        assert!(attempts < 20, "{:?}", paper.journal);
    }
    let reads = paper.journal.iter().filter(|line| *line == "read").count() - reads;
    assert!(reads <= 25, "{reads} readings in five minutes");
    assert_eq!(paper.rows.leases.len(), 1, "the other row is not held up");
    let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
    assert!(
        reason == "WriteFailed" && message.starts_with("lease 192.168.1.200"),
        "{reason} {message}"
    );
    paper.run(Duration::from_mins(1));
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
}

#[test]
fn a_row_that_cannot_be_read_may_hold_any_new_address() {
    let mut paper = settled();
    paper.assign("192.168.1.200", "a");
    paper.rows.unreadable = vec!["/ip/pool row *4: property ranges: nonsense".to_owned()];
    paper.run(Duration::from_mins(1));
    let Some(Availability::Unproven(why)) = paper.availability("192.168.1.210") else {
        panic!("it is not known")
    };
    assert!(why.contains("/ip/pool row *4"), "{why}");
    assert_eq!(paper.rows.leases.len(), 1, "our own rows are kept all the same");
    paper.rows.unreadable.clear();
    paper.run(Duration::from_mins(1));
    paper.survey("");
    assert_eq!(paper.availability("192.168.1.210"), Some(Availability::Free));
}

#[test]
fn somebody_elses_static_arp_row_is_an_obstacle_and_no_reason_to_try_for_ever() {
    let mut paper = settled();
    paper.assign("192.168.1.200", "a");
    paper.announcers.insert(ip("192.168.1.200"), mac(11));
    let mut row = arp_row("192.168.1.200", mac(11));
    (row.dynamic, row.disabled) = (false, true);
    paper.rows.arps.push(row);
    paper.pass(Duration::from_secs(30));
    paper.run(Duration::from_mins(5));
    assert!(
        !paper.writes.iter().any(|w| matches!(w, Write::AddArp(_))),
        "{:?}",
        paper.journal
    );
    let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
    assert!(
        reason == "ForeignRow" && message.contains("static ARP row on bridge"),
        "{reason} {message}"
    );
}

#[test]
fn an_arp_row_on_another_interface_is_made_anew() {
    let mut paper = settled();
    paper.assign("192.168.1.200", "a");
    paper.announcers.insert(ip("192.168.1.200"), mac(11));
    paper.run(Duration::from_secs(5));
    paper.rows.addresses[0].interface = "bridge2".to_owned();
    paper.rows.servers[0].interface = "bridge2".to_owned();
    let writes = paper.writes.len();
    paper.run(Duration::from_mins(2));
    let made: Vec<String> = paper.writes[writes..].iter().map(ToString::to_string).collect();
    assert!(
        matches!(&made[..], [gone, made] if gone.starts_with("/ip/arp remove") && made.starts_with("/ip/arp add")),
        "{made:?}"
    );
    assert_eq!(paper.rows.arps[0].interface, "bridge2");
}

#[test]
fn a_range_that_people_put_back_is_taken_again_three_times_and_then_left() {
    let mut paper = settled();
    for round in 1..=4 {
        let pool = paper
            .rows
            .pools
            .iter_mut()
            .find(|p| p.name == "dhcp_pool")
            .unwrap();
        pool.ranges = ranges("192.168.1.100-192.168.1.254");
        paper.run(Duration::from_mins(1));
        let pool = paper.rows.pools.iter().find(|p| p.name == "dhcp_pool").unwrap();
        assert_eq!(
            pool.ranges.contains(ip("192.168.1.210")),
            round == 4,
            "round {round}"
        );
    }
    assert_eq!(paper.condition(ConditionKind::PoolsExcluded).1, "TakenBack");
    assert!(matches!(
        paper.availability("192.168.1.210"),
        Some(Availability::Unproven(_))
    ));
}

#[test]
fn a_cut_just_before_a_restart_is_waited_for() {
    let mut paper = settled();
    let restart = |paper: &mut Paper| {
        paper.router = crate::reservation::Router::new(paper.router.object().clone());
        paper.survey("");
        paper.run(Duration::from_secs(2));
        paper.availability("192.168.1.210")
    };
    assert!(
        matches!(restart(&mut paper), Some(Availability::Unproven(_))),
        "the cut is 15 s old"
    );
    paper.pass(Duration::from_mins(5));
    assert_eq!(
        restart(&mut paper),
        Some(Availability::Free),
        "an old cut costs a restart nothing"
    );
}

/// Whoever was offered an address while it was back in the pool may take it up yet.
#[test]
fn a_range_that_was_taken_again_just_before_a_restart_is_waited_for() {
    let mut paper = settled();
    paper.run(Duration::from_mins(5));
    let recorded = paper.router.object().taken[0].since;
    paper.rows.pools[0].ranges = ranges("192.168.1.100-192.168.1.254");
    paper.read(Ok(paper.rows.clone()));
    let cut = paper.due_write();
    assert!(matches!(cut.write, Write::SetPoolRanges { .. }));
    let outcome = paper.write(&cut.write);
    paper.finish(&cut.write, &outcome);
    assert_eq!(
        paper.router.object().taken[0].since,
        paper.now.wall,
        "it was on record since {recorded:?}"
    );
    paper.router = crate::reservation::Router::new(paper.router.object().clone());
    paper.survey("");
    paper.run(Duration::from_secs(2));
    match paper.availability("192.168.1.210") {
        Some(Availability::Unproven(why)) => assert!(why.contains("leases are read once more"), "{why}"),
        other => panic!("{other:?}"),
    }
    paper.run(Duration::from_secs(10));
    assert_eq!(paper.availability("192.168.1.210"), Some(Availability::Free));
}

/// Each record is a write of the status, and the cut waits for it.
#[test]
fn a_cut_that_does_not_succeed_is_recorded_anew_only_when_the_first_attempt_is_over() {
    // From when to when it is refused: the first cut of all, and one of a range that was put back.
    for (again, time, expected) in [(false, 70, 1), (true, 70, 1), (true, 140, 2)] {
        let mut paper = Paper::new(home_router());
        if again {
            paper.run(Duration::from_mins(5));
            paper.rows.pools[0].ranges = ranges("192.168.1.100-192.168.1.254");
        }
        let before = paper.journal.len();
        let end = paper.now.mono + Duration::from_secs(time);
        while paper.now.mono < end {
            match paper.work() {
                Work::Read(_) => paper.read(Ok(paper.rows.clone())),
                Work::Write(planned) => {
                    paper.finish(&planned.write, &Outcome::Refused("busy".to_owned()));
                }
                Work::Wait(_) => paper.pass(Duration::from_secs(1)),
            }
        }
        let records = paper.journal[before..].iter();
        let records = records.filter(|entry| entry.starts_with("record")).count();
        assert_eq!(records, expected, "{:?}", &paper.journal[before..]);
    }
}

#[test]
fn a_fence_holds_back_writes_and_nothing_else() {
    let mut paper = Paper::new(home_router());
    paper.fence = paper.now.mono + Duration::from_secs(65);
    paper.survey("");
    paper.run(Duration::from_mins(1));
    assert_eq!(paper.writes, [], "{:?}", paper.journal);
    assert!(paper.journal.iter().any(|entry| entry == "read"));
    paper.run(Duration::from_secs(10));
    assert!(!paper.writes.is_empty());
}
