//! `lab`'s arguments.

#![expect(
    clippy::doc_markdown,
    reason = "`--help` shows these comments, and prints backticks as they are"
)]

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::demo::{self, Demo};
use crate::sandbox;
use crate::shell::{self, Shell};
use crate::{cluster, product};

/// A home's LAN on this machine: where tiklb is shown, judged and measured
///
/// Everything runs in network namespaces that are gone with the program, however it ends. Needs Linux with bridge and
/// veth, as root or with unprivileged user namespaces.
#[derive(Debug, Parser)]
#[command(name = "lab", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show tiklb at work: a Service gets a LAN address, the router agrees, a node answers, another takes over
    Demo(Demo),
    /// Open a shell in the running demo, on one of its hosts
    Shell(Shell),
    /// The real cluster: etcd, kube-apiserver, kube-proxy and kubectl, built from Go modules
    #[command(subcommand)]
    Cluster(ClusterVerb),
}

#[derive(Debug, Subcommand)]
enum ClusterVerb {
    /// Build its programs, once for each state of the Go modules, and print where they are
    Build,
}

/// Reads the arguments and does what they say. To be called before any thread is started.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.verb {
        Verb::Demo(demo) => inside("demo", || demo::run(&demo)),
        Verb::Shell(shell) => shell::run(&shell),
        Verb::Cluster(ClusterVerb::Build) => build_cluster(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("lab: {error:#}");
        ExitCode::FAILURE
    })
}

/// Builds the product outside, then does the work inside of a sandbox.
fn inside(tag: &str, work: impl FnOnce() -> Result<()>) -> Result<ExitCode> {
    if !sandbox::entered() {
        product::build()?;
    }
    match sandbox::enter(tag) {
        Ok(_) => work().map(|()| ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("lab: {error}");
            Ok(ExitCode::from(error.exit_code()))
        }
    }
}

fn build_cluster() -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let binaries = runtime.block_on(cluster::build(&mut std::io::stderr()))?;
    let folder = binaries.etcd.parent().unwrap_or(&binaries.etcd);
    println!("{}", folder.display());
    Ok(ExitCode::SUCCESS)
}
