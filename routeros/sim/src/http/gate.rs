//! The listening socket and the living connections, so that a router can become unreachable and come back.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::router::locked;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;

/// Whether the router answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Closed,
    /// For good.
    Stopped,
}

/// The listening socket and the living connections.
#[derive(Debug)]
pub(crate) struct Gate {
    socket: Socket,
    address: SocketAddr,
    state: watch::Sender<State>,
    connections: Mutex<BTreeMap<u64, Socket>>,
    next: AtomicU64,
}

impl Gate {
    /// Listens on `address` in the calling thread's network namespace; port 0 takes a free one.
    pub(crate) fn listen(address: SocketAddr) -> io::Result<Self> {
        // Linux keeps the port of a socket that was shut down only if it was bound to it by number: so a first
        // socket finds the port, and a second one binds it before the first lets go.
        let finder = bound(address)?;
        let address = finder.local_addr()?.as_socket().unwrap_or(address);
        let socket = bound(address)?;
        drop(finder);
        socket.listen(BACKLOG)?;
        Ok(Self {
            socket,
            address,
            state: watch::Sender::new(State::Open),
            connections: Mutex::default(),
            next: AtomicU64::new(0),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// The listening socket for the runtime.
    pub(crate) fn listener(&self) -> io::Result<std::net::TcpListener> {
        self.socket.try_clone().map(Into::into)
    }

    /// Refuses connections and drops the living ones, or listens again on the same socket. Takes effect at once.
    pub(crate) fn set_open(&self, open: bool) {
        let wanted = if open { State::Open } else { State::Closed };
        let changed = self.state.send_if_modified(|state| {
            let changed = *state != State::Stopped && *state != wanted;
            if changed {
                // Before anybody hears of it: who registers a socket that does not listen yet takes it for closed for ever.
                if open {
                    self.listen_again();
                }
                *state = wanted;
            }
            changed
        });
        if changed && !open {
            self.close();
        }
    }

    fn listen_again(&self) {
        if let Err(error) = self.socket.listen(BACKLOG) {
            tracing::error!(%error, address = %self.address, "listening again on the router's port");
        }
    }

    /// Ends everything for good.
    pub(crate) fn stop(&self) {
        self.state.send_replace(State::Stopped);
        self.close();
    }

    fn close(&self) {
        // An error means that it was closed already.
        let _ = self.socket.shutdown(Shutdown::Both);
        self.drop_connections();
    }

    /// Drops the living connections, and with them whatever they were about to be answered.
    pub(crate) fn drop_connections(&self) {
        for connection in std::mem::take(&mut *locked(&self.connections)).into_values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Remembers a connection, unless the gate was closed meanwhile.
    pub(crate) fn register(&self, stream: &TcpStream) -> Option<u64> {
        let socket = SockRef::from(stream).try_clone().ok()?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut connections = locked(&self.connections);
        (*self.state.borrow() == State::Open).then(|| {
            connections.insert(number, socket);
            number
        })
    }

    /// Ends a connection with a reset instead of an orderly close, once its last owner lets go of it.
    pub(crate) fn reset(&self, number: u64) {
        if let Some(connection) = locked(&self.connections).get(&number) {
            let _ = connection.set_linger(Some(Duration::ZERO));
        }
    }

    /// How many connections live.
    pub(crate) fn count(&self) -> usize {
        locked(&self.connections).len()
    }

    pub(crate) fn forget(&self, number: u64) {
        locked(&self.connections).remove(&number);
    }
}

fn bound(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
