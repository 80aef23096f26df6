//! Addresses that AddressReservations keep: their rows stand before the Services exist.

use std::time::Duration;

use super::paper::*;
use crate::config::{Config, ReservationObject};
use crate::ipam::Holder;
use crate::ipam::tests::reservation;
use crate::reservation::router::Standing;
use crate::reservation::uses::{Pointed, PointedRole};
use crate::reservation::write::Write;
use crate::reservation::{ConditionKind, Plan};

const HOME: &[(&str, &str)] = &[("home", "192.168.1.200-192.168.1.220")];
const MARK: &str = "tiklb/v1 home/1a2b3c4d ";

fn kept(address: &str, service: Option<&str>, note: &str) -> ReservationObject {
    let mut object = reservation(&format!("r{address}"), address, service);
    if let Ok(spec) = &mut object.spec {
        spec.note = note.to_owned();
    }
    object
}

fn home(reservations: &[ReservationObject]) -> Config {
    pools(HOME).with_reservations(reservations)
}

/// A router in sync, under these reservations.
fn keeping(rows: crate::reservation::Reading, reservations: &[ReservationObject]) -> Paper {
    let mut paper = Paper::new(rows);
    paper.config = home(reservations);
    paper.survey("");
    paper.run(Duration::from_mins(1));
    paper
}

fn comments(paper: &Paper) -> Vec<&str> {
    let rows = paper.rows.leases.iter();
    rows.filter_map(|row| row.comment.strip_prefix(MARK)).collect()
}

/// Lease writes from `since` on.
fn lease_writes(paper: &Paper, since: usize) -> Vec<String> {
    let of_leases = |write: &&Write| {
        matches!(
            write,
            Write::AddLease(_) | Write::SetLease { .. } | Write::RemoveLease(_)
        )
    };
    let writes = paper.writes[since..].iter().filter(of_leases);
    writes.map(ToString::to_string).collect()
}

fn standing(paper: &mut Paper, address: &str) -> (Standing, Option<String>) {
    let address = ip(address);
    let found = paper.with(|router, landscape, now| router.standing(address, landscape, now));
    let (standing, holder) = found.expect("the router has a say");
    (standing, holder.map(|holder| holder.to_string()))
}

fn plan(paper: &mut Paper) -> Plan {
    paper.with(|router, landscape, now| router.plan(landscape, now))
}

#[test]
fn a_row_stands_under_the_note_before_the_service_exists_and_is_the_same_one_after() {
    let photos = [kept("192.168.1.205", Some("photos"), "photos for Anna")];
    let mut paper = keeping(home_router(), &photos);
    assert_eq!(comments(&paper), ["default/photos | photos for Anna"]);
    let row = paper.rows.leases[0].clone();
    assert_eq!(
        (row.mac, row.server.as_deref()),
        (
            Some(crate::reservation::marker::claim_mac(ip("192.168.1.205"))),
            Some("defconf")
        )
    );
    assert_eq!(standing(&mut paper, "192.168.1.205").0, Standing::Written);
    let writes = paper.writes.len();
    paper.assign("192.168.1.205", "photos");
    paper.run(Duration::from_mins(5));
    // The reservation goes while the Service lives: the row is the Service's from then on.
    paper.config = home(&[]);
    paper.run(Duration::from_mins(5));
    // It comes back, and the Service goes.
    paper.config = home(&photos);
    paper.assigned.clear();
    paper.run(Duration::from_mins(5));
    assert_eq!(lease_writes(&paper, writes), [""; 0]);
    assert_eq!(paper.rows.leases, [row]);
    // Both are gone.
    paper.config = home(&[]);
    paper.run(Duration::from_secs(50));
    assert_eq!(comments(&paper).len(), 1, "it stays for a minute");
    paper.run(Duration::from_secs(20));
    assert_eq!(comments(&paper), [""; 0]);
}

#[test]
fn one_for_nobody_has_a_row_and_one_that_is_outside_has_none() {
    let mut paper = keeping(
        home_router(),
        &[
            kept("192.168.1.205", None, "the new printer"),
            kept("192.168.1.206", None, ""),
            kept("192.168.1.50", Some("photos"), "nowhere"),
            kept("fd00::5", Some("photos"), "nowhere"),
        ],
    );
    assert_eq!(comments(&paper), ["reserved | the new printer", "reserved"]);
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
    assert_eq!(paper.intend().status.wanted, 2);
}

