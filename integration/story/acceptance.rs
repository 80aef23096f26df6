//! MetalLB's acceptance list for announcing by layer 2: each story's name begins with the cases that it plays. Those for
//! interfaces, preferred nodes, assignment and validity stand in files of their own; `announcement` plays F01, where a cordon
//! is the taint, `ipv6` L10, L12, L15 and L16.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::scene::{APPS, EXCLUDED, OBSERVED, PORT, SOON, Scene, service};
use super::{Outcome, Story, stories};
use crate::home::NAMESPACE;
use crate::home::kind::{IP_ADDRESS_POOLS, SERVICE_L2_STATUSES};
use crate::kube::{NODES, SERVICES};
use crate::wait::until;
use crate::wire::{Pinger, tcp_connect};

pub(super) fn stories() -> Vec<Story> {
    stories![acceptance:
        l01_l03_l04_whoever_answers_serves_by_tcp_and_udp,
        l02_a_record_names_the_node_that_answers_stays_and_goes_with_the_service,
        l05_where_the_network_is_unavailable_nothing_is_announced
            with |plan| plan.speaker_arguments(["--failback", "immediate"]),
        l07_l08_ranges_and_networks_are_pools_alike,
        l09_two_services_that_share_an_address_are_announced_by_one_node,
        l11_the_owner_alone_counts_what_it_announces,
        l13_l14_a_service_has_the_address_of_the_pool_that_it_names,
        n01_n03_the_owner_follows_the_selector_of_nodes,
        n02_the_only_node_with_an_endpoint_answers,
        s01_s04_a_service_is_announced_while_a_selector_selects_it,
        s02_s03_of_several_advertisements_those_that_fit_count,
    ]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);
const POOL: &str = "192.168.1.210-192.168.1.219";

/// How long a record stays the same at least, in MetalLB's list.
const STABLE: Duration = Duration::from_secs(5);

async fn with_pool(scene: &Scene) -> Outcome {
    scene.create_pool("lan", &[POOL]).await?;
    Ok(())
}

/// Waits until this node alone answers for the address, twice in a row.
async fn answered_by(scene: &Scene, node: &str) -> Outcome {
    until(&format!("{node} to answer for {ADDRESS}"), SOON, async || {
        for _ in 0..2 {
            let answerers = scene.home.answerers(ADDRESS).await?;
            let names: Vec<&str> = answerers.iter().map(|one| one.host.as_str()).collect();
            ensure!(names == [node], "{names:?} answer");
        }
        Ok(())
    })
    .await
}

/// Nobody begins to answer.
async fn stays_silent(scene: &Scene) -> Outcome {
    scene.silent(ADDRESS).await?;
    tokio::time::sleep(OBSERVED).await;
    let answerers = scene.home.answerers(ADDRESS).await?;
    ensure!(answerers.is_empty(), "{answerers:?} answer for {ADDRESS}");
    Ok(())
}

fn nodes(scene: &Scene) -> Vec<String> {
    scene.home.node_names().map(str::to_owned).collect()
}

/// The selector of one node by its name.
fn only(node: &str) -> Value {
    json!([{"matchLabels": {"kubernetes.io/hostname": node}}])
}

async fn l01_l03_l04_whoever_answers_serves_by_tcp_and_udp(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    for (policy, name, address) in [
        ("Local", "local", ADDRESS),
        ("Cluster", "cluster", Ipv4Addr::new(192, 168, 1, 211)),
    ] {
        scene.ask(name, address).await?;
        let wanted = json!({"spec": {"externalTrafficPolicy": policy}});
        scene
            .home
            .kube()
            .merge_patch(SERVICES.in_namespace(APPS), name, &wanted)
            .await?;
        let (given, _) = scene.announced(name, SOON).await?;
        ensure!(given == address, "{name} has {given}");
        let owner = scene.serves(address).await?;
        let target = SocketAddrV4::new(address, PORT);
        for _ in 0..5 {
            let reached = tcp_connect(scene.home.client()?, target, SOON).await?;
            // Any node's endpoint may serve where the policy is Cluster.
            ensure!(
                policy == "Cluster" || reached == owner,
                "{reached} serves, {owner} answers"
            );
        }
        let pinger = Pinger::start(scene.home.client()?, target)?;
        pinger
            .wait_for(|answer| policy == "Cluster" || *answer.node == *owner, SOON)
            .await?;
    }
    Ok(())
}

