//! The home of demo and stories on the real cluster: the same as on the embedded API server, and what only this one has:
//! roles, rules in the definitions, kube-proxy.

use std::net::SocketAddrV4;

use anyhow::{Context as _, ensure};
use lab::cluster::{Binaries, Options};
use lab::home::kind::{IP_ADDRESS_POOLS, MIKROTIK_ROUTERS};
use lab::home::{Api, Home, NAMESPACE, Plan, homelab};
use lab::kube::{Kube, NODES, PODS, SECRETS, SERVICES};
use lab::wire::tcp_connect;
use serde_json::json;

use crate::ground::{self, BOUND, Outcome, Test};
use crate::traffic::{ADDRESS, PORT, point_at};

pub(crate) fn tests() -> Vec<(&'static str, Test)> {
    vec![
        (
            "home::stands_on_the_real_cluster_as_on_the_embedded_server",
            |binaries| Box::pin(stands(binaries)),
        ),
        ("home::its_accounts_may_do_what_their_roles_say", |binaries| {
            Box::pin(accounts(binaries))
        }),
    ]
}

async fn build(binaries: Binaries) -> anyhow::Result<Home> {
    let plan = Plan::default()
        .nodes(2)
        .without_phone()
        .api(Api::Real(Options::new(binaries)));
    Home::build(plan).await
}

async fn stands(binaries: Binaries) -> Outcome {
    let mut home = build(binaries).await?;
    ensure!(home.control_plane().has_proxies() && home.control_plane().embedded().is_none());
    for file in ["ipaddresspool", "l2advertisement", "mikrotikrouter", "services"] {
        let path = homelab(file);
        home.kube().apply_file(&path).await?;
    }
    ensure!(home.kube().list(NODES).await?.len() == 2);
    let pods = home.kube().list(PODS.in_namespace(NAMESPACE)).await?;
    let running = pods
        .iter()
        .filter(|pod| pod["status"]["phase"] == "Running")
        .count();
    ensure!(running == 3, "an allocator and two speakers: {pods:?}");

    home.put_endpoints("home-assistant", "homeassistant-db-external", &["node1"])
        .await?;
    let given = json!({"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}});
    let services = SERVICES.in_namespace("home-assistant");
    home.kube()
        .patch_status(&services, "homeassistant-db-external", &given)
        .await?;
    // Nothing to do: kube-proxy serves it.
    home.serve(ADDRESS, PORT).await?;
    let node2 = home.lan().host("node2")?;
    ensure!(node2.addresses("lo").await?.len() == 1, "only its own");
    point_at(home.client()?, node2).await?;
    let reached = ground::eventually("kube-proxy to carry the address", async || {
        Ok(tcp_connect(home.client()?, SocketAddrV4::new(ADDRESS, PORT), BOUND).await?)
    });
    ensure!(reached.await? == "node1", "by node2 to the pod on node1");

    home.control_plane_mut().stop().await?;
    ensure!(home.kube().list(NODES).await.is_err());
    home.control_plane_mut().start_again().await?;
    ensure!(home.kube().list(NODES).await?.len() == 2);
    Ok(())
}

async fn accounts(binaries: Binaries) -> Outcome {
    let home = build(binaries).await?;
    let control = home.lan().host("control")?;
    let allocator = Kube::new(home.control_plane().account("tiklb-allocator").await?)?.at(control)?;
    let speaker = Kube::new(home.control_plane().account("tiklb-speaker").await?)?.at(control)?;
    for account in [&allocator, &speaker] {
        account.list(SERVICES).await?;
        account.list(IP_ADDRESS_POOLS.in_namespace(NAMESPACE)).await?;
    }
    let secrets = SECRETS.in_namespace(NAMESPACE);
    // As a watch begins, by which Secrets are read.
    let one = [("fieldSelector", "metadata.name=mikrotik")];
    let read = allocator.list_where(&secrets, &one).await?;
    ensure!(read["items"][0]["data"].is_object(), "{read}");
    let refused = speaker.list_where(&secrets, &one).await;
    let refused = refused
        .err()
        .context("a speaker never sees the router's password")?;
    ensure!(refused.code() == Some(403), "{refused}");
    // The rules of the definitions, and the namespace's.
    let kube = home.kube();
    let plain = json!({
        "metadata": {"name": "plain"},
        "spec": {"url": "http://192.168.1.1", "clusterName": "home", "credentialsSecretRef": {"name": "mikrotik"}},
    });
    let refused = kube
        .create(MIKROTIK_ROUTERS.in_namespace(NAMESPACE), &plain)
        .await;
    let refused = refused.err().context("plain HTTP is not allowed unasked")?;
    ensure!(
        refused.code() == Some(422) && refused.to_string().contains("allowPlainHttp"),
        "{refused}"
    );
    let astray =
        json!({"metadata": {"name": "astray"}, "spec": {"addresses": ["192.168.1.200-192.168.1.220"]}});
    ground::eventually("the rule for namespaces to be in force", async || {
        let made = kube
            .create(IP_ADDRESS_POOLS.in_namespace("default"), &astray)
            .await;
        if made.is_ok() {
            kube.delete(IP_ADDRESS_POOLS.in_namespace("default"), "astray")
                .await?;
        }
        let refused = made.err().context("it was created outside of metallb-system")?;
        ensure!(refused.code() == Some(403), "{refused}");
        Ok(())
    })
    .await
}
