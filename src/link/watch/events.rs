//! The subscription to link, address and route changes: a netlink socket of which only the wake-ups are used.

use std::fmt;
use std::future::poll_fn;
use std::io;

use rtnetlink::MulticastGroup;
use rtnetlink::sys::{AsyncSocket as _, SocketAddr, TokioSocket, protocols::NETLINK_ROUTE};

/// Links, and of both families the addresses, and the routes for the gateways among them.
const GROUPS: [MulticastGroup; 5] = [
    MulticastGroup::Link,
    MulticastGroup::Ipv4Ifaddr,
    MulticastGroup::Ipv6Ifaddr,
    MulticastGroup::Ipv4Route,
    MulticastGroup::Ipv6Route,
];
/// Events thrown away after one wake-up before others get their turn; what is left wakes again.
const DISCARD_BUDGET: usize = 1_024;
/// Enough of an event to take it off the queue; the rest is cut off unread.
const SCRAP: usize = 16;

/// The socket.
pub(super) struct Events(TokioSocket);

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

impl Events {
    pub(super) fn subscribe() -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        let groups = GROUPS.iter().fold(0, |all, group| all | 1 << (*group as u32 - 1));
        socket.socket_mut().bind(&SocketAddr::new(0, groups))?;
        Ok(Self(socket))
    }

    /// Waits for an event. Cancel safe.
    pub(super) async fn next(&mut self) -> io::Result<()> {
        let mut scrap = Vec::with_capacity(SCRAP);
        poll_fn(|cx| self.0.poll_recv(cx, &mut scrap)).await
    }

    /// Throws away the events that wait already.
    pub(super) fn discard(&mut self) -> io::Result<()> {
        for _ in 0..DISCARD_BUDGET {
            let mut scrap = Vec::with_capacity(SCRAP);
            match self.0.socket_ref().recv(&mut scrap, 0) {
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}
