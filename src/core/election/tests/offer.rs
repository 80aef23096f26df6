//! Planned moves.

use std::time::Duration;

use super::segment::*;
use crate::election::{Because, Cause, Failback, Serving};

/// Both answer while the claim travels.
const OVERLAP: Duration = Duration::from_millis(1);

/// Runs, and at no moment is there nobody who answers.
fn run_answered(lan: &mut Segment, last: u8, ms: u64) {
    for _ in 0..ms * 5 {
        lan.run(Duration::from_micros(200));
        assert!(
            !lan.answerers(last).is_empty(),
            "at {:?}: {:#?}",
            lan.now,
            lan.history
        );
    }
}

fn last_claim(lan: &Segment) -> &Because {
    let claims = lan.history.iter().filter(|(.., epoch, _)| epoch.is_some());
    claims.map(|(.., because)| because).next_back().unwrap()
}

#[test]
fn who_leaves_for_good_hands_over_what_it_has_and_no_question_goes_unanswered() {
    for loss in [0, 15] {
        let addresses: Vec<u8> = (100..200).collect();
        let mut lan = Segment::settled(3, &addresses, 21);
        lan.loss = loss;
        let leaver = lan.answerers(100)[0];
        let had: Vec<u8> = addresses
            .iter()
            .copied()
            .filter(|last| lan.answerers(*last) == [leaver])
            .collect();
        assert!(had.len() > 20);
        lan.act_leave(leaver);
        let mut left = None;
        for ms in 0..200 {
            lan.run_ms(1);
            for last in &had {
                assert!(!lan.answerers(*last).is_empty(), "{last}: {:#?}", lan.history);
            }
            if left.is_none() && lan.speakers[leaver].election.has_left() {
                left = Some(ms);
            }
        }
        assert!(
            left.is_some_and(|ms| ms < if loss == 0 { 5 } else { 100 }),
            "{loss} %: {left:?}"
        );
        for last in had {
            let owners = lan.answerers(last);
            assert!(owners.len() == 1 && owners != [leaver], "{last}: {owners:?}");
        }
        if loss == 0 {
            assert!(lan.longest_overlap() <= OVERLAP, "{:?}", lan.longest_overlap());
            let by = name(leaver);
            let cause = Cause::Leaving;
            assert_eq!(*last_claim(&lan), Because::Offered { by, cause });
        }
    }
}

#[test]
fn who_has_handed_an_address_over_says_to_whom() {
    let mut lan = Segment::settled(3, &[200], 20);
    let leaver = lan.answerers(200)[0];
    lan.leave(leaver);
    let to = name(lan.answerers(200)[0]);
    let (_, node, _, epoch, because) = lan.history.last().unwrap();
    assert_eq!((*node, *epoch), (leaver, None));
    assert_eq!(*because, Because::HandedOver { to });
}

/// Nobody wakes to the millisecond.
#[test]
fn an_offer_that_was_lost_is_made_again_though_its_owner_wakes_late() {
    let mut lan = Segment::settled(3, &[200], 19);
    let leaver = lan.answerers(200)[0];
    lan.lag = 900;
    lan.loss = 100;
    lan.act_leave(leaver);
    lan.run_ms(20);
    lan.loss = 0;
    run_answered(&mut lan, 200, 10);
    let by = name(leaver);
    let cause = Cause::Leaving;
    assert_eq!(*last_claim(&lan), Because::Offered { by, cause });
    assert!(lan.speakers[leaver].election.has_left());
}

/// It may have claimed it already, and nobody may know of that yet.
#[test]
fn while_an_offer_stands_nobody_else_is_offered_the_address() {
    let mut lan = Segment::settled(3, &[200], 18);
    lan.run_ms(10_000);
    let order = lan.order(200);
    let [owner, heir, other] = order[..] else {
        panic!("{order:?}")
    };
    assert_eq!(lan.answerers(200), [owner]);
    let before = lan.history.len();
    lan.loss = 100;
    lan.only_candidates(200, &[heir, other]);
    lan.publish();
    lan.run_ms(10);
    // The owner may keep it after all, and somebody else is preferred.
    lan.weigh(200, &[(owner, 0), (other, 5)]);
    lan.publish();
    lan.run_ms(10);
    lan.loss = 0;
    run_answered(&mut lan, 200, 100);
    let (_, node, _, epoch, because) = &lan.history[before];
    assert_eq!((*node, *epoch), (heir, Some(2)), "{:#?}", lan.history);
    let by = name(owner);
    let cause = Cause::NotCandidate;
    assert_eq!(*because, Because::Offered { by, cause });
    // The heir's view is the same, and it hands it on.
    assert_eq!(lan.answerers(200), [other]);
}

