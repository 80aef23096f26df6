//! Advertisements that name interfaces.

use super::*;

const ETH1: InterfaceIndex = InterfaceIndex(3);
const SECOND: MacAddr = MacAddr(2, 0, 0, 0, 3, 11);

fn second() -> Link {
    Link {
        index: ETH1,
        name: "eth1".to_owned(),
        mac: SECOND,
        networks: vec![],
        networks_v6: vec![],
        passing: BTreeSet::new(),
        gateways: vec![],
        metric: None,
    }
}

/// 192.168.1.200 is wanted on these interfaces of this node; on all for none.
fn want_on(desk: &mut Desk, names: &[&str]) {
    want_of(desk, names, &["node1", "node2"]);
}

/// The same where these nodes may announce it.
fn want_of(desk: &mut Desk, names: &[&str], nodes: &[&str]) {
    let key = IpAddr::from(lan(200));
    let named: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let wanted = Wanted {
        election: Arc::new(Desired {
            groups: [(key, group(200, nodes))].into(),
            ..Desired::default()
        }),
        pools: [key].into_iter().collect(),
        interfaces: if names.is_empty() {
            BTreeMap::new()
        } else {
            [(key, named)].into()
        },
        ..Wanted::default()
    };
    desk.step(Event::Wanted(Arc::new(wanted)));
}

fn on_two_cards(names: &[&str]) -> Desk {
    let mut desk = Desk::new();
    desk.step(Event::Links(vec![link(), second()]));
    want_on(&mut desk, names);
    desk.pass(Duration::from_secs(2));
    desk
}

/// The MACs that are answered with at each of the two interfaces.
fn answers(desk: &mut Desk) -> [Option<MacAddr>; 2] {
    [ETH0, ETH1].map(|interface| {
        desk.effects.clear();
        let frame = request(CLIENT, lan(50), lan(200)).frame();
        desk.step(Event::Frame {
            interface,
            bytes: &frame,
            age: Duration::ZERO,
        });
        desk.effects.iter().find_map(|(_, effect)| match effect {
            Effect::Answer { frame, .. } => Some(Arp::parse(frame).unwrap().sender_mac),
            _ => None,
        })
    })
}

fn recorded(desk: &Desk) -> (String, Option<MacAddr>) {
    let held = &desk.speaker.published().held[&lan(200).into()];
    (held.interfaces.join(","), held.mac)
}

#[test]
fn what_is_named_answers_and_nothing_else() {
    let (both, first, other) = (
        [Some(MINE), Some(SECOND)],
        [Some(MINE), None],
        [None, Some(SECOND)],
    );
    let table: [(&[&str], _, &str, _); 5] = [
        (&[], first, "eth0", MINE),
        (&["eth0"], first, "eth0", MINE),
        (&["eth1"], other, "eth1", SECOND),
        (&["eth0", "eth1"], both, "eth0,eth1", MINE),
        (&["eth1", "eth9"], other, "eth1", SECOND),
    ];
    for (names, answered, interfaces, mac) in table {
        let mut desk = on_two_cards(names);
        assert_eq!(answers(&mut desk), answered, "{names:?}");
        assert_eq!(recorded(&desk), (interfaces.to_owned(), Some(mac)), "{names:?}");
    }
}

#[test]
fn of_two_cards_in_one_subnet_one_answers_and_the_other_when_that_is_gone() {
    let twin = Link {
        networks: vec![Ipv4Net::new(lan(12), 24).unwrap()],
        ..second()
    };
    let router_behind = |link: Link, is: bool| Link {
        gateways: if is { vec![lan(1).into()] } else { vec![] },
        metric: None,
        ..link
    };
    for (behind, answered) in [(true, [Some(MINE), None]), (false, [None, Some(SECOND)])] {
        let mut desk = Desk::new();
        let cards = vec![
            router_behind(link(), behind),
            router_behind(twin.clone(), !behind),
        ];
        desk.step(Event::Links(cards.clone()));
        want_on(&mut desk, &[]);
        desk.pass(Duration::from_secs(2));
        assert_eq!(
            answers(&mut desk),
            answered,
            "the one by which the router is reached"
        );
        let left = cards[usize::from(behind)].clone();
        desk.step(Event::Links(vec![left]));
        desk.pass(Duration::from_secs(2));
        assert_eq!(
            answers(&mut desk),
            [answered[0].xor(Some(MINE)), answered[1].xor(Some(SECOND))]
        );
    }
}

/// One question must not have two answers, named or not.
#[test]
fn of_two_cards_that_both_lead_to_a_router_the_one_with_the_smaller_metric_answers() {
    let leading = |link: Link, last: u8, metric: u32| Link {
        networks: vec![Ipv4Net::new(lan(last), 24).unwrap()],
        gateways: vec![lan(1).into()],
        metric: Some(metric),
        ..link
    };
    let (first, other) = ([Some(MINE), None], [None, Some(SECOND)]);
    for names in [&[] as &[&str], &["eth0", "eth1"]] {
        for (metrics, answered) in [((0, 0), first), ((100, 101), first), ((101, 100), other)] {
            let mut desk = Desk::new();
            let cards = vec![leading(link(), 11, metrics.0), leading(second(), 12, metrics.1)];
            desk.step(Event::Links(cards));
            want_on(&mut desk, names);
            desk.pass(Duration::from_secs(2));
            assert_eq!(answers(&mut desk), answered, "{metrics:?} {names:?}");
        }
    }
}

