//! What stands behind the addresses of Services.
//!
//! In a cluster that is kube-proxy and the pods. Where the home has no kube-proxy, the lab puts each Service's address
//! on each node's `lo`, beside a listener: whoever sends the traffic to a node is answered by that node. kube-proxy's
//! health port answers too, because tiklb asks it before it moves an address on purpose.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use ipnet::IpNet;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::Home;
use crate::cluster::object::{self, Endpoint};
use crate::kube::SERVICES;
use crate::lan::Host;
use crate::wire::{Echo, Gate};

/// kube-proxy's health port.
const HEALTH: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 10_256);

/// All that a client of the health port looks at.
const HEALTHY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

/// A request of a health check ends with an empty line; more than this is none.
const REQUEST_LIMIT: usize = 4 * 1024;

/// The listeners of a home.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    /// By node and address.
    echoes: BTreeMap<(String, SocketAddr), Echo>,
    /// By node.
    health: BTreeMap<String, Health>,
}

/// What stands in for a node's kube-proxy.
#[derive(Debug)]
struct Health {
    task: AbortHandle,
    gate: Gate,
}

impl Listeners {
    /// Answers on kube-proxy's health port of each node, until dropped.
    pub(super) async fn stand_in(nodes: &[&Host]) -> Result<Self> {
        let mut listeners = Self::default();
        for node in nodes {
            let listener = node
                .call(TcpListener::bind(HEALTH))
                .await?
                .with_context(|| format!("listening on {HEALTH} of {}", node.name()))?;
            let gate = Gate::open();
            let task = node.spawn(answer_health(listener, gate.clone())).abort_handle();
            let health = Health { task, gate };
            listeners.health.insert(node.name().to_owned(), health);
        }
        Ok(listeners)
    }

    async fn listen(&mut self, node: &Host, address: impl Into<SocketAddr>) -> Result<()> {
        let address = address.into();
        let place = (node.name().to_owned(), address);
        if let Entry::Vacant(free) = self.echoes.entry(place) {
            free.insert(Echo::start(node, address).await?);
        }
        Ok(())
    }

    /// What plays a node's processes stands still, or goes on.
    pub(super) fn stand_still(&self, node: &str, still: bool) {
        for ((host, _), echo) in &self.echoes {
            if host == node {
                echo.stand_still(still);
            }
        }
        if let Some(health) = self.health.get(node) {
            health.gate.set(!still);
        }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        for health in self.health.values() {
            health.task.abort();
        }
    }
}

impl Home {
    /// Gives a Service an endpoint on every node; see [`put_endpoints`](Self::put_endpoints).
    ///
    /// # Errors
    /// When there is no such Service, or a port is taken.
    pub async fn put_endpoints_everywhere(&mut self, namespace: &str, service: &str) -> Result<()> {
        let nodes: Vec<String> = self.node_names().map(str::to_owned).collect();
        let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
        self.put_endpoints(namespace, service, &nodes).await
    }

    /// Gives a Service an endpoint on each of `nodes`, as the endpointslice controller would for pods on the host's
    /// network. Where kube-proxy runs, something listens there.
    ///
    /// # Errors
    /// When there is no such Service or node, or a port is taken.
    pub async fn put_endpoints(&mut self, namespace: &str, service: &str, nodes: &[&str]) -> Result<()> {
        let doing = || format!("giving the Service {namespace}/{service} its endpoints");
        let found = self.kube.get(SERVICES.in_namespace(namespace), service).await;
        let ports = target_ports(&found.with_context(doing)?);
        let mut endpoints = Vec::new();
        for name in nodes {
            let address = self.address_of(name)?;
            endpoints.push(Endpoint {
                address,
                node: (*name).to_owned(),
                ready: true,
            });
            if self.control_plane.has_proxies() {
                for port in ports.iter().filter_map(target_number) {
                    let listen = SocketAddrV4::new(address, port);
                    self.listeners.listen(self.lan.host(name)?, listen).await?;
                }
            }
        }
        let mut slice = object::endpoint_slice(namespace, service, 0, &endpoints);
        slice["ports"] = json!(ports);
        self.kube.apply(slice).await.with_context(doing)?;
        Ok(())
    }

    /// Stands in for kube-proxy: from now on each node that gets traffic for this address and port answers it itself, by
    /// UDP and TCP (see [`Echo`]). Nothing is done where kube-proxy runs.
    ///
    /// # Errors
    /// When a node refuses the address or the port is taken.
    pub async fn serve(&mut self, address: impl Into<IpAddr>, port: u16) -> Result<()> {
        let address = address.into();
        if self.control_plane.has_proxies() {
            return Ok(());
        }
        let added = self
            .node_names()
            .map(|node| self.lan.add_address(node, IpNet::from(address), "lo"));
        try_join_all(added).await?;
        for (node, _) in &self.nodes {
            let node = self.lan.host(node)?;
            self.listeners
                .listen(node, SocketAddr::new(address, port))
                .await?;
        }
        Ok(())
    }

    /// Makes good all [`serve`](Self::serve) of an address, as kube-proxy does when its Service is deleted.
    ///
    /// # Errors
    /// When a node refuses.
    pub async fn stop_serving(&mut self, address: Ipv4Addr) -> Result<()> {
        if self.control_plane.has_proxies() {
            return Ok(());
        }
        self.listeners
            .echoes
            .retain(|(_, listening), _| listening.ip() != address);
        let removed = self.node_names().map(|node| self.lan.del_address(node, address));
        try_join_all(removed).await?;
        Ok(())
    }
}

/// The ports of a Service's `EndpointSlice`. A target that is a name stands for a port of the pod, and the pods of the
/// lab have none: the Service's own number is taken.
fn target_ports(service: &Value) -> Vec<Value> {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    ports
        .map(|port| {
            let target = Some(&port["targetPort"]).filter(|target| target.is_u64());
            json!({
                "name": port["name"].as_str().unwrap_or_default(),
                "port": target.unwrap_or(&port["port"]),
                "protocol": port["protocol"],
            })
        })
        .collect()
}

fn target_number(port: &Value) -> Option<u16> {
    port["port"].as_u64()?.try_into().ok()
}

async fn answer_health(listener: TcpListener, gate: Gate) {
    loop {
        // An error is a client that has gone again.
        if let Ok((stream, _)) = listener.accept().await {
            gate.passed().await;
            tokio::spawn(answer(stream));
        }
    }
}

async fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 512];
    while !request.ends_with(b"\r\n\r\n") && request.len() < REQUEST_LIMIT {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..length]);
    }
    stream.write_all(HEALTHY).await
}

#[cfg(test)]
mod tests;
