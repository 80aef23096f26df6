//! Giving the router back: rows of ours go, pools become what they were, modulo what people did meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::paper::*;
use crate::config::RouterSpec;
use crate::config::object::RouterMode;
use crate::ipam::Availability;
use crate::model::ObjectKey;
use crate::reservation::observed::Reading;
use crate::reservation::write::{Outcome, Write};
use crate::reservation::{Router, Twins};

/// What a person compares before and after.
fn visible(reading: &Reading) -> (BTreeMap<String, String>, Vec<String>, usize) {
    let pools = reading
        .pools
        .iter()
        .map(|p| (p.name.clone(), format!("{} {}", p.ranges, p.comment)))
        .collect();
    (
        pools,
        reading.leases.iter().map(|l| l.address.to_string()).collect(),
        reading.arps.len(),
    )
}

fn synced() -> Paper {
    let mut paper = Paper::new(home_router());
    paper.assign("192.168.1.200", "db");
    paper.announcers.insert(ip("192.168.1.200"), mac(11));
    paper.run(Duration::from_secs(15));
    paper
}

#[test]
fn release_runs_the_other_way_round_and_leaves_nothing() {
    let mut paper = synced();
    paper.assigned.clear();
    paper.delete();
    let before = paper.journal.len();
    paper.run(Duration::from_secs(5));
    assert_eq!(
        paper.journal[before..],
        [
            "read",
            "/ip/arp remove 192.168.1.200  \"tiklb/v1 home/1a2b3c4d default/db\"",
            "/ip/dhcp-server/lease remove 192.168.1.200  \"tiklb/v1 home/1a2b3c4d default/db\"",
            "/ip/pool remove tiklb-home-home",
            "/ip/pool set dhcp_pool: ranges 192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254 -> 192.168.1.100-192.168.1.254",
            "finalizer false",
        ]
    );
    assert_eq!(visible(&paper.rows), visible(&home_router()));
}

/// The same router and pool, in another network.
fn renumbered() -> Paper {
    let mut paper = synced();
    paper.assigned.clear();
    paper.announcers.clear();
    let row = paper.rows.pools.iter_mut().find(|p| p.name == "dhcp_pool");
    row.unwrap().ranges = ranges("10.0.0.10-10.0.0.254");
    let address = &mut paper.rows.addresses[0];
    (address.address, address.network) = (ip("10.0.0.1"), "10.0.0.1/24".parse().unwrap());
    paper.rows.networks[0].network = "10.0.0.0/24".parse().unwrap();
    paper
}

fn dhcp_pool(paper: &Paper) -> String {
    let row = paper.rows.pools.iter().find(|p| p.name == "dhcp_pool");
    row.unwrap().ranges.to_string()
}

#[test]
fn addresses_of_a_network_that_the_router_has_left_are_not_given_back() {
    let mut paper = renumbered();
    paper.config = pools(&[("home", "10.0.0.200-10.0.0.220")]);
    paper.run(Duration::from_mins(30));
    assert_eq!(dhcp_pool(&paper), "10.0.0.10-10.0.0.199,10.0.0.221-10.0.0.254");
    let record = &paper.router.object().taken;
    assert_eq!(record.len(), 1, "{record:?}");
    assert_eq!(record[0].ranges, ranges("10.0.0.200-10.0.0.220"));
    paper.delete();
    paper.run(Duration::from_mins(2));
    assert_eq!(dhcp_pool(&paper), "10.0.0.10-10.0.0.254");
}

#[test]
fn a_release_after_the_network_changed_gives_nothing_of_the_old_one_back() {
    let mut paper = renumbered();
    paper.run(Duration::from_mins(1));
    paper.delete();
    let obstacles = paper.with(|router, landscape, now| router.plan(landscape, now).obstacles);
    assert!(
        matches!(&obstacles[..], [said] if said.starts_with("192.168.1.200-192.168.1.220 was taken from the pool dhcp_pool")),
        "{obstacles:?}"
    );
    paper.run(Duration::from_mins(2));
    assert_eq!(dhcp_pool(&paper), "10.0.0.10-10.0.0.254");
    assert!(!paper.router.object().finalizer, "{:?}", paper.journal);
}

/// Nothing says that it was renumbered: its address is away, and its pool is what it was.
#[test]
fn a_router_without_its_address_is_given_back_what_was_taken() {
    let mut paper = synced();
    paper.assigned.clear();
    paper.announcers.clear();
    paper.rows.addresses.clear();
    paper.delete();
    paper.run(Duration::from_mins(2));
    assert_eq!(dhcp_pool(&paper), "192.168.1.100-192.168.1.254");
}

