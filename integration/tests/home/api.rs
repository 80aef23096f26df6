//! The Kubernetes API of a home, as tiklb and a person will find it.

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lab::home::kind::{IP_ADDRESS_POOLS, L2_ADVERTISEMENTS, MIKROTIK_ROUTERS};
use lab::home::{Home, NAMESPACE, Plan, homelab};
use lab::kube::{CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, NODES, PODS, SECRETS, SERVICE_ACCOUNTS, SERVICES};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::ground::{Outcome, trials};

pub(crate) fn trials() -> Vec<Trial> {
    trials![api:
        the_examples_apply_as_they_stand,
        everything_stands_there_that_a_cluster_brings,
        the_routers_secrets_let_one_in,
        it_stops_and_starts_again,
    ]
}

fn names(objects: &[Value]) -> Vec<&str> {
    objects
        .iter()
        .filter_map(|object| object["metadata"]["name"].as_str())
        .collect()
}

/// Nothing was asked of the embedded server that it does not speak.
fn understood(home: &Home) -> Outcome {
    let api = home
        .control_plane()
        .embedded()
        .context("the embedded API server")?;
    ensure!(api.unsupported().is_empty(), "{:?}", api.unsupported());
    Ok(())
}

async fn the_examples_apply_as_they_stand() -> Outcome {
    let home = Home::build(Plan::default().without_phone()).await?;
    for file in ["ipaddresspool", "l2advertisement", "mikrotikrouter", "services"] {
        let path = homelab(file);
        home.kube().apply_file(&path).await?;
    }
    let pools = home.kube().list(IP_ADDRESS_POOLS.in_namespace(NAMESPACE)).await?;
    ensure!(
        names(&pools) == ["homelab-pool"] && pools[0]["spec"]["autoAssign"] == true,
        "{pools:?}"
    );
    let advertisements = home
        .kube()
        .list(L2_ADVERTISEMENTS.in_namespace(NAMESPACE))
        .await?;
    ensure!(names(&advertisements) == ["homelab-l2"], "{advertisements:?}");
    let routers = home.kube().list(MIKROTIK_ROUTERS.in_namespace(NAMESPACE)).await?;
    ensure!(
        routers[0]["spec"]["releaseDelay"] == "10m",
        "the defaults are in: {routers:?}"
    );
    let services = home.kube().list(SERVICES).await?;
    for wanted in ["homeassistant-db-external", "immich-server-lan", "whoami-lan"] {
        ensure!(names(&services).contains(&wanted), "{services:?}");
    }
    understood(&home)
}

async fn everything_stands_there_that_a_cluster_brings() -> Outcome {
    let home = Home::build(Plan::default().without_phone()).await?;
    let kube = home.kube();
    let definitions = kube.list(CUSTOM_RESOURCE_DEFINITIONS).await?;
    ensure!(names(&definitions).contains(&"mikrotikrouters.tiklb.io") && definitions.len() == 7);
    let system = kube.get(NAMESPACES, "kube-system").await?;
    ensure!(
        system["metadata"]["uid"].is_string(),
        "its UID marks rows on the router: {system}"
    );
    let nodes = kube.list(NODES).await?;
    ensure!(names(&nodes) == ["node1", "node2", "node3"], "{nodes:?}");
    ensure!(
        nodes[2]["status"]["addresses"][0]["address"] == "192.168.1.13",
        "{}",
        nodes[2]
    );
    let accounts = kube.list(SERVICE_ACCOUNTS.in_namespace(NAMESPACE)).await?;
    ensure!(
        names(&accounts) == ["tiklb-allocator", "tiklb-speaker"],
        "{accounts:?}"
    );
    let query = [("labelSelector", "app.kubernetes.io/name=tiklb,component=speaker")];
    let speakers = kube.list_where(PODS.in_namespace(NAMESPACE), &query).await?;
    let speakers = speakers["items"].as_array().context("a list")?;
    ensure!(
        names(speakers)
            == [
                "tiklb-speaker-node1",
                "tiklb-speaker-node2",
                "tiklb-speaker-node3"
            ],
        "{speakers:?}"
    );
    let status = &speakers[1]["status"];
    ensure!(
        status["phase"] == "Running"
            && status["hostIPs"][0]["ip"] == "192.168.1.12"
            && status["conditions"][0]["status"] == "True"
            && speakers[1]["spec"]["nodeName"] == "node2",
        "{}",
        speakers[1]
    );
    kube.get(PODS.in_namespace(NAMESPACE), "tiklb-allocator-lab")
        .await?;
    understood(&home)
}

async fn the_routers_secrets_let_one_in() -> Outcome {
    let home = Home::build(Plan::default().without_phone()).await?;
    let secrets = home.kube().list(SECRETS.in_namespace(NAMESPACE)).await?;
    ensure!(
        names(&secrets) == ["mikrotik", "mikrotik-ca"],
        "the two that the example names"
    );
    let data = |name: &str, key: &str| -> anyhow::Result<String> {
        let secret = secrets.iter().find(|secret| secret["metadata"]["name"] == name);
        let value = secret.and_then(|secret| secret["data"][key].as_str());
        Ok(String::from_utf8(
            STANDARD.decode(value.context("no such key")?)?,
        )?)
    };
    let authority = reqwest::Certificate::from_pem(data("mikrotik-ca", "ca.crt")?.as_bytes())?;
    ensure!(std::fs::read_to_string(home.router_ca())? == data("mikrotik-ca", "ca.crt")?);
    crate::install_tls();
    let router = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([authority])
        .build()?;
    let asked = router
        .get("https://192.168.1.1/rest/ip/pool")
        .basic_auth(data("mikrotik", "username")?, Some(data("mikrotik", "password")?));
    let answer = home.client()?.call(asked.send()).await??;
    ensure!(answer.status() == 200, "{answer:?}");
    let pools: Value = answer.json().await?;
    ensure!(pools[0]["name"] == "dhcp_pool", "{pools}");
    Ok(())
}

async fn it_stops_and_starts_again() -> Outcome {
    let mut home = Home::build(Plan::default().without_phone()).await?;
    home.control_plane_mut().stop().await?;
    let gone = home.kube().list(NODES).await;
    ensure!(gone.is_err(), "it answers: {gone:?}");
    home.control_plane_mut().start_again().await?;
    ensure!(home.kube().list(NODES).await?.len() == 3);
    Ok(())
}
