//! Who is cut off from all others, and how it returns.

use super::super::wire::{Body, Datagram, Heartbeat};
use super::super::*;
use super::segment::*;

/// Node 0 is cut off from node 1, and nothing else shows that its link works.
fn cut_off() -> Segment {
    let mut lan = Segment::settled(2, &[200, 201], 11);
    lan.gateway = None;
    lan.side[1] = 1;
    lan.run_ms(1_000);
    assert!(lan.speakers[0].held);
    assert_eq!(lan.speakers[0].withheld_until, None);
    lan
}

/// What a speaker of node 1 says that has heard nobody yet.
fn first_words(boot: u8, sequence: u64) -> Vec<u8> {
    Datagram {
        boot: BootId([boot; 16]),
        sequence,
        node: name(1),
        body: Body::Heartbeat(Heartbeat::default()),
    }
    .encode(&key("shared"), 0)
}

/// It may have taken over what is ours before it was started anew.
#[test]
fn the_first_word_of_a_peer_that_was_started_anew_begins_the_return_and_no_later_one() {
    let mut lan = cut_off();
    lan.inject(0, 1, &first_words(9, 1));
    let until = lan.now + RETURN;
    assert_eq!(lan.speakers[0].withheld_until, Some(until));
    lan.run_ms(299);
    assert_eq!(lan.speakers[0].withheld_until, Some(until));
    lan.run_ms(1);
    lan.act(0, |_, _, _| {});
    assert_eq!(lan.speakers[0].withheld_until, None, "at its time");
    assert!(lan.speakers[0].held, "it still hears nobody");
    // It may be a recording.
    lan.inject(0, 1, &first_words(9, 2));
    lan.inject(0, 1, &first_words(10, 1));
    assert_eq!(lan.speakers[0].withheld_until, None);
}

#[test]
fn a_speaker_that_was_never_heard_before_ends_the_isolation_too() {
    let mut lan = Segment::new(3, &[200, 201], 12);
    lan.start(0);
    lan.start(1);
    lan.run_ms(3_000);
    lan.gateway = None;
    lan.side[1] = 1;
    lan.run_ms(1_000);
    assert!(lan.speakers[0].held);
    lan.start(2);
    let mut listened = false;
    for _ in 0..1_000 {
        lan.run_ms(1);
        listened |= lan.speakers[0].withheld_until.is_some();
    }
    assert!(listened, "the new one may have met whoever took over");
    assert!(!lan.speakers[0].held);
    assert_eq!(lan.speakers[0].withheld_until, None);
}

#[test]
fn who_hears_nobody_speaks_unasked_once_its_link_is_seen_to_work() {
    let mut lan = cut_off();
    lan.gateway = Some(0);
    lan.run_ms(400);
    assert!(!lan.speakers[0].held);
    assert!(lan.speakers[0].election.up().is_empty());
}

#[test]
fn who_is_alone_by_the_apis_word_has_nobody_to_wait_for() {
    let mut lan = cut_off();
    lan.desired.peers.remove(&name(1));
    lan.publish();
    assert!(!lan.speakers[0].held);
}

/// Others answer for it, and its process may take a while to end.
#[test]
fn who_rests_answers_nothing_though_it_is_stopped_and_goes_on() {
    let mut lan = Segment::settled(3, &[200], 13);
    let owner = lan.answerers(200)[0];
    lan.act(owner, |election, now, out| {
        election.leave(Departure::BackSoon, now, out);
    });
    let until = lan.speakers[owner].withheld_until;
    assert!(until.is_some());
    for stopped in [100, 220] {
        lan.stop(owner);
        lan.run_ms(stopped);
        lan.resume(owner);
        lan.run_ms(1_000);
        assert_eq!(lan.speakers[owner].withheld_until, until);
        assert!(!lan.speakers[owner].held);
        assert_ne!(lan.answerers(200), [owner]);
    }
}

/// One that is late all the time would else never answer.
#[test]
fn a_speaker_that_is_late_again_asks_what_it_missed_after_200_ms_and_not_before() {
    for (stopped, asks) in [(194, false), (195, true)] {
        let mut lan = Segment::settled(3, &[200], 14);
        let owner = lan.answerers(200)[0];
        lan.stop(owner);
        lan.run_ms(90);
        lan.resume(owner);
        assert!(lan.speakers[owner].withheld_until.is_some());
        lan.run_ms(5);
        lan.act(owner, |_, _, _| {});
        assert_eq!(lan.answerers(200), [owner]);
        lan.stop(owner);
        lan.run_ms(stopped);
        lan.resume(owner);
        assert_eq!(lan.speakers[owner].withheld_until.is_some(), asks, "{stopped} ms");
    }
}
