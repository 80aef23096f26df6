//! What is remembered of who has an address, reading by reading.

use std::collections::BTreeSet;
use std::time::Duration;

use super::paper::*;
use crate::model::Instant;
use crate::reservation::Reading;
use crate::reservation::held::{HeldBook, Ours};
use crate::reservation::marker::Owner;
use crate::reservation::survey::{Round, Surveys};
use crate::reservation::uses::{Pointed, PointedRole};

const RANGE: &str = "192.168.1.200-192.168.1.220";

fn owner() -> Owner {
    Owner {
        cluster: "home".to_owned(),
        uid: UID.to_owned(),
        adopts: None,
    }
}

fn at(seconds: u64) -> Instant {
    Instant::at(Duration::from_secs(seconds))
}

/// A round that took a second and ended then, in which nobody answered.
fn silence(seen: Instant) -> Surveys {
    let mut surveys = Surveys::default();
    let round = Round {
        node: "node1".into(),
        covered: ranges(RANGE),
        occupied: ranges(""),
        seen,
        took: Duration::from_secs(1),
    };
    surveys.record("lan".to_owned(), round);
    surveys
}

fn look(book: &mut HeldBook, rows: &Reading, surveys: &Surveys, now: Instant) -> Vec<String> {
    let (owner, nodes) = (owner(), BTreeSet::new());
    let ours = Ours {
        owner: &owner,
        nodes: &nodes,
        surveys,
    };
    book.read(rows, &ranges(RANGE), &ours, now);
    book.iter().map(|(address, _)| address.to_string()).collect()
}

#[test]
fn only_foreign_leases_inside_the_range_hold_anything() {
    let mut rows = home_router();
    rows.leases.push(lease_row("192.168.1.150", "tablet", Some(600)));
    let mut own = lease_row("192.168.1.201", "", None);
    own.comment = "tiklb/v1 home/1a2b3c4d default/web".to_owned();
    rows.leases.push(own);
    rows.leases.push(lease_row("192.168.1.205", "phone", Some(600)));
    let held = look(&mut HeldBook::default(), &rows, &Surveys::default(), at(100));
    assert_eq!(held, ["192.168.1.205"]);
}

/// Two readings without the row, the expiry that it told last, and a silence that began after it: each alone keeps the
/// address.
#[test]
fn a_lease_holds_until_two_readings_its_expiry_and_a_survey_agree() {
    let mut rows = home_router();
    rows.leases.push(lease_row("192.168.1.205", "phone", Some(60)));
    let mut book = HeldBook::default();
    look(&mut book, &rows, &Surveys::default(), at(100));
    rows.leases.clear();
    let heard_late = silence(at(300));
    assert_eq!(
        look(&mut book, &rows, &heard_late, at(301)).len(),
        1,
        "one reading"
    );
    let early = book.clone();
    assert_eq!(look(&mut book, &rows, &heard_late, at(302)).len(), 0, "two");

    let mut book = early.clone();
    look(&mut book, &rows, &Surveys::default(), at(302));
    assert_eq!(book.iter().count(), 1, "nobody surveyed");
    assert_eq!(
        look(&mut book, &rows, &silence(at(100)), at(303)).len(),
        1,
        "a round that began before the row was last seen"
    );
    assert_eq!(
        look(&mut book, &rows, &silence(at(101)), at(160)).len(),
        0,
        "one that began then"
    );
}

#[test]
fn a_survey_whose_record_went_away_says_nothing() {
    let mut surveys = silence(at(100));
    let silent = |surveys: &Surveys| surveys.silent(ip("192.168.1.205"), None, at(110));
    assert!(silent(&surveys));
    surveys.forget("another");
    assert!(silent(&surveys));
    surveys.forget("lan");
    assert!(!silent(&surveys));
}

#[test]
fn the_expiry_that_was_told_last_is_waited_for_to_its_second() {
    let mut rows = home_router();
    rows.leases.push(lease_row("192.168.1.205", "phone", Some(600)));
    let mut book = HeldBook::default();
    look(&mut book, &rows, &Surveys::default(), at(100));
    rows.leases.clear();
    for now in [200, 300, 699] {
        let held = look(&mut book, &rows, &silence(at(now)), at(now));
        assert_eq!(held.len(), 1, "at {now} s the client may still use it");
    }
    assert_eq!(look(&mut book, &rows, &silence(at(700)), at(700)).len(), 0);
}

#[test]
fn four_addresses_of_one_mac_are_a_device_and_five_a_proxy() {
    let mut rows = home_router();
    for last in 205..=208 {
        rows.arps.push(arp_row(&format!("192.168.1.{last}"), mac(80)));
    }
    let mut book = HeldBook::default();
    assert_eq!(look(&mut book, &rows, &Surveys::default(), at(100)).len(), 4);
    rows.arps.push(arp_row("192.168.1.209", mac(80)));
    assert_eq!(look(&mut book, &rows, &Surveys::default(), at(130)).len(), 0);
}

