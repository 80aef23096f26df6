//! `tiklb explain`

mod address;
mod facts;
mod page;
mod service;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use tiklb_core::model::ObjectKey;

use super::daemon;
use super::speakers::Speakers;
use super::view::View;
use super::{Cluster, Served};
use crate::clock::Clock;
use facts::Facts;

/// What `tiklb plan` returns, too, where something is to be done.
const IN_THE_WAY: u8 = 2;
/// Changes when a field goes away or comes to mean something else.
const API_VERSION: &str = "cli.tiklb.io/v1";

/// Say why a Service has its address or waits for one, or who has an address. Writes nothing
///
/// Reads the API with your kubeconfig: what the allocator would decide is worked out here once more, from the same
/// objects. What only the router knows stands in its MikrotikRouter's status, which is shown beside it. The speakers are
/// asked besides, where they can be reached from here, for their own words and for what moved last.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ExplainVerb {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Why a Service has its address, or waits: pool by pool, who announces it and since when, what the routers say
    ///
    /// Ends with 0 where the Service has its address and a node announces it, with 2 where something is in the way, with
    /// 1 on an error.
    Service(ServiceVerb),
    /// Who has an address: a Service, a reservation, a node, somebody else, or nobody
    ///
    /// Ends with 0 where a Service has it, or could have it, with 2 where something is in the way, with 1 on an error.
    Address(AddressVerb),
}

#[derive(Debug, Args)]
struct ServiceVerb {
    #[command(flatten)]
    cluster: Cluster,

    #[command(flatten)]
    served: Served,

    #[command(flatten)]
    speakers: Speakers,

    #[command(flatten)]
    format: Format,

    /// The Service, as kubectl shows it with -A
    #[arg(value_name = "NAMESPACE/NAME", value_parser = key)]
    service: ObjectKey,
}

#[derive(Debug, Args)]
struct AddressVerb {
    #[command(flatten)]
    cluster: Cluster,

    #[command(flatten)]
    speakers: Speakers,

    #[command(flatten)]
    format: Format,

    /// The address
    #[arg(value_name = "ADDRESS")]
    address: IpAddr,
}

#[derive(Debug, Args)]
struct Format {
    /// How it is printed
    #[arg(
        short,
        long,
        env = "TIKLB_OUTPUT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    output: Output,
}

/// How an explanation is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// For programs: apiVersion cli.tiklb.io/v1, kind ServiceExplanation or AddressExplanation
    Json,
}

const EXAMPLES: &str = "\
Examples:
  tiklb explain service apps/web
      why it has this address, or none: each pool with what speaks for or against it
  tiklb explain address 192.168.1.210
      whose it is, and whether a Service could have it
  tiklb explain service apps/web -o json | jq -r .because
      the same for programs. Under cli.tiklb.io/v1 fields are only ever added";

fn key(text: &str) -> Result<ObjectKey, String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(ObjectKey::new(namespace, name))
        }
        _ => Err("write NAMESPACE/NAME, such as default/web".to_owned()),
    }
}

impl ExplainVerb {
    pub(super) fn run(self) -> Result<ExitCode> {
        daemon::runtime(1)?.block_on(async {
            match self.what {
                What::Service(verb) => verb.run().await,
                What::Address(verb) => verb.run().await,
            }
        })
    }
}

impl ServiceVerb {
    async fn run(self) -> Result<ExitCode> {
        let view = View::read(&self.cluster).await?;
        let class = self.served.class();
        let heard = self.speakers.ask(&view).await;
        let facts = Facts::of(&view, &heard, class, Clock::start().now());
        let explained = service::explain(&facts, &self.service).ok_or_else(|| {
            anyhow!(
                "there is no Service {} that concerns a load balancer: kubectl get services -A shows all, and their types",
                self.service
            )
        })?;
        print(self.format.output, &explained, || page::service(&explained))?;
        Ok(code(explained.is_fine()))
    }
}

impl AddressVerb {
    async fn run(self) -> Result<ExitCode> {
        let view = View::read(&self.cluster).await?;
        let heard = self.speakers.ask(&view).await;
        let facts = Facts::of(&view, &heard, None, Clock::start().now());
        let explained = address::explain(&facts, self.address);
        print(self.format.output, &explained, || page::address(&explained))?;
        Ok(code(explained.fine))
    }
}

fn print(output: Output, document: &impl Serialize, page: impl FnOnce() -> String) -> Result<()> {
    match output {
        Output::Text => print!("{}", page()),
        Output::Json => {
            let text = serde_json::to_string_pretty(document).context("writing the explanation as JSON")?;
            println!("{text}");
        }
    }
    Ok(())
}

fn code(is_fine: bool) -> ExitCode {
    if is_fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(IN_THE_WAY)
    }
}
