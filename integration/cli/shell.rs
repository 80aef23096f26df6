//! `lab shell`: a person on a host of a home that runs.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context as _, Result, bail};

use crate::cluster::build::Workshop;
use crate::home::KUBECONFIG;
use crate::sandbox::{self, Running};

/// Where the person's own shell is not known.
const SHELL: &str = "/bin/sh";

/// Runs `command`, or the person's shell, on a host of the first sandbox of these names that runs; gives its exit code.
pub(super) fn open(tags: &[&str], host: &str, command: &[String]) -> Result<ExitCode> {
    let mut found = None;
    for tag in tags {
        if found.is_none() {
            found = sandbox::find_running(tag).context("looking for a running demo")?;
        }
    }
    let Some(running) = found else {
        bail!(
            "no demo of yours is running: start one in another terminal with `cargo run --release -p lab -- demo --keep`"
        );
    };
    check(&running, host)?;
    let (path, here) = (path(), env::current_dir());
    sandbox::join(&running, Some(host))?;
    // Who joins stands at the root; the person's folder is there, too, unless one of the sandbox's own hides it.
    let here = here.ok().filter(|folder| folder.is_dir());
    let mut words = command.iter().map(OsString::from);
    let program = words
        .next()
        .unwrap_or_else(|| env::var_os("SHELL").unwrap_or_else(|| SHELL.into()));
    if command.is_empty() {
        eprintln!("You are on {host}; `exit` leads back. What you start ends with the demo.");
    }
    let status = Command::new(&program)
        .args(words)
        .current_dir(here.unwrap_or_else(|| "/".into()))
        .env("KUBECONFIG", running.dir.join(KUBECONFIG))
        .env("PATH", path)
        // A proxy of the person's environment cannot reach into a namespace.
        .env("NO_PROXY", "*")
        .env("no_proxy", "*")
        .status()
        .with_context(|| format!("running {} on {host}", program.display()))?;
    Ok(code(status))
}

/// The person's PATH, and behind it tiklb, which is built beside this program; where they have no kubectl of their own,
/// the one that `lab cluster build` made is found too.
fn path() -> OsString {
    let own = env::var_os("PATH").unwrap_or_default();
    let built = Workshop::of_this_checkout().and_then(|workshop| workshop.found());
    let folder = built
        .ok()
        .flatten()
        .and_then(|built| built.kubectl.parent().map(Path::to_owned));
    let beside = env::current_exe().ok();
    let beside = beside.as_deref().and_then(Path::parent).map(Path::to_owned);
    let folders = env::split_paths(&own).chain(beside).chain(folder);
    // A folder with a colon in its name cannot stand in a PATH.
    env::join_paths(folders).unwrap_or(own)
}

/// Whether there is such a host, and what there is otherwise.
fn check(running: &Running, host: &str) -> Result<()> {
    let hosts = running.hosts();
    if hosts.is_empty() {
        bail!("the demo is only just starting: try again in a second");
    }
    if !hosts.iter().any(|name| name == host) {
        bail!("the demo has no host {host:?}; it has {}", hosts.join(", "));
    }
    Ok(())
}

/// As a shell tells it: 128 + n for signal n.
fn code(status: ExitStatus) -> ExitCode {
    let signal = || status.signal().map(|signal| 128 + signal);
    let code = status.code().or_else(signal).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
