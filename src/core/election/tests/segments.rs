//! Nodes with a second segment between them: who is cut off from one of the two.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::Ipv6Net;

use super::super::wire::{Body, Datagram};
use super::segment::*;
use crate::election::{Because, Cause, Output, Sign};

fn settled(nodes: usize, addresses: &[u8], seed: u64) -> Segment {
    settled_with(nodes, addresses, seed, |_| {})
}

/// Where pings are dropped, or not.
fn settled_where(pingable: bool, nodes: usize, addresses: &[u8], seed: u64) -> Segment {
    settled_with(nodes, addresses, seed, |lan| {
        lan.unpingable.extend((0..nodes).filter(|_| !pingable));
    })
}

fn settled_with(nodes: usize, addresses: &[u8], seed: u64, prepare: impl Fn(&mut Segment)) -> Segment {
    let mut lan = Segment::managed(nodes, addresses, seed);
    prepare(&mut lan);
    lan.start_all();
    lan.run_ms(3_000);
    lan
}

/// `before`: what had been claimed and yielded.
fn nothing_moved(lan: &Segment, before: usize, seed: u64) {
    let since = &lan.history[before..];
    assert!(since.is_empty(), "seed {seed}: {since:?}");
}

fn owner(lan: &Segment, last: u8) -> usize {
    let who = lan.answerers(last);
    assert_eq!(who.len(), 1, "192.168.1.{last} is answered by {who:?}");
    who[0]
}

/// Runs until this is so; how long it took.
fn until(lan: &mut Segment, within_ms: u64, so: impl Fn(&Segment) -> bool) -> Duration {
    let since = lan.now;
    for _ in 0..within_ms {
        lan.run_ms(1);
        if so(lan) {
            return lan.now.since(since);
        }
    }
    panic!("not within {within_ms} ms");
}

/// Somebody else than this node answers, and reaches the LAN.
fn another(last: u8, than: usize) -> impl Fn(&Segment) -> bool {
    move |lan| {
        lan.answerers(last)
            .iter()
            .any(|node| *node != than && !lan.severed.contains(node))
    }
}

#[test]
fn a_node_whose_port_on_the_lan_dies_loses_its_addresses_as_fast_as_one_that_dies() {
    for seed in 0..20 {
        let mut lan = settled(3, &[200], seed);
        let before = owner(&lan, 200);
        lan.severed.insert(before);
        let after = until(&mut lan, 100, another(200, before));
        assert!(after <= Duration::from_millis(45), "seed {seed}: {after:?}");
        // It hears of that on the other segment.
        lan.run_ms(20);
        let heir = owner(&lan, 200);
        assert_ne!(heir, before);
        assert_eq!(lan.speakers[heir].election.up().len(), 2, "all live");
        lan.run_ms(5_000);
        lan.severed.clear();
        lan.run_ms(20_000);
        assert_eq!(owner(&lan, 200), heir, "no move back");
        assert_eq!(lan.moves_of(200).len(), 2, "seed {seed}: {:?}", lan.history);
    }
}

#[test]
fn where_pings_are_dropped_it_takes_as_long_as_heartbeats() {
    for seed in 0..20 {
        let mut lan = settled_where(false, 3, &[200], seed);
        let before = owner(&lan, 200);
        lan.severed.insert(before);
        let after = until(&mut lan, 1_500, another(200, before));
        assert!(after >= Duration::from_millis(200), "by heartbeats: {after:?}");
        assert!(after <= Duration::from_millis(900), "seed {seed}: {after:?}");
        lan.run_ms(200);
        assert_ne!(owner(&lan, 200), before);
    }
}

#[test]
fn two_that_see_the_lan_but_not_each_other_there_take_nothing_from_each_other() {
    for (seed, pingable) in (0..20).flat_map(|seed| [(seed, true), (seed, false)]) {
        let mut lan = settled_where(pingable, 2, &[200, 201], seed);
        let before = lan.history.len();
        lan.apart.insert((0, 1));
        lan.run_ms(30_000);
        nothing_moved(&lan, before, seed);
        lan.apart.clear();
        lan.run_ms(10_000);
        nothing_moved(&lan, before, seed);
    }
}

#[test]
fn a_dead_switch_of_the_lan_moves_nothing() {
    for seed in 0..20 {
        let mut lan = settled(3, &[200, 201], seed);
        let before = lan.history.len();
        lan.severed.extend([0, 1, 2]);
        lan.run_ms(10_000);
        lan.severed.clear();
        lan.run_ms(10_000);
        nothing_moved(&lan, before, seed);
    }
}

