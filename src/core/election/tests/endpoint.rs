//! Addresses that one node alone may announce, because only it has endpoints (`externalTrafficPolicy: Local`), and nodes
//! without a speaker.

use super::segment::*;
use crate::election::{Because, DOWN_AFTER};

/// Node 2 has the address, and its Service's only endpoint.
fn local(nodes: usize, seed: u64) -> Segment {
    let mut lan = Segment::new(nodes, &[200], seed);
    lan.only_endpoints(200, 2);
    lan.start_all();
    lan.run_ms(3_000);
    assert_eq!(lan.answerers(200), [2]);
    lan
}

/// Who answers in the place of node 2.
fn stands_in(lan: &Segment) -> usize {
    let answerers = lan.answerers(200);
    assert_eq!(answerers.len(), 1, "{answerers:?} at {:?}", lan.now);
    assert_eq!(lan.speakers[answerers[0]].standing.get(&ip(200)), Some(&name(2)));
    answerers[0]
}

#[test]
fn who_has_no_endpoint_stands_in_for_the_only_one_that_has() {
    for nodes in [3, 5] {
        let mut lan = local(nodes, 71);
        let moves = lan.history.len();
        lan.rest(2);
        lan.run_ms(2);
        let first = stands_in(&lan);
        for _ in 0..3_000 {
            lan.run_ms(1);
            assert_eq!(stands_in(&lan), first);
        }
        lan.start(2);
        for _ in 0..3_000 {
            lan.run_ms(1);
            assert!(!lan.answerers(200).is_empty(), "{:?}", lan.now);
        }
        assert_eq!(lan.answerers(200), [2]);
        let resumed = matches!(&lan.history[moves..], [(_, 2, _, Some(_), Because::Resumed)]);
        assert!(resumed, "{:#?}", &lan.history[moves..]);
    }
}

/// Nothing is served where it would have it.
#[test]
fn who_has_no_endpoint_never_takes_over() {
    let mut lan = local(3, 72);
    let moves = lan.history.len();
    lan.kill_speaker(2);
    lan.run_ms(1_000);
    stands_in(&lan);
    lan.run_ms(64_000);
    assert!(lan.answerers(200).is_empty());
    lan.start(2);
    lan.run_ms(3_000);
    assert_eq!(lan.answerers(200), [2]);
    lan.kill(2);
    lan.run_ms(2_000);
    assert!(lan.answerers(200).is_empty());
    assert!(lan.history[moves..].iter().all(|(_, node, ..)| *node == 2));
}

/// Whoever may announce it comes first, whatever the hash says.
#[test]
fn who_has_endpoints_stands_in_before_who_has_none() {
    for (with, without) in [([0, 1], 2), ([1, 2], 0), ([0, 2], 1)] {
        let mut lan = Segment::new(3, &[200], 73);
        lan.only_endpoints(200, with[0]);
        if let Some(group) = lan.desired.groups.get_mut(&ip(200)) {
            group.stand_ins.retain(|other| *other != name(with[1]));
        }
        lan.only_candidates(200, &with);
        lan.start_all();
        lan.run_ms(3_000);
        let owner = lan.answerers(200)[0];
        let other = with[usize::from(owner == with[0])];
        lan.rest(owner);
        lan.run_ms(500);
        assert_eq!(lan.answerers(200), [other], "not {without}");
    }
}

/// It has an endpoint, and has never heard of the owner.
#[test]
fn a_candidate_that_was_started_while_the_owner_is_silent_drives_no_stand_in_away() {
    for seed in 0..10 {
        let mut lan = Segment::new(3, &[200], 80 + seed);
        lan.only_candidates(200, &[1, 2]);
        if let Some(group) = lan.desired.groups.get_mut(&ip(200)) {
            group.stand_ins = vec![name(0)];
        }
        lan.start_all();
        lan.run_ms(3_000);
        let owner = lan.answerers(200)[0];
        let other = 3 - owner;
        let moves = lan.history.len();
        lan.kill_speaker(other);
        lan.run_ms(500);
        lan.kill_speaker(owner);
        lan.run_ms(500);
        assert_eq!(lan.answerers(200), [0]);
        lan.start(other);
        for _ in 0..5_000 {
            lan.run_ms(1);
            assert_eq!(lan.answerers(200), [0], "seed {seed} at {:?}", lan.now);
        }
        assert_eq!(lan.history[moves..], []);
    }
}

/// Its last endpoint has gone elsewhere while its speaker was silent.
#[test]
fn an_owner_that_may_announce_it_no_more_is_followed_and_not_stood_in_for() {
    let mut lan = local(3, 74);
    lan.kill_speaker(2);
    lan.run_ms(2_000);
    stands_in(&lan);
    lan.only_endpoints(200, 1);
    lan.publish();
    lan.run(DOWN_AFTER);
    assert_eq!(lan.answerers(200), [1], "{:#?}", lan.history);
    assert!(lan.speakers.iter().all(|speaker| speaker.standing.is_empty()));
}

/// A node whose taint keeps the speaker away is a candidate all the same.
#[test]
fn a_candidate_without_a_speaker_holds_up_no_first_claim() {
    let addresses: Vec<u8> = (200..220).collect();
    let mut lan = Segment::new(3, &addresses, 75);
    lan.desired.peers.remove(&name(2));
    // Each of the two hears nobody.
    lan.side = vec![0, 1, 0];
    lan.start(0);
    lan.start(1);
    lan.run_ms(3_000);
    for last in addresses {
        let first = lan.order(last).into_iter().find(|node| *node != 2);
        assert_eq!(lan.answerers(last), Vec::from_iter(first), "192.168.1.{last}");
    }
}

/// It is not one that may have had the address meanwhile.
#[test]
fn a_candidate_without_a_speaker_keeps_nobody_that_returns_from_standing_in() {
    let mut lan = Segment::new(4, &[200], 76);
    let [owner, next, third, without] = lan.order(200)[..] else {
        panic!("{:?}", lan.order(200))
    };
    lan.desired.peers.remove(&name(without));
    for node in [owner, next, third] {
        lan.start(node);
    }
    lan.run_ms(3_000);
    assert_eq!(lan.answerers(200), [owner]);
    lan.stop(next);
    lan.run_ms(210);
    lan.resume(next);
    lan.run_ms(100);
    lan.rest(owner);
    lan.run_ms(2);
    assert_eq!(lan.answerers(200), [next]);
}
