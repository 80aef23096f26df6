//! `tiklb doctor`

mod asking;
mod changeover;
mod configuration;
mod conflicts;
mod facts;
mod finding;
mod installation;
mod migration;
mod neighbors;
mod page;
mod reading;
mod router;
mod speakers;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use self::facts::Facts;
use self::finding::Report;
use super::daemon;
use super::progress::told;
use super::reach::Reach;
use super::{Cluster, Served};
use crate::cluster::client;
use crate::cluster::inventory::Inventory;

/// What `tiklb plan` returns, too, where something is to be done.
const FOUND: u8 = 2;

/// Look for what keeps addresses from working, and name the fix of each. Writes nothing
///
/// Looks for another load balancer (MetalLB, k3s's servicelb, kube-vip, Cilium), for what a move from MetalLB left
/// behind (and says between which of its steps the cluster is), at pools and advertisements, at kube-proxy, at what speakers and allocator report, at routers, at tiklb's own
/// definitions and rights. Reads the API alone, with your kubeconfig; with --ask-routers the routers too.
///
/// What your account may not read is said as "not looked at", never as well. Ends with 0 where everything was looked at
/// and nothing found, with 2 where something was found, with 1 where nothing was found among what could be looked at,
/// or where the API server could not be asked at all.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct DoctorVerb {
    #[command(flatten)]
    cluster: Cluster,

    #[command(flatten)]
    served: Served,

    /// Ask the routers themselves, too: whether they let every node in, and what the account may do. Reads only; needs
    /// the right to read the Secrets that MikrotikRouters name, or --username and --password-file
    #[arg(long, env = "TIKLB_ASK_ROUTERS", value_parser = FalseyValueParser::new())]
    ask_routers: bool,

    /// How it is printed
    #[arg(
        short,
        long,
        env = "TIKLB_OUTPUT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    output: Output,

    #[command(flatten)]
    reach: Reach,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// For programs: apiVersion cli.tiklb.io/v1, kind Diagnosis
    Json,
}

const EXAMPLES: &str = "\
Examples:
  tiklb doctor
      the cluster of your kubeconfig
  tiklb doctor --ask-routers
      and its routers, with the accounts in their Secrets
  tiklb doctor -o json | jq -r '.findings[] | .severity + \" \" + .what + \" -> \" + .fix'
      the same for programs. Under cli.tiklb.io/v1 fields are only ever added
  tiklb doctor || alert
      anything but 0 wants to be read

docs/doctor.md lists every finding with the words by which it is met, and its fix.";

impl DoctorVerb {
    pub(super) fn run(self) -> Result<ExitCode> {
        daemon::runtime(1)?.block_on(self.look())
    }

    async fn look(self) -> Result<ExitCode> {
        let given = self.reach.given()?;
        let client = client::connect(self.cluster.kubeconfig.as_deref()).await?;
        let inventory = Inventory::new(client);
        let version = told("waiting for the API server", inventory.version()).await;
        version.map_err(|why| self.nobody(&why.to_string()))?;
        let class = self.served.class();
        let looking = Box::pin(reading::look(&inventory, &self.cluster.namespace, class));
        let mut looked = told("looking at the cluster", looking).await;
        if self.ask_routers {
            looked.facts.asked = Some(asking::ask(&inventory, &looked.routers, &given).await);
        }
        let report = examine(&looked.facts);
        match self.output {
            Output::Text => print!("{}", page::text(&report)),
            Output::Json => print!("{}", page::json(&report)?),
        }
        Ok(verdict(&report))
    }

    fn nobody(&self, why: &str) -> anyhow::Error {
        let whence = self.cluster.whence();
        anyhow!(
            "the API server of {whence} did not answer ({why}): try `kubectl version`, or name another kubeconfig with --kubeconfig"
        )
    }
}

/// Everything that follows from the facts.
fn examine(facts: &Facts) -> Report {
    let mut report = Report::default();
    installation::check(facts, &mut report);
    neighbors::check(facts, &mut report);
    migration::check(facts, &mut report);
    configuration::check(facts, &mut report);
    conflicts::check(facts, &mut report);
    speakers::check(facts, &mut report);
    router::check(facts, &mut report);
    report.changeover = changeover::of(facts, &report);
    report
}

fn verdict(report: &Report) -> ExitCode {
    if !report.findings.is_empty() {
        ExitCode::from(FOUND)
    } else if !report.unseen.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
