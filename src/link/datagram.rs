//! The heartbeats' UDP socket.
//!
//! Nothing that happens here ends the caller's loop: a peer that is unreachable, a port that nobody listens on and
//! a datagram that is too long are values, each with its peer where the kernel names one.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use nix::libc;
use nix::sys::socket::setsockopt;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::raw;

mod pair;
mod source;

pub use pair::Pair;

/// The longest datagram, in bytes: fits every Ethernet MTU with room for tunnels, so that none is fragmented.
pub const MAX_DATAGRAM: usize = 1_200;
/// Datagrams read in one go; see [`super::packet::BUDGET`].
pub const BUDGET: usize = 64;
/// Asked of the kernel for datagrams that wait: 50 peers, ten a second each, for a second, accounted with about
/// 2 KiB each. The kernel grants at most `net.core.rmem_max`.
pub const RECEIVE_BUFFER: usize = 1 << 20;

/// A bound, unconnected socket.
#[derive(Debug)]
pub struct DatagramSocket {
    socket: AsyncFd<UdpSocket>,
    more: bool,
    counters: Counters,
}

/// What came out of the socket.
#[derive(Debug)]
pub enum Arrival<'a> {
    /// A datagram of at most [`MAX_DATAGRAM`] bytes.
    Datagram {
        /// Who sent it.
        from: SocketAddr,
        /// Its bytes.
        payload: &'a [u8],
    },
    /// A longer one, of which the rest is lost: not one of ours.
    TooLong {
        /// Who sent it.
        from: SocketAddr,
    },
    /// The kernel reports an error in place of a datagram (often of an earlier send); the socket goes on.
    Failed(io::Error),
}

/// What a drain found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Arrivals that were handed over.
    pub arrivals: usize,
    /// Whether the budget ended it, so that more may wait.
    pub more: bool,
}

/// Since the socket was bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Datagrams read.
    pub received: u64,
    /// Datagrams that were too long.
    pub too_long: u64,
    /// Errors read in place of a datagram.
    pub failed: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams that did not leave.
    pub unsent: u64,
}

/// Why the socket could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("could not bind UDP {address} for heartbeats: is another program using the port?")]
pub struct BindError {
    /// Where to.
    pub address: SocketAddr,
    /// What the kernel answered.
    #[source]
    pub source: io::Error,
}

