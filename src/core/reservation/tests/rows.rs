//! Rows of ours that people changed, and rows of theirs in our place.

use std::time::Duration;

use super::paper::*;
use crate::reservation::ConditionKind;
use crate::reservation::observed::LeaseRow;

fn assigned() -> Paper {
    let mut paper = Paper::new(home_router());
    paper.survey("");
    paper.assign("192.168.1.200", "web");
    paper.run(Duration::from_secs(30));
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
    paper
}

#[test]
fn each_part_of_our_lease_that_a_person_changes_is_put_right() {
    let changes: [fn(&mut LeaseRow); 4] = [
        |row| row.mac = Some(mac(200)),
        |row| row.server = Some("guests".to_owned()),
        |row| row.disabled = true,
        |row| row.comment = row.comment.replace("default/web", "default/other"),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut paper = assigned();
        let before = paper.rows.leases.clone();
        change(&mut paper.rows.leases[0]);
        assert_ne!(paper.rows.leases, before);
        paper.run(Duration::from_mins(2));
        assert_eq!(paper.rows.leases, before, "change {at}");
    }
}

#[test]
fn a_pool_of_somebody_else_under_our_name_is_an_obstacle_and_stays_as_it_is() {
    let mut rows = home_router();
    rows.pools.push(pool_row("tiklb-home-home", "10.9.9.1-10.9.9.9"));
    let mut paper = Paper::new(rows);
    paper.survey("");
    paper.run(Duration::from_mins(1));
    let (_, reason, message) = paper.condition(ConditionKind::ReservationsInSync);
    assert!(
        reason == "ForeignRow" && message.contains("a pool named tiklb-home-home exists that is not ours"),
        "{reason}: {message}"
    );
    let theirs = paper.rows.pools.iter().find(|row| row.name == "tiklb-home-home");
    assert_eq!(theirs, Some(&pool_row("tiklb-home-home", "10.9.9.1-10.9.9.9")));
}

/// Only a static row that is switched on can be meant for a Service, and only where the Service says so.
#[test]
fn a_lease_of_somebody_else_stands_for_a_service_only_when_it_is_asked_to_and_can() {
    for (adopted, dynamic, disabled, stands) in [
        (true, false, false, true),
        (false, false, false, false),
        (true, true, false, false),
        (true, false, true, false),
    ] {
        let mut paper = Paper::new(home_router());
        let mut row = lease_row("192.168.1.205", "nas", None);
        (row.dynamic, row.disabled) = (dynamic, disabled);
        paper.rows.leases.push(row.clone());
        paper.survey("");
        if adopted {
            paper.adopted.insert(ip("192.168.1.205"));
        }
        paper.assign("192.168.1.205", "nas");
        paper.run(Duration::from_secs(30));
        let reason = if stands { "InSync" } else { "ForeignRow" };
        let said = paper.condition(ConditionKind::ReservationsInSync);
        assert_eq!(said.1, reason, "{adopted} {dynamic} {disabled}: {said:?}");
        assert_eq!(paper.rows.leases, [row]);
    }
}

#[test]
fn an_ipv6_address_is_kept_in_the_cluster_alone() {
    let mut paper = Paper::new(home_router());
    paper.config = pools(&[
        ("home", "192.168.1.200-192.168.1.220"),
        ("six", "fd00::1-fd00::9"),
    ]);
    paper.assign("192.168.1.200", "db");
    paper.assign("fd00::1", "db");
    paper.run(Duration::from_secs(30));
    assert_eq!(paper.rows.leases.len(), 1, "{:?}", paper.journal);
}
