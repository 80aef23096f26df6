//! Records that outlive their object: recreated, rebuilt, renamed.

use std::time::Duration;

use super::paper::*;
use crate::config::object::{RouterMode, RouterObject, Taken};
use crate::ipam::Availability;
use crate::model::ObjectKey;
use crate::reservation::write::Write;
use crate::reservation::{ConditionKind, Router, Twins};

fn synced() -> Paper {
    let mut paper = Paper::new(home_router());
    paper.assign("192.168.1.200", "db");
    paper.announcers.insert(ip("192.168.1.200"), mac(11));
    paper.run(Duration::from_secs(30));
    paper
}

fn pool_of(paper: &Paper) -> String {
    let pool = paper.rows.pools.iter().find(|pool| pool.name == "dhcp_pool");
    pool.unwrap().ranges.to_string()
}

#[test]
fn an_object_that_was_made_anew_finds_its_record_on_the_router() {
    let mut paper = synced();
    let record = paper.router.object().taken[0].clone();
    paper.router = Router::new(object(spec()));
    let writes = paper.writes.len();
    paper.run(Duration::from_secs(30));
    let found = &paper.router.object().taken[0];
    assert_eq!(
        (&found.pool, &found.server, &found.ranges),
        (&record.pool, &record.server, &record.ranges)
    );
    assert_eq!(paper.writes.len(), writes, "nothing had to be written");
    paper.assigned.clear();
    paper.delete();
    paper.run(Duration::from_mins(1));
    assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.254");
}

/// It only watches, and a person removes the row that said what was taken.
#[test]
fn what_was_found_is_on_record_also_where_nothing_may_be_written() {
    let mut paper = synced();
    let record = paper.router.object().taken[0].clone();
    let mut dry = spec();
    dry.mode = RouterMode::DryRun;
    paper.router = Router::new(object(dry));
    let writes = paper.writes.len();
    paper.run(Duration::from_secs(30));
    assert_eq!(paper.writes.len(), writes);
    assert_eq!(paper.router.object().taken[0].ranges, record.ranges);
    paper.rows.pools.retain(|pool| pool.name == "dhcp_pool");
    let mut object = paper.router.object().clone();
    object.spec = Ok(spec());
    paper.router.update(object, paper.now.mono);
    paper.assigned.clear();
    paper.run(Duration::from_mins(2));
    paper.delete();
    paper.run(Duration::from_mins(1));
    assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.254");
}

/// A virtual router has no serial number: it is known by its name.
#[test]
fn a_router_is_given_back_what_was_taken_also_where_our_row_is_gone() {
    for serial in [Some("HEX1"), None] {
        let mut rows = home_router();
        rows.serial = serial.map(str::to_owned);
        let mut paper = Paper::new(rows);
        paper.run(Duration::from_secs(30));
        paper.rows.pools.retain(|pool| pool.name == "dhcp_pool");
        paper.read(Ok(paper.rows.clone()));
        assert_eq!(paper.intend().status.taken, paper.router.object().taken);
        paper.delete();
        paper.run(Duration::from_mins(1));
        assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.254", "{serial:?}");
    }
}

/// Also what no row on the router tells any more.
#[test]
fn what_is_on_record_stays_there_while_nothing_may_be_written() {
    let mut paper = synced();
    let record = paper.router.object().taken.clone();
    paper.rows.pools.retain(|pool| pool.name == "dhcp_pool");
    let mut object = paper.router.object().clone();
    object.spec.as_mut().unwrap().mode = RouterMode::DryRun;
    let now = paper.now.mono;
    paper.router.update(object, now);
    paper.config = pools(&[("home", "192.168.1.200-192.168.1.225")]);
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.router.object().taken, record);
}

#[test]
fn what_waits_to_be_given_back_is_found_too() {
    let mut paper = synced();
    paper.config = pools(&[("home", "192.168.1.200-192.168.1.210")]);
    paper.run(Duration::from_mins(2));
    paper.router = Router::new(object(spec()));
    paper.run(Duration::from_mins(15));
    assert_eq!(
        pool_of(&paper),
        "192.168.1.100-192.168.1.199,192.168.1.211-192.168.1.254"
    );
}

