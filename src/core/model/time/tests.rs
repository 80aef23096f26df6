//! Clock values and how they are spoken.

use super::*;

#[test]
fn durations_are_spoken_in_the_unit_a_person_would_use() {
    let spoken: Vec<String> = [35, 999, 4_250, 65_000, 600_000, 90_000_000]
        .iter()
        .map(|ms| Spoken(Duration::from_millis(*ms)).to_string())
        .collect();
    assert_eq!(spoken, ["35 ms", "999 ms", "4.2 s", "65 s", "10 min", "25 h"]);
}

#[test]
fn a_later_moment_lies_no_time_before_an_earlier_one() {
    let early = Instant::at(Duration::from_secs(1));
    assert_eq!(early.since(early + Duration::from_secs(1)), Duration::ZERO);
}
