//! From a router as bought to one that agrees.

use std::time::Duration;

use super::paper::*;
use crate::ipam::Availability;
use crate::reservation::ConditionKind;
use crate::reservation::router::Work;
use crate::reservation::write::{Outcome, Write};

#[test]
fn the_order_of_the_first_sync() {
    let mut paper = Paper::new(home_router());
    paper.assign("192.168.1.200", "db");
    paper.announcers.insert(ip("192.168.1.200"), mac(11));
    paper.run(Duration::from_secs(5));
    assert_eq!(
        paper.journal,
        [
            "finalizer true",
            "read",
            "read",
            "record dhcp_pool 192.168.1.200-192.168.1.220",
            "/ip/pool set dhcp_pool: ranges 192.168.1.100-192.168.1.254 -> 192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254",
            "/ip/pool add tiklb-home-home: 192.168.1.200-192.168.1.220  \
             \"tiklb/v1 home/1a2b3c4d holds home; took 192.168.1.200-192.168.1.220 from dhcp_pool\"",
            "/ip/dhcp-server/lease add 192.168.1.200  \"tiklb/v1 home/1a2b3c4d default/db\"",
            "/ip/arp add 192.168.1.200 is at 02:00:00:00:01:0b (disabled)  \"tiklb/v1 home/1a2b3c4d default/db\"",
        ]
    );
    assert_eq!(paper.condition(ConditionKind::PoolsExcluded).1, "Excluded");
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
    let writes = paper.writes.len();
    paper.run(Duration::from_mins(10));
    assert_eq!(paper.writes.len(), writes, "a router that agrees is only read");
}

#[test]
fn nothing_is_written_before_every_kind_was_listed() {
    let mut paper = Paper::new(home_router());
    paper.complete = false;
    paper.run(Duration::from_mins(1));
    assert!(paper.writes.is_empty(), "{:?}", paper.journal);
    paper.complete = true;
    paper.run(Duration::from_secs(5));
    assert!(!paper.writes.is_empty());
}

#[test]
fn two_readings_that_differ_are_no_ground_for_a_write() {
    let mut paper = Paper::new(home_router());
    paper.intend();
    let mut booting = home_router();
    booting.pools.clear();
    for _ in 0..5 {
        paper.read(Ok(home_router()));
        paper.read(Ok(booting.clone()));
        assert!(paper.writes.is_empty());
        assert_ne!(paper.condition(ConditionKind::PoolsExcluded).1, "Excluded");
    }
    paper.run(Duration::from_secs(5));
    assert!(!paper.writes.is_empty(), "two equal ones are");
}

#[test]
fn a_pool_that_the_user_had_shrunk_by_hand_is_left_alone() {
    let mut rows = home_router();
    rows.pools = vec![pool_row("dhcp_pool", "192.168.1.100-192.168.1.199")];
    let mut paper = Paper::new(rows);
    paper.run(Duration::from_secs(5));
    assert!(
        !paper
            .writes
            .iter()
            .any(|w| matches!(w, Write::SetPoolRanges { .. })),
        "{:?}",
        paper.journal
    );
    assert!(paper.router.object().taken.is_empty());
    let (truth, reason, _) = paper.condition(ConditionKind::PoolsExcluded);
    assert_eq!((truth, reason), (true, "NothingToExclude"));
    let own = paper
        .rows
        .pools
        .iter()
        .find(|p| p.name == "tiklb-home-home")
        .unwrap();
    assert!(
        own.comment.ends_with("holds home; took nothing"),
        "{}",
        own.comment
    );
}

#[test]
fn a_dry_run_plans_and_writes_nothing() {
    let mut rows = home_router();
    rows.untested = true;
    let mut paper = Paper::new(rows);
    paper.assign("192.168.1.200", "db");
    paper.run(Duration::from_mins(2));
    assert!(
        paper.writes.is_empty() && paper.router.object().taken.is_empty(),
        "{:?}",
        paper.journal
    );
    let pending = paper.intend().status.pending.entries;
    assert!(
        pending.iter().any(|p| p.contains("/ip/pool set dhcp_pool")),
        "{pending:?}"
    );
    assert_eq!(
        paper.availability("192.168.1.210"),
        Some(Availability::Free),
        "held check only"
    );
}

#[test]
fn who_takes_nothing_holds_no_deletion_up() {
    let mut paper = Paper::new(home_router());
    let mut dry = spec();
    dry.mode = crate::config::object::RouterMode::DryRun;
    paper.router = crate::reservation::Router::new(object(dry));
    paper.run(Duration::from_mins(1));
    assert!(!paper.router.object().finalizer, "{:?}", paper.journal);
}

