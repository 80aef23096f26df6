//! Others that speak for what this node announces.

use super::*;
use crate::election::Listed;
use crate::neighbor::conflict::Dispute;

const THEIRS: MacAddr = MacAddr(2, 0, 0, 0, 1, 12);
const THEIR_NEW_CARD: MacAddr = MacAddr(2, 0, 0, 0, 1, 112);

/// One speaker that announces 192.168.1.200 and has said so.
fn announcing() -> Desk {
    let mut desk = Desk::new();
    desk.want(&[200]);
    desk.pass(Duration::from_secs(10));
    assert_eq!(desk.held(), [lan(200).into()].into());
    desk.effects.clear();
    desk
}

fn claim(mac: MacAddr) -> Arp {
    Arp::gratuitous(mac, lan(200))
}

fn dispute(desk: &Desk) -> Option<Dispute> {
    let disputes = &desk.speaker.published().disputes;
    disputes.get(&lan(200).into()).cloned()
}

/// A frame is heard, and what follows from it is done.
fn heard(desk: &mut Desk, arp: &Arp) {
    desk.hear(arp);
    desk.step(Event::Tick);
}

#[test]
fn a_stranger_is_told_and_outshouted_at_once() {
    let mut desk = announcing();
    heard(&mut desk, &claim(CLIENT));
    assert_eq!(dispute(&desk).unwrap().stranger, Some(CLIENT));
    assert_eq!(desk.sent(Purpose::Defence), [(desk.now.mono, lan(200))]);
    let counters = desk.speaker.counters(desk.now.mono);
    assert_eq!(counters.defences, 1);
    assert!(desk.answer_to(200).is_some(), "it is answered for as before");
    let before = desk.speaker.published().version;
    for _ in 0..100 {
        heard(&mut desk, &claim(CLIENT));
    }
    assert_eq!(
        desk.speaker.published().version,
        before,
        "the same again is no news"
    );
    desk.pass(Duration::from_secs(70));
    assert_eq!(dispute(&desk), None);
    assert!(desk.speaker.published().version > before);
}

#[test]
fn who_no_longer_announces_an_address_neither_defends_it_nor_speaks_of_it() {
    let mut desk = announcing();
    heard(&mut desk, &claim(CLIENT));
    desk.want(&[]);
    assert_eq!(dispute(&desk), None);
    desk.effects.clear();
    heard(&mut desk, &claim(CLIENT));
    assert!(desk.sent(Purpose::Defence).is_empty());
    assert_eq!(dispute(&desk), None);
}

#[test]
fn a_node_that_is_cut_off_defends_nothing() {
    let mut desk = announcing();
    desk.step(Event::Links(vec![]));
    heard(&mut desk, &claim(CLIENT));
    assert_eq!((desk.sent(Purpose::Defence).len(), dispute(&desk)), (0, None));
}

/// Two nodes, each with its own network card; the first announces the address, the second does not claim it.
fn with_another_node() -> [Desk; 2] {
    let mut pair = pair();
    pair[1].step(Event::Links(vec![their_link(THEIRS)]));
    let groups = vec![group(200, &["node1"])];
    want_groups(&mut pair[0], groups);
    talk(&mut pair, 300);
    assert_eq!(pair[0].held(), [lan(200).into()].into());
    pair
}

fn their_link(mac: MacAddr) -> Link {
    Link {
        mac,
        networks: vec![Ipv4Net::new(lan(12), 24).unwrap()],
        ..link()
    }
}

#[test]
fn a_node_that_answers_without_a_claim_is_told_by_its_name() {
    let mut pair = with_another_node();
    heard(&mut pair[0], &claim(THEIRS));
    talk(&mut pair, 150);
    heard(&mut pair[0], &claim(THEIRS));
    assert_eq!(dispute(&pair[0]), None, "it may have had it a moment ago");
    talk(&mut pair, 60);
    heard(&mut pair[0], &claim(THEIRS));
    let found = dispute(&pair[0]).unwrap();
    assert_eq!((found.stranger, found.nodes), (None, ["node2".into()].into()));
    assert_eq!(pair[0].speaker.counters(pair[0].now.mono).defences, 0);
}

#[test]
fn a_frame_that_only_names_a_nodes_mac_is_not_from_that_node() {
    let mut pair = with_another_node();
    for _ in 0..5 {
        // Who stands in for a node, or an access point that answers for it.
        let instead = Arp {
            eth_src: CLIENT,
            ..claim(THEIRS)
        };
        heard(&mut pair[0], &instead);
        talk(&mut pair, 100);
    }
    assert_eq!(dispute(&pair[0]), None);
}

