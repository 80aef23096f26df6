//! What was asked of the API server, in order: the evidence that stories judge by.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::fault::Matcher;

/// Requests kept. A demo makes hundreds, a bench with 10,000 Services some 50,000; older ones are counted only.
const KEPT: usize = 100_000;
/// Different unsupported requests kept: one is enough to fail a story.
const UNSUPPORTED_KEPT: usize = 100;

/// What was to be done, as RBAC calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Read one object.
    Get,
    /// Read many objects.
    List,
    /// Follow changes.
    Watch,
    /// POST.
    Create,
    /// PUT.
    Update,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
    /// Everything that names no object: discovery, health, versions.
    Other,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Other => "other",
        };
        f.write_str(name)
    }
}

/// One answered request. A watch is written down when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its number, counted from 1 without a gap.
    pub number: u64,
    /// When it was answered, since the server was made.
    pub at: Duration,
    /// Who asked; empty where the token was unknown.
    pub user: String,
    /// What was to be done.
    pub verb: Verb,
    /// Path and query as they were sent.
    pub path: String,
    /// Plural name of the resource, with its group outside of core: `services`, `ipaddresspools.metallb.io`.
    pub resource: String,
    /// `status`, or empty.
    pub subresource: String,
    /// Namespace; empty where none was named.
    pub namespace: String,
    /// Name of the object; empty for lists and creations that failed.
    pub name: String,
    /// Body of a write as it was sent; empty where it was longer than 16 KiB, and for Secrets.
    pub body: String,
    /// HTTP status code of the answer.
    pub code: u16,
    /// The resource version that this write made; `None` for reads, failures and writes that changed nothing.
    pub version: Option<u64>,
}

impl Request {
    /// It was meant to change something and was accepted, whether or not anything changed.
    pub fn is_write(&self) -> bool {
        matches!(
            self.verb,
            Verb::Create | Verb::Update | Verb::Patch | Verb::Delete
        ) && self.code < 300
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.3}s {} {} {} -> {}",
            self.at.as_secs_f64(),
            self.user,
            self.verb,
            self.path,
            self.code
        )
    }
}

/// The bounded log of requests.
#[derive(Debug)]
pub(crate) struct Journal {
    began: Instant,
    log: Mutex<Log>,
    count: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Log {
    requests: VecDeque<Request>,
    count: u64,
    unsupported: Vec<String>,
}

impl Journal {
    /// An empty journal whose clock starts now.
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            log: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }

    /// The zero of all [`Request::at`].
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Writes a request down; its number and time are set here.
    pub(crate) fn record(&self, mut request: Request) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.count += 1;
        request.number = log.count;
        request.at = self.began.elapsed();
        if request.code == 501 && log.unsupported.len() < UNSUPPORTED_KEPT {
            log.unsupported.push(request.to_string());
        }
        log.requests.push_back(request);
        if log.requests.len() > KEPT {
            log.requests.pop_front();
        }
        self.count.send_replace(log.count);
    }

    /// The kept requests that fit, oldest first.
    pub(crate) fn requests(&self, fits: impl Fn(&Request) -> bool) -> Vec<Request> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.requests
            .iter()
            .filter(|request| fits(request))
            .cloned()
            .collect()
    }

    /// How many requests were forgotten.
    pub(crate) fn dropped(&self) -> u64 {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.count - log.requests.len() as u64
    }

    /// What was asked for and is not spoken here.
    pub(crate) fn unsupported(&self) -> Vec<String> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .unsupported
            .clone()
    }

    /// Waits for a request after number `after` that fits.
    pub(crate) async fn wait(&self, after: u64, matcher: &Matcher) -> Request {
        let mut count = self.count.subscribe();
        loop {
            let fits = |request: &Request| request.number > after && matcher.matches(request);
            if let Some(found) = self.requests(fits).into_iter().next() {
                return found;
            }
            // The sender lives in self, so it cannot be gone.
            let _ = count.changed().await;
        }
    }
}