#[test]
fn what_was_taken_is_given_back_also_when_nothing_is_written_any_more() {
    for untested in [false, true] {
        let mut paper = synced();
        paper.assigned.clear();
        let mut object = paper.router.object().clone();
        if untested {
            paper.rows.untested = true;
        } else {
            object.spec.as_mut().unwrap().mode = RouterMode::DryRun;
        }
        let now = paper.now.mono;
        paper.router.update(object, now);
        paper.run(Duration::from_mins(6));
        paper.delete();
        paper.run(Duration::from_mins(1));
        assert!(!paper.router.object().finalizer, "{:?}", paper.journal);
        assert_eq!(visible(&paper.rows), visible(&home_router()));
    }
}

#[test]
fn no_address_is_given_back_while_a_service_has_it() {
    let mut paper = synced();
    let foreign = arp_row("192.168.1.50", mac(50));
    paper.rows.arps.push(foreign.clone());
    paper.delete();
    paper.run(Duration::from_mins(30));
    let obstacles = paper.with(|router, landscape, now| router.plan(landscape, now).obstacles);
    assert_eq!(obstacles, [""; 0], "to wait for a Service is no fault");
    let shown: Vec<&str> = paper.rows.arps.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(shown.len(), 2, "its row, and somebody's: {shown:?}");
    let pool = &paper
        .rows
        .pools
        .iter()
        .find(|p| p.name == "dhcp_pool")
        .unwrap()
        .ranges;
    assert!(!pool.contains(ip("192.168.1.200")), "{pool}");
    assert!(pool.contains(ip("192.168.1.201")), "the rest is free: {pool}");
    assert!(
        paper.router.object().finalizer,
        "the object waits for the Service"
    );
    assert!(paper.rows.leases.iter().any(|l| l.address == ip("192.168.1.200")));
    paper.assigned.clear();
    paper.run(Duration::from_mins(1));
    assert!(!paper.router.object().finalizer);
    assert_eq!(paper.rows.arps, [foreign]);
    paper.rows.arps.clear();
    assert_eq!(visible(&paper.rows), visible(&home_router()));
}

#[test]
fn a_router_that_cannot_be_reached_holds_the_deletion_up_for_ten_minutes_only() {
    let mut paper = synced();
    paper.assigned.clear();
    paper.delete();
    let failure = crate::reservation::Failure {
        kind: crate::reservation::FailureKind::Unreachable,
        message: "no answer".to_owned(),
    };
    paper.read(Err(failure));
    assert!(paper.intend().finalizer);
    paper.pass(Duration::from_mins(10));
    let intent = paper.intend();
    assert!(!intent.finalizer);
    let words = intent.given_up.unwrap();
    assert!(
        words.contains("add 192.168.1.200-192.168.1.220 to the ranges of /ip/pool dhcp_pool"),
        "{words}"
    );
}

/// The API server refuses it, and the status with it.
#[test]
fn no_finalizer_is_asked_for_once_the_object_is_being_deleted() {
    for mode in [RouterMode::Enforce, RouterMode::DryRun, RouterMode::Paused] {
        let mut paper = Paper::new(home_router());
        let mut leaving = object(RouterSpec { mode, ..spec() });
        leaving.deleting = true; // It waits for somebody else's finalizer.
        paper.router = Router::new(leaving.clone());
        let now = paper.now.mono;
        paper.router.update(leaving, now);
        paper.run(Duration::from_mins(15));
        assert_eq!(paper.writes, []);
        assert!(
            !paper.journal.iter().any(|entry| entry.starts_with("finalizer")),
            "{mode:?}: {:?}",
            paper.journal
        );
        assert_eq!(paper.intend().given_up, None, "nothing was taken");
        let reads = paper.journal.iter().any(|entry| entry == "read");
        assert_eq!(reads, mode != RouterMode::Paused);
    }
}

#[test]
fn a_renamed_pool_is_found_through_its_server_and_a_vanished_one_is_said() {
    let mut paper = synced();
    paper.assigned.clear();
    let pool = paper
        .rows
        .pools
        .iter_mut()
        .find(|p| p.name == "dhcp_pool")
        .unwrap();
    pool.name = "clients".to_owned();
    paper.rows.servers[0].pool = Some("clients".to_owned());
    paper.delete();
    paper.run(Duration::from_secs(5));
    let pool = paper.rows.pools.iter().find(|p| p.name == "clients").unwrap();
    assert_eq!(pool.ranges.to_string(), "192.168.1.100-192.168.1.254");

    let mut paper = synced();
    paper.assigned.clear();
    paper.rows.pools.retain(|p| p.name != "dhcp_pool");
    paper.rows.servers[0].pool = None;
    paper.delete();
    paper.run(Duration::from_secs(5));
    assert!(!paper.router.object().finalizer, "{:?}", paper.journal);
}

