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

/// An address that is taken away from a network that has another one, and one that is added hours later: the cable was there
/// all the time.
#[test]
fn an_address_more_or_less_on_a_network_is_no_return() {
    let mut lan = Segment::settled(2, &[200], 14);
    let owner = lan.answerers(200)[0];
    let own = lan.speakers[owner].election.interfaces_of(&name(owner)).to_vec();
    let second = |last: u8| WireInterface {
        network: IpNet::new(ip(last), 24).unwrap(),
        ..own[0]
    };
    for more in [vec![second(90)], vec![], vec![second(91)], vec![]] {
        let interfaces: Vec<_> = own.iter().copied().chain(more).collect();
        lan.act(owner, |election, now, out| {
            election.set_interfaces(interfaces, now, out);
        });
        for _ in 0..500 {
            lan.run_ms(1);
            assert_eq!(lan.answerers(200), [owner], "{:?}", lan.now);
        }
    }
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
        let now = lan.answerers(200);
        assert!(now.len() == 1 && now != [owner], "{now:?}");
    }
}

/// A return from isolation ends with answers, and that of whoever rests would.
#[test]
fn who_rests_answers_nothing_though_its_link_blinks_or_nobody_is_heard_for_a_while() {
    let blinks: fn(&mut Segment, usize, bool) = |lan, node, out| lan.unplug(node, out);
    let is_cut_off: fn(&mut Segment, usize, bool) = |lan, node, out| lan.side[node] = u8::from(out);
    for away in [blinks, is_cut_off] {
        let mut lan = Segment::settled(3, &[200], 13);
        let owner = lan.answerers(200)[0];
        lan.act(owner, |election, now, out| {
            election.leave(Departure::BackSoon, now, out);
        });
        let until = lan.speakers[owner].withheld_until;
        away(&mut lan, owner, true);
        lan.run_ms(600);
        away(&mut lan, owner, false);
        lan.run_ms(3_000);
        assert_eq!(lan.speakers[owner].withheld_until, until);
        let now = lan.answerers(200);
        assert!(now.len() == 1 && now != [owner], "{now:?}");
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

/// What it wants done that did not have the processor for so long; and the speaker.
fn late(lan: &Segment, node: usize, stood: Duration) -> (Vec<Output>, Election) {
    let mut election = lan.speakers[node].election.clone();
    election.wake(lan.now, &mut Vec::new());
    election.poll(lan.now, &mut || 0, &mut Vec::new());
    let mut out = Vec::new();
    election.wake(lan.now + stood, &mut out);
    (out, election)
}

#[test]
fn who_stood_still_for_200_ms_was_cut_off_and_before_that_it_asks_what_it_missed() {
    let lan = Segment::settled(3, &[200], 15);
    let owner = lan.answerers(200)[0];
    let (out, _) = late(&lan, owner, Duration::from_millis(200));
    let until = lan.now + Duration::from_millis(200) + RETURN;
    assert_eq!(out, [Output::Hold(true), Output::Withhold(Some(until))]);
    let soon = Duration::from_nanos(1);
    let stood = Duration::from_nanos(199_999_999);
    let (out, mut election) = late(&lan, owner, stood);
    let until = lan.now + stood + Duration::from_millis(20);
    assert_eq!(out.last(), Some(&Output::Withhold(Some(until))));
    assert!(!out.contains(&Output::Hold(true)));
    // Nobody says anything, and it answers again at its time.
    let mut answers = |now| {
        let mut out = Vec::new();
        election.poll(now, &mut || 0, &mut out);
        (out.contains(&Output::Withhold(None)), election.next_deadline(now))
    };
    assert_eq!(answers(until - soon), (false, until));
    assert!(answers(until).0);
}

/// Whoever has nothing has nothing to be silent about.
#[test]
fn who_was_late_and_claims_nothing_asks_nobody() {
    let lan = Segment::settled(3, &[200], 15);
    let other = (lan.answerers(200)[0] + 1) % 3;
    assert_eq!(late(&lan, other, Duration::from_millis(190)).0, []);
}

#[test]
fn the_first_word_of_a_start_withholds_nothing_from_who_is_not_cut_off() {
    let mut lan = Segment::new(2, &[200], 16);
    lan.start(0);
    let mut election = lan.speakers[0].election.clone();
    let mut out = Vec::new();
    election
        .receive(host(1), &first_words(9, 1), lan.now, &mut out)
        .unwrap();
    election.poll(lan.now, &mut || 0, &mut out);
    assert!(
        !out.iter().any(|output| matches!(output, Output::Withhold(_))),
        "{out:?}"
    );
}
