//! What the embedded API server is held to, asked of the real one: the same requests, the same answers.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use futures::future::join_all;
use lab::apiserver::conformance::{CHECKS, Check, REAL_ONLY};
use lab::cluster::Binaries;
use lab::kube::{CONFIG_MAPS, Kube};
use serde_json::json;

use crate::ground::{self, BOUND, Outcome, Test};

pub(crate) fn tests() -> Vec<(&'static str, Test)> {
    vec![
        (
            "conformance::what_the_embedded_server_does_the_real_one_does",
            |binaries| Box::pin(hold(binaries, CHECKS)),
        ),
        ("conformance::a_version_that_is_forgotten_is_gone", |binaries| {
            Box::pin(forget(binaries))
        }),
        (
            "conformance::the_real_server_checks_rules_and_policies",
            |binaries| Box::pin(hold(binaries, REAL_ONLY)),
        ),
    ]
}

/// What the embedded server's own tests say of 410, asked of the real one: after a compaction, and without what its
/// cache still knew.
async fn forget(binaries: Binaries) -> Outcome {
    let lan = ground::lan().await?;
    let mut cluster = ground::cluster(&lan, &[], binaries).await?;
    let kube = Kube::new(cluster.admin())?.at(lan.host("client")?)?;
    let maps = CONFIG_MAPS.in_namespace("default");
    let map = |name: &str| json!({"metadata": {"name": name}});
    let first = kube.create(&maps, &map("one")).await?;
    let first = first["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    kube.create(&maps, &map("two")).await?;
    let now = kube.list_where(&maps, &[]).await?;
    cluster
        .compact(now["metadata"]["resourceVersion"].as_str().unwrap_or_default())
        .await?;
    cluster.stop_api().await?;
    cluster.start_api().await?;

    let exact = [("resourceVersion", first), ("resourceVersionMatch", "Exact")];
    let refused = kube.list_where(&maps, &exact).await;
    let refused = refused
        .err()
        .context("a version was listed that etcd has forgotten")?;
    ensure!(
        (refused.code(), refused.reason()) == (Some(410), Some("Expired")),
        "{refused}"
    );
    let mut watch = kube.watch(&maps, &[("resourceVersion", first)]).await?;
    let event = watch.next(BOUND).await?.context("the watch said nothing")?;
    let status = &event.object;
    ensure!(
        event.kind == "ERROR" && status["code"] == 410 && status["reason"] == "Expired",
        "{event:?}"
    );
    ensure!(
        watch.next(BOUND).await?.is_none(),
        "the watch went on after its error"
    );
    Ok(())
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