#[test]
fn the_note_is_ours_until_a_person_writes_there() {
    let with = |note: &str| home(&[kept("192.168.1.205", Some("photos"), note)]);
    let mut paper = keeping(home_router(), &[kept("192.168.1.205", Some("photos"), "")]);
    assert_eq!(comments(&paper), ["default/photos"]);
    // More often than a quarrel is let go on: it is none.
    for note in ["one", "two", "one", "two", "three", "four"] {
        paper.config = with(note);
        paper.run(Duration::from_mins(1));
        assert_eq!(comments(&paper), [format!("default/photos | {note}")]);
    }
    paper.config = with("");
    paper.run(Duration::from_mins(1));
    assert_eq!(comments(&paper), ["default/photos"]);
    paper.rows.leases[0].comment = format!("{MARK}default/photos | behind the sofa");
    paper.config = with("five");
    let writes = paper.writes.len();
    paper.run(Duration::from_mins(2));
    paper.assign("192.168.1.205", "photos");
    paper.run(Duration::from_mins(2));
    assert_eq!(comments(&paper), ["default/photos | behind the sofa"]);
    assert_eq!(lease_writes(&paper, writes), [""; 0]);
}

#[test]
fn a_note_is_written_in_characters_that_routeros_has_and_as_far_as_there_is_room() {
    let long = "n".repeat(63);
    let noted = format!("für Anna \u{1F4F7}{}", "x".repeat(90));
    let mut object = kept("192.168.1.205", None, &noted);
    object.spec.as_mut().unwrap().service = Some(format!("{long}/{long}"));
    let mut paper = keeping(home_router(), &[object]);
    let comment = &paper.rows.leases[0].comment;
    assert_eq!(comment.len(), 200);
    assert!(
        comment.starts_with(&format!("{MARK}{long}/{long} | f?r Anna ?xxx")) && comment.is_ascii(),
        "{comment}"
    );
    let writes = paper.writes.len();
    paper.run(Duration::from_mins(5));
    assert_eq!(
        lease_writes(&paper, writes),
        [""; 0],
        "it is read back as it was written"
    );
}

#[test]
fn a_row_waits_for_the_same_proof_as_a_service() {
    let photos = [kept("192.168.1.205", Some("photos"), "photos")];
    let mut paper = Paper::new(home_router());
    paper.config = home(&photos);
    paper.run(Duration::from_mins(2));
    assert_eq!(comments(&paper), [""; 0], "no survey has spoken");
    assert_eq!(paper.intend().status.wanted, 1);
    let (row, _) = standing(&mut paper, "192.168.1.205");
    assert!(
        matches!(&row, Standing::Pending(Some(why)) if why.contains("no speaker has reported")),
        "{row:?}"
    );
    // A person who asks is shown it.
    let shown = plan(&mut paper).writes;
    assert_eq!(shown.len(), 1);
    assert_eq!(
        (shown[0].write.to_string(), shown[0].because.as_str()),
        (
            format!("/ip/dhcp-server/lease add 192.168.1.205  \"{MARK}default/photos | photos\""),
            "AddressReservation r192.168.1.205 keeps 192.168.1.205 for default/photos"
        )
    );
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
    paper.survey("");
    paper.run(Duration::from_secs(30));
    assert_eq!(comments(&paper), ["default/photos | photos"]);
}

