//! Turns, and coming late to them.

use super::*;

fn at(ms: u64) -> Instant {
    Instant::at(Duration::from_millis(1_000 + ms))
}

#[test]
fn whoever_comes_late_to_a_turn_behind_another_looks_once_more() {
    let step = VERDICT_STEP;
    for (rank, looks, expected) in [
        (0, vec![0], vec![None]),
        (0, vec![40], vec![None]),
        (1, vec![0, 15], vec![Some(15), None]),
        (1, vec![0, 20], vec![Some(15), None]),
        (1, vec![0, 21, 36], vec![Some(15), Some(36), None]),
        (1, vec![0, 40, 61, 76], vec![Some(15), Some(55), Some(76), None]),
        (2, vec![0, 36, 51, 66], vec![Some(30), Some(66), Some(66), None]),
        (1, vec![0, 500], vec![Some(15), None]),
        (1, vec![0, 15, 100], vec![Some(15), None, None]),
    ] {
        let mut vacancy = Vacancy::new(at(0));
        let turns: Vec<_> = looks.iter().map(|ms| vacancy.turn(rank, step, at(*ms))).collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|turn: Option<u64>| turn.map(at))
            .collect();
        assert_eq!(turns, expected, "rank {rank}, looks at {looks:?}");
    }
}