/// It is deleted before it was ever read: the comment that is removed is the only record.
#[test]
fn a_release_records_what_it_finds_before_it_removes_the_finding() {
    let mut paper = synced();
    paper.assigned.clear();
    let mut fresh = object(spec());
    fresh.finalizer = true;
    paper.router = Router::new(fresh);
    paper.delete();
    let before = paper.journal.len();
    paper.run(Duration::from_mins(1));
    let at = |what: &str| {
        let mut entries = paper.journal[before..].iter();
        entries.position(|entry| entry.starts_with(what)).unwrap()
    };
    assert!(
        at("record dhcp_pool") < at("/ip/pool remove"),
        "{:?}",
        paper.journal
    );
    assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.254");
}

#[test]
fn what_a_pool_hands_out_again_is_not_found() {
    let mut paper = synced();
    let pool = paper.rows.pools.iter_mut().find(|pool| pool.name == "dhcp_pool");
    pool.unwrap().ranges = ranges("192.168.1.100-192.168.1.205");
    paper.config = pools(&[("home", "192.168.1.210-192.168.1.220")]);
    paper.router = Router::new(object(spec()));
    paper.run(Duration::from_secs(5));
    assert_eq!(
        paper.router.object().taken[0].ranges.to_string(),
        "192.168.1.206-192.168.1.220"
    );
}

#[test]
fn a_cluster_that_was_rebuilt_takes_over_with_the_old_uid_only() {
    let mut paper = synced();
    paper.uid = "99999999".to_owned();
    paper.router = Router::new(object(spec()));
    let writes = paper.writes.len();
    paper.run(Duration::from_mins(5));
    assert_eq!(paper.writes.len(), writes);
    let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
    assert!(
        reason == "OwnedByOtherInstance" && message.contains("spec.adoptFrom to 1a2b3c4d"),
        "{message}"
    );
    paper.survey("");
    let before = paper.availability("192.168.1.200");
    assert!(matches!(before, Some(Availability::Reserved(_))), "{before:?}");
    let mut adopting = spec();
    adopting.adopt_from = Some("1a2b3c4d".to_owned());
    let mut changed = paper.router.object().clone();
    changed.spec = Ok(adopting);
    let now = paper.now.mono;
    paper.router.update(changed, now);
    paper.run(Duration::from_secs(1));
    let at_once = paper.availability("192.168.1.200");
    assert_eq!(
        at_once,
        Some(Availability::Free),
        "the row is ours, nobody is waited for"
    );
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
    assert_eq!(paper.rows.leases.len(), 1, "the row is taken over, not doubled");
    let lease = &paper.rows.leases[0].comment;
    assert_eq!(lease, "tiklb/v1 home/99999999 default/db");
    let kept = paper.rows.pools.iter().chain([]).map(|pool| &pool.comment);
    let comments = kept.chain(paper.rows.arps.iter().map(|row| &row.comment));
    assert!(!comments.into_iter().any(|comment| comment.contains("1a2b3c4d")));
    assert_eq!(paper.router.object().taken.len(), 1, "and so is the record");
    paper.assigned.clear();
    paper.delete();
    paper.run(Duration::from_mins(1));
    assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.254");
}

/// Another object for the same router, so many seconds younger.
fn renamed(younger: i64) -> RouterObject {
    let mut other = object(spec());
    other.key = ObjectKey::new("metallb-system", "renamed");
    other.seniority.key = other.key.clone();
    other.seniority.created.0 += younger;
    other
}

fn relate(paper: &mut Paper, other: &RouterObject) {
    let twins = Twins::of(paper.router.object(), [other].into_iter());
    paper.router.relate(twins);
}

