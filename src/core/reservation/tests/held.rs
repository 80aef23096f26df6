//! Who else has an address.

use std::time::Duration;

use super::paper::*;
use crate::ipam::Availability;
use crate::reservation::ConditionKind;

fn settled(rows: crate::reservation::Reading) -> Paper {
    let mut paper = Paper::new(rows);
    paper.survey("");
    paper.run(Duration::from_secs(15));
    paper
}

fn holder(paper: &mut Paper, address: &str) -> Option<String> {
    match paper.availability(address) {
        Some(Availability::Held(holder) | Availability::Reserved(holder)) => Some(holder.to_string()),
        _ => None,
    }
}

#[test]
fn live_and_static_leases_arp_rows_and_the_routers_own_addresses_are_held() {
    let mut rows = home_router();
    rows.leases.push(lease_row("192.168.1.205", "phone", Some(1700)));
    let mut printer = lease_row("192.168.1.206", "printer", None);
    printer.comment = "the printer".to_owned();
    rows.leases.push(printer);
    rows.arps.push(arp_row("192.168.1.207", mac(80)));
    let mut paper = settled(rows);
    assert_eq!(
        holder(&mut paper, "192.168.1.205").unwrap(),
        "phone (02:00:00:00:01:4d, DHCP lease on MikroTik)"
    );
    assert!(
        holder(&mut paper, "192.168.1.206")
            .unwrap()
            .contains("static DHCP lease")
    );
    assert_eq!(
        holder(&mut paper, "192.168.1.207").unwrap(),
        "02:00:00:00:01:50 (in the ARP table of MikroTik)"
    );
    assert_eq!(paper.availability("192.168.1.208"), Some(Availability::Free));
    let (truth, reason, message) = paper.condition(ConditionKind::NoConflicts);
    assert!(
        !truth && reason == "AddressesHeld" && message.contains("192.168.1.205 phone"),
        "{message}"
    );
    assert_eq!(paper.intend().status.conflicts.entries.len(), 3);
}

#[test]
fn no_lease_of_anybody_is_ever_touched() {
    let mut rows = home_router();
    rows.leases.push(lease_row("192.168.1.205", "phone", Some(1700)));
    let mut paper = settled(rows);
    assert!(
        paper
            .rows
            .leases
            .iter()
            .any(|l| l.host_name.as_deref() == Some("phone"))
    );
    assert!(paper.writes.iter().all(|w| !w.target().contains("192.168.1.205")));
    paper.assign("192.168.1.205", "forced");
    paper.run(Duration::from_secs(5));
    assert!(
        paper.writes.iter().all(|w| !w.target().contains("192.168.1.205")),
        "not even when a status names it"
    );
    let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
    assert!(
        reason == "ForeignRow" && message.contains("leased to phone"),
        "{reason}: {message}"
    );
}

#[test]
fn our_nodes_and_the_router_hold_nothing() {
    let mut rows = home_router();
    rows.arps.push(arp_row("192.168.1.11", mac(11)));
    rows.arps.push(arp_row("192.168.1.205", mac(11)));
    rows.arps.push(arp_row("192.168.1.206", mac(1)));
    let mut paper = settled(rows);
    assert_eq!(
        holder(&mut paper, "192.168.1.205"),
        None,
        "node1 answered for it until lately"
    );
    assert_eq!(
        holder(&mut paper, "192.168.1.206"),
        None,
        "the router's own MAC address"
    );
}

#[test]
fn proxy_arp_holds_nothing() {
    let mut rows = home_router();
    for last in 205..=209 {
        rows.arps.push(arp_row(&format!("192.168.1.{last}"), mac(80)));
    }
    let mut paper = settled(rows);
    assert_eq!(holder(&mut paper, "192.168.1.205"), None);
}

