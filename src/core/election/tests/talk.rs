//! One speaker, and others that say what a test has them say.

use std::time::Duration;

use super::super::talk::SENT_REMEMBERED;
use super::super::wire::{Body, ClaimsPart, ClaimsVersion, Datagram, Heartbeat, Mention, SurveyReport};
use super::super::*;
use super::segment::*;
use super::table::*;

/// When fifty start together each of them is news to the others, and heartbeats leave five times as often.
#[test]
fn an_echo_of_a_quarter_of_a_second_ago_counts_however_many_heartbeats_have_left_since() {
    let mut table = Table::quiet(2);
    table.poll();
    let early = table.beat;
    for turn in 0..13 {
        table.now = table.now + Duration::from_millis(20);
        let serving = [Serving::Proven, Serving::Failing][turn % 2];
        table.election.set_serving(serving, table.now);
        table.poll();
    }
    assert!(table.beat >= early + 13);
    let heartbeat = table.heartbeat(1, Some(early));
    table.say(1, Body::Heartbeat(heartbeat));
    table.poll();
    assert!(table.election.up().contains(&name(1)));
}

#[test]
fn a_speaker_that_the_api_does_not_list_yet_is_heard_unless_there_are_more_than_anyone_has() {
    let mut table = Table::new(2);
    let mut newcomer = |node: usize| {
        let heartbeat = Heartbeat {
            echoes: [([100; 8], table.beat)].into(),
            ..Heartbeat::default()
        };
        let datagram = Datagram {
            boot: BootId([200; 16]),
            sequence: 1,
            node: name(node),
            body: Body::Heartbeat(heartbeat),
        };
        let bytes = datagram.encode(&key("shared"), 0);
        let election = &mut table.election;
        let heard = election.receive(host(2), &bytes, table.now, &mut Vec::new());
        heard.map(|_| {
            election
                .peer(&name(node))
                .is_some_and(|peer| peer.is_up(table.now))
        })
    };
    // Beside the one that is listed.
    for node in 2..=MAX_PEERS {
        assert_eq!(newcomer(node), Ok(true), "{node}");
    }
    assert_eq!(newcomer(MAX_PEERS + 1), Err(talk::Dropped::TooManyPeers));
}

/// It may have lost a link that works again one way only, and whoever it hears may have taken over.
#[test]
fn whoever_was_cut_off_is_silent_from_the_first_heartbeat_on_though_it_echoes_nothing() {
    let mut table = Table::new(2);
    table.others.get_mut(&1).unwrap().lives = false;
    let alone = table.run_ms(2_000);
    assert!(alone.contains(&Output::Hold(true)));
    let heartbeat = table.heartbeat(1, None);
    let heard = table.say(1, Body::Heartbeat(heartbeat));
    let until = table.now + RETURN;
    assert!(heard.contains(&Output::Withhold(Some(until))), "{heard:?}");
}

/// The datagram that told of the claim may have been lost.
#[test]
fn whoever_offers_on_what_was_taken_is_told_again_who_has_it() {
    let mut table = Table::new(3);
    table.claim(1, 4);
    assert_eq!(
        table.offer(1, 4),
        [Output::Claimed {
            key: ip(200),
            epoch: 5,
            because: Because::Offered {
                by: name(1),
                cause: Cause::Leaving,
            },
        }]
    );
    table.run_ms(5);
    let answer = table.offer(1, 4);
    let to_owner = |output: &Output| matches!(output, Output::Send { to, .. } if *to == host(1));
    assert!(!answer.is_empty() && answer.iter().all(to_owner), "{answer:?}");
    let told = sent(&answer).any(|datagram| match datagram.body {
        Body::Claims(part) => part.entries == [(ip(200), 5)],
        _ => false,
    });
    assert!(told, "{answer:?}");
}

