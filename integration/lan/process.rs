//! Programs that run on a host.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Error, Host, Journal};

/// Lines kept of each process: minutes of a daemon's log, well under a MiB.
const LINES: usize = 4_000;

/// A longer line is cut into lines of this length: a log that never ends its line must not fill the memory.
const LINE_LIMIT: usize = 16 * 1024;

/// A process's output ends with it, unless a child of its own keeps it open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How many of the last lines an error shows.
const SHOWN: usize = 20;

/// A program to be started on a host; see [`Host::command`].
#[derive(Debug, Clone)]
pub struct HostCommand {
    host: Host,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    directory: Option<PathBuf>,
    echo: bool,
}

impl HostCommand {
    pub(super) fn new(host: &Host, program: &OsStr) -> Self {
        Self {
            host: host.clone(),
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
            echo: false,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Takes a variable out of its environment.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), None));
        self
    }

    /// Starts it in another directory.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Whether its lines are also printed, on stderr and with the host's name before them.
    #[must_use]
    pub fn echo(mut self, echo: bool) -> Self {
        self.echo = echo;
        self
    }

    /// Starts it. It is killed when the [`Process`] is dropped.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn spawn(self) -> Result<Process, Error> {
        let host = self.host.clone();
        let program = PathBuf::from(&self.program);
        let name = program.file_name().map_or_else(
            || program.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        let log = Journal::new(LINES);
        let (status, watched) = watch::channel(None);
        let doing = format!("start {}", program.display());
        let started = {
            let log = log.clone();
            // The child belongs to the namespace, and to the runtime, of the thread that starts it.
            host.call(async move { self.start(&log, status) }).await?
        };
        let pid = started.map_err(|error| host.system(&doing, error))?;
        Ok(Process {
            host: host.name().to_owned(),
            name,
            pid,
            status: watched,
            log,
        })
    }

    fn start(
        self,
        log: &Journal<LogLine>,
        status: watch::Sender<Option<ExitStatus>>,
    ) -> std::io::Result<Pid> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // A process group of its own: Ctrl-C is the lab's to act on, not the daemons'.
            .process_group(0);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let mut child = command.spawn()?;
        let pid = child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .ok_or(std::io::ErrorKind::NotFound)?;
        let prefix = self.echo.then(|| self.host.name().to_owned());
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(record(stdout, log.clone(), prefix.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(record(stderr, log.clone(), prefix));
        }
        tokio::spawn(reap(child, readers, status));
        Ok(Pid::from_raw(pid))
    }
}

/// Waits for the end, and then for the last of the output, so that whoever learns of the end finds all of it.
async fn reap(mut child: Child, mut readers: JoinSet<()>, status: watch::Sender<Option<ExitStatus>>) {
    match child.wait().await {
        Ok(ended) => {
            let read = async { while readers.join_next().await.is_some() {} };
            if tokio::time::timeout(LAST_WORDS, read).await.is_err() {
                // Somebody else holds the other end; it is read on, but not waited for.
                readers.detach_all();
            }
            status.send_replace(Some(ended));
        }
        Err(error) => tracing::warn!(%error, "a process could not be waited for"),
    }
}

/// Copies a stream into the log, line by line, until it ends.
async fn record(mut stream: impl AsyncRead + Unpin, log: Journal<LogLine>, echo: Option<String>) {
    let keep = |line: &[u8]| {
        let text = String::from_utf8_lossy(line).trim_end_matches('\r').to_owned();
        if let Some(host) = &echo {
            eprintln!("{host} | {text}");
        }
        log.push(LogLine {
            at: Instant::now(),
            text,
        });
    };
    let mut pending = Vec::new();
    let mut buffer = vec![0; LINE_LIMIT];
    // An error is the end of the stream as much as its end is.
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        pending.extend_from_slice(&buffer[..length]);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            keep(&pending[..end]);
            pending.drain(..=end);
        }
        if pending.len() >= LINE_LIMIT {
            keep(&pending);
            pending.clear();
        }
    }
    if !pending.is_empty() {
        keep(&pending);
    }
}

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
    host: String,
    name: String,
    pid: Pid,
    status: watch::Receiver<Option<ExitStatus>>,
    log: Journal<LogLine>,
}

impl Process {
    /// Its process id, in the sandbox.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
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
        match kill(self.pid, signal) {
            // Ended since.
            Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
            Err(errno) => Err(self.system(&format!("send {signal} to"), errno)),
        }
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
            while !self.is_in_state('T') {
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
            .ok_or_else(|| self.system("read the memory of", nix::errno::Errno::ESRCH))
    }

    /// Whether the process is in `state`, a letter of proc(5).
    fn is_in_state(&self, state: char) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        // The name before it is in parentheses and may hold anything.
        stat.rsplit_once(") ")
            .is_some_and(|(_, after)| after.starts_with(state))
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
