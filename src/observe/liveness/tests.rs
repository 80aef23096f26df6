//! A loop that goes round is alive, one that stands still is named.

use super::*;

const BOUND: Duration = Duration::from_secs(5);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn nothing_to_watch_is_alive() {
    assert_eq!(Liveness::new().stalled(), []);
}

#[test]
fn a_loop_is_alive_up_to_its_bound() {
    let liveness = Liveness::new();
    let pulse = liveness.pulse("the wire thread", BOUND);
    let start = pulse.0.since;
    assert_eq!(liveness.stalled_at(start + BOUND), []);
    let stalled = liveness.stalled_at(start + seconds(7));
    assert_eq!(
        stalled.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["the wire thread has stood still for 7.0 s, 5.0 s are allowed"]
    );
    pulse.touch_at(start + seconds(7));
    assert_eq!(liveness.stalled_at(start + seconds(12)), []);
    assert_eq!(liveness.stalled_at(start + seconds(13)).len(), 1);
}

#[test]
fn each_loop_has_its_own_bound() {
    let liveness = Liveness::new();
    let wire = liveness.pulse("the wire thread", BOUND);
    let _slow = liveness.pulse("the allocator", seconds(60));
    let stalled = liveness.stalled_at(wire.0.since + seconds(20));
    assert_eq!(
        stalled.iter().map(|s| s.what).collect::<Vec<_>>(),
        ["the wire thread"]
    );
}

#[test]
fn a_dropped_handle_is_a_dead_loop() {
    let liveness = Liveness::new();
    let pulse = liveness.pulse("the wire thread", BOUND);
    let later = pulse.0.since + seconds(6);
    drop(pulse);
    assert_eq!(liveness.stalled_at(later).len(), 1);
}

#[test]
fn a_clock_read_earlier_elsewhere_is_no_silence() {
    let liveness = Liveness::new();
    let pulse = liveness.pulse("the wire thread", Duration::ZERO);
    pulse.touch_at(pulse.0.since + seconds(2));
    assert_eq!(liveness.stalled_at(pulse.0.since + seconds(1)), []);
}
