//! The log: lines for people, or JSON objects for machines, on standard output.
//!
//! Whoever logs copies a line into memory and goes on; a thread writes it out. A reader of standard output that stands
//! still (a full disk below the container runtime is enough) must not stop the thread that answers ARP. What does not
//! fit is dropped, counted, and said once there is room again.

mod filter;
mod queue;

use std::fmt;
use std::io::{IsTerminal as _, Write};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::Dispatch;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, reload};

pub use filter::InvalidLevel;
use queue::Queue;

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people; coloured on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("{other:?} is no log format: write text or json")),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The level is none.
    #[error(transparent)]
    Level(#[from] InvalidLevel),
    /// The writing thread could not be started.
    #[error("could not start the thread that writes the log")]
    Thread(#[source] std::io::Error),
    /// Somebody else has begun to log in this process.
    #[error("a log was begun already in this process")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// The process's log. Clones are the same log; it goes on when all are dropped.
#[derive(Debug, Clone)]
pub struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
    /// The level as somebody wrote it: what it stands for is longer.
    level: Arc<Mutex<String>>,
    queue: Queue,
}

/// Begins to log, once in a process. `level` is one of MetalLB's words (`all`, `debug`, `info`, `warn`, `error`,
/// `none`) or a list of directives such as `info,tiklb::cluster=debug`.
///
/// # Errors
/// The level is none, a log was begun already, or there is no thread to be had.
pub fn start(level: &str, format: Format) -> Result<Log, StartError> {
    let stdout = std::io::stdout();
    let colour = format == Format::Text
        && stdout.is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (dispatch, log) = compose(level, format, colour, stdout)?;
    dispatch.try_init().map_err(StartError::Twice)?;
    Ok(log)
}

/// A log that writes to `output` and is nobody's yet.
fn compose(
    level: &str,
    format: Format,
    colour: bool,
    output: impl Write + Send + 'static,
) -> Result<(Dispatch, Log), StartError> {
    let filter = filter::parse(level)?;
    let queue = Queue::start(format, output).map_err(StartError::Thread)?;
    let (filter, handle) = reload::Layer::new(filter);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(colour)
        .with_writer(queue.clone());
    let registry = tracing_subscriber::registry().with(filter);
    let dispatch = match format {
        Format::Text => registry.with(lines).into(),
        Format::Json => registry.with(lines.json().flatten_event(true)).into(),
    };
    let log = Log {
        filter: handle,
        level: Arc::new(Mutex::new(level.trim().to_owned())),
        queue,
    };
    Ok((dispatch, log))
}

impl Log {
    /// What is logged, as it was asked for.
    pub fn level(&self) -> String {
        self.lock().clone()
    }

    /// Logs this from now on.
    ///
    /// # Errors
    /// The text is no level; the one before stays.
    pub fn set_level(&self, text: &str) -> Result<(), InvalidLevel> {
        let filter = filter::parse(text)?;
        let mut level = self.lock();
        self.filter
            .reload(filter)
            .map_err(|error| InvalidLevel::new(text, &error.to_string()))?;
        text.trim().clone_into(&mut level);
        Ok(())
    }

    /// Lines that were dropped because standard output was too slow.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// Waits until everything is written, a second at most: the last thing a process does, since its end takes the
    /// writing thread with it. Blocks.
    pub fn flush(&self) {
        self.queue.flush();
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod tests;
