//! Every way between the three states.

use super::*;

fn at(seconds: u64) -> Instant {
    Instant::at(Duration::from_secs(seconds))
}

#[test]
fn nothing_at_all_is_no_failure() {
    let mut health = ProxyHealth::default();
    for second in 0..100 {
        assert_eq!(health.note(Reply::Nothing, at(second)), Serving::Unknown);
    }
}

#[test]
fn good_counts_after_five_seconds_without_a_break() {
    let mut health = ProxyHealth::default();
    for second in 0..5 {
        assert_eq!(health.note(Reply::Good, at(second)), Serving::Unknown);
    }
    assert_eq!(health.note(Reply::Good, at(5)), Serving::Proven);
    for (reply, second) in [(Reply::Bad, 6), (Reply::Nothing, 20)] {
        // A question or two without an answer are nothing.
        for _ in 0..MISSED {
            if reply == Reply::Nothing {
                assert_eq!(health.note(reply, at(second)), Serving::Proven);
            }
        }
        assert_eq!(health.note(reply, at(second)), Serving::Failing);
        assert_eq!(health.note(Reply::Good, at(second + 1)), Serving::Failing);
        assert_eq!(health.note(Reply::Good, at(second + 5)), Serving::Failing);
        assert_eq!(health.note(Reply::Good, at(second + 6)), Serving::Proven);
    }
}

#[test]
fn a_proxy_that_says_no_from_the_start_is_there() {
    let mut health = ProxyHealth::default();
    assert_eq!(health.note(Reply::Bad, at(0)), Serving::Failing);
    for second in 1..5 {
        assert_eq!(health.note(Reply::Nothing, at(second)), Serving::Failing);
    }
}

#[test]
fn what_was_good_for_a_moment_and_is_gone_has_failed() {
    let mut health = ProxyHealth::default();
    assert_eq!(health.note(Reply::Good, at(0)), Serving::Unknown);
    for second in 1..3 {
        assert_eq!(health.note(Reply::Nothing, at(second)), Serving::Unknown);
    }
    assert_eq!(health.note(Reply::Nothing, at(3)), Serving::Failing);
    assert_eq!(health.note(Reply::Good, at(4)), Serving::Failing);
}