#[test]
fn the_younger_of_two_objects_for_one_router_writes_nothing() {
    let mut paper = Paper::new(home_router());
    relate(&mut paper, &renamed(-1));
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.writes, []);
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "SameRouter");
    // What stands there is the elder's.
    let mut paper = synced();
    paper.router = Router::new(object(spec()));
    relate(&mut paper, &renamed(-1));
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.router.object().taken, []);
    let mut paper = Paper::new(home_router());
    relate(&mut paper, &renamed(1));
    paper.run(Duration::from_mins(2));
    assert!(!paper.writes.is_empty());
}

/// Each with a router of its own, and the object itself.
#[test]
fn objects_for_other_routers_are_in_nobodys_way() {
    let mine = object(spec());
    let with = |url: &str, serial: Option<&str>| {
        let mut other = renamed(-1);
        other.spec.as_mut().unwrap().url = url.to_owned();
        other.serial = serial.map(str::to_owned);
        other
    };
    let elder = |other: &RouterObject, mine: &RouterObject| Twins::of(mine, [other].into_iter()).elder;
    assert_eq!(elder(&mine, &mine), None);
    assert_eq!(elder(&with("https://192.168.1.2", None), &mine), None);
    let mut known = mine.clone();
    known.serial = Some("HEX1".to_owned());
    for (url, serial, same) in [
        ("https://192.168.1.2", Some("HEX2"), false),
        ("https://192.168.1.2", Some("HEX1"), true),
        ("HTTPS://192.168.1.1/", None, true),
    ] {
        let found = elder(&with(url, serial), &known);
        assert_eq!(found.is_some(), same, "{url} {serial:?}");
    }
}

/// The object that goes must not leave before each pool's part is on the other's record.
#[test]
fn a_record_is_taken_over_when_all_of_it_is() {
    let taken = |pool: &str, text: &str| Taken {
        pool: pool.to_owned(),
        server: String::new(),
        ranges: ranges(text),
        since: crate::model::Timestamp(0),
    };
    let wanted = [
        taken("a", "192.168.1.200-192.168.1.210"),
        taken("b", "192.168.1.205-192.168.1.207"),
    ];
    for (record, done) in [
        (wanted.to_vec(), true),
        (wanted[..1].to_vec(), false),
        (vec![taken("a", "192.168.1.200-192.168.1.220")], false),
        (vec![wanted[0].clone(), taken("b", "192.168.1.205")], false),
    ] {
        let heir = crate::reservation::router::Heir {
            key: renamed(1).key,
            taken: record.clone(),
            finalizer: true,
        };
        assert_eq!(heir.has_taken_over(&wanted), done, "{record:?}");
    }
}

#[test]
fn an_object_that_another_one_follows_hands_its_record_over_and_gives_nothing_back() {
    let mut paper = synced();
    paper.assigned.clear();
    paper.delete();
    let mut heir = renamed(1);
    relate(&mut paper, &heir);
    let writes = paper.writes.len();
    paper.run(Duration::from_mins(30));
    assert!(
        paper.router.object().finalizer,
        "it waits until the record is taken over"
    );
    heir.taken.clone_from(&paper.router.object().taken);
    relate(&mut paper, &heir);
    paper.run(Duration::from_secs(1));
    assert!(
        paper.router.object().finalizer,
        "the heir must give back in its turn"
    );
    heir.finalizer = true;
    relate(&mut paper, &heir);
    paper.run(Duration::from_secs(1));
    assert!(!paper.router.object().finalizer);
    assert_eq!(paper.writes.len(), writes);
}

#[test]
fn the_one_that_follows_records_first_also_when_the_router_is_away() {
    let mut paper = synced();
    let mut old = paper.router.object().clone();
    old.deleting = true;
    paper.router = Router::new(renamed(1));
    relate(&mut paper, &old);
    assert_eq!(paper.intend().status.taken, old.taken);
    let mut dry = spec();
    dry.mode = RouterMode::DryRun;
    let mut object = renamed(1);
    object.spec = Ok(dry);
    paper.router = Router::new(object.clone());
    relate(&mut paper, &old);
    assert_eq!(
        paper.intend().status.taken,
        [],
        "one that writes nothing keeps nothing"
    );
    assert_eq!(Twins::of(&old, [&object].into_iter()).heir, None);
}

