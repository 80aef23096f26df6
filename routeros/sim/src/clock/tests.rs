//! The clock moves when told, and wakes those who wait.

use super::*;

#[test]
fn a_stopped_clock_moves_by_advance_alone() {
    let clock = Clock::new(Pace::Stopped);
    assert_eq!(clock.now(), Duration::ZERO);
    clock.clone().advance(Duration::from_secs(90));
    assert_eq!(clock.now(), Duration::from_secs(90));
}

#[test]
fn a_real_clock_never_goes_back() {
    let clock = Clock::new(Pace::Real);
    let before = clock.now();
    clock.advance(Duration::from_hours(1));
    assert!(clock.now() >= before + Duration::from_hours(1));
}

#[tokio::test]
async fn advancing_wakes_a_waiter_of_a_far_deadline() {
    for pace in [Pace::Real, Pace::Stopped] {
        let clock = Clock::new(pace);
        let waiter = tokio::spawn({
            let clock = clock.clone();
            async move { clock.reached(Duration::from_hours(24)).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        clock.advance(Duration::from_hours(24));
        tokio::time::timeout(Duration::from_secs(10), waiter)
            .await
            .expect("woken")
            .unwrap();
    }
}