#[test]
fn what_a_person_did_to_the_pool_meanwhile_is_kept() {
    let mut paper = synced();
    paper.assigned.clear();
    let pool = paper
        .rows
        .pools
        .iter_mut()
        .find(|p| p.name == "dhcp_pool")
        .unwrap();
    pool.ranges = ranges("192.168.1.50-192.168.1.60,192.168.1.120-192.168.1.199");
    paper.delete();
    paper.run(Duration::from_secs(5));
    let pool = paper.rows.pools.iter().find(|p| p.name == "dhcp_pool").unwrap();
    assert_eq!(
        pool.ranges.to_string(),
        "192.168.1.50-192.168.1.60,192.168.1.120-192.168.1.220"
    );
}

/// Another network's server hands out some of the same addresses.
fn with_iot() -> Reading {
    let mut rows = home_router();
    rows.pools.push(pool_row("iot", "192.168.1.215-192.168.1.230"));
    rows.servers.push(server_row("iot", "vlan20", "iot"));
    rows
}

#[test]
fn pools_that_held_the_same_addresses_each_get_theirs_back() {
    let rows = with_iot();
    let first = rows.clone();
    for deleted in [true, false] {
        let mut paper = Paper::new(rows.clone());
        paper.run(Duration::from_secs(15));
        if deleted {
            paper.delete();
        } else {
            paper.config = pools(&[("home", "192.168.1.200-192.168.1.201")]);
        }
        paper.run(Duration::from_mins(20));
        let kept = if deleted {
            ""
        } else {
            "192.168.1.200-192.168.1.201"
        };
        for (pool, before) in paper.rows.pools.iter().zip(&first.pools) {
            let expected = before.ranges.difference(&ranges(kept));
            assert_eq!(pool.ranges, expected, "{} {:?}", pool.name, paper.journal);
        }
    }
}

/// Of two cuts one fails, and before it is tried again nobody wants the range any more: the pool that was never cut has
/// its addresses from before.
#[test]
fn a_cut_that_was_never_made_keeps_no_other_pool_from_its_addresses() {
    let rows = with_iot();
    let first = rows.clone();
    let mut paper = Paper::new(rows);
    paper.run(Duration::from_millis(500));
    paper.pass(Duration::from_secs(1));
    let cut = paper.due_write().write;
    assert!(cut.to_string().starts_with("/ip/pool set dhcp_pool"), "{cut}");
    paper.finish(&cut, &Outcome::Refused("busy".to_owned()));
    paper.run(Duration::from_secs(10));
    assert_eq!(paper.rows.pools[1].ranges, ranges("192.168.1.221-192.168.1.230"));
    paper.config = pools(&[("home", "192.168.1.200-192.168.1.201")]);
    paper.run(Duration::from_secs(5));
    paper.delete();
    paper.run(Duration::from_mins(2));
    for (pool, before) in paper.rows.pools.iter().zip(&first.pools) {
        assert_eq!(pool.ranges, before.ranges, "{} {:?}", pool.name, paper.journal);
    }
}

/// Two cuts are on record, and one of them a person has made meanwhile: that range was never taken, whatever becomes of
/// the other.
#[test]
fn a_cut_that_a_person_made_leaves_the_record_while_another_waits() {
    let mut paper = Paper::new(with_iot());
    paper.run(Duration::from_millis(500));
    paper.pass(Duration::from_secs(1));
    let cut = paper.due_write().write;
    assert_eq!(cut.target(), "pool dhcp_pool");
    let recorded = |paper: &Paper| -> Vec<String> {
        let taken = paper.router.object().taken.iter();
        taken.map(|taken| taken.pool.clone()).collect()
    };
    assert_eq!(recorded(&paper), ["dhcp_pool", "iot"]);
    paper.finish(&cut, &Outcome::Refused("busy".to_owned()));
    paper.rows.pools[1].ranges = ranges("192.168.1.221-192.168.1.230");
    paper.read(Ok(paper.rows.clone()));
    paper.run(Duration::from_secs(5));
    let waits = paper.rows.pools[0].ranges.contains(ip("192.168.1.205"));
    assert!(waits, "the other cut is tried again: {:?}", paper.journal);
    assert_eq!(recorded(&paper), ["dhcp_pool"], "{:?}", paper.journal);
}