#[test]
fn while_someone_holds_safe_mode_nothing_is_written() {
    let mut paper = Paper::new(home_router());
    paper.rows.safe_mode = Some("admin".to_owned());
    paper.run(Duration::from_mins(5));
    assert_eq!(paper.writes, []);
    let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
    assert!(reason == "SafeMode" && message.starts_with("admin "), "{message}");
    paper.rows.safe_mode = None;
    paper.run(Duration::from_mins(1));
    assert!(!paper.writes.is_empty());
    // It is taken between two polls: the reading before the write sees it.
    paper.rows.safe_mode = Some("admin".to_owned());
    paper.assign("192.168.1.200", "db");
    let writes = paper.writes.len();
    paper.run(Duration::from_mins(5));
    assert_eq!(paper.writes.len(), writes);
}

#[test]
fn a_board_that_took_the_place_between_two_polls_is_not_written_to() {
    for by_name in [false, true] {
        let mut rows = home_router();
        if by_name {
            rows.serial = None;
        }
        let mut paper = Paper::new(rows);
        paper.run(Duration::from_secs(45));
        if by_name {
            paper.rows.identity = "Neighbour".to_owned();
        } else {
            paper.rows.serial = Some("OTHER".to_owned());
        }
        paper.assign("192.168.1.200", "db");
        let writes = paper.writes.len();
        paper.run(Duration::from_mins(5));
        assert_eq!(paper.writes.len(), writes, "{:?}", paper.journal);
        let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
        assert!(
            reason == "SerialChanged" && message.contains("set spec.acceptSerial to"),
            "{message}"
        );
    }
}

/// What was taken from the old board was taken from the old board.
#[test]
fn a_board_that_replaced_another_is_given_nothing_back_that_it_never_lost() {
    for by_name in [false, true] {
        let mut rows = home_router();
        if by_name {
            rows.serial = None;
        }
        let mut paper = Paper::new(rows);
        paper.run(Duration::from_secs(45));
        let mut new = home_router();
        new.pools = vec![pool_row("dhcp_pool", "192.168.1.100-192.168.1.199")];
        let name = if by_name {
            new.serial = None;
            new.identity = "New".to_owned();
            "New"
        } else {
            new.serial = Some("NEW1".to_owned());
            "NEW1"
        };
        paper.rows = new;
        paper.run(Duration::from_mins(1));
        let mut accepted = paper.router.object().clone();
        accepted.spec.as_mut().unwrap().accept_serial = Some(name.to_owned());
        let now = paper.now.mono;
        paper.router.update(accepted, now);
        paper.run(Duration::from_mins(2));
        assert_eq!(
            paper.condition(ConditionKind::ReservationsInSync).1,
            "InSync",
            "{:?}",
            paper.journal
        );
        assert_eq!(paper.router.object().taken, []);
        paper.delete();
        paper.run(Duration::from_mins(2));
        assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.199");
    }
}

/// Until it was read, nothing else is known of the board.
#[test]
fn what_is_known_of_a_board_stays_in_the_status_over_a_restart() {
    let mut paper = synced();
    paper.router = Router::new(paper.router.object().clone());
    let before = paper.intend().status;
    assert_eq!(
        (before.serial.as_deref(), before.identity.as_str()),
        (Some("HEX1"), "MikroTik")
    );
    assert_eq!(before.taken, paper.router.object().taken);
}

#[test]
fn boards_that_take_turns_are_told_from_one_that_was_replaced() {
    let mut paper = Paper::new(home_router());
    paper.run(Duration::from_secs(45));
    for serial in ["OTHER", "HEX1", "OTHER"] {
        paper.rows.serial = Some(serial.to_owned());
        paper.run(Duration::from_mins(1));
    }
    let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
    assert!(reason == "SerialChanged" && message.contains("VRRP"), "{message}");
}

#[test]
fn a_write_follows_from_a_whole_and_fresh_reading() {
    let mut paper = synced();
    paper.run(Duration::from_mins(3));
    paper.assign("192.168.1.201", "web");
    paper.pass(Duration::from_secs(1));
    let before = paper.journal.len();
    let planned = paper.due_write();
    assert!(matches!(planned.write, Write::AddLease(_)));
    assert_eq!(paper.journal[before..], ["read"]);
}

