//! When conditions begin to say something, and what they say then.

use std::time::Duration;

use super::paper::*;
use crate::reservation::condition::Truth;
use crate::reservation::marker::claim_mac;
use crate::reservation::write::{LeaseSpec, Write};
use crate::reservation::{ConditionKind, Work};

fn settled(rows: crate::reservation::Reading) -> Paper {
    let mut paper = Paper::new(rows);
    paper.survey("");
    paper.run(Duration::from_secs(15));
    paper
}

#[test]
fn nothing_is_said_of_the_account_before_the_router_was_read() {
    let mut paper = Paper::new(home_router());
    let conditions = paper.intend().status.conditions;
    let said = &conditions[&ConditionKind::Authorized];
    assert_eq!((said.truth, said.reason), (Truth::Unknown, "Reading"));
    assert!(paper.router.reading().is_none());
    paper.run(Duration::from_secs(15));
    assert_eq!(paper.condition(ConditionKind::Authorized).1, "Authorized");
    let known = paper.router.reading().map(|reading| &reading.pools);
    assert_eq!(known, Some(&paper.rows.pools), "with our writes in it");
}

/// Every new Service is a write on its way: that is worth no word before ten seconds.
#[test]
fn a_write_that_is_on_its_way_is_said_after_ten_seconds() {
    let mut paper = settled(home_router());
    paper.assign("192.168.1.200", "web");
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
    paper.pass(Duration::from_millis(9_999));
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
    paper.pass(Duration::from_millis(1));
    let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
    assert_eq!(
        (reason, message.as_str()),
        ("Writing", "1 writes are still to be made")
    );
}

/// A status that changed with each reading would be written with each.
#[test]
fn the_last_sync_is_when_something_was_last_brought_in_sync() {
    let mut paper = settled(home_router());
    let first = paper.intend().status.last_sync;
    assert!(first.is_some());
    paper.run(Duration::from_mins(5));
    assert_eq!(paper.intend().status.last_sync, first);
    paper.assign("192.168.1.200", "web");
    paper.run(Duration::from_secs(1));
    assert_eq!(paper.rows.leases.len(), 1);
    let again = paper.intend().status.last_sync;
    assert!(again > first, "{again:?} {first:?}");
}

/// That it is away is said by Reachable.
#[test]
fn nothing_is_still_to_be_made_on_a_router_that_was_in_sync_when_it_went_away() {
    let mut paper = settled(home_router());
    paper.read(Err(crate::reservation::Failure {
        kind: crate::reservation::FailureKind::Unreachable,
        message: "no answer".to_owned(),
    }));
    paper.intend();
    paper.pass(Duration::from_mins(1));
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
}

#[test]
fn three_addresses_of_others_are_named_and_more_are_counted() {
    let said = |held: u8| {
        let mut rows = home_router();
        for last in 0..held {
            rows.leases
                .push(lease_row(&format!("192.168.1.{}", 205 + last), "tv", None));
        }
        settled(rows).condition(ConditionKind::NoConflicts).2
    };
    assert!(!said(3).contains("more"), "{}", said(3));
    assert!(said(5).contains(" and 2 more"), "{}", said(5));
}

#[test]
fn only_writes_to_pools_wait_for_the_record() {
    let lease = Write::AddLease(LeaseSpec {
        address: ip("192.168.1.200"),
        mac: claim_mac(ip("192.168.1.200")),
        server: "defconf".to_owned(),
        comment: String::new(),
    });
    assert!(!lease.is_of_pool());
    assert!(Write::RemovePool(pool_row("tiklb-home-home", "192.168.1.200")).is_of_pool());
}

/// The end of the delay is waited for; and a range for which a person's word is missing is not looked at again and again.
#[test]
fn the_end_of_a_delay_wakes_once() {
    for (left, goes) in [("192.168.1.200-192.168.1.205", true), ("", false)] {
        let mut paper = settled(home_router());
        let all: Vec<(&str, &str)> = [("home", left)].into_iter().filter(|_| goes).collect();
        paper.config = pools(&all);
        paper.intend();
        let due = paper.now.mono + spec().release_delay;
        paper.run(spec().release_delay.saturating_sub(Duration::from_secs(5)));
        paper.read(Ok(paper.rows.clone()));
        assert_eq!(paper.work(), Work::Wait(Some(due)), "{left}");
        paper.pass(Duration::from_secs(5));
        let work = paper.work();
        if goes {
            assert!(matches!(work, Work::Write(_)), "{work:?}");
        } else {
            assert_eq!(work, Work::Wait(Some(due + Duration::from_secs(25))));
        }
    }
}

/// The moment is waited for, not the next poll after it.
#[test]
fn a_range_goes_back_when_its_delay_is_over() {
    let mut paper = settled(home_router());
    paper.pass(Duration::from_secs(7));
    paper.config = pools(&[("home", "192.168.1.200-192.168.1.205")]);
    paper.intend();
    let delay = spec().release_delay;
    paper.run(delay.saturating_sub(Duration::from_secs(1)));
    assert_eq!(
        paper.rows.pools[0].ranges,
        ranges("192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254")
    );
    paper.run(Duration::from_secs(2));
    assert_eq!(
        paper.rows.pools[0].ranges,
        ranges("192.168.1.100-192.168.1.199,192.168.1.206-192.168.1.254")
    );
}

/// A pool that a person makes of what is about to go back is theirs, whatever it holds.
#[test]
fn a_pool_of_somebody_else_in_what_goes_back_is_not_removed() {
    let mut paper = settled(home_router());
    paper.config = pools(&[("home", "192.168.1.200-192.168.1.205")]);
    paper.run(Duration::from_mins(1));
    let theirs = pool_row("guests", "192.168.1.210-192.168.1.212");
    paper.rows.pools.push(theirs.clone());
    paper.run(Duration::from_mins(30));
    let found = paper.rows.pools.iter().find(|row| row.name == "guests");
    assert_eq!(found, Some(&theirs));
}

/// Before any router is read.
#[test]
fn a_router_object_that_cannot_be_read_or_asks_for_more_is_a_problem() {
    let mut unsupported = spec();
    unsupported.unsupported = vec!["spec.metrics".to_owned()];
    let mut unread = object(spec());
    unread.spec = Err("spec.url: an empty text".to_owned());
    for (router, words) in [
        (object(spec()), None),
        (object(unsupported), Some("spec.metrics")),
        (unread, Some("spec.url: an empty text")),
    ] {
        let config = crate::config::Config::new(&[], &[], &[router]);
        let said: Vec<String> = config.problems.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), usize::from(words.is_some()), "{said:?}");
        assert!(words.is_none_or(|words| said[0].contains(words)), "{said:?}");
    }
}
