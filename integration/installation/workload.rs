//! Pods behind a Service: on every node one that says where it runs.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Installation;
use crate::image::PAUSE;
use crate::wait::until;
use crate::wire::tcp_connect;

/// Where the lab's own Service lives.
pub const APPS: &str = "apps";
/// Its name.
pub const ECHO: &str = "echo";
/// Its port.
pub const PORT: u16 = 8_080;

/// What a Service of the guide's `services.yaml` selects.
pub const PHOTOS: Workload<'static> = Workload {
    namespace: "immich",
    name: "immich-server",
    port: 2_283,
};
/// The address that it asks for.
pub const PHOTOS_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 203);

/// Pods start within seconds; beside builds they take longer.
const STARTED: Duration = Duration::from_mins(2);
/// One connection, once everything stands.
const CONNECTED: Duration = Duration::from_secs(5);

/// A `DaemonSet` whose Pods answer on one port.
#[derive(Debug, Clone, Copy)]
pub struct Workload<'a> {
    /// The namespace, made if it is not there.
    pub namespace: &'a str,
    /// Its name, and its Pods' label `app.kubernetes.io/name`.
    pub name: &'a str,
    /// Where its Pods answer, by TCP and UDP.
    pub port: u16,
}

impl Workload<'_> {
    fn objects(&self) -> [Value; 2] {
        let labels = json!({"app.kubernetes.io/name": self.name});
        let container = json!({
            "name": "echo",
            "image": PAUSE,
            "imagePullPolicy": "Never",
            "args": ["echo"],
            "env": [
                {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                {"name": "PORT", "value": self.port.to_string()},
            ],
        });
        [
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}),
            json!({
                "apiVersion": "apps/v1",
                "kind": "DaemonSet",
                "metadata": {"name": self.name, "namespace": self.namespace},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {
                            "containers": [container],
                            // It has nothing to finish.
                            "terminationGracePeriodSeconds": 1,
                        },
                    },
                },
            }),
        ]
    }
}

impl Installation {
    /// Runs Pods, and waits until all of them are there.
    ///
    /// # Errors
    /// They do not start.
    pub async fn run(&self, workload: Workload<'_>) -> Result<()> {
        for object in workload.objects() {
            self.home.kube().apply(object).await?;
        }
        let Workload { namespace, name, .. } = workload;
        let line = format!(
            "kubectl rollout status -n {namespace} daemonset/{name} --timeout={}s",
            STARTED.as_secs()
        );
        self.shell(&line).await?;
        Ok(())
    }

    /// The lab's own Service, served by the node that the packet came to: its address, once it has one. Behind it is no Pod but the
    /// lab's [`Echo`](crate::wire::Echo), which has real-time priority: a Pod that is starved by a busy machine would look like an
    /// outage.
    ///
    /// # Errors
    /// It gets none.
    pub async fn echo(&mut self) -> Result<Ipv4Addr> {
        let port =
            |protocol: &str| json!({"name": protocol.to_lowercase(), "port": PORT, "protocol": protocol});
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": APPS}});
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": ECHO, "namespace": APPS},
            "spec": {
                "type": "LoadBalancer",
                "externalTrafficPolicy": "Local",
                "ports": [port("TCP"), port("UDP")],
            },
        });
        for object in [namespace, service] {
            self.home.kube().apply(object).await?;
        }
        self.home.put_endpoints_everywhere(APPS, ECHO).await?;
        self.home.service_address(APPS, ECHO, STARTED).await
    }

    /// Waits until one node answers for an address and a connection to a port of it is answered. Gives the node that answers on
    /// the wire.
    ///
    /// # Errors
    /// Nobody or more than one answers, or no connection is answered.
    pub async fn served(&self, address: Ipv4Addr, port: u16) -> Result<String> {
        let what = format!("{address} to be served");
        until(&what, STARTED, async || {
            let node = self.home.announcer(address, CONNECTED).await?.host;
            self.home.address_of(&node)?;
            let target = SocketAddrV4::new(address, port);
            let reached = tcp_connect(self.home.client()?, target, CONNECTED).await?;
            ensure!(self.home.address_of(&reached).is_ok(), "{reached} is no node");
            Ok(node)
        })
        .await
    }
}
