//! Pictures show where samples are, and that some failed.

use super::super::measure::Unit;
use super::*;

fn measure(name: &str, samples: &[Option<f64>]) -> Measure {
    Measure {
        samples: samples.to_vec(),
        ..Measure::new(name, Unit::Millis)
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_line_has_blocks_where_samples_are_and_counts_those_that_failed() {
    let all = [
        measure("ours", &[Some(0.0), Some(39.9), Some(39.9), None]),
        measure("theirs", &[Some(20.0)]),
    ];
    let text = Plot::of(&names(&["ours", "theirs", "nobody's"]), &all)
        .unwrap()
        .text();
    let lines: Vec<&str> = text.lines().collect();
    let ours = format!("ours   |▄{}█|  1 failed", " ".repeat(COLUMNS - 2));
    let theirs = format!(
        "theirs |{}█{}|",
        " ".repeat(COLUMNS / 2),
        " ".repeat(COLUMNS / 2 - 1)
    );
    assert_eq!(lines[..2], [ours, theirs]);
    assert!(
        lines.len() == 3 && lines[2].trim_start().starts_with('0') && lines[2].ends_with("40 ms"),
        "{text}"
    );
    assert_eq!(lines[2].chars().count(), lines[1].chars().count() - 1, "{text}");
}

#[test]
fn a_curve_ends_below_the_top_where_a_run_failed() {
    let all = [measure("a < b", &[Some(10.0), None])];
    let svg = Plot::of(&names(&["a < b"]), &all).unwrap().svg("silence & more");
    // From the lower left, at the sample half of the way up, and no further.
    assert!(
        svg.contains("points=\"56.0,344.0 696.0,344.0 696.0,184.0\""),
        "{svg}"
    );
    assert!(
        svg.contains("a &lt; b: p50 10.0 ms, p99 failed, max failed of 2")
            && svg.contains("silence &amp; more"),
        "{svg}"
    );
}

#[test]
fn what_was_never_measured_has_no_picture() {
    assert!(Plot::of(&names(&["ours"]), &[measure("ours", &[None])]).is_none());
    assert!(Plot::of(&[], &[measure("ours", &[Some(1.0)])]).is_none());
}

#[test]
fn an_axis_ends_at_a_round_number() {
    for (most, end) in [
        (10.0, 10.0),
        (51.0, 80.0),
        (35.2, 40.0),
        (0.3, 0.4),
        (101.0, 200.0),
    ] {
        assert!((round_up(most) - end).abs() < 1e-9, "{most}: {}", round_up(most));
    }
}
