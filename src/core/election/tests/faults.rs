//! Links cut, speakers killed, partitions.

use std::time::Duration;

use super::super::wire::{Body, Datagram, Heartbeat};
use super::super::*;
use super::segment::*;

const ADDRESSES: [u8; 6] = [200, 201, 202, 203, 204, 205];

fn settled(nodes: usize) -> Segment {
    let mut lan = Segment::new(nodes, &ADDRESSES, 7);
    lan.start_all();
    lan.run_ms(2_000);
    assert!(ADDRESSES.iter().all(|a| lan.answerers(*a).len() == 1));
    lan
}

fn all_answered_once(lan: &Segment) {
    for last in ADDRESSES {
        assert_eq!(
            lan.answerers(last).len(),
            1,
            "192.168.1.{last}: {:?}",
            lan.answerers(last)
        );
    }
}

#[test]
fn a_cut_link_moves_exactly_its_addresses_within_400_ms() {
    let mut lan = settled(3);
    let owner = lan.answerers(200)[0];
    let before: Vec<usize> = ADDRESSES.iter().map(|a| lan.answerers(*a)[0]).collect();
    lan.unplug(owner, true);
    lan.run_ms(400);
    for (last, was) in ADDRESSES.iter().zip(before) {
        let now = lan.answerers(*last)[0];
        assert_eq!(
            now != was,
            was == owner,
            "192.168.1.{last} was on {was}, is on {now}"
        );
    }
    let (.., because) = lan.history.last().unwrap();
    assert!(
        matches!(because, Because::Silent { node, .. } if *node == name(owner)),
        "{because}"
    );
}

#[test]
fn the_node_that_returns_takes_nothing_back_and_never_answers_beside_the_new_owner() {
    let mut lan = settled(3);
    let owner = lan.answerers(200)[0];
    lan.unplug(owner, true);
    lan.run_ms(5_000);
    let holder = lan.answerers(200)[0];
    lan.unplug(owner, false);
    lan.run_ms(10_000);
    assert_eq!(lan.answerers(200), [holder]);
    assert_eq!(lan.longest_overlap(), Duration::ZERO, "{:#?}", lan.history);
    all_answered_once(&lan);
    assert!(
        lan.history
            .iter()
            .any(|(_, n, _, epoch, b)| *n == owner && epoch.is_none() && matches!(b, Because::Beaten { .. }))
    );
}

#[test]
fn a_port_that_drops_everything_is_a_cut_link_too() {
    let mut lan = settled(3);
    let owner = lan.answerers(200)[0];
    lan.side[owner] = 9;
    lan.run_ms(5_000);
    let others: Vec<usize> = lan.answerers(200).into_iter().filter(|n| *n != owner).collect();
    assert_eq!(others.len(), 1);
    assert!(
        lan.speakers[owner].held,
        "it hears nobody and says nothing unasked"
    );
    lan.side[owner] = 0;
    lan.run_ms(10_000);
    assert_eq!(lan.answerers(200), others);
    assert!(!lan.speakers[owner].held);
    all_answered_once(&lan);
}

#[test]
fn a_node_that_hears_nobody_and_has_no_witness_takes_nothing_over() {
    let mut lan = settled(3);
    lan.side = vec![1, 0, 0];
    lan.run_ms(10_000);
    let claimed: Vec<_> = lan
        .history
        .iter()
        .filter(|(at, node, ..)| {
            *node == 0 && at.since(lan.now) == Duration::ZERO && lan.now.since(*at) < Duration::from_secs(9)
        })
        .collect();
    assert!(claimed.is_empty(), "{claimed:?}");
    let before = lan.moves_of(200).len();
    lan.side = vec![0; 3];
    lan.run_ms(5_000);
    assert_eq!(
        lan.moves_of(200).len(),
        before,
        "healing moves nothing: {:#?}",
        lan.history
    );
    all_answered_once(&lan);
}

