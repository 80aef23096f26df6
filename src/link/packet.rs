//! Packet sockets, one for each interface and protocol: ARP and NDP frames in and out.
//!
//! The order of opening is the point: a socket with protocol 0 receives nothing; the filter is attached; only then
//! `bind` names the interface and the protocol. No frame that the filter refuses is ever queued, not even one.
//!
//! A packet socket on a port of a bridge or bond receives nothing: it belongs on the master
//! (see [`super::watch::Unusable::Member`]).

use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, SystemTime};

use futures::future::{Either, select_all};
use nix::libc;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, SockFilter, Socket, Type};
use tiklb_core::neighbor::InterfaceIndex;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::filter::{Filter, NDP_SNAP_LENGTH};
use super::raw;

pub mod echo;

/// Frames read in one go. Enough to amortise the wake-up, few enough (well under a millisecond) that heartbeats
/// and timers on the same thread are not late.
pub const BUDGET: usize = 64;
/// Asked of the kernel for frames that wait: room for a thousand, each of which it accounts with about a KiB
/// whatever its length. That many answers come back when a takeover's pokes (5,000/s) meet a process that is
/// suspended for 200 ms. The kernel grants at most `net.core.rmem_max` (212,992 by default); what does not fit is
/// counted.
pub const RECEIVE_BUFFER: usize = 1 << 20;

/// Both: a socket whose interface goes away reports an error without becoming readable.
const INTEREST: Interest = Interest::READABLE.add(Interest::ERROR);

/// A packet socket, bound to one interface.
#[derive(Debug)]
pub struct PacketSocket {
    interface: InterfaceIndex,
    socket: AsyncFd<Socket>,
    control: Vec<u8>,
    /// The last drain stopped at its budget.
    more: bool,
    counters: Counters,
}

/// A frame as it came in.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// From the Ethernet header on; at most as many bytes of it as the filter keeps.
    pub frame: &'a [u8],
    /// How long it lay in the kernel, by the kernel's timestamp against the wall clock that it uses: zero after
    /// the clock was set back, too long after it was set forward. `None` if the kernel gave no timestamp.
    pub age: Option<Duration>,
}

/// What a drain found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Frames that were handed over.
    pub frames: usize,
    /// Whether the budget ended it, so that more may wait.
    pub more: bool,
}

/// Since the socket was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Frames read.
    pub received: u64,
    /// Frames that the kernel dropped because the receive buffer was full, as of the last frame read.
    pub dropped: u64,
    /// Frames sent.
    pub sent: u64,
    /// Frames that the kernel had no room for (`ENOBUFS`, `EAGAIN`).
    pub refused: u64,
}

