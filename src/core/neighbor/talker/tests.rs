//! Who counts as a talker, in which order, and the bounds.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::super::{Arp, Peer};
use super::*;
use crate::model::MacAddr;

const ETH0: InterfaceIndex = InterfaceIndex(2);
const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 200);

fn host(n: u16) -> Peer {
    let [high, low] = n.to_be_bytes();
    Peer {
        mac: MacAddr(2, 0, 0, 1, high, low),
        address: Ipv4Addr::new(10, 0, high, low),
    }
}

fn asks(who: Peer, target_ip: Ipv4Addr) -> Arp {
    Arp {
        op: Operation::Request,
        eth_src: who.mac,
        eth_dst: MacAddr::broadcast(),
        sender_mac: who.mac,
        sender_ip: who.address,
        target_mac: MacAddr::zero(),
        target_ip,
    }
}

fn at(seconds: u64) -> Instant {
    Instant::at(Duration::from_secs(1_000 + seconds))
}

fn recent(talkers: &Talkers, address: Ipv4Addr, now: Instant) -> Vec<Peer> {
    let peers = talkers.recent(address, now).map(|t| t.peer);
    let v4 = |peer: Neighbor| match peer.address {
        IpAddr::V4(address) => Peer {
            mac: peer.mac,
            address,
        },
        IpAddr::V6(_) => panic!("{peer:?}"),
    };
    peers.map(v4).collect()
}

#[test]
fn the_latest_asker_comes_first_and_only_once() {
    let mut talkers = Talkers::new();
    for (second, n) in [(0, 1), (1, 2), (2, 3), (3, 1)] {
        talkers.hear(ETH0, &asks(host(n), VIP), at(second));
    }
    assert_eq!(recent(&talkers, VIP, at(4)), [host(1), host(3), host(2)]);
    assert!(recent(&talkers, Ipv4Addr::new(192, 168, 1, 201), at(4)).is_empty());
}

#[test]
fn an_asker_with_a_new_mac_replaces_itself_and_another_interface_is_another_asker() {
    let mut talkers = Talkers::new();
    let renewed = Peer {
        mac: host(9).mac,
        ..host(1)
    };
    talkers.hear(ETH0, &asks(host(1), VIP), at(0));
    talkers.hear(InterfaceIndex(3), &asks(host(1), VIP), at(1));
    talkers.hear(ETH0, &asks(renewed, VIP), at(2));
    assert_eq!(recent(&talkers, VIP, at(3)), [renewed, host(1)]);
}

#[test]
fn five_minutes_later_nobody_talks() {
    let mut talkers = Talkers::new();
    talkers.hear(ETH0, &asks(host(1), VIP), at(0));
    talkers.hear(ETH0, &asks(host(2), VIP), at(1));
    assert_eq!(recent(&talkers, VIP, at(300)), [host(2), host(1)]);
    assert_eq!(recent(&talkers, VIP, at(301)), [host(2)]);
    assert!(recent(&talkers, VIP, at(302)).is_empty());
}

#[test]
fn what_says_nothing_about_a_cache_is_passed_over() {
    let mut talkers = Talkers::new();
    let asker = host(1);
    let reply = Arp {
        op: Operation::Reply,
        ..asks(asker, VIP)
    };
    let group_sender = Arp {
        sender_mac: MacAddr::broadcast(),
        ..asks(asker, VIP)
    };
    for frame in [
        Arp::probe(asker.mac, VIP),
        Arp::gratuitous(asker.mac, VIP),
        reply,
        group_sender,
    ] {
        talkers.hear(ETH0, &frame, at(0));
    }
    assert_eq!(talkers.addresses(), 0);
}

#[test]
fn the_address_asked_for_longest_ago_makes_room() {
    let mut talkers = Talkers::new();
    let address = |n: u32| Ipv4Addr::from_bits(0xac10_0000 + n);
    let full = u32::try_from(MAX_ADDRESSES).unwrap();
    for n in 0..full {
        talkers.hear(ETH0, &asks(host(1), address(n)), at(u64::from(n / 100)));
    }
    assert_eq!(talkers.addresses(), MAX_ADDRESSES, "as many as there is room for");
    talkers.hear(ETH0, &asks(host(2), address(0)), at(20));
    talkers.hear(ETH0, &asks(host(2), address(full)), at(21));
    assert_eq!(talkers.addresses(), MAX_ADDRESSES);
    assert!(recent(&talkers, address(1), at(22)).is_empty(), "the oldest went");
    assert_eq!(
        recent(&talkers, address(0), at(22)).len(),
        2,
        "it was asked for again"
    );
    assert_eq!(recent(&talkers, address(full), at(22)), [host(2)]);
}

#[test]
fn of_many_askers_the_latest_32_are_kept() {
    let mut talkers = Talkers::new();
    for n in 0..40 {
        talkers.hear(ETH0, &asks(host(n), VIP), at(u64::from(n)));
    }
    let latest: Vec<Peer> = (8..40).rev().map(host).collect();
    assert_eq!(recent(&talkers, VIP, at(40)), latest);
}

proptest! {
    #[test]
    fn the_bounds_hold_and_the_most_recent_stay(
        questions in proptest::collection::vec((0u16..50, 0u64..30), 1..300),
    ) {
        let mut talkers = Talkers::new();
        let mut now = 0;
        let mut last: BTreeMap<u16, u64> = BTreeMap::new();
        for (n, wait) in questions {
            now += wait;
            talkers.hear(ETH0, &asks(host(n), VIP), at(now));
            last.insert(n, now);
        }
        let kept: Vec<Talker> = talkers.recent(VIP, at(now)).copied().collect();
        prop_assert!(kept.len() <= MAX_TALKERS);
        prop_assert!(kept.is_sorted_by(|a, b| a.heard >= b.heard));
        let alive = last.values().filter(|heard| now - **heard <= 300).count();
        prop_assert_eq!(kept.len(), alive.min(MAX_TALKERS));
        let oldest_kept = kept.last().map(|t| t.heard);
        for (n, heard) in last {
            let is_kept = kept.iter().any(|t| t.peer == host(n).into());
            prop_assert!(is_kept || now - heard > 300 || Some(at(heard)) <= oldest_kept);
        }
    }
}
