//! Nearest ranks, and where failed runs stand.

use super::*;

fn of(samples: &[f64]) -> Distribution {
    Distribution::of(&samples.iter().copied().map(Some).collect::<Vec<_>>())
}

#[test]
fn a_percentile_is_a_sample_by_nearest_rank() {
    let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    let all = of(&hundred);
    assert_eq!(
        [50, 95, 99, 100].map(|percent| all.percentile(percent)),
        [50.0, 95.0, 99.0, 100.0].map(Some)
    );
    assert_eq!((all.min(), all.max(), all.len()), (Some(1.0), Some(100.0), 100));

    // The ranks of thirty are 15, 29 and 30.
    let thirty: Vec<f64> = (1..=30).map(f64::from).collect();
    let all = of(&thirty);
    assert_eq!(
        [50, 95, 99].map(|percent| all.percentile(percent)),
        [15.0, 29.0, 30.0].map(Some)
    );

    let four = of(&[40.0, 10.0, 30.0, 20.0]);
    assert_eq!(
        [50, 75, 76].map(|percent| four.percentile(percent)),
        [20.0, 30.0, 40.0].map(Some)
    );
}

#[test]
fn few_samples_tell_little_of_a_percentile_and_many_tell_much() {
    let at_most = |count: u16, percent| {
        let samples: Vec<f64> = (1..=count).map(f64::from).collect();
        of(&samples).percentile_at_most(percent)
    };
    assert_eq!(
        [50, 99].map(|percent| at_most(500, percent)),
        [269.0, 499.0].map(Some)
    );
    assert_eq!(
        [50, 99].map(|percent| at_most(10, percent)),
        [8.0, 10.0].map(Some)
    );
    assert_eq!(at_most(1, 50), Some(1.0));
    assert_eq!(at_most(0, 50), None);
}

#[test]
fn one_sample_is_every_percentile_and_none_is_none() {
    let one = of(&[7.5]);
    assert_eq!(
        [0, 1, 50, 99, 100].map(|percent| one.percentile(percent)),
        [Some(7.5); 5]
    );
    let none = of(&[]);
    assert_eq!(
        (none.percentile(50), none.min(), none.max(), none.len()),
        (None, None, None, 0)
    );
}

#[test]
fn a_failed_run_stays_and_is_the_longest() {
    let all = Distribution::of(&[Some(3.0), None, Some(1.0), Some(2.0)]);
    assert_eq!((all.len(), all.failed()), (4, 1));
    assert_eq!(
        [25, 50, 75, 76, 99].map(|percent| all.percentile(percent)),
        [Some(1.0), Some(2.0), Some(3.0), None, None]
    );
    assert_eq!((all.min(), all.max()), (Some(1.0), None));
}