#[test]
fn of_two_nodes_the_survivor_takes_over_with_the_gateway_as_its_witness() {
    let mut lan = settled(2);
    lan.kill(0);
    lan.run_ms(480);
    for last in ADDRESSES {
        assert_eq!(lan.answerers(last), [1]);
    }
    assert!(!lan.speakers[1].held, "it may announce: its link works");
}

#[test]
fn of_two_nodes_without_a_witness_none_takes_over() {
    let mut lan = settled(2);
    lan.gateway = None;
    let of_0: Vec<u8> = ADDRESSES
        .into_iter()
        .filter(|a| lan.answerers(*a) == [0])
        .collect();
    assert!(!of_0.is_empty());
    lan.kill(0);
    lan.run_ms(5_000);
    assert!(of_0.iter().all(|a| lan.answerers(*a).is_empty()));
    assert!(lan.speakers[1].held);
    lan.gateway = Some(0);
    lan.run_ms(400);
    assert!(
        of_0.iter().all(|a| lan.answerers(*a) == [1]),
        "once its link is known to work it does"
    );
}

#[test]
fn a_killed_speaker_is_replaced_and_its_next_start_takes_nothing() {
    let mut lan = settled(3);
    let owner = lan.answerers(200)[0];
    lan.kill(owner);
    lan.run_ms(450);
    all_answered_once(&lan);
    let history = lan.history.len();
    lan.start(owner);
    lan.run_ms(10_000);
    assert_eq!(lan.history.len(), history, "{:?}", &lan.history[history..]);
}

#[test]
fn a_speaker_that_says_goodbye_is_replaced_at_once() {
    let mut lan = settled(3);
    let owner = lan.answerers(200)[0];
    lan.leave(owner);
    lan.run_ms(40);
    all_answered_once(&lan);
    // The way of its heir's claim.
    assert!(lan.longest_overlap() <= Duration::from_millis(1));
}

#[test]
fn after_a_partition_the_higher_epoch_stays() {
    let mut lan = settled(4);
    lan.side = vec![0, 0, 1, 1];
    lan.run_ms(3_000);
    for last in ADDRESSES {
        assert_eq!(lan.answerers(last).len(), 2, "one on each side");
    }
    lan.side = vec![0; 4];
    lan.run_ms(1_000);
    all_answered_once(&lan);
    let yielded = lan
        .history
        .iter()
        .filter(|(.., b)| matches!(b, Because::Beaten { .. }))
        .count();
    assert_eq!(yielded, ADDRESSES.len(), "{:#?}", lan.history);
}

#[test]
fn a_lost_heartbeat_moves_nothing() {
    let mut lan = settled(3);
    let history = lan.history.len();
    for _ in 0..20 {
        lan.loss = 100;
        lan.run_ms(85);
        lan.loss = 0;
        lan.run_ms(500);
    }
    assert_eq!(lan.history.len(), history, "{:?}", &lan.history[history..]);
}

#[test]
fn fifty_speakers_agree() {
    let addresses: Vec<u8> = (100..130).collect();
    let mut lan = Segment::new(50, &addresses, 3);
    lan.start_all();
    lan.run_ms(1_200);
    for last in &addresses {
        assert_eq!(
            lan.answerers(*last).len(),
            1,
            "192.168.1.{last}: {:?}",
            lan.answerers(*last)
        );
    }
    assert_eq!(lan.longest_overlap(), Duration::ZERO);
}

#[test]
fn a_node_that_is_back_and_hears_before_it_is_heard_takes_nothing_and_answers_nothing_that_moved() {
    let mut lan = settled(3);
    let owner = lan.answerers(200)[0];
    let others: Vec<(u8, usize)> = ADDRESSES
        .iter()
        .map(|last| (*last, lan.answerers(*last)[0]))
        .filter(|(_, node)| *node != owner)
        .collect();
    assert!(!others.is_empty());
    lan.unplug(owner, true);
    lan.run_ms(400);
    // Back so soon that the others never were down for long, and unable to reach them for another second.
    lan.muffled.insert(owner, lan.now + Duration::from_secs(1));
    lan.unplug(owner, false);
    lan.run_ms(5_000);
    assert_eq!(lan.longest_overlap(), Duration::ZERO, "{:#?}", lan.history);
    for (last, node) in others {
        assert_eq!(
            lan.answerers(last),
            [node],
            "192.168.1.{last} moved: {:#?}",
            lan.history
        );
    }
    all_answered_once(&lan);
}

