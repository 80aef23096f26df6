//! When a router is read, how much of it, and when something refused is tried again.

use std::time::Duration;

use super::paper::*;
use crate::reservation::router::{Depth, Work};
use crate::reservation::write::Outcome;
use crate::reservation::{Failure, FailureKind, Router};

const POLL: Duration = Duration::from_secs(30);
const MOMENT: Duration = Duration::from_millis(1);

fn away() -> Failure {
    Failure {
        kind: FailureKind::Unreachable,
        message: "no answer".to_owned(),
    }
}

/// In sync, and the next poll is all there is to do.
fn settled() -> Paper {
    let mut paper = Paper::new(home_router());
    paper.survey("");
    paper.run(Duration::from_secs(15));
    paper
}

/// Nothing happens until the next request is due.
fn next(paper: &mut Paper) -> (Duration, Work) {
    let began = paper.now.mono;
    for _ in 0..10 {
        match paper.work() {
            Work::Wait(wake) => {
                let wait = wake.expect("there is always a next poll").since(paper.now.mono);
                assert_ne!(wait, Duration::ZERO, "it waits for what is due");
                paper.pass(wait);
            }
            work => return (paper.now.mono.since(began), work),
        }
    }
    panic!("nothing ever becomes due");
}

fn read_whole(paper: &mut Paper) {
    paper.read(Ok(paper.rows.clone()));
}

#[test]
fn a_router_that_agrees_is_polled_for_what_changes_and_read_whole_every_ten_minutes() {
    let mut paper = settled();
    let mut whole = paper.now.mono;
    read_whole(&mut paper);
    for poll in 1..=40 {
        let (wait, work) = next(&mut paper);
        assert_eq!(wait, POLL, "poll {poll}");
        let age = paper.now.mono.since(whole);
        let depth = if age < Duration::from_mins(10) {
            Depth::Pulse
        } else {
            whole = paper.now.mono;
            Depth::Whole
        };
        assert_eq!(work, Work::Read(depth), "{age:?} after the last whole one");
        paper.with(|router, _, now| router.begin(&work, now.mono));
        let rows = paper.rows.clone();
        paper.with(|router, landscape, now| router.read(Ok(rows), landscape, now));
    }
}

