//! What alerts and the dashboard ask for is what the two processes show.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use regex::Regex;
use serde_json::Value;
use tiklb_core::model::NodeName;
use tokio::sync::watch;

use crate::observe::metrics::cluster::{Cluster, Configuration};
use crate::observe::metrics::{Reading, Registry, allocator, process, router, services, speaker, text};

fn read(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Everything that either process registers.
pub(super) fn everything() -> Registry {
    let mut registry = Registry::default();
    let (_dispatch, log) = crate::observe::log::tests::to_nowhere();
    process::register(&mut registry, log);
    let cluster = Cluster {
        updates: Reading::new(|| 0),
        update_errors: Reading::new(|| 0),
        events_dropped: Reading::new(|| 0),
        configuration: Configuration::default(),
    };
    cluster.register(&mut registry);
    let (_pools, pools) = watch::channel(Arc::default());
    allocator::register(&mut registry, pools, Reading::new(|| false));
    services::Services::register(&mut registry);
    router::Routers::register(&mut registry);
    let (_counters, counters) = watch::channel(Arc::default());
    let (_published, published) = watch::channel(Arc::default());
    speaker::register(
        &mut registry,
        NodeName::from("node1"),
        counters,
        published,
        speaker::Thread::default(),
    );
    registry
}

/// The names under which Prometheus keeps it.
fn shown() -> BTreeSet<String> {
    let text = text(&everything()).unwrap();
    let mut names = BTreeSet::new();
    for line in text.lines() {
        let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        let endings: &[&str] = match kind {
            "counter" => &["_total"],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            "gauge" | "unknown" => &[""],
            other => panic!("{name} is a {other}"),
        };
        names.extend(endings.iter().map(|ending| format!("{name}{ending}")));
    }
    assert!(names.len() > 30, "{names:?}");
    names
}

/// The metrics that an expression names.
fn named(expression: &str) -> Vec<String> {
    let names = Regex::new(r"\b(?:tiklb|metallb|process)_[a-z0-9_]+").unwrap();
    let found: Vec<String> = names
        .find_iter(expression)
        .map(|found| found.as_str().to_owned())
        .collect();
    assert!(!found.is_empty(), "{expression} asks for nothing of ours");
    found
}

/// The alerts: name, expression, the whole rule.
fn alerts() -> Vec<(String, String, Value)> {
    let rules: Value = serde_saphyr::from_str(&read("deploy/chart/files/alerts.yaml")).unwrap();
    let rules = rules["groups"][0]["rules"].as_array().unwrap().clone();
    assert!(rules.len() > 8, "{} alerts", rules.len());
    let text = |rule: &Value, field: &str| rule[field].as_str().unwrap().to_owned();
    rules
        .into_iter()
        .map(|rule| (text(&rule, "alert"), text(&rule, "expr"), rule))
        .collect()
}

#[test]
fn alerts_ask_for_metrics_that_there_are() {
    let shown = shown();
    for (alert, expression, _) in alerts() {
        for name in named(&expression) {
            assert!(shown.contains(&name), "{alert} asks for {name}");
        }
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let shown = shown();
    let dashboard: Value = serde_json::from_str(&read("deploy/chart/files/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut asked = BTreeSet::new();
    for panel in panels {
        for target in panel["targets"].as_array().unwrap() {
            for name in named(target["expr"].as_str().unwrap()) {
                assert!(shown.contains(&name), "{} asks for {name}", panel["title"]);
                asked.insert(name);
            }
        }
    }
    assert!(asked.len() > 20, "{asked:?}");
}

/// A person finds it by the alert's name.
#[test]
fn every_alert_has_its_runbook() {
    let page = read("docs/alerts.md");
    let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let alerts = alerts();
    let names: Vec<&str> = alerts.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        sections, names,
        "docs/alerts.md against alerts.yaml, in this order"
    );
    for (name, _, rule) in &alerts {
        let url = rule["annotations"]["runbook_url"].as_str().unwrap();
        let anchor = format!("docs/alerts.md#{}", name.to_lowercase());
        assert!(url.ends_with(&anchor), "{name}: {url}");
        assert!(rule["labels"]["severity"].is_string(), "{name}");
        for annotation in ["summary", "description"] {
            assert!(
                rule["annotations"][annotation].is_string(),
                "{name}: {annotation}"
            );
        }
    }
}
