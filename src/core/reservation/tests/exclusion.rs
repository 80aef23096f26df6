//! Since when no pool hands an address out, by whose doing, and who put it back.

use std::time::Duration;

use super::paper::*;
use crate::ipam::Availability;
use crate::reservation::observed::Reading;
use crate::reservation::router::Work;
use crate::reservation::write::{Outcome, Write};
use crate::reservation::{ConditionKind, Planned};

const HOME: (&str, &str) = ("home", "192.168.1.200-192.168.1.220");
/// Beside [`HOME`] it would leave too few addresses: it is refused.
const TOO_MUCH: (&str, &str) = (
    "too-much",
    "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.250",
);
const WHOLE: &str = "192.168.1.100-192.168.1.254";

/// A second DHCP pool, with a server of its own.
fn with_iot(mut rows: Reading, dhcp: &str, iot: &str) -> Reading {
    rows.pools = vec![pool_row("dhcp_pool", dhcp), pool_row("iot", iot)];
    rows.servers.push(server_row("iot", "vlan20", "iot"));
    rows
}

fn why_not(paper: &mut Paper, address: &str) -> String {
    match paper.availability(address) {
        Some(Availability::Unproven(why)) => why,
        other => panic!("{address} is not unproven: {other:?}"),
    }
}

fn waits_for_leases(paper: &mut Paper, address: &str) {
    let why = why_not(paper, address);
    assert!(why.contains("leases are read once more"), "{why}");
}

fn is_free(paper: &mut Paper, address: &str) {
    paper.survey("");
    assert_eq!(
        paper.availability(address),
        Some(Availability::Free),
        "{:?}",
        paper.journal
    );
}

fn set_pool(paper: &mut Paper, name: &str, to: &str) {
    let pool = paper.rows.pools.iter_mut().find(|pool| pool.name == name);
    pool.unwrap().ranges = ranges(to);
}

fn hands_out(paper: &Paper, name: &str, address: &str) -> bool {
    let pool = paper.rows.pools.iter().find(|pool| pool.name == name);
    pool.unwrap().ranges.contains(ip(address))
}

/// Makes the cut of one pool, and has the cut of the other refused.
fn one_cut_of_two(paper: &mut Paper) {
    let mut refused = false;
    while !refused {
        let write = paper.due_write().write;
        let is_other = write.target() == "pool iot";
        let outcome = if is_other {
            refused = true;
            Outcome::Refused("busy".to_owned())
        } else {
            paper.write(&write)
        };
        paper.finish(&write, &outcome);
    }
}

#[test]
fn an_address_waits_after_its_own_cut_while_the_rest_of_its_range_is_uncut() {
    let rows = with_iot(
        home_router(),
        "192.168.1.100-192.168.1.210",
        "192.168.1.211-192.168.1.254",
    );
    let two = [
        ("home", "192.168.1.200-192.168.1.210"),
        ("other", "192.168.1.211-192.168.1.220"),
    ];
    for config in [pools(&[HOME]), pools(&two)] {
        let mut paper = Paper::new(rows.clone());
        paper.config = config;
        paper.survey("");
        paper.read(Ok(paper.rows.clone()));
        paper.pass(Duration::from_secs(1));
        one_cut_of_two(&mut paper);
        assert!(hands_out(&paper, "iot", "192.168.1.215"));
        waits_for_leases(&mut paper, "192.168.1.205");
        paper.pass(Duration::from_secs(9));
        paper.read(Ok(paper.rows.clone()));
        waits_for_leases(&mut paper, "192.168.1.205");
        paper.pass(Duration::from_secs(1));
        paper.read(Ok(paper.rows.clone()));
        is_free(&mut paper, "192.168.1.205");
        // The other one's turn comes, and only what it took waits.
        paper.pass(Duration::from_secs(25));
        paper.run(Duration::from_secs(3));
        assert!(!hands_out(&paper, "iot", "192.168.1.215"), "{:?}", paper.journal);
        is_free(&mut paper, "192.168.1.205");
        waits_for_leases(&mut paper, "192.168.1.215");
        paper.run(Duration::from_secs(11));
        is_free(&mut paper, "192.168.1.215");
    }
}

#[test]
fn an_address_of_two_pools_waits_after_the_later_cut() {
    let mut paper = Paper::new(with_iot(home_router(), WHOLE, "192.168.1.211-192.168.1.230"));
    paper.survey("");
    paper.read(Ok(paper.rows.clone()));
    paper.pass(Duration::from_secs(1));
    one_cut_of_two(&mut paper);
    paper.run(Duration::from_secs(33));
    assert!(!hands_out(&paper, "iot", "192.168.1.215"), "{:?}", paper.journal);
    is_free(&mut paper, "192.168.1.205");
    waits_for_leases(&mut paper, "192.168.1.215");
    paper.run(Duration::from_secs(10));
    is_free(&mut paper, "192.168.1.215");
}