async fn l02_a_record_names_the_node_that_answers_stays_and_goes_with_the_service(
    scene: &mut Scene,
) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let before = scene.record("web", &node).await?;
    tokio::time::sleep(STABLE).await;
    let after = scene.record("web", &node).await?;
    ensure!(after == before, "{after} was {before}");
    answered_by(scene, &node).await?;
    scene.delete_service("web").await?;
    scene.nothing_is_on_record().await
}

async fn l05_where_the_network_is_unavailable_nothing_is_announced(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let first = scene.settle("web", ADDRESS).await?;
    network(scene, &first, false).await?;
    let heir = until("another node to answer", SOON, async || {
        let heir = scene.home.announcer(ADDRESS, SOON).await?.host;
        ensure!(heir != first, "{first} still answers");
        Ok(heir)
    })
    .await?;
    scene.record("web", &heir).await?;
    network(scene, &first, true).await?;
    answered_by(scene, &first).await?;
    scene.record("web", &first).await.map(drop)
}

/// What a cloud's routes controller, or a network plugin, says of a node.
async fn network(scene: &Scene, node: &str, available: bool) -> Outcome {
    let kube = scene.home.kube();
    let mut status = kube.get(NODES, node).await?["status"].take();
    let conditions = status["conditions"]
        .as_array_mut()
        .context("a node without conditions")?;
    conditions.retain(|condition| condition["type"] != "NetworkUnavailable");
    let (is, reason) = if available {
        ("False", "RouteCreated")
    } else {
        ("True", "NoRouteCreated")
    };
    conditions.push(json!({"type": "NetworkUnavailable", "status": is, "reason": reason}));
    let patch = json!({"status": {"conditions": conditions}});
    kube.patch_status(NODES, node, &patch).await?;
    Ok(())
}

async fn l07_l08_ranges_and_networks_are_pools_alike(scene: &mut Scene) -> Outcome {
    scene
        .create_pool("range", &["192.168.1.210-192.168.1.211"])
        .await?;
    scene
        .create_pool("networks", &["192.168.1.216/31", "192.168.1.218/31"])
        .await?;
    scene.advertise().await?;
    for (pool, name, within) in [
        ("range", "by-range", 210..=211),
        ("networks", "by-network", 216..=219),
    ] {
        scene
            .create_service(name, &[("metallb.io/address-pool", pool)])
            .await?;
        let (address, _) = scene.announced(name, SOON).await?;
        ensure!(
            within.contains(&address.octets()[3]),
            "{name} has {address} of {pool}"
        );
        scene.serves(address).await?;
    }
    Ok(())
}

async fn l09_two_services_that_share_an_address_are_announced_by_one_node(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    share(scene, ADDRESS.into()).await?;
    let node = scene.home.announcer(ADDRESS, SOON).await?.host;
    scene.record("one", &node).await?;
    scene.record("other", &node).await?;
    answered_by(scene, &node).await
}

/// Two Services with one address and a port each, one behind a node, the other behind another.
pub(super) async fn share(scene: &mut Scene, address: IpAddr) -> Outcome {
    let asks = address.to_string();
    let shares = [
        ("metallb.io/loadBalancerIPs", asks.as_str()),
        ("metallb.io/allow-shared-ip", "both"),
    ];
    let pinned = nodes(scene);
    for (number, (name, node)) in (0_u16..).zip(["one", "other"].into_iter().zip(&pinned)) {
        let mut object = service(name, &shares);
        object["spec"]["externalTrafficPolicy"] = "Cluster".into();
        if address.is_ipv6() {
            object["spec"]["ipFamilyPolicy"] = "SingleStack".into();
            object["spec"]["ipFamilies"] = json!(["IPv6"]);
        }
        for port in object["spec"]["ports"].as_array_mut().into_iter().flatten() {
            port["port"] = (PORT + number).into();
        }
        let services = SERVICES.in_namespace(APPS);
        scene.home.kube().create(&services, &object).await?;
        scene.home.put_endpoints(APPS, name, &[node]).await?;
        let has =
            |service: &Value| service["status"]["loadBalancer"]["ingress"][0]["ip"] == address.to_string();
        let what = format!("{name} to have {address}");
        scene
            .home
            .kube()
            .wait_for(&services, name, SOON, &what, has)
            .await?;
    }
    Ok(())
}

async fn l11_the_owner_alone_counts_what_it_announces(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    scene.serves(ADDRESS).await?;
    counted_by(scene, ADDRESS.into(), &node).await
}

