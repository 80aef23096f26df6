//! Cold starts and first claims.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::*;
use super::segment::*;

const ADDRESSES: [u8; 5] = [200, 201, 202, 203, 204];

#[test]
fn three_that_start_together_share_the_addresses_in_metallbs_order() {
    let mut lan = Segment::new(3, &ADDRESSES, 1);
    lan.start_all();
    lan.run_ms(1_000);
    for last in ADDRESSES {
        let nodes: Vec<NodeName> = (0..3).map(name).collect();
        let first = order(nodes.iter().map(|n| (n, 0)), ip(last))[0].clone();
        let who = lan.answerers(last);
        assert_eq!(
            who.iter().map(|n| name(*n)).collect::<Vec<_>>(),
            [first],
            "192.168.1.{last}"
        );
        assert_eq!(
            lan.moves_of(last).len(),
            1,
            "claimed once: {:?}",
            lan.moves_of(last)
        );
    }
    assert_eq!(lan.longest_overlap(), Duration::ZERO);
    lan.run_ms(30_000);
    assert_eq!(lan.history.len(), ADDRESSES.len(), "and nothing moves afterwards");
}

/// MetalLB announces such a pool on every interface; a router that routes it to the LAN makes use of that.
#[test]
fn addresses_outside_every_nodes_subnet_are_claimed_once_and_move_with_their_node() {
    let mut lan = Segment::new(3, &ADDRESSES, 1);
    lan.prefix = 28;
    lan.start_all();
    // Longer than a node waits before it believes that it has lost a link.
    lan.run_ms(1_000);
    let begun = &lan.history[..lan.history.len().min(12)];
    assert_eq!(lan.history.len(), ADDRESSES.len(), "it begins so: {begun:?}");
    let owner = lan.answerers(200)[0];
    lan.unplug(owner, true);
    lan.run_ms(10_000);
    let after = lan.answerers(200);
    assert_eq!(
        after.iter().filter(|node| **node != owner).count(),
        1,
        "{after:?}"
    );
    assert_eq!(lan.moves_of(200).len(), 2, "{:?}", lan.moves_of(200));
}

#[test]
fn a_node_alone_claims_as_soon_as_nobody_answered() {
    let mut lan = Segment::new(1, &[200], 1);
    lan.start_all();
    lan.run_ms(70);
    assert_eq!(lan.answerers(200), [0]);
    assert_eq!(lan.history[0].4, Because::First { candidates: 1 });
}

#[test]
fn a_new_address_is_claimed_after_the_question_and_not_before() {
    let mut lan = Segment::new(3, &[200], 1);
    lan.start_all();
    lan.run_ms(2_000);
    let more = Segment::new(3, &[200, 210], 1).desired;
    lan.desired = more;
    let before = lan.now;
    lan.publish();
    lan.run_ms(59);
    assert!(lan.answerers(210).is_empty());
    lan.run_ms(10);
    assert_eq!(lan.answerers(210).len(), 1, "{:?}", lan.now.since(before));
}

#[test]
fn a_strangers_answer_blocks_the_first_claim_until_it_is_gone() {
    let mut lan = Segment::new(3, &[200], 1);
    lan.strangers.insert(ip(200));
    lan.start_all();
    lan.run_ms(20_000);
    assert!(lan.answerers(200).is_empty());
    lan.strangers.clear();
    lan.run_ms(6_000);
    assert_eq!(lan.answerers(200).len(), 1);
}

#[test]
fn a_speaker_that_joins_takes_nothing() {
    let mut lan = Segment::new(3, &ADDRESSES, 1);
    lan.start(0);
    lan.start(1);
    lan.run_ms(2_000);
    let before = lan.history.len();
    assert_eq!(before, ADDRESSES.len());
    lan.start(2);
    lan.run_ms(5_000);
    assert_eq!(lan.history.len(), before, "{:?}", &lan.history[before..]);
}

#[test]
fn where_nobody_is_heard_only_the_first_in_order_claims() {
    let mut lan = Segment::new(3, &ADDRESSES, 1);
    lan.side = vec![0, 1, 2];
    lan.start_all();
    lan.run_ms(3_000);
    for last in ADDRESSES {
        assert_eq!(
            lan.moves_of(last).len(),
            1,
            "192.168.1.{last}: {:?}",
            lan.moves_of(last)
        );
    }
    let election = &lan.speakers[1].election;
    assert_eq!(election.missing().count(), 2, "and says whom it does not hear");
    assert!(!election.missing_have_another_key(lan.now));
}

#[test]
fn another_key_is_as_good_as_no_network_and_is_told_apart() {
    let mut lan = Segment::new(2, &ADDRESSES, 1);
    lan.with_key(1, "other");
    lan.start_all();
    lan.run_ms(3_000);
    for last in ADDRESSES {
        assert_eq!(lan.moves_of(last).len(), 1);
    }
    let election = &lan.speakers[1].election;
    assert_eq!(election.missing().count(), 1);
    assert!(election.missing_have_another_key(lan.now));
}

/// Two that share a key hear each other, and the third hears neither: each side may have the first in order.
#[test]
fn with_another_key_on_one_of_three_each_address_is_claimed_once_all_the_same() {
    let addresses: Vec<u8> = (200..220).collect();
    let mut lan = Segment::new(3, &addresses, 1);
    lan.with_key(2, "other");
    lan.start_all();
    lan.run_ms(3_000);
    for last in addresses.clone() {
        let first = lan.first(last);
        assert_eq!(lan.answerers(last), [first], "192.168.1.{last}");
        assert_eq!(lan.moves_of(last), [(first, 1)], "192.168.1.{last}");
    }
    let firsts: BTreeSet<usize> = addresses.into_iter().map(|last| lan.first(last)).collect();
    assert!(firsts.contains(&2) && firsts.len() > 1, "{firsts:?}");
}

#[test]
fn a_node_that_is_no_candidate_claims_nothing() {
    let mut lan = Segment::new(3, &[200], 1);
    lan.only_candidates(200, &[2]);
    lan.start_all();
    lan.run_ms(2_000);
    assert_eq!(lan.answerers(200), [2]);
    lan.only_candidates(200, &[0, 1]);
    lan.publish();
    lan.run_ms(50);
    let who = lan.answerers(200);
    assert!(who == [0] || who == [1], "{who:?}");
    assert_eq!(lan.moves_of(200).last().unwrap().1, 2, "the epoch grows");
}

#[test]
fn what_nobody_wants_is_given_up() {
    let mut lan = Segment::new(3, &[200], 1);
    lan.start_all();
    lan.run_ms(1_000);
    lan.desired.groups.clear();
    lan.publish();
    assert!(lan.answerers(200).is_empty());
    assert!(
        lan.history
            .iter()
            .any(|(.., because)| *because == Because::NotWanted)
    );
}