#[test]
fn whoever_is_cut_off_from_the_lan_claims_nothing_there() {
    for seed in 0..20 {
        let mut lan = settled(3, &[200], seed);
        let new = 201 + u8::try_from(seed).unwrap();
        let other = Segment::managed(3, &[new], seed);
        let first = other.first(new);
        // A speaker asks its gateways when it starts.
        lan.act(first, |election, now, _| {
            election.witness(&[lan_network()], Sign::Answer, now);
        });
        lan.severed.insert(first);
        lan.run_ms(2_000);
        lan.desired.groups.extend(other.desired.groups);
        lan.publish();
        until(&mut lan, 3_000, another(new, first));
        lan.run_ms(500);
        assert_ne!(owner(&lan, new), first, "seed {seed}");
    }
}

/// It may be mistaken, and there is nobody else.
#[test]
fn whoever_is_cut_off_from_the_lan_claims_what_it_alone_may_have() {
    let mut lan = settled(3, &[200], 1);
    let node = owner(&lan, 200);
    lan.act(node, |election, now, _| {
        election.witness(&[lan_network()], Sign::Answer, now);
    });
    lan.severed.insert(node);
    lan.run_ms(2_000);
    for (last, candidates, claims) in [(201, vec![0, 1, 2], false), (202, vec![node], true)] {
        lan.desired
            .groups
            .extend(Segment::managed(3, &[last], 1).desired.groups);
        lan.only_candidates(last, &candidates);
        lan.publish();
        lan.run_ms(2_000);
        assert_eq!(lan.answers(node, ip(last)), claims, "192.168.1.{last}");
        assert_eq!(lan.answerers(last).len(), 1, "192.168.1.{last}");
    }
}

#[test]
fn the_loss_of_the_other_segment_moves_nothing() {
    for seed in 0..20 {
        let mut lan = settled(3, &[200, 201, 202], seed);
        let before = lan.history.len();
        for (node, others) in [(0, [1, 2]), (1, [0, 2]), (2, [0, 1])] {
            lan.unmanaged.insert(node);
            lan.run_ms(5_000);
            let up = lan.speakers[node].election.up();
            assert!(
                others.iter().all(|other| up.contains(&name(*other))),
                "seed {seed}: {up:?}"
            );
            lan.unmanaged.clear();
            lan.run_ms(1_000);
        }
        lan.unmanaged.extend([0, 1, 2]);
        lan.run_ms(5_000);
        nothing_moved(&lan, before, seed);
    }
}

#[test]
fn a_node_that_dies_is_gone_from_both() {
    for seed in 0..20 {
        let mut lan = settled(3, &[200], seed);
        let before = owner(&lan, 200);
        lan.kill(before);
        let after = until(&mut lan, 100, another(200, before));
        assert!(after <= Duration::from_millis(45), "seed {seed}: {after:?}");
        let (.., because) = lan.history.last().unwrap();
        assert!(matches!(because, Because::Silent { .. }), "{because:?}");
    }
}

/// All carriers of a node go, and come back after so long.
fn blink(lan: &mut Segment, node: usize, ms: u64) {
    let back = lan.speakers[node].election.interfaces_of(&name(node)).to_vec();
    lan.unmanaged.insert(node);
    let side = std::mem::replace(&mut lan.side[node], 1);
    lan.act(node, |election, now, out| {
        election.set_interfaces(vec![], now, out);
    });
    lan.run_ms(ms);
    lan.unmanaged.remove(&node);
    lan.side[node] = side;
    lan.act(node, |election, now, out| election.set_interfaces(back, now, out));
}

/// The network that it was in has been given up, or it has another number.
#[test]
fn a_network_that_was_lost_long_ago_is_no_absence_when_all_carriers_blink() {
    for (blinked, listens) in [(20, false), (60, true)] {
        let mut lan = settled(3, &[], 21);
        lan.unplug(0, true);
        lan.run_ms(10_000);
        blink(&mut lan, 0, blinked);
        let withheld = lan.speakers[0].withheld_until.is_some();
        assert_eq!(withheld, listens, "{blinked} ms");
    }
}

/// What it has claimed since is not known.
#[test]
fn a_network_by_which_somebody_was_heard_alone_is_listened_to_however_long_it_was_lost() {
    for seconds in [2, 60] {
        let mut lan = settled(3, &[200], 22);
        let [returning, beside, there] = [0, 1, 2];
        lan.unmanaged.insert(there);
        lan.run_ms(2_000);
        lan.unplug(returning, true);
        lan.run_ms(1_000 * seconds);
        let up = lan.speakers[returning].election.up();
        assert!(up.contains(&name(beside)) && !up.contains(&name(there)), "{up:?}");
        lan.unplug(returning, false);
        assert!(lan.speakers[returning].withheld_until.is_some(), "{seconds} s");
        lan.run_ms(1_000);
        assert_eq!(lan.speakers[returning].withheld_until, None);
    }
}

