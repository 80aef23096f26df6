//! Programs that run on a host.

use std::fmt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;

use super::{Error, Journal};

/// How many of the last lines an error shows.
const SHOWN: usize = 20;

/// A line that a process wrote to stdout or stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When the lab read it.
    pub at: Instant,
    /// The line, without its end.
    pub text: String,
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A program that runs, or ran, on a host. Killed when dropped.
///
/// ```no_run
/// # async fn example(host: lab::lan::Host) -> Result<(), lab::lan::Error> {
/// use std::time::Duration;
/// let daemon = host.command("/usr/bin/daemon").arg("--verbose").echo(true).spawn().await?;
/// daemon.wait_for_log(|line| line.contains("ready"), Duration::from_secs(5)).await?;
/// println!("{} KiB", daemon.rss_kib()?);
/// daemon.end(Duration::from_secs(2)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Process {
    pub(super) host: String,
    pub(super) name: String,
    pub(super) pid: Pid,
    pub(super) status: watch::Receiver<Option<ExitStatus>>,
    pub(super) log: Journal<LogLine>,
}

impl Process {
    /// Its process id, in the sandbox.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// The program's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host it runs on.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends it a signal; nothing happens if it has ended.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn kill(&self, signal: Signal) -> Result<(), Error> {
        if self.ended().is_some() {
            return Ok(());
        }
        let sent = signal_if_there(self.pid, signal);
        sent.map_err(|errno| self.system(&format!("send {signal} to"), errno))
    }

    /// Stops it as if it had hung (SIGSTOP). Returns when it stands still.
    ///
    /// # Errors
    /// When it does not within five seconds.
    pub async fn stop(&self) -> Result<(), Error> {
        const BOUND: Duration = Duration::from_secs(5);
        self.kill(Signal::SIGSTOP)?;
        let stopped = async {
            // A stop is only signalled to the parent's wait, which waits for the end; so the state is read.
            while state(self.pid) != Some('T') {
                if self.ended().is_some() {
                    return Err(self.too_late("stopping (it has ended)", Duration::ZERO));
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok(())
        };
        tokio::time::timeout(BOUND, stopped)
            .await
            .unwrap_or_else(|_| Err(self.too_late("stopping", BOUND)))
    }

    /// Makes good a [`stop`](Self::stop).
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn resume(&self) -> Result<(), Error> {
        self.kill(Signal::SIGCONT)
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        *self.status.borrow()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`Error::TooLate`], with its last lines.
    pub async fn wait(&self, bound: Duration) -> Result<ExitStatus, Error> {
        let mut status = self.status.clone();
        let ended = async {
            status
                .wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|status| *status)
        };
        match tokio::time::timeout(bound, ended).await {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err(Error::Gone {
                host: self.host.clone(),
            }),
            Err(_) => Err(self.too_late("the end", bound)),
        }
    }

    /// Asks it to end (SIGTERM) and waits for it; kills it after `grace`.
    ///
    /// # Errors
    /// When even that does not end it.
    pub async fn end(&self, grace: Duration) -> Result<ExitStatus, Error> {
        self.kill(Signal::SIGTERM)?;
        if let Ok(status) = self.wait(grace).await {
            return Ok(status);
        }
        self.kill(Signal::SIGKILL)?;
        self.wait(Duration::from_secs(5)).await
    }

    /// The last lines of its stdout and stderr, in the order in which they were read.
    pub fn logs(&self) -> Vec<LogLine> {
        self.log.entries()
    }

    /// Waits for a line, among those that it wrote and will write.
    ///
    /// # Errors
    /// [`Error::TooLate`], with its last lines.
    pub async fn wait_for_log(
        &self,
        wanted: impl Fn(&str) -> bool,
        bound: Duration,
    ) -> Result<LogLine, Error> {
        let found = self.log.wait_for(|line| wanted(&line.text), bound).await;
        found.ok_or_else(|| self.too_late("the line waited for", bound))
    }

    /// Its resident memory, in KiB (`VmRSS` of proc(5)).
    ///
    /// # Errors
    /// When it has ended.
    pub fn rss_kib(&self) -> Result<u64, Error> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid));
        let status = status.map_err(|error| self.system("read the memory of", error))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok())
            .ok_or_else(|| self.system("read the memory of", Errno::ESRCH))
    }

    fn too_late(&self, what: &str, bound: Duration) -> Error {
        let lines = self.logs();
        let last = &lines[lines.len().saturating_sub(SHOWN)..];
        let detail = match self.ended() {
            Some(status) => format!("; it has ended ({status})"),
            None => String::new(),
        };
        let detail = last.iter().fold(detail, |text, line| format!("{text}\n  {line}"));
        Error::TooLate {
            host: self.host.clone(),
            what: format!("{} of {}", what, self.name),
            bound,
            detail,
        }
    }

    fn system(&self, doing: &str, source: impl Into<std::io::Error>) -> Error {
        let doing = format!("{doing} {} ({})", self.name, self.pid);
        Error::System {
            host: self.host.clone(),
            doing,
            source: source.into(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.kill(Signal::SIGKILL) {
            tracing::warn!(%error, "a process was left running");
        }
    }
}

/// Sends a signal; nothing happens if the process has ended since.
pub(super) fn signal_if_there(pid: Pid, signal: Signal) -> nix::Result<()> {
    match kill(pid, signal) {
        Err(Errno::ESRCH) => Ok(()),
        sent => sent,
    }
}

/// The state that a process is in, a letter of proc(5); none if it is gone.
pub(super) fn state(pid: Pid) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it is in parentheses and may hold anything.
    stat.rsplit_once(") ")?.1.chars().next()
}
