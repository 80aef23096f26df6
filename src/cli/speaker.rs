//! `tiklb speaker`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use http::Uri;
use jiff::SignedDuration;
use tiklb_core::election::Failback;
use tiklb_core::model::NodeName;

use super::Cluster;
use super::daemon::{self, Daemon};
use crate::link::watch::Exclusions;
use crate::observe::log::Log;
use crate::speaker::desired::Settings;
use crate::speaker::{self, Options};

/// The heartbeats' port: MetalLB's speakers use it too, so that a firewall which lets those through lets ours.
const HEARTBEAT_PORT: u16 = 7946;
/// kube-proxy's, and that of k3s; it says no, too, where its node is being deleted.
const PROXY_HEALTH: &str = "http://127.0.0.1:10256/healthz";
/// The labels of a speaker's Pod.
pub(super) const PEERS: &str = "app.kubernetes.io/name=tiklb,app.kubernetes.io/component=speaker";

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

    /// When an address goes back to the node that comes first in order: never, immediate (as MetalLB does it, 5 s after
    /// that node is up), or after a time like 10m; the same on all nodes
    ///
    /// Nodes that an L2Advertisement prefers (preferredNodeSelectors) get their addresses back whatever this says. Each
    /// such move is a planned one: the owner answers until the other node does.
    #[arg(long, env = "TIKLB_FAILBACK", value_name = "WHEN", default_value = "never", value_parser = failback)]
    failback: Failback,

    /// The health check of this node's proxy: nodes whose proxy is not well are offered no address and take over last; an
    /// empty one asks nothing
    #[arg(long, env = "TIKLB_PROXY_HEALTH", value_name = "URL", default_value = PROXY_HEALTH)]
    proxy_health: String,
}

/// Reads `--failback`.
fn failback(text: &str) -> Result<Failback, String> {
    match text {
        "never" => Ok(Failback::Never),
        "immediate" => Ok(Failback::After(Duration::ZERO)),
        time => match time.parse::<SignedDuration>().map(Duration::try_from) {
            Ok(Ok(time)) if time < Duration::from_hours(24 * 365) => Ok(Failback::After(time)),
            _ => Err("write never, immediate, or a time of at most a year, like 10m".to_owned()),
        },
    }
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
        let proxy_health = match self.proxy_health.as_str() {
            "" => None,
            url => Some(plain_http(url)?),
        };
        let stop = daemon::stop(log.clone())?;
        let panel = self.daemon.panel(log)?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"), node = %self.node_name, pod = %self.daemon.pod_name,
            "tiklb speaker"
        );
        let options = Options {
            kubeconfig: self.cluster.kubeconfig,
            namespace: self.cluster.namespace,
            node: NodeName(self.node_name.into()),
            pod: self.daemon.pod_name,
            heartbeat_port: self.heartbeat_port,
            peer_selector: self.peer_selector,
            settings: Settings {
                class: self.lb_class.filter(|class| !class.is_empty()),
                ignore_exclude: self.ignore_exclude_lb,
            },
            exclusions,
            failback: self.failback,
            proxy_health,
        };
        speaker::run(options, panel, stop).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// An address that a client without TLS can ask.
fn plain_http(url: &str) -> Result<Uri> {
    let uri: Uri = url
        .parse()
        .with_context(|| format!("--proxy-health (TIKLB_PROXY_HEALTH): {url:?} is no URL"))?;
    if uri.scheme_str() != Some("http") || uri.host().is_none() {
        bail!(
            "--proxy-health (TIKLB_PROXY_HEALTH): {url:?}: write http://HOST:PORT/PATH; a check on this node needs no TLS"
        );
    }
    Ok(uri)
}
