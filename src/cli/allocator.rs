//! `tiklb allocator`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::daemon::{self, Daemon};
use super::{Cluster, Served};
use crate::allocator::{self, Options};
use crate::observe::log::Log;

/// Assign addresses to Services and make the router agree (runs in the cluster)
///
/// Several replicas may run: one leads, by the Lease tiklb-allocator, the others wait. Addresses that are in use go on
/// working while none runs.
#[derive(Debug, Args)]
pub(super) struct AllocatorVerb {
    #[command(flatten)]
    cluster: Cluster,

    #[command(flatten)]
    daemon: Daemon,

    #[command(flatten)]
    served: Served,
}

impl AllocatorVerb {
    pub(super) fn run(self) -> Result<ExitCode> {
        let log = self.daemon.log()?;
        // Two threads: one for core and its writers, one for whoever is busy with TLS.
        let outcome = daemon::runtime(2)?.block_on(self.serve(log.clone()));
        log.flush();
        outcome
    }

    async fn serve(self, log: Log) -> Result<ExitCode> {
        let stop = daemon::stop(log.clone())?;
        let panel = self.daemon.panel(log)?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), pod = %self.daemon.pod_name, "tiklb allocator");
        let options = Options {
            kubeconfig: self.cluster.kubeconfig,
            namespace: self.cluster.namespace,
            pod: self.daemon.pod_name,
            class: self.served.class(),
        };
        allocator::run(options, panel, stop).await?;
        Ok(ExitCode::SUCCESS)
    }
}
