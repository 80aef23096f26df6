//! The wire: a thread that reads ARP frames off the interface, and the socket's sending half.

use std::io;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use pnet::datalink::{self, Channel, DataLinkReceiver, DataLinkSender, NetworkInterface};

use super::frame::ArpFrame;
use crate::router::locked;
use crate::value::mac::Mac;

/// How long one read waits: the thread notices within this time that it should stop, or that a probe is due.
const READ: Duration = Duration::from_millis(100);
/// The kernel takes a 42-byte frame at once, unless the interface is broken.
const WRITE: Duration = Duration::from_millis(100);
/// Only the first bytes of a frame matter; the kernel cuts the rest off.
const BUFFER: usize = 256;

/// The sending half.
pub(crate) struct Wire(Mutex<Box<dyn DataLinkSender>>);

/// An Ethernet interface of the calling thread's network namespace, with its MAC address.
pub(crate) fn interface(name: &str) -> Option<(NetworkInterface, Mac)> {
    let interface = datalink::interfaces()
        .into_iter()
        .find(|interface| interface.name == name)?;
    let mac = Mac(interface.mac?.octets());
    Some((interface, mac))
}

impl Wire {
    /// Opens `interface` in the calling thread's network namespace.
    pub(crate) fn open(interface: &NetworkInterface) -> io::Result<(Self, Box<dyn DataLinkReceiver>)> {
        let config = datalink::Config {
            read_timeout: Some(READ),
            write_timeout: Some(WRITE),
            read_buffer_size: BUFFER,
            write_buffer_size: BUFFER,
            promiscuous: false,
            ..datalink::Config::default()
        };
        match datalink::channel(interface, config)? {
            Channel::Ethernet(sender, receiver) => Ok((Self(Mutex::new(sender)), receiver)),
            _ => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the interface is not Ethernet",
            )),
        }
    }

    /// Sends a frame. One that cannot be sent is lost, as on a cable.
    pub(crate) fn send(&self, frame: &ArpFrame) {
        let sent = locked(&self.0).send_to(&frame.build(), None);
        if let Some(Err(error)) = sent {
            tracing::debug!(%error, target = %frame.target, "sending an ARP request");
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