#[test]
fn who_is_no_candidate_any_more_answers_until_another_does() {
    let mut lan = Segment::settled(3, &[200], 22);
    let owner = lan.answerers(200)[0];
    let others: Vec<usize> = (0..3).filter(|node| *node != owner).collect();
    lan.only_candidates(200, &others);
    lan.publish();
    run_answered(&mut lan, 200, 20);
    assert!(lan.answerers(200) == [lan.first(200)]);
    assert!(lan.longest_overlap() <= OVERLAP, "{:?}", lan.longest_overlap());
}

#[test]
fn an_offer_that_nobody_takes_is_not_waited_for() {
    let mut lan = Segment::settled(2, &[200], 23);
    let owner = lan.answerers(200)[0];
    // The other one does not know yet that it may have the address.
    lan.only_candidates(200, &[owner]);
    lan.publish();
    lan.only_candidates(200, &[1 - owner]);
    let desired = std::sync::Arc::new(lan.desired.clone());
    lan.tell(owner, &desired);
    lan.run_ms(99);
    assert_eq!(lan.answerers(200), [owner]);
    lan.run_ms(5);
    assert_eq!(lan.answerers(200), [] as [usize; 0]);
    lan.tell(1 - owner, &desired);
    lan.run_ms(5);
    assert_eq!(lan.answerers(200), [1 - owner]);
}

#[test]
fn a_higher_weight_is_followed_and_its_end_is_not() {
    let mut lan = Segment::settled(3, &[200], 24);
    lan.run_ms(40_000);
    let owner = lan.answerers(200)[0];
    let preferred = (owner + 1) % 3;
    lan.weigh(200, &[(preferred, 10)]);
    lan.publish();
    run_answered(&mut lan, 200, 100);
    assert_eq!(lan.answerers(200), [preferred]);
    let by = name(owner);
    assert_eq!(
        *last_claim(&lan),
        Because::Offered {
            by,
            cause: Cause::Preferred
        }
    );
    lan.weigh(200, &[]);
    lan.publish();
    lan.run_ms(120_000);
    assert_eq!(lan.answerers(200), [preferred], "the hash alone moves nothing");
    assert!(lan.longest_overlap() <= OVERLAP, "{:?}", lan.longest_overlap());
}

#[test]
fn a_preferred_node_that_is_back_has_it_again_after_five_seconds() {
    let mut lan = Segment::settled(3, &[200], 25);
    let first = lan.first(200);
    let preferred = (first + 1) % 3;
    lan.weigh(200, &[(preferred, 1)]);
    lan.publish();
    lan.run_ms(60_000);
    assert_eq!(lan.answerers(200), [preferred]);
    lan.kill(preferred);
    lan.run_ms(1_000);
    assert_eq!(lan.answerers(200), [first]);
    lan.run_ms(60_000);
    lan.start(preferred);
    run_answered(&mut lan, 200, 4_500);
    assert_eq!(lan.answerers(200), [first]);
    run_answered(&mut lan, 200, 2_000);
    assert_eq!(lan.answerers(200), [preferred]);
}

/// It is up all the while, by another segment, whether its port dies there or its cable is out.
#[test]
fn who_is_heard_on_a_segment_again_settles_in_before_it_has_its_address_back() {
    let port: fn(&mut Segment, usize, bool) = |lan, node, out| {
        lan.severed.clear();
        lan.severed.extend(out.then_some(node));
    };
    let cable: fn(&mut Segment, usize, bool) = Segment::unplug;
    for (away, failback_ms) in [(port, 0), (cable, 0), (port, 60_000)] {
        let mut lan = Segment::managed(3, &[200], 30);
        lan.failback = Failback::After(Duration::from_millis(failback_ms));
        lan.start_all();
        lan.run_ms(40_000);
        let first = lan.first(200);
        assert_eq!(lan.answerers(200), [first]);
        away(&mut lan, first, true);
        // For longer than the pause between two moves.
        lan.run_ms(40_000);
        let heir = lan.answerers(200);
        assert!(heir.len() == 1 && heir != [first], "{heir:?}");
        away(&mut lan, first, false);
        run_answered(&mut lan, 200, failback_ms.max(5_000) - 100);
        assert_eq!(lan.answerers(200), heir);
        run_answered(&mut lan, 200, 1_000);
        assert_eq!(lan.answerers(200), [first]);
    }
}

/// What happens on the other segment is no reason to wait.
#[test]
fn who_is_gone_from_the_other_segment_now_and_then_has_its_address_back_all_the_same() {
    let mut lan = Segment::managed(3, &[200], 31);
    lan.failback = Failback::After(Duration::ZERO);
    lan.start_all();
    lan.run_ms(40_000);
    let first = lan.first(200);
    lan.unplug(first, true);
    lan.run_ms(40_000);
    lan.unplug(first, false);
    for _ in 0..3 {
        lan.unmanaged.insert(first);
        lan.run_ms(1_500);
        lan.unmanaged.clear();
        lan.run_ms(500);
    }
    assert_eq!(lan.answerers(200), [first]);
}

