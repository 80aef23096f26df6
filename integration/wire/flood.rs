//! ARP in numbers that no LAN has: as many questions as somebody answers, and frames that are nobody's business.

use std::fs;
use std::io::{self, Read as _};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll, ppoll};
use nix::sys::time::TimeSpec;
use socket2::Socket;
use tokio::sync::oneshot;

use super::arp::{ArpFrame, Operation};
use super::tap::Tap;
use super::worker::Worker;
use super::{Error, priority};
use crate::lan::{Host, Mac};

/// How long a read waits before it is looked whether there is to be an end.
pub(super) const PATIENCE: Duration = Duration::from_millis(5);

/// Questions whose answers have not come after this are lost: an answer takes some microseconds in its turn.
const LOST: Duration = Duration::from_millis(20);

/// Frames of a flood leave in bursts, one a millisecond: a thread cannot sleep for 20 µs.
const BURST: Duration = Duration::from_millis(1);

/// Longer than any ARP frame with Ethernet's padding.
pub(super) const ROOM: usize = 128;

/// What came of many questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Answered {
    /// Questions that were sent.
    pub asked: u64,
    /// Questions that were answered.
    pub answered: u64,
    /// From the first question to the last look, in microseconds.
    pub took_us: u64,
}

/// Asks `mac` who has `ip` for a while, with up to `at_once` questions that wait for their answers.
///
/// # Errors
/// When the kernel refuses the socket or a frame.
pub async fn ask_at_once(
    host: &Host,
    mac: Mac,
    ip: Ipv4Addr,
    at_once: u64,
    lasting: Duration,
) -> Result<Answered, Error> {
    let interface = host.interface().to_owned();
    let (done, outcome) = oneshot::channel();
    // Without priority: it never sleeps, and whoever answers must have a turn.
    host.thread("asker", move || {
        let asked = Tap::open(&interface, PATIENCE).and_then(|tap| ask(&tap, mac, ip, at_once, lasting));
        // Nobody waits any more if this fails.
        let _ = done.send(asked);
    })?;
    let failed = |source| Error::system(host, format!("ask who has {ip}, {at_once} times at once"), source);
    outcome
        .await
        .map_err(|error| failed(io::Error::other(error)))?
        .map_err(failed)
}

fn ask(tap: &Tap, mac: Mac, ip: Ipv4Addr, at_once: u64, lasting: Duration) -> io::Result<Answered> {
    let question = ArpFrame {
        eth_dst: mac,
        ..ArpFrame::request(tap.mac(), tap.address_towards(ip), ip)
    }
    .to_bytes();
    let (mut asked, mut answered, mut waiting) = (0, 0, 0);
    let begun = Instant::now();
    let mut heard = begun;
    while begun.elapsed() < lasting {
        while waiting < at_once && send(tap.socket(), &question)? {
            asked += 1;
            waiting += 1;
        }
        let found = answers(tap.socket(), ip)?;
        answered += found;
        waiting = waiting.saturating_sub(found);
        if found > 0 {
            heard = Instant::now();
        } else if heard.elapsed() > LOST {
            waiting = 0;
            heard = Instant::now();
        } else {
            wait(tap.socket())?;
        }
    }
    Ok(Answered {
        asked,
        answered,
        took_us: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
    })
}

/// Whether the kernel took it; it has no room for more otherwise.
fn send(socket: &Socket, frame: &[u8]) -> io::Result<bool> {
    match socket.send(frame) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => Ok(false),
        Err(error) => Err(error),
    }
}

