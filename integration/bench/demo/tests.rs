//! What the demo prints is read as it prints it.

use super::*;

const PRINTED: &str = "
1. A home: a LAN with a MikroTik router, three nodes, a phone and a printer    0.0 s
   All of it lives in namespaces of this machine; nothing reaches your own network.
   2. this is no step, it is indented 9.0 s

2. tiklb: one allocator, and a speaker on each node                          0.7 s
   … waiting for proof of free addresses (a first sync takes 12 s) (7 s)

   All as it should be, in 19.3 s.
";

#[test]
fn steps_and_total_are_read() {
    let (steps, total) = read(PRINTED).unwrap();
    let shown = Shown {
        took: Duration::from_secs(20),
        steps,
        total,
    };
    assert_eq!(shown.steps.len(), 2, "{:?}", shown.steps);
    assert_eq!(
        shown.steps[1].0,
        "2. tiklb: one allocator, and a speaker on each node"
    );
    let lengths = [0, 1].map(|place| shown.length(place).unwrap());
    assert!(
        (lengths[0] - 0.7).abs() < 1e-9 && (lengths[1] - 18.6).abs() < 1e-9,
        "{lengths:?}"
    );
    assert_eq!(shown.length(2), None);
}

#[test]
fn a_demo_that_says_nothing_is_no_success() {
    for (printed, wanted) in [
        ("", "no line of a step"),
        ("1. One   0.0 s\n", "no last line"),
        (
            "1. One   0.0 s\n   All as it should be, in a while.\n",
            "no last line",
        ),
    ] {
        let error = read(printed).unwrap_err().to_string();
        assert!(error.contains(wanted), "{printed:?}: {error}");
    }
}

#[test]
fn a_failed_demo_misses_the_goal_and_is_told() {
    let well = Ok(Shown {
        took: Duration::from_millis(20_500),
        steps: vec![("1. One".to_owned(), 0.0), ("2. Two".to_owned(), 5.0)],
        total: 20.0,
    });
    let found = findings(std::slice::from_ref(&well));
    assert!(found.faults().is_empty(), "{:?}", found.faults());
    assert_eq!(found.measures[0].samples, [Some(20.5)]);
    assert_eq!(found.measures[2].samples, [Some(15.0)]);

    let found = findings(&[well, judge(2, Duration::ZERO, None)]);
    assert_eq!(found.measures[0].samples, [Some(20.5), None]);
    assert_eq!(found.faults().len(), 2, "{:?}", found.faults());
    assert_eq!(found.faults()[1], "run 2: the demo had not ended after 120s");
}

#[test]
fn the_last_line_says_why_a_demo_failed() {
    let output = |code: i32, out: &str, err: &str| Output {
        status: std::os::unix::process::ExitStatusExt::from_raw(code << 8),
        stdout: out.into(),
        stderr: err.into(),
    };
    let took = Duration::from_secs(20);
    assert!(judge(1, took, Some(&output(0, PRINTED, ""))).is_ok_and(|shown| shown.took == took));
    for (ended, why) in [
        (
            output(1, PRINTED, "a log\nstep 5: no answer\n\n"),
            "run 1: step 5: no answer",
        ),
        (output(1, PRINTED, ""), "run 1: the demo failed (exit status: 1)"),
        (
            output(0, "", ""),
            "run 1: reading what the demo printed: there is no line of a step",
        ),
    ] {
        let failure = judge(1, took, Some(&ended)).unwrap_err();
        assert!(failure.why.starts_with(why), "{failure:?}");
    }
    let long = "x\n".repeat(LINES + 1);
    assert_eq!(
        judge(1, took, Some(&output(1, &long, "")))
            .unwrap_err()
            .lines
            .len(),
        LINES
    );
}
