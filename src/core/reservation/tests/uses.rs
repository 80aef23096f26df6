//! Who uses addresses on the router besides DHCP clients.

use std::time::Duration;

use super::paper::*;
use crate::ipam::Availability;
use crate::reservation::observed::AddressRow;
use crate::reservation::uses::{Fixed, FixedKind, Pointed, PointedRole, Taker, TakerKind};
use crate::reservation::{ConditionKind, Reading, Router};

fn taken_by(who: TakerKind) -> Reading {
    let mut rows = home_router();
    let pool = "dhcp_pool".to_owned();
    rows.uses.takers.push(Taker { pool, who });
    rows
}

/// After a first sync and a survey in which everything was silent.
fn settled(rows: Reading) -> Paper {
    let mut paper = Paper::new(rows);
    paper.survey("");
    paper.run(Duration::from_secs(15));
    paper
}

#[test]
fn whoever_else_takes_addresses_of_a_pool_is_named_and_the_range_is_left() {
    let named = |name: &str| name.to_owned();
    let takers = [
        (TakerKind::PppProfile(named("vpn")), "PPP profile vpn"),
        (TakerKind::PppSecret, "a PPP secret"),
        (TakerKind::Hotspot(named("hs1")), "hotspot hs1"),
        (
            TakerKind::HotspotUserProfile(named("guests")),
            "hotspot user profile guests",
        ),
        (TakerKind::Matcher(named("phones")), "DHCP matcher phones"),
        (TakerKind::ModeConfig(named("ike2")), "IPsec mode-config ike2"),
        (
            TakerKind::Holder {
                owner: named("l2tp"),
                address: ip("192.168.1.150"),
            },
            "l2tp, which gave 192.168.1.150 out",
        ),
    ];
    for (who, words) in takers {
        let mut paper = settled(taken_by(who.clone()));
        assert_eq!(paper.writes, [], "{who:?}");
        let (truth, reason, message) = paper.condition(ConditionKind::PoolsExcluded);
        assert!(!truth && reason == "PoolShared", "{reason}: {message}");
        let said = format!("the router's pool dhcp_pool is also used by {words}");
        assert!(message.contains(&said), "{message}");
        match paper.availability("192.168.1.205") {
            Some(Availability::Unproven(why)) => assert!(why.contains(words), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_pool_that_is_named_in_the_spec_may_be_used_by_others() {
    let mut paper = Paper::new(taken_by(TakerKind::PppProfile("vpn".to_owned())));
    let mut allowed = spec();
    allowed.allowed_pools = vec!["dhcp_pool".to_owned()];
    paper.router = Router::new(object(allowed));
    paper.run(Duration::from_secs(15));
    assert_eq!(paper.condition(ConditionKind::PoolsExcluded).1, "Excluded");
}

#[test]
fn who_takes_addresses_of_another_pool_is_in_nobodys_way() {
    let mut rows = taken_by(TakerKind::PppProfile("vpn".to_owned()));
    rows.uses.takers[0].pool = "vpn".to_owned();
    rows.pools.push(pool_row("vpn", "10.9.0.2-10.9.0.20"));
    let mut paper = settled(rows);
    assert_eq!(paper.condition(ConditionKind::PoolsExcluded).1, "Excluded");
}

#[test]
fn addresses_that_somebody_has_by_the_routers_configuration_are_held() {
    let on = |interface: &str| interface.to_owned();
    let kinds = [
        (
            FixedKind::Vrrp {
                interface: on("vrrp1"),
            },
            "the VRRP address on vrrp1",
        ),
        (
            FixedKind::Idle {
                interface: on("ether5"),
            },
            "the router itself on ether5",
        ),
        (FixedKind::PppUser, "the remote-address of a PPP secret"),
        (FixedKind::PppServer, "the local-address of a PPP secret"),
        (FixedKind::PppProfile(on("vpn")), "an end of PPP profile vpn"),
        (FixedKind::Container(on("veth1")), "a container on veth1"),
        (
            FixedKind::ModeConfig(on("ike2")),
            "a client of IPsec mode-config ike2",
        ),
        (FixedKind::Taken { owner: on("l2tp") }, "a client of l2tp"),
    ];
    for (whose, words) in kinds {
        let mut rows = home_router();
        let address = ip("192.168.1.205");
        rows.uses.fixed.push(Fixed { address, whose });
        let mut paper = settled(rows);
        match paper.availability("192.168.1.205") {
            Some(Availability::Held(holder)) => {
                let said = holder.to_string();
                assert!(
                    said.starts_with(words) && said.contains("configured on MikroTik"),
                    "{said}"
                );
            }
            other => panic!("{words}: {other:?}"),
        }
        let (_, reason, message) = paper.condition(ConditionKind::NoConflicts);
        assert!(reason == "AddressesHeld" && message.contains(words), "{message}");
        assert_eq!(paper.availability("192.168.1.206"), Some(Availability::Free));
        // It is free again when the router no longer says so.
        paper.rows.uses.fixed.clear();
        paper.run(Duration::from_mins(11));
        paper.survey("");
        assert_eq!(
            paper.availability("192.168.1.205"),
            Some(Availability::Free),
            "{words}"
        );
    }
}

#[test]
fn addresses_that_the_router_points_others_to_wait_for_a_service_that_asks() {
    let roles = [
        (PointedRole::Dns, "the router hands it out as DNS server"),
        (PointedRole::Ntp, "the router hands it out as NTP server"),
        (PointedRole::Boot, "the router hands it out as boot server"),
        (PointedRole::Forward, "the router forwards to it (dst-nat)"),
    ];
    for (role, words) in roles {
        let mut rows = home_router();
        let addresses = ranges("192.168.1.190-192.168.1.201");
        rows.uses.pointed.push(Pointed { addresses, role });
        let mut paper = settled(rows);
        for address in ["192.168.1.200", "192.168.1.201"] {
            match paper.availability(address) {
                Some(Availability::OnRequest(as_what)) => {
                    assert!(as_what.to_string().starts_with(words), "{as_what}");
                }
                other => panic!("{address}: {other:?}"),
            }
        }
        assert_eq!(paper.availability("192.168.1.202"), Some(Availability::Free));
        let (fine, ..) = paper.condition(ConditionKind::NoConflicts);
        assert!(fine, "nobody has it");
        // Whoever has it in fact has it whoever asks.
        paper
            .rows
            .leases
            .push(lease_row("192.168.1.201", "phone", Some(600)));
        paper.run(Duration::from_mins(1));
        let held = paper.availability("192.168.1.201");
        assert!(matches!(held, Some(Availability::Held(_))), "{held:?}");
    }
}

/// A second router's VRRP address stands in a network of its own inside ours.
#[test]
fn an_address_that_stands_alone_does_not_hide_its_network() {
    let mut rows = home_router();
    let alone = AddressRow {
        address: ip("192.168.1.200"),
        network: "192.168.1.200/32".parse().unwrap(),
        interface: "vrrp1".to_owned(),
    };
    rows.addresses.insert(0, alone);
    let mut paper = settled(rows);
    assert_eq!(paper.condition(ConditionKind::PoolsExcluded).1, "Excluded");
    assert!(matches!(
        paper.availability("192.168.1.200"),
        Some(Availability::Held(_))
    ));
}

#[test]
fn what_may_not_be_read_is_said_and_stops_nothing() {
    let mut rows = home_router();
    let unread = "/ppp/secret: the router's user lacks the policy read";
    rows.uses.unread.push(unread.to_owned());
    let mut paper = settled(rows);
    let (truth, reason, message) = paper.condition(ConditionKind::Authorized);
    assert!(
        truth && reason == "Authorized" && message.contains(unread),
        "{message}"
    );
    assert_eq!(paper.availability("192.168.1.205"), Some(Availability::Free));
}