#[test]
fn a_cable_that_was_out_on_the_lan_keeps_nobody_from_answering_there() {
    for seed in 0..20 {
        let mut lan = settled(3, &[200], seed);
        let before = owner(&lan, 200);
        lan.unplug(before, true);
        let after = until(&mut lan, 500, another(200, before));
        assert!(after <= Duration::from_millis(400), "seed {seed}: {after:?}");
        lan.run_ms(1_000);
        lan.unplug(before, false);
        lan.run_ms(1);
        assert_eq!(
            lan.speakers[before].withheld_until, None,
            "it missed nothing: the others were heard"
        );
        assert!(
            lan.longest_overlap() <= Duration::from_millis(5),
            "{:?}",
            lan.longest_overlap()
        );
    }
}

#[test]
fn whoever_hears_the_lan_and_does_not_reach_it_loses_its_addresses_there() {
    for (seed, pingable) in (0..20).flat_map(|seed| [(seed, true), (seed, false)]) {
        let mut lan = settled_where(pingable, 3, &[200], seed);
        let before = owner(&lan, 200);
        lan.fade(before, 100);
        until(&mut lan, 2_000, another(200, before));
        lan.run_ms(200);
        assert_ne!(owner(&lan, 200), before, "seed {seed}");
    }
}

#[test]
fn one_that_is_cut_off_accuses_nobody() {
    for seed in 0..20 {
        let mut lan = settled(4, &[200, 201, 202], seed);
        let before = lan.history.len();
        let owners: Vec<usize> = [200, 201, 202].map(|last| owner(&lan, last)).into();
        let Some(other) = (0..4).find(|node| !owners.contains(node)) else {
            continue;
        };
        lan.severed.insert(other);
        lan.run_ms(20_000);
        lan.severed.clear();
        lan.run_ms(5_000);
        nothing_moved(&lan, before, seed);
    }
}

/// On the interface that it has on the LAN.
fn has_v6(lan: &mut Segment, node: usize, networks: &[Ipv6Net]) {
    lan.act(node, |election, now, _| {
        let known = BTreeSet::from([lan_network()]);
        let subnets = networks.iter().map(|network| (*network, known.clone()));
        election.set_networks_v6(subnets.collect(), now);
    });
}

#[test]
fn whoever_loses_the_network_of_one_family_answers_until_another_node_does() {
    let six: IpAddr = "fd00::200".parse().unwrap();
    let subnet: Vec<Ipv6Net> = vec!["fd00::/64".parse().unwrap()];
    for seed in 0..20 {
        let mut lan = Segment::managed(3, &[200], seed);
        lan.desired.groups.get_mut(&ip(200)).unwrap().addresses = [ip(200), six].into();
        lan.start_all();
        for node in 0..3 {
            has_v6(&mut lan, node, &subnet);
        }
        lan.run_ms(3_000);
        let before = owner(&lan, 200);
        has_v6(&mut lan, before, &[]);
        let silent = |lan: &Segment| lan.answerers(200).is_empty();
        for _ in 0..1_000 {
            lan.run_ms(1);
            assert!(!silent(&lan), "seed {seed}: nobody answers: {:?}", lan.history);
        }
        assert_ne!(owner(&lan, 200), before, "seed {seed}");
        let (.., because) = &lan.history[lan.history.len() - 2];
        assert!(
            matches!(
                because,
                Because::Offered {
                    cause: Cause::NoLink,
                    ..
                }
            ),
            "{because:?}"
        );
    }
}

/// A Service of IPv6 alone, behind nodes that know each other on the LAN by IPv4.
fn six_alone(seed: u64) -> (Segment, IpAddr) {
    let six: IpAddr = "fd00::200".parse().unwrap();
    let subnet: Vec<Ipv6Net> = vec!["fd00::/64".parse().unwrap()];
    let mut lan = Segment::managed(3, &[200], seed);
    let mut group = lan.desired.groups.remove(&ip(200)).unwrap();
    group.key = six;
    group.addresses = [six].into();
    lan.desired.groups.insert(six, group);
    lan.start_all();
    for node in 0..3 {
        has_v6(&mut lan, node, &subnet);
    }
    lan.run_ms(3_000);
    (lan, six)
}

