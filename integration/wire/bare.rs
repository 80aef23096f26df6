//! The least that a program can do to answer: what an answer takes that does not come from the kernel itself.

use std::io::{self, Read as _};
use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;

use super::Error;
use super::arp::{ArpFrame, Operation};
use super::flood::{PATIENCE, ROOM};
use super::tap::Tap;
use super::worker::Worker;
use crate::lan::{Host, Mac};

/// Answers who has an address, until it is dropped: a thread asleep in `recv`, without priority, that sends as soon as it
/// is awake, and that other questions do not wake.
#[derive(Debug)]
pub struct BareAnswerer {
    /// What it fails at shows: there is no answer.
    _worker: Worker<()>,
}

impl BareAnswerer {
    /// Starts to answer for `ip` at the host's interface, with its MAC address.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn start(host: &Host, ip: Ipv4Addr) -> Result<Self, Error> {
        let opened = host.run(|| {
            let tap = Tap::open_for(host.interface(), PATIENCE, ip)?;
            tap.socket().set_nonblocking(false)?;
            tap.socket().set_read_timeout(Some(PATIENCE))?;
            Ok(tap)
        })?;
        let doing = format!("answer who has {ip}");
        let tap = opened.map_err(|source| Error::system(host, doing, source))?;
        let worker = Worker::start(host, "bare answerer", move |ending| {
            while !ending.load(Ordering::Relaxed) {
                answer(&tap, ip)?;
            }
            Ok(())
        })?;
        Ok(Self { _worker: worker })
    }
}

/// Waits for a frame, and answers it if it is to be answered.
fn answer(tap: &Tap, ip: Ipv4Addr) -> io::Result<()> {
    let mut buffer = [0; ROOM];
    let length = match tap.socket().read(&mut buffer) {
        Ok(length) => length,
        Err(error) if is_nothing(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    match ArpFrame::parse(&buffer[..length]) {
        Ok(asked) if asked.op == Operation::Request && asked.target_ip == ip => {
            tap.socket().send(&reply(&asked, tap.mac()).to_bytes()).map(drop)
        }
        _ => Ok(()),
    }
}

fn reply(asked: &ArpFrame, mac: Mac) -> ArpFrame {
    ArpFrame {
        eth_dst: asked.sender_mac,
        eth_src: mac,
        op: Operation::Reply,
        sender_mac: mac,
        sender_ip: asked.target_ip,
        target_mac: asked.sender_mac,
        target_ip: asked.sender_ip,
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