/// The owner of a Service `web` counts its address alone, and not any more when the Service is gone.
pub(super) async fn counted_by(scene: &Scene, address: IpAddr, node: &str) -> Outcome {
    for name in [
        "metallb_speaker_announced",
        "metallb_layer2_requests_received",
        "metallb_layer2_responses_sent",
        "metallb_layer2_gratuitous_sent",
    ] {
        until(&format!("{node} alone to count {name}"), SOON, async || {
            let who = who_counts(scene, name, address).await?;
            ensure!(who.iter().eq([node]), "{who:?} do");
            Ok(())
        })
        .await?;
    }
    scene
        .home
        .kube()
        .delete(SERVICES.in_namespace(APPS), "web")
        .await?;
    until("nobody to announce it by the metrics", SOON, async || {
        let who = who_counts(scene, "metallb_speaker_announced", address).await?;
        ensure!(who.is_empty(), "{who:?} do");
        Ok(())
    })
    .await
}

/// The nodes whose speakers show more than nothing of a metric for an address.
async fn who_counts(scene: &Scene, name: &str, address: IpAddr) -> Result<BTreeSet<String>> {
    let label = format!("ip=\"{address}\"");
    let shown = scene.home.metrics().await?;
    // The allocator comes first.
    let speakers = nodes(scene).into_iter().zip(shown.into_iter().skip(1));
    let counts = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with(name));
        let mut mine = lines.filter(|line| line.contains(&label));
        mine.any(|line| line.rsplit(' ').next().is_some_and(|count| count != "0"))
    };
    Ok(speakers
        .filter(|(_, text)| counts(text))
        .map(|(node, _)| node)
        .collect())
}

async fn l13_l14_a_service_has_the_address_of_the_pool_that_it_names(scene: &mut Scene) -> Outcome {
    scene.advertise().await?;
    for (auto_assign, lasts) in [(true, [210, 211]), (false, [212, 213])] {
        let addresses = lasts.map(|last| Ipv4Addr::new(192, 168, 1, last).into());
        named_pools(scene, auto_assign, addresses).await?;
    }
    Ok(())
}

/// Two pools of one address each, one after the other: a Service that names one has its address, is reached there, and keeps
/// it when the other comes, whether or not they are for Services that name none.
pub(super) async fn named_pools(scene: &mut Scene, auto_assign: bool, addresses: [IpAddr; 2]) -> Outcome {
    let named = |number: usize| format!("one-{number}-{auto_assign}");
    for (number, address) in addresses.into_iter().enumerate() {
        let name = named(number);
        let prefix = if address.is_ipv6() { 128 } else { 32 };
        let pool = json!({
            "metadata": {"name": name},
            "spec": {"addresses": [format!("{address}/{prefix}")], "autoAssign": auto_assign},
        });
        let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
        scene.home.kube().create(pools, &pool).await?;
        let mut object = service(&name, &[("metallb.io/address-pool", &name)]);
        if address.is_ipv6() {
            object["spec"]["ipFamilyPolicy"] = "SingleStack".into();
            object["spec"]["ipFamilies"] = json!(["IPv6"]);
        }
        let services = SERVICES.in_namespace(APPS);
        scene.home.kube().create(services, &object).await?;
        scene.home.put_endpoints_everywhere(APPS, &name).await?;
        scene.home.serve(address, PORT).await?;
        for (earlier, address) in addresses.into_iter().enumerate().take(number + 1) {
            has_that_of_its_pool(scene, &named(earlier), address).await?;
        }
    }
    Ok(())
}

/// It names the pool, and whoever connects to the address reaches the node that announces it.
async fn has_that_of_its_pool(scene: &Scene, name: &str, address: IpAddr) -> Outcome {
    let has = |service: &Value| {
        let annotations = &service["metadata"]["annotations"];
        annotations["metallb.io/ip-allocated-from-pool"] == name
            && service["status"]["loadBalancer"]["ingress"][0]["ip"] == address.to_string()
    };
    let what = format!("{name} to have {address} of the pool of its name");
    let services = SERVICES.in_namespace(APPS);
    scene
        .home
        .kube()
        .wait_for(services, name, SOON, &what, has)
        .await?;
    let target = SocketAddr::new(address, PORT);
    let reached = until("a connection", SOON, async || {
        Ok(tcp_connect(scene.home.client()?, target, SOON).await?)
    })
    .await?;
    scene.record(name, &reached).await.map(drop)
}

async fn n01_n03_the_owner_follows_the_selector_of_nodes(scene: &mut Scene) -> Outcome {
    with_pool(scene).await?;
    scene.ask("web", ADDRESS).await?;
    for node in nodes(scene) {
        scene
            .advertise_by("ad", json!({"nodeSelectors": only(&node)}))
            .await?;
        answered_by(scene, &node).await?;
        scene.record("web", &node).await?;
    }
    // N03.
    scene
        .advertise_by(
            "ad",
            json!({"nodeSelectors": [{"matchLabels": {"announces": "true"}}]}),
        )
        .await?;
    stays_silent(scene).await?;
    let node = nodes(scene).pop().context("no node")?;
    scene.label(&node, "announces", Some("true")).await?;
    answered_by(scene, &node).await?;
    scene.record("web", &node).await.map(drop)
}

