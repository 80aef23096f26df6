//! Goals are judged by the right figure, at their limits and with failed runs.

use super::*;

fn silence(samples: &[Option<f64>]) -> Measure {
    Measure {
        samples: samples.to_vec(),
        ..Measure::new("silence", Unit::Millis)
    }
}

#[test]
fn a_limit_is_judged_as_it_is_promised() {
    let samples = [Some(60.0), Some(10.0), Some(500.0)];
    for (goal, verdict) in [
        (Goal::at_most(Statistic::Max, 499.9), Verdict::Missed),
        (Goal::at_most(Statistic::Max, 500.0), Verdict::Met),
        (Goal::at_least(10.0), Verdict::Met),
        (Goal::at_least(10.1), Verdict::Missed),
        (Goal::at_most(Statistic::Median, 60.0), Verdict::Met),
        (Goal::at_most(Statistic::Median, 59.9), Verdict::Missed),
    ] {
        assert_eq!(silence(&samples).goal(goal).verdict(), Some(verdict), "{goal:?}");
    }
    assert_eq!(silence(&samples).verdict(), None);
}

#[test]
fn a_run_that_failed_misses_what_is_promised_of_all_and_not_the_median() {
    let samples = [Some(1.0), Some(2.0), None];
    let max = silence(&samples).goal(Goal::at_most(Statistic::Max, 500.0));
    let median = silence(&samples).goal(Goal::at_most(Statistic::Median, 500.0));
    assert_eq!(
        (max.verdict(), median.verdict()),
        (Some(Verdict::Missed), Some(Verdict::Met))
    );
    assert_eq!(
        max.fault().unwrap(),
        "silence: max is none, because a run failed, the goal is max ≤ 500 ms"
    );
    let least = silence(&samples).goal(Goal::at_least(0.5));
    assert_eq!(least.verdict(), Some(Verdict::Missed));
    let nothing = silence(&[]).goal(Goal::at_most(Statistic::Max, 500.0));
    assert_eq!(
        nothing.verdict(),
        Some(Verdict::Missed),
        "nothing measured is no success"
    );
}

#[test]
fn a_fault_says_what_was_found_and_what_was_promised() {
    let goal = Goal::at_most(Statistic::Median, 60.0);
    let slow = silence(&[Some(61.25)]).goal(goal);
    assert_eq!(
        slow.fault().unwrap(),
        "silence: p50 is 61.2 ms, the goal is p50 ≤ 60 ms"
    );
    assert_eq!(silence(&[Some(59.0)]).goal(goal).fault(), None);
}

#[test]
fn a_ratio_compares_medians() {
    let kernel = Measure {
        samples: vec![Some(20.0), Some(25.0), Some(90.0)],
        ..Measure::new("kernel", Unit::Micros)
    };
    let ours = Measure {
        samples: vec![Some(50.0), Some(40.0), Some(60.0)],
        ..Measure::new("ours", Unit::Micros).against("kernel")
    };
    let all = [ours.clone(), kernel.clone()];
    assert_eq!((ours.ratio(&all), kernel.ratio(&all)), (Some(2.0), None));
    assert_eq!(
        ours.ratio(std::slice::from_ref(&ours)),
        None,
        "the reference was not measured"
    );
    let none = Measure {
        samples: vec![None],
        ..kernel
    };
    assert_eq!(ours.ratio(&[none]), None, "the reference failed");
}

#[test]
fn durations_become_numbers_of_the_unit() {
    let time = Duration::from_micros(1_500);
    for (unit, wanted) in [
        (Unit::Seconds, 0.0015),
        (Unit::Millis, 1.5),
        (Unit::Micros, 1_500.0),
    ] {
        let measure = Measure::new("time", unit).times([Some(time), None]);
        let found = measure.samples[0].unwrap();
        assert!(
            (found - wanted).abs() < 1e-9 && measure.samples[1].is_none(),
            "{unit:?}: {found}"
        );
    }
}

#[test]
fn json_has_every_sample_in_the_order_of_the_runs() {
    let measure = silence(&[Some(3.0), None, Some(1.0)]).goal(Goal::at_most(Statistic::Max, 500.0));
    assert_eq!(
        measure.to_json(&[]),
        json!({
            "name": "silence",
            "unit": "ms",
            "n": 3,
            "failed": 1,
            "min": 1.0,
            "p50": 3.0,
            "p95": null,
            "p99": null,
            "max": null,
            "goal": {"statistic": "max", "relation": "≤", "limit": 500.0},
            "verdict": "missed",
            "reference": null,
            "ratio": null,
            "samples": [3.0, null, 1.0],
        })
    );
}
