//! Speakers that stop and come back.

use std::time::Duration;

use super::segment::*;
use crate::election::{Because, Departure};

/// The one that answers in the place of another.
fn stand_in(lan: &Segment, last: u8, owner: usize) -> usize {
    let answerers = lan.answerers(last);
    assert_eq!(answerers.len(), 1, "{answerers:?}");
    let speaker = &lan.speakers[answerers[0]];
    assert_eq!(speaker.standing.get(&ip(last)), Some(&name(owner)));
    answerers[0]
}

#[test]
fn a_rollout_of_all_speakers_moves_nothing_and_is_never_without_an_answer() {
    for (nodes, seed) in [(2, 1), (3, 2), (5, 3)] {
        let mut lan = Segment::settled(nodes, &[200, 201, 202, 203], seed);
        let owners: Vec<_> = (200..204).map(|last| lan.answerers(last)).collect();
        for node in 0..nodes {
            lan.rest(node);
            // A datagram's way.
            lan.run_ms(2);
            for last in 200..204 {
                assert_eq!(lan.answerers(last).len(), 1, "{last}, without {node}");
            }
            lan.run_ms(3_000);
            lan.start(node);
            for _ in 0..3_000 {
                lan.run_ms(1);
                for last in 200..204 {
                    assert!(!lan.answerers(last).is_empty(), "{last}: {:#?}", lan.history);
                }
            }
        }
        let after: Vec<_> = (200..204).map(|last| lan.answerers(last)).collect();
        assert_eq!(after, owners, "{:#?}", lan.history);
        for (.., epoch, because) in &lan.history {
            let fits = matches!(because, Because::First { .. } | Because::Resumed);
            assert!(fits && epoch.is_some(), "{:#?}", lan.history);
        }
        // Both answer with the same MAC address while the claim travels.
        let overlap = lan.longest_overlap();
        assert!(overlap <= Duration::from_millis(2), "{nodes} nodes: {overlap:?}");
    }
}

#[test]
fn a_killed_speaker_is_stood_in_for_and_followed_after_a_minute() {
    let mut lan = Segment::settled(3, &[200], 4);
    let owner = lan.answerers(200)[0];
    let moves = lan.history.len();
    lan.kill_speaker(owner);
    lan.run_ms(500);
    let heir = stand_in(&lan, 200, owner);
    lan.run_ms(58_000);
    assert_eq!(stand_in(&lan, 200, owner), heir);
    assert_eq!(lan.history[moves..], []);
    lan.run_ms(3_000);
    assert_eq!(lan.answerers(200), [heir]);
    assert!(lan.speakers[heir].standing.is_empty());
    assert_eq!(lan.history[moves..].len(), 1, "{:#?}", lan.history);
    lan.start(owner);
    lan.run_ms(3_000);
    assert_eq!(lan.answerers(200), [heir], "what was taken over stays");
}

/// Those that were there have seen its start, and the one that was started with it has not.
#[test]
fn a_speaker_that_rests_soon_after_its_start_is_stood_in_for_by_one() {
    for seed in 0..10 {
        let mut lan = Segment::settled(4, &[200], 60 + seed);
        let order = lan.order(200);
        let owner = order[0];
        lan.start(owner);
        lan.run_ms(300);
        lan.start(order[3]);
        lan.run_ms(700);
        assert_eq!(lan.answerers(200), [owner]);
        lan.rest(owner);
        lan.run_ms(2);
        for _ in 0..3_000 {
            lan.run_ms(1);
            assert_eq!(
                stand_in(&lan, 200, owner),
                order[1],
                "seed {seed} at {:?}",
                lan.now
            );
        }
    }
}

/// It comes before the one that stands in, and has never heard of the owner.
#[test]
fn who_was_started_while_the_owner_is_silent_leaves_its_place_to_who_knows_it() {
    for seed in 0..10 {
        let mut lan = Segment::settled(3, &[200], 40 + seed);
        let order = lan.order(200);
        let [owner, second, third] = order[..] else {
            panic!("{order:?}")
        };
        assert_eq!(lan.answerers(200), [owner]);
        let moves = lan.history.len();
        lan.kill_speaker(second);
        lan.run_ms(500);
        lan.kill_speaker(owner);
        lan.run_ms(500);
        assert_eq!(stand_in(&lan, 200, owner), third);
        lan.start(second);
        for _ in 0..5_000 {
            lan.run_ms(1);
            assert_eq!(stand_in(&lan, 200, owner), third, "seed {seed} at {:?}", lan.now);
        }
        lan.start(owner);
        for _ in 0..3_000 {
            lan.run_ms(1);
            assert!(!lan.answerers(200).is_empty(), "seed {seed} at {:?}", lan.now);
        }
        assert_eq!(lan.answerers(200), [owner]);
        assert!(
            lan.history[moves..].iter().all(|(_, node, ..)| *node == owner),
            "{:#?}",
            lan.history
        );
    }
}

#[test]
fn a_stand_in_takes_over_at_once_when_the_node_dies() {
    for rests in [true, false] {
        let mut lan = Segment::settled(3, &[200], 5);
        let owner = lan.answerers(200)[0];
        if rests {
            lan.rest(owner);
        } else {
            lan.kill_speaker(owner);
        }
        lan.run_ms(2_000);
        let heir = stand_in(&lan, 200, owner);
        lan.kill(owner);
        lan.run_ms(40);
        assert_eq!(lan.answerers(200), [heir]);
        assert!(lan.speakers[heir].standing.is_empty(), "{:#?}", lan.history);
    }
}

