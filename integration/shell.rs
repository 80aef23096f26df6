//! `lab shell`: a look around in the running demo.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::demo::{Papers, TAG};
use crate::sandbox;

/// Open a shell in the running demo, on one of its hosts
///
/// KUBECONFIG, ROUTER and ROUTER_CA are set, so that kubectl and curl find the demo's cluster and router:
///   kubectl get services -A
///   curl --cacert $ROUTER_CA -u tiklb:tiklb-secret $ROUTER/rest/ip/pool
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Shell {
    /// The host: router, control, node1, node2, node3, client, phone, newcomer or printer
    #[arg(default_value = "client")]
    host: String,
    /// A command to run there instead of a shell
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Joins the demo.
pub(crate) fn run(shell: &Shell) -> Result<ExitCode> {
    let Some(running) = sandbox::find_running(TAG).context("looking for a running demo")? else {
        bail!("no demo of yours runs: start one with `cargo run --release -p lab -- demo --keep`");
    };
    let hosts = running.hosts();
    if !hosts.contains(&shell.host) {
        bail!("the demo has no host {}; it has {}", shell.host, hosts.join(", "));
    }
    sandbox::join(&running, Some(&shell.host))?;
    let papers = Papers::read(&running.dir).context("reading what the demo left for visitors")?;
    let mut words = shell.command.iter();
    let program = words.next().cloned();
    let program = program.unwrap_or_else(|| std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned()));
    let mut command = Command::new(&program);
    command
        .args(words)
        .env("KUBECONFIG", &papers.kubeconfig)
        .env("ROUTER", &papers.router)
        .env("ROUTER_CA", &papers.router_ca)
        .env("TIKLB", &papers.tiklb)
        .env("PS1", format!("{}:\\w\\$ ", shell.host));
    // A child, not this process: a PID namespace only takes children.
    let status = command.status().with_context(|| format!("running {program}"))?;
    Ok(ExitCode::from(
        u8::try_from(status.code().unwrap_or(1)).unwrap_or(1),
    ))
}