/// How many answers lie there.
fn answers(mut socket: &Socket, ip: Ipv4Addr) -> io::Result<u64> {
    let mut found = 0;
    let mut buffer = [0; ROOM];
    loop {
        match socket.read(&mut buffer) {
            Ok(length) => found += u64::from(is_answer(&buffer[..length], ip)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(found),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_answer(bytes: &[u8], ip: Ipv4Addr) -> bool {
    ArpFrame::parse(bytes).is_ok_and(|frame| frame.op == Operation::Reply && frame.sender_ip == ip)
}

fn wait(socket: &Socket) -> io::Result<()> {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    match poll(&mut fds, PollTimeout::from(1_u8)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Until the next burst is due.
fn pause() -> io::Result<()> {
    match ppoll(&mut [], Some(TimeSpec::from_duration(BURST)), None) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// A frame over and over again, until it is dropped.
#[derive(Debug)]
pub struct Flood {
    /// First, so that it ends while its host is there.
    worker: Worker<()>,
    host: Host,
    sent: Arc<AtomicU64>,
}

impl Flood {
    /// Starts to send `frame` out of an interface, `per_second` times.
    ///
    /// # Errors
    /// When there is no such interface, or the kernel refuses.
    pub fn start(host: &Host, interface: &str, frame: &ArpFrame, per_second: u64) -> Result<Self, Error> {
        let doing = format!("send {per_second} frames a second out of {interface}");
        let opened = host.run(|| Tap::open(interface, PATIENCE))?;
        let tap = opened.map_err(|source| Error::system(host, doing, source))?;
        let sent = Arc::new(AtomicU64::new(0));
        let (counted, bytes) = (Arc::clone(&sent), frame.to_bytes());
        let worker = Worker::start(host, "flood", move |ending| {
            priority::raise();
            let begun = Instant::now();
            while !ending.load(Ordering::Relaxed) {
                let due = begun.elapsed().as_micros() * u128::from(per_second) / 1_000_000;
                // At most what a tenth of a second brings: a burst to make up for more would be another flood.
                let missing = due.saturating_sub(u128::from(counted.load(Ordering::Relaxed)));
                for _ in 0..missing.min(u128::from(per_second / 10)) {
                    if send(tap.socket(), &bytes)? {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                }
                pause()?;
            }
            Ok(())
        })?;
        Ok(Self {
            host: host.clone(),
            sent,
            worker,
        })
    }

    /// Frames that have left by now.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Stops, and says how many frames left.
    ///
    /// # Errors
    /// When the kernel refused one on the way.
    pub fn stop(self) -> Result<u64, Error> {
        let ended = self.worker.stop();
        ended.map_err(|source| Error::system(&self.host, "send a flood of frames", source))?;
        Ok(self.sent.load(Ordering::Relaxed))
    }
}

/// A socket without a filter, read and parsed by a thread of its own until it is dropped: what a load balancer pays
/// whose socket takes every ARP frame.
#[derive(Debug)]
pub struct Reader {
    /// First, so that it ends while its host is there.
    worker: Worker<()>,
    host: Host,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    frames: AtomicU64,
    processor_ns: AtomicU64,
}

impl Reader {
    /// Starts to read what the host's interface receives.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn start(host: &Host) -> Result<Self, Error> {
        let opened = host.run(|| Tap::open_unfiltered(host.interface(), PATIENCE))?;
        let mut tap = opened.map_err(|source| Error::system(host, "read all frames", source))?;
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        let worker = Worker::start(host, "reader", move |ending| {
            while !ending.load(Ordering::Relaxed) {
                if tap.next()?.is_some_and(|bytes| ArpFrame::parse(bytes).is_ok()) {
                    shared.frames.fetch_add(1, Ordering::Relaxed);
                }
            }
            shared
                .processor_ns
                .store(own_processor_time()?, Ordering::Relaxed);
            Ok(())
        })?;
        Ok(Self {
            host: host.clone(),
            seen,
            worker,
        })
    }

    /// Stops, and says how many ARP frames it read and what processor time that took.
    ///
    /// # Errors
    /// When a read failed.
    pub fn stop(self) -> Result<(u64, Duration), Error> {
        let ended = self.worker.stop();
        ended.map_err(|source| Error::system(&self.host, "read all frames", source))?;
        let Seen { frames, processor_ns } = &*self.seen;
        Ok((
            frames.load(Ordering::Relaxed),
            Duration::from_nanos(processor_ns.load(Ordering::Relaxed)),
        ))
    }
}

/// Nanoseconds that the calling thread has run (`/proc/PID/schedstat`, its first number).
fn own_processor_time() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text
        .split_whitespace()
        .next()
        .and_then(|first| first.parse().ok());
    first.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("schedstat says {text:?}")))
}
