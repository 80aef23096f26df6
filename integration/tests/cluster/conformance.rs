//! What the embedded API server is held to, asked of the real one: the same requests, the same answers.

use std::time::Instant;

use anyhow::ensure;
use futures::future::join_all;
use lab::apiserver::conformance::{CHECKS, Check, REAL_ONLY};
use lab::cluster::Binaries;
use lab::kube::Kube;

use crate::ground::{self, Outcome, Test};

pub(crate) fn tests() -> Vec<(&'static str, Test)> {
    vec![
        (
            "conformance::what_the_embedded_server_does_the_real_one_does",
            |binaries| Box::pin(hold(binaries, CHECKS)),
        ),
        (
            "conformance::the_real_server_checks_rules_and_policies",
            |binaries| Box::pin(hold(binaries, REAL_ONLY)),
        ),
    ]
}

/// Runs the checks side by side, as they are made for, and tells every one that fails.
async fn hold(binaries: Binaries, checks: &'static [(&'static str, Check)]) -> Outcome {
    let lan = ground::lan().await?;
    let cluster = ground::cluster(&lan, &[], binaries).await?;
    let kube = Kube::new(cluster.admin())?;
    let client = lan.host("client")?;
    let runs = checks.iter().map(|&(name, check)| {
        let kube = kube.clone();
        async move {
            let began = Instant::now();
            let result = client.call(async move { check(&kube).await }).await?;
            result.map_err(|why| anyhow::anyhow!("{name}, after {:?}: {why:#}", began.elapsed()))
        }
    });
    let results: Vec<Outcome> = join_all(runs).await;
    let failed: Vec<String> = results
        .into_iter()
        .filter_map(Result::err)
        .map(|why| format!("{why:#}"))
        .collect();
    ensure!(
        failed.is_empty(),
        "{} of {} checks failed:\n{}",
        failed.len(),
        checks.len(),
        failed.join("\n")
    );
    Ok(())
}
