//! Nodes that die, blink and stop, as the kernels of the others see it.

use std::time::Duration;

use super::segment::*;
use crate::election::reach::detection::SHORTEST;
use crate::election::{Because, Sign};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// When each address had its heir, after `fault`.
fn takeover(lan: &mut Segment, last: u8, fault: impl FnOnce(&mut Segment)) -> Duration {
    let owner = lan.answerers(last)[0];
    let began = lan.now;
    let moves = lan.history.len();
    fault(lan);
    lan.run(ms(2_000));
    let claim = lan.history[moves..]
        .iter()
        .find(|(_, node, key, epoch, _)| *node != owner && *key == ip(last) && epoch.is_some());
    let (at, _, _, _, because) = claim.unwrap_or_else(|| panic!("no heir: {:#?}", lan.history));
    assert!(matches!(because, Because::Silent { .. }), "{because:?}");
    at.since(began)
}

#[test]
fn a_dead_node_is_replaced_within_the_detection_time() {
    for nodes in [2, 3, 5] {
        for seed in 0..40 {
            let mut lan = Segment::settled(nodes, &[200, 201], seed);
            // At any moment between two questions.
            lan.run(Duration::from_micros(seed * 257));
            let owner = lan.answerers(200)[0];
            let took = takeover(&mut lan, 200, |lan| lan.kill(owner));
            assert!(took <= ms(38), "{nodes} nodes, seed {seed}: {took:?}");
            assert_eq!(lan.answerers(200).len(), 1);
        }
    }
}

#[test]
fn two_hundred_addresses_of_a_dead_node_move_together() {
    let addresses: Vec<u8> = (50..250).collect();
    let mut lan = Segment::settled(3, &addresses, 1);
    let owner = lan.answerers(200)[0];
    lan.kill(owner);
    lan.run(ms(60));
    for last in addresses {
        let who = lan.answerers(last);
        assert!(who.len() == 1 && who != [owner], "{last}: {who:?}");
    }
}

#[test]
fn a_link_that_blinks_for_25_ms_moves_nothing() {
    let mut lan = Segment::settled(3, &[200], 3);
    let owner = lan.answerers(200)[0];
    let moves = lan.history.len();
    for n in 0..100 {
        lan.side[owner] = 1;
        lan.run(ms(25));
        lan.side[owner] = 0;
        lan.run(Duration::from_micros(400_000 + n * 313));
    }
    assert_eq!(lan.history[moves..], []);
}

/// The first blink of each segment is what counts: after it the detection time is longer.
#[test]
fn nor_does_it_where_speakers_are_late_themselves() {
    // To the last call alone, and to every question of one period or another.
    for lag in [1_000, 4_800] {
        for seed in 0..60 {
            let mut lan = Segment::settled(3, &[200], seed);
            lan.lag = lag;
            lan.run(Duration::from_micros(100_000 + seed * 257));
            let owner = lan.answerers(200)[0];
            let moves = lan.history.len();
            lan.side[owner] = 1;
            lan.run(ms(25));
            lan.side[owner] = 0;
            lan.run(ms(400));
            assert_eq!(lan.history[moves..], [], "late by up to {lag} µs, seed {seed}");
        }
    }
}

/// A watcher's card that blinks takes all its ways along, and so does one that its owner's heartbeats leave out for a while.
#[test]
fn what_a_blink_has_taught_outlasts_the_way_on_which_it_was_learned() {
    for seed in 0..20 {
        let mut lan = Segment::settled(3, &[200], 300 + seed);
        let owner = lan.answerers(200)[0];
        let longest = |lan: &Segment| {
            let watchers = (0..3).filter(|node| *node != owner);
            let times = watchers.map(|n| lan.speakers[n].election.detection_times(lan.now));
            times
                .map(|times| times.get(&name(owner)).copied())
                .collect::<Vec<_>>()
        };
        lan.side[owner] = 1;
        lan.run(ms(25));
        lan.side[owner] = 0;
        lan.run(ms(1_000));
        let learned = longest(&lan);
        assert!(
            learned.iter().all(|time| *time > Some(SHORTEST)),
            "seed {seed}: {learned:?}"
        );
        for node in 0..3 {
            lan.unplug(node, true);
            lan.run(ms(30));
            lan.unplug(node, false);
            lan.run(ms(1_000));
            let now = longest(&lan);
            let kept = now.iter().zip(&learned).all(|(now, before)| now >= before);
            assert!(kept, "after node {node}'s, seed {seed}: {now:?}, not {learned:?}");
        }
    }
}

/// A cable that is cut, and mended some seconds later, four times in a minute.
#[test]
fn a_node_whose_cable_is_cut_again_and_again_is_missed_as_fast_each_time() {
    for seed in 0..10 {
        let mut lan = Segment::settled(3, &[200], 500 + seed);
        for n in 0..4 {
            let owner = lan.answerers(200)[0];
            let took = takeover(&mut lan, 200, |lan| lan.unplug(owner, true));
            assert!(took <= ms(70), "cut {n}, seed {seed}: {took:?}");
            lan.unplug(owner, false);
            lan.run(ms(4_000));
        }
    }
}

