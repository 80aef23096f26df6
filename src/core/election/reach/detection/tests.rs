//! Gaps, outages and wrong verdicts.

use super::*;

fn at(seconds: u64) -> Instant {
    Instant::at(Duration::from_secs(seconds))
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn half_as_much_again_as_the_longest_gap_within_bounds() {
    for (gap, time) in [(10, 36), (24, 36), (40, 60), (100, 150), (200, 300), (300, 300)] {
        let mut detection = Detection::default();
        assert_eq!(detection.time(at(5)), SHORTEST);
        detection.gap(ms(gap), at(5));
        detection.gap(ms(10), at(6));
        assert_eq!(detection.time(at(7)), ms(time), "after a gap of {gap} ms");
    }
}

#[test]
fn a_gap_is_forgotten_after_ten_minutes() {
    let mut detection = Detection::default();
    detection.gap(ms(100), at(30));
    detection.gap(ms(60), at(90));
    assert_eq!(detection.time(at(599)), ms(150));
    assert_eq!(detection.time(at(600)), ms(90));
    assert_eq!(detection.time(at(659)), ms(90));
    assert_eq!(detection.time(at(660)), SHORTEST);
    for second in 0..10_000 {
        detection.gap(ms(10), at(700 + second));
    }
    assert!(detection.longest.len() <= 10, "{}", detection.longest.len());
}

#[test]
fn three_outages_in_ten_minutes_turn_it_off() {
    let mut detection = Detection::default();
    for (second, off) in [(100, false), (200, false), (300, true)] {
        detection.gap(ms(301), at(second));
        assert_eq!(detection.is_off(at(second)), off, "{second}");
    }
    assert_eq!(detection.time(at(300)), SHORTEST, "an outage is no sample");
    assert!(detection.is_off(at(699)));
    assert!(!detection.is_off(at(700)));
}

#[test]
fn a_wrong_verdict_doubles_the_time_and_each_clean_hour_halves_it() {
    let mut detection = Detection::default();
    let mut seen = Vec::new();
    for _ in 0..5 {
        detection.disproved(at(10));
        seen.push(detection.time(at(10)).as_millis());
    }
    assert_eq!(seen, [72, 144, 288, 300, 300]);
    let after: Vec<_> = (0..5)
        .map(|hours| detection.time(at(10 + hours * 3_600)).as_millis())
        .collect();
    assert_eq!(after, [300, 288, 144, 72, 36]);
    detection.disproved(at(10 + 3 * 3_600));
    assert_eq!(
        detection.time(at(10 + 3 * 3_600)),
        ms(144),
        "what was forgiven stays so"
    );
}

#[test]
fn what_was_learned_matters_for_as_long_as_it_makes_a_difference() {
    let after = |teach: fn(&mut Detection)| {
        let mut detection = Detection::default();
        teach(&mut detection);
        detection
    };
    assert!(!Detection::default().matters(at(30)));
    let short = after(|detection| detection.gap(ms(24), at(30)));
    assert!(!short.matters(at(30)), "it is as fast as a new one");
    let long = after(|detection| detection.gap(ms(30), at(30)));
    assert!(long.matters(at(599)) && !long.matters(at(600)));
    let wrong = after(|detection| detection.disproved(at(30)));
    assert!(wrong.matters(at(3_629)) && !wrong.matters(at(3_630)));
}

/// A cable that is cut again and again is a node that is gone again and again, and each time missed as fast.
#[test]
fn of_a_way_that_is_gone_the_gaps_alone_are_left() {
    let mut detection = Detection::default();
    detection.gap(ms(30), at(30));
    for _ in 0..3 {
        detection.gap(ms(2_000), at(31));
        detection.disproved(at(31));
    }
    assert!(detection.is_off(at(31)) && detection.time(at(31)) == LONGEST);
    let left = detection.gaps();
    assert!(!left.is_off(at(31)));
    assert_eq!(left.time(at(31)), ms(45));
}