#[test]
fn stale_disabled_and_dead_rows_are_no_evidence() {
    let mut rows = home_router();
    for (last, change) in [(205, "stale"), (206, "disabled"), (207, "failed")] {
        let mut row = arp_row(&format!("192.168.1.{last}"), mac(last));
        match change {
            "stale" => row.alive = false,
            "disabled" => row.disabled = true,
            _ => row.mac = None,
        }
        rows.arps.push(row);
    }
    let mut paper = settled(rows);
    for last in 205..=207 {
        assert_eq!(holder(&mut paper, &format!("192.168.1.{last}")), None, ".{last}");
    }
}

#[test]
fn a_lease_that_vanished_stays_held_until_it_has_expired_and_nobody_answers() {
    let mut rows = home_router();
    rows.leases.push(lease_row("192.168.1.205", "phone", Some(600)));
    let mut paper = settled(rows);
    paper
        .rows
        .leases
        .retain(|l| l.host_name.as_deref() != Some("phone"));
    paper.run(Duration::from_mins(8));
    assert!(
        holder(&mut paper, "192.168.1.205").is_some(),
        "the client may still use it"
    );
    paper.run(Duration::from_mins(5));
    assert!(holder(&mut paper, "192.168.1.205").is_some(), "no survey since");
    paper.survey("192.168.1.205");
    paper.run(Duration::from_mins(1));
    assert!(holder(&mut paper, "192.168.1.205").is_some(), "it still answers");
    paper.survey("");
    paper.run(Duration::from_mins(1));
    assert_eq!(paper.availability("192.168.1.205"), Some(Availability::Free));
}

/// `tiklb.io/use-existing-lease`: a row that a person wrote long ago stands for the Service, as it is.
#[test]
fn a_static_lease_of_somebody_else_can_be_meant_for_a_service() {
    let mut paper = Paper::new(home_router());
    paper.rows.leases.push(lease_row("192.168.1.205", "nas", None));
    paper.survey("");
    paper.run(Duration::from_secs(30));
    let reserved = paper.availability("192.168.1.205");
    assert!(
        matches!(reserved, Some(Availability::Reserved(_))),
        "{reserved:?}"
    );
    paper.adopted.insert(ip("192.168.1.205"));
    paper.assign("192.168.1.205", "nas");
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
    let before = paper.rows.leases.clone();
    assert_eq!((before.len(), before[0].comment.as_str()), (1, ""));
    // It is nobody's to delete, also when all is given back.
    paper.assigned.clear();
    paper.delete();
    paper.run(Duration::from_mins(2));
    assert_eq!(paper.rows.leases, before);
    assert!(!paper.router.object().finalizer);
}

/// Who does not know of the row is told of that; who means it is told what is still to be proven.
#[test]
fn before_the_proof_a_row_of_somebody_else_is_said_to_who_does_not_mean_it() {
    let mut paper = Paper::new(home_router());
    paper.rows.leases.push(lease_row("192.168.1.205", "nas", None));
    paper.run(Duration::from_secs(30));
    let said = paper.availability("192.168.1.205");
    assert!(matches!(said, Some(Availability::Held(_))), "{said:?}");
    paper.adopted.insert(ip("192.168.1.205"));
    match paper.availability("192.168.1.205") {
        Some(Availability::Unproven(why)) => assert!(why.starts_with("no speaker has reported"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reserved_address_that_somebody_uses_is_held() {
    for used in [0, 1] {
        let mut paper = Paper::new(home_router());
        let mut row = lease_row("192.168.1.205", "nas", None);
        if used == 0 {
            row.expires_after = Some(Duration::from_mins(10)); // Its client is there.
        } else {
            paper.rows.arps.push(arp_row("192.168.1.205", mac(99)));
        }
        paper.rows.leases.push(row);
        paper.survey("");
        paper.run(Duration::from_secs(30));
        let found = paper.availability("192.168.1.205");
        assert!(matches!(found, Some(Availability::Held(_))), "{found:?}");
    }
}