#[test]
fn what_somebody_else_has_is_not_claimed_and_no_fault_of_the_router() {
    let mut rows = home_router();
    rows.leases.push(lease_row("192.168.1.205", "phone", Some(1700)));
    rows.leases.push(lease_row("192.168.1.206", "printer", None));
    rows.arps.push(arp_row("192.168.1.207", mac(80)));
    let before = rows.clone();
    let all = ["205", "206", "207", "208", "209"];
    let objects = all.map(|last| kept(&format!("192.168.1.{last}"), Some("photos"), ""));
    let mut paper = Paper::new(rows);
    paper.config = home(&objects);
    paper.nodes.push(("node2".into(), ip("192.168.1.208")));
    let stranger = Holder {
        name: None,
        mac: Some(mac(81)),
        evidence: "seen by node1".to_owned(),
    };
    paper.conflicts.insert(ip("192.168.1.209"), stranger);
    // A node's own address in the range refuses the range; the rows are about the addresses alone.
    paper.survey("");
    paper.run(Duration::from_mins(5));
    assert_eq!(paper.rows.leases.len(), before.leases.len());
    assert_eq!(comments(&paper), [""; 0]);
    assert_ne!(paper.condition(ConditionKind::ReservationsInSync).1, "ForeignRow");
    let planned = plan(&mut paper).writes;
    let claims = planned
        .iter()
        .any(|planned| planned.write.target().starts_with("lease"));
    assert!(!claims, "nor is a person shown that it would be: {planned:?}");
    let words = [
        standing(&mut paper, "192.168.1.205"),
        standing(&mut paper, "192.168.1.206"),
    ];
    assert!(
        words.iter().all(|(row, _)| *row == Standing::Foreign),
        "{words:?}"
    );
    assert!(words[0].1.as_ref().unwrap().starts_with("phone"), "{words:?}");
    let (_, holder) = standing(&mut paper, "192.168.1.207");
    assert!(holder.unwrap().contains("ARP table"));
    assert_eq!(paper.intend().status.wanted, 0);
}

#[test]
fn a_row_that_stands_stays_when_a_device_turns_up() {
    let photos = [kept("192.168.1.205", Some("photos"), "photos")];
    let mut paper = keeping(home_router(), &photos);
    let writes = paper.writes.len();
    paper.rows.arps.push(arp_row("192.168.1.205", mac(80)));
    paper.run(Duration::from_mins(10));
    assert_eq!(lease_writes(&paper, writes), [""; 0]);
    assert_eq!(comments(&paper), ["default/photos | photos"]);
    assert_eq!(paper.intend().status.wanted, 1);
}

#[test]
fn while_another_service_has_the_address_the_row_is_that_services() {
    let mut paper = Paper::new(home_router());
    paper.assign("192.168.1.205", "web");
    paper.survey("");
    paper.run(Duration::from_mins(1));
    assert_eq!(comments(&paper), ["default/web"]);
    let writes = paper.writes.len();
    paper.config = home(&[kept("192.168.1.205", Some("photos"), "photos")]);
    paper.run(Duration::from_mins(2));
    assert_eq!(lease_writes(&paper, writes), [""; 0]);
    // It goes, and the row changes its owner without going.
    paper.assigned.clear();
    paper.run(Duration::from_mins(2));
    assert_eq!(
        lease_writes(&paper, writes),
        [format!(
            "/ip/dhcp-server/lease set 192.168.1.205  \"{MARK}default/photos | photos\""
        )]
    );
}

#[test]
fn without_a_service_no_arp_row_is_shown() {
    let photos = [kept("192.168.1.205", Some("photos"), "")];
    let mut paper = keeping(home_router(), &photos);
    paper.assign("192.168.1.205", "photos");
    paper.announcers.insert(ip("192.168.1.205"), mac(11));
    paper.run(Duration::from_mins(1));
    assert_eq!(paper.rows.arps.len(), 1);
    paper.assigned.clear();
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.rows.arps, [], "nobody answers any more");
    assert_eq!(comments(&paper), ["default/photos"]);
}

#[test]
fn most_of_them_go_with_a_word_only() {
    let objects: Vec<ReservationObject> = (0..5)
        .map(|offset| kept(&format!("192.168.1.{}", 200 + offset), Some("s"), ""))
        .collect();
    let mut paper = keeping(home_router(), &objects);
    assert_eq!(comments(&paper).len(), 5);
    paper.config = home(&objects[..2]);
    paper.run(Duration::from_mins(10));
    assert_eq!(comments(&paper).len(), 5);
    assert_eq!(
        paper.condition(ConditionKind::ReservationsInSync).1,
        "AwaitingConfirmation"
    );
    paper.config = home(&objects[..4]);
    paper.run(Duration::from_mins(2));
    assert_eq!(comments(&paper).len(), 4, "one goes by itself");
}