/// At that moment, and not before.
#[test]
fn a_preferred_node_is_offered_an_address_once_it_has_been_up_for_five_seconds() {
    let mut lan = Segment::new(2, &[200], 1);
    lan.weigh(200, &[(1, 10)]);
    lan.desired.peers.get_mut(&name(1)).unwrap().ready = false;
    let mut table = Table::quiet(2);
    table
        .election
        .set_desired(Arc::new(lan.desired.clone()), table.now);
    table.run_ms(100);
    table.election.asked(ip(200), Answer::Silent, table.now);
    table.run_ms(1);
    assert_eq!(table.election.owner(ip(200)), Some((&name(0), 1)));
    table.others.get_mut(&1).unwrap().lives = true;
    while table.election.up().is_empty() {
        table.run_ms(1);
    }
    let offers = |out: &[Output]| sent(out).any(|datagram| matches!(datagram.body, Body::Offer(_)));
    assert!(!offers(&table.run_ms(4_999)));
    assert!(offers(&table.run_ms(1)));
}

/// It was overtaken by what its sender has claimed since.
#[test]
fn an_offer_of_an_earlier_claim_is_not_taken() {
    let mut table = Table::new(3);
    table.claim(1, 5);
    assert_eq!(table.offer(1, 4), []);
    assert_eq!(table.election.owner(ip(200)), Some((&name(1), 5)));
}

/// Without any sign from outside: its own word is enough.
#[test]
fn whoever_said_that_it_leaves_and_is_gone_before_it_could_hand_over_is_followed() {
    let mut table = Table::new(2);
    table.claim(1, 4);
    table.others.get_mut(&1).unwrap().leaving = true;
    table.run_ms(100);
    table.others.get_mut(&1).unwrap().lives = false;
    let out = table.run_ms(500);
    assert_eq!(claimed(&out), Some(&Because::GivenUp));
}

#[test]
fn an_address_that_somebody_answers_for_is_asked_for_every_five_seconds() {
    let mut table = Table::quiet(1);
    let asks = |output: &Output| matches!(output, Output::Ask { .. });
    assert_eq!(count(&table.run_ms(100), asks), 1);
    for _ in 0..3 {
        table.election.asked(ip(200), Answer::Occupied, table.now);
        assert_eq!(count(&table.run_ms(4_999), asks), 0);
        assert_eq!(count(&table.run_ms(1), asks), 1);
    }
    table.election.asked(ip(200), Answer::Silent, table.now);
    assert_eq!(claimed(&table.run_ms(1)), Some(&Because::First { candidates: 1 }));
}

/// A switch counts ARP, and drops what is too much.
#[test]
fn a_silent_owner_is_asked_for_its_address_twice_a_second() {
    let mut table = Table::new(3);
    table.claim(1, 4);
    table.others.get_mut(&1).unwrap().lives = false;
    let out = table.run_ms(10_000);
    let asked = count(&out, |output| matches!(output, Output::AskOwner { .. }));
    assert!((17..=22).contains(&asked), "{asked} times in 10 s");
}

#[test]
fn an_answer_of_a_silent_owner_counts_for_the_node_whose_card_sent_it() {
    let mut table = Table::new(3);
    table.claim(2, 4);
    table.others.values_mut().for_each(|other| other.lives = false);
    table.run_ms(200);
    table.election.owner_answered(mac(2), table.now);
    let answers = |node| table.election.peer(&name(node)).unwrap().answers_until(table.now);
    assert_eq!(answers(1), None);
    assert!(answers(2).is_some());
}

/// At that moment, and not before.
#[test]
fn an_echo_counts_for_300_ms() {
    for (ms, counts) in [(300, true), (301, false)] {
        let mut table = Table::quiet(2);
        table.poll();
        let early = table.beat;
        table.now = table.now + Duration::from_millis(ms);
        // One more leaves, and nothing else of it is in the way of the first.
        table.poll();
        assert_ne!(table.beat, early);
        let heartbeat = table.heartbeat(1, Some(early));
        table.say(1, Body::Heartbeat(heartbeat));
        table.poll();
        assert_eq!(table.election.up().contains(&name(1)), counts, "{ms} ms");
    }
}

