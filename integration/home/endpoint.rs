//! What stands behind a Service's address: a listener on each node that says the node's name.
//!
//! On a real cluster kube-proxy carries the address to the listeners. Without one, the lab puts the address on each
//! node's `lo` beside a listener: the node's kernel takes what the LAN brings it, and answers no ARP for it.

use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::{Context, Result};
use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::{Home, NODES};
use crate::cluster::object::{Endpoint, endpoint_slice};
use crate::kube::ENDPOINT_SLICES;
use crate::wire::Echo;

/// Where endpoints listen on a real cluster: elsewhere than the Service, so that only kube-proxy's rules lead there.
const TARGET_OFFSET: u16 = 10_000;

/// The listeners of one Service.
#[derive(Debug)]
pub struct Served {
    /// `namespace/name`.
    pub service: String,
    /// The address, where the lab put it on the nodes itself.
    address: Option<Ipv4Addr>,
    _echoes: Vec<Echo>,
}

impl Home {
    /// Says in the API that every node serves the Service: without an endpoint nobody announces it.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn endpoints(&self, namespace: &str, service: &str, port: u16) -> Result<()> {
        self.endpoints_on(namespace, service, port, &NODES).await
    }

    /// The same for some nodes.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn endpoints_on(
        &self,
        namespace: &str,
        service: &str,
        port: u16,
        nodes: &[&str],
    ) -> Result<()> {
        let endpoints: Vec<Endpoint> = (11..)
            .zip(NODES)
            .filter(|(_, node)| nodes.contains(node))
            .map(|(last, node)| Endpoint {
                address: Ipv4Addr::new(192, 168, 1, last),
                node: node.to_owned(),
                ready: true,
            })
            .collect();
        let target = port + TARGET_OFFSET;
        let mut slice = endpoint_slice(namespace, service, target, &endpoints);
        // A Service of one port leaves it unnamed; those of the stories have a second one for datagrams.
        slice["ports"] = json!([
            {"name": "", "port": target, "protocol": "TCP"},
            {"name": "tcp", "port": target, "protocol": "TCP"},
            {"name": "udp", "port": target, "protocol": "UDP"},
        ]);
        let slices = ENDPOINT_SLICES.in_namespace(namespace);
        match self.kube.create(&slices, &slice).await {
            Err(error) if error.reason() == Some("AlreadyExists") => {
                let name = slice["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                let endpoints: &Value = &slice["endpoints"];
                self.kube
                    .merge_patch(&slices, &name, &json!({"endpoints": endpoints}))
                    .await?;
            }
            other => drop(other?),
        }
        Ok(())
    }

    /// Listens behind the Service on every node: TCP and UDP.
    ///
    /// # Errors
    /// A port is taken, or the kernel refuses.
    pub async fn serve(
        &mut self,
        namespace: &str,
        service: &str,
        address: Ipv4Addr,
        port: u16,
    ) -> Result<()> {
        let real = self.control.is_real();
        let mut echoes = Vec::new();
        for (last, node) in (11..).zip(NODES) {
            let host = self.lan.host(node)?;
            let at = if real {
                SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, last), port + TARGET_OFFSET)
            } else {
                host.add_address(Ipv4Net::new(address, 32)?, "lo").await?;
                SocketAddrV4::new(address, port)
            };
            let echo = Echo::start(host, at).await;
            echoes.push(echo.with_context(|| format!("serving {namespace}/{service} on {node}"))?);
        }
        self.served.push(Served {
            service: format!("{namespace}/{service}"),
            address: (!real).then_some(address),
            _echoes: echoes,
        });
        Ok(())
    }

    /// Stops listening behind a Service.
    ///
    /// # Errors
    /// The kernel refuses.
    pub async fn unserve(&mut self, namespace: &str, service: &str) -> Result<()> {
        let name = format!("{namespace}/{service}");
        let ended: Vec<Served> = self
            .served
            .extract_if(.., |served| served.service == name)
            .collect();
        for served in ended {
            for node in NODES {
                if let Some(address) = served.address {
                    self.lan.host(node)?.del_address(address).await?;
                }
            }
        }
        Ok(())
    }
}
