//! IPv6 addresses: asked for before the first claim, answered, told, defended, and their groups joined.

use std::net::Ipv6Addr;

use super::*;
use crate::neighbor::{Ndp, ndp};

const SIX: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x200);
const THEIRS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x50);

fn link_with(networks: &[&str]) -> Link {
    Link {
        networks_v6: networks.iter().map(|n| n.parse().unwrap()).collect(),
        ..link()
    }
}

/// A speaker on a LAN with IPv6, of which a Service with both families is wanted.
fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.step(Event::Links(vec![link_with(&[
        "fe80::11/64",
        "fd00:0:0:1::11/64",
    ])]));
    want(&mut desk, &[IpAddr::from(SIX)]);
    desk
}

/// A Service with 192.168.1.200 and these is wanted.
fn want(desk: &mut Desk, more: &[IpAddr]) {
    let mut both = group(200, &["node1"]);
    both.addresses.extend(more.iter().copied());
    let wanted = Wanted {
        election: Arc::new(Desired {
            groups: [(both.key, both)].into(),
            ..Desired::default()
        }),
        ..Wanted::default()
    };
    desk.step(Event::Wanted(Arc::new(wanted)));
}

fn announcing() -> Desk {
    let mut desk = desk();
    desk.pass(Duration::from_secs(10));
    assert_eq!(desk.held(), [lan(200).into()].into());
    desk
}

/// What left unasked about the IPv6 address.
fn told(desk: &Desk, purpose: Purpose) -> Vec<Ndp> {
    let effects = desk.effects.iter().filter_map(|(_, effect)| match effect {
        Effect::Announce(frame) if frame.purpose == purpose && frame.address == SIX => Some(frame.frame),
        _ => None,
    });
    effects.map(|frame| Ndp::parse(&frame).unwrap()).collect()
}

fn hear(desk: &mut Desk, ndp: &Ndp) -> Option<Ndp> {
    desk.effects.clear();
    let frame = ndp.frame();
    desk.step(Event::Frame {
        interface: ETH0,
        bytes: &frame,
        age: Duration::ZERO,
    });
    let answer = desk.effects.iter().find_map(|(_, effect)| match effect {
        Effect::Answer { frame, .. } => Some(Ndp::parse(frame).unwrap()),
        _ => None,
    });
    desk.step(Event::Tick);
    answer
}

#[test]
fn it_is_asked_for_three_times_then_told_and_answered() {
    let mut desk = announcing();
    assert_eq!(told(&desk, Purpose::Probe), vec![Ndp::probe(MINE, SIX); 3]);
    assert_eq!(
        told(&desk, Purpose::Takeover),
        vec![Ndp::gratuitous(MINE, SIX); 6]
    );
    let answer = hear(&mut desk, &Ndp::question(CLIENT, THEIRS, SIX)).unwrap();
    assert_eq!((answer.link_layer, answer.eth_dst), (Some(MINE), CLIENT));
    let counters = desk.speaker.counters(desk.now.mono);
    assert_eq!(counters.requests[&SIX.into()], 1);
    assert_eq!(counters.responses[&SIX.into()], 1);
    assert_eq!(counters.gratuitous[&SIX.into()], 6);
}

#[test]
fn who_answers_the_question_keeps_both_families_from_being_announced() {
    let mut desk = desk();
    desk.pass(Duration::from_millis(30));
    let theirs = Ndp::probe(MINE, SIX).answer(CLIENT, CLIENT);
    hear(&mut desk, &theirs);
    desk.pass(Duration::from_secs(1));
    assert!(desk.held().is_empty());
    assert_eq!(desk.speaker.published().blocked, [(SIX.into(), CLIENT)].into());
}