#[test]
fn failback_brings_an_address_back_to_the_first_in_order_and_never_does_not() {
    for (failback, after) in [
        (Failback::Never, None),
        (Failback::After(Duration::ZERO), Some(7)),
        (Failback::After(Duration::from_mins(1)), Some(62)),
    ] {
        let mut lan = Segment::new(3, &[200], 26);
        lan.failback = failback;
        lan.start_all();
        lan.run_ms(40_000);
        let first = lan.first(200);
        assert_eq!(lan.answerers(200), [first]);
        lan.kill(first);
        lan.run_ms(40_000);
        let heir = lan.answerers(200)[0];
        lan.start(first);
        let mut back = None;
        for second in 0..90 {
            run_answered(&mut lan, 200, 1_000);
            if back.is_none() && lan.answerers(200) == [first] {
                back = Some(second);
            }
        }
        match after {
            None => assert_eq!((back, lan.answerers(200)), (None, vec![heir])),
            Some(after) => assert!(
                back.is_some_and(|s| s <= after && s + 3 >= after),
                "{failback:?}: {back:?}"
            ),
        }
    }
}

#[test]
fn what_a_cold_start_gave_to_the_quickest_goes_to_the_first_in_order_once() {
    let mut lan = Segment::new(3, &[200, 201, 202, 203], 27);
    let quickest = (0..3).find(|node| lan.first(200) != *node).unwrap();
    for listed in lan.desired.peers.values_mut() {
        listed.ready = false;
    }
    lan.start(quickest);
    lan.run_ms(2_000);
    for last in 200..204 {
        assert_eq!(lan.answerers(last), [quickest]);
    }
    (0..3)
        .filter(|node| *node != quickest)
        .for_each(|node| lan.start(node));
    lan.run_ms(29_000);
    assert_eq!(lan.answerers(200), [quickest]);
    for _ in 0..3_000 {
        lan.run_ms(1);
        for last in 200..204 {
            assert!(!lan.answerers(last).is_empty());
        }
    }
    for last in 200..204 {
        assert_eq!(lan.answerers(last), [lan.first(last)]);
    }
    let moves = lan.history.len();
    lan.kill(lan.first(200));
    lan.run_ms(2_000);
    lan.start(lan.first(200));
    lan.run_ms(120_000);
    assert_ne!(lan.answerers(200), [lan.first(200)], "once is enough");
    assert!(lan.history.len() > moves);
}

#[test]
fn who_was_first_of_those_that_were_there_when_a_cold_start_was_over_keeps_what_it_has() {
    let mut lan = Segment::new(3, &[200], 35);
    let first = lan.first(200);
    lan.desired.peers.get_mut(&name(first)).unwrap().ready = false;
    (0..3)
        .filter(|node| *node != first)
        .for_each(|node| lan.start(node));
    lan.run_ms(40_000);
    let owner = lan.answerers(200)[0];
    assert_ne!(owner, first);
    lan.start(first);
    lan.run_ms(60_000);
    assert_eq!(lan.answerers(200), [owner], "{:#?}", lan.history);
}

/// What an earlier Service with the address was moved for is nothing to a new one.
#[test]
fn an_address_that_was_given_up_and_is_wanted_again_has_never_moved() {
    let mut lan = Segment::settled(2, &[200], 36);
    lan.run_ms(10_000);
    let first = lan.answerers(200)[0];
    lan.weigh(200, &[(1 - first, 1)]);
    lan.publish();
    lan.run_ms(100);
    assert_eq!(lan.answerers(200), [1 - first]);
    let groups = std::mem::take(&mut lan.desired.groups);
    lan.publish();
    lan.run_ms(100);
    lan.desired.groups = groups;
    lan.publish();
    lan.run_ms(1_000);
    assert_eq!(lan.answerers(200), [1 - first]);
    lan.weigh(200, &[(first, 1)]);
    lan.publish();
    run_answered(&mut lan, 200, 100);
    assert_eq!(lan.answerers(200), [first]);
}

#[test]
fn speakers_with_different_settings_move_nothing_without_need() {
    let mut lan = Segment::settled(3, &[200], 28);
    let owner = lan.answerers(200)[0];
    lan.failback = Failback::After(Duration::ZERO);
    let other = (owner + 2) % 3;
    lan.rest(other);
    lan.run_ms(1_000);
    lan.start(other);
    lan.run_ms(3_000);
    lan.weigh(200, &[((owner + 1) % 3, 100)]);
    lan.publish();
    lan.run_ms(60_000);
    assert_eq!(lan.answerers(200), [owner]);
    // What must go goes.
    lan.leave(owner);
    assert_eq!(lan.answerers(200), [(owner + 1) % 3]);
}

