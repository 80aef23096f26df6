//! The heartbeat port in both families: a socket for each.
//!
//! Two, and not one for both: that would show IPv4 peers under mapped addresses, and a kernel without IPv6 has no such
//! socket at all.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::libc;

use super::{Arrival, BindError, DatagramSocket, Drained, SendError};

/// Bound to one port of all addresses of the host.
#[derive(Debug)]
pub struct Pair {
    v4: DatagramSocket,
    /// `None` where the kernel has no IPv6.
    v6: Option<DatagramSocket>,
}

impl Pair {
    /// Binds the port, for IPv6 too if the kernel has it. See [`DatagramSocket::bind`].
    ///
    /// # Errors
    /// What the kernel answered: for either family the port is another program's.
    pub fn bind(port: u16) -> Result<Self, BindError> {
        let v4 = DatagramSocket::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?;
        let port = v4.local_address().map_or(port, |address| address.port());
        let v6 = match DatagramSocket::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))) {
            Ok(socket) => Some(socket),
            Err(error) if is_without_ipv6(&error.source) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { v4, v6 })
    }

    /// Where IPv4 is bound, with the port that the kernel chose if it was asked for port 0: IPv6's is the same.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.v4.local_address()
    }

    /// Waits until something can be read. Cancel safe.
    ///
    /// # Errors
    /// The runtime is shutting down.
    pub async fn readable(&self) -> io::Result<()> {
        match &self.v6 {
            None => self.v4.readable().await,
            Some(v6) => tokio::select! {
                readable = self.v4.readable() => readable,
                readable = v6.readable() => readable,
            },
        }
    }

    /// Hands over what waits, of each family at most [`super::BUDGET`] arrivals.
    pub fn drain(&mut self, mut each: impl FnMut(Arrival<'_>)) -> Drained {
        let mut drained = self.v4.drain(&mut each);
        if let Some(v6) = &mut self.v6 {
            let more = v6.drain(&mut each);
            drained.arrivals += more.arrivals;
            drained.more |= more.more;
        }
        drained
    }

    /// Sends a datagram now or not at all.
    ///
    /// # Errors
    /// It did not leave, and why; the sockets go on.
    pub fn send(&mut self, payload: &[u8], to: SocketAddr) -> Result<(), SendError> {
        match (&mut self.v6, to.is_ipv6()) {
            (_, false) => self.v4.send(payload, to),
            (Some(v6), true) => v6.send(payload, to),
            (None, true) => Err(SendError::Unreachable {
                to,
                source: io::Error::from_raw_os_error(libc::EAFNOSUPPORT),
            }),
        }
    }
}

/// No such family (`ipv6.disable=1`, or not built in), or none of its addresses, not even the unspecified one.
pub(super) fn is_without_ipv6(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)
    )
}
