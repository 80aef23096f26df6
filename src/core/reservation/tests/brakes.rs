//! What goes only after a while, or only with a person's word.

use std::time::Duration;

use super::paper::*;
use crate::reservation::write::Write;
use crate::reservation::{ConditionKind, Work};

const CUT: &str = "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254";

fn pool_of(paper: &Paper) -> String {
    let pool = paper.rows.pools.iter().find(|pool| pool.name == "dhcp_pool");
    pool.unwrap().ranges.to_string()
}

/// A router in sync with so many Services, from .200 on.
fn with_services(count: u8) -> Paper {
    let mut paper = Paper::new(home_router());
    for offset in 0..count {
        paper.assign(&format!("192.168.1.{}", 200 + offset), &format!("s{offset}"));
    }
    paper.run(Duration::from_secs(30));
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
    assert_eq!(pool_of(&paper), CUT);
    paper
}

fn confirm(paper: &mut Paper) {
    let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
    assert_eq!(reason, "AwaitingConfirmation");
    let (_, hash) = message.split_once("tiklb.io/confirm=").unwrap();
    let mut object = paper.router.object().clone();
    object.confirm = Some(hash.to_owned());
    let now = paper.now.mono;
    paper.router.update(object, now);
}

#[test]
fn a_range_that_is_no_longer_wanted_is_given_back_after_the_delay() {
    let mut paper = with_services(1);
    paper.config = pools(&[("home", "192.168.1.200-192.168.1.210")]);
    paper.run(Duration::from_mins(9));
    assert_eq!(pool_of(&paper), CUT, "ten minutes are the default");
    paper.run(Duration::from_mins(2));
    assert_eq!(
        pool_of(&paper),
        "192.168.1.100-192.168.1.199,192.168.1.211-192.168.1.254"
    );
    let taken = &paper.router.object().taken;
    assert_eq!(taken[0].ranges.to_string(), "192.168.1.200-192.168.1.210");
    assert_eq!(paper.condition(ConditionKind::PoolsExcluded).1, "Excluded");
}

#[test]
fn a_range_that_is_wanted_again_in_time_is_never_given_back() {
    let mut paper = with_services(1);
    for _ in 0..5 {
        paper.config = pools(&[("home", "192.168.1.200-192.168.1.210")]);
        paper.run(Duration::from_mins(6));
        paper.config = pools(&[("home", "192.168.1.200-192.168.1.220")]);
        paper.run(Duration::from_mins(6));
    }
    assert_eq!(pool_of(&paper), CUT);
    let cuts = paper.writes.iter();
    assert_eq!(
        cuts.filter(|w| matches!(w, Write::SetPoolRanges { .. })).count(),
        1
    );
}

#[test]
fn what_a_service_still_has_is_not_given_back() {
    let mut paper = with_services(3);
    paper.config = pools(&[("home", "192.168.1.210-192.168.1.220")]);
    paper.run(Duration::from_mins(15));
    assert_eq!(
        pool_of(&paper),
        "192.168.1.100-192.168.1.199,192.168.1.203-192.168.1.209,192.168.1.221-192.168.1.254"
    );
}

#[test]
fn nothing_is_given_back_while_a_pool_cannot_be_read() {
    let mut paper = with_services(1);
    paper.assigned.clear();
    paper.config = pools(&[("home", "192.168.1.210-192.168.1.220"), ("other", "garbage")]);
    paper.run(Duration::from_hours(2));
    assert_eq!(pool_of(&paper), CUT);
}

#[test]
fn a_whole_exclusion_goes_with_a_word_only() {
    let mut paper = with_services(0);
    paper.config = pools(&[]);
    paper.run(Duration::from_hours(3));
    assert_eq!(pool_of(&paper), CUT);
    assert!(paper.rows.pools.iter().any(|pool| pool.name == "tiklb-home-home"));
    let pending = paper.intend().status.pending;
    assert_eq!(pending.entries.len(), 2, "{pending:?}");
    confirm(&mut paper);
    paper.run(Duration::from_mins(1));
    assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.254");
    assert_eq!(paper.rows.pools.len(), 1);
    assert_eq!(paper.router.object().taken, []);
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
}