/// Another board in the same place, whose pool never held what was taken from the old one.
fn replaced(change: impl FnOnce(&mut Paper)) -> Paper {
    let mut paper = synced();
    paper.assigned.clear();
    let mut accepts = paper.router.object().clone();
    accepts.spec.as_mut().unwrap().accept_serial = Some("HEX2".to_owned());
    let now = paper.now.mono;
    paper.router.update(accepts, now);
    paper.run(Duration::from_secs(5));
    change(&mut paper);
    paper.rows = home_router();
    paper.rows.serial = Some("HEX2".to_owned());
    paper.rows.pools[0].ranges = ranges("192.168.1.100-192.168.1.199");
    paper
}

/// The serial number was accepted before the board came: what the old one lost is nothing that this one gets back.
#[test]
fn an_accepted_board_is_enrolled_without_the_record_of_the_old_one() {
    let mut paper = replaced(|_| ());
    for _ in 0..60 {
        paper.run(Duration::from_secs(1));
        let object = paper.router.object();
        assert_eq!(
            object.serial.as_deref() == Some("HEX2"),
            object.taken.is_empty(),
            "both in one write: {:?}",
            paper.journal
        );
    }
    assert_eq!(paper.router.object().serial.as_deref(), Some("HEX2"));
    paper.delete();
    paper.run(Duration::from_mins(1));
    assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.199");
    assert!(!paper.router.object().finalizer);
}

#[test]
fn an_accepted_board_that_may_not_be_written_to_is_not_enrolled() {
    for fenced in [true, false] {
        let mut paper = replaced(|paper| {
            if fenced {
                paper.fence = paper.now.mono + Duration::from_hours(1);
            } else {
                let mut dry = paper.router.object().clone();
                dry.spec.as_mut().unwrap().mode = RouterMode::DryRun;
                let now = paper.now.mono;
                paper.router.update(dry, now);
            }
        });
        paper.run(Duration::from_mins(5));
        let object = paper.router.object();
        assert_eq!(object.serial.as_deref(), Some("HEX1"));
        assert!(!object.taken.is_empty(), "both stay as they were");
        paper.fence = paper.now.mono;
        paper.delete();
        paper.run(Duration::from_mins(1));
        assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.199", "{fenced}");
        assert!(!paper.router.object().finalizer);
    }
}

/// An older binary, or a hand in the status: what was taken stays on record until somebody can read it.
#[test]
fn an_object_that_cannot_be_read_keeps_its_record_and_waits_with_its_deletion() {
    let mut paper = synced();
    let known = paper.router.object().clone();
    let mut unknown = known.clone();
    unknown.spec = Err("spec.mode: an unknown word".to_owned());
    (unknown.record_unknown, unknown.taken, unknown.serial) = (true, Vec::new(), None);
    let now = paper.now.mono;
    paper.router.update(unknown.clone(), now);
    let said = paper.condition(ConditionKind::Reachable);
    assert_eq!(said.2, "spec.mode: an unknown word");
    unknown.deleting = true;
    paper.assigned.clear();
    paper.router.update(unknown, now);
    let writes = paper.writes.len();
    paper.pass(Duration::from_mins(30));
    let intent = paper.intend();
    assert!(intent.status.record_unknown);
    assert!(intent.finalizer && intent.given_up.is_none());
    let said = &intent.status.conditions[&ConditionKind::Reachable];
    assert!(
        said.message
            .starts_with("spec.mode: an unknown word; its deletion waits"),
        "{}",
        said.message
    );
    assert_eq!(paper.writes.len(), writes);
    let mut mended = known;
    mended.deleting = true;
    let now = paper.now.mono;
    paper.router.update(mended, now);
    paper.run(Duration::from_mins(1));
    assert_eq!(pool_of(&paper), "192.168.1.100-192.168.1.254");
    assert!(!paper.router.object().finalizer);
}
