//! `tiklb speaker`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use tiklb_core::model::NodeName;

use super::Cluster;
use super::daemon::{self, Daemon};
use crate::link::watch::Exclusions;
use crate::observe::log::Log;
use crate::speaker::desired::Settings;
use crate::speaker::{self, Options};

/// The heartbeats' port: MetalLB's speakers use it too, so that a firewall which lets those through lets ours.
const HEARTBEAT_PORT: u16 = 7946;
/// The labels of a speaker's Pod.
const PEERS: &str = "app.kubernetes.io/name=tiklb,app.kubernetes.io/component=speaker";

/// Announce addresses on this node's network (runs on each node)
///
/// Needs the host's network and CAP_NET_RAW. Speakers find each other by their Pods and talk over UDP, signed with the
/// key in the Secret tiklb-heartbeat.
#[derive(Debug, Args)]
pub(super) struct SpeakerVerb {
    #[command(flatten)]
    cluster: Cluster,

    #[command(flatten)]
    daemon: Daemon,

    /// The node that this runs on
    #[arg(long, env = "TIKLB_NODE_NAME", value_name = "NODE")]
    node_name: String,

    /// UDP port of the heartbeats between speakers; the same on all nodes
    #[arg(long, env = "TIKLB_HEARTBEAT_PORT", value_name = "PORT", default_value_t = HEARTBEAT_PORT)]
    heartbeat_port: u16,

    /// Finds the Pods of the speakers
    #[arg(long, env = "TIKLB_PEER_SELECTOR", value_name = "LABELS", default_value = PEERS)]
    peer_selector: String,

    /// Announce only Services of this loadBalancerClass; without it, only those that name none
    #[arg(long, env = "TIKLB_LB_CLASS", value_name = "CLASS")]
    lb_class: Option<String>,

    /// Announce from nodes with the label node.kubernetes.io/exclude-from-external-load-balancers, too
    #[arg(long, env = "TIKLB_IGNORE_EXCLUDE_LB")]
    ignore_exclude_lb: bool,

    /// Interfaces that are never used, as regular expressions; without it MetalLB's list (^docker, ^veth, ^cali, …)
    #[arg(
        long,
        env = "TIKLB_EXCLUDE_INTERFACES",
        value_name = "REGEX,…",
        value_delimiter = ','
    )]
    exclude_interfaces: Option<Vec<String>>,
}

impl SpeakerVerb {
    pub(super) fn run(self) -> Result<ExitCode> {
        // Before the first thread: the log has one.
        crate::link::privilege::narrow()?;
        let log = self.daemon.log()?;
        // One thread beside the one that owns the sockets: what it does can wait.
        let outcome = daemon::runtime(1)?.block_on(self.serve(log.clone()));
        log.flush();
        outcome
    }

    async fn serve(self, log: Log) -> Result<ExitCode> {
        let exclusions = match &self.exclude_interfaces {
            Some(patterns) => Exclusions::new(patterns.iter().filter(|pattern| !pattern.is_empty()))?,
            None => Exclusions::default(),
        };
        let stop = daemon::stop(log.clone())?;
        let panel = self.daemon.panel(log).await?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"), node = %self.node_name, pod = %self.daemon.pod_name,
            "tiklb speaker"
        );
        let options = Options {
            kubeconfig: self.cluster.kubeconfig,
            namespace: self.cluster.namespace,
            node: NodeName(self.node_name),
            pod: self.daemon.pod_name,
            heartbeat_port: self.heartbeat_port,
            peer_selector: self.peer_selector,
            settings: Settings {
                class: self.lb_class.filter(|class| !class.is_empty()),
                ignore_exclude: self.ignore_exclude_lb,
            },
            exclusions,
        };
        speaker::run(options, panel, stop).await?;
        Ok(ExitCode::SUCCESS)
    }
}