#[test]
fn a_node_that_hears_nobody_for_good_is_taken_over_although_it_is_heard() {
    let mut lan = settled(3);
    let owner = lan.answerers(200)[0];
    // What it sends arrives, what is sent to it does not.
    lan.deaf.insert(owner);
    lan.run_ms(2_500);
    let now: Vec<usize> = lan
        .answerers(200)
        .into_iter()
        .filter(|node| *node != owner)
        .collect();
    assert_eq!(now.len(), 1, "{:#?}", lan.history);
}

#[test]
fn a_claim_that_arrives_before_the_api_tells_what_it_is_about_is_not_forgotten() {
    let mut lan = Segment::new(3, &ADDRESSES, 7);
    let groups = std::mem::take(&mut lan.desired.groups);
    lan.start_all();
    lan.run_ms(1_000);
    lan.desired.groups = groups;
    // One node hears of the Services half a second before the others.
    let desired = Arc::new(lan.desired.clone());
    let first = lan.first(200);
    lan.tell(first, &desired);
    lan.run_ms(500);
    assert_eq!(lan.answerers(200), [first]);
    lan.publish();
    lan.run_ms(500);
    lan.kill(first);
    lan.run_ms(600);
    let claims = lan.moves_of(200);
    assert_eq!(claims.len(), 2, "{:#?}", lan.history);
    assert_eq!(
        claims[1].1, 2,
        "the next owner knows of the claim before its own: {:#?}",
        lan.history
    );
}

/// The cable is back a few milliseconds after somebody took over: the old owner has not noticed that it was away.
#[test]
fn a_link_that_is_back_right_after_the_takeover_says_nothing_before_it_has_listened() {
    for late in [0, 5, 20, 60] {
        let mut lan = settled(3);
        let owner = lan.answerers(200)[0];
        lan.unplug(owner, true);
        let mut waited = 0;
        while lan.answerers(200).is_empty() || lan.answerers(200) == [owner] {
            lan.run_ms(1);
            waited += 1;
            assert!(waited < 500, "nobody took over");
        }
        let heir = lan.answerers(200)[0];
        lan.run_ms(late);
        lan.unplug(owner, false);
        assert!(
            lan.speakers[owner].held && !lan.answers(owner, ip(200)),
            "{late} ms later it spoke at once"
        );
        lan.run_ms(3_000);
        assert_eq!(lan.answerers(200), [heir], "{late} ms later");
        assert_eq!(lan.longest_overlap(), Duration::ZERO, "{:#?}", lan.history);
        assert!(!lan.speakers[owner].held);
        all_answered_once(&lan);
    }
}

/// Nobody can have taken anything over meanwhile: a switch that blinks costs no answer.
#[test]
fn a_blink_of_the_carrier_withholds_nothing() {
    let mut lan = settled(3);
    let owner = lan.answerers(200)[0];
    let moves = lan.moves_of(200).len();
    for _ in 0..20 {
        lan.unplug(owner, true);
        lan.run_ms(25);
        lan.unplug(owner, false);
        assert!(lan.answers(owner, ip(200)) && !lan.speakers[owner].held);
        lan.run_ms(700);
    }
    assert_eq!(lan.moves_of(200).len(), moves);
    all_answered_once(&lan);
}

/// Alone there is nobody who could have taken over.
#[test]
fn a_lone_speaker_answers_as_soon_as_its_link_is_back() {
    let mut lan = settled(1);
    lan.unplug(0, true);
    lan.run_ms(2_000);
    lan.unplug(0, false);
    assert!(lan.answers(0, ip(200)) && !lan.speakers[0].held);
}