fn answerer(lan: &Segment, address: IpAddr) -> Vec<usize> {
    (0..3).filter(|node| lan.answers(*node, address)).collect()
}

#[test]
fn an_address_of_ipv6_leaves_a_node_that_is_gone_from_the_lan_alone() {
    for seed in 0..20 {
        let (mut lan, six) = six_alone(seed);
        let owner = answerer(&lan, six);
        assert_eq!(owner.len(), 1, "seed {seed}");
        lan.severed.insert(owner[0]);
        lan.run_ms(1_000);
        let others: Vec<usize> = answerer(&lan, six);
        assert!(
            others.iter().filter(|node| **node != owner[0]).count() == 1,
            "seed {seed}: {others:?}, {:?}",
            lan.history
        );
        lan.severed.clear();
        lan.run_ms(5_000);
        assert_eq!(answerer(&lan, six).len(), 1, "seed {seed}: {:?}", lan.history);
    }
}

/// Whoever is cut off itself claims nothing new of the LAN, whatever family it is, although it is the first in order.
#[test]
fn a_new_address_of_ipv6_is_not_claimed_by_a_node_that_is_cut_off() {
    for seed in 0..20 {
        let (mut lan, six) = six_alone(seed);
        let first = answerer(&lan, six)[0];
        let groups = std::mem::take(&mut lan.desired.groups);
        lan.publish();
        // A speaker asks its gateways when it starts.
        lan.act(first, |election, now, _| {
            election.witness(&[lan_network()], Sign::Answer, now);
        });
        lan.severed.insert(first);
        lan.run_ms(2_000);
        assert_eq!(answerer(&lan, six), [], "seed {seed}");
        lan.desired.groups = groups;
        lan.publish();
        lan.run_ms(2_000);
        let now = answerer(&lan, six);
        assert!(
            now.len() == 1 && now != [first],
            "seed {seed}: {now:?}, {:?}",
            lan.history
        );
    }
}

#[test]
fn of_three_without_a_gateway_two_that_hear_the_third_alone_take_nothing_from_each_other() {
    for (seed, pingable) in (0..10).flat_map(|seed| [(seed, true), (seed, false)]) {
        let mut lan = Segment::managed(3, &[200, 201, 202], seed);
        lan.gateway = None;
        if !pingable {
            lan.unpingable.extend([0, 1, 2]);
        }
        lan.start_all();
        lan.run_ms(5_000);
        let before = lan.history.len();
        lan.apart.insert((0, 1));
        lan.run_ms(30_000);
        nothing_moved(&lan, before, seed);
    }
}

#[test]
fn who_blinked_on_both_segments_ceases_at_the_new_owners_first_word() {
    for seed in 0..20 {
        let mut lan = settled(3, &[200], seed);
        let before = owner(&lan, 200);
        lan.side[before] = 1;
        lan.unmanaged.insert(before);
        lan.run_ms(40);
        lan.side[before] = 0;
        lan.muffled.insert(before, lan.now + Duration::from_millis(300));
        lan.unmanaged.clear();
        lan.run_ms(1_000);
        assert!(
            lan.longest_overlap() <= Duration::from_millis(7),
            "seed {seed}: {:?}",
            lan.longest_overlap()
        );
    }
}

#[test]
fn of_two_nodes_the_living_one_answers_also_when_the_other_returns() {
    for seed in 0..20 {
        let mut lan = settled(2, &[200, 201], seed);
        let other = 1 - owner(&lan, 200);
        lan.kill(other);
        lan.run_ms(3_000);
        lan.start(other);
        for _ in 0..3_000 {
            lan.run_ms(1);
            assert!(
                !lan.answerers(200).is_empty(),
                "seed {seed}: nobody answers at {:?}",
                lan.now
            );
        }
    }
}

#[test]
fn of_two_without_a_gateway_the_one_on_the_lan_announces_what_is_new() {
    for seed in 0..20 {
        let mut lan = settled_with(2, &[200], seed, |lan| lan.gateway = None);
        let other = Segment::managed(2, &[201], seed);
        lan.severed.insert(1 - other.first(201));
        lan.run_ms(2_000);
        lan.desired.groups.extend(other.desired.groups);
        lan.publish();
        until(&mut lan, 3_000, |lan| !lan.answerers(201).is_empty());
    }
}

#[test]
fn without_the_other_segment_a_speaker_that_is_started_anew_is_met_on_the_lan() {
    for seed in 0..20 {
        let mut lan = settled(3, &[200, 201], seed);
        lan.unmanaged.extend([0, 1, 2]);
        lan.run_ms(1_000);
        lan.kill_speaker(1);
        lan.run_ms(1_000);
        lan.start(1);
        let met = until(&mut lan, 3_000, |lan| lan.speakers[1].election.up().len() == 2);
        assert!(met <= Duration::from_millis(400), "seed {seed}: {met:?}");
    }
}

