//! Programs to be started on a host, and what they print.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::process::LogLine;
use super::{Error, Host, Journal, Process};

/// Lines kept of each process: minutes of a daemon's log, well under a MiB.
const LINES: usize = 4_000;

/// A longer line is cut into lines of this length: a log that never ends its line must not fill the memory.
const LINE_LIMIT: usize = 16 * 1024;

/// A process's output ends with it, unless a child of its own keeps it open.
const LAST_WORDS: Duration = Duration::from_millis(200);

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