#[test]
fn a_speaker_that_was_stopped_listens_before_it_answers() {
    for seed in 0..40 {
        for stopped in [300, 800, 5_000] {
            let mut lan = Segment::settled(3, &ADDRESSES, 170 + seed);
            let owner = lan.answerers(200)[0];
            lan.stop(owner);
            lan.run_ms(stopped);
            lan.resume(owner);
            lan.run_ms(3_000);
            // Whoever stood in answers with the same MAC address until it has heard that the owner hears it, too: a
            // heartbeat that leaves at once, or the next one.
            let overlap = lan.longest_overlap();
            assert!(
                overlap <= PERIOD + PERIOD_JITTER + Duration::from_millis(1),
                "seed {seed}, {stopped}: {overlap:?}, {:#?}",
                lan.history
            );
            all_answered_once(&lan);
        }
    }
}

#[test]
fn a_speaker_that_was_stopped_briefly_answers_on() {
    let mut lan = settled(3);
    let owner = lan.answerers(200)[0];
    lan.stop(owner);
    lan.run_ms(90);
    lan.resume(owner);
    assert_eq!(
        lan.answerers(200),
        [],
        "its machine may have stood still: what others claim is asked first"
    );
    lan.run_ms(3);
    assert_eq!(lan.answerers(200), [owner]);
}

#[test]
fn owners_that_cannot_hear_each_other_find_out_by_their_records() {
    let mut lan = settled(3);
    lan.separate();
    lan.run_ms(2_000);
    assert_eq!(
        lan.answerers(200).len(),
        3,
        "each sees the gateway and nobody else"
    );
    let moves = lan.history.len();
    for _ in 0..60 {
        lan.record();
        lan.run_ms(1_000);
    }
    all_answered_once(&lan);
    let late: Vec<_> = lan.history[moves..]
        .iter()
        .filter(|(.., because)| !matches!(because, Because::Recorded { .. }))
        .collect();
    assert!(late.is_empty(), "nobody takes back what it gave up: {late:#?}");
    lan.apart.clear();
    let history = lan.history.len();
    lan.run_ms(5_000);
    assert_eq!(lan.history.len(), history, "who is heard again moves nothing");
}

/// Records that are about to be removed, and heartbeats that are merely late, are settled by then.
#[test]
fn a_better_claim_on_record_is_yielded_to_after_five_seconds() {
    let mut lan = settled(3);
    lan.separate();
    lan.run_ms(2_000);
    assert_eq!(lan.answerers(200).len(), 3);
    lan.record();
    lan.run_ms(4_900);
    assert_eq!(lan.answerers(200).len(), 3, "{:#?}", lan.history);
    lan.run_ms(200);
    all_answered_once(&lan);
}

#[test]
fn what_was_given_up_to_a_record_is_taken_when_its_owner_is_gone() {
    let mut lan = settled(2);
    lan.separate();
    lan.run_ms(1_000);
    for _ in 0..8 {
        lan.record();
        lan.run_ms(1_000);
    }
    all_answered_once(&lan);
    let owner = lan.answerers(200)[0];
    lan.kill(owner);
    // Its kubelet falls silent, and its Pod is not ready any more.
    lan.desired.peers.get_mut(&name(owner)).unwrap().ready = false;
    lan.publish();
    lan.run_ms(1_000);
    assert_eq!(lan.answerers(200), [1 - owner]);
}

#[test]
fn a_record_of_an_earlier_life_gives_way_to_a_later_claim() {
    let mut lan = Segment::new(2, &ADDRESSES, 7);
    lan.desired.records = ADDRESSES
        .iter()
        .map(|last| (ip(*last), [(name(1), 17)].into()))
        .collect();
    lan.start(0);
    lan.run_ms(20_000);
    let owned = ADDRESSES
        .iter()
        .filter(|last| lan.answerers(**last) == [0])
        .count();
    let first = lan.moves_of(200).first().copied();
    assert!(
        owned > 0 && lan.moves_of(200).len() <= 1,
        "{owned}: {:#?}",
        lan.history
    );
    assert!(first.is_none_or(|(_, epoch)| epoch == 18), "{first:?}");
}