/// Speakers that fell into step would all talk at once.
#[test]
fn a_heartbeat_follows_after_90_to_110_ms_by_lot() {
    let table = Table::new(2);
    let pause = |lot: u64| {
        let (mut election, mut now) = (table.election.clone(), table.now);
        let mut beats = Vec::new();
        while beats.len() < 2 {
            let mut out = Vec::new();
            election.poll(now, &mut || lot, &mut out);
            if sent(&out).any(|datagram| matches!(datagram.body, Body::Heartbeat(_))) {
                beats.push(now);
            }
            now = election.next_deadline(now).max(now + Duration::from_nanos(1));
        }
        beats[1].since(beats[0]).as_nanos()
    };
    for (lot, nanoseconds) in [
        (0, 90_000_000),
        (7_000_000, 97_000_000),
        (20_000_000, 110_000_000),
        (20_000_001, 90_000_000),
        (20_000_002, 90_000_001),
    ] {
        assert_eq!(pause(lot), nanoseconds, "{lot}");
    }
}

/// A datagram may be lost, and one more.
#[test]
fn what_is_claimed_is_said_at_once_and_with_the_next_two_heartbeats() {
    let mut table = Table::new(2);
    table.election.asked(ip(200), Answer::Silent, table.now);
    let mut said = Vec::new();
    let began = table.now;
    let mut run = |table: &mut Table| {
        for _ in 0..1_000 {
            let out = table.run_ms(1);
            said.extend(sent(&out).filter_map(|datagram| match datagram.body {
                Body::Claims(part) => Some((table.now.since(began).as_millis(), part.claims.version)),
                _ => None,
            }));
        }
        std::mem::take(&mut said)
    };
    let said = run(&mut table);
    let [(1, 1), (_, 1), (last, 1)] = said[..] else {
        panic!("{said:?}")
    };
    assert!(last <= 1 + 2 * 110, "{said:?}");
    // Each change is told from those before it.
    table
        .election
        .set_desired(Arc::new(Desired::default()), table.now);
    let said = run(&mut table);
    assert!(matches!(said[..], [(1_001, 2), (_, 2), (_, 2)]), "{said:?}");
}

/// Who waits for its turn asks nobody, and whoever is first does not wait.
#[test]
fn whoever_is_first_asks_for_a_new_address_at_its_first_look() {
    let mut table = Table::quiet(1);
    let asks = |out: &[Output]| count(out, |output| *output == Output::Ask { key: ip(200) });
    assert_eq!(asks(&table.poll()), 1);
    // Another look, before there is an answer.
    table.election.set_failback(Failback::Never);
    assert_eq!(asks(&table.poll()), 0);
}

/// A blip of the carrier, or a switch that dies port by port, is over by then.
#[test]
fn an_owner_that_lost_its_link_and_hears_others_elsewhere_offers_after_350_ms() {
    let mut table = Table::new(2);
    table.election.asked(ip(200), Answer::Silent, table.now);
    assert!(claimed(&table.run_ms(1)).is_some());
    table.run_ms(200);
    let mut out = Vec::new();
    table.election.set_interfaces(vec![], table.now, &mut out);
    let offers = |out: &[Output]| sent(out).any(|datagram| matches!(datagram.body, Body::Offer(_)));
    assert!(!offers(&table.run_ms(349)));
    assert!(offers(&table.run_ms(1)));
    // Nobody takes it; it is given up.
    let given_up = table.run_ms(101);
    let because = Because::NoCarrier;
    assert!(
        given_up.contains(&Output::Yielded {
            key: ip(200),
            because
        }),
        "{given_up:?}"
    );
}

/// What it claims may be what we are about to claim.
#[test]
fn a_newcomer_whose_claims_are_not_known_is_waited_for_half_a_second() {
    let mut table = Table::quiet(3);
    table.others.get_mut(&1).unwrap().lives = true;
    let mut out = table.run_ms(1_000);
    let newcomer = table.others.get_mut(&2).unwrap();
    newcomer.lives = true;
    newcomer.version = 1;
    while table.election.up().len() < 2 {
        out.extend(table.run_ms(1));
    }
    table.election.asked(ip(200), Answer::Silent, table.now);
    out.extend(table.run_ms(499));
    assert_eq!(claimed(&out), None);
    assert_eq!(
        count(&out, |output| matches!(output, Output::Ask { .. })),
        1,
        "asked once"
    );
    assert!(claimed(&table.run_ms(1)).is_some());
}

