//! The page, and what other pages quote of it.

use super::*;

#[test]
fn the_page_is_that_of_the_files() {
    if std::env::var_os("TIKLB_UPDATE").is_some() {
        renew(None).unwrap();
    }
    let committed = fs::read_to_string(file()).unwrap();
    let fresh = page(&folder()).unwrap();
    assert!(
        committed == fresh,
        "docs/measured.md is not what its files say: lab -- measured makes it"
    );
}

#[test]
fn a_file_of_something_else_is_named() {
    let path = deployed("chart/values.schema.json");
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("values.schema.json is no bench's file"), "{error}");
}

#[test]
fn figures_that_are_missing_are_runs_that_failed() {
    let measure = serde_json::json!({
        "name": "a|b", "n": 2, "unit": "ms", "p50": 1.25, "p95": null, "p99": null, "max": null,
        "goal": {"limit": 35.0, "relation": "≤", "statistic": "p50"}, "verdict": "missed",
        "ratio": 1.5, "reference": "the other",
    });
    let mut page = String::new();
    row(&mut page, &measure).unwrap();
    assert_eq!(
        page,
        "| a\\|b | 2 | 1.2 ms | failed | failed | failed | p50 ≤ 35.0 ms | missed | 1.50 × the other |\n"
    );
}

/// One measure of a committed file.
fn measured(bench: &str, measure: &str) -> Value {
    let record = read(&folder().join(format!("{bench}.json"))).unwrap();
    let measures = record["measures"].as_array().unwrap();
    let found = measures.iter().find(|found| found["name"] == measure);
    found
        .unwrap_or_else(|| panic!("{bench}.json has no measure {measure:?}"))
        .clone()
}

/// A number that was renewed in the one place and not in the other is a rumour again.
#[test]
fn what_readme_and_limits_quote_stands_in_the_files() {
    let silence = measured("failover", "longest silence at the client");
    let [half, longest] = ["p50", "max"].map(|figure| silence[figure].as_f64().unwrap());
    let silences = format!("{half:.1} ms or less, the longest {longest:.1} ms");
    let lost = measured("move", "datagrams lost");
    assert_eq!(
        lost["max"], 0.0,
        "the pages say that a planned move loses nothing"
    );
    let moves = format!("{} planned moves", lost["n"]);
    let cuts = &silence["n"];
    for (page, quotes) in [
        (
            "../README.md",
            vec![format!("{cuts} cut cables"), silences.clone()],
        ),
        ("limits.md", vec![format!("{cuts} runs"), silences, moves]),
    ] {
        let text = fs::read_to_string(docs().join(page)).unwrap_or_else(|why| panic!("{page}: {why}"));
        for quote in quotes {
            assert!(
                text.contains(&quote),
                "{page} does not say {quote:?}, which docs/measured does"
            );
        }
    }
}
