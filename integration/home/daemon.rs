//! The processes that are judged: one allocator on the control host, one speaker on each node.

use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{BOUND, Home, NAMESPACE, NODES};
use crate::lan::{Host, LogLine, Process};

/// The allocator, where daemons are named; speakers are named by their nodes.
pub const ALLOCATOR: &str = "allocator";
/// The allocator's Pod.
pub(super) const ALLOCATOR_POD: &str = "tiklb-allocator-0";
/// Where probes are answered: the product's default.
const PROBES: &str = "127.0.0.1:7472";
/// Between two probes.
const AGAIN: Duration = Duration::from_millis(20);
/// Lines of each daemon that a failure shows.
const SHOWN: usize = 40;

/// The Pod of a node's speaker.
pub(super) fn speaker_pod(node: &str) -> String {
    format!("tiklb-speaker-{node}")
}

impl Home {
    /// Starts allocator and speakers and waits until all are ready.
    ///
    /// # Errors
    /// One does not start or does not become ready: the error has its last lines.
    pub async fn start_all(&mut self) -> Result<()> {
        self.start_allocator().await?;
        for node in NODES {
            self.start_speaker(node).await?;
        }
        self.ready(ALLOCATOR).await?;
        for node in NODES {
            self.ready(node).await?;
        }
        Ok(())
    }

    /// Starts an allocator (again).
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start_allocator(&mut self) -> Result<()> {
        let kubeconfig = self.control.kubeconfig("tiklb-allocator", ALLOCATOR).await?;
        let host = self.lan.host("control")?;
        let command = host
            .command(&self.plan.tiklb)
            .arg("allocator")
            .env("KUBECONFIG", kubeconfig)
            .env("TIKLB_NAMESPACE", NAMESPACE)
            .env("TIKLB_POD_NAME", ALLOCATOR_POD)
            .env("TIKLB_LOG_LEVEL", &self.plan.log_level)
            // A proxy of the person's cannot reach into a namespace.
            .env("NO_PROXY", "*");
        let process = command.spawn().await.context("starting the allocator")?;
        self.daemons.insert(ALLOCATOR.to_owned(), process);
        Ok(())
    }

    /// Starts a node's speaker (again).
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start_speaker(&mut self, node: &str) -> Result<()> {
        let user = format!("speaker-{node}");
        let kubeconfig = self.control.kubeconfig("tiklb-speaker", &user).await?;
        let host = self.lan.host(node)?;
        let command = host
            .command(&self.plan.tiklb)
            .arg("speaker")
            .env("KUBECONFIG", kubeconfig)
            .env("TIKLB_NAMESPACE", NAMESPACE)
            .env("TIKLB_POD_NAME", speaker_pod(node))
            .env("TIKLB_NODE_NAME", node)
            .env("TIKLB_LOG_LEVEL", &self.plan.log_level)
            .env("NO_PROXY", "*");
        let process = command
            .spawn()
            .await
            .with_context(|| format!("starting the speaker of {node}"))?;
        self.daemons.insert(node.to_owned(), process);
        Ok(())
    }

    /// A running daemon: [`ALLOCATOR`], or a node's speaker.
    ///
    /// # Errors
    /// It was never started.
    pub fn daemon(&self, name: &str) -> Result<&Process> {
        let process = self.daemons.get(name);
        process.with_context(|| format!("no daemon of {name} was started"))
    }

    /// Kills a daemon at once.
    ///
    /// # Errors
    /// It was never started, or does not end.
    pub async fn kill(&mut self, name: &str) -> Result<()> {
        self.daemon(name)?.kill(Signal::SIGKILL)?;
        self.daemon(name)?.wait(BOUND).await?;
        self.daemons.remove(name);
        Ok(())
    }

    /// Asks a daemon to end, as Kubernetes does.
    ///
    /// # Errors
    /// It was never started, or does not end by itself.
    pub async fn end(&mut self, name: &str) -> Result<()> {
        self.daemon(name)?.kill(Signal::SIGTERM)?;
        let status = self.daemon(name)?.wait(BOUND).await?;
        anyhow::ensure!(
            status.success(),
            "{name} ended with {status} when it was asked to"
        );
        self.daemons.remove(name);
        Ok(())
    }

    /// Waits until a daemon says that it is ready.
    ///
    /// # Errors
    /// It does not within the bound: what it waits for, and its last lines.
    pub async fn ready(&self, name: &str) -> Result<()> {
        let process = self.daemon(name)?;
        let host = self.lan.host(process.host())?;
        let deadline = Instant::now() + BOUND;
        loop {
            let answer = probe(host, "/readyz").await;
            match answer {
                Ok(answer) if answer.starts_with("HTTP/1.1 200") => return Ok(()),
                _ if process.ended().is_none() && Instant::now() < deadline => {
                    tokio::time::sleep(AGAIN).await;
                }
                answer => {
                    let said = answer.unwrap_or_else(|error| error.to_string());
                    let ended = process
                        .ended()
                        .map_or(String::new(), |status| format!(", it ended ({status})"));
                    anyhow::bail!(
                        "{name} is not ready after {BOUND:?}{ended}: {said}\n{}",
                        last_lines(&process.logs())
                    );
                }
            }
        }
    }

    /// A page of a daemon's admin server, headers included.
    ///
    /// # Errors
    /// Nobody answers there.
    pub async fn page(&self, name: &str, path: &str) -> Result<String> {
        let host = self.lan.host(self.daemon(name)?.host())?;
        Ok(probe(host, path).await?)
    }

    /// The last lines of every daemon, for a failure.
    pub fn last_words(&self) -> String {
        let words = self.daemons.iter().map(|(name, process)| {
            let ended = process
                .ended()
                .map_or(String::new(), |status| format!(" (ended: {status})"));
            format!("--- {name}{ended}\n{}", last_lines(&process.logs()))
        });
        words.collect::<Vec<_>>().join("\n")
    }
}

fn last_lines(lines: &[LogLine]) -> String {
    let shown = &lines[lines.len().saturating_sub(SHOWN)..];
    let shown: Vec<String> = shown.iter().map(|line| format!("  {}", line.text)).collect();
    shown.join("\n")
}

/// Asks a host's own admin server, as its kubelet would.
async fn probe(host: &Host, path: &str) -> std::io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n");
    let asked = host.call(async move {
        let mut stream = TcpStream::connect(PROBES).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    });
    asked.await.map_err(std::io::Error::other)?
}
