//! Arguments, and the person's verbs.
//!
//! Every flag has an environment variable of the same name behind `TIKLB_`, so that a manifest can set either.

#![expect(
    clippy::doc_markdown,
    reason = "`--help` shows these comments, and prints backticks as they are"
)]

mod allocator;
mod configuration;
mod consent;
mod console;
mod crds;
mod daemon;
mod doctor;
mod explain;
mod manifests;
mod plan;
mod progress;
mod reach;
mod rehearsal;
mod release;
mod router;
mod speaker;
mod speakers;
mod status;
mod table;
mod undo;
mod view;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::api::DEFAULT_NAMESPACE;
use crate::cluster::client::Chain;

/// A layer-2 load balancer for bare-metal Kubernetes that makes the MikroTik router agree.
///
/// In the cluster run `tiklb allocator` (one leader assigns addresses and drives the router) and one `tiklb speaker` on
/// each node (one of them answers ARP for each address). The other verbs are for a person's shell: they read the
/// cluster with your kubeconfig and write nothing, but for release, which asks first.
#[derive(Debug, Parser)]
#[command(name = "tiklb", version, max_term_width = 100, arg_required_else_help = true, after_help = PLUGIN)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    // No comments here: they would stand in for all that the verbs say of themselves.
    Allocator(allocator::AllocatorVerb),
    Speaker(speaker::SpeakerVerb),
    Plan(Box<plan::PlanVerb>),
    Release(Box<release::ReleaseVerb>),
    Router(router::RouterVerb),
    Status(status::StatusVerb),
    Explain(explain::ExplainVerb),
    Doctor(Box<doctor::DoctorVerb>),
    Crds(crds::Crds),
}

/// How the cluster is reached.
#[derive(Debug, Clone, Args)]
struct Cluster {
    /// The kubeconfig to use; without it KUBECONFIG, ~/.kube/config, or the Pod's service account
    #[arg(long, env = "TIKLB_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The namespace of pools, advertisements, routers and of tiklb itself
    #[arg(long, env = "TIKLB_NAMESPACE", default_value = DEFAULT_NAMESPACE)]
    namespace: String,
}

impl Cluster {
    /// Whose API server it is, in words.
    fn whence(&self) -> String {
        let named = self.kubeconfig.as_deref().map(Path::display);
        named.map_or_else(|| "your kubeconfig".to_owned(), |file| file.to_string())
    }
}

/// Which Services are served.
#[derive(Debug, Args)]
struct Served {
    /// Serve only Services of this loadBalancerClass; without it, only those that name none
    #[arg(long, env = "TIKLB_LB_CLASS", value_name = "CLASS")]
    lb_class: Option<String>,
}

impl Served {
    /// The class; an empty one, as a chart may leave it in the environment, is none.
    fn class(&self) -> Option<String> {
        self.lb_class.clone().filter(|class| !class.is_empty())
    }
}

/// What kubectl calls its plugins: a program `kubectl-tiklb` on the PATH is `kubectl tiklb`.
const PLUGIN_FILE: &str = "kubectl-tiklb";

const PLUGIN: &str = "\
As kubectl tiklb: put a link named kubectl-tiklb to this program on your PATH.";

/// The command line, under the name by which it was called: a person should be able to repeat what help and errors say.
fn command(called: Option<&OsStr>) -> clap::Command {
    let file = called.map(Path::new).and_then(Path::file_stem);
    let command = Cli::command();
    if file.is_some_and(|file| file == PLUGIN_FILE) {
        command.bin_name("kubectl tiklb").display_name("kubectl tiklb")
    } else {
        command
    }
}

/// Reads the arguments and does what they say.
pub fn run() -> ExitCode {
    let called = std::env::args_os().next();
    let matches = command(called.as_deref()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let outcome: Result<ExitCode> = match cli.verb {
        Verb::Allocator(allocator) => allocator.run(),
        Verb::Speaker(speaker) => speaker.run(),
        Verb::Plan(plan) => plan.run(),
        Verb::Release(release) => release.run(),
        Verb::Router(router) => router.run(),
        Verb::Status(status) => status.run(),
        Verb::Explain(explain) => explain.run(),
        Verb::Doctor(doctor) => doctor.run(),
        Verb::Crds(crds::Crds {}) => crds::Crds::run(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("tiklb: {}", Chain(error.as_ref()));
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests;