/// Why a packet socket could not be opened or given a filter. `source` says what the kernel answered.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// `socket(AF_PACKET)`.
    #[error("could not create a packet socket: the speaker needs the capability NET_RAW")]
    Create(#[source] io::Error),
    /// A socket option.
    #[error("could not set {option} on the packet socket of interface {interface}")]
    Option {
        /// Which interface.
        interface: InterfaceIndex,
        /// Which option.
        option: &'static str,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// `SO_ATTACH_FILTER`.
    #[error("could not attach the filter to the packet socket of interface {interface}")]
    Filter {
        /// Which interface.
        interface: InterfaceIndex,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// `bind`: the interface is gone by now, or was never there.
    #[error("could not bind a packet socket to interface {interface}; it opens when the interface returns")]
    Bind {
        /// Which interface.
        interface: InterfaceIndex,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// The runtime could not watch the socket.
    #[error("could not watch the packet socket of interface {interface}")]
    Register {
        /// Which interface.
        interface: InterfaceIndex,
        /// What the runtime answered.
        #[source]
        source: io::Error,
    },
}

/// Why a packet socket does not serve.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The interface was set down. The socket serves again when it is up.
    #[error("interface {0} is down")]
    Down(InterfaceIndex),
    /// The interface was removed. The socket is of no use any more.
    #[error("interface {0} is gone")]
    Gone(InterfaceIndex),
    /// No room for another frame now; the frame was not sent. Counted.
    #[error("the send queue of interface {0} is full")]
    Full(InterfaceIndex),
    /// Anything else.
    #[error("the packet socket of interface {interface} failed")]
    Io {
        /// Which interface.
        interface: InterfaceIndex,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
}

impl PacketSocket {
    /// Opens a socket for the frames of `interface` that `filter` lets through. Needs `CAP_NET_RAW` and, as
    /// everything in `link`, a tokio runtime with I/O.
    ///
    /// # Errors
    /// Which step failed, and what the kernel answered.
    pub fn open(interface: InterfaceIndex, filter: &Filter) -> Result<Self, OpenError> {
        let protocol = if filter.is_ndp() {
            libc::ETH_P_IPV6
        } else {
            libc::ETH_P_ARP
        };
        let socket = open(interface, protocol, &filter.socket_filter())?;
        let socket =
            raw::register(socket, INTEREST).map_err(|source| OpenError::Register { interface, source })?;
        Ok(Self {
            interface,
            socket,
            control: nix::cmsg_space!(TimeSpec, u32),
            more: false,
            counters: Counters::default(),
        })
    }

    /// Replaces the filter by another one of the same protocol; the kernel changes over between two frames. Frames that the
    /// old one let through may still be waiting.
    ///
    /// # Errors
    /// What the kernel answered; the old filter stays.
    pub fn set_filter(&self, filter: &Filter) -> Result<(), OpenError> {
        attach(self.socket.get_ref(), self.interface, &filter.socket_filter())
    }

    /// The interface it is bound to.
    pub const fn interface(&self) -> InterfaceIndex {
        self.interface
    }

    /// What was received, dropped and sent.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Waits until a frame or an error waits. Cancel safe. After a drain that its budget ended it lets the
    /// thread's other tasks run once.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn readable(&self) -> Result<(), SocketError> {
        if self.more {
            tokio::task::yield_now().await;
        }
        let ready = self.socket.ready(INTEREST).await;
        ready.map(drop).map_err(|source| self.failed(source))
    }

    /// Hands over waiting frames, at most [`BUDGET`]. The kernel is asked each time, not the runtime, as for
    /// [datagrams](super::datagram::DatagramSocket::drain).
    ///
    /// # Errors
    /// The interface is down or gone; frames before that were handed over.
    pub fn drain(&mut self, mut each: impl FnMut(Received<'_>)) -> Result<Drained, SocketError> {
        let mut buffer = [0; NDP_SNAP_LENGTH as usize];
        let mut drained = Drained {
            frames: 0,
            more: false,
        };
        self.more = false;
        while drained.frames < BUDGET {
            let outcome = receive(self.socket.get_ref(), &mut buffer, &mut self.control);
            match outcome {
                Ok((length, age, dropped)) => {
                    drained.frames += 1;
                    self.counters.received += 1;
                    self.counters.dropped = dropped.map_or(self.counters.dropped, u64::from);
                    let frame = buffer.get(..length).unwrap_or(&buffer);
                    each(Received { frame, age });
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.is_read();
                    return Ok(drained);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // Frames may wait behind it.
                Err(e) => return Err(self.failed(e)),
            }
        }
        drained.more = true;
        self.more = true;
        Ok(drained)
    }

    /// The runtime's own readiness ends, which knows single interests only. What comes from here on makes it ready again: the
    /// runtime has one thread, and learns of nothing while this one is at work.
    fn is_read(&self) {
        for interest in [Interest::READABLE, Interest::ERROR] {
            let nothing = |_: &Socket| Err::<(), _>(io::ErrorKind::WouldBlock.into());
            let _ = self.socket.try_io(interest, nothing);
        }
    }

    /// Sends a frame now or not at all.
    ///
    /// # Errors
    /// The frame did not leave, and why. Without carrier the kernel drops frames in silence: that is for
    /// [`super::watch`] to tell.
    pub fn send(&mut self, frame: &[u8]) -> Result<(), SocketError> {
        loop {
            match self.socket.get_ref().send(frame) {
                Ok(_) => {
                    self.counters.sent += 1;
                    return Ok(());
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    let error = self.failed(e);
                    self.counters.refused += u64::from(matches!(error, SocketError::Full(_)));
                    return Err(error);
                }
            }
        }
    }

    /// What an error of the kernel means for this socket.
    fn failed(&self, source: io::Error) -> SocketError {
        let interface = self.interface;
        match source.raw_os_error() {
            Some(libc::ENETDOWN) if self.is_bound() => SocketError::Down(interface),
            Some(libc::ENETDOWN | libc::ENXIO | libc::ENODEV) => SocketError::Gone(interface),
            Some(libc::ENOBUFS | libc::EAGAIN) => SocketError::Full(interface),
            _ => SocketError::Io { interface, source },
        }
    }

    /// Whether the interface still exists: the kernel unbinds a packet socket when it is removed.
    fn is_bound(&self) -> bool {
        let address = nix::sys::socket::getsockname::<SockaddrStorage>(self.socket.get_ref().as_raw_fd());
        address.is_ok_and(|address| {
            address
                .as_link_addr()
                .is_some_and(|link| u32::try_from(link.ifindex()) == Ok(self.interface.0))
        })
    }
}

/// Waits until one of the sockets is readable; for ever when there is none. Cancel safe. Drain all of them
/// afterwards: those without a frame cost one system call each.
///
/// # Errors
/// The runtime is shutting down.
pub async fn any_readable<'a>(
    sockets: impl IntoIterator<Item = &'a PacketSocket>,
) -> Result<(), SocketError> {
    let waits: Vec<_> = sockets
        .into_iter()
        .map(|socket| Box::pin(socket.readable()))
        .collect();
    let wait = if waits.is_empty() {
        Either::Left(std::future::pending())
    } else {
        Either::Right(select_all(waits))
    };
    wait.await.0
}

/// A socket that receives what the filter lets through, and nothing before it is attached.
fn open(
    interface: InterfaceIndex,
    protocol: libc::c_int,
    filter: &[SockFilter],
) -> Result<Socket, OpenError> {
    let option = |option, source| OpenError::Option {
        interface,
        option,
        source,
    };
    let socket = Socket::new(Domain::PACKET, Type::RAW, None).map_err(OpenError::Create)?;
    attach(&socket, interface, filter)?;
    socket
        .set_nonblocking(true)
        .map_err(|e| option("O_NONBLOCK", e))?;
    socket
        .set_recv_buffer_size(RECEIVE_BUFFER)
        .map_err(|e| option("SO_RCVBUF", e))?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)
        .map_err(|e| option("SO_TIMESTAMPNS", e.into()))?;
    setsockopt(&socket, sockopt::RxqOvfl, &1).map_err(|e| option("SO_RXQ_OVFL", e.into()))?;
    raw::frames_on(interface, protocol)
        .and_then(|address| socket.bind(&address))
        .map_err(|source| OpenError::Bind { interface, source })?;
    Ok(socket)
}

fn attach(socket: &Socket, interface: InterfaceIndex, filter: &[SockFilter]) -> Result<(), OpenError> {
    socket
        .attach_filter(filter)
        .map_err(|source| OpenError::Filter { interface, source })
}

/// Reads one frame: its length, its age and the kernel's count of dropped frames.
fn receive(
    socket: &Socket,
    buffer: &mut [u8],
    control: &mut [u8],
) -> io::Result<(usize, Option<Duration>, Option<u32>)> {
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(control), flags)?;
    let (mut age, mut dropped) = (None, None);
    for note in message.cmsgs()? {
        match note {
            ControlMessageOwned::ScmTimestampns(stamp) => age = Some(age_of(stamp)),
            ControlMessageOwned::RxqOvfl(count) => dropped = Some(count),
            _ => {}
        }
    }
    Ok((message.bytes, age, dropped))
}

fn age_of(stamp: TimeSpec) -> Duration {
    let stamped = SystemTime::UNIX_EPOCH + Duration::from(stamp);
    SystemTime::now().duration_since(stamped).unwrap_or_default()
}