#[test]
fn a_firewall_that_drops_heartbeats_moves_nothing_that_is_answered() {
    let mut lan = settled(3);
    let moves = lan.history.len();
    let before: Vec<_> = ADDRESSES.iter().map(|last| lan.answerers(*last)).collect();
    lan.firewall = true;
    for _ in 0..100 {
        lan.run_ms(1_000);
        let now: Vec<_> = ADDRESSES.iter().map(|last| lan.answerers(*last)).collect();
        assert_eq!(now, before);
    }
    assert_eq!(lan.history[moves..], []);
}

/// Wireless at its worst: of ten datagrams and pings three are lost, each way.
#[test]
fn thirty_percent_loss_moves_addresses_seldom_and_leaves_none_without_an_answer_for_long() {
    for seed in 0..4 {
        let mut lan = Segment::settled(3, &ADDRESSES, 70 + seed);
        let before = lan.history.len();
        lan.loss = 30;
        let mut silent = BTreeMap::<u8, u64>::new();
        let mut longest = 0;
        for _ in 0..60_000 {
            lan.run_ms(1);
            for last in ADDRESSES {
                let silence = silent.entry(last).or_default();
                *silence = if lan.answerers(last).is_empty() {
                    *silence + 1
                } else {
                    0
                };
                longest = longest.max(*silence);
            }
        }
        let moves = lan.history[before..]
            .iter()
            .filter(|(.., epoch, _)| epoch.is_some())
            .count();
        assert!(longest <= 400, "seed {seed}: {longest} ms without an answer");
        assert!(moves <= 8, "seed {seed}: {moves} moves in a minute");
        let overlap = lan.longest_overlap();
        assert!(
            overlap <= Duration::from_millis(600),
            "seed {seed}: two answered for {overlap:?}"
        );
        lan.loss = 0;
        lan.run_ms(3_000);
        all_answered_once(&lan);
    }
}

/// All fall silent to each other at once, and nobody else is heard: whoever is missed a little later than the others is
/// no sign that our own link works.
#[test]
fn a_switch_that_is_down_for_everybody_moves_nothing() {
    for seed in 0..40 {
        let nodes = 3 + usize::try_from(seed % 3).unwrap();
        let mut lan = Segment::settled(nodes, &ADDRESSES, 80 + seed);
        lan.run_ms(seed * 17 % 100);
        let before = lan.history.len();
        lan.side = (0..nodes).map(|node| u8::try_from(node).unwrap()).collect();
        lan.gateway = None;
        lan.run_ms(2_000);
        lan.side = vec![0; nodes];
        lan.gateway = Some(0);
        lan.run_ms(5_000);
        all_answered_once(&lan);
        assert_eq!(lan.history[before..], [], "seed {seed}");
    }
}

/// Of a dead node, of this start of it and of one before, which anybody could have kept.
#[test]
fn recorded_datagrams_do_not_keep_a_lone_node_from_answering() {
    let mut lan = settled(2);
    lan.gateway = None;
    lan.kill(1);
    lan.run_ms(3_000);
    let mine = ADDRESSES
        .into_iter()
        .find(|last| lan.answerers(*last) == [0])
        .unwrap();
    let recorded = |boot: u8, sequence, body| {
        let mut id = [1; 16];
        id[0] = boot;
        let node = name(1);
        let boot = BootId(id);
        Datagram {
            boot,
            sequence,
            node,
            body,
        }
        .encode(&key("shared"), 0)
    };
    let kept = [
        recorded(1, 2, Body::Heartbeat(Heartbeat::default())),
        recorded(1, 3, Body::Fetch),
        recorded(0, 7, Body::Heartbeat(Heartbeat::default())),
        recorded(9, 7, Body::Fetch),
    ];
    let mut silent = 0;
    for ms in 0..10_000 {
        lan.run_ms(1);
        if ms % 50 == 0 {
            lan.inject(0, 1, &kept[ms / 50 % kept.len()]);
        }
        silent += usize::from(lan.answerers(mine).is_empty());
    }
    assert!(silent <= 2_000, "{silent} of 10,000 ms without an answer");
}

