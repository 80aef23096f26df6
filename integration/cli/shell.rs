//! `lab shell`: a person on a host of a home that runs.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context as _, Result, bail};

use super::up;
use crate::chart::Helm;
use crate::cluster::build::Workshop;
use crate::demo::LAB;
use crate::home::KUBECONFIG;
use crate::image;
use crate::sandbox::{self, Running};

/// Where the person's own shell is not known.
const SHELL: &str = "/bin/sh";

/// Runs `command`, or the person's shell, on a host of the first sandbox of these names that runs; gives its exit code.
pub(super) fn open(tags: &[&str], host: &str, command: &[String]) -> Result<ExitCode> {
    let mut found = None;
    for tag in tags {
        if found.is_none() {
            let running = sandbox::find_running(tag).context("looking for a demo or cluster that runs")?;
            found = running.map(|running| (*tag, running));
        }
    }
    let Some((tag, running)) = found else {
        bail!(
            "no demo of yours is running, and no cluster: start one in another terminal with `{LAB} demo --keep` or \
             `{LAB} cluster up`"
        );
    };
    check(&running, host)?;
    let (path, here) = (path(tag), env::current_dir());
    sandbox::join(&running, Some(host))?;
    // Who joins stands at the root; the person's folder is there, too, unless one of the sandbox's own hides it.
    let here = here.ok().filter(|folder| folder.is_dir());
    let mut words = command.iter().map(OsString::from);
    let program = words
        .next()
        .unwrap_or_else(|| env::var_os("SHELL").unwrap_or_else(|| SHELL.into()));
    if command.is_empty() {
        eprintln!("You are on {host}; `exit` leads back. What you start ends with all of it.");
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

/// The person's PATH, and behind it tiklb, as it runs there: beside this program, or where the image has it from. Where they have
/// no kubectl or helm of their own, those that `lab cluster build` made are found too.
fn path(tag: &str) -> OsString {
    let own = env::var_os("PATH").unwrap_or_default();
    let built = Workshop::of_this_checkout().and_then(|workshop| workshop.found());
    let kubectl = built.ok().flatten().map(|built| built.kubectl);
    let helm = Helm::found().ok().flatten();
    let helm = helm.map(|helm| helm.program().to_owned());
    let mut tiklb = [env::current_exe().ok(), image::program().ok()];
    if tag == up::TAG {
        tiklb.reverse();
    }
    let programs = tiklb.into_iter().chain([kubectl, helm]);
    let folders = programs.flatten();
    let folders = folders.filter_map(|program| program.parent().map(Path::to_owned));
    let folders = env::split_paths(&own).chain(folders);
    // A folder with a colon in its name cannot stand in a PATH.
    env::join_paths(folders).unwrap_or(own)
}

/// Whether there is such a host, and what there is otherwise.
fn check(running: &Running, host: &str) -> Result<()> {
    let hosts = running.hosts();
    if hosts.is_empty() {
        bail!("it is only just starting: try again in a second");
    }
    if !hosts.iter().any(|name| name == host) {
        bail!("there is no host {host:?}; it has {}", hosts.join(", "));
    }
    Ok(())
}

/// As a shell tells it: 128 + n for signal n.
fn code(status: ExitStatus) -> ExitCode {
    let signal = || status.signal().map(|signal| 128 + signal);
    let code = status.code().or_else(signal).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
