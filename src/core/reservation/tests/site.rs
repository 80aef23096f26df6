//! Ranges that must not be taken, each with the words that name the fix.

use std::time::Duration;

use super::paper::*;
use crate::ipam::Availability;
use crate::reservation::{ConditionKind, Router};

fn refused(paper: &mut Paper, reason: &str, words: &str) {
    paper.survey("");
    paper.run(Duration::from_mins(1));
    assert!(
        !paper
            .journal
            .iter()
            .any(|line| line.starts_with("/ip/pool set") || line.starts_with("record")),
        "{:?}",
        paper.journal
    );
    let (truth, found, message) = paper.condition(ConditionKind::PoolsExcluded);
    assert!(
        !truth && found == reason && message.contains(words),
        "{found}: {message}"
    );
    let address = paper
        .config
        .usable()
        .next()
        .unwrap()
        .ranges
        .iter()
        .next()
        .unwrap()
        .to_string();
    match paper.availability(&address) {
        Some(Availability::Unproven(why)) => assert!(why.contains(words), "{why}"),
        other => panic!("{address}: {other:?}"),
    }
}

#[test]
fn a_range_outside_every_network_of_the_router() {
    let mut paper = Paper::new(home_router());
    paper.config = pools(&[("lab", "10.9.0.10-10.9.0.20")]);
    refused(
        &mut paper,
        "RangeNotConnected",
        "in no network of this router (192.168.1.0/24)",
    );
}

#[test]
fn a_range_that_reaches_beyond_its_network() {
    let mut paper = Paper::new(home_router());
    paper.config = pools(&[("wide", "192.168.1.250-192.168.2.5")]);
    refused(&mut paper, "RangeNotConnected", "192.168.2.0-192.168.2.5");
}

#[test]
fn a_network_that_the_router_does_not_serve() {
    let mut rows = home_router();
    rows.servers[0].idle = true;
    refused(
        &mut Paper::new(rows),
        "RangeNotConnected",
        "no enabled DHCP server (interface bridge)",
    );
}

#[test]
fn a_range_that_another_cluster_has() {
    let mut rows = home_router();
    let mut row = rows.pools[0].clone();
    row.id = "*77".to_owned();
    row.name = "tiklb-cabin-pool".to_owned();
    row.ranges = ranges("192.168.1.205-192.168.1.230");
    row.comment = "tiklb/v1 cabin/12345678 holds pool; took nothing".to_owned();
    rows.pools.push(row);
    let words = "192.168.1.205-192.168.1.220 of pool home belongs to the cluster cabin";
    refused(&mut Paper::new(rows.clone()), "RangeOfAnotherCluster", words);
    // What this cluster has said there before is not taken from it by somebody who says it later.
    let theirs = rows.pools.pop().unwrap();
    let mut paper = Paper::new(rows);
    paper.run(Duration::from_secs(15));
    paper.rows.pools.push(theirs);
    paper.run(Duration::from_mins(1));
    assert_eq!(paper.condition(ConditionKind::PoolsExcluded).1, "Excluded");
}

#[test]
fn a_pool_that_does_not_exist() {
    let mut dangling = home_router();
    dangling.servers[0].pool = Some("*1".to_owned());
    refused(
        &mut Paper::new(dangling),
        "PoolNotFound",
        "DHCP server defconf names the pool \"*1\"",
    );

    let mut paper = Paper::new(home_router());
    let mut named = spec();
    named.allowed_pools = vec!["dhcp_pol".to_owned()];
    paper.router = Router::new(object(named));
    refused(
        &mut paper,
        "PoolNotFound",
        "\"dhcp_pol\", which the router does not have; its pools are: dhcp_pool",
    );
}

#[test]
fn a_pool_that_something_else_uses() {
    let mut chained = home_router();
    let mut guest = pool_row("guest", "10.0.0.10-10.0.0.20");
    guest.next_pool = Some("dhcp_pool".to_owned());
    chained.pools.push(guest);
    refused(
        &mut Paper::new(chained.clone()),
        "PoolShared",
        "pool guest, as its next-pool",
    );

    let mut vpn = home_router();
    vpn.pools.push(pool_row("vpn", "192.168.1.210-192.168.1.215"));
    refused(&mut Paper::new(vpn), "PoolShared", "vpn is also used by");

    let mut doubled = home_router();
    doubled.servers.push(server_row("guests", "vlan20", "dhcp_pool"));
    refused(
        &mut Paper::new(doubled),
        "PoolShared",
        "the DHCP servers defconf and guests",
    );

    let mut allowed = Paper::new(chained);
    let mut with = spec();
    with.allowed_pools = vec!["dhcp_pool".to_owned()];
    allowed.router = Router::new(object(with));
    allowed.run(Duration::from_secs(5));
    assert_eq!(allowed.condition(ConditionKind::PoolsExcluded).1, "Excluded");
}