/// Why a datagram did not leave.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The send buffer or the interface's queue is full now.
    #[error("no room to send a heartbeat to {0}")]
    Full(SocketAddr),
    /// No route, no such neighbour, or the interface is down.
    #[error("{to} is unreachable from this node")]
    Unreachable {
        /// Who.
        to: SocketAddr,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// A firewall rule of this node forbids it.
    #[error("a firewall rule on this node forbids heartbeats to {0}: allow the heartbeat port")]
    Forbidden(SocketAddr),
    /// It is longer than [`MAX_DATAGRAM`], or than the path allows.
    #[error("a heartbeat of {length} bytes to {to} is too long (1,200)")]
    TooLong {
        /// Who.
        to: SocketAddr,
        /// Bytes.
        length: usize,
    },
    /// Anything else.
    #[error("could not send a heartbeat to {to}")]
    Io {
        /// Who.
        to: SocketAddr,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
}

impl DatagramSocket {
    /// Binds `address`. Without `SO_REUSEADDR`: a second speaker on the node must fail here, not take every other
    /// heartbeat. An IPv6 socket takes IPv6 only, so that one for each family can stand beside the other.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let bound = || -> io::Result<AsyncFd<UdpSocket>> {
            let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
            if address.is_ipv6() {
                socket.set_only_v6(true)?;
                // A kernel that does not know the option prefers nothing, which matters to diagnosis alone.
                let _ = setsockopt(&socket, source::Lasting, &source::PUBLIC);
            }
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
            socket.set_nonblocking(true)?;
            socket.bind(&address.into())?;
            // Not for writing, too: whoever sends would be woken by each datagram that has left.
            raw::register(UdpSocket::from(socket), Interest::READABLE)
        };
        let socket = bound().map_err(|source| BindError { address, source })?;
        Ok(Self {
            socket,
            more: false,
            counters: Counters::default(),
        })
    }

    /// Where it is bound, with the port that the kernel chose if it was asked for port 0.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.get_ref().local_addr()
    }

    /// What was received and sent.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Waits until something can be read. Cancel safe. After a drain that its budget ended it lets the thread's
    /// other tasks run once.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn readable(&self) -> io::Result<()> {
        if self.more {
            tokio::task::yield_now().await;
        }
        self.socket.readable().await.map(drop)
    }

    /// Hands over what waits, at most [`BUDGET`] arrivals. The kernel is asked each time, not the runtime: that learns of new
    /// datagrams only when nothing else is to be done, and what was claimed while a long turn lasted must count in the next.
    pub fn drain(&mut self, mut each: impl FnMut(Arrival<'_>)) -> Drained {
        // One byte more than is allowed shows what is longer.
        let mut buffer = [0; MAX_DATAGRAM + 1];
        let mut arrivals = 0;
        self.more = false;
        while arrivals < BUDGET {
            let arrival = match self.socket.get_ref().recv_from(&mut buffer) {
                Ok((length, from)) => match buffer.get(..length) {
                    Some(payload) if length <= MAX_DATAGRAM => {
                        self.counters.received += 1;
                        Arrival::Datagram { from, payload }
                    }
                    _ => {
                        self.counters.too_long += 1;
                        Arrival::TooLong { from }
                    }
                },
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    // The runtime's own readiness ends with it. What comes from here on makes it ready again: the runtime has
                    // one thread, and learns of nothing while this one is at work.
                    let _ = self.socket.try_io(Interest::READABLE, |_| Err::<(), _>(e));
                    break;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => {
                    self.counters.failed += 1;
                    Arrival::Failed(e)
                }
            };
            arrivals += 1;
            each(arrival);
        }
        self.more = arrivals == BUDGET;
        Drained {
            arrivals,
            more: self.more,
        }
    }

    /// Sends a datagram now or not at all.
    ///
    /// # Errors
    /// It did not leave, and why; the socket goes on.
    pub fn send(&mut self, payload: &[u8], to: SocketAddr) -> Result<(), SendError> {
        let sent = if payload.len() > MAX_DATAGRAM {
            Err(SendError::TooLong {
                to,
                length: payload.len(),
            })
        } else {
            self.send_now(payload, to)
        };
        match sent {
            Ok(()) => self.counters.sent += 1,
            Err(_) => self.counters.unsent += 1,
        }
        sent
    }

    /// Not through the runtime's readiness: a socket whose send buffer was full once is simply tried again.
    fn send_now(&self, payload: &[u8], to: SocketAddr) -> Result<(), SendError> {
        loop {
            let Err(source) = self.socket.get_ref().send_to(payload, to) else {
                return Ok(());
            };
            return Err(match source.kind() {
                io::ErrorKind::Interrupted => continue,
                _ => refused(payload.len(), to, source),
            });
        }
    }
}

fn refused(length: usize, to: SocketAddr, source: io::Error) -> SendError {
    match source.raw_os_error() {
        Some(libc::EAGAIN | libc::ENOBUFS) => SendError::Full(to),
        Some(libc::EPERM | libc::EACCES) => SendError::Forbidden(to),
        Some(libc::EMSGSIZE) => SendError::TooLong { to, length },
        Some(
            libc::ENETUNREACH | libc::EHOSTUNREACH | libc::ENETDOWN | libc::EHOSTDOWN | libc::ECONNREFUSED,
        ) => SendError::Unreachable { to, source },
        _ => SendError::Io { to, source },
    }
}

#[cfg(test)]
mod tests;
