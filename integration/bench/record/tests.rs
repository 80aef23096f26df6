//! The document's shape, which others read.

use super::super::measure::{Goal, Statistic, Unit};
use super::*;

fn findings(samples: &[Option<f64>]) -> Findings {
    let goal = Goal::at_most(Statistic::Max, 500.0);
    Findings {
        measures: vec![Measure {
            samples: samples.to_vec(),
            ..Measure::new("silence", Unit::Millis).goal(goal)
        }],
        configuration: json!({"nodes": 3}),
        runs: vec![json!({"run": 1})],
        failures: Vec::new(),
        notes: vec!["a note".to_owned()],
        drawn: vec!["silence".to_owned()],
    }
}

/// What `look` makes of a record with these findings.
fn of_record<T>(findings: &Findings, look: impl FnOnce(&Record<'_>) -> T) -> T {
    look(&Record {
        bench: "failover",
        title: "a title",
        began: Timestamp::UNIX_EPOCH,
        ended: Timestamp::UNIX_EPOCH,
        build: &Build::of(Path::new("/nowhere"), None),
        machine: &Machine::here(),
        load: (Load::now(), Load::now()),
        findings,
    })
}

fn document(findings: &Findings) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("made/for/it");
    let file = of_record(findings, |record| record.write(&place)).unwrap();
    assert!(file.ends_with("made/for/it/failover.json"), "{}", file.display());
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn a_record_has_what_a_reader_needs() {
    let found = document(&findings(&[Some(300.0), Some(320.5)]));
    let mut keys: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "began",
            "bench",
            "configuration",
            "ended",
            "failures",
            "faults",
            "format",
            "load",
            "machine",
            "measures",
            "notes",
            "runs",
            "tiklb",
            "verdict",
        ]
    );
    assert_eq!(found["verdict"], "met");
    assert_eq!(found["format"], 1);
    assert_eq!(found["began"], "1970-01-01T00:00:00Z");
    assert_eq!(found["measures"][0]["samples"], json!([300.0, 320.5]));
    assert_eq!(found["tiklb"]["version"], "unknown");
    assert!(found["tiklb"]["profile"] == "given" && found["tiklb"].get("commit").is_some());
    for key in ["kernel", "architecture", "processor", "cores", "memory_kib"] {
        assert!(
            !found["machine"][key].is_null(),
            "{key} is missing: {}",
            found["machine"]
        );
    }
    let average = found["load"]["before"]["average"].as_array().map(Vec::len);
    assert!(
        average == Some(3) && found["load"]["busy"].is_number(),
        "{}",
        found["load"]
    );
}

#[test]
fn a_missed_goal_and_a_failed_run_are_each_a_fault() {
    let missed = document(&findings(&[Some(700.0)]));
    assert_eq!(missed["verdict"], "missed");
    assert_eq!(
        missed["faults"],
        json!(["silence: max is 700.0 ms, the goal is max ≤ 500 ms"])
    );

    let mut failed = findings(&[Some(300.0)]);
    failed.failures.push("run 2: nobody answered".to_owned());
    let failed = document(&failed);
    assert_eq!(failed["verdict"], "missed");
    assert_eq!(failed["faults"], json!(["run 2: nobody answered"]));
}

#[test]
fn the_distribution_is_drawn_beside_the_record_if_there_is_one() {
    for (samples, drawn) in [(&[Some(310.0)][..], true), (&[None], false)] {
        let folder = tempfile::tempdir().unwrap();
        let file = of_record(&findings(samples), |record| record.draw(folder.path())).unwrap();
        assert_eq!(file.is_some(), drawn);
        if let Some(file) = file {
            assert_eq!(file, folder.path().join("failover.svg"));
            assert!(
                fs::read_to_string(file)
                    .unwrap()
                    .contains("silence: p50 310.0 ms")
            );
        }
    }
}
