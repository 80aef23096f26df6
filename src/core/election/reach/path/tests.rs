//! Answers counted, missed, late and forged.

use super::*;
use crate::model::MacAddr;

fn interface(last: u8) -> WireInterface {
    WireInterface {
        mac: MacAddr(2, 0, 0, 0, 1, last),
        network: format!("192.168.1.{last}/24").parse().unwrap(),
    }
}

const fn ms(ms: u64) -> Instant {
    Instant::at(Duration::from_millis(ms))
}

fn question(sequence: u16) -> Question {
    Question {
        id: 1,
        sequence,
        token: u64::from(sequence) << 32,
    }
}

/// Asked every 10 ms from 0 on, the last time at 10 × (answers - 1), and answered each time.
fn answered(answers: u16) -> Path {
    let mut path = Path::new(interface(11), interface(12), Detection::default(), ms(0));
    path.watch(true, ms(0));
    for n in 0..answers {
        let now = ms(u64::from(n) * 10);
        path.ask(question(n), now);
        assert_eq!(path.answer(question(n), now, now), Some(now));
    }
    path
}

#[test]
fn ten_answers_in_a_row_make_it_usable() {
    assert!(!answered(9).is_usable(ms(80)));
    assert!(answered(10).is_usable(ms(90)));
    let mut path = answered(9);
    path.ask(question(20), ms(90));
    path.ask(question(21), ms(100));
    path.answer(question(21), ms(100), ms(100));
    assert!(!path.is_usable(ms(100)), "the row was broken");
}

#[test]
fn silence_needs_three_questions_that_left_on_time() {
    let mut path = answered(10);
    let silent_from = ms(90);
    for n in 0..2 {
        path.ask(question(20 + n), ms(100 + u64::from(n) * 10));
    }
    assert!(!path.is_gone(silent_from + Duration::from_millis(200)));
    path.ask(question(22), ms(120));
    call_last(&mut path, ms(126));
    assert!(!path.is_gone(ms(126) - Duration::from_micros(1)));
    assert!(path.is_gone(ms(126)));
    path.late(ms(126));
    assert!(!path.is_gone(ms(300)), "we did not ask");
}

/// Asks a last time before a verdict that is due then.
fn call_last(path: &mut Path, due: Instant) {
    path.ask(question(90), due - LAST_CALL);
}

#[test]
fn nobody_is_gone_before_the_time_to_answer_the_last_question_is_over() {
    let mut path = answered(10);
    for n in 0..3 {
        path.ask(question(20 + n), ms(100 + u64::from(n) * 10));
    }
    assert!(!path.is_gone(ms(128)), "the moment for it was slept through");
    path.ask(question(23), ms(128));
    assert!(!path.is_gone(ms(128) + ANSWERED_WITHIN - Duration::from_micros(1)));
    assert!(path.is_gone(ms(128) + ANSWERED_WITHIN));
    path.answer(question(23), ms(128), ms(129));
    assert!(!path.is_gone(ms(129)), "it is back");
}

#[test]
fn by_how_much_a_question_was_late_is_not_the_peers_silence() {
    // The last answer came at 90, and the question after it left 3 ms late.
    let mut path = answered(10);
    for n in 0..3 {
        path.ask(question(20 + n), ms(103 + u64::from(n) * 10));
    }
    assert_eq!(path.gone_at(ms(123)), ms(129));
    call_last(&mut path, ms(129));
    assert!(!path.is_gone(ms(128)));
    assert!(path.is_gone(ms(129)));
    // A question out of turn makes nobody gone sooner.
    let mut early = answered(10);
    early.ask(question(20), ms(92));
    assert_eq!(early.gone_at(ms(92)), ms(126));
}

#[test]
fn an_answer_counts_once_and_from_when_it_arrived() {
    let mut path = answered(10);
    path.ask(question(20), ms(100));
    // Read late, and stamped by a clock that was set: never before the question, never after now.
    assert_eq!(path.answer(question(20), ms(3), ms(130)), Some(ms(100)));
    assert_eq!(path.silence(ms(130)), Duration::from_millis(30));
    assert_eq!(path.answer(question(20), ms(130), ms(130)), None);
    assert_eq!(path.answer(question(77), ms(130), ms(130)), None);
    let forged = Question {
        token: 1,
        ..question(20)
    };
    path.ask(question(20), ms(140));
    assert_eq!(path.answer(forged, ms(141), ms(141)), None);
}

#[test]
fn gaps_are_learned_unless_they_are_ours() {
    let mut path = answered(10);
    path.ask(question(20), ms(170));
    path.answer(question(20), ms(170), ms(170));
    assert_eq!(path.detection.time(ms(170)), Duration::from_millis(120));
    let mut late = answered(10);
    late.late(ms(160));
    late.ask(question(20), ms(170));
    late.answer(question(20), ms(170), ms(170));
    assert_eq!(late.detection.time(ms(170)), super::super::detection::SHORTEST);
}

#[test]
fn who_is_vouched_for_and_never_answers_is_not_judged_here() {
    let mut path = answered(10);
    for n in 0..210 {
        let now = ms(100 + n * 10);
        path.ask(question(100), now);
        path.alive(now);
        assert!(!path.is_gone(now));
    }
    assert!(!path.is_usable(ms(2_200)));
}

#[test]
fn an_answer_to_any_of_the_last_32_questions_counts() {
    let mut path = answered(10);
    for n in 0..33 {
        path.ask(question(20 + n), ms(100 + u64::from(n) * 10));
    }
    let now = ms(425);
    assert!(path.is_usable(now), "it is missed, and was there before");
    assert_eq!(path.answer(question(20), now, now), None, "too long ago");
    assert_eq!(path.answer(question(21), now, now), Some(ms(110)));
    assert_eq!(path.answer(question(52), now, now), Some(ms(420)));
}

/// Hearsay keeps nobody alive.
#[test]
fn whoever_answered_within_half_the_detection_time_is_said_to_be_alive() {
    let mut path = answered(10);
    assert!(path.is_alive(ms(107)));
    assert!(!path.is_alive(ms(108)));
    path.alive(ms(107));
    assert!(!path.is_alive(ms(108)));
    assert!(
        !answered(9).is_alive(ms(81)),
        "it has not answered for long enough"
    );
}

#[test]
fn whoever_wants_to_hear_of_a_peer_hears_of_what_was_asked_since_and_for_100_ms() {
    let mut path = answered(10);
    let name = |node: &str| NodeName::from(node);
    path.want(name("node1"), ms(100));
    assert!(path.is_wanted());
    assert_eq!(path.take_wanting(ms(99)), [], "that left before");
    path.ask(question(20), ms(100));
    assert!(!path.is_wanted());
    assert_eq!(path.take_wanting(ms(100)), [name("node1")]);
    assert_eq!(path.take_wanting(ms(100)), [], "once");
    path.want(name("node1"), ms(200));
    path.want(name("node2"), ms(201));
    path.ask(question(21), ms(301));
    assert_eq!(path.take_wanting(ms(301)), [name("node2")]);
}