#[test]
fn one_exclusion_of_two_goes_and_the_other_stays() {
    let mut paper = Paper::new(home_router());
    let home = ("home", "192.168.1.200-192.168.1.220");
    paper.config = pools(&[home, ("other", "192.168.1.230-192.168.1.234")]);
    paper.run(Duration::from_secs(30));
    paper.config = pools(&[home]);
    paper.run(Duration::from_mins(11));
    confirm(&mut paper);
    paper.run(Duration::from_mins(1));
    assert_eq!(pool_of(&paper), CUT);
    let names: Vec<&str> = paper.rows.pools.iter().map(|pool| pool.name.as_str()).collect();
    assert_eq!(names, ["dhcp_pool", "tiklb-home-home"]);
}

/// What waits for a person is not looked at again and again.
#[test]
fn rows_that_wait_for_a_word_wake_nobody() {
    let mut paper = with_services(6);
    paper.assigned.clear();
    paper.intend();
    for pass in [25, 25, 10, 1] {
        paper.read(Ok(paper.rows.clone()));
        paper.pass(Duration::from_secs(pass));
        let Work::Wait(Some(wake)) = paper.intend().work else {
            panic!("nothing is due")
        };
        assert!(wake > paper.now.mono, "{pass}");
    }
    assert_eq!(
        paper.condition(ConditionKind::ReservationsInSync).1,
        "AwaitingConfirmation"
    );
}

#[test]
fn a_word_for_another_plan_is_none() {
    let mut paper = with_services(0);
    let mut object = paper.router.object().clone();
    object.confirm = Some("00c0ffee".to_owned());
    let now = paper.now.mono;
    paper.router.update(object, now);
    paper.config = pools(&[]);
    paper.run(Duration::from_hours(1));
    assert_eq!(pool_of(&paper), CUT);
    // The range that it was about is wanted again, and then not: the old word does not fit, as the row differs.
    confirm(&mut paper);
    paper
        .rows
        .pools
        .iter_mut()
        .find(|pool| pool.name == "dhcp_pool")
        .unwrap()
        .ranges = ranges("192.168.1.100-192.168.1.150");
    paper.rows.pools.retain(|pool| pool.name == "dhcp_pool");
    paper.run(Duration::from_mins(2));
    assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.150");
}

#[test]
fn a_word_is_good_for_one_removal() {
    let mut paper = with_services(0);
    paper.config = pools(&[]);
    paper.run(Duration::from_mins(11));
    confirm(&mut paper);
    paper.run(Duration::from_mins(1));
    assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.254");
    let used = paper.router.object().confirm.clone();
    for _ in 0..2 {
        // The same range comes and goes again, and the annotation is still there.
        paper.config = pools(&[("home", "192.168.1.200-192.168.1.220")]);
        paper.run(Duration::from_mins(1));
        assert_eq!(pool_of(&paper), CUT);
        paper.config = pools(&[]);
        paper.run(Duration::from_hours(1));
        assert_eq!(pool_of(&paper), CUT, "{:?}", paper.journal);
        confirm(&mut paper);
        let mut old = paper.router.object().clone();
        assert_ne!(paper.router.object().confirm, used);
        old.confirm.clone_from(&used);
        let now = paper.now.mono;
        paper.router.update(old, now);
        paper.run(Duration::from_mins(1));
        assert_eq!(pool_of(&paper), CUT, "{:?}", paper.journal);
        confirm(&mut paper);
        paper.run(Duration::from_mins(1));
        assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.254");
    }
}

#[test]
fn a_word_for_rows_is_good_for_one_removal() {
    let mut paper = with_services(4);
    for round in 0..3 {
        paper.assigned.clear();
        paper.run(Duration::from_mins(10));
        assert_eq!(paper.rows.leases.len(), 4, "round {round}");
        confirm(&mut paper);
        paper.run(Duration::from_mins(1));
        assert_eq!(paper.rows.leases.len(), 0);
        for offset in 0..4 {
            paper.assign(&format!("192.168.1.{}", 200 + offset), &format!("s{offset}"));
        }
        paper.run(Duration::from_mins(1));
    }
}