#[test]
fn a_range_that_is_refused_spares_no_other_the_wait() {
    let mut paper = Paper::new(home_router());
    paper.config = pools(&[HOME, TOO_MUCH]);
    paper.survey("");
    paper.run(Duration::from_secs(3));
    assert_eq!(
        paper.condition(ConditionKind::PoolsExcluded).1,
        "TooFewAddressesLeft"
    );
    assert!(!hands_out(&paper, "dhcp_pool", "192.168.1.210"));
    waits_for_leases(&mut paper, "192.168.1.210");
    paper.run(Duration::from_secs(11));
    is_free(&mut paper, "192.168.1.210");
}

#[test]
fn a_cut_whose_outcome_is_unknown_is_waited_for_from_when_it_is_seen() {
    let mut paper = Paper::new(home_router());
    paper.read(Ok(paper.rows.clone()));
    paper.pass(Duration::from_secs(1));
    let cut = paper.due_write().write;
    assert!(matches!(cut, Write::SetPoolRanges { .. }));
    paper.write(&cut);
    paper.finish(&cut, &Outcome::Unknown("the answer was lost".to_owned()));
    paper.survey("");
    paper.run(Duration::from_secs(6));
    assert!(paper.rows.pools.len() > 1, "it was read: {:?}", paper.journal);
    waits_for_leases(&mut paper, "192.168.1.210");
    paper.run(Duration::from_secs(10));
    is_free(&mut paper, "192.168.1.210");
    paper.delete();
    paper.run(Duration::from_mins(1));
    assert!(
        hands_out(&paper, "dhcp_pool", "192.168.1.210"),
        "what is on record is given back: {:?}",
        paper.journal
    );
}

#[test]
fn what_a_person_takes_out_by_hand_is_waited_for_from_when_it_is_seen() {
    // Whether the IPAddressPool is there before, or only after.
    for before in [true, false] {
        let mut paper = Paper::new(home_router());
        let mut object = paper.router.object().clone();
        object.spec.as_mut().unwrap().shrink_pools = false;
        let now = paper.now.mono;
        paper.router.update(object, now);
        if !before {
            paper.config = pools(&[]);
        }
        paper.run(Duration::from_mins(2));
        set_pool(&mut paper, "dhcp_pool", "192.168.1.100-192.168.1.199");
        paper.read(Ok(paper.rows.clone()));
        paper.config = pools(&[HOME]);
        paper.survey("");
        waits_for_leases(&mut paper, "192.168.1.210");
        paper.run(Duration::from_secs(11));
        is_free(&mut paper, "192.168.1.210");
    }
}

/// A reading that takes long has read the leases before it ended.
#[test]
fn only_a_reading_that_begins_after_the_wait_ends_it() {
    let mut paper = Paper::new(home_router());
    paper.run(Duration::from_secs(3));
    waits_for_leases(&mut paper, "192.168.1.210");
    paper.pass(Duration::from_secs(6));
    let now = paper.now.mono;
    paper
        .router
        .begin(&Work::Read(crate::reservation::Depth::Whole), now);
    paper.pass(Duration::from_secs(5));
    let rows = paper.rows.clone();
    paper.with(|router, landscape, now| router.read(Ok(rows), landscape, now));
    paper.survey("");
    waits_for_leases(&mut paper, "192.168.1.210");
    paper.run(Duration::from_secs(1));
    is_free(&mut paper, "192.168.1.210");
}

#[test]
fn a_range_that_people_put_back_is_left_also_while_another_is_uncut() {
    let mut paper = Paper::new(home_router());
    paper.config = pools(&[HOME, TOO_MUCH]);
    paper.run(Duration::from_secs(30));
    for round in 1..=5 {
        set_pool(&mut paper, "dhcp_pool", WHOLE);
        paper.run(Duration::from_mins(1));
        assert_eq!(
            hands_out(&paper, "dhcp_pool", "192.168.1.210"),
            round >= 4,
            "round {round}"
        );
    }
    let why = why_not(&mut paper, "192.168.1.210");
    assert!(why.contains("dhcp_pool still hands it out"), "{why}");
}

/// Recorded, and nothing may be written: what a person does to the range meanwhile undoes nothing of ours.
#[test]
fn a_range_that_was_not_cut_yet_is_put_back_by_nobody() {
    let mut paper = Paper::new(home_router());
    paper.read(Ok(paper.rows.clone()));
    paper.pass(Duration::from_secs(1));
    let cut = paper.due_write();
    assert!(matches!(cut.write, Write::SetPoolRanges { .. }));
    assert_eq!(paper.router.object().taken.len(), 1);
    paper.rows.safe_mode = Some("admin".to_owned());
    for _ in 0..5 {
        set_pool(&mut paper, "dhcp_pool", "192.168.1.100-192.168.1.199");
        paper.read(Ok(paper.rows.clone()));
        paper.intend();
        set_pool(&mut paper, "dhcp_pool", WHOLE);
        paper.read(Ok(paper.rows.clone()));
        paper.intend();
    }
    assert_eq!(paper.writes, []);
    paper.rows.safe_mode = None;
    paper.run(Duration::from_mins(1));
    assert!(
        !hands_out(&paper, "dhcp_pool", "192.168.1.210"),
        "{:?}",
        paper.journal
    );
}

