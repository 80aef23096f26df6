//! Somebody hands out addresses from our own row in `/ip/pool`.

use std::time::Duration;

use super::paper::*;
use crate::ipam::Availability;
use crate::reservation::uses::{Taker, TakerKind};
use crate::reservation::write::Write;
use crate::reservation::{ConditionKind, Reading};

const OURS: &str = "tiklb-home-home";

/// How our row is used, and what is said of it.
type Case = (fn(&mut Reading), &'static str);

fn synced() -> Paper {
    let mut paper = Paper::new(home_router());
    paper.survey("");
    paper.run(Duration::from_secs(15));
    assert_eq!(paper.availability("192.168.1.205"), Some(Availability::Free));
    paper
}

fn serves(rows: &mut Reading) {
    rows.servers.push(server_row("iot", "vlan20", OURS));
}

fn chains(rows: &mut Reading) {
    rows.pools[0].next_pool = Some(OURS.to_owned());
}

fn dials(rows: &mut Reading) {
    rows.uses.takers.push(Taker {
        pool: OURS.to_owned(),
        who: TakerKind::PppProfile("vpn".to_owned()),
    });
}

fn left_alone(paper: &mut Paper) {
    paper.rows.servers.truncate(1);
    paper.rows.pools[0].next_pool = None;
    paper.rows.uses.takers.clear();
}

fn stands(paper: &Paper) -> bool {
    paper.rows.pools.iter().any(|row| row.name == OURS)
}

fn ranges_of(paper: &Paper, name: &str) -> String {
    let pool = paper.rows.pools.iter().find(|row| row.name == name);
    pool.unwrap().ranges.to_string()
}

#[test]
fn who_uses_our_own_row_is_named_and_nothing_is_proven_meanwhile() {
    let cases: [Case; 3] = [
        (serves, "DHCP server iot"),
        (chains, "pool dhcp_pool, as its next-pool"),
        (dials, "PPP profile vpn"),
    ];
    for (use_it, who) in cases {
        let mut paper = synced();
        // Not once more often than a range may be put back: nobody put anything back.
        for _ in 0..5 {
            use_it(&mut paper.rows);
            paper.run(Duration::from_mins(1));
            paper.survey("");
            match paper.availability("192.168.1.205") {
                Some(Availability::Unproven(why)) => {
                    assert!(why.contains(who) && why.contains(OURS), "{why}");
                }
                other => panic!("{who}: {other:?}"),
            }
            let (truth, reason, message) = paper.condition(ConditionKind::PoolsExcluded);
            assert!(
                !truth && reason == "PoolShared" && message.contains(who),
                "{reason}: {message}"
            );
            let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
            assert!(
                reason == "ForeignRow" && message.contains(who) && message.contains(OURS),
                "{reason}: {message}"
            );
            left_alone(&mut paper);
            paper.run(Duration::from_mins(1));
            paper.survey("");
            assert_eq!(paper.condition(ConditionKind::PoolsExcluded).1, "Excluded");
            assert_eq!(
                paper.availability("192.168.1.205"),
                Some(Availability::Free),
                "{who}"
            );
        }
    }
}

#[test]
fn a_row_of_ours_that_somebody_uses_outlives_its_pool() {
    let mut paper = synced();
    serves(&mut paper.rows);
    paper.config = pools(&[("other", "192.168.1.230-192.168.1.235")]);
    paper.run(Duration::from_mins(30));
    let planned = paper.with(|router, landscape, now| router.plan(landscape, now));
    let mut all = planned.writes.iter().chain(&planned.held);
    assert!(
        !all.any(|planned| matches!(planned.write, Write::RemovePool(_))),
        "{planned:?}"
    );
    assert!(
        planned
            .obstacles
            .iter()
            .any(|said| said.contains("DHCP server iot")),
        "{planned:?}"
    );
    assert!(
        !ranges_of(&paper, "dhcp_pool").contains("254-"),
        "two servers would hand out the same addresses"
    );
    assert_eq!(
        ranges_of(&paper, "dhcp_pool"),
        "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.229,192.168.1.236-192.168.1.254"
    );
}

#[test]
fn a_release_waits_for_who_uses_our_row_and_says_so() {
    for cleared in [true, false] {
        let mut paper = synced();
        serves(&mut paper.rows);
        paper.delete();
        paper.run(Duration::from_mins(5));
        assert!(stands(&paper) && paper.router.object().finalizer);
        assert_eq!(
            ranges_of(&paper, "dhcp_pool"),
            "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254",
            "what another server hands out is not handed out twice"
        );
        let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
        assert!(
            reason == "ForeignRow" && message.contains("DHCP server iot"),
            "{message}"
        );
        if cleared {
            left_alone(&mut paper);
            paper.run(Duration::from_mins(1));
            assert!(!stands(&paper) && !paper.router.object().finalizer);
            assert_eq!(ranges_of(&paper, "dhcp_pool"), "192.168.1.100-192.168.1.254");
        } else {
            paper.pass(Duration::from_mins(5));
            let words = paper.intend().given_up.unwrap();
            assert!(
                words.contains("DHCP server iot") && words.contains("/ip/pool dhcp_pool"),
                "{words}"
            );
            assert!(stands(&paper));
        }
    }
}
