//! What alerts, the dashboard and the page of metrics name is what the running programs show: a name that is not there makes
//! an alert that never fires, and nobody notices.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use regex::Regex;
use serde_json::Value;

use super::scene::Scene;
use super::{Outcome, Story, stories};
use crate::page;

pub(super) fn stories() -> Vec<Story> {
    stories![metric: what_alerts_dashboard_and_page_name_is_shown]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

async fn what_alerts_dashboard_and_page_name_is_shown(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.apply_homelab(&["mikrotikrouter"]).await?;
    scene.in_sync().await?;
    scene.settle("web", ADDRESS).await?;
    let shown: BTreeSet<String> = scene
        .home
        .metrics()
        .await?
        .iter()
        .flat_map(|text| series(text))
        .collect();
    let asked = asked()?;
    ensure!(asked.len() > 30, "only {} expressions were found", asked.len());
    for (who, expression) in &asked {
        let names = named(expression)?;
        ensure!(
            !names.is_empty(),
            "{who}: {expression} asks for nothing of tiklb's"
        );
        let missing: Vec<&String> = names.iter().filter(|name| !shown.contains(*name)).collect();
        ensure!(
            missing.is_empty(),
            "{who} asks for {missing:?}, which nothing shows"
        );
    }
    let listed = listed(&page::read("docs/metrics.md")?);
    ensure!(listed.len() > 30, "only {} metrics are on the page", listed.len());
    let missing: Vec<&String> = listed.difference(&shown).collect();
    ensure!(
        missing.is_empty(),
        "docs/metrics.md has {missing:?}, which nothing shows"
    );
    Ok(())
}

/// The names under which Prometheus keeps what a program shows, labels left away.
fn series(text: &str) -> Vec<String> {
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let kinds = kinds.filter_map(|line| line.split_once(' '));
    let all =
        kinds.flat_map(|(name, kind)| endings(kind).iter().map(move |ending| format!("{name}{ending}")));
    all.collect()
}

fn endings(kind: &str) -> &'static [&'static str] {
    match kind {
        "counter" => &["_total"],
        "info" => &["_info"],
        // The page names the whole.
        "histogram" => &["", "_bucket", "_sum", "_count"],
        _ => &[""],
    }
}

/// Who asks, and the expression.
fn asked() -> Result<Vec<(String, String)>> {
    let rules: Value = serde_saphyr::from_str(&page::read("deploy/chart/files/alerts.yaml")?)?;
    let dashboard: Value = serde_json::from_str(&page::read("deploy/chart/files/dashboard.json")?)?;
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut asked = Vec::new();
    for group in array(&rules["groups"]) {
        for rule in array(&group["rules"]) {
            asked.push((rule["alert"].clone(), rule["expr"].clone()));
        }
    }
    for panel in array(&dashboard["panels"]) {
        for target in array(&panel["targets"]) {
            asked.push((panel["title"].clone(), target["expr"].clone()));
        }
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let both = |(who, expression): &(Value, Value)| Some((text(who)?, text(expression)?));
    asked
        .iter()
        .map(|one| both(one).with_context(|| format!("no name or no expression: {one:?}")))
        .collect()
}

/// The metrics of tiklb's in an expression.
fn named(expression: &str) -> Result<BTreeSet<String>> {
    let names = Regex::new(r"\b(?:tiklb|metallb|process)_[a-z0-9_]+")?;
    let found = names.find_iter(expression);
    Ok(found.map(|found| found.as_str().to_owned()).collect())
}

/// The first cell of each row.
fn listed(page: &str) -> BTreeSet<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned()))
        .collect()
}
