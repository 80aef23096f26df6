//! `docs/metrics.md` is what the two processes show.

use std::collections::BTreeMap;
use std::path::Path;

use super::deployed::everything;
use crate::observe::metrics::text;

const HEAD: &str = "# Metrics

Both programs show theirs at `http://<host>:7472/metrics` (`--admin-listen`), in the text format of OpenMetrics. Those that begin
with `metallb_` are MetalLB's, so that its dashboards and alerts go on. The chart has a PodMonitor, [alerts](alerts.md) and a
dashboard. `TIKLB_UPDATE=1 cargo test -p tiklb --lib metrics` writes this page anew.

A counter is what it says since the process began; so are those of kind `unknown`, which MetalLB named without `_total`.
One that has labels appears with its first count.

| metric | kind | what it says |
|---|---|---|
";

/// The page.
fn page() -> String {
    let shown = text(&everything()).unwrap();
    let mut helps: BTreeMap<&str, &str> = BTreeMap::new();
    let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
    for line in shown.lines() {
        let split = |rest: &'static str| line.strip_prefix(rest).and_then(|rest| rest.split_once(' '));
        if let Some((name, help)) = split("# HELP ") {
            helps.insert(name, help);
        }
        if let Some((name, kind)) = split("# TYPE ") {
            kinds.insert(name, kind);
        }
    }
    let rows = kinds.iter().map(|(name, kind)| {
        let ending = match *kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let help = helps.get(name).copied().unwrap_or_default().replace('|', "\\|");
        format!("| `{name}{ending}` | {kind} | {help} |\n")
    });
    HEAD.to_owned() + &rows.collect::<String>()
}

#[test]
fn the_page_of_metrics_is_what_is_shown() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let expected = page();
    assert!(expected.lines().count() > 40, "{expected}");
    for row in expected.lines() {
        assert!(!row.ends_with("|  |"), "a metric without words: {row}");
    }
    if std::env::var_os("TIKLB_UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, &expected).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "docs/metrics.md is not what the programs show: run `TIKLB_UPDATE=1 cargo test -p tiklb --lib metrics` and commit it"
    );
}