#[test]
fn whose_claims_are_not_known_is_listened_for_as_long_as_who_is_not_heard() {
    let mut table = Table::quiet(2);
    let other = table.others.get_mut(&1).unwrap();
    other.lives = true;
    other.version = 1;
    table.run_ms(599);
    assert!(table.election.up().contains(&name(1)) && !table.election.has_listened());
    table.run_ms(1);
    assert!(table.election.has_listened());
}

/// Its own word says that it lives, and its ears are not the likelier fault yet.
#[test]
fn an_owner_that_is_heard_and_does_not_hear_us_keeps_what_it_has_for_a_while() {
    for (leaving, after) in [(false, 1_851), (true, 351)] {
        let mut table = Table::new(3);
        table.claim(1, 4);
        let heard = table.now
            - table
                .election
                .peer(&name(1))
                .unwrap()
                .silent_for(table.now)
                .unwrap();
        let other = table.others.get_mut(&1).unwrap();
        other.lives = false;
        other.leaving = leaving;
        let mut taken = None;
        for ms in 0..3_000 {
            if ms % 50 == 0 {
                let deaf = table.heartbeat(1, None);
                table.say(1, Body::Heartbeat(deaf));
            }
            if claimed(&table.run_ms(1)).is_some() {
                taken = Some(table.now.since(heard).as_millis());
                break;
            }
        }
        // It may be the second in order.
        let late = taken.unwrap() - after;
        assert!(late <= 241, "{leaving}: {late} ms late");
    }
}

/// Their silence until then was ours.
#[test]
fn who_hears_somebody_again_takes_a_silent_owner_for_gone_350_ms_later() {
    let mut table = Table::new(3);
    table.claim(1, 4);
    table.others.values_mut().for_each(|other| other.lives = false);
    table.run_ms(1_000);
    assert!(table.election.up().is_empty());
    table.others.get_mut(&2).unwrap().lives = true;
    while table.election.up().is_empty() {
        assert_eq!(claimed(&table.run_ms(1)), None);
    }
    for _ in 0..349 {
        assert_eq!(claimed(&table.run_ms(1)), None);
        assert!(table.election.next_deadline(table.now) > table.now);
    }
    assert!(matches!(claimed(&table.run_ms(1)), Some(Because::Silent { .. })));
}

#[test]
fn that_one_of_two_falls_silent_and_is_back_withholds_nothing() {
    let mut table = Table::new(3);
    for lives in [false, true] {
        table.others.get_mut(&2).unwrap().lives = lives;
        let out = table.run_ms(1_000);
        assert_eq!(table.election.up().len(), 1 + usize::from(lives));
        assert_eq!(
            count(&out, |output| matches!(output, Output::Withhold(_))),
            0,
            "{out:?}"
        );
    }
}

/// It is routed to the LAN, and whoever has no interface at all cannot be meant.
#[test]
fn an_address_of_nobodys_subnet_is_left_to_those_that_have_an_interface() {
    let mut table = Table::new(2);
    let mut desired = Segment::new(2, &[200], 1).desired;
    let mut group = desired.groups.remove(&ip(200)).unwrap();
    let routed = IpAddr::from([10, 9, 9, 9]);
    group.key = routed;
    group.addresses = [routed].into();
    desired.groups.insert(routed, group);
    table.election.set_desired(Arc::new(desired), table.now);
    table.run_ms(1);
    table.election.asked(routed, Answer::Silent, table.now);
    assert!(claimed(&table.run_ms(130)).is_some());
    table.election.set_interfaces(vec![], table.now, &mut Vec::new());
    let out = table.run_ms(1_000);
    let because = Because::NoCarrier;
    assert!(out.contains(&Output::Yielded { key: routed, because }), "{out:?}");
}

