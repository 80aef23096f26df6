//! A client that sends a datagram every millisecond and knows when nobody answered.

mod run;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::watch;

use run::Run;

use super::Error;
use super::as_micros;
use super::silence::Silence;
use super::worker::Worker;
use crate::lan::Host;

/// What a datagram begins with, before its number: eight bytes, most significant first.
pub(super) const MAGIC: [u8; 4] = *b"ping";

/// Magic and number.
pub(super) const HEADER: usize = 12;

/// A node's name in an answer.
pub(super) const NAME_LIMIT: usize = 64;

/// An answer, for those who wait while the pinger runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingAnswer {
    /// The number of the datagram answered.
    pub sequence: u64,
    /// When the answer came.
    pub at: Instant,
    /// The node that gave it.
    pub node: Arc<str>,
}

/// One datagram: when it was sent, counted from the start, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PingSample {
    /// Microseconds from the start to its sending.
    pub sent_us: u64,
    /// Microseconds from the start to its answer.
    pub answered_us: Option<u64>,
    /// The node that answered, as an index into [`PingReport::nodes`].
    pub node: Option<usize>,
}

/// What came of it all. As JSON it holds every sample, so that others can calculate again.
#[derive(Debug, Clone, Serialize)]
pub struct PingReport {
    /// Where the datagrams went.
    pub target: SocketAddr,
    /// The instant from which everything is counted.
    #[serde(skip)]
    pub begun: Instant,
    /// How long it ran.
    #[serde(serialize_with = "as_micros", rename = "ran_us")]
    pub ran: Duration,
    /// Datagrams sent, or tried.
    pub sent: u64,
    /// Datagrams that were answered, each counted once.
    pub answered: u64,
    /// Answers to a datagram that had one already: two nodes took it.
    pub repeated: u64,
    /// Datagrams that the client's own kernel refused to send (no neighbour, no carrier).
    pub refused: u64,
    /// The longest time without an answer.
    pub silence: Silence,
    /// The longest time between two datagrams: what lies much above a millisecond is the client's own lateness, and no
    /// silence below it means anything.
    #[serde(serialize_with = "as_micros", rename = "lateness_us")]
    pub lateness: Duration,
    /// Whether the client had real-time priority; without it, a busy machine makes it late.
    pub realtime: bool,
    /// Who answered, in the order of their first answers.
    pub nodes: Vec<String>,
    /// Every datagram, in the order of sending.
    pub samples: Vec<PingSample>,
}

impl PingReport {
    /// Datagrams that nobody answered.
    pub fn lost(&self) -> u64 {
        self.sent - self.answered
    }

    /// The same without so many of the last ones, whose answers may have been on their way when it stopped.
    pub fn lost_but_for(&self, last: usize) -> u64 {
        let settled = self.samples.len().saturating_sub(last);
        let settled = self.samples[..settled].iter();
        settled.filter(|sample| sample.answered_us.is_none()).count() as u64
    }
}

/// A pinger that runs. Ends when it is dropped.
///
/// ```no_run
/// # async fn example(lan: lab::lan::Lan) -> Result<(), lab::wire::Error> {
/// use std::time::Duration;
/// use lab::wire::Pinger;
/// let service: std::net::SocketAddr = "192.168.1.200:7000".parse().unwrap();
/// let pinger = Pinger::start(lan.host("client")?, service)?;
/// let first = pinger.wait_for(|_| true, Duration::from_secs(1)).await?;
/// lan.cut(&first.node).await?;
/// pinger.wait_for(|answer| answer.node != first.node, Duration::from_secs(10)).await?;
/// let report = pinger.stop()?;
/// println!("longest silence: {:?}", report.silence.length());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pinger {
    /// First, so that it ends while its host is there.
    worker: Worker<PingReport>,
    host: Host,
    target: SocketAddr,
    latest: watch::Receiver<Option<PingAnswer>>,
}

impl Pinger {
    /// Starts to send from `host` to `target`, where an [`Echo`](super::Echo) answers or will.
    ///
    /// # Errors
    /// When the kernel refuses the socket or the thread.
    pub fn start(host: &Host, target: impl Into<SocketAddr>) -> Result<Self, Error> {
        let target = target.into();
        let from = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let failed = |source| Error::system(host, format!("send datagrams to {target}"), source);
        let open = || {
            let socket = UdpSocket::bind(from)?;
            socket.set_nonblocking(true).map(|()| socket)
        };
        let socket = host.run(open)?.map_err(failed)?;
        let (latest, watched) = watch::channel(None);
        let mut run = Run::new(socket, target, latest);
        let work = move |ending: &AtomicBool| run.run(ending).map(|()| run.report());
        Ok(Self {
            host: host.clone(),
            target,
            latest: watched,
            worker: Worker::start(host, "pinger", work)?,
        })
    }

    /// Waits for an answer that `wanted` accepts: the latest one, or one to come. Of several that come at once only the
    /// last is shown.
    ///
    /// # Errors
    /// [`Error::TooLate`], with the latest answer.
    pub async fn wait_for(
        &self,
        mut wanted: impl FnMut(&PingAnswer) -> bool,
        bound: Duration,
    ) -> Result<PingAnswer, Error> {
        let mut latest = self.latest.clone();
        let found = latest.wait_for(|answer| answer.as_ref().is_some_and(&mut wanted));
        if let Ok(Ok(found)) = tokio::time::timeout(bound, found).await
            && let Some(answer) = found.clone()
        {
            return Ok(answer);
        }
        let detail = match self.latest.borrow().as_ref() {
            Some(last) => format!(
                "; the last one came {:?} ago from {}",
                last.at.elapsed(),
                last.node
            ),
            None => "; there was none at all".to_owned(),
        };
        let what = format!("the answer waited for from {}", self.target);
        Err(Error::TooLate {
            host: self.host.name().to_owned(),
            what,
            bound,
            detail,
        })
    }

    /// Waits whether another node than that of `own` answers, for as long as `bound`; `None`: nobody did. Only datagrams count
    /// that were sent after the one of `own`: what a node's kernel kept of its answers while its cable was cut, it sends when
    /// that is mended.
    pub async fn leaves(&self, own: &PingAnswer, bound: Duration) -> Option<PingAnswer> {
        let other = |answer: &PingAnswer| answer.node != own.node && answer.sequence > own.sequence;
        self.wait_for(other, bound).await.ok()
    }

    /// Stops sending, and reports.
    ///
    /// # Errors
    /// When the socket failed on the way.
    pub fn stop(self) -> Result<PingReport, Error> {
        let ended = self.worker.stop();
        ended
            .map_err(|source| Error::system(&self.host, format!("send datagrams to {}", self.target), source))
    }
}
