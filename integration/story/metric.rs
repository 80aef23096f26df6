//! What alerts, the dashboard and the page of metrics name is what the running programs show: a name that is not there makes
//! an alert that never fires, and nobody notices. And what they show of a failover is what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use anyhow::{Context as _, Result, ensure};
use regex::Regex;
use serde_json::Value;

use super::announcement::{ADDRESS, NOTICED, other_than, pinging, stays};
use super::scene::{FIRST_SYNC, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::page;
use crate::wait::until;

pub(super) fn stories() -> Vec<Story> {
    stories![metric:
        what_alerts_dashboard_and_page_name_is_shown,
        a_failover_is_counted_once_by_the_new_owner,
    ]
}

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

const DETECTION: &str = "tiklb_speaker_detection_milliseconds";
const FAILOVERS: &str = "tiklb_speaker_failover_seconds_count";
const SILENT_FOR: &str = "tiklb_speaker_failover_seconds_sum";
const CHANGES: &str = "tiklb_speaker_owner_changes_total";

/// What the speakers of some nodes show, by node and by series with its labels.
type Shown = BTreeMap<String, BTreeMap<String, f64>>;

async fn shown(scene: &Scene) -> Result<Shown> {
    // The allocator comes first.
    let speakers = scene.home.metrics().await?.into_iter().skip(1);
    let nodes = scene.home.node_names().map(str::to_owned);
    nodes
        .zip(speakers)
        .map(|(node, text)| Ok((node, samples(&text)?)))
        .collect()
}

fn samples(text: &str) -> Result<BTreeMap<String, f64>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (series, value) = line.rsplit_once(' ').with_context(|| line.to_owned())?;
        let value = value.parse().with_context(|| line.to_owned())?;
        Ok((series.to_owned(), value))
    };
    lines.map(sample).collect()
}

/// What a node's speaker shows of a series; nothing of what it does not count yet.
fn value(shown: &Shown, node: &str, series: &str) -> f64 {
    let series = shown.get(node).and_then(|series_of| series_of.get(series));
    series.copied().unwrap_or_default()
}

/// What has come to each series since then.
fn since(before: &Shown, after: &Shown, node: &str, name: &str) -> BTreeMap<String, f64> {
    let now = after.get(node).into_iter().flatten();
    let now = now.filter(|(series, _)| series.starts_with(name));
    let grown = now.map(|(series, now)| (series.clone(), now - value(before, node, series)));
    grown.filter(|(_, by)| *by != 0.0).collect()
}

/// Every peer of the owner watches its kernel: how long that may be silent, in milliseconds.
async fn watched(scene: &Scene, owner: &str) -> Result<Vec<f64>> {
    let series = format!("{DETECTION}{{peer=\"{owner}\"}}");
    until(
        &format!("{owner} to be watched by every peer"),
        SOON,
        async || {
            let shown = shown(scene).await?;
            let peers = shown.iter().filter(|(node, _)| *node != owner);
            let times = peers.map(|(node, all)| {
                let time = all.get(&series).copied();
                time.with_context(|| format!("{node} shows no {series}"))
            });
            times.collect()
        },
    )
    .await
}

/// The shortest and the longest that a speaker waits for a kernel to answer pings; heartbeats take longer.
const DETECTED_WITHIN: RangeInclusive<f64> = 36.0..=300.0;

async fn a_failover_is_counted_once_by_the_new_owner(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    scene.record("web", &node).await?;
    for time in watched(scene, &node).await? {
        ensure!(
            DETECTED_WITHIN.contains(&time),
            "{node} counts as gone after {time} ms"
        );
    }
    let before = shown(scene).await?;
    let pinger = pinging(scene, &node).await?;
    scene.home.lan().cut(&node).await?;
    let heir = other_than(&pinger, &node).await?;
    scene.record("web", &heir).await?;
    scene.home.lan().mend(&node).await?;
    stays(&pinger, &heir).await?;
    let counted = until("the failover to be counted", SOON, async || {
        let after = shown(scene).await?;
        counted_once(&before, &after, &node, &heir)?;
        Ok(after)
    })
    .await?;
    for (name, all) in &counted {
        let announces = all
            .keys()
            .any(|series| series.starts_with("metallb_speaker_announced"));
        ensure!(announces == (*name == heir), "{name}, {heir} took over: {all:?}");
    }
    disputes_nothing(scene).await
}

/// A failover is nobody's conflict. What the home's devices have of the pool is on record from the first survey on.
async fn disputes_nothing(scene: &Scene) -> Outcome {
    let all = until("the conflicts on record to be counted", FIRST_SYNC, async || {
        let (on_record, shown) = (scene.home.conflicts().await?, scene.home.metrics().await?);
        let counted = format!("tiklb_address_conflicts {}", on_record.len());
        let allocator = shown.first().context("no allocator")?;
        ensure!(allocator.lines().any(|line| line == counted), "not {counted}");
        let about = |one: &&Value| one["spec"]["address"] == ADDRESS.to_string();
        let ours = on_record.iter().find(about);
        let mut all: Vec<String> = ours.map(ToString::to_string).into_iter().collect();
        for text in shown.iter().skip(1) {
            all.extend(disputed(text)?);
        }
        Ok(all)
    })
    .await?;
    ensure!(all.is_empty(), "{all:?}");
    Ok(())
}

/// What a speaker shows of strangers that is not nothing.
fn disputed(text: &str) -> Result<Vec<String>> {
    let names = [
        "tiklb_speaker_disputed_addresses",
        "tiklb_speaker_claims_blocked",
        "tiklb_speaker_defences_total",
    ];
    let of_strangers = |series: &String| names.iter().any(|name| series.starts_with(name));
    let found = samples(text)?.into_iter();
    let found = found.filter(|(series, value)| of_strangers(series) && *value != 0.0);
    Ok(found.map(|(series, value)| format!("{series} {value}")).collect())
}

/// One node lost the address, another took it because that one was silent, and nobody else has to do with it. Where a machine
/// keeps the first in order waiting the next may claim beside it: whoever did has yielded, and counts both.
fn counted_once(before: &Shown, after: &Shown, from: &str, to: &str) -> Outcome {
    let cause = |reason: &str| (format!("{CHANGES}{{reason=\"{reason}\"}}"), 1.0);
    let (took, yielded) = (cause("OwnerSilent"), cause("BetterClaim"));
    for node in after.keys() {
        let allowed = match node.as_str() {
            node if node == to => vec![BTreeMap::from([took.clone()])],
            // Whoever comes back hears who has it now.
            node if node == from => vec![BTreeMap::from([yielded.clone()])],
            _ => vec![BTreeMap::new(), BTreeMap::from([took.clone(), yielded.clone()])],
        };
        let changes = since(before, after, node, CHANGES);
        ensure!(
            allowed.contains(&changes),
            "{node} counts {changes:?}, and none of {allowed:?}"
        );
        let taken = changes.get(&took.0).map(|times| (FAILOVERS.to_owned(), *times));
        let expected: BTreeMap<String, f64> = taken.into_iter().collect();
        let failovers = since(before, after, node, FAILOVERS);
        ensure!(
            failovers == expected,
            "{node} counts {failovers:?}, not {expected:?}"
        );
    }
    let silent: f64 = since(before, after, to, SILENT_FOR).values().sum();
    ensure!(
        silent > 0.0 && silent < NOTICED.as_secs_f64(),
        "{from} is said to have been silent for {silent} s"
    );
    Ok(())
}