/// Too long a blink moves the address. The kernel that was cut off may send nothing for a while, and hears the claim.
#[test]
fn who_blinked_for_too_long_ceases_at_the_new_owners_first_word() {
    for seed in 0..40 {
        let mut lan = Segment::settled(3, &[200], 40 + seed);
        let owner = lan.answerers(200)[0];
        lan.run(Duration::from_micros(seed * 731));
        lan.side[owner] = 1;
        lan.run(ms(36));
        lan.side[owner] = 0;
        lan.muffled.insert(owner, lan.now + ms(300));
        lan.run(ms(200));
        assert_eq!(lan.answerers(200).len(), 1, "seed {seed}");
        let overlap = lan.longest_overlap();
        assert!(overlap <= ms(7), "seed {seed}: two answered for {overlap:?}");
    }
}

/// A card has its new MAC address at once, and its speaker hears of it when a processor is free.
#[test]
fn a_card_with_another_mac_address_is_not_a_dead_node() {
    for seed in 0..40 {
        let mut lan = Segment::settled(3, &[200], 80 + seed);
        let owner = lan.answerers(200)[0];
        let moves = lan.history.len();
        lan.run(Duration::from_micros(seed * 257));
        lan.exchanged.insert(owner);
        lan.run(ms(100));
        lan.relink(owner);
        lan.run(ms(2_000));
        assert_eq!(lan.history[moves..], [], "seed {seed}");
        // And it is watched as before.
        let took = takeover(&mut lan, 200, |lan| lan.kill(owner));
        assert!(took <= ms(38), "seed {seed}: {took:?}");
    }
}

#[test]
fn who_dies_with_a_new_card_is_missed_by_its_heartbeats() {
    let mut lan = Segment::settled(3, &[200], 120);
    let owner = lan.answerers(200)[0];
    let took = takeover(&mut lan, 200, |lan| {
        lan.exchanged.insert(owner);
        lan.run(ms(100));
        lan.kill(owner);
    });
    assert!(took <= ms(500), "{took:?}");
}

#[test]
fn without_a_sign_of_our_own_link_nobody_is_judged() {
    let mut lan = Segment::settled(2, &[200], 4);
    lan.gateway = None;
    let owner = lan.answerers(200)[0];
    let moves = lan.history.len();
    lan.kill(owner);
    lan.run(ms(2_000));
    assert_eq!(lan.history[moves..], []);
}

/// Whose own frames do not leave hears others all the same.
#[test]
fn what_is_only_heard_is_no_sign_that_our_questions_leave() {
    let mut lan = Segment::settled(3, &[200], 4);
    lan.gateway = None;
    let owner = lan.answerers(200)[0];
    let moves = lan.history.len();
    lan.kill(owner);
    for _ in 0..50 {
        for node in (0..3).filter(|node| *node != owner) {
            lan.act(node, |election, now, _| {
                election.witness(&["192.168.1.0/24".parse().unwrap()], Sign::Heard, now);
            });
        }
        lan.run(ms(2));
    }
    assert_eq!(lan.history[moves..], []);
}

#[test]
fn a_switch_that_is_away_for_two_seconds_moves_nothing() {
    let mut lan = Segment::settled(3, &[200, 201, 202], 5);
    let moves = lan.history.len();
    lan.side = vec![1, 2, 3];
    lan.run(ms(2_000));
    lan.side = vec![0; 3];
    lan.run(ms(5_000));
    assert_eq!(lan.history[moves..], []);
}

#[test]
fn where_pings_are_dropped_heartbeats_decide() {
    let mut lan = Segment::new(3, &[200], 7);
    lan.unpingable = [0, 1, 2].into();
    lan.start_all();
    lan.run(ms(3_000));
    let owner = lan.answerers(200)[0];
    let took = takeover(&mut lan, 200, |lan| lan.kill(owner));
    assert!(took >= ms(200) && took <= ms(500), "{took:?}");
}

#[test]
fn who_is_reached_by_the_others_is_not_gone() {
    // A firewall that is closed against one watcher's pings alone would look like this to it; the other one vouches.
    let mut lan = Segment::settled(3, &[200], 8);
    let owner = lan.answerers(200)[0];
    let watcher = (owner + 1) % 3;
    let moves = lan.history.len();
    lan.apart = [(watcher, owner)].into();
    lan.run(ms(200));
    assert_eq!(lan.history[moves..], []);
}

#[test]
fn a_node_that_stops_for_200_ms_moves_once_and_then_no_more() {
    let mut lan = Segment::settled(3, &[200], 9);
    let moves = lan.history.len();
    for _ in 0..20 {
        let owner = lan.answerers(200)[0];
        lan.freeze(owner);
        lan.run(ms(200));
        lan.thaw(owner);
        lan.run(ms(3_000));
        assert_eq!(lan.answerers(200).len(), 1);
    }
    let claims = lan.history[moves..]
        .iter()
        .filter(|(_, _, _, epoch, _)| epoch.is_some());
    // Each node is somebody's first false alarm at most.
    assert!(claims.clone().count() <= 3, "{:#?}", &lan.history[moves..]);
}