#[test]
fn a_stranger_is_told_and_outshouted_at_once() {
    let mut desk = announcing();
    hear(&mut desk, &Ndp::gratuitous(CLIENT, SIX));
    assert_eq!(told(&desk, Purpose::Defence), [Ndp::gratuitous(MINE, SIX)]);
    let disputes = &desk.speaker.published().disputes;
    assert_eq!(disputes[&SIX.into()].stranger, Some(CLIENT));
    assert!(!disputes.contains_key(&lan(200).into()));
}

/// What a Service gives up may be another's the next moment, and on another node.
#[test]
fn an_address_that_leaves_a_service_is_answered_for_no_more_and_one_that_joins_is() {
    let mut desk = announcing();
    want(&mut desk, &[]);
    assert_eq!(hear(&mut desk, &Ndp::question(CLIENT, THEIRS, SIX)), None);
    assert!(desk.speaker.groups(ETH0).is_empty());
    assert!(desk.answer_to(200).is_some(), "the other stays");
    want(&mut desk, &[IpAddr::from(SIX)]);
    desk.pass(Duration::from_secs(1));
    assert!(!told(&desk, Purpose::Takeover).is_empty());
    assert!(hear(&mut desk, &Ndp::question(CLIENT, THEIRS, SIX)).is_some());
}

#[test]
fn the_group_is_joined_where_it_is_announced_and_left_with_it() {
    let mut desk = announcing();
    assert_eq!(desk.speaker.groups(ETH0), [ndp::solicited_node(SIX)].into());
    desk.step(Event::Wanted(Arc::new(Wanted::default())));
    assert!(desk.held().is_empty() && desk.speaker.groups(ETH0).is_empty());
}

/// Without any IPv6 address there the kernel sends no report for a group, and nobody on that LAN asks.
#[test]
fn a_link_without_ipv6_announces_the_ipv4_twin_alone() {
    let mut desk = announcing();
    desk.step(Event::Links(vec![link()]));
    desk.step(Event::Tick);
    assert!(desk.speaker.groups(ETH0).is_empty());
    assert_eq!(hear(&mut desk, &Ndp::question(CLIENT, THEIRS, SIX)), None);
    assert!(desk.answer_to(200).is_some());
    desk.step(Event::Links(vec![link_with(&["fe80::11/64"])]));
    assert_eq!(
        desk.speaker.groups(ETH0),
        [ndp::solicited_node(SIX)].into(),
        "no subnet is needed"
    );
}

/// An IPv6 pool has more addresses than are remembered.
#[test]
fn who_scans_a_pool_makes_nobody_forget_who_asked_for_what_is_announced() {
    let mut desk = announcing();
    hear(&mut desk, &Ndp::question(CLIENT, THEIRS, SIX));
    let scanner = MacAddr(2, 0, 0, 0, 1, 66);
    for last in 0x1000..0x1800 {
        let address = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, last);
        assert_eq!(hear(&mut desk, &Ndp::question(scanner, THEIRS, address)), None);
    }
    let talkers = desk.speaker.talkers.recent(SIX, desk.now.mono);
    assert_eq!(
        talkers.map(|talker| talker.peer.mac).collect::<Vec<_>>(),
        [CLIENT]
    );
}

/// Privacy addresses come and go by the hour; others are told of what changes for them.
#[test]
fn a_second_address_in_a_subnet_is_no_news_for_other_nodes_and_another_subnet_is() {
    let mut pair = pair();
    let mut told = |networks: &[&str]| {
        pair[0].effects.clear();
        pair[0].step(Event::Links(vec![link_with(networks)]));
        pair[0].step(Event::Tick);
        let sent = pair[0].effects.iter();
        let told = sent
            .filter(|(_, effect)| matches!(effect, Effect::Datagram { .. }))
            .count()
            > 0;
        talk(&mut pair, 20);
        told
    };
    assert!(told(&["fd00:0:0:1::11/64"]));
    assert!(!told(&["fd00:0:0:1::11/64", "fd00:0:0:1::12/64", "fe80::12/64"]));
    assert!(told(&["fd00:0:0:1::11/64", "fd00:0:0:2::12/64"]));
}
