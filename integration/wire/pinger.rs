//! A client that sends a datagram every millisecond and knows when nobody answered.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use serde::Serialize;
use tokio::sync::watch;

use super::silence::{Silence, as_micros};
use super::{Error, priority};
use crate::lan::Host;

/// One datagram per millisecond: an outage is known to a millisecond.
const INTERVAL: Duration = Duration::from_millis(1);

/// What a datagram begins with, before its number: eight bytes, most significant first.
pub(super) const MAGIC: [u8; 4] = *b"ping";

/// Magic and number.
pub(super) const HEADER: usize = 12;

/// A node's name in an answer.
pub(super) const NAME_LIMIT: usize = 64;

/// The longest a pinger runs, whatever it is told: 600,000 samples, some 20 MiB.
const LONGEST: Duration = Duration::from_mins(10);

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
    pub target: SocketAddrV4,
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
}

/// A pinger that runs. Ends when it is dropped.
///
/// ```no_run
/// # async fn example(lan: lab::lan::Lan) -> Result<(), lab::wire::Error> {
/// use std::time::Duration;
/// use lab::wire::Pinger;
/// let pinger = Pinger::start(lan.host("client")?, "192.168.1.200:7000".parse().unwrap())?;
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
    host: Host,
    target: SocketAddrV4,
    ending: Arc<AtomicBool>,
    latest: watch::Receiver<Option<PingAnswer>>,
    thread: Option<JoinHandle<io::Result<PingReport>>>,
}

impl Pinger {
    /// Starts to send from `host` to `target`, where an [`Echo`](super::Echo) answers or will.
    ///
    /// # Errors
    /// When the kernel refuses the socket or the thread.
    pub fn start(host: &Host, target: SocketAddrV4) -> Result<Self, Error> {
        let failed = |source| Error::system(host, format!("send datagrams to {target}"), source);
        let open = || {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            socket.set_nonblocking(true).map(|()| socket)
        };
        let socket = host.run(open)?.map_err(failed)?;
        let ending = Arc::new(AtomicBool::new(false));
        let (latest, watched) = watch::channel(None);
        let mut run = Run::new(socket, target, latest);
        let thread = {
            let ending = Arc::clone(&ending);
            host.thread("pinger", move || run.run(&ending).map(|()| run.report()))?
        };
        Ok(Self {
            host: host.clone(),
            target,
            ending,
            latest: watched,
            thread: Some(thread),
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

    /// Stops sending, and reports.
    ///
    /// # Errors
    /// When the socket failed on the way.
    pub fn stop(mut self) -> Result<PingReport, Error> {
        let ended = self.end().unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()));
        ended
            .map_err(|source| Error::system(&self.host, format!("send datagrams to {}", self.target), source))
    }

    fn end(&mut self) -> Option<io::Result<PingReport>> {
        self.ending.store(true, Ordering::Relaxed);
        let joined = self.thread.take()?.join();
        Some(joined.unwrap_or_else(|_| Err(io::Error::other("its thread panicked"))))
    }
}

impl Drop for Pinger {
    fn drop(&mut self) {
        // What it found is not wanted any more.
        let _ = self.end();
    }
}

/// The thread's own state.
struct Run {
    socket: UdpSocket,
    target: SocketAddrV4,
    latest: watch::Sender<Option<PingAnswer>>,
    begun: Instant,
    ran: Duration,
    samples: Vec<PingSample>,
    /// Arrivals in their order: when, and the node's place in `nodes`.
    arrivals: Vec<(Duration, usize)>,
    nodes: Vec<Arc<str>>,
    places: BTreeMap<Arc<str>, usize>,
    repeated: u64,
    refused: u64,
    lateness: Duration,
    realtime: bool,
}

impl Run {
    fn new(socket: UdpSocket, target: SocketAddrV4, latest: watch::Sender<Option<PingAnswer>>) -> Self {
        Self {
            socket,
            target,
            latest,
            begun: Instant::now(),
            ran: Duration::ZERO,
            samples: Vec::new(),
            arrivals: Vec::new(),
            nodes: Vec::new(),
            places: BTreeMap::new(),
            repeated: 0,
            refused: 0,
            lateness: Duration::ZERO,
            realtime: false,
        }
    }