#[test]
fn a_card_that_was_replaced_is_its_nodes_for_ten_minutes_and_then_a_strangers() {
    let mut pair = with_another_node();
    pair[1].step(Event::Links(vec![their_link(THEIR_NEW_CARD)]));
    talk(&mut pair, 100);
    heard(&mut pair[0], &claim(THEIRS));
    assert_eq!(dispute(&pair[0]), None);
    talk(&mut pair, 100);
    pair[0].pass(Duration::from_mins(9));
    heard(&mut pair[0], &claim(THEIRS));
    assert_eq!(dispute(&pair[0]), None);
    pair[0].pass(Duration::from_mins(2));
    heard(&mut pair[0], &claim(THEIRS));
    assert_eq!(dispute(&pair[0]).unwrap().stranger, Some(THEIRS));
}

#[test]
fn our_own_cards_are_no_strangers_neither_the_second_nor_the_replaced_one() {
    let mut desk = announcing();
    let other = Link {
        index: InterfaceIndex(3),
        name: "eth1".to_owned(),
        mac: THEIRS,
        networks: vec![],
        networks_v6: vec![],
        passing: BTreeSet::new(),
        gateways: vec![],
        metric: None,
    };
    desk.step(Event::Links(vec![link(), other]));
    desk.pass(Duration::from_secs(2));
    heard(&mut desk, &claim(THEIRS));
    let moved = Link {
        mac: THEIR_NEW_CARD,
        ..link()
    };
    desk.step(Event::Links(vec![moved]));
    desk.pass(Duration::from_secs(5));
    for _ in 0..5 {
        heard(&mut desk, &claim(MINE));
        desk.pass(Duration::from_secs(3));
    }
    assert_eq!(dispute(&desk), None);
}

/// For how long the address of a node that is silent all of a sudden is left to it, while such frames of it are heard every
/// 20 ms.
fn left_to_it(frame: &Arp) -> Option<Duration> {
    let mut pair = pair();
    pair[1].step(Event::Links(vec![their_link(THEIRS)]));
    let groups = || vec![group(200, &["node2", "node1"])];
    want_groups(&mut pair[1], groups());
    talk(&mut pair, 300);
    want_groups(&mut pair[0], groups());
    talk(&mut pair, 100);
    assert_eq!((pair[0].held().len(), pair[1].held().len()), (0, 1));
    let began = pair[0].now.mono;
    for _ in 0..40 {
        heard(&mut pair[0], frame);
        heard(&mut pair[0], &reply(GATEWAY, lan(1)));
        pair[0].pass(Duration::from_millis(20));
        if !pair[0].held().is_empty() {
            return Some(pair[0].now.mono.since(began));
        }
    }
    None
}

/// It has the form of a reply. A kernel that is up answers questions; an advertisement may be somebody's who stands in.
#[test]
fn only_an_answer_to_a_question_speaks_for_a_silent_owner() {
    assert_eq!(left_to_it(&reply(THEIRS, lan(200))), None);
    let unasked = Arp {
        op: Operation::Reply,
        ..claim(THEIRS)
    };
    let took = left_to_it(&unasked);
    assert!(
        took.is_some_and(|took| took < Duration::from_millis(600)),
        "{took:?}"
    );
}

/// node2's speaker has died and was never heard; somebody answers with its MAC address in its place.
#[test]
fn an_answer_for_what_a_silent_speaker_has_on_record_is_no_conflict_at_first() {
    let mut desk = Desk::new();
    let listed = Listed {
        address: lan(12).into(),
        ready: false,
    };
    let wanted = Wanted {
        election: Arc::new(Desired {
            groups: [(lan(200).into(), group(200, &["node1", "node2"]))].into(),
            peers: [(NodeName::from("node2"), listed)].into(),
            records: [(lan(200).into(), [(NodeName::from("node2"), 1)].into())].into(),
        }),
        pools: [IpAddr::from(lan(200))].into_iter().collect(),
        ..Wanted::default()
    };
    desk.step(Event::Wanted(Arc::new(wanted)));
    let began = desk.now.mono;
    for _ in 0..20 {
        desk.effects.clear();
        while desk.sent(Purpose::Probe).is_empty() {
            desk.pass(Duration::from_millis(1));
        }
        heard(&mut desk, &reply(THEIRS, lan(200)));
        let told = !desk.speaker.published().blocked.is_empty();
        let after = desk.now.mono.since(began);
        // Others stand in for a minute.
        if after < Duration::from_secs(58) || after > Duration::from_secs(62) {
            assert_eq!(told, after > Duration::from_mins(1), "{after:?}");
        }
        assert!(desk.held().is_empty());
    }
    assert!(desk.now.mono.since(began) > Duration::from_secs(80));
}
