//! The admin server: probes, metrics and questions over plain HTTP.
//!
//! It is open to whoever reaches the port, which on a node is the LAN: kubelet and Prometheus carry no password. So it
//! shows nothing secret, changes nothing for anyone but the node itself, and everything about it is bounded. Where all
//! places are taken the oldest connection goes: whoever hangs around must not keep a probe out, for a process that
//! misses its probes is killed.

mod answer;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::liveness::Liveness;
use super::log::Log;
use super::metrics::Registry;
use super::readiness::Readiness;

/// Connections at once: a few probes, scrapers and persons, with room.
const CONNECTIONS: usize = 32;
/// Connections that wait to be accepted: more than are ever held.
const BACKLOG: i32 = 128;
/// A request's head must be there in this time, and the next one's on a connection that is kept.
const HEAD: Duration = Duration::from_secs(10);
/// Header lines of a request: Prometheus sends eight, a browser twenty.
const HEADERS: usize = 64;
/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;
/// After this a connection takes no further request, so that a reader that stands still does not keep its place.
const LIFETIME: Duration = Duration::from_mins(1);
/// What is being answered then, or when the process stops, has this long to get out.
const FAREWELL: Duration = Duration::from_secs(2);
/// After an accept that failed for want of descriptors or memory.
const BREATH: Duration = Duration::from_millis(100);

/// What the server shows.
pub struct Sources {
    /// `/readyz`.
    pub readiness: Readiness,
    /// `/livez`.
    pub liveness: Liveness,
    /// `/metrics`.
    pub registry: Registry,
    /// `/debug/state`: made anew for each request, on the server's task; without secrets.
    pub state: Box<dyn Fn() -> serde_json::Value + Send + Sync>,
    /// `/log-level`.
    pub log: Log,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("readiness", &self.readiness)
            .field("liveness", &self.liveness)
            .finish_non_exhaustive()
    }
}

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not listen on {address} for probes and metrics: is another program using the port? \
     --admin-listen or TIKLB_ADMIN_LISTEN chooses another one"
)]
pub struct BindError {
    /// Where.
    pub address: SocketAddr,
    /// What the kernel answered.
    #[source]
    pub source: io::Error,
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
}

impl Admin {
    /// Listens. Early in a process's life, so that a taken port is the first thing it says. `[::]` is every address of either
    /// family, whatever the host's `net.ipv6.bindv6only` says, also on a host without IPv6.
    ///
    /// # Errors
    /// The address is taken, or is none of this host's.
    pub fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let listener = listen(address).or_else(|error| match without_ipv6(address, &error) {
            Some(address) => listen(address),
            None => Err(error),
        });
        let listener = listener.map_err(|source| BindError { address, source })?;
        Ok(Self { listener })
    }

    /// Where it listens, with the port that the kernel chose if it was asked for port 0.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `stop`, then finishes what it is at, within two seconds.
    pub async fn serve(self, sources: Sources, stop: impl Future<Output = ()>) {
        let sources = Arc::new(sources);
        let (stopping, stopped) = watch::channel(false);
        let mut crowd = Crowd::default();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    crowd.admit(converse(stream, peer, Arc::clone(&sources), stopped.clone()));
                }
                Err(error) => {
                    tracing::debug!(%error, "accepting a connection to the admin server");
                    tokio::select! {
                        () = &mut stop => break,
                        () = sleep(BREATH) => {}
                    }
                }
            }
        }
        drop(self.listener);
        stopping.send_replace(true);
        // Each conversation ends by itself within the same time; what does not is dropped with the crowd.
        let _ = timeout(FAREWELL + BREATH, crowd.leave()).await;
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A process that was just killed leaves connections that would keep the port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Where to listen instead on a host whose kernel has no IPv6 (`ipv6.disable=1`). The link asks the same of its
/// datagrams: no room of the product is below both.
fn without_ipv6(address: SocketAddr, error: &io::Error) -> Option<SocketAddr> {
    let missing = [nix::libc::EAFNOSUPPORT, nix::libc::EADDRNOTAVAIL];
    let is_missing = error.raw_os_error().is_some_and(|code| missing.contains(&code));
    let every = address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    (is_missing && every).then(|| (Ipv4Addr::UNSPECIFIED, address.port()).into())
}

/// The open connections.
#[derive(Default)]
struct Crowd {
    tasks: JoinSet<()>,
    /// Oldest first.
    handles: VecDeque<AbortHandle>,
}

impl Crowd {
    fn admit(&mut self, conversation: impl Future<Output = ()> + Send + 'static) {
        while self.tasks.try_join_next().is_some() {}
        self.handles.retain(|handle| !handle.is_finished());
        if self.handles.len() >= CONNECTIONS
            && let Some(oldest) = self.handles.pop_front()
        {
            oldest.abort();
        }
        self.handles.push_back(self.tasks.spawn(conversation));
    }

    async fn leave(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    sources: Arc<Sources>,
    mut stopped: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let sources = Arc::clone(&sources);
        async move { Ok::<_, Infallible>(answer::answer(&sources, peer, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        _ = stopped.wait_for(|stopped| *stopped) => None,
        () = sleep(LIFETIME) => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        timeout(FAREWELL, connection).await.unwrap_or(Ok(()))
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection to the admin server failed");
    }
}

#[cfg(test)]
mod tests;