#[test]
fn a_new_address_waits_for_the_leases_after_the_cut_and_for_the_survey() {
    let mut paper = Paper::new(home_router());
    let words = |paper: &mut Paper| match paper.availability("192.168.1.210") {
        Some(Availability::Unproven(why)) => why,
        other => format!("{other:?}"),
    };
    assert!(words(&mut paper).starts_with("the router was not read yet"));
    paper.run(Duration::from_secs(3));
    assert!(
        words(&mut paper).contains("10 s after the pool was cut"),
        "{}",
        words(&mut paper)
    );
    paper.run(Duration::from_secs(11));
    assert!(
        words(&mut paper).starts_with("no speaker has reported yet"),
        "{}",
        words(&mut paper)
    );
    paper.survey("192.168.1.205");
    assert_eq!(paper.availability("192.168.1.210"), Some(Availability::Free));
    assert!(matches!(
        paper.availability("192.168.1.205"),
        Some(Availability::Unproven(_))
    ));
    assert_eq!(
        paper.availability("10.0.0.1"),
        None,
        "none of this router's business"
    );
}

#[test]
fn an_offer_taken_up_during_the_cut_is_seen_before_the_address_is_used() {
    let mut paper = Paper::new(home_router());
    paper.survey("");
    paper.run(Duration::from_secs(3));
    paper
        .rows
        .leases
        .push(lease_row("192.168.1.210", "laptop", Some(1800)));
    paper.run(Duration::from_secs(10));
    assert!(matches!(
        paper.availability("192.168.1.210"),
        Some(Availability::Held(_))
    ));
    assert_eq!(paper.availability("192.168.1.211"), Some(Availability::Free));
}

#[test]
fn a_shared_address_has_one_row() {
    let mut paper = Paper::new(home_router());
    paper.assign("192.168.1.200", "a");
    paper.assign("192.168.1.200", "b");
    paper.assign("192.168.1.200", "c");
    paper.run(Duration::from_secs(5));
    let comments: Vec<_> = paper.rows.leases.iter().map(|l| l.comment.as_str()).collect();
    assert_eq!(comments, ["tiklb/v1 home/1a2b3c4d default/a +2"]);
    assert_eq!(paper.rows.leases[0].mac.unwrap().to_string(), "02:4c:c0:a8:01:c8");
}

#[test]
fn what_a_person_writes_behind_the_marker_is_kept() {
    let mut paper = Paper::new(home_router());
    paper.assign("192.168.1.200", "a");
    paper.run(Duration::from_secs(5));
    paper.rows.leases[0].comment.push_str(" ask Anna");
    paper.run(Duration::from_mins(1));
    assert!(
        paper.rows.leases[0].comment.ends_with("default/a | ask Anna"),
        "{}",
        paper.rows.leases[0].comment
    );
    let writes = paper.writes.len();
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.writes.len(), writes, "and is not fought over");
}

#[test]
fn the_arp_row_follows_the_announcer() {
    let mut paper = Paper::new(home_router());
    paper.assign("192.168.1.200", "a");
    paper.announcers.insert(ip("192.168.1.200"), mac(11));
    paper.run(Duration::from_secs(5));
    paper.announcers.insert(ip("192.168.1.200"), mac(12));
    paper.run(Duration::from_secs(1));
    assert_eq!(paper.rows.arps.len(), 1);
    assert_eq!(paper.rows.arps[0].mac, Some(mac(12)));
    assert!(paper.rows.arps[0].disabled, "it is seen and has no effect");
}

#[test]
fn a_lease_lingers_for_a_minute_after_its_service() {
    let mut paper = Paper::new(home_router());
    paper.assign("192.168.1.200", "a");
    paper.run(Duration::from_secs(5));
    paper.assigned.clear();
    paper.run(Duration::from_secs(50));
    assert_eq!(paper.rows.leases.len(), 1, "{:?}", paper.journal);
    paper.assign("192.168.1.200", "a");
    paper.run(Duration::from_secs(20));
    paper.assigned.clear();
    paper.run(Duration::from_secs(59));
    assert_eq!(paper.rows.leases.len(), 1);
    paper.run(Duration::from_secs(2));
    assert!(paper.rows.leases.is_empty());
}

