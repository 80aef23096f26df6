//! Questions that come while answers are withheld.

use super::*;

const MS: Duration = Duration::from_millis(1);

/// The answers to clients so far, by when and to whom.
fn answers(desk: &Desk) -> Vec<(Instant, Ipv4Addr)> {
    let answers = desk.effects.iter().filter_map(|(at, effect)| match effect {
        Effect::Answer { frame, .. } => {
            let arp = Arp::parse(frame).unwrap();
            (arp.op == Operation::Reply).then_some((*at, arp.target_ip))
        }
        _ => None,
    });
    answers.collect()
}

fn counted(desk: &Desk) -> (Option<u64>, u64, u64) {
    let counters = desk.speaker.counters(desk.now.mono);
    let of = |by: &BTreeMap<IpAddr, u64>| by.get(&lan(200).into()).copied().unwrap_or_default();
    let withheld = counters.frames.get("withheld").copied();
    (withheld, of(&counters.requests), of(&counters.responses))
}

/// Node 1 and node 2, and which of them has 192.168.1.200.
fn with_an_owner() -> ([Desk; 2], usize) {
    let mut pair = pair();
    for (desk, place) in pair.iter_mut().zip([11, 12]) {
        desk.step(Event::Links(vec![Link {
            mac: MacAddr(2, 0, 0, 0, 1, place),
            networks: vec![Ipv4Net::new(lan(place), 24).unwrap()],
            ..link()
        }]));
    }
    talk(&mut pair, 50);
    for desk in &mut pair {
        want_groups(desk, vec![group(200, &["node1", "node2"])]);
    }
    talk(&mut pair, 500);
    let owner = pair.iter().position(|desk| !desk.held().is_empty()).unwrap();
    (pair, owner)
}

#[test]
fn a_speaker_that_was_late_answers_in_the_turn_in_which_it_knows_what_others_have() {
    let (mut pair, owner) = with_an_owner();
    let late = |desk: &mut Desk| {
        desk.effects.clear();
        desk.now.mono = desk.speaker.next_deadline(desk.now.mono) + MS * 50;
        desk.hear(&request(CLIENT, lan(50), lan(200)));
        desk.step(Event::Tick);
        assert_eq!(answers(desk), []);
    };
    late(&mut pair[owner]);
    pair[owner].pass(MS * 2);
    assert_eq!(answers(&pair[owner]), []);
    // The other one is asked, and says what it has.
    let other = 1 - owner;
    pair[other].now = pair[owner].now;
    let asked: Vec<Arc<[u8]>> = datagrams(&pair[owner]);
    pair[other].effects.clear();
    for bytes in asked {
        let from = lan(11 + u8::try_from(owner).unwrap()).into();
        pair[other].step(Event::Datagram { from, bytes: &bytes });
    }
    pair[other].step(Event::Tick);
    for bytes in datagrams(&pair[other]) {
        let from = lan(11 + u8::try_from(other).unwrap()).into();
        pair[owner].step(Event::Datagram { from, bytes: &bytes });
    }
    pair[owner].step(Event::Tick);
    let now = pair[owner].now.mono;
    assert_eq!(answers(&pair[owner]), [(now, lan(50))]);
    assert_eq!(counted(&pair[owner]), (Some(1), 1, 1));

    // Where it says nothing, nobody knows who has answered that meanwhile.
    pair[owner].pass(MS * 250);
    late(&mut pair[owner]);
    pair[owner].pass(MS * 30);
    assert_eq!(answers(&pair[owner]), []);
    assert_eq!(counted(&pair[owner]), (Some(2), 2, 1));
    let again = pair[owner].now.mono;
    pair[owner].hear(&request(CLIENT, lan(51), lan(200)));
    assert_eq!(answers(&pair[owner]), [(again, lan(51))]);
}

fn datagrams(desk: &Desk) -> Vec<Arc<[u8]>> {
    let sent = desk.effects.iter().filter_map(|(_, effect)| match effect {
        Effect::Datagram { bytes, .. } => Some(bytes.clone()),
        _ => None,
    });
    sent.collect()
}