/// Nobody recorded what a dry run showed, so who moves it to another pool afterwards wants it there.
#[test]
fn what_a_dry_run_would_have_taken_is_no_promise() {
    let mut paper = Paper::new(with_iot());
    let mode = |paper: &mut Paper, mode: RouterMode| {
        let mut object = paper.router.object().clone();
        object.spec.as_mut().unwrap().mode = mode;
        paper.router.update(object, paper.now.mono);
    };
    mode(&mut paper, RouterMode::DryRun);
    paper.run(Duration::from_mins(1));
    let lent = ranges("192.168.1.215-192.168.1.220");
    paper.rows.pools[1].ranges = paper.rows.pools[1].ranges.difference(&lent);
    paper.run(Duration::from_mins(1));
    mode(&mut paper, RouterMode::Enforce);
    paper.run(Duration::from_mins(2));
    assert!(!paper.rows.pools[0].ranges.contains(ip("192.168.1.215")));
    paper.rows.pools[1].ranges = paper.rows.pools[1].ranges.union(&lent);
    paper.delete();
    paper.run(Duration::from_mins(2));
    let given = &paper.rows.pools[0].ranges;
    assert!(!given.contains(ip("192.168.1.215")), "{:?}", paper.journal);
    assert!(given.contains(ip("192.168.1.214")), "{:?}", paper.journal);
}

/// What the first pool never lost does not look as if somebody had moved it there from the second one.
#[test]
fn a_cut_that_was_refused_keeps_nobody_from_getting_theirs_back() {
    let rows = with_iot();
    let first = rows.clone();
    let home = ("home", "192.168.1.200-192.168.1.205");
    let mut paper = Paper::new(rows);
    paper.config = pools(&[home]);
    paper.run(Duration::from_secs(15));
    paper.config = pools(&[home, ("other", "192.168.1.222-192.168.1.226")]);
    let refused = paper.due_write().write;
    assert_eq!(refused.target(), "pool dhcp_pool");
    paper.finish(&refused, &Outcome::Refused("no".to_owned()));
    paper.run(Duration::from_secs(10));
    let ranges_of = |paper: &Paper, name: &str| {
        let pool = paper.rows.pools.iter().find(|pool| pool.name == name);
        pool.unwrap().ranges.clone()
    };
    assert_eq!(
        ranges_of(&paper, "iot"),
        ranges("192.168.1.215-192.168.1.221,192.168.1.227-192.168.1.230")
    );
    paper.config = pools(&[home]);
    paper.run(Duration::from_secs(5));
    paper.delete();
    paper.run(Duration::from_mins(5));
    for pool in &first.pools {
        assert_eq!(ranges_of(&paper, &pool.name), pool.ranges, "{:?}", paper.journal);
    }
}

#[test]
fn a_renamed_pool_is_on_record_under_its_new_name() {
    let mut paper = synced();
    paper.rows.pools[0].name = "clients".to_owned();
    paper.rows.servers[0].pool = Some("clients".to_owned());
    paper.run(Duration::from_mins(1));
    assert_eq!(paper.router.object().taken[0].pool, "clients");
    let own = paper
        .rows
        .pools
        .iter()
        .find(|pool| pool.name == "tiklb-home-home");
    assert!(
        own.unwrap().comment.ends_with("from clients"),
        "{:?}",
        paper.rows.pools
    );
}

#[test]
fn what_somebody_moved_to_another_pool_stays_there() {
    let mut paper = synced();
    paper.assigned.clear();
    paper
        .rows
        .pools
        .push(pool_row("cameras", "192.168.1.205-192.168.1.210"));
    paper.delete();
    paper.run(Duration::from_mins(1));
    let pool = paper.rows.pools.iter().find(|p| p.name == "dhcp_pool").unwrap();
    assert_eq!(
        pool.ranges.to_string(),
        "192.168.1.100-192.168.1.204,192.168.1.211-192.168.1.254"
    );
    assert!(!paper.router.object().finalizer);
}

