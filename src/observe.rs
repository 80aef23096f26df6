//! How a process is seen from outside: its log, and a small HTTP server for probes, metrics and questions.
//!
//! | module | does |
//! |---|---|
//! | [`log`] | lines on standard output, filtered by a level that can be changed while the process runs |
//! | [`readiness`] | what the process still waits for |
//! | [`liveness`] | loops that must go round, and how long ago they did |
//! | [`metrics`] | counts and states in Prometheus' words |
//! | [`admin`] | the HTTP server that shows all of it |
//!
//! Nothing here decides, and nothing here is waited for: whoever reports stores a number or a line and goes on, and
//! what is shown is read when somebody asks.

pub mod admin;
pub mod liveness;
pub mod log;
pub mod metrics;
pub mod readiness;

use std::net::SocketAddr;

use self::admin::{Admin, BindError, Sources};
use self::liveness::Liveness;
use self::log::Log;
use self::metrics::Registry;
use self::readiness::Readiness;

/// What a process shows of itself, while it is put together.
#[derive(Debug)]
pub struct Panel {
    /// What is waited for.
    pub readiness: Readiness,
    /// What must go round.
    pub liveness: Liveness,
    /// What is counted.
    pub registry: Registry,
    log: Log,
    admin: Admin,
}

impl Panel {
    /// A panel at an address, with what every process shows. Nothing is answered yet.
    ///
    /// # Errors
    /// The address is taken, or is none of this host's.
    pub fn open(address: SocketAddr, log: Log) -> Result<Self, BindError> {
        let mut registry = Registry::default();
        metrics::process::register(&mut registry, log.clone());
        Ok(Self {
            readiness: Readiness::new(),
            liveness: Liveness::new(),
            registry,
            log,
            admin: Admin::bind(address)?,
        })
    }

    /// Answers from now on and as long as the process lives: a process that is stopping is looked at, too. `state` is
    /// what `/debug/state` shows; it must not block and must hold no secret.
    pub fn serve(
        self,
        state: impl Fn() -> serde_json::Value + Send + Sync + 'static,
    ) -> impl Future<Output = ()> + Send {
        let sources = Sources {
            readiness: self.readiness,
            liveness: self.liveness,
            registry: self.registry,
            state: Box::new(state),
            log: self.log,
        };
        self.admin.serve(sources, std::future::pending())
    }
}
