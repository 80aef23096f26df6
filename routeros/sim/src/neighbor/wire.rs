//! The wire: a thread that reads ARP frames off the interface, and the socket's sending half.

use std::io;
use std::net::Ipv4Addr;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pnet::datalink::{self, Channel, DataLinkReceiver, DataLinkSender, NetworkInterface};

use super::frame::ArpFrame;
use crate::value::mac::Mac;

/// How long one read waits: the thread notices within this time that it should stop, or that a probe is due.
const READ: Duration = Duration::from_millis(100);
/// The kernel takes a 42-byte frame at once, unless the interface is broken.
const WRITE: Duration = Duration::from_millis(100);
/// Only the first bytes of a frame matter; the kernel cuts the rest off.
const BUFFER: usize = 256;

/// The sending half.
pub(crate) struct Wire {
    sender: Mutex<Box<dyn DataLinkSender>>,
    mac: Mac,
}

impl Wire {
    /// Opens `interface` in the calling thread's network namespace.
    pub(crate) fn open(
        interface: &NetworkInterface,
        mac: Mac,
    ) -> io::Result<(Self, Box<dyn DataLinkReceiver>)> {
        let config = datalink::Config {
            read_timeout: Some(READ),
            write_timeout: Some(WRITE),
            read_buffer_size: BUFFER,
            write_buffer_size: BUFFER,
            promiscuous: false,
            ..datalink::Config::default()
        };
        match datalink::channel(interface, config)? {
            Channel::Ethernet(sender, receiver) => Ok((
                Self {
                    sender: Mutex::new(sender),
                    mac,
                },
                receiver,
            )),
            _ => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the interface is not Ethernet",
            )),
        }
    }

    /// Asks who has `target`; as 0.0.0.0, nobody learns from it. A frame that cannot be sent is lost, as on a cable.
    pub(crate) fn ask(&self, sender: Ipv4Addr, target: Ipv4Addr) {
        let frame = ArpFrame::request(self.mac, sender, target).build();
        let sent = self
            .sender
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send_to(&frame, None);
        if let Some(Err(error)) = sent {
            tracing::debug!(%error, %target, "sending an ARP request");
        }
    }
}

/// Reads frames until `stop` says so or its sender is gone. `heard` gets each ARP frame; `tick` runs about every
/// [`READ`], also while the wire is busy.
pub(crate) fn listen(
    mut receiver: Box<dyn DataLinkReceiver>,
    stop: &Receiver<()>,
    mut heard: impl FnMut(&ArpFrame),
    mut tick: impl FnMut(),
) {
    let mut ticked = Instant::now();
    loop {
        // A read that failed for another reason than its time must not be repeated at once: the interface may be gone.
        let pause = match receiver.next() {
            Ok(bytes) => {
                if let Some(frame) = ArpFrame::parse(bytes) {
                    heard(&frame);
                }
                Duration::ZERO
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Duration::ZERO,
            Err(_) => READ,
        };
        if ticked.elapsed() >= READ {
            ticked = Instant::now();
            tick();
        }
        match stop.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
