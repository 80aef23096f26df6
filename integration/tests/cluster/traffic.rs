//! The data path without tiklb: a client that believes a `LoadBalancer` address to be at a node's MAC reaches an endpoint,
//! because that node's kube-proxy forwards it.
//!
//! Endpoints have their node's own LAN address, as pods on the host's network do: every node reaches them over the LAN
//! with no routes of the lab's making, and a listener is a socket in the node's namespace. Which node carried a
//! connection shows in what its listener sees: the carrying node's address where kube-proxy masquerades, the client's
//! own where the policy is Local.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures::TryStreamExt as _;
use lab::cluster::object::{self, Endpoint};
use lab::cluster::{Binaries, Cluster};
use lab::lan::Host;
use rtnetlink::packet_route::neighbour::NeighbourState;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::ground::{self, NODES, Outcome, Test};
use crate::kubectl::Kubectl;

/// The address that nobody has.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 200);
/// The Service's port; the endpoints listen elsewhere, so that only kube-proxy's rules lead there.
pub(crate) const PORT: u16 = 5432;
const TARGET: u16 = 15432;
/// One attempt at a connection, in a LAN without delay.
const ATTEMPT: Duration = Duration::from_secs(1);

pub(crate) fn tests() -> Vec<(&'static str, Test)> {
    vec![
        (
            "traffic::kube_proxy_carries_a_load_balancer_address",
            |binaries| Box::pin(carried(binaries)),
        ),
        (
            "traffic::with_policy_local_the_answer_tells_the_node",
            |binaries| Box::pin(local(binaries)),
        ),
    ]
}

async fn carried(binaries: Binaries) -> Outcome {
    let lan = ground::lan().await?;
    let mut cluster = ground::cluster(&lan, &NODES, binaries).await?;
    let kubectl = Kubectl::admin(&lan, &cluster)?;
    let (client, node1, node2) = (lan.host("client")?, lan.host("node1")?, lan.host("node2")?);
    serve(node2).await?;
    point_at(client, node1).await?;
    service(&kubectl, "Cluster").await?;
    slice(&kubectl, &[(node2, true)]).await?;
    ensure!(
        connect(client).await.is_err(),
        "nobody has the address before it is in the status"
    );

    give_address(&kubectl).await?;
    let answer = ground::eventually("kube-proxy to carry the address", || connect(client)).await?;
    ensure!(
        answer == format!("node2 hears {}", ground::address(node1).await?),
        "{answer}"
    );

    // Without an endpoint it refuses, which no packet to the endpoint itself could make it do.
    slice(&kubectl, &[(node2, false)]).await?;
    ground::eventually("a refusal", || async {
        match connect(client).await {
            Err(error) if is_refusal(&error) => Ok(()),
            Err(error) => Err(error.context("no refusal")),
            Ok(answer) => bail!("an answer instead of a refusal: {answer}"),
        }
    })
    .await?;
    check_proxies(&cluster)?;

    slice(&kubectl, &[(node2, true)]).await?;
    ground::eventually("the endpoint to be back", || connect(client)).await?;
    cluster.stop_api().await?;
    let answer = connect(client)
        .await
        .context("the rules outlive the API server")?;
    ensure!(answer.starts_with("node2 hears"), "{answer}");
    // Not further: kube-proxy looks for the API server again after 1 to 60 s.
    Ok(())
}

async fn local(binaries: Binaries) -> Outcome {
    let lan = ground::lan().await?;
    let cluster = ground::cluster(&lan, &NODES, binaries).await?;
    let kubectl = Kubectl::admin(&lan, &cluster)?;
    let client = lan.host("client")?;
    let nodes = [lan.host("node1")?, lan.host("node2")?];
    for node in nodes {
        serve(node).await?;
    }
    service(&kubectl, "Local").await?;
    slice(&kubectl, &nodes.map(|node| (node, true))).await?;
    give_address(&kubectl).await?;
    for node in nodes {
        point_at(client, node).await?;
        let wanted = format!("{} hears {}", node.name(), ground::address(client).await?);
        ground::eventually("the node's own endpoint to answer", || async {
            let answer = connect(client).await?;
            ensure!(answer == wanted, "{answer}");
            Ok(())
        })
        .await?;
    }
    check_proxies(&cluster)
}

/// Every kube-proxy lives, and none had to be refused a request: its role is enough.
fn check_proxies(cluster: &Cluster) -> Outcome {
    for proxy in cluster.proxies() {
        ensure!(
            proxy.ended().is_none(),
            "kube-proxy on {} has ended",
            proxy.host()
        );
        let refused: Vec<_> = proxy
            .logs()
            .into_iter()
            .filter(|line| line.text.contains("forbidden"))
            .collect();
        ensure!(refused.is_empty(), "{refused:#?}");
    }
    Ok(())
}

/// Answers each connection on the host with the host's name and the address that it sees.
async fn serve(host: &Host) -> Outcome {
    let name = host.name().to_owned();
    let address = SocketAddr::new(IpAddr::V4(ground::address(host).await?), TARGET);
    let listener = host
        .call(TcpListener::bind(address))
        .await?
        .context("listening on a node")?;
    host.spawn(async move {
        while let Ok((mut stream, peer)) = listener.accept().await {
            // A client that is gone is its own matter.
            let _ = stream
                .write_all(format!("{name} hears {}", peer.ip()).as_bytes())
                .await;
        }
    });
    Ok(())
}

/// Makes `client` send what is for the address to `node`.
pub(crate) async fn point_at(client: &Host, node: &Host) -> Outcome {
    let mac = node.link(node.interface()).await?.mac.0;
    let interface = client.interface().to_owned();
    client
        .call(async move {
            let (connection, handle, _) = rtnetlink::new_connection()?;
            tokio::spawn(connection);
            let link = handle
                .link()
                .get()
                .match_name(interface)
                .execute()
                .try_next()
                .await?
                .context("no link")?;
            let neighbors = handle.neighbours().add(link.header.index, IpAddr::V4(ADDRESS));
            neighbors
                .link_layer_address(&mac)
                .state(NeighbourState::Permanent)
                .replace()
                .execute()
                .await?;
            anyhow::Ok(())
        })
        .await?
}

/// Connects from the client and reads the whole answer.
async fn connect(client: &Host) -> anyhow::Result<String> {
    let exchange = client.call(async {
        let mut stream = TcpStream::connect((ADDRESS, PORT)).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        io::Result::Ok(answer)
    });
    Ok(timeout(ATTEMPT, exchange).await???)
}

fn is_refusal(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

async fn service(kubectl: &Kubectl, policy: &str) -> Outcome {
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "db"},
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": policy,
            "allocateLoadBalancerNodePorts": false,
            "ports": [{"port": PORT, "targetPort": TARGET}],
        },
    });
    kubectl.apply(&service).await?;
    Ok(())
}

async fn slice(kubectl: &Kubectl, endpoints: &[(&Host, bool)]) -> Outcome {
    let mut listed = Vec::new();
    for &(host, ready) in endpoints {
        listed.push(Endpoint {
            address: ground::address(host).await?,
            node: host.name().to_owned(),
            ready,
        });
    }
    kubectl
        .apply(&object::endpoint_slice("default", "db", TARGET, &listed))
        .await?;
    Ok(())
}

/// What the allocator will do.
async fn give_address(kubectl: &Kubectl) -> Outcome {
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}}).to_string();
    kubectl
        .run(&format!(
            "patch service db --subresource=status --type=merge -p {status}"
        ))
        .await?;
    Ok(())
}