#[test]
fn nodes_with_different_views_hand_an_address_to_and_fro_seldom() {
    let mut lan = Segment::settled(2, &[200], 29);
    lan.run_ms(40_000);
    let before = lan.history.len();
    // Each believes that the other one is preferred, and takes what it is offered because it must.
    for node in 0..2 {
        lan.weigh(200, &[(1 - node, 100)]);
        let desired = std::sync::Arc::new(lan.desired.clone());
        lan.tell(node, &desired);
    }
    lan.run_ms(3_600_000);
    let moves = lan.history[before..]
        .iter()
        .filter(|(.., epoch, _)| epoch.is_some())
        .count();
    assert_eq!(
        moves,
        0,
        "what is not wanted is not taken: {:#?}",
        &lan.history[before..]
    );
    assert_eq!(lan.answerers(200).len(), 1);
}

#[test]
fn a_preference_that_changes_all_the_time_is_followed_less_and_less() {
    let mut lan = Segment::settled(2, &[200], 30);
    lan.run_ms(40_000);
    let before = lan.history.len();
    for turn in 0..3_600 {
        lan.weigh(200, &[(turn % 2, 100)]);
        lan.publish();
        lan.run_ms(1_000);
    }
    let moves = lan.history[before..]
        .iter()
        .filter(|(.., epoch, _)| epoch.is_some())
        .count();
    assert!((5..=14).contains(&moves), "{moves} moves in an hour");
}

#[test]
fn a_node_whose_proxy_fails_is_offered_nothing_and_takes_over_last() {
    let mut lan = Segment::settled(3, &[200], 31);
    lan.run_ms(40_000);
    let order = lan.order(200);
    assert_eq!(lan.answerers(200), [order[0]]);
    lan.serve(order[1], Serving::Failing);
    lan.weigh(200, &[(order[1], 5)]);
    lan.publish();
    lan.run_ms(60_000);
    assert_eq!(lan.answerers(200), [order[0]]);
    lan.kill(order[0]);
    lan.run_ms(60);
    assert_eq!(
        lan.answerers(200),
        [order[2]],
        "well before preferred: {:#?}",
        lan.history
    );
    // Better than nobody.
    lan.kill(order[2]);
    lan.run_ms(600);
    assert_eq!(lan.answerers(200), [order[1]]);
}

#[test]
fn a_node_that_has_no_check_is_offered_nothing_by_one_that_has() {
    let mut lan = Segment::settled(2, &[200], 32);
    let owner = lan.answerers(200)[0];
    lan.serve(owner, Serving::Proven);
    lan.weigh(200, &[(1 - owner, 5)]);
    lan.publish();
    lan.run_ms(60_000);
    assert_eq!(lan.answerers(200), [owner]);
    lan.serve(1 - owner, Serving::Proven);
    run_answered(&mut lan, 200, 100);
    assert_eq!(lan.answerers(200), [1 - owner]);
}

#[test]
fn an_owner_that_dies_in_the_middle_of_its_offer_is_followed() {
    let mut lan = Segment::settled(3, &[200], 33);
    let owner = lan.answerers(200)[0];
    lan.loss = 100;
    lan.act_leave(owner);
    lan.run_ms(2);
    lan.kill(owner);
    lan.loss = 0;
    lan.run_ms(60);
    let heirs = lan.answerers(200);
    assert!(
        heirs.len() == 1 && heirs != [owner],
        "{heirs:?}: {:#?}",
        lan.history
    );
}

#[test]
fn nodes_with_different_views_of_the_weights_do_not_both_keep_a_claim_of_one_epoch() {
    let mut lan = Segment::new(2, &[200], 34);
    lan.side = vec![0, 1];
    for listed in lan.desired.peers.values_mut() {
        listed.ready = false;
    }
    for node in 0..2 {
        lan.weigh(200, &[(node, 100)]);
        lan.start(node);
    }
    lan.gateway = None;
    lan.run_ms(2_000);
    assert_eq!(lan.answerers(200), [0, 1]);
    lan.side = vec![0, 0];
    lan.run_ms(2_000);
    assert_eq!(lan.answerers(200).len(), 1, "{:#?}", lan.history);
}

/// Heartbeats carry seconds, and all bits set is never.
#[test]
fn however_long_a_failback_takes_it_is_not_never() {
    let longest = Failback::After(Duration::MAX);
    assert_eq!(longest.code(), u32::MAX - 1);
    assert_eq!(Failback::Never.code(), u32::MAX);
    assert_eq!(Failback::After(Duration::from_millis(90_900)).code(), 90);
}
