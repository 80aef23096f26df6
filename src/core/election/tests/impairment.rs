//! Datagrams that get lost one way, arrive twice or overtake each other; machines that stand still and do not know it;
//! speakers that hear no news of the API.

use std::time::Duration;

use super::segment::*;

const ADDRESSES: [u8; 4] = [200, 201, 202, 203];

fn answered_once(lan: &Segment) {
    for last in ADDRESSES {
        assert_eq!(
            lan.answerers(last).len(),
            1,
            "192.168.1.{last}: {:#?}",
            lan.history
        );
    }
}

/// Runs for a while in which each address is always answered.
fn run_answered(lan: &mut Segment, ms: u64) {
    for _ in 0..ms {
        lan.run_ms(1);
        for last in ADDRESSES {
            assert!(
                !lan.answerers(last).is_empty(),
                "192.168.1.{last}: {:#?}",
                lan.history
            );
        }
    }
}

#[test]
fn datagrams_that_arrive_twice_move_nothing() {
    let mut lan = Segment::settled(3, &ADDRESSES, 1);
    let moves = lan.history.len();
    lan.doubled = 100;
    lan.run_ms(10_000);
    assert_eq!(lan.history[moves..], []);
    let owner = lan.answerers(200)[0];
    lan.kill(owner);
    lan.run_ms(1_000);
    lan.start(owner);
    lan.run_ms(3_000);
    answered_once(&lan);
    assert_eq!(lan.longest_overlap(), Duration::ZERO);
}

#[test]
fn datagrams_that_overtake_each_other_move_nothing() {
    for seed in 0..5 {
        let mut lan = Segment::settled(3, &ADDRESSES, seed);
        let moves = lan.history.len();
        (lan.scatter, lan.doubled) = (8_000, 20);
        lan.run_ms(20_000);
        assert_eq!(lan.history[moves..], [], "seed {seed}");
    }
}

/// Its own ears are good: it hears who has taken over, and takes nothing back.
#[test]
fn a_node_whose_frames_do_not_leave_is_followed_once() {
    for seed in 0..5 {
        let mut lan = Segment::settled(3, &ADDRESSES, 10 + seed);
        let owner = lan.answerers(200)[0];
        lan.fade(owner, 100);
        lan.run_ms(2_000);
        let others: Vec<usize> = lan
            .answerers(200)
            .into_iter()
            .filter(|node| *node != owner)
            .collect();
        assert_eq!(others.len(), 1, "seed {seed}: {:#?}", lan.history);
        lan.faint.clear();
        let moves = lan.moves_of(200);
        lan.run_ms(10_000);
        answered_once(&lan);
        assert_eq!(lan.moves_of(200), moves, "seed {seed}");
    }
}

#[test]
fn a_node_that_is_heard_in_part_is_followed_once_and_nobody_is_without_an_answer() {
    for seed in 0..5 {
        let mut lan = Segment::settled(3, &ADDRESSES, 20 + seed);
        let owner = lan.answerers(200)[0];
        let before = lan.moves_of(200).len();
        lan.fade(owner, 60);
        run_answered(&mut lan, 20_000);
        assert!(
            lan.moves_of(200).len() <= before + 1,
            "seed {seed}: {:#?}",
            lan.history
        );
    }
}

#[test]
fn what_gets_lost_for_a_moment_only_leaves_nobody_without_an_answer() {
    for seed in 0..5 {
        let mut lan = Segment::settled(3, &ADDRESSES, 30 + seed);
        lan.squall = Some((35, lan.now + Duration::from_secs(2)));
        lan.run_ms(5_000);
        answered_once(&lan);
        assert!(lan.longest_overlap() <= Duration::from_millis(600), "seed {seed}");
    }
}

/// Nothing shows it that others have taken over but what they say.
#[test]
fn a_machine_that_stood_still_without_its_clocks_notice_ceases_at_the_new_owners_first_word() {
    for seed in 0..10 {
        let mut lan = Segment::settled(3, &ADDRESSES, 40 + seed);
        let owner = lan.answerers(200)[0];
        lan.pause(owner);
        lan.run_ms(150 + 400 * seed);
        lan.thaw(owner);
        let moves = lan.moves_of(200);
        lan.run_ms(5_000);
        answered_once(&lan);
        assert_eq!(lan.moves_of(200), moves, "seed {seed}");
        let overlap = lan.longest_overlap();
        assert!(overlap <= Duration::from_millis(250), "seed {seed}: {overlap:?}");
    }
}

/// It has missed nobody, and hears a start of the owner of which it does not know yet what it claims.
#[test]
fn a_machine_that_stood_still_while_the_owner_was_started_anew_takes_nothing_for_given_up() {
    for seed in 0..10 {
        let mut lan = Segment::settled(3, &ADDRESSES, 60 + seed);
        let first = lan.first(200);
        lan.kill(first);
        lan.run_ms(1_000);
        lan.start(first);
        lan.run_ms(3_000);
        let owner = lan.answerers(200)[0];
        assert_ne!(owner, first);
        lan.pause(first);
        lan.start(owner);
        lan.run_ms(5_000 + 17 * seed);
        assert_eq!(lan.answerers(200), [owner]);
        let moves = lan.history.len();
        lan.thaw(first);
        lan.run_ms(2_000);
        assert_eq!(lan.history[moves..], [], "seed {seed}");
    }
}

#[test]
fn an_owner_that_does_not_hear_that_it_may_not_have_it_any_more_answers_until_it_does() {
    let mut lan = Segment::settled(3, &ADDRESSES, 50);
    let owner = lan.answerers(200)[0];
    let moves = lan.history.len();
    lan.stale.insert(owner);
    lan.exclude(200, owner);
    run_answered(&mut lan, 5_000);
    assert_eq!(lan.history[moves..], []);
    lan.catch_up(owner);
    run_answered(&mut lan, 1_000);
    let now = lan.answerers(200);
    assert!(now.len() == 1 && now != [owner], "{now:?}");
    lan.admit_all(&ADDRESSES);
    run_answered(&mut lan, 5_000);
    let now = lan.answerers(200);
    assert!(now.len() == 1 && now != [owner], "where it is it stays: {now:?}");
}
