//! The pinger's thread.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use tokio::sync::watch;

use super::super::micros;
use super::super::priority;
use super::super::silence::Silence;
use super::{HEADER, MAGIC, NAME_LIMIT, PingAnswer, PingReport, PingSample};

/// One datagram per millisecond: an outage is known to a millisecond.
const INTERVAL: Duration = Duration::from_millis(1);

/// The longest a pinger runs, whatever it is told: 600,000 samples, some 20 MiB.
const LONGEST: Duration = Duration::from_mins(10);

/// The thread's own state.
pub(super) struct Run {
    socket: UdpSocket,
    target: SocketAddr,
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
    pub(super) fn new(
        socket: UdpSocket,
        target: SocketAddr,
        latest: watch::Sender<Option<PingAnswer>>,
    ) -> Self {
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

    pub(super) fn run(&mut self, ending: &AtomicBool) -> io::Result<()> {
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
                Ok((length, from)) if from == self.target => self.take(&buffer[..length]),
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

    pub(super) fn report(&mut self) -> PingReport {
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