#[test]
fn our_own_other_card_that_hears_the_question_is_no_stranger() {
    let mut desk = Desk::new();
    desk.step(Event::Links(vec![link(), second()]));
    want_on(&mut desk, &["eth0", "eth1"]);
    desk.pass(Duration::from_millis(20));
    desk.hear(&Arp::probe(SECOND, lan(200)));
    desk.pass(Duration::from_secs(2));
    assert_eq!(recorded(&desk).0, "eth0,eth1");
    assert!(desk.speaker.published().blocked.is_empty());
}

#[test]
fn another_name_moves_the_answers_at_once_and_the_old_card_says_no_more() {
    let mut desk = on_two_cards(&["eth0"]);
    desk.effects.clear();
    want_on(&mut desk, &["eth1"]);
    assert_eq!(answers(&mut desk), [None, Some(SECOND)]);
    assert_eq!(recorded(&desk), ("eth1".to_owned(), Some(SECOND)));
    desk.effects.clear();
    desk.pass(Duration::from_mins(3));
    let mut said = desk.effects.iter().filter_map(|(_, effect)| match effect {
        Effect::Announce(frame) if frame.purpose != Purpose::Probe => Some(frame.interface),
        _ => None,
    });
    assert!(said.all(|interface| interface == ETH1));
    want_on(&mut desk, &[]);
    assert_eq!(answers(&mut desk), [Some(MINE), None]);
}

#[test]
fn a_node_without_any_of_them_stands_for_nothing_and_says_so_where_it_would_be_the_first() {
    let nowhere = |desk: &Desk| desk.speaker.published().nowhere.clone();
    let mut desk = on_two_cards(&["eth9"]);
    assert!(desk.held().is_empty() && answers(&mut desk) == [None, None]);
    assert!(nowhere(&desk).is_empty(), "another candidate may have it");
    desk.pass(Duration::from_secs(3));
    assert_eq!(nowhere(&desk), [lan(200).into()].into());
    let plugged = Link {
        name: "eth9".to_owned(),
        ..second()
    };
    desk.step(Event::Links(vec![link(), plugged]));
    desk.pass(Duration::from_secs(2));
    assert_eq!(answers(&mut desk), [None, Some(SECOND)]);
    assert!(nowhere(&desk).is_empty());
    desk.step(Event::Links(vec![link()]));
    desk.pass(Duration::from_secs(1));
    assert!(desk.held().is_empty(), "the card is gone, and so is the claim");
}

#[test]
fn what_is_announced_and_then_named_for_a_card_that_nobody_has_is_said() {
    for nodes in [&["node1", "node2"][..], &["node1"], &["node2"]] {
        let mut pair = pair();
        for (desk, place) in pair.iter_mut().zip([11, 12]) {
            desk.step(Event::Links(vec![Link {
                mac: MacAddr(2, 0, 0, 0, 1, place),
                networks: vec![Ipv4Net::new(lan(place), 24).unwrap()],
                ..link()
            }]));
        }
        talk(&mut pair, 50);
        let count = |pair: &[Desk; 2], of: fn(&Desk) -> usize| pair.iter().map(of).sum::<usize>();
        let held = |pair: &[Desk; 2]| count(pair, |desk| desk.held().len());
        let told = |pair: &[Desk; 2]| count(pair, |desk| desk.speaker.published().nowhere.len());
        // All of them at first, then by name; there and back.
        for (names, announced) in [(&[][..], 1), (&["eth9"], 0), (&["eth0"], 1), (&["eth9"], 0)] {
            for desk in &mut pair {
                want_of(desk, names, nodes);
            }
            talk(&mut pair, 500);
            assert_eq!(held(&pair), announced, "{names:?} of {nodes:?}");
            assert_eq!(
                told(&pair),
                1 - announced,
                "one says so for all: {names:?} of {nodes:?}"
            );
        }
    }
}

#[test]
fn another_candidate_that_has_it_announces_it_and_nobody_complains() {
    let mut pair = pair();
    for (place, desk) in pair.iter_mut().enumerate() {
        let mut links = vec![Link {
            mac: MacAddr(2, 0, 0, 0, 1, 11 + u8::try_from(place).unwrap()),
            networks: vec![Ipv4Net::new(lan(11 + u8::try_from(place).unwrap()), 24).unwrap()],
            ..link()
        }];
        links.extend((place == 1).then(second));
        desk.step(Event::Links(links));
    }
    talk(&mut pair, 50);
    let first = group(200, &["node1", "node2"]).order[0].clone();
    for desk in &mut pair {
        want_on(desk, &["eth1"]);
    }
    talk(&mut pair, 500);
    let held = pair.each_ref().map(Desk::held);
    assert_eq!(
        held,
        [BTreeSet::new(), [lan(200).into()].into()],
        "{first} is the first in order"
    );
    assert!(
        pair.iter()
            .all(|desk| desk.speaker.published().nowhere.is_empty())
    );
}
