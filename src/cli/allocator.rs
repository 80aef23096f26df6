//! `tiklb allocator`

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use routeros::client::{Observer, RequestReport};

use super::Cluster;
use super::daemon::{self, Daemon};
use crate::allocator::{self, Options};
use crate::observe::admin::Readiness;

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

    /// Serve only Services of this loadBalancerClass; without it, only those that name none
    #[arg(long, env = "TIKLB_LB_CLASS", value_name = "CLASS")]
    lb_class: Option<String>,
}

/// Requests to routers are seen in the log alone.
struct Unobserved;

impl Observer for Unobserved {
    fn request(&self, _: RequestReport) {}
}

impl AllocatorVerb {
    pub(super) fn run(self) -> Result<ExitCode> {
        self.daemon.log()?;
        // Two threads: one for core and its writers, one for whoever is busy with TLS.
        daemon::runtime(2)?.block_on(self.serve())
    }

    async fn serve(self) -> Result<ExitCode> {
        let readiness = Readiness::default();
        let stop = daemon::stop()?;
        let admin = self.daemon.admin(readiness.clone()).await?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), pod = %self.daemon.pod_name, "tiklb allocator");
        let options = Options {
            kubeconfig: self.cluster.kubeconfig,
            namespace: self.cluster.namespace,
            pod: self.daemon.pod_name,
            class: self.lb_class.filter(|class| !class.is_empty()),
            observer: Arc::new(Unobserved),
            readiness,
        };
        tokio::spawn(admin.run());
        allocator::run(options, stop).await?;
        Ok(ExitCode::SUCCESS)
    }
}
