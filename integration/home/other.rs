//! Another Kubernetes cluster on the same LAN: a second one that shares the router, or one that was built anew from the
//! same manifests. What it is judged by stands in its API, on the router and on the wire.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Result;
use routeros_sim::PASSWORD;

use super::daemon::{CONTROL_HOST, READY, allocator_command, speaker_command};
use super::{CONTROL, ControlPlane, Home, ROUTER_USER, inventory};
use crate::kube::Kube;
use crate::lan::{HostCommand, Process};
use crate::readiness::Readiness;

/// Beside the first cluster's 6443, on the same host.
const API_PORT: u16 = 7_443;

/// Beside the first cluster's 7472. The allocator and a speaker may be on one host, too.
const ADMIN_PORTS: (u16, u16) = (7_473, 7_474);

/// A cluster with an identity of its own. Ends when it is dropped.
pub struct OtherCluster {
    // Dropped in this order: who asks before who answers.
    _processes: Vec<Process>,
    kube: Kube,
    control_plane: ControlPlane,
}

impl OtherCluster {
    /// Its API, as its administrator.
    pub fn kube(&self) -> &Kube {
        &self.kube
    }

    /// Which API that is: always the embedded one.
    pub fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
    }
}

impl Home {
    /// Builds another cluster with one node, `control`, and all that stands in a cluster before tiklb starts; then starts
    /// tiklb in it.
    ///
    /// # Errors
    /// When there is one already, the plan names no program, or tiklb does not become ready.
    pub async fn found_cluster(&self) -> Result<OtherCluster> {
        self.found(&[(CONTROL_HOST.to_owned(), CONTROL.into())]).await
    }

    /// The same on the home's own nodes, where tiklb must have ended: the home's cluster is to be no more.
    ///
    /// # Errors
    /// As for [`found_cluster`](Self::found_cluster).
    pub async fn rebuild_cluster(&self) -> Result<OtherCluster> {
        self.found(&self.plan.hosts()).await
    }

    async fn found(&self, nodes: &[(String, IpAddr)]) -> Result<OtherCluster> {
        let host = self.lan.host(CONTROL_HOST)?;
        let control_plane = ControlPlane::embed(host, self.plan.control(), API_PORT).await?;
        let kube = Kube::new(control_plane.admin())?.at(host)?;
        let ca_pem = self.router.ca_pem().unwrap_or_default();
        inventory::furnish(&kube, &control_plane, nodes, (ROUTER_USER, PASSWORD, &ca_pem)).await?;
        let mut kubeconfigs = Vec::new();
        for account in ["tiklb-allocator", "tiklb-speaker"] {
            let access = control_plane.account(account).await?;
            let name = format!("other-{account}.kubeconfig");
            kubeconfigs.push(self.folder.kubeconfig(&name, account, &access)?);
        }
        let [allocator, speaker] = [&kubeconfigs[0], &kubeconfigs[1]];
        let command = allocator_command(self, allocator)?;
        let mut processes = vec![self.run(CONTROL_HOST, ADMIN_PORTS.0, command).await?];
        for (node, _) in nodes {
            let command = speaker_command(self, node, speaker)?;
            processes.push(self.run(node, ADMIN_PORTS.1, command).await?);
        }
        Ok(OtherCluster {
            _processes: processes,
            kube,
            control_plane,
        })
    }

    async fn run(&self, host: &str, port: u16, command: HostCommand) -> Result<Process> {
        let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let command = command.env("TIKLB_ADMIN_LISTEN", listen.to_string());
        let process = command.spawn().await?;
        let readiness = Readiness::plain(&format!("http://{listen}/readyz"))?;
        let host = self.lan.host(host)?;
        readiness
            .wait(host, "the other cluster's tiklb", &process, READY)
            .await?;
        Ok(process)
    }
}
