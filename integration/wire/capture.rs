//! Every ARP frame that an interface sees, in order and with its time.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::arp::ArpFrame;
use super::tap::Tap;
use super::{Error, priority};
use crate::lan::{Host, Journal, Mac};

/// Frames kept: a quarter of an hour of a lively LAN, about a MiB.
const FRAMES: usize = 10_000;

/// How long the thread waits before it looks whether it should end; what dropping a capture may cost.
const PATIENCE: Duration = Duration::from_millis(10);

/// A frame that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When the judge read it: microseconds after the kernel had it, more on a busy machine.
    pub at: Instant,
    /// The same, counted from the capture's start.
    pub after: Duration,
    /// The frame.
    pub frame: ArpFrame,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.after.as_secs_f64() * 1e3;
        write!(f, "{millis:12.3} ms  {} > ", self.frame.eth_src)?;
        match self.frame.eth_dst {
            Mac::BROADCAST => f.pad("all              ")?,
            to => write!(f, "{to}")?,
        }
        write!(f, "  {}", self.frame)
    }
}

/// Records until it is dropped. Sees what the interface receives (also for others) and sends.
///
/// ```no_run
/// # async fn example(client: lab::lan::Host) -> Result<(), lab::wire::Error> {
/// use std::time::Duration;
/// let capture = lab::wire::Capture::start(&client, client.interface())?;
/// let seen = capture.wait_for(|seen| seen.frame.is_gratuitous(), Duration::from_secs(5)).await?;
/// println!("{seen}"); //      12.345 ms  02:00:00:00:01:0b > all                192.168.1.200 is at … (announced)
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Capture {
    host: Host,
    interface: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    begun: Instant,
    journal: Journal<Seen>,
    malformed: AtomicU64,
    ending: AtomicBool,
}

impl Capture {
    /// Starts to record. Whatever comes after this call is seen.
    ///
    /// # Errors
    /// When there is no such interface, or the kernel refuses.
    pub fn start(host: &Host, interface: &str) -> Result<Self, Error> {
        let doing = format!("watch {interface}");
        let failed = |source: io::Error| Error::system(host, &doing, source);
        let tap = host.run(|| Tap::open(interface, PATIENCE))?.map_err(failed)?;
        let shared = Arc::new(Shared {
            begun: Instant::now(),
            journal: Journal::new(FRAMES),
            malformed: AtomicU64::new(0),
            ending: AtomicBool::new(false),
        });
        let thread = {
            let shared = Arc::clone(&shared);
            host.thread("capture", move || record(tap, &shared))?
        };
        Ok(Self {
            host: host.clone(),
            interface: interface.to_owned(),
            shared,
            thread: Some(thread),
        })
    }

    /// What was seen, oldest first.
    pub fn frames(&self) -> Vec<Seen> {
        self.shared.journal.entries()
    }

    /// Waits for a frame, among those seen and those to come.
    ///
    /// # Errors
    /// [`Error::TooLate`], with all that was seen.
    pub async fn wait_for(&self, wanted: impl Fn(&Seen) -> bool, bound: Duration) -> Result<Seen, Error> {
        let found = self.shared.journal.wait_for(|seen| wanted(seen), bound).await;
        found.ok_or_else(|| Error::TooLate {
            host: self.host.name().to_owned(),
            what: format!("the frame waited for on {}", self.interface),
            bound,
            detail: self
                .frames()
                .iter()
                .fold("; seen were:".to_owned(), |text, seen| format!("{text}\n{seen}")),
        })
    }

    /// When it began: the zero of all [`Seen::after`].
    pub fn begun(&self) -> Instant {
        self.shared.begun
    }

    /// Frames with ARP's ethertype that are no ARP for Ethernet and IPv4.
    pub fn malformed(&self) -> u64 {
        self.shared.malformed.load(Ordering::Relaxed)
    }

    /// Frames that made room for younger ones; with any of these, [`frames`](Self::frames) is not all there was.
    pub fn dropped(&self) -> u64 {
        self.shared.journal.dropped()
    }
}

fn record(mut tap: Tap, shared: &Shared) {
    priority::raise();
    while !shared.ending.load(Ordering::Relaxed) {
        match tap.next() {
            Ok(Some(bytes)) => {
                let at = Instant::now();
                match ArpFrame::parse(bytes) {
                    Ok(frame) => shared.journal.push(Seen {
                        at,
                        after: at - shared.begun,
                        frame,
                    }),
                    Err(_) => {
                        shared.malformed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, "a capture ended early");
                return;
            }
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!(host = self.host.name(), "the capture's thread panicked");
        }
    }
}