    fn run(&mut self, ending: &AtomicBool) -> io::Result<()> {
        self.realtime = priority::raise();
        self.begun = Instant::now();
        let mut due = self.begun;
        let mut last: Option<Instant> = None;
        while !ending.load(Ordering::Relaxed) && self.begun.elapsed() < LONGEST {
            self.wait_until(due)?;
            self.drain()?;
            let now = Instant::now();
            if now < due {
                continue;
            }
            if let Some(last) = last {
                self.lateness = self.lateness.max(now - last);
            }
            last = Some(now);
            self.send(now)?;
            // After a pause it goes on from here: a burst to make up for it would measure nothing.
            due = (due + INTERVAL).max(now);
        }
        self.ran = self.begun.elapsed();
        Ok(())
    }

    /// Sleeps until an answer comes, at most until `due`.
    fn wait_until(&self, due: Instant) -> io::Result<()> {
        let left = due.saturating_duration_since(Instant::now());
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match ppoll(&mut fds, Some(TimeSpec::from_duration(left)), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn send(&mut self, now: Instant) -> io::Result<()> {
        let sequence = self.samples.len() as u64;
        let mut datagram = [0; HEADER];
        let (magic, number) = datagram.split_at_mut(MAGIC.len());
        magic.copy_from_slice(&MAGIC);
        number.copy_from_slice(&sequence.to_be_bytes());
        match self.socket.send_to(&datagram, self.target) {
            Ok(_) => {}
            Err(error) if is_fault_of_the_network(&error) => self.refused += 1,
            Err(error) => return Err(error),
        }
        self.samples.push(PingSample {
            sent_us: micros(now - self.begun),
            answered_us: None,
            node: None,
        });
        Ok(())
    }

    fn drain(&mut self) -> io::Result<()> {
        let mut buffer = [0; HEADER + NAME_LIMIT];
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) if from == SocketAddr::V4(self.target) => self.take(&buffer[..length]),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error)
                    if error.kind() == io::ErrorKind::Interrupted || is_fault_of_the_network(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// An answer: what we sent, and the node's name after it. Anything else is passed over.
    fn take(&mut self, datagram: &[u8]) {
        let at = Instant::now();
        let parts = datagram
            .strip_prefix(&MAGIC)
            .and_then(<[u8]>::split_first_chunk::<8>);
        let Some((number, name)) = parts else { return };
        let sequence = u64::from_be_bytes(*number);
        let Ok(index) = usize::try_from(sequence) else {
            return;
        };
        let Ok(name) = std::str::from_utf8(name) else {
            return;
        };
        if index >= self.samples.len() {
            return;
        }
        let place = self.place(name);
        let after = at - self.begun;
        let Some(sample) = self.samples.get_mut(index) else {
            return;
        };
        if sample.answered_us.is_some() {
            self.repeated += 1;
        } else {
            sample.answered_us = Some(micros(after));
            sample.node = Some(place);
        }
        self.arrivals.push((after, place));
        let node = self.nodes.get(place).cloned().unwrap_or_default();
        self.latest.send_replace(Some(PingAnswer { sequence, at, node }));
    }

    /// The node's place among those that answered.
    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let (name, place) = (Arc::<str>::from(name), self.nodes.len());
        self.nodes.push(Arc::clone(&name));
        self.places.insert(name, place);
        place
    }

    fn report(&mut self) -> PingReport {
        let names: Vec<String> = self.nodes.iter().map(ToString::to_string).collect();
        let arrivals = self
            .arrivals
            .iter()
            .map(|(at, place)| (*at, names.get(*place).map_or("", String::as_str)));
        let silence = Silence::longest(arrivals, self.ran);
        PingReport {
            target: self.target,
            begun: self.begun,
            ran: self.ran,
            sent: self.samples.len() as u64,
            answered: self
                .samples
                .iter()
                .filter(|sample| sample.answered_us.is_some())
                .count() as u64,
            repeated: self.repeated,
            refused: self.refused,
            silence,
            lateness: self.lateness,
            realtime: self.realtime,
            nodes: names,
            samples: std::mem::take(&mut self.samples),
        }
    }
}

/// What the kernel says when the network does not take a datagram; it is what we measure, not our failure.
fn is_fault_of_the_network(error: &io::Error) -> bool {
    const FAULTS: [Errno; 7] = [
        Errno::EHOSTUNREACH,
        Errno::ENETUNREACH,
        Errno::ENETDOWN,
        Errno::ECONNREFUSED,
        Errno::ENOBUFS,
        Errno::EAGAIN,
        Errno::EPERM,
    ];
    error
        .raw_os_error()
        .is_some_and(|code| FAULTS.contains(&Errno::from_raw(code)))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