#[test]
fn too_few_addresses_left_for_clients() {
    let mut rows = home_router();
    rows.pools = vec![pool_row("dhcp_pool", "192.168.1.195-192.168.1.224")];
    refused(
        &mut Paper::new(rows),
        "TooFewAddressesLeft",
        "only 9 free addresses",
    );
}

/// Each of the two alone would leave enough.
#[test]
fn two_ranges_together_must_leave_enough() {
    let mut paper = Paper::new(home_router());
    paper.config = pools(&[
        ("a", "192.168.1.100-192.168.1.176"),
        ("b", "192.168.1.177-192.168.1.253"),
    ]);
    paper.run(Duration::from_secs(30));
    assert_eq!(
        paper.condition(ConditionKind::PoolsExcluded).1,
        "TooFewAddressesLeft"
    );
    let left = paper.rows.pools[0].ranges.to_string();
    assert_eq!(left, "192.168.1.177-192.168.1.254", "the first one has its range");
}

// Eleven addresses remain; one is leased, and one client of the range will need another.
#[test]
fn clients_that_are_displaced_need_an_address_too() {
    let mut rows = home_router();
    rows.pools = vec![pool_row("dhcp_pool", "192.168.1.194-192.168.1.225")];
    rows.leases.push(lease_row("192.168.1.222", "tv", Some(600)));
    rows.leases.push(lease_row("192.168.1.205", "phone", Some(600)));
    refused(
        &mut Paper::new(rows),
        "TooFewAddressesLeft",
        "only 9 free addresses",
    );
}

#[test]
fn a_node_keeps_its_own_address() {
    let mut paper = Paper::new(home_router());
    paper
        .nodes
        .push((crate::model::NodeName::from("node2"), ip("192.168.1.212")));
    refused(
        &mut paper,
        "NodeAddressInRange",
        "192.168.1.212, the address of node node2",
    );
}

#[test]
fn every_pool_that_overlaps_is_cut() {
    let mut rows = home_router();
    rows.pools.push(pool_row(
        "iot",
        "192.168.1.60-192.168.1.90,192.168.1.215-192.168.1.230",
    ));
    rows.servers.push(server_row("iot", "vlan20", "iot"));
    let mut paper = Paper::new(rows);
    paper.run(Duration::from_secs(5));
    let left: Vec<String> = paper
        .rows
        .pools
        .iter()
        .take(2)
        .map(|p| p.ranges.to_string())
        .collect();
    assert_eq!(
        left,
        [
            "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254",
            "192.168.1.60-192.168.1.90,192.168.1.221-192.168.1.230"
        ]
    );
}

#[test]
fn pools_that_are_too_much_together_are_not_all_taken() {
    let mut paper = Paper::new(home_router());
    paper.config = pools(&[
        ("a", "192.168.1.100-192.168.1.176"),
        ("b", "192.168.1.177-192.168.1.253"),
    ]);
    paper.run(Duration::from_mins(1));
    assert_eq!(paper.rows.pools[0].ranges, ranges("192.168.1.177-192.168.1.254"));
    let (excluded, reason, said) = paper.condition(ConditionKind::PoolsExcluded);
    assert_eq!((excluded, reason), (false, "TooFewAddressesLeft"));
    assert!(said.contains("all IPAddressPools together"), "{said}");
}

#[test]
fn who_shrinks_by_hand_is_told_what_is_left_to_do() {
    let mut spec = spec();
    spec.shrink_pools = false;
    let mut paper = Paper::new(home_router());
    paper.router = Router::new(object(spec));
    paper.run(Duration::from_mins(1));
    paper.survey("");
    let (excluded, reason, said) = paper.condition(ConditionKind::PoolsExcluded);
    assert_eq!((excluded, reason), (false, "ShrinkingOff"));
    assert!(
        said.contains("shrinkPools") && said.contains("192.168.1.200-192.168.1.220"),
        "{said}"
    );
    let waiting = format!("{:?}", paper.availability("192.168.1.210"));
    assert!(waiting.contains("shrinkPools"), "{waiting}");
    paper.rows.pools[0].ranges = ranges("192.168.1.100-192.168.1.199");
    paper.run(Duration::from_mins(1));
    paper.survey("");
    assert_eq!(paper.availability("192.168.1.210"), Some(Availability::Free));
}