#[test]
fn a_deleted_router_gets_them_back_and_a_broken_pool_takes_none_away() {
    let photos = [kept("192.168.1.205", Some("photos"), "photos")];
    let mut paper = keeping(home_router(), &photos);
    paper.config = pools(&[("home", "garbage")]).with_reservations(&photos);
    paper.run(Duration::from_mins(30));
    assert_eq!(comments(&paper), ["default/photos | photos"]);
    // A pool that is gone for good is another thing.
    paper.config = pools(&[]).with_reservations(&photos);
    paper.run(Duration::from_mins(2));
    assert_eq!(comments(&paper), [""; 0]);
    paper.config = home(&photos);
    paper.survey("");
    paper.run(Duration::from_mins(2));
    assert_eq!(comments(&paper).len(), 1);
    paper.delete();
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.rows.leases, []);
    assert_eq!(paper.rows.pools, home_router().pools);
}

#[test]
fn without_lease_rows_none_is_made() {
    let photos = [kept("192.168.1.205", Some("photos"), "")];
    let mut paper = Paper::new(home_router());
    let mut object = paper.router.object().clone();
    object.spec.as_mut().unwrap().leases = false;
    paper.router = crate::reservation::Router::new(object);
    paper.config = home(&photos);
    paper.survey("");
    paper.run(Duration::from_mins(2));
    assert_eq!(comments(&paper), [""; 0]);
    let say = paper.with(|router, landscape, now| router.standing(ip("192.168.1.205"), landscape, now));
    assert_eq!(say, None);
}

/// To reserve an address is to ask for it by name.
#[test]
fn an_address_that_the_router_points_to_has_its_row_before_its_service() {
    let mut rows = home_router();
    rows.uses.pointed.push(Pointed {
        addresses: ranges("192.168.1.205"),
        role: PointedRole::Dns,
    });
    let paper = keeping(rows, &[kept("192.168.1.205", Some("pihole"), "")]);
    assert_eq!(comments(&paper), ["default/pihole"]);
}

#[test]
fn what_stands_for_an_address_is_told_by_who_keeps_it_and_from_the_last_reading() {
    let objects = ["205", "206", "50"].map(|last| kept(&format!("192.168.1.{last}"), None, ""));
    let mut rows = home_router();
    rows.leases.push(lease_row("192.168.1.206", "phone", Some(6000)));
    let mut paper = Paper::new(rows);
    paper.config = home(&objects);
    let told = |paper: &mut Paper, address: &str| {
        let address = ip(address);
        let told = paper.with(|router, landscape, now| router.standing(address, landscape, now));
        told.map(|(row, _)| row)
    };
    let first = told(&mut paper, "192.168.1.205");
    assert!(matches!(first, Some(Standing::Pending(_))), "{first:?}");
    paper.run(Duration::from_secs(20));
    let silent = told(&mut paper, "192.168.1.205");
    assert!(matches!(silent, Some(Standing::Pending(_))), "{silent:?}");
    assert_eq!(told(&mut paper, "192.168.1.206"), Some(Standing::Foreign));
    assert_eq!(told(&mut paper, "192.168.1.50"), None, "of no pool");
    paper.survey("");
    paper.run(Duration::from_mins(1));
    paper.read(Err(crate::reservation::Failure {
        kind: crate::reservation::FailureKind::Unreachable,
        message: "no connection".to_owned(),
    }));
    assert_eq!(told(&mut paper, "192.168.1.205"), Some(Standing::Written));
    paper.delete();
    assert_eq!(told(&mut paper, "192.168.1.205"), None, "it is about to go");
}

/// After a start nobody is told what was not looked at yet.
#[test]
fn nothing_is_known_of_a_row_before_the_router_was_read() {
    let mut paper = Paper::new(home_router());
    paper.config = home(&[kept("192.168.1.205", Some("photos"), "")]);
    let unread = |paper: &mut Paper| {
        paper.with(|router, landscape, now| {
            let address = ip("192.168.1.205");
            let standing = router.standing(address, landscape, now);
            (router.is_unread_for(address, landscape), standing.is_some())
        })
    };
    assert!(unread(&mut paper).0, "it will be");
    let away = crate::reservation::Failure {
        kind: crate::reservation::FailureKind::Unreachable,
        message: "no connection".to_owned(),
    };
    paper.work();
    paper.read(Err(away));
    assert_eq!(
        unread(&mut paper),
        (false, false),
        "nobody knows when, and what stands there"
    );
    paper.run(Duration::from_mins(2));
    assert_eq!(unread(&mut paper), (false, true));
}