/// Whatever is to be done or is not as it was needs the menus that hardly change, too.
#[test]
fn a_reading_is_whole_when_anything_is_to_be_done_or_is_not_as_it_was() {
    type Case = (&'static str, fn(&mut Paper));
    let cases: [Case; 5] = [
        ("the last reading failed", |paper| paper.read(Err(away()))),
        ("another board answered", |paper| {
            paper.rows.serial = Some("OTHER".to_owned());
            read_whole(paper);
        }),
        ("a refused write waits", |paper| {
            paper.assign("192.168.1.200", "web");
            let planned = paper.due_write();
            let refused = Outcome::Refused("busy".to_owned());
            // Its turn comes after the next poll.
            paper.pass(Duration::from_secs(5));
            paper.finish(&planned.write, &refused);
        }),
        ("a row was not what was read", |paper| {
            paper.assign("192.168.1.200", "web");
            let planned = paper.due_write();
            paper.finish(&planned.write, &Outcome::Changed);
            paper.assigned.clear();
        }),
        ("it waits for a Service before it lets the router go", |paper| {
            paper.assign("192.168.1.200", "web");
            paper.run(Duration::from_secs(5));
            paper.delete();
            paper.run(Duration::from_secs(5));
        }),
    ];
    for (what, happens) in cases {
        let mut paper = settled();
        read_whole(&mut paper);
        happens(&mut paper);
        let (_, work) = next(&mut paper);
        assert_eq!(work, Work::Read(Depth::Whole), "{what}");
    }
}

/// A Secret or a certificate was replaced.
#[test]
fn who_asks_for_another_try_is_not_made_to_wait() {
    let mut paper = Paper::new(home_router());
    for _ in 0..5 {
        paper.read(Err(away()));
    }
    assert!(matches!(paper.work(), Work::Wait(_)), "it backs off");
    let now = paper.now.mono;
    paper.router.retry(now);
    assert_eq!(paper.work(), Work::Read(Depth::Whole));

    let mut paper = settled();
    paper.assign("192.168.1.200", "web");
    let planned = paper.due_write();
    paper.finish(&planned.write, &Outcome::Refused("not allowed".to_owned()));
    assert!(matches!(paper.work(), Work::Wait(_)), "it is not hammered");
    let now = paper.now.mono;
    paper.router.retry(now);
    assert_eq!(paper.due_write().write, planned.write);
    assert_eq!(paper.now.mono, now);
}

#[test]
fn a_refused_write_is_tried_again_after_thirty_seconds_to_the_second() {
    let mut paper = settled();
    read_whole(&mut paper);
    paper.assign("192.168.1.200", "web");
    paper.pass(Duration::from_secs(8));
    let planned = paper.due_write();
    paper.finish(&planned.write, &Outcome::Refused("busy".to_owned()));
    let refused = paper.now.mono;
    paper.run(Duration::from_secs(30).saturating_sub(MOMENT));
    assert_eq!(paper.rows.leases.len(), 0, "{:?}", paper.journal);
    paper.pass(MOMENT);
    assert_eq!(paper.due_write().write, planned.write);
    assert_eq!(paper.now.mono.since(refused), Duration::from_secs(30));
}

/// Looking once more at once is right; looking again and again is not.
#[test]
fn a_row_that_is_twice_not_what_was_read_is_left_for_thirty_seconds() {
    let mut paper = settled();
    paper.assign("192.168.1.200", "web");
    for _ in 0..2 {
        let planned = paper.due_write();
        paper.finish(&planned.write, &Outcome::Changed);
        read_whole(&mut paper);
    }
    let left = paper.now.mono;
    paper.run(Duration::from_secs(30).saturating_sub(MOMENT));
    assert_eq!(paper.rows.leases.len(), 0, "{:?}", paper.journal);
    paper.pass(MOMENT);
    paper.due_write();
    assert_eq!(paper.now.mono.since(left), Duration::from_secs(30));
}

/// It would be looked at again and again until the status is stored.
#[test]
fn a_cut_that_waits_for_its_record_is_not_due() {
    let mut paper = settled();
    paper.config = pools(&[("home", "192.168.1.200-192.168.1.225")]);
    let plan = paper.with(|router, landscape, now| router.plan(landscape, now));
    assert!(plan.record.is_some(), "{plan:?}");
    paper.finish(&plan.writes[0].write, &Outcome::Refused("busy".to_owned()));
    paper.pass(Duration::from_secs(5));
    read_whole(&mut paper);
    paper.pass(Duration::from_secs(25));
    let Work::Wait(Some(wake)) = paper.intend().work else {
        panic!("nothing is to be done before the record is stored")
    };
    assert_eq!(wake.since(paper.now.mono), Duration::from_secs(5));
}

#[test]
fn the_first_write_is_made_in_the_moment_in_which_the_fence_falls() {
    let mut paper = Paper::new(home_router());
    paper.fence = paper.now.mono + Duration::from_secs(25);
    paper.run(Duration::from_secs(25).saturating_sub(MOMENT));
    assert_eq!(paper.writes, []);
    paper.pass(MOMENT);
    paper.due_write();
    assert_eq!(paper.now.mono, paper.fence);
}

/// A router tells its uptime in whole seconds: two readings within one show the same.
#[test]
fn two_readings_within_a_second_agree() {
    let mut paper = Paper::new(home_router());
    paper.intend();
    read_whole(&mut paper);
    read_whole(&mut paper);
    paper.due_write();
}

/// Two seconds and a thousandth of the time in between may be lost without a restart, and not a second more.
#[test]
fn an_uptime_that_lags_by_more_than_the_clocks_allow_is_that_of_a_router_that_started_anew() {
    for (lost, rebooted) in [(12, false), (13, true)] {
        let mut paper = settled();
        read_whole(&mut paper);
        paper.pass(Duration::from_secs(10_000));
        paper.rows.uptime -= Duration::from_secs(lost);
        paper.survey("");
        read_whole(&mut paper);
        let free = paper.availability("192.168.1.210") == Some(crate::ipam::Availability::Free);
        assert_eq!(!free, rebooted, "{lost} s were lost in 10,000");
    }
}

/// Another address is another router to read, and the same deletion.
#[test]
fn a_new_url_does_not_start_the_ten_minutes_of_a_release_anew() {
    let mut paper = settled();
    paper.delete();
    paper.read(Err(away()));
    paper.pass(Duration::from_mins(9));
    let mut moved = paper.router.object().clone();
    moved.spec.as_mut().unwrap().url = "https://192.168.1.2".to_owned();
    let now = paper.now.mono;
    paper.router.update(moved, now);
    paper.read(Err(away()));
    let object = paper.router.object().clone();
    paper.router.update(object, now);
    assert!(paper.intend().given_up.is_none());
    paper.pass(Duration::from_mins(1));
    assert!(paper.intend().given_up.is_some());
}

/// One request at a time, and the other object for the same router is still there.
#[test]
fn a_new_url_ends_no_request_and_no_other_object() {
    let moved = |paper: &mut Paper, last: u8| {
        let mut moved = paper.router.object().clone();
        moved.spec.as_mut().unwrap().url = format!("https://192.168.1.{last}");
        let now = paper.now.mono;
        paper.router.update(moved, now);
    };
    let mut paper = settled();
    let read = Work::Read(Depth::Whole);
    paper.with(|router, _, now| router.begin(&read, now.mono));
    moved(&mut paper, 2);
    assert_eq!(paper.work(), Work::Wait(None));
    paper.read(Err(away()));
    paper.router.relate(crate::reservation::Twins {
        elder: Some(crate::model::ObjectKey::new("metallb-system", "elder")),
        ..Default::default()
    });
    moved(&mut paper, 3);
    assert_eq!(paper.work(), Work::Read(Depth::Whole), "it is read at once");
    paper.run(Duration::from_mins(1));
    let said = paper.condition(crate::reservation::ConditionKind::ReservationsInSync);
    assert_eq!(said.1, "SameRouter");
}

#[test]
fn nothing_is_asked_of_a_router_while_it_is_paused_or_busy() {
    let mut paper = settled();
    paper.pass(POLL);
    let read = Work::Read(Depth::Whole);
    paper.with(|router, _, now| router.begin(&read, now.mono));
    assert_eq!(paper.work(), Work::Wait(None));
    let mut paused = object(spec());
    paused.spec.as_mut().unwrap().mode = crate::config::object::RouterMode::Paused;
    paper.router = Router::new(paused);
    assert_eq!(paper.work(), Work::Wait(None));
}
