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

    let found = findings(&[well, Err("run 2: it hung".to_owned())]);
    assert_eq!(found.measures[0].samples, [Some(20.5), None]);
    assert_eq!(found.faults().len(), 2, "{:?}", found.faults());
    assert_eq!(found.runs[1], json!({"failed": "run 2: it hung"}));
}