fn last() -> impl Strategy<Value = u8> {
    2u8..=254
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_the_router_held_it_holds_again_and_no_foreign_row_was_touched(
        spans in proptest::collection::vec((last(), last()), 1..5),
        ours in (last(), 0u8..20),
        services in proptest::collection::btree_set(0u8..20, 0..6),
        leases in proptest::collection::btree_set(last(), 0..10),
    ) {
        let mut rows = home_router();
        let text = |a: u8, b: u8| format!("192.168.1.{}-192.168.1.{}", a.min(b), a.max(b));
        let all: Vec<String> = spans.iter().map(|(a, b)| text(*a, *b)).collect();
        rows.pools = vec![pool_row("dhcp_pool", &all.join(","))];
        for address in leases {
            rows.leases.push(lease_row(&format!("192.168.1.{address}"), "someone", Some(6000)));
        }
        let first = rows.clone();
        let mut paper = Paper::new(rows);
        let (low, high) = (ours.0, ours.0.saturating_add(ours.1).min(254));
        paper.config = pools(&[("home", &text(low, high))]);
        for offset in services.iter().filter(|o| low.saturating_add(**o) <= high) {
            paper.assign(&format!("192.168.1.{}", low + offset), "s");
        }
        paper.run(Duration::from_secs(20));
        paper.assigned.clear();
        paper.delete();
        paper.run(Duration::from_mins(3));
        prop_assert!(!paper.router.object().finalizer, "{:?}", paper.journal);
        prop_assert_eq!(visible(&paper.rows), visible(&first));
        let range = ranges(&text(low, high));
        for write in &paper.writes {
            match write {
                Write::SetPoolRanges { row, ranges } => {
                    let changed = row.ranges.difference(ranges).union(&ranges.difference(&row.ranges));
                    prop_assert!(range.contains_all(&changed), "{} changes what is not ours", write);
                }
                Write::SetPool { row, .. } | Write::RemovePool(row) => prop_assert!(row.comment.starts_with("tiklb/v1 home/1a2b3c4d ")),
                Write::SetLease { row, .. } | Write::RemoveLease(row) => prop_assert!(row.comment.starts_with("tiklb/v1 home/1a2b3c4d ")),
                Write::SetArp { row, .. } | Write::RemoveArp(row) => prop_assert!(row.comment.starts_with("tiklb/v1 home/1a2b3c4d ")),
                Write::AddPool { .. } | Write::AddLease(_) | Write::AddArp(_) => {},
                Write::EvictLease { .. } => prop_assert!(false, "nobody allowed it"),
            }
        }
    }
}

/// Invariant 3, on the router: a pool that is spoilt takes nothing from those who have its addresses.
#[test]
fn a_pool_that_becomes_unusable_keeps_the_rows_of_its_services() {
    let mut paper = Paper::new(home_router());
    paper.assign("192.168.1.203", "immich/web");
    paper.run(Duration::from_mins(2));
    let ours = |paper: &Paper| {
        let rows = paper.rows.leases.iter();
        let leases = rows.filter(|row| row.comment.starts_with("tiklb")).count();
        let rows = paper.rows.arps.iter();
        (
            leases,
            rows.filter(|row| row.comment.starts_with("tiklb")).count(),
        )
    };
    let before = ours(&paper);
    assert_eq!(before.0, 1);
    let pool = paper.rows.pools[0].ranges.clone();
    paper.config = pools(&[("home", "garbage")]);
    paper.run(Duration::from_mins(3));
    assert_eq!(ours(&paper), before, "{:#?}", paper.journal.last());
    assert_eq!(paper.rows.pools[0].ranges, pool, "what was taken stays taken");
}

/// What stands: a row, or what was taken. Where neither does, the address may be another router's.
#[test]
fn under_an_unusable_pool_what_stands_stays_and_nothing_is_added() {
    let spoilt = || pools(&[("home", "garbage")]);
    // The person had shrunk the pool: nothing is on record.
    let mut rows = home_router();
    rows.pools[0].ranges = ranges("192.168.1.100-192.168.1.199");
    let mut paper = Paper::new(rows);
    paper.assign("192.168.1.203", "web");
    paper.assign("192.168.1.204", "mail");
    paper.run(Duration::from_secs(30));
    assert_eq!(
        (paper.rows.leases.len(), paper.router.object().taken.len()),
        (2, 0)
    );
    paper.config = spoilt();
    paper.run(Duration::from_mins(5));
    assert_eq!(paper.rows.leases.len(), 2);
    // One of the two is removed by hand: it stands no more, whatever stands beside it.
    paper.rows.leases.remove(0);
    paper.run(Duration::from_mins(5));
    assert_eq!(paper.rows.leases.len(), 1, "{:?}", paper.journal);

    let mut paper = Paper::new(home_router());
    paper.assign("192.168.1.203", "web");
    paper.run(Duration::from_secs(30));
    paper.config = spoilt();
    paper.rows.leases.clear();
    paper.run(Duration::from_mins(5));
    assert_eq!(paper.rows.leases.len(), 1, "it is on record: {:?}", paper.journal);

    let mut paper = Paper::new(home_router());
    paper.config = spoilt();
    paper.assign("192.168.1.203", "web");
    paper.run(Duration::from_mins(5));
    assert_eq!(paper.writes, []);
}