/// Recorded, and then the pool is another one: what is not in it when it is cut was not taken.
#[test]
fn what_a_person_removes_between_the_record_and_the_cut_is_not_ours_to_give_back() {
    for left in ["192.168.1.102-192.168.1.217", "192.168.1.102-192.168.1.150"] {
        let mut paper = Paper::new(home_router());
        let rows = paper.rows.clone();
        paper.read(Ok(rows));
        paper.pass(Duration::from_secs(1));
        let planned = paper.due_write();
        assert!(paper.router.object().taken.len() == 1 && paper.writes.is_empty());
        paper.rows.pools[0].ranges = ranges(left);
        paper.finish(&planned.write, &Outcome::Changed);
        paper.run(Duration::from_mins(2));
        assert!(!paper.rows.pools[0].ranges.contains(ip("192.168.1.205")));
        paper.delete();
        paper.run(Duration::from_mins(2));
        assert_eq!(
            paper.rows.pools[0].ranges.to_string(),
            left,
            "{:?}",
            paper.journal
        );
    }
}

/// It was ours from an earlier cut: whoever put it back and took it out again leaves it on record.
#[test]
fn what_a_person_removes_between_two_cuts_is_given_back() {
    let mut paper = Paper::new(home_router());
    let whole = paper.rows.pools[0].ranges.clone();
    paper.run(Duration::from_mins(5));
    paper.rows.pools[0].ranges = whole.clone();
    paper.read(Ok(paper.rows.clone()));
    let planned = paper.due_write();
    paper.rows.pools[0].ranges = ranges("192.168.1.100-192.168.1.209,192.168.1.211-192.168.1.254");
    paper.finish(&planned.write, &Outcome::Changed);
    paper.run(Duration::from_mins(2));
    paper.delete();
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.rows.pools[0].ranges, whole, "{:?}", paper.journal);
}

/// It was not ours when it was missing, and is once it was taken, also where the router's answer to that was lost.
#[test]
fn what_a_person_removed_and_put_back_is_given_back_once_it_was_taken() {
    let mut paper = Paper::new(home_router());
    let whole = paper.rows.pools[0].ranges.clone();
    paper.read(Ok(paper.rows.clone()));
    paper.pass(Duration::from_secs(1));
    let planned = paper.due_write();
    paper.rows.pools[0].ranges = ranges("192.168.1.100-192.168.1.199,192.168.1.211-192.168.1.254");
    paper.finish(&planned.write, &Outcome::Changed);
    paper.run(Duration::from_mins(2));
    paper.rows.pools[0].ranges = paper.rows.pools[0]
        .ranges
        .union(&ranges("192.168.1.200-192.168.1.210"));
    paper.read(Ok(paper.rows.clone()));
    let again = paper.due_write().write;
    assert_eq!(again.target(), "pool dhcp_pool");
    paper.write(&again);
    paper.finish(&again, &Outcome::Unknown("no answer".to_owned()));
    paper.run(Duration::from_mins(2));
    paper.delete();
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.rows.pools[0].ranges, whole, "{:?}", paper.journal);
}

/// The API server is slow: neither without the finalizer, nor before the record is stored, is a pool cut.
#[test]
fn the_finalizer_and_the_record_stand_before_the_cut() {
    let mut paper = Paper::new(home_router());
    let rows = paper.rows.clone();
    paper.read(Ok(rows.clone()));
    paper.pass(Duration::from_secs(1));
    paper.read(Ok(rows));
    let intent = paper.intend();
    assert!(
        intent.finalizer && matches!(intent.work, Work::Wait(_)),
        "{intent:?}"
    );
    let store = |paper: &mut Paper, change: &dyn Fn(&mut crate::config::RouterObject)| {
        let mut object = paper.router.object().clone();
        change(&mut object);
        let now = paper.now.mono;
        paper.router.update(object, now);
        paper.intend()
    };
    let intent = store(&mut paper, &|object| object.finalizer = true);
    assert!(
        matches!(intent.work, Work::Wait(_)),
        "the record is not stored yet: {intent:?}"
    );
    let taken = intent.status.taken;
    assert_eq!(taken.len(), 1);
    let intent = store(&mut paper, &|object| object.taken.clone_from(&taken));
    assert!(matches!(intent.work, Work::Write(_)), "{intent:?}");
    let intent = store(&mut paper, &|object| object.finalizer = false);
    assert!(
        matches!(intent.work, Work::Wait(_)),
        "without the finalizer nobody gives back"
    );
}

/// Another leader may take over while the fence lasts, and would take the record for what was taken.
#[test]
fn nothing_is_recorded_before_the_cut_can_follow() {
    let mut paper = Paper::new(home_router());
    paper.fence = paper.now.mono + Duration::from_secs(65);
    paper.run(Duration::from_mins(1));
    assert_eq!(paper.router.object().taken, []);
    paper.run(Duration::from_secs(10));
    assert_eq!(paper.router.object().taken.len(), 1);
}