#[test]
fn a_speaker_that_was_stopped_for_ten_seconds_goes_on() {
    let mut lan = Segment::settled(3, &[200], 6);
    let owner = lan.answerers(200)[0];
    let moves = lan.history.len();
    lan.stop(owner);
    lan.run_ms(10_000);
    stand_in(&lan, 200, owner);
    lan.resume(owner);
    lan.run_ms(1_000);
    assert_eq!(lan.answerers(200), [owner]);
    assert!(lan.speakers.iter().all(|speaker| speaker.standing.is_empty()));
    assert_eq!(lan.history[moves..], []);
}

#[test]
fn when_the_stand_in_dies_too_the_next_one_stands_in() {
    let mut lan = Segment::settled(4, &[200], 7);
    let owner = lan.answerers(200)[0];
    lan.kill_speaker(owner);
    lan.run_ms(1_000);
    let first = stand_in(&lan, 200, owner);
    lan.kill(first);
    lan.run_ms(600);
    assert_ne!(stand_in(&lan, 200, owner), first);
}

#[test]
fn who_is_back_and_no_candidate_any_more_is_followed() {
    let mut lan = Segment::settled(3, &[200], 8);
    let owner = lan.answerers(200)[0];
    lan.rest(owner);
    lan.run_ms(1_000);
    let others: Vec<usize> = (0..3).filter(|node| *node != owner).collect();
    lan.only_candidates(200, &others);
    lan.publish();
    lan.start(owner);
    lan.run_ms(3_500);
    let answerers = lan.answerers(200);
    assert!(answerers.len() == 1 && answerers != [owner], "{answerers:?}");
    assert!(lan.speakers.iter().all(|speaker| speaker.standing.is_empty()));
}

/// Its process may take its time to end; others answer from its last word on.
#[test]
fn a_speaker_that_rests_answers_nothing_for_as_long_as_others_stand_in() {
    let mut lan = Segment::settled(3, &[200], 9);
    let owner = lan.answerers(200)[0];
    let said = lan.now;
    lan.act(owner, |election, now, out| {
        election.leave(Departure::BackSoon, now, out);
    });
    assert_eq!(
        lan.speakers[owner].withheld_until,
        Some(said + Duration::from_mins(1))
    );
    lan.run_ms(2);
    assert_ne!(stand_in(&lan, 200, owner), owner);
}

/// By the hash another one comes first, which is there.
#[test]
fn whoever_was_not_first_in_order_takes_up_again_what_it_had_before_it_was_started_anew() {
    let mut lan = Segment::settled(3, &[200], 12);
    let first = lan.answerers(200)[0];
    lan.kill(first);
    lan.run_ms(1_000);
    let second = lan.answerers(200)[0];
    lan.start(first);
    lan.run_ms(3_000);
    assert_eq!(lan.answerers(200), [second]);
    let moves = lan.history.len();
    lan.rest(second);
    lan.run_ms(1_000);
    lan.start(second);
    lan.run_ms(5_000);
    let since: Vec<_> = lan.history[moves..]
        .iter()
        .map(|(_, node, _, epoch, because)| (*node, *epoch, because.clone()))
        .collect();
    assert_eq!(since, [(second, Some(3), Because::Resumed)]);
    assert_eq!(lan.answerers(200), [second]);
}

/// It heard nobody until then, so that the silence of the owner says nothing yet.
#[test]
fn whoever_hears_somebody_again_listens_for_a_silent_owner_before_it_takes_over() {
    let mut lan = Segment::settled(3, &[200], 13);
    let order = lan.order(200);
    let [owner, heir, other] = order[..] else {
        panic!("{order:?}")
    };
    assert_eq!(lan.answerers(200), [owner]);
    let moves = lan.history.len();
    lan.kill_speaker(owner);
    lan.run_ms(1_000);
    lan.kill(other);
    lan.run_ms(58_800);
    assert_eq!(stand_in(&lan, 200, owner), heir);
    lan.start(other);
    let mut heard = None;
    for _ in 0..1_000 {
        lan.run_ms(1);
        if heard.is_none() && !lan.speakers[heir].election.up().is_empty() {
            heard = Some(lan.now);
        }
    }
    let [(at, node, _, Some(2), Because::Silent { .. })] = &lan.history[moves..] else {
        panic!("{:#?}", &lan.history[moves..])
    };
    assert_eq!(*node, heir);
    let listened = at.since(heard.unwrap());
    assert!(listened >= Duration::from_millis(349), "{listened:?}");
}

#[test]
fn a_speaker_that_rests_alone_answers_to_the_end() {
    let mut lan = Segment::settled(1, &[200], 9);
    lan.rest(0);
    assert_eq!(lan.speakers[0].withheld_until, None);
}

#[test]
fn nobody_stands_in_for_what_another_has_taken_since() {
    let mut lan = Segment::settled(4, &[200], 10);
    let first = lan.answerers(200)[0];
    lan.kill(first);
    lan.run_ms(1_000);
    let second = lan.answerers(200)[0];
    // It is back at the moment at which the speaker of the second one dies.
    lan.start(first);
    lan.run_ms(300);
    lan.kill_speaker(second);
    for _ in 0..3_000 {
        lan.run_ms(1);
        let answerers = lan.answerers(200);
        assert!(answerers.len() <= 1, "{answerers:?}: {:#?}", lan.history);
    }
    stand_in(&lan, 200, second);
}