/// Four times within a day are a wish, and four times in more than that are not.
#[test]
fn a_range_that_was_put_back_a_day_ago_was_put_back_once_less() {
    const HOUR: Duration = Duration::from_hours(1);
    let moment = Duration::from_millis(1);
    for (last, left) in [(22 * HOUR, false), ((22 * HOUR).saturating_sub(moment), true)] {
        let mut paper = Paper::new(home_router());
        paper.run(Duration::from_secs(30));
        for wait in [HOUR, HOUR, HOUR, last] {
            paper.pass(wait);
            set_pool(&mut paper, "dhcp_pool", WHOLE);
            paper.read(Ok(paper.rows.clone()));
            // Taken again, within no time.
            while let Work::Write(planned) = paper.work() {
                let outcome = paper.write(&planned.write);
                paper.finish(&planned.write, &outcome);
            }
        }
        assert_eq!(hands_out(&paper, "dhcp_pool", "192.168.1.210"), left, "{last:?}");
    }
}

#[test]
fn a_range_that_is_left_where_people_put_it_stops_no_other() {
    let mut paper = Paper::new(home_router());
    paper.run(Duration::from_secs(30));
    for _ in 0..4 {
        set_pool(&mut paper, "dhcp_pool", WHOLE);
        paper.run(Duration::from_mins(1));
    }
    assert_eq!(paper.condition(ConditionKind::PoolsExcluded).1, "TakenBack");
    paper.config = pools(&[HOME, ("other", "192.168.1.230-192.168.1.234")]);
    let (_, reason, message) = paper.condition(ConditionKind::PoolsExcluded);
    assert!(
        reason == "TakenBack" && message.starts_with("192.168.1.200-192.168.1.220 was put back"),
        "{message}"
    );
    paper.run(Duration::from_mins(1));
    assert!(
        !hands_out(&paper, "dhcp_pool", "192.168.1.232"),
        "{:?}",
        paper.journal
    );
    assert!(hands_out(&paper, "dhcp_pool", "192.168.1.210"), "it stays there");
    is_free(&mut paper, "192.168.1.232");
    let own = paper.rows.pools.iter().map(|pool| pool.name.as_str());
    assert!(own.clone().any(|name| name == "tiklb-home-other"));
    // The quarrel ends with a person's word, and what is not wanted any more goes back whatever else is left.
    let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
    assert!(
        reason == "LeftAlone" && message.starts_with("pool dhcp_pool"),
        "{message}"
    );
    let mut object = paper.router.object().clone();
    object.spec.as_mut().unwrap().min_free_addresses = 11;
    let now = paper.now.mono;
    paper.router.update(object, now);
    paper.run(Duration::from_mins(1));
    assert!(!hands_out(&paper, "dhcp_pool", "192.168.1.210"));
}

/// The give-back of a part is under way, and the part is wanted again.
#[test]
fn what_is_being_given_back_is_proven_only_after_the_router_was_read() {
    for applied in [None, Some(false), Some(true)] {
        let mut paper = Paper::new(home_router());
        paper.run(Duration::from_secs(30));
        paper.config = pools(&[("home", "192.168.1.200-192.168.1.210")]);
        paper.run(Duration::from_mins(9));
        paper.pass(Duration::from_mins(2));
        let back = paper.due_write();
        assert!(
            matches!(&back.write, Write::SetPoolRanges { row, ranges } if ranges.contains_all(&row.ranges)),
            "{back:?}"
        );
        let now = paper.now.mono;
        paper.router.begin(&Work::Write(Box::new(back.clone())), now);
        paper.config = pools(&[HOME]);
        paper.survey("");
        let says = "given back";
        let why = why_not(&mut paper, "192.168.1.215");
        assert!(why.contains(says), "{why}");
        is_free(&mut paper, "192.168.1.205");
        ends(&mut paper, &back, applied);
        if applied != Some(true) {
            let why = why_not(&mut paper, "192.168.1.215");
            assert!(why.contains(says), "{applied:?}: {why}");
        }
        paper.pass(Duration::from_secs(5));
        paper.read(Ok(paper.rows.clone()));
        paper.survey("");
        // What nobody knows to have been handed out for a moment may have been.
        why_not(&mut paper, "192.168.1.215");
        paper.run(Duration::from_secs(30));
        is_free(&mut paper, "192.168.1.215");
    }
}

/// Refused, or of unknown outcome and applied or not.
fn ends(paper: &mut Paper, planned: &Planned, applied: Option<bool>) {
    let outcome = match applied {
        None => Outcome::Refused("busy".to_owned()),
        Some(applied) => {
            if applied {
                paper.write(&planned.write);
            }
            Outcome::Unknown("the answer was lost".to_owned())
        }
    };
    paper.with(|router, landscape, now| router.written(&planned.write, &outcome, landscape, now.mono));
}
