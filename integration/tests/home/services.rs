//! Services without tiklb: the lab's stand-in for kube-proxy, and what a story can ask.

use std::net::SocketAddrV4;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use lab::home::{Home, Plan, homelab};
use lab::kube::{ENDPOINT_SLICES, SERVICES};
use lab::wire::tcp_connect;
use libtest_mimic::Trial;
use serde_json::json;

use crate::ground::{Outcome, ip, mac, trials};

const BOUND: Duration = Duration::from_secs(20);

pub(crate) fn trials() -> Vec<Trial> {
    trials![services:
        endpoints_are_where_the_nodes_are,
        an_address_is_served_by_the_node_that_gets_the_traffic,
        an_address_is_waited_for,
        the_proxys_health_is_told,
        without_a_program_nothing_starts,
        a_program_that_ends_is_told_with_its_last_lines,
    ]
}

async fn with_services() -> anyhow::Result<Home> {
    let home = Home::build(Plan::default().without_phone()).await?;
    home.kube().apply_file(&homelab("services")).await?;
    Ok(home)
}

async fn endpoints_are_where_the_nodes_are() -> Outcome {
    let mut home = with_services().await?;
    home.put_endpoints("whoami", "whoami-lan", &["node1", "node3"])
        .await?;
    home.put_endpoints("whoami", "whoami-lan", &["node3"]).await?;
    let slices = home.kube().list(ENDPOINT_SLICES.in_namespace("whoami")).await?;
    ensure!(slices.len() == 1, "{slices:?}");
    let slice = &slices[0];
    ensure!(
        slice["metadata"]["labels"]["kubernetes.io/service-name"] == "whoami-lan"
            && slice["ports"] == json!([{"name": "http", "port": 80, "protocol": "TCP"}])
            && slice["endpoints"][0]["addresses"] == json!(["192.168.1.13"])
            && slice["endpoints"][0]["nodeName"] == "node3"
            && slice["endpoints"][1].is_null(),
        "{slice}"
    );
    Ok(())
}

async fn an_address_is_served_by_the_node_that_gets_the_traffic() -> Outcome {
    let mut home = with_services().await?;
    let address = ip("192.168.1.200");
    home.serve(address, 5432).await?;
    home.serve(address, 5432).await?;
    ensure!(
        home.answerers(address).await?.is_empty(),
        "nobody announces it yet"
    );
    // Somebody who answers for node2, as its speaker will.
    let claim = lab::wire::ArpFrame {
        op: lab::wire::Operation::Reply,
        eth_src: mac(12),
        eth_dst: mac(50),
        sender_mac: mac(12),
        sender_ip: address,
        target_mac: mac(50),
        target_ip: ip("192.168.1.50"),
    };
    let client = home.client()?.clone();
    let connected =
        tokio::spawn(async move { tcp_connect(&client, SocketAddrV4::new(address, 5432), BOUND).await });
    while !connected.is_finished() {
        lab::wire::send(home.lan().host("node2")?, &claim)?;
        tokio::task::yield_now().await;
    }
    ensure!(connected.await?? == "node2");
    home.stop_serving(address).await?;
    let node = home.lan().host("node2")?;
    ensure!(
        !node
            .addresses("lo")
            .await?
            .iter()
            .any(|net| net.addr() == address)
    );
    Ok(())
}

async fn an_address_is_waited_for() -> Outcome {
    let home = with_services().await?;
    let patch = json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.168.1.202"}]}}});
    let (address, patched) = tokio::join!(
        home.service_address("whoami", "whoami-lan", BOUND),
        home.kube()
            .patch_status(SERVICES.in_namespace("whoami"), "whoami-lan", &patch)
    );
    patched?;
    ensure!(address? == ip("192.168.1.202"));
    let brief = Duration::from_millis(100);
    let error = home.service_address("immich", "immich-server-lan", brief).await;
    let error = error.err().context("nobody gives addresses")?.to_string();
    ensure!(
        error.contains("an address of the Service immich/immich-server-lan"),
        "{error}"
    );
    Ok(())
}

async fn the_proxys_health_is_told() -> Outcome {
    let home = Home::build(Plan::default().without_phone()).await?;
    crate::install_tls();
    let client = reqwest::Client::builder().no_proxy().build()?;
    for node in home.node_names() {
        let asked = client.get("http://127.0.0.1:10256/healthz").send();
        let answer = home.lan().host(node)?.call(asked).await??;
        ensure!(answer.status() == 200, "{node}: {answer:?}");
    }
    Ok(())
}

async fn without_a_program_nothing_starts() -> Outcome {
    let mut home = Home::build(Plan::default().without_phone()).await?;
    let error = home.start_allocator().await.err().context("no program")?;
    ensure!(error.to_string().contains("call Plan::tiklb"), "{error}");
    ensure!(home.allocator().is_err() && home.speaker("node1").is_err() && home.last_words().is_empty());
    Ok(())
}

async fn a_program_that_ends_is_told_with_its_last_lines() -> Outcome {
    // Says what it was given, and ends.
    let folder = tempfile::tempdir_in(lab::sandbox::dir().context("the sandbox")?)?;
    let program = folder.path().join("tiklb");
    let script = "#!/bin/sh\necho \"$* as $TIKLB_POD_NAME on ${TIKLB_NODE_NAME-no node}\"\n\
                  test -r \"$KUBECONFIG\" && echo \"in $TIKLB_NAMESPACE, level $TIKLB_LOG_LEVEL\"\nexit 3\n";
    std::fs::write(&program, script)?;
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let plan = Plan::default()
        .without_phone()
        .tiklb(&program)
        .speaker_arguments(["--failback", "Immediate"])
        .log_level("debug");
    let mut home = Home::build(plan).await?;
    let error = format!("{:#}", home.start_allocator().await.err().context("it ended")?);
    for wanted in [
        "control: tiklb allocator has ended",
        "exit status: 3",
        "allocator as tiklb-allocator-lab on no node",
        "in metallb-system, level debug",
    ] {
        ensure!(error.contains(wanted), "no {wanted:?} in {error}");
    }
    let ended = home.while_running(std::future::pending::<Outcome>()).await;
    let ended = ended.err().context("nobody waits for the dead")?.to_string();
    ensure!(ended == "tiklb on control has ended (exit status: 3)", "{ended}");
    home.launch_speaker("node2").await?;
    home.speaker("node2")?.wait(BOUND).await?;
    let words = home.last_words();
    for wanted in [
        "tiklb on node2 has ended (exit status: 3); its last lines:",
        "  speaker --failback Immediate as tiklb-speaker-node2 on node2",
    ] {
        ensure!(words.contains(wanted), "no {wanted:?} in {words}");
    }
    Ok(())
}