/// Anybody on the LAN can keep one of an earlier boot, and play it.
#[test]
fn a_recorded_heartbeat_of_an_earlier_boot_ends_no_contact() {
    let mut lan = Segment::settled(3, &[200, 201], 1);
    let before = lan.history.len();
    for (of, to) in (0..3).flat_map(|of| (0..3).map(move |to| (of, to))) {
        if of != to {
            let kept = Datagram {
                boot: BootId([77; 16]),
                sequence: 4_242,
                node: name(of),
                body: Body::Heartbeat(Heartbeat::default()),
            };
            lan.inject(to, of, &kept.encode(&key("shared"), 0));
        }
    }
    lan.run_ms(25_000);
    for speaker in &lan.speakers {
        assert_eq!(speaker.election.up().len(), 2);
    }
    assert_eq!(lan.history.len(), before);
}

/// To a speaker that is started anew somebody plays what the other one sent before its own last start, and far oftener than that
/// one speaks.
#[test]
fn recorded_heartbeats_do_not_keep_a_new_start_from_hearing_and_being_heard() {
    let mut lan = Segment::settled(2, &[200, 201], 3);
    let recorded = |(of, boot): (usize, u8)| {
        let datagram = Datagram {
            boot: BootId([boot; 16]),
            sequence: 4_242,
            node: name(of),
            body: Body::Heartbeat(Heartbeat::default()),
        };
        (of, datagram.encode(&key("shared"), 0))
    };
    let kept: Vec<_> = (70..77)
        .flat_map(|boot| [(0, boot), (1, boot)])
        .map(recorded)
        .collect();
    lan.rest(1);
    lan.run_ms(1_000);
    lan.start(1);
    let began = lan.now;
    let mut up_after = None;
    // Ten thousand a second.
    for count in 0..30_000 {
        lan.run(Duration::from_micros(100));
        let (of, bytes) = &kept[count % kept.len()];
        lan.inject(1 - of, *of, bytes);
        let all_up = lan
            .speakers
            .iter()
            .all(|speaker| !speaker.election.up().is_empty());
        if up_after.is_none() && all_up {
            up_after = Some(lan.now.since(began));
        }
    }
    assert!(
        up_after.is_some_and(|after| after <= Duration::from_secs(1)),
        "up after {up_after:?}"
    );
    let moves = lan.history.iter().filter(|(.., epoch, because)| {
        epoch.is_some() && !matches!(because, Because::First { .. } | Because::Resumed)
    });
    assert_eq!(moves.count(), 0, "{:#?}", lan.history);
}

/// Its turn to follow comes 15 ms after the first one's. What that one said waits for it; or is lost, and it has been late for so
/// long that it asks.
#[test]
fn who_was_late_when_another_took_over_takes_nothing_beside_it() {
    for seed in 0..40 {
        let (late_ms, lost) = if seed % 2 == 0 {
            (16 + seed, false)
        } else {
            (28 + seed, true)
        };
        let last: Vec<u8> = (200..220).collect();
        let mut lan = Segment::settled(3, &last, seed);
        lan.kill(0);
        let before = lan.history.len();
        let claimed = |lan: &Segment| lan.history[before..].first().map(|(_, node, ..)| *node);
        let mut steps = 0..1_000;
        while claimed(&lan).is_none() && steps.next().is_some() {
            lan.run(Duration::from_micros(100));
        }
        let late = 3 - claimed(&lan).unwrap();
        lan.stop(late);
        lan.run_ms(late_ms);
        if lost {
            lan.stopped.insert(late, vec![]);
        }
        lan.resume(late);
        lan.run_ms(1_000);
        for last in last {
            let history = &lan.history[before..];
            let claims = history
                .iter()
                .filter(|(_, _, key, epoch, _)| *key == ip(last) && epoch.is_some());
            assert!(claims.count() <= 1, "seed {seed}: {history:#?}");
            assert_eq!(lan.answerers(last).len(), 1, "seed {seed}: {last}");
        }
    }
}
