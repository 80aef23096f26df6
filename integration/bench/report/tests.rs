//! The table says what was found, what was promised, and what it is compared with.

use super::super::measure::{Goal, Statistic};
use super::*;

fn measure(name: &str, samples: &[Option<f64>]) -> Measure {
    Measure {
        samples: samples.to_vec(),
        ..Measure::new(name, Unit::Millis)
    }
}

#[test]
fn a_row_has_figures_goal_verdict_and_ratio() {
    let all = [
        measure("silence", &[Some(310.0), Some(350.25)])
            .goal(Goal::at_most(Statistic::Max, 500.0))
            .against("floor"),
        measure("detection", &[Some(300.0), None]).part(),
        measure("floor", &[Some(2.5), Some(3.0)]),
    ];
    let text = table(&all).to_string();
    let lines: Vec<&str> = text.lines().collect();
    let words = |line: usize| lines[line].split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(0), "MEASURE N P50 P95 P99 MAX GOAL VERDICT P50 IS");
    assert_eq!(
        words(1),
        "silence 2 310.0 ms 350.2 ms 350.2 ms 350.2 ms max ≤ 500 ms met 124 × floor"
    );
    assert_eq!(words(2), "detection 2 300.0 ms failed failed failed - - -");
    assert!(lines[2].starts_with("  detection"), "{text}");
    assert_eq!(words(3), "floor 2 2.5 ms 3.0 ms 3.0 ms 3.0 ms - - -");
}

#[test]
fn ratios_keep_three_digits() {
    for (ratio, wanted) in [(1.044, "1.04 × a"), (12.34, "12.3 × a"), (310.2, "310 × a")] {
        assert_eq!(compared(ratio, "a"), wanted);
    }
}
