//! What the two daemons have in common: their log, their probes, and how they are told to stop.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use clap::Args;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::observe::Panel;
use crate::observe::log::{self, Format, Log};

/// Flags of both daemons.
#[derive(Debug, Clone, Args)]
pub(super) struct Daemon {
    /// The name of the Pod that this runs in: who it is in elections and events
    #[arg(long, env = "TIKLB_POD_NAME", value_name = "NAME", default_value_t = hostname())]
    pub(super) pod_name: String,

    /// Where probes and Prometheus are answered (/livez, /readyz, /metrics; / lists all)
    #[arg(
        long,
        env = "TIKLB_ADMIN_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "[::]:7472"
    )]
    admin_listen: SocketAddr,

    /// What is logged: error, warn, info, debug, all or none, or directives such as info,tiklb::cluster=debug
    #[arg(long, env = "TIKLB_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    log_level: String,

    /// How it is logged: text or json
    #[arg(long, env = "TIKLB_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    log_format: Format,
}

impl Daemon {
    /// Begins to log.
    pub(super) fn log(&self) -> Result<Log> {
        log::start(&self.log_level, self.log_format).context("--log-level, TIKLB_LOG_LEVEL")
    }

    /// Listens for probes, within the runtime.
    pub(super) fn panel(&self, log: Log) -> Result<Panel> {
        Ok(Panel::open(self.admin_listen, log)?)
    }
}

fn hostname() -> String {
    nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_else(|| "tiklb".to_owned())
}

/// A runtime with so many threads; with one, everything shares it.
pub(super) fn runtime(threads: usize) -> Result<Runtime> {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().context("starting the runtime")
}

/// True once SIGTERM or SIGINT came. A second one ends the process at once.
pub(super) fn stop(log: Log) -> Result<watch::Receiver<bool>> {
    let (sender, receiver) = watch::channel(false);
    let mut term = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    tokio::spawn(async move {
        for attempt in 0.. {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
            if attempt > 0 {
                tracing::warn!("told to stop a second time: leaving at once");
                log.flush();
                // What a shell reports for a process that a SIGTERM ended.
                std::process::exit(143);
            }
            sender.send_replace(true);
        }
    });
    Ok(receiver)
}
