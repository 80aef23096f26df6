//! What the chart lets tiklb's accounts do is what they did, over all stories.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use anyhow::{Context as _, Result, ensure};
use lab::chart::{Helm, RELEASE};
use lab::home::NAMESPACE;
use lab::rights::{Finding, Grant, Request, grants, judge, missing};
use libtest_mimic::{Completion, Failed};
use serde_json::Value;

use crate::stage::{Shared, Stage};

/// The last of all.
pub(crate) const NAME: &str = "rights::each_is_used_and_none_is_missing";

/// Rights that no story can need, each with its reason.
const EXCEPTED: [(&str, &str); 0] = [];

/// Holds the chart's roles against the audit log. While there are stories that were not played to their end it can only tell
/// what is missing: what seems needless may be needed there.
pub(crate) fn completion(shared: &Shared, unplayed: &BTreeSet<&str>) -> Result<Completion, Failed> {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let checked = match shared.as_mut() {
        Some((runtime, stage)) => runtime.block_on(check(stage, unplayed.is_empty())),
        None => Ok(()),
    };
    checked.map_err(|why| Failed::from(format!("{why:#}")))?;
    if unplayed.is_empty() {
        return Ok(Completion::Completed);
    }
    let one = unplayed.first().copied().unwrap_or_default();
    let why = format!(
        "NOT JUDGED whether every right is used: {} stories were not played to their end, {one} among them",
        unplayed.len()
    );
    eprintln!("{why}");
    Ok(Completion::ignored_with(why))
}

async fn check(stage: &Stage, all_were_played: bool) -> Result<()> {
    let granted = granted().await?;
    let log = stage.requests()?;
    let requests: BTreeSet<Request> = log
        .iter()
        .filter_map(Request::read)
        .filter(|request| request.account.namespace == NAMESPACE)
        // MetalLB's live there, too.
        .filter(|request| request.account.name.starts_with(RELEASE))
        .collect();
    let findings = if all_were_played {
        judge(&granted, &requests, &EXCEPTED)
    } else {
        missing(&granted, &requests).map(Finding::Refused).collect()
    };
    let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
    ensure!(findings.is_empty(), "{}", findings.join("\n"));
    eprintln!(
        "{} rights are granted; {} requests of {} kinds were written down",
        granted.len(),
        log.len(),
        requests.len()
    );
    Ok(())
}

/// The rights of the chart that the stories install.
async fn granted() -> Result<BTreeSet<Grant>> {
    let helm = Helm::found()?.context("helm is not built: cargo run --release -p lab -- chart")?;
    let rendered = helm.template(&["--set", "crds.enabled=false"]).await?;
    let manifests: Vec<Value> =
        serde_saphyr::from_multiple(&rendered).context("reading what helm rendered")?;
    grants(&manifests)
}
