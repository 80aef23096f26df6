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

/// Of two, whoever takes over needs a sign from elsewhere that its own link works, long after it last asked for one.
#[test]
fn of_two_whoever_is_stood_in_for_no_longer_is_followed_at_once() {
    let no_pings: fn(&mut Segment) = |lan| lan.unpingable.extend([0, 1]);
    let a_minute: fn(&mut Segment) = |lan| lan.run_ms(56_000);
    for ends in [no_pings, a_minute] {
        let mut lan = Segment::settled(2, &[200], 16);
        let owner = lan.answerers(200)[0];
        lan.rest(owner);
        lan.run_ms(3_400);
        let heir = stand_in(&lan, 200, owner);
        ends(&mut lan);
        let mut silent_ms = 0;
        for _ in 0..8_000 {
            lan.run_ms(1);
            silent_ms += u32::from(lan.answerers(200).is_empty());
        }
        assert_eq!(lan.answerers(200), [heir]);
        let last = lan.history.last();
        let followed = matches!(last, Some((_, node, _, Some(_), Because::Silent { .. })) if *node == heir);
        // Its link must be seen to work for 220 ms, less the period of 50 ms in which it asks.
        assert!(followed && silent_ms <= 221, "{silent_ms} ms, {last:?}");
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

/// The same while the owner might still take up what it had, had it not fallen silent again.
#[test]
fn nor_does_it_keep_anybody_from_answering_for_one_that_had_just_been_started_itself() {
    for seed in 0..10 {
        let mut lan = Segment::settled(3, &[200], 60 + seed);
        let order = lan.order(200);
        let [owner, second, third] = order[..] else {
            panic!("{order:?}")
        };
        lan.kill_speaker(second);
        lan.run_ms(500);
        lan.start(owner);
        lan.run_ms(900);
        assert_eq!(lan.answerers(200), [owner], "it has it again");
        lan.kill_speaker(owner);
        lan.run_ms(200);
        lan.start(second);
        lan.run_ms(280);
        for _ in 0..2_000 {
            lan.run_ms(1);
            assert_eq!(stand_in(&lan, 200, owner), third, "seed {seed} at {:?}", lan.now);
        }
    }
}

/// It has never heard of the owner, though it was up for a moment while the owner was.
#[test]
fn nor_does_one_that_was_started_just_before_the_owner_fell_silent() {
    for seed in 0..10 {
        let mut lan = Segment::settled(3, &[200], 80 + seed);
        let order = lan.order(200);
        let [owner, second, third] = order[..] else {
            panic!("{order:?}")
        };
        lan.kill_speaker(second);
        lan.run_ms(500);
        // The last one hears it, and the owner does not.
        lan.apart.insert((owner, second));
        lan.start(second);
        lan.run_ms(60);
        lan.kill_speaker(owner);
        lan.apart.clear();
        lan.run_ms(620);
        for _ in 0..1_000 {
            lan.run_ms(1);
            assert_eq!(stand_in(&lan, 200, owner), third, "seed {seed} at {:?}", lan.now);
        }
    }
}

/// Whoever was there and does not say that anybody has to answer hears the owner itself.
#[test]
fn who_alone_does_not_hear_an_owner_answers_for_nobody() {
    for seed in 0..10 {
        let mut lan = Segment::settled(3, &[200], 100 + seed);
        let order = lan.order(200);
        let [owner, _, third] = order[..] else {
            panic!("{order:?}")
        };
        let moves = lan.history.len();
        lan.apart.insert((owner, third));
        // For as long as the others are asked whether they hear it.
        for _ in 0..1_900 {
            lan.run_ms(1);
            assert_eq!(lan.answerers(200), [owner], "seed {seed} at {:?}", lan.now);
        }
        assert_eq!(lan.history[moves..], []);
    }
}

/// It has the address again, and stops once more; whoever is there was away itself a moment before.
#[test]
fn a_speaker_that_rests_soon_after_its_start_is_stood_in_for_by_one_that_was_away() {
    for seed in 0..10 {
        let mut lan = Segment::settled(2, &[200], 120 + seed);
        let owner = lan.answerers(200)[0];
        lan.unplug(1 - owner, true);
        lan.start(owner);
        lan.run_ms(400);
        lan.unplug(1 - owner, false);
        lan.run_ms(1_000);
        assert_eq!(lan.answerers(200), [owner], "seed {seed}: {:#?}", lan.history);
        lan.rest(owner);
        lan.run_ms(20);
        assert_eq!(stand_in(&lan, 200, owner), 1 - owner, "seed {seed}");
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

/// For how many of the milliseconds that a start takes the next in order answers in the place of the owner.
fn stood_in_for_a_start(lan: &mut Segment) -> usize {
    let order = lan.order(200);
    let owner = order[0];
    assert_eq!(lan.answerers(200), [owner]);
    lan.start(owner);
    let mut stood_in = 0;
    for _ in 0..3_000 {
        lan.run_ms(1);
        for (node, speaker) in lan.speakers.iter().enumerate() {
            let stands_in = speaker.standing.contains_key(&ip(200));
            assert!(!stands_in || node == order[1], "node {node} at {:?}", lan.now);
            stood_in += usize::from(stands_in);
        }
    }
    assert_eq!(lan.answerers(200), [owner]);
    stood_in
}

#[test]
fn who_is_started_anew_at_once_is_stood_in_for_by_the_next_in_order() {
    for seed in 0..3 {
        let mut lan = Segment::settled(3, &[200], 70 + seed);
        assert!(stood_in_for_a_start(&mut lan) > 0, "seed {seed}");
    }
}

/// It may know an earlier owner alone, and somebody answers for the later one: where another one is silent, too.
#[test]
fn who_was_away_within_two_seconds_stands_in_for_nobody_where_another_may_be_the_owner() {
    for (since, other_is_silent, stands_in) in [(600, false, true), (600, true, false), (2_500, true, true)] {
        let mut lan = Segment::settled(4, &[200], 73);
        let order = lan.order(200);
        if other_is_silent {
            lan.kill_speaker(order[3]);
        }
        lan.stop(order[1]);
        lan.run_ms(300);
        lan.resume(order[1]);
        lan.run_ms(since);
        let stood_in = stood_in_for_a_start(&mut lan) > 0;
        assert_eq!(stood_in, stands_in, "{since} ms, {other_is_silent}");
    }
}

/// The next in order was away, and is back: nobody else knows that it has to answer.
#[test]
fn a_speaker_at_rest_is_stood_in_for_by_one_that_comes_back() {
    for seed in 0..10 {
        let mut lan = Segment::settled(3, &[200], 170 + seed);
        let order = lan.order(200);
        lan.rest(order[0]);
        lan.run_ms(400);
        lan.unplug(order[1], true);
        lan.run_ms(1_000);
        stand_in(&lan, 200, order[0]);
        lan.unplug(order[1], false);
        let mut unanswered = 0;
        for _ in 0..3_000 {
            lan.run_ms(1);
            unanswered += usize::from(lan.answerers(200).is_empty());
        }
        assert!(unanswered <= 400, "seed {seed}: {unanswered} ms");
    }
}

/// A node that has too little of a processor.
#[test]
fn a_speaker_at_rest_is_stood_in_for_beside_one_that_stands_still_now_and_then() {
    let mut lan = Segment::settled(3, &[200], 190);
    // Nobody has just been started.
    lan.run_ms(2_000);
    let order = lan.order(200);
    lan.rest(order[0]);
    let (mut unanswered, mut longest) = (0_usize, 0);
    for at in 0..10_000 {
        match at % 1_000 {
            0 => lan.stop(order[1]),
            250 => lan.resume(order[1]),
            _ => {}
        }
        lan.run_ms(1);
        let nobody = lan.answerers(200).is_empty();
        unanswered = if nobody { unanswered + 1 } else { 0 };
        longest = longest.max(unanswered);
    }
    // While it stands still nobody knows, and it asks before it goes on.
    assert!(longest <= 600, "{longest} ms");
}