#[test]
fn the_routers_own_addresses_and_gateways_are_held_and_named() {
    let mut rows = home_router();
    rows.addresses[0].address = ip("192.168.1.210");
    rows.networks[0].gateways = vec![ip("192.168.1.211")];
    let mut book = HeldBook::default();
    look(&mut book, &rows, &Surveys::default(), at(100));
    let named = |address| book.holder(ip(address)).map(ToString::to_string);
    assert_eq!(
        named("192.168.1.210").unwrap(),
        "the router itself on bridge (configured on MikroTik)"
    );
    assert_eq!(
        named("192.168.1.211").unwrap(),
        "the gateway of 192.168.1.0/24 (configured on MikroTik)"
    );
}

#[test]
fn who_has_no_host_name_is_called_by_the_comment_and_otherwise_by_the_mac() {
    let mut rows = home_router();
    let mut noted = lease_row("192.168.1.205", "", None);
    (noted.host_name, noted.comment) = (None, "the printer".to_owned());
    rows.leases.push(noted);
    let mut nameless = lease_row("192.168.1.206", "", None);
    nameless.host_name = None;
    rows.leases.push(nameless);
    let mut book = HeldBook::default();
    look(&mut book, &rows, &Surveys::default(), at(100));
    let name = |address| book.holder(ip(address)).unwrap().name.clone();
    assert_eq!(name("192.168.1.205").as_deref(), Some("the printer"));
    assert_eq!(name("192.168.1.206"), None);
}

#[test]
fn a_board_is_known_by_its_name_and_its_serial_number() {
    let known = home_router();
    let differs = |change: fn(&mut Reading)| {
        let mut other = home_router();
        change(&mut other);
        !known.fingerprint().same_board(&other.fingerprint())
    };
    assert!(!differs(|other| other.pools.clear()));
    assert!(differs(|other| other.identity = "attic".to_owned()));
    assert!(differs(|other| other.serial = Some("HEX2".to_owned())));
}

/// RouterOS lets a person write a second row for an address that a client has.
#[test]
fn a_row_that_only_keeps_an_address_hides_nobody_who_has_it() {
    for placeholder_first in [true, false] {
        let mut rows = home_router();
        rows.leases.push(lease_row("192.168.1.205", "phone", Some(600)));
        rows.leases.push(lease_row("192.168.1.205", "phone", Some(60)));
        let mut placeholder = lease_row("192.168.1.205", "", None);
        placeholder.comment = "for the NAS".to_owned();
        rows.leases
            .insert(if placeholder_first { 0 } else { 2 }, placeholder);
        let mut book = HeldBook::default();
        look(&mut book, &rows, &silence(at(100)), at(100));
        let address = ip("192.168.1.205");
        assert!(!book.is_reserved(address), "{placeholder_first}");
        let holder = book.holder(address).unwrap().to_string();
        assert!(holder.starts_with("phone"), "{holder}");
        rows.leases.clear();
        for now in [200, 699] {
            let held = look(&mut book, &rows, &silence(at(now)), at(now));
            assert_eq!(held.len(), 1, "at {now} s the phone may still use it");
        }
        assert_eq!(look(&mut book, &rows, &silence(at(700)), at(700)).len(), 0);
    }
}

#[test]
fn a_static_lease_that_never_ends_is_somebodys() {
    let mut rows = home_router();
    rows.leases.push(lease_row("192.168.1.205", "nas", None));
    let mut book = HeldBook::default();
    look(&mut book, &rows, &Surveys::default(), at(100));
    assert!(book.is_reserved(ip("192.168.1.205")), "nobody has it");
    rows.leases[0].bound = true;
    look(&mut book, &rows, &Surveys::default(), at(130));
    assert!(!book.is_reserved(ip("192.168.1.205")), "its client is there");
    assert!(book.holder(ip("192.168.1.205")).is_some());
}

/// What a person is shown before anything is written: the part that lies in the range, and as what.
#[test]
fn all_that_the_router_points_others_to_in_the_range_is_listed() {
    let mut rows = home_router();
    for (addresses, role) in [
        ("192.168.1.201", PointedRole::Dns),
        ("192.168.1.50", PointedRole::Ntp),
        ("192.168.1.215-192.168.1.230", PointedRole::Forward),
    ] {
        let addresses = ranges(addresses);
        rows.uses.pointed.push(Pointed { addresses, role });
    }
    let mut book = HeldBook::default();
    look(&mut book, &rows, &Surveys::default(), at(100));
    let listed: Vec<String> = book
        .all_pointed()
        .map(|(addresses, role)| format!("{addresses}: {}", role.name.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        listed,
        [
            "192.168.1.201: the router hands it out as DNS server",
            "192.168.1.215-192.168.1.220: the router forwards to it (dst-nat)"
        ]
    );
}

#[test]
fn what_leaves_the_range_is_forgotten() {
    let mut rows = home_router();
    rows.leases.push(lease_row("192.168.1.205", "phone", Some(600)));
    let mut book = HeldBook::default();
    look(&mut book, &rows, &Surveys::default(), at(100));
    let (owner, nodes, surveys) = (owner(), BTreeSet::new(), Surveys::default());
    let ours = Ours {
        owner: &owner,
        nodes: &nodes,
        surveys: &surveys,
    };
    book.read(&rows, &ranges("192.168.1.210-192.168.1.220"), &ours, at(130));
    assert_eq!(book.iter().count(), 0);
}