/// Another router has it from now on.
#[test]
fn rows_of_a_pool_that_is_left_to_another_router_go() {
    let mut paper = Paper::new(home_router());
    paper.assign("192.168.1.203", "web");
    paper.run(Duration::from_secs(30));
    let mut object = paper.router.object().clone();
    let selector = &mut object.spec.as_mut().unwrap().pool_selector;
    selector
        .match_labels
        .insert("router".to_owned(), "attic".to_owned());
    let now = paper.now.mono;
    paper.router.update(object, now);
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.rows.leases, [], "{:?}", paper.journal);
}

#[test]
fn what_was_taken_is_given_back_also_when_nothing_else_may_be_written() {
    for mode in [RouterMode::DryRun, RouterMode::Paused] {
        let mut paper = Paper::new(home_router());
        let before = paper.rows.pools.clone();
        paper.run(Duration::from_mins(1));
        let mut object = paper.router.object().clone();
        object.spec = Ok(RouterSpec { mode, ..spec() });
        let now = paper.now.mono;
        paper.router.update(object, now);
        paper.run(Duration::from_mins(1));
        paper.delete();
        paper.run(Duration::from_mins(2));
        assert_eq!(paper.rows.pools, before, "{mode:?}");
        assert!(!paper.router.object().finalizer);
    }
}

/// What the router was seen to know counts until the object is gone, and what goes back to its clients is not for a new
/// Service.
#[test]
fn while_it_is_deleted_holders_count_and_what_is_given_back_is_not_handed_out() {
    let mut rows = home_router();
    rows.leases.push(lease_row("192.168.1.205", "phone", Some(6000)));
    let mut paper = Paper::new(rows);
    paper.survey("");
    paper.assign("192.168.1.200", "db");
    paper.run(Duration::from_secs(15));
    paper.delete();
    for _ in 0..2 {
        let held = paper.availability("192.168.1.205");
        assert!(matches!(held, Some(Availability::Held(_))), "{held:?}");
        match paper.availability("192.168.1.210") {
            Some(Availability::Unproven(why)) => assert!(why.contains("is being deleted"), "{why}"),
            other => panic!("{other:?}"),
        }
        paper.run(Duration::from_mins(1)); // It waits for the Service; the rest is given back.
        paper.survey("");
    }
    assert!(paper.router.object().finalizer);
}

#[test]
fn who_took_nothing_has_no_say_about_free_addresses_while_it_is_deleted() {
    let mut rows = home_router();
    rows.leases.push(lease_row("192.168.1.205", "phone", Some(6000)));
    rows.leases.push(lease_row("192.168.1.206", "nas", None));
    let mut paper = Paper::new(rows);
    let mut dry = spec();
    dry.mode = RouterMode::DryRun;
    paper.router = Router::new(object(dry));
    paper.run(Duration::from_secs(15));
    paper.delete();
    let held = paper.availability("192.168.1.205");
    assert!(matches!(held, Some(Availability::Held(_))), "{held:?}");
    assert_eq!(paper.availability("192.168.1.210"), None);
    let reserved = paper.availability("192.168.1.206");
    assert!(matches!(reserved, Some(Availability::Held(_))), "{reserved:?}");
    paper.adopted.insert(ip("192.168.1.206"));
    let meant = paper.availability("192.168.1.206");
    assert!(matches!(meant, Some(Availability::Reserved(_))), "{meant:?}");
}

/// Another object for the same router keeps what was taken, and has its own say.
#[test]
fn who_hands_its_record_over_gives_nothing_back() {
    let mut paper = synced();
    paper.survey("");
    let mut heir = object(spec());
    heir.key = ObjectKey::new(heir.key.namespace.clone(), "heir");
    heir.seniority.key = heir.key.clone();
    paper.delete();
    let twins = Twins::of(paper.router.object(), [heir].iter());
    paper.router.relate(twins);
    assert_eq!(paper.availability("192.168.1.210"), None);
}
