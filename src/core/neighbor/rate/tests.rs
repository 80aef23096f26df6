//! The bucket's bound over any span, and that it gives what it may.

use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn at(ms: u32) -> Instant {
    Instant::at(Duration::from_secs(1_000)) + MS * ms
}

#[test]
fn a_burst_then_one_each_interval() {
    let mut bucket = TokenBucket::new(MS * 10, 3);
    let taken: Vec<u32> = (0..40).filter(|ms| bucket.take(at(*ms))).collect();
    // One token at 0, the second at 1, the third at 2; the fourth came back 10 ms after the first left.
    assert_eq!(taken, [0, 1, 2, 10, 20, 30]);
    assert_eq!(bucket.ready_at(), at(40));
}

#[test]
fn it_is_full_again_after_a_rest_and_not_fuller() {
    let mut bucket = TokenBucket::new(MS * 10, 3);
    while bucket.take(at(0)) {}
    let after_rest = (0..10).filter(|_| bucket.take(at(60_000))).count();
    assert_eq!(after_rest, 3);
}

proptest! {
    #[test]
    fn no_span_exceeds_burst_plus_rate(
        burst in 1u32..8,
        interval in 1u32..20,
        waits in proptest::collection::vec(0u32..30, 1..200),
    ) {
        let mut bucket = TokenBucket::new(MS * interval, burst);
        let mut now = 0;
        let mut taken = Vec::new();
        for wait in waits {
            now += wait;
            while bucket.take(at(now)) {
                taken.push(now);
            }
            prop_assert!(bucket.ready_at() > at(now));
        }
        for (i, first) in taken.iter().enumerate() {
            for (j, last) in taken.iter().enumerate().skip(i) {
                let count = u32::try_from(j - i + 1).unwrap();
                prop_assert!(count <= burst + (last - first) / interval);
            }
        }
    }
}