#[test]
fn who_leaves_takes_nothing_that_it_is_offered() {
    let mut table = Table::new(3);
    table.claim(1, 4);
    table
        .election
        .leave(Departure::ForGood, table.now, &mut Vec::new());
    assert_eq!(table.offer(1, 4), []);
    assert!(table.election.has_left());
}

#[test]
fn what_others_say_is_looked_at_at_once_if_it_is_news() {
    let mut table = Table::new(3);
    let is_looked_at = |table: &mut Table| {
        let due = table.election.next_deadline(table.now) == table.now;
        table.poll();
        due
    };
    let said = table.heartbeat(1, Some(table.beat));
    let (mut leaving, mut resting) = (said.clone(), said.clone());
    leaving.leaving = true;
    resting.resting = true;
    for (heartbeat, news) in [(&said, false), (&leaving, true), (&said, false), (&resting, true)] {
        table.say(1, Body::Heartbeat(heartbeat.clone()));
        assert_eq!(is_looked_at(&mut table), news, "{heartbeat:?}");
    }
    for news in [true, false] {
        table.say(2, Body::AtRest([[1; 8]].into()));
        assert_eq!(is_looked_at(&mut table), news);
    }
    let mut table = Table::new(3);
    table.claim(1, 4);
    table.others.get_mut(&1).unwrap().lives = false;
    table.run_ms(400);
    for (node, news) in [(1, true), (2, false)] {
        table.election.owner_answered(mac(node), table.now);
        assert_eq!(is_looked_at(&mut table), news, "{node}");
    }
}

/// Node 1 has the address and is silent, and node 2 hears that its kernel lives.
fn resting(after_ms: u64) -> Table {
    let mut table = Table::new(4);
    table.claim(1, 4);
    table.run_ms(after_ms);
    table.others.get_mut(&1).unwrap().lives = false;
    table
}

/// Runs for a while; what it wanted done, and in which millisecond.
fn vouched_for(table: &mut Table, ms: u64) -> Vec<(u64, Output)> {
    let about = Mention {
        node: name(1),
        boot: [1; 8],
        on: lan_network(),
    };
    let mut out = Vec::new();
    for ms in 0..ms {
        if ms % 50 == 0 {
            table.say(2, Body::Contact(about.clone()));
        }
        out.extend(table.run_ms(1).into_iter().map(|output| (ms, output)));
    }
    out
}

/// What they do depends on it.
#[test]
fn others_hear_at_once_of_an_owner_that_is_at_rest_and_then_with_each_heartbeat() {
    for after_ms in (0..100).step_by(9) {
        let mut table = resting(after_ms);
        let out = vouched_for(&mut table, 1_500);
        let said = |kind: fn(&Body) -> bool| {
            let to_node_2 = out.iter().filter_map(|(ms, output)| match output {
                Output::Send { to, bytes } if *to == host(2) => Some((*ms, bytes)),
                _ => None,
            });
            let said = to_node_2.filter(|(_, bytes)| {
                let datagram = Datagram::decode(bytes, &key("shared")).unwrap();
                kind(&datagram.body)
            });
            said.map(|(ms, _)| ms).collect::<Vec<_>>()
        };
        let at_rest = said(|body| matches!(body, Body::AtRest(_)));
        // Silent for 350 ms, of which some may have passed before.
        assert!((300..=375).contains(&at_rest[0]), "{after_ms}: {at_rest:?}");
        let heartbeats = said(|body| matches!(body, Body::Heartbeat(_)));
        assert!(heartbeats.len() <= 18, "{after_ms}: {heartbeats:?}");
        assert_eq!(at_rest, heartbeats[heartbeats.len() - at_rest.len()..]);
    }
}

/// Nothing is claimed while a newcomer's claims are not known, and the owner's place is left at once all the same.
#[test]
fn who_stands_in_ceases_when_nothing_is_heard_of_the_owner_any_more() {
    let mut table = resting(0);
    table.others.get_mut(&3).unwrap().lives = false;
    let out = vouched_for(&mut table, 1_000);
    let stands_in = out
        .iter()
        .any(|(_, output)| matches!(output, Output::StandIn { .. }));
    assert!(stands_in, "{out:?}");
    let newcomer = table.others.get_mut(&3).unwrap();
    newcomer.lives = true;
    newcomer.version = 1;
    let out = table.run_ms(260);
    assert!(out.contains(&Output::StandDown { key: ip(200) }), "{out:?}");
    assert_eq!(claimed(&out), None);
}

