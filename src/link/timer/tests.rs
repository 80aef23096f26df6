//! Deadlines that are near, far, passed and set again.

use super::*;

const LONG: Duration = Duration::from_mins(1);

async fn passes(timer: &mut Timer) -> bool {
    let told = tokio::time::timeout(Duration::from_secs(5), timer.expired()).await;
    told.is_ok_and(|told| told.is_ok())
}

#[tokio::test]
async fn it_ends_after_the_deadline_and_never_before() {
    let mut timer = Timer::start().unwrap();
    for step in 1..=50 {
        let deadline = Instant::now() + Duration::from_micros(step * 37);
        timer.set(deadline).unwrap();
        assert!(passes(&mut timer).await);
        assert!(Instant::now() >= deadline, "too early");
    }
}

#[tokio::test]
async fn a_deadline_is_told_once_and_again_when_it_is_set_again() {
    let mut timer = Timer::start().unwrap();
    let passed = Instant::now();
    for _ in 0..3 {
        timer.set(passed).unwrap();
        assert!(passes(&mut timer).await);
    }
    timer.set(Instant::now() + LONG).unwrap();
    let told = tokio::time::timeout(Duration::from_millis(20), timer.expired()).await;
    assert!(told.is_err(), "nothing has passed");
}

#[tokio::test]
async fn a_nearer_deadline_takes_the_place_of_a_far_one() {
    let mut timer = Timer::start().unwrap();
    let far = Instant::now() + LONG;
    timer.set(far).unwrap();
    timer.set(far).unwrap();
    let near = Instant::now() + Duration::from_millis(1);
    timer.set(near).unwrap();
    assert!(passes(&mut timer).await);
    assert!(Instant::now() >= near);
}
