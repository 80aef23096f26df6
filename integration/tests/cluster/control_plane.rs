//! The API: who may do what, what survives a restart, what is written down.

use std::path::Path;

use anyhow::{Context as _, ensure};
use lab::cluster::{Binaries, Cluster};
use serde_json::{Value, json};

use crate::ground::{self, NODES, Outcome, Test};
use crate::kubectl::Kubectl;

pub(crate) fn tests() -> Vec<(&'static str, Test)> {
    vec![
        (
            "control_plane::nodes_stand_there_as_a_kubelet_would_have_written_them",
            |binaries| Box::pin(nodes(binaries)),
        ),
        (
            "control_plane::a_service_account_may_do_what_its_role_says_and_no_more",
            |binaries| Box::pin(roles(binaries)),
        ),
        (
            "control_plane::objects_and_tokens_outlive_a_stop_of_the_api",
            |binaries| Box::pin(outage(binaries)),
        ),
    ]
}

async fn nodes(binaries: Binaries) -> Outcome {
    let lan = ground::lan().await?;
    let cluster = ground::cluster(&lan, &NODES, binaries).await?;
    let kubectl = Kubectl::admin(&lan, &cluster)?;
    let wide = kubectl.run("get nodes -o wide").await?;
    for (name, address) in NODES.into_iter().zip(["192.168.1.11", "192.168.1.12"]) {
        let row = wide
            .lines()
            .find(|row| row.starts_with(name))
            .context(wide.clone())?;
        ensure!(row.contains(" Ready ") && row.contains(address), "{wide}");
        let node = kubectl.get(&format!("node {name}")).await?;
        ensure!(
            node.pointer("/spec/taints").is_none(),
            "a tainted node takes no pods: {node}"
        );
    }
    ensure!(cluster.proxies().len() == NODES.len());
    let version = kubectl.run("version").await?;
    ensure!(version.contains("Server Version: v1."), "{version}");
    Ok(())
}

async fn roles(binaries: Binaries) -> Outcome {
    let lan = ground::lan().await?;
    let cluster = ground::cluster(&lan, &[], binaries).await?;
    let admin = Kubectl::admin(&lan, &cluster)?;
    let no_account = cluster
        .token("default", "nobody")
        .await
        .err()
        .context("a token for an account that does not exist")?;
    ensure!(format!("{no_account:#}").contains("not found"), "{no_account:#}");

    admin.run("create serviceaccount reader").await?;
    let access = cluster.service_account("default", "reader").await?;
    let reader = Kubectl::new(&lan, &cluster, "reader", &access)?;
    reader.fails("get services", "forbidden").await?;
    admin
        .run("create role reader --verb=list --resource=services")
        .await?;
    admin
        .run("create rolebinding reader --role=reader --serviceaccount=default:reader")
        .await?;
    // The authorizer learns of it by a watch.
    ground::eventually("the role to count", || reader.run("get services")).await?;
    reader.fails("get secrets", "forbidden").await?;
    reader.fails("get services -n kube-system", "forbidden").await?;

    let denied = |event: &Value| {
        event.pointer("/user/username") == Some(&json!("system:serviceaccount:default:reader"))
            && event.pointer("/objectRef/resource") == Some(&json!("secrets"))
            && event.pointer("/responseStatus/code") == Some(&json!(403))
    };
    ground::eventually("the refusal to be in the audit log", || async {
        find(&cluster, denied)
    })
    .await?;
    Ok(())
}

fn find(cluster: &Cluster, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let mut requests = cluster.requests()?.into_iter();
    requests
        .find(|request| wanted(request))
        .context("no such request was written down")
}

async fn outage(binaries: Binaries) -> Outcome {
    let lan = ground::lan().await?;
    let mut cluster = ground::cluster(&lan, &[], binaries).await?;
    let admin = Kubectl::admin(&lan, &cluster)?;
    admin.run("create serviceaccount reader").await?;
    // Not the role `view`: a controller that is not here aggregates its rules.
    admin
        .run("create role reader --verb=get --resource=configmaps")
        .await?;
    admin
        .run("create rolebinding reader --role=reader --serviceaccount=default:reader")
        .await?;
    admin
        .run("create configmap kept --from-literal=key=value")
        .await?;
    let before = admin.get("configmap kept").await?;
    let reader = Kubectl::new(
        &lan,
        &cluster,
        "reader",
        &cluster.service_account("default", "reader").await?,
    )?;
    let seen = ground::eventually("the role to count", || reader.get("configmap kept")).await?;
    ensure!(seen == before, "{seen}");
    let etcd = cluster.etcd().pid();

    cluster.stop_api().await?;
    ensure!(cluster.api().is_none());
    ensure!(cluster.stop_api().await.is_err(), "it was stopped twice");
    admin.fails("get configmap kept", "refused").await?;
    ensure!(cluster.token("default", "reader").await.is_err());

    cluster.start_api().await?;
    let seen = reader.get("configmap kept").await?;
    ensure!(
        seen == before,
        "with the same token the same object is seen: {seen}"
    );
    ensure!(cluster.start_api().await.is_err(), "it was started twice");
    ensure!(cluster.etcd().pid() == etcd && cluster.etcd().ended().is_none());

    let api = cluster.api().context("it was started")?.pid();
    let file = cluster.kubeconfig("admin", &cluster.admin())?;
    drop(cluster);
    ensure!(
        !file.exists() && !file.parent().is_some_and(Path::exists),
        "its folder is left behind"
    );
    let gone = || async move {
        std::fs::metadata(format!("/proc/{api}/cwd"))
            .err()
            .context("it still runs")
    };
    ground::eventually("the programs to end", gone).await?;
    Ok(())
}