/// Whoever was found to be gone is told again and again, and nobody was.
#[test]
fn who_has_claimed_something_sleeps_until_its_next_heartbeat() {
    let mut table = Table::new(2);
    table.election.asked(ip(200), Answer::Silent, table.now);
    assert!(claimed(&table.run_ms(1)).is_some());
    let due = table.election.next_deadline(table.now);
    assert!(due >= table.now + PERIOD.saturating_sub(PERIOD_JITTER), "{due:?}");
}

#[test]
fn what_a_survey_found_is_told_to_each_other_speaker() {
    let table = Table::new(3);
    let report = SurveyReport {
        subnet: "192.168.1.0/24".parse().unwrap(),
        age_ms: 7,
        covered: vec![],
        occupied: vec![],
    };
    let mut out = Vec::new();
    table.election.clone().report(&report, &mut out);
    let told: Vec<Body> = sent(&out).map(|datagram| datagram.body).collect();
    assert_eq!(told, [Body::Survey(report.clone()), Body::Survey(report)]);
}

/// Node 1 is first in order, and comes long after. Where there is but one address nobody else's claims are news either.
#[test]
fn a_cold_start_is_over_after_30_s_though_nothing_else_happens() {
    let mut table = Table::quiet(3);
    table.others.get_mut(&2).unwrap().lives = true;
    let out = table.run_ms(1_000);
    assert_eq!(count(&out, |output| matches!(output, Output::Ask { .. })), 1);
    table.election.asked(ip(200), Answer::Silent, table.now);
    let out = table.run_ms(40_000);
    assert_eq!(claimed(&out), Some(&Because::First { candidates: 2 }));
    table.others.get_mut(&1).unwrap().lives = true;
    let out = table.run_ms(60_000);
    let offers = sent(&out).filter(|datagram| matches!(datagram.body, Body::Offer(_)));
    assert_eq!(offers.count(), 0, "where it is it stays");
}

/// Of what it sent lately; and of that no more than anybody can echo, however often its claims change.
#[test]
fn a_speaker_remembers_the_heartbeats_that_may_still_be_echoed_and_no_others() {
    let mut table = Table::new(2);
    table.run_ms(3_000);
    assert!(table.election.sent.len() <= 4, "{}", table.election.sent.len());
    for _ in 0..1_000 {
        table.election.claims_changed = true;
        table.poll();
    }
    assert_eq!(table.election.sent.len(), SENT_REMEMBERED);
}

/// The one that had it meanwhile, at a lower epoch, has given it up: somebody else may answer for it all the same.
#[test]
fn what_an_earlier_start_had_is_asked_for_before_it_is_taken_up_again() {
    let mut table = Table::new(3);
    let part = ClaimsPart {
        claims: ClaimsVersion::default(),
        part: 0,
        parts: 1,
        entries: vec![(ip(200), 4)],
    };
    table.say(2, Body::Former(part));
    table.claim(1, 3);
    let claims = std::mem::take(&mut table.others.get_mut(&1).unwrap().claims);
    assert_eq!(claims.epoch(ip(200)), Some(3));
    let version = table.others[&1].version + 1;
    table.others.get_mut(&1).unwrap().version = version;
    let part = ClaimsPart {
        claims: ClaimsVersion {
            version,
            digest: ClaimSet::default().digest(),
        },
        part: 0,
        parts: 1,
        entries: vec![],
    };
    table.say(1, Body::Claims(part));
    let out = table.run_ms(500);
    assert_eq!(claimed(&out), None);
    assert_eq!(count(&out, |output| matches!(output, Output::Ask { .. })), 1);
    table.election.asked(ip(200), Answer::Silent, table.now);
    assert_eq!(claimed(&table.run_ms(20)), Some(&Because::Resumed));
    assert_eq!(table.election.claims().epoch(ip(200)), Some(5));
}
