//! When a speaker that hears nobody asks for a sign that its own link works.

use std::time::Duration;

use super::segment::*;
use crate::election::Output;

/// How long after its peer was last heard node 0 asks, if nothing reaches it from now on.
fn questions(lan: &Segment, until: Duration) -> Vec<Duration> {
    let mut election = lan.speakers[0].election.clone();
    let mut now = lan.now;
    let heard = now - election.peer(&name(1)).unwrap().silent_for(now).unwrap();
    let mut asked = Vec::new();
    while now.since(heard) < until {
        // What was asked is not due again at the same moment.
        for _ in 0..2 {
            let mut out = Vec::new();
            election.poll(now, &mut || 0, &mut out);
            let questions = out.iter().filter(|output| **output == Output::AskWitness);
            asked.extend(questions.map(|_| now.since(heard)));
        }
        now = election.next_deadline(now).max(now + Duration::from_micros(1));
    }
    asked
}

fn every_50_ms(from: u64, to: u64) -> impl Iterator<Item = Duration> {
    (from..to).step_by(50).map(Duration::from_millis)
}

#[test]
fn who_hears_nobody_asks_for_five_seconds_and_then_for_half_a_second_of_five() {
    let mut lan = Segment::settled(2, &[200, 201], 21);
    lan.unpingable = [0, 1].into();
    let expected: Vec<Duration> = every_50_ms(150, 5_500)
        .chain(every_50_ms(10_000, 10_500))
        .chain(every_50_ms(15_000, 15_500))
        .collect();
    assert_eq!(questions(&lan, Duration::from_secs(19)), expected);
}

#[test]
fn who_waits_for_nothing_asks_no_longer_than_five_seconds() {
    let mut lan = Segment::settled(2, &[], 22);
    // Nothing is announced, and nobody else is there by the API's word.
    lan.desired.peers.remove(&name(1));
    lan.publish();
    let expected: Vec<Duration> = every_50_ms(150, 5_000).collect();
    assert_eq!(questions(&lan, Duration::from_secs(19)), expected);
}

/// Its own addresses are answered in silence until it knows whether its link works.
#[test]
fn who_has_everything_itself_asks_as_long_as_it_is_silent() {
    let mut lan = Segment::settled(2, &[200], 23);
    lan.only_candidates(200, &[0]);
    lan.publish();
    lan.run_ms(1_000);
    assert_eq!(lan.answerers(200), [0]);
    lan.unpingable = [0, 1].into();
    let expected: Vec<Duration> = every_50_ms(150, 5_500)
        .chain(every_50_ms(10_000, 10_500))
        .collect();
    assert_eq!(questions(&lan, Duration::from_secs(14)), expected);
}