/// What was agreed to is known to the next allocator: the word, and what of it is still to be done.
#[test]
fn a_restart_between_the_word_and_the_last_removal_asks_for_nothing_again() {
    for made in 0..7 {
        let mut paper = with_services(12);
        let addresses: Vec<_> = paper.assigned.keys().copied().collect();
        for address in &addresses[..7] {
            paper.assigned.remove(address);
        }
        paper.run(Duration::from_mins(2));
        assert_eq!(paper.rows.leases.len(), 12);
        confirm(&mut paper);
        for _ in 0..made {
            let planned = paper.due_write();
            let outcome = paper.write(&planned.write);
            paper.finish(&planned.write, &outcome);
        }
        paper.work();
        assert_eq!(paper.rows.leases.len(), 12 - made);
        paper.router = crate::reservation::Router::new(paper.router.object().clone());
        paper.complete = false;
        paper.run(Duration::from_secs(20));
        paper.complete = true;
        // More are to go meanwhile, and nobody agreed to that.
        for address in &addresses[7..10] {
            paper.assigned.remove(address);
        }
        paper.run(Duration::from_mins(10));
        let left: Vec<_> = paper.rows.leases.iter().map(|row| row.address).collect();
        assert_eq!(left, addresses[7..], "{made} were made: {:?}", paper.journal);
        assert_eq!(
            paper.condition(ConditionKind::ReservationsInSync).1,
            "AwaitingConfirmation"
        );
    }
}

/// Else the next allocator, if this one ends now, would find a part removed and ask for the rest.
#[test]
fn nothing_goes_before_the_word_for_it_is_stored() {
    let mut paper = with_services(0);
    paper.config = pools(&[]);
    paper.run(Duration::from_mins(11));
    confirm(&mut paper);
    paper.read(Ok(paper.rows.clone()));
    let intent = paper.intend();
    assert!(!matches!(intent.work, Work::Write(_)), "{intent:?}");
    assert_eq!(
        Some(&intent.status.confirmed.word),
        paper.router.object().confirm.as_ref()
    );
    let again = paper.condition(ConditionKind::ReservationsInSync).1;
    assert_ne!(again, "AwaitingConfirmation", "it is not asked for twice");
    assert!(matches!(paper.work(), Work::Write(_)), "{:?}", paper.journal);
}

/// What a router that starts does not show is not over.
#[test]
fn what_was_agreed_to_outlives_a_first_reading_that_shows_nothing() {
    let mut paper = with_services(6);
    paper.assigned.clear();
    paper.run(Duration::from_mins(2));
    confirm(&mut paper);
    paper.work();
    let agreed = paper.router.object().confirmed.clone();
    assert_eq!(agreed.removals.len(), 6);
    paper.router = crate::reservation::Router::new(paper.router.object().clone());
    paper.read(Ok(home_router()));
    assert_eq!(paper.intend().status.confirmed, agreed);
}

/// The plan of before may be about Services that were not listed yet.
#[test]
fn a_word_is_not_taken_before_everything_is_known() {
    let mut paper = with_services(6);
    paper.complete = false;
    let services = std::mem::take(&mut paper.assigned);
    paper.run(Duration::from_mins(2));
    confirm(&mut paper);
    paper.run(Duration::from_mins(1));
    assert_eq!(paper.router.object().confirmed.word, "");
    paper.complete = true;
    paper.assigned = services;
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.router.object().confirmed.word, "");
    assert_eq!(paper.rows.leases.len(), 6);
}

/// It would be used up for nothing: as many are remembered as there is room for.
#[test]
fn a_word_waits_for_room() {
    let mut paper = with_services(6);
    paper.assigned.clear();
    paper.run(Duration::from_mins(2));
    let mut object = paper.router.object().clone();
    let marks = (0..crate::reservation::brake::MOST).map(|number| format!("{number:08x}"));
    object.confirmed.removals = marks.collect();
    paper.router = crate::reservation::Router::new(object);
    paper.read(Ok(paper.rows.clone()));
    paper.intend();
    paper.pass(Duration::from_mins(1));
    confirm(&mut paper);
    let said = paper.intend().status.confirmed;
    assert_eq!((said.word.as_str(), said.removals.len()), ("", 1_000));
    // Those are over, as the next reading shows; and the word is still there.
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.rows.leases, [], "{:?}", paper.journal);
}

