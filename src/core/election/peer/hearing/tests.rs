//! How often a peer is asked on a segment, and when its silence there means something.

use super::*;

fn at(ms: u64) -> Instant {
    Instant::at(Duration::from_millis(1_000 + ms))
}

/// In which of these milliseconds after its last sign, ten a second, a peer is asked.
fn asked(hearing: &mut Hearing, until_ms: u64) -> Vec<u64> {
    let beats = (0..=until_ms).step_by(100);
    beats.filter(|ms| hearing.asks(false, at(*ms))).collect()
}

#[test]
fn whose_heartbeats_came_is_asked_when_one_is_late_and_given_up_after_four_questions() {
    let mut hearing = Hearing::new(at(0));
    hearing.heartbeat(1, true, at(0));
    assert_eq!(asked(&mut hearing, 400), [200, 300, 400]);
    assert!(!hearing.is_over(at(400)), "three questions may be lost");
    assert!(hearing.asks(false, at(500)) && hearing.is_over(at(500)));
    assert!(!hearing.is_out_of_hearing(at(1_000)) && hearing.is_out_of_hearing(at(1_001)));
    hearing.sign(at(1_001));
    assert!(!hearing.is_over(at(1_400)), "somebody hears it");
    assert!(hearing.is_out_of_hearing(at(1_400)), "and not this node");
    hearing.answered(at(1_500));
    assert!(!hearing.is_out_of_hearing(at(1_600)));
}

#[test]
fn a_heartbeat_that_echoes_nothing_of_this_way_is_no_sign() {
    let mut hearing = Hearing::new(at(0));
    hearing.heartbeat(7, false, at(300));
    assert!(!hearing.is_known());
    assert_eq!(hearing.silent_since(), at(0));
    assert_eq!(hearing.echo(at(650)), Some(7));
    assert_eq!(hearing.echo(at(651)), None);
    hearing.heartbeat(6, true, at(700));
    assert!(hearing.is_known());
    assert_eq!(hearing.echo(at(700)), Some(7), "the newest");
    assert_eq!(hearing.silent_since(), at(700));
}

#[test]
fn whoever_answers_by_its_kernel_alone_is_asked_twice_a_second() {
    let mut hearing = Hearing::new(at(0));
    hearing.answered(at(0));
    assert_eq!(asked(&mut hearing, 700), [500, 600, 700]);
}

#[test]
fn a_silence_of_minutes_is_asked_about_now_and_then() {
    let mut known = Hearing::new(at(0));
    known.heartbeat(1, true, at(0));
    let late: Vec<u64> = asked(&mut known, 80_000)
        .into_iter()
        .filter(|ms| *ms > 60_000)
        .collect();
    assert_eq!(late, [65_000, 70_000, 75_000, 80_000]);
    let mut strange = Hearing::new(at(0));
    let late: Vec<u64> = asked(&mut strange, 130_000)
        .into_iter()
        .filter(|ms| *ms > 3_000)
        .collect();
    assert_eq!(late, [63_000, 123_000], "a network of the same numbers");
    assert!(strange.is_out_of_hearing(at(130_000)));
}

#[test]
fn whoever_was_found_to_be_cut_off_is_asked_now_and_then() {
    let mut hearing = Hearing::new(at(0));
    hearing.heartbeat(1, true, at(0));
    assert_eq!(asked(&mut hearing, 500), [200, 300, 400, 500]);
    let beats = (600..=11_000).step_by(100);
    let asked: Vec<u64> = beats.filter(|ms| hearing.asks(true, at(*ms))).collect();
    assert_eq!(asked, [5_500, 10_500]);
}

#[test]
fn nobody_is_given_up_before_350_ms_however_often_it_was_asked() {
    let mut hearing = Hearing::new(at(0));
    hearing.heartbeat(1, true, at(0));
    assert!(hearing.asks(false, at(150)) && !hearing.is_asked_again());
    assert!(hearing.asks(false, at(200)) && hearing.is_asked_again());
    assert!(hearing.asks(false, at(250)) && hearing.asks(false, at(300)));
    assert!(!hearing.is_over(at(350)) && hearing.is_over(at(351)));
}
