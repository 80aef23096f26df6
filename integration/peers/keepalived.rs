//! keepalived, as the machine has it installed: one address that moves by VRRP (RFC 5798).

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::installed;
use crate::lan::{Host, Process};

/// The program, and Debian's package of it.
pub const NAME: &str = "keepalived";

/// A keepalived is told apart from others on a LAN by this; the lab's LANs have no others.
const ROUTER_ID: u8 = 51;

/// What it is called in its log.
const INSTANCE: &str = "lab";

/// It parses its file and starts a child within tens of milliseconds; a busy machine takes longer.
const SETTLED: Duration = Duration::from_secs(20);

/// A program that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keepalived {
    /// Where it is.
    pub program: PathBuf,
    /// For example `v2.2.7`.
    pub version: String,
}

/// An address and who is to have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instance {
    /// The address that moves.
    pub address: Ipv4Addr,
    /// From 1 to 254; the highest that nobody is ahead of has the address.
    pub priority: u8,
    /// Between two advertisements. Three that fail to come make a master dead.
    pub interval: Duration,
    /// Whether it takes the address back from one of a lower priority, as VRRP has it by default.
    pub preempts: bool,
}

impl Keepalived {
    /// Looks for it; nothing where it is not installed.
    ///
    /// # Errors
    /// When the program that was found does not say its version.
    pub fn find() -> Result<Option<Self>> {
        let Some(program) = installed::find(NAME) else {
            return Ok(None);
        };
        let doing = || format!("asking {} for its version", program.display());
        let output = Command::new(&program)
            .arg("--version")
            .output()
            .with_context(doing)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let version = version(&said).with_context(doing)?.to_owned();
        Ok(Some(Self { program, version }))
    }

    /// Starts it on a host. All files are its own, in `folder`, so that several run beside each other; nothing of it
    /// is kept when it ends.
    ///
    /// # Errors
    /// When its file cannot be written, or it cannot be started.
    pub async fn start(&self, host: &Host, folder: &Path, instance: &Instance) -> Result<Process> {
        let file = |kind: &str| folder.join(format!("{}.{kind}", host.name()));
        let configuration = file("conf");
        let text = configured(host.name(), host.interface(), instance);
        std::fs::write(&configuration, text)
            .with_context(|| format!("writing {}", configuration.display()))?;
        let process = host
            .command(&self.program)
            .args([
                "--dont-fork",
                "--vrrp",
                "--log-console",
                "--log-detail",
                "--no-syslog",
            ])
            .arg("--use-file")
            .arg(configuration)
            .arg("--pid")
            .arg(file("pid"))
            .arg("--vrrp_pid")
            .arg(file("vrrp.pid"));
        Ok(process.spawn().await?)
    }
}

/// Waits until it has the address, or knows that another one has.
///
/// # Errors
/// When neither is so in time; with its last lines.
pub async fn settled(process: &Process, master: bool) -> Result<()> {
    let state = if master { "MASTER" } else { "BACKUP" };
    let line = format!("({INSTANCE}) Entering {state} STATE");
    process.wait_for_log(|said| said.contains(&line), SETTLED).await?;
    ensure!(
        process.ended().is_none(),
        "{NAME} on {} has ended",
        process.host()
    );
    Ok(())
}

/// `vrrp_version 3`: only that one knows intervals below a second.
fn configured(host: &str, interface: &str, instance: &Instance) -> String {
    let Instance {
        address,
        priority,
        interval,
        preempts,
    } = instance;
    let nopreempt = if *preempts { "" } else { "    nopreempt\n" };
    let seconds = interval.as_secs_f64();
    format!(
        "global_defs {{\n    router_id {host}\n    vrrp_version 3\n}}\n\
         vrrp_instance {INSTANCE} {{\n    state BACKUP\n{nopreempt}    interface {interface}\n    \
         virtual_router_id {ROUTER_ID}\n    priority {priority}\n    advert_int {seconds}\n    \
         virtual_ipaddress {{\n        {address}/32 dev {interface}\n    }}\n}}\n"
    )
}

/// `Keepalived v2.2.7 (01/16,2022)`.
fn version(said: &str) -> Result<&str> {
    let words = said.split_whitespace();
    let mut after = words.skip_while(|word| !word.eq_ignore_ascii_case(NAME)).skip(1);
    let found = after.next().filter(|word| word.starts_with('v'));
    found.with_context(|| format!("expected \"Keepalived v…\", found {said:?}"))
}

#[cfg(test)]
mod tests;
