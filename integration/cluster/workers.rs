//! Nodes that run Pods: a containerd and a kubelet in each node's namespace, and the scheduler and the controllers that give
//! them work.
//!
//! ```text
//! control host   kube-scheduler, kube-controller-manager (only what a chart needs)
//! each node      containerd ← kubelet; Pods on a bridge of the node, 10.42.N.0/24, or on the host's network
//! ```
//!
//! All of it stays inside of the sandbox: processes and mounts end with it, `/run`, `/var/lib` and `/var/log` are its own
//! ([`shield`]), and the cgroups, which no namespace ends, lie below one folder that the sandbox removes
//! ([`sandbox::cgroup`](crate::sandbox::cgroup)).

mod cgroup;
mod controllers;
mod node;
mod shield;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ipnet::Ipv4Net;
use nix::unistd::geteuid;

use super::{Options, proxy};
use crate::installed::{self, is_executable};
use crate::lan::{Host, Process};
use node::Node;

/// What Debian has and Go modules do not, each with its package.
const PROGRAMS: [(&str, &str); 4] = [
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables"),
];

/// The network plugins of the nodes' Pods, and where the package has them.
const PLUGINS: [&str; 3] = ["bridge", "host-local", "loopback"];
const PLUGIN_FOLDERS: [&str; 2] = ["/usr/lib/cni", "/opt/cni/bin"];
const PLUGIN_PACKAGE: &str = "containernetworking-plugins";

/// Errs where a kubelet could not run: not root, or a program is missing.
///
/// # Errors
/// Names the command that mends it.
pub fn check_workers() -> Result<()> {
    if !geteuid().is_root() {
        bail!(
            "kubelets make cgroups and mounts of their own, which a plain user may not: run this as root (sudo)"
        );
    }
    proxy::check_nft()?;
    let mut missing: Vec<&str> = Vec::new();
    for (program, package) in PROGRAMS {
        if installed::find(program).is_none() && !missing.contains(&package) {
            missing.push(package);
        }
    }
    if plugin_folder().is_none() {
        missing.push(PLUGIN_PACKAGE);
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "nodes that run Pods need {}: install what is missing (Debian, Ubuntu: apt-get install --no-install-recommends {})",
        missing.join(", "),
        missing.join(" ")
    )
}

/// The folder that holds all network plugins.
fn plugin_folder() -> Option<PathBuf> {
    PLUGIN_FOLDERS
        .map(PathBuf::from)
        .into_iter()
        .find(|folder| PLUGINS.iter().all(|plugin| is_executable(&folder.join(plugin))))
}

/// The images that every node has, as OCI layouts in tar files: nothing is pulled.
#[derive(Debug, Clone)]
pub struct Images {
    /// The one that holds a Pod's namespaces open.
    pub pause: PathBuf,
    /// All others.
    pub others: Vec<PathBuf>,
}

/// The addresses of a node's Pods, as k3s would give them.
pub(super) fn pod_network(number: u8) -> Result<Ipv4Net> {
    Ipv4Net::new(Ipv4Addr::new(10, 42, number, 0), 24).context("the network of a node's Pods")
}

/// Scheduler, controllers and nodes that run. Killed when dropped; what containerd started lives until the sandbox ends.
#[derive(Debug)]
pub(super) struct Workers {
    nodes: Vec<Node>,
    controllers: Vec<Process>,
}

/// What the workers are started with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub options: &'a Options,
    pub images: &'a Images,
    /// The cluster's own folder, in memory.
    pub folder: &'a Path,
    /// By which every program is an administrator: rights of nodes are none of the lab's business.
    pub kubeconfig: &'a Path,
}

impl Workers {
    /// Starts all of it. Nodes are registered and ready some seconds later.
    pub(super) async fn start(
        ground: Ground<'_>,
        control: &Host,
        nodes: &[(&Host, Ipv4Addr)],
        controllers: Keys<'_>,
    ) -> Result<Self> {
        check_workers()?;
        shield::raise(ground.folder)?;
        let controllers = controllers::start(ground, control, controllers).await?;
        for (place, (host, _)) in (1_u8..).zip(nodes) {
            // What a network of Pods would do (flannel's host-gw): each node knows the way to the Pods of the others.
            for (other, (_, gateway)) in (1_u8..).zip(nodes) {
                if other != place {
                    host.add_route(pod_network(other)?, *gateway).await?;
                }
            }
        }
        let started = (1_u8..)
            .zip(nodes)
            .map(|(number, (host, address))| Node::start(ground, host, *address, number));
        let nodes = futures::future::try_join_all(started).await?;
        Ok(Self { nodes, controllers })
    }

    pub(super) fn node_mut(&mut self, name: &str) -> Result<&mut Node> {
        let found = self.nodes.iter_mut().find(|node| node.host().name() == name);
        found.with_context(|| format!("no kubelet was started on {name}"))
    }

    /// One node after the other: each unpacks it.
    pub(super) async fn bring(&self, image: &Path) -> Result<()> {
        for node in &self.nodes {
            node.import(image).await?;
        }
        Ok(())
    }

    /// Every program, for whoever has to find out what went wrong.
    pub(super) fn processes(&self) -> impl Iterator<Item = &Process> {
        let nodes = self.nodes.iter().flat_map(Node::processes);
        self.controllers.iter().chain(nodes)
    }
}

pub(super) use controllers::Keys;