#[test]
fn a_restart_before_an_exclusion_goes_asks_for_nothing_again() {
    let mut paper = with_services(0);
    paper.config = pools(&[]);
    paper.run(Duration::from_mins(11));
    confirm(&mut paper);
    let first = paper.due_write();
    let outcome = paper.write(&first.write);
    paper.finish(&first.write, &outcome);
    paper.work();
    assert_eq!(pool_of(&paper), CUT);
    paper.router = crate::reservation::Router::new(paper.router.object().clone());
    paper.run(Duration::from_mins(12));
    assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.254");
    assert_eq!(paper.router.object().taken, []);
}

#[test]
fn most_of_four_or_more_rows_stay_until_a_person_agrees() {
    let mut paper = with_services(6);
    let first: Vec<_> = paper.assigned.keys().copied().take(4).collect();
    for address in first {
        paper.assigned.remove(&address);
    }
    paper.assign("192.168.1.210", "new");
    paper.run(Duration::from_mins(30));
    assert_eq!(paper.rows.leases.len(), 7, "what is added is added");
    confirm(&mut paper);
    paper.run(Duration::from_mins(1));
    assert_eq!(paper.rows.leases.len(), 3);
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
}

#[test]
fn rows_that_go_one_soon_after_another_are_counted_together() {
    let mut paper = with_services(6);
    for address in paper.assigned.keys().copied().take(5).collect::<Vec<_>>() {
        paper.assigned.remove(&address);
        paper.run(Duration::from_secs(5));
    }
    paper.run(Duration::from_mins(30));
    assert_eq!(paper.rows.leases.len(), 6);
}

#[test]
fn half_of_the_rows_and_the_rows_of_a_small_home_go_by_themselves() {
    for (count, leaving) in [(6, 3), (3, 3)] {
        let mut paper = with_services(count);
        for address in paper.assigned.keys().copied().take(leaving).collect::<Vec<_>>() {
            paper.assigned.remove(&address);
        }
        paper.run(Duration::from_secs(50));
        assert_eq!(paper.rows.leases.len(), usize::from(count), "a minute's grace");
        paper.run(Duration::from_secs(20));
        assert_eq!(paper.rows.leases.len(), usize::from(count) - leaving);
    }
}

#[test]
fn a_row_that_people_undo_is_made_again_three_times_and_then_left() {
    let mut paper = with_services(1);
    for round in 1..=5 {
        paper.rows.leases.clear();
        paper.run(Duration::from_mins(1));
        assert_eq!(paper.rows.leases.len(), usize::from(round <= 3), "round {round}");
    }
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "LeftAlone");
    let mut object = paper.router.object().clone();
    object.spec.as_mut().unwrap().min_free_addresses = 11;
    let now = paper.now.mono;
    paper.router.update(object, now);
    paper.run(Duration::from_mins(1));
    assert_eq!(
        paper.rows.leases.len(),
        1,
        "a person who changes the object wants it"
    );
}

/// Made four times within a day it was undone three times, and is left alone the next time; in more than a day it is not.
#[test]
fn a_row_that_was_made_a_day_ago_was_undone_once_less() {
    const HOUR: Duration = Duration::from_hours(1);
    let moment = Duration::from_millis(1);
    for (last, left) in [(22 * HOUR, false), ((22 * HOUR).saturating_sub(moment), true)] {
        let mut paper = with_services(0);
        paper.assign("192.168.1.200", "web");
        for wait in [Duration::ZERO, HOUR, HOUR, last, HOUR] {
            paper.pass(wait);
            paper.rows.leases.clear();
            paper.read(Ok(paper.rows.clone()));
            if let Work::Write(planned) = paper.work() {
                let outcome = paper.write(&planned.write);
                paper.finish(&planned.write, &outcome);
            }
        }
        assert_eq!(paper.rows.leases.is_empty(), left, "{last:?}");
    }
}

#[test]
fn a_service_that_comes_and_goes_is_no_quarrel() {
    let mut paper = with_services(1);
    for _ in 0..8 {
        paper.assigned.clear();
        paper.run(Duration::from_mins(3));
        assert_eq!(paper.rows.leases.len(), 0);
        paper.assign("192.168.1.200", "s0");
        paper.run(Duration::from_mins(1));
        assert_eq!(paper.rows.leases.len(), 1);
    }
}