/// What it heard of the other node there says nothing any more.
#[test]
fn who_has_no_interface_on_the_other_segment_any_more_judges_by_the_lan_alone() {
    for seed in 0..5 {
        let mut lan = settled(2, &[200], seed);
        let before = owner(&lan, 200);
        let heir = 1 - before;
        lan.unmanaged.insert(heir);
        lan.act(heir, |election, now, out| {
            let mut left = election.interfaces_of(&name(heir)).to_vec();
            left.retain(|interface| interface.network.contains(&host(heir)));
            election.set_interfaces(left, now, out);
        });
        lan.run_ms(2_000);
        lan.kill(before);
        until(&mut lan, 45, another(200, before));
        let up = lan.speakers[heir].election.up();
        assert!(up.is_empty(), "seed {seed}: {up:?}");
    }
}

/// The second one has seen its own port work after the first one fell silent, and not for long enough.
#[test]
fn a_switch_of_the_lan_that_dies_port_by_port_moves_nothing() {
    for seed in 0..10 {
        let mut lan = settled_where(false, 2, &[200, 201], seed);
        let before = lan.history.len();
        lan.severed.insert(0);
        lan.run_ms(180);
        lan.severed.insert(1);
        lan.run_ms(2_000);
        nothing_moved(&lan, before, seed);
    }
}

#[test]
fn who_answers_on_the_lan_by_arp_alone_is_not_gone_from_there() {
    for seed in 0..5 {
        let mut lan = settled_where(false, 3, &[200], seed);
        let before = lan.history.len();
        let owner = owner(&lan, 200);
        lan.muffled.insert(owner, lan.now + Duration::from_mins(1));
        lan.run_ms(5_000);
        nothing_moved(&lan, before, seed);
    }
}

/// It may be a network of the same numbers by chance, as nodes have for their containers.
#[test]
fn where_a_peer_was_never_heard_one_heartbeat_a_second_is_sent() {
    let mut lan = Segment::managed(2, &[200], 1);
    lan.severed.insert(1);
    lan.start_all();
    lan.run_ms(3_000);
    let mut sent = [0, 0];
    // What leaves in the next 300 ms, again and again: for so long the peer counts as up without a word of it.
    for _ in 0..20 {
        let mut election = lan.speakers[0].election.clone();
        assert!(election.up().contains(&name(1)));
        let mut out = Vec::new();
        for ms in 0..300 {
            let now = lan.now + Duration::from_millis(ms);
            election.poll(now, &mut || 10_000_000, &mut out);
        }
        for output in out {
            if let Output::Send { to, bytes } = output
                && matches!(
                    Datagram::decode(&bytes, &key("shared")).unwrap().body,
                    Body::Heartbeat(_)
                )
            {
                sent[usize::from(to == host(1))] += 1;
                assert!(to == host(1) || to == desk(1));
            }
        }
        lan.run_ms(300);
    }
    assert!(
        sent[0] >= 58 && (4..=8).contains(&sent[1]),
        "{sent:?} in six seconds"
    );
}

#[test]
fn whoever_is_back_on_the_lan_claims_what_is_new_there() {
    for seed in 0..3 {
        let mut lan = settled(3, &[200], seed);
        let other = Segment::managed(3, &[201], seed);
        let first = other.first(201);
        lan.act(first, |election, now, _| {
            election.witness(&[lan_network()], Sign::Answer, now);
        });
        lan.severed.insert(first);
        lan.run_ms(2_000);
        lan.severed.clear();
        lan.run_ms(2_000);
        lan.desired.groups.extend(other.desired.groups);
        lan.publish();
        lan.run_ms(1_000);
        assert_eq!(owner(&lan, 201), first, "seed {seed}");
    }
}

/// Of what is heard on the LAN either shows that one's own link works.
#[test]
fn where_pings_are_dropped_the_gateway_is_enough_and_so_is_another_node() {
    for (nodes, gateway) in [(2, Some(0)), (3, None)] {
        for seed in 0..3 {
            let mut lan = settled_with(nodes, &[200], seed, |lan| {
                lan.unpingable.extend(0..nodes);
                lan.gateway = gateway;
            });
            let before = owner(&lan, 200);
            lan.severed.insert(before);
            until(&mut lan, 1_500, another(200, before));
        }
    }
}