async fn n02_the_only_node_with_an_endpoint_answers(scene: &mut Scene) -> Outcome {
    with_pool(scene).await?;
    let all = nodes(scene);
    let [first, second, ..] = all.as_slice() else {
        anyhow::bail!("{all:?} are too few");
    };
    scene
        .advertise_by("second", json!({"nodeSelectors": only(second)}))
        .await?;
    let asks = ADDRESS.to_string();
    let object = service("web", &[("metallb.io/loadBalancerIPs", &asks)]);
    scene
        .home
        .kube()
        .create(SERVICES.in_namespace(APPS), &object)
        .await?;
    scene.home.put_endpoints(APPS, "web", &[first]).await?;
    scene.home.service_address(APPS, "web", SOON).await?;
    stays_silent(scene).await?;
    scene.advertise_by("all", json!({})).await?;
    answered_by(scene, first).await?;
    scene.record("web", first).await.map(drop)
}

async fn s01_s04_a_service_is_announced_while_a_selector_selects_it(scene: &mut Scene) -> Outcome {
    with_pool(scene).await?;
    let labelled = |tier: &str| json!({"matchLabels": {"tier": tier}});
    let of = |tiers: &[&str]| tiers.iter().map(|tier| labelled(tier)).collect::<Vec<_>>();
    let spec = |pool: &str| json!({"ipAddressPools": [pool], "serviceSelectors": of(&["web", "mail"])});
    scene.advertise_by("ad", spec("lan")).await?;
    scene.ask("web", ADDRESS).await?;
    scene.home.service_address(APPS, "web", SOON).await?;
    stays_silent(scene).await?;
    let label = async |tier: Option<&str>| -> Outcome {
        let patch = json!({"metadata": {"labels": {"tier": tier}}});
        scene
            .home
            .kube()
            .merge_patch(SERVICES.in_namespace(APPS), "web", &patch)
            .await?;
        Ok(())
    };
    // S04: one of several is enough.
    for tier in ["web", "mail"] {
        label(Some(tier)).await?;
        scene.home.announcer(ADDRESS, SOON).await?;
    }
    label(Some("database")).await?;
    scene.silent(ADDRESS).await?;
    label(Some("web")).await?;
    scene.home.announcer(ADDRESS, SOON).await?;
    // The Service alone is not enough.
    scene.advertise_by("ad", spec("another")).await?;
    scene.silent(ADDRESS).await?;
    scene.advertise_by("ad", spec("lan")).await?;
    scene.home.announcer(ADDRESS, SOON).await.map(drop)
}

async fn s02_s03_of_several_advertisements_those_that_fit_count(scene: &mut Scene) -> Outcome {
    with_pool(scene).await?;
    let all = nodes(scene);
    let [first, second, ..] = all.as_slice() else {
        anyhow::bail!("{all:?} are too few");
    };
    let web = json!([{"matchLabels": {"tier": "web"}}]);
    let mail = json!([{"matchLabels": {"tier": "mail"}}]);
    scene
        .advertise_by("wrong-service", json!({"serviceSelectors": mail}))
        .await?;
    scene
        .advertise_by(
            "no-node",
            json!({"serviceSelectors": web, "nodeSelectors": only("ghost")}),
        )
        .await?;
    scene.ask("web", ADDRESS).await?;
    let label = json!({"metadata": {"labels": {"tier": "web"}}});
    scene
        .home
        .kube()
        .merge_patch(SERVICES.in_namespace(APPS), "web", &label)
        .await?;
    scene.home.service_address(APPS, "web", SOON).await?;
    stays_silent(scene).await?;
    // S02.
    for node in [first, second] {
        scene
            .advertise_by(
                node,
                json!({"serviceSelectors": web, "nodeSelectors": only(node)}),
            )
            .await?;
    }
    let owner = scene.home.announcer(ADDRESS, SOON).await?.host;
    ensure!([first, second].contains(&&owner), "{owner} answers");
    scene.record("web", &owner).await?;
    answered_by(scene, &owner).await?;
    let records = scene.home.kube().list(SERVICE_L2_STATUSES).await?;
    ensure!(records.len() == 1, "{records:?}");
    scene.label(&owner, EXCLUDED, Some("true")).await?;
    let other = if owner == *first { second } else { first };
    answered_by(scene, other).await
}
