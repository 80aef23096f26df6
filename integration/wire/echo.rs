//! What stands behind a Service's address on each node: answers datagrams and connections with the node's name.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::gate::Gate;
use super::pinger::{HEADER, MAGIC, NAME_LIMIT};
use super::{Error, priority};
use crate::lan::Host;

/// How long the datagram thread waits before it looks whether it should end; what dropping an echo may cost.
const PATIENCE: Duration = Duration::from_millis(20);

/// Connections at once; the next one waits in the kernel's queue.
const CONNECTIONS: usize = 256;

/// A line that is sent back. A longer one comes back in pieces of this length.
const LINE_LIMIT: u64 = 4 * 1024;

/// Answers on one address and port of a host, by UDP and TCP, until it is dropped.
///
/// A datagram of a [`Pinger`](super::Pinger) comes back with the host's name behind it. A connection is greeted with
/// the name, then gets back each line it sends.
///
/// ```no_run
/// # async fn example(lan: lab::lan::Lan) -> Result<(), lab::wire::Error> {
/// let address: ipnet::Ipv4Net = "192.168.1.200/32".parse().unwrap();
/// lan.add_address("node1", address, "lo").await?;
/// let service: std::net::SocketAddr = "192.168.1.200:5432".parse().unwrap();
/// let echo = lab::wire::Echo::start(lan.host("node1")?, service).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Echo {
    address: SocketAddr,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    connections: AbortHandle,
    gate: Gate,
}

impl Echo {
    /// Starts to answer. The host need not have the address yet.
    ///
    /// # Errors
    /// When the port is taken, or the kernel refuses.
    pub async fn start(host: &Host, address: impl Into<SocketAddr>) -> Result<Self, Error> {
        let address = address.into();
        let failed = |source| Error::system(host, format!("listen on {address}"), source);
        let (datagrams, listener) = host
            .run(|| io::Result::Ok((udp(address)?, tcp(address)?)))?
            .map_err(failed)?;
        let (ending, gate) = (Arc::new(AtomicBool::new(false)), Gate::open());
        let name: Arc<str> = host.name().chars().take(NAME_LIMIT).collect::<String>().into();
        // A thread of its own, so that no task of the host can look like an outage.
        let thread = {
            let (ending, name, gate) = (Arc::clone(&ending), Arc::clone(&name), gate.clone());
            host.thread("echo", move || {
                answer_datagrams(&datagrams, &name, &ending, &gate);
            })?
        };
        let listener = host
            .call(async move { TcpListener::from_std(listener) })
            .await?
            .map_err(failed)?;
        let connections = host
            .spawn(answer_connections(listener, name, gate.clone()))
            .abort_handle();
        Ok(Self {
            address,
            ending,
            thread: Some(thread),
            connections,
            gate,
        })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it takes nothing from its kernel, as a stopped process; or it goes on with what lies there.
    pub(crate) fn stand_still(&self, still: bool) {
        self.gate.set(!still);
    }

    /// The address without the port.
    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.connections.abort();
        self.ending.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::warn!(address = %self.address, "the echo's thread panicked");
        }
    }
}

/// Bound to the very address, so that answers come from it and from no other of the host's.
fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    set_freebind(&socket, address)?;
    socket.bind(&address.into())?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket.into())
}

fn tcp(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    set_freebind(&socket, address)?;
    // Connections of an earlier echo may still be in their last state.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(128)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn set_freebind(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv4() {
        socket.set_freebind_v4(true)
    } else {
        socket.set_freebind_v6(true)
    }
}

fn answer_datagrams(socket: &UdpSocket, name: &str, ending: &AtomicBool, gate: &Gate) {
    priority::raise();
    let mut buffer = [0; HEADER + NAME_LIMIT];
    while !ending.load(Ordering::Relaxed) {
        if !gate.is_open() {
            // Nobody wakes it: it looks by itself, as for its end.
            std::thread::park_timeout(PATIENCE);
            continue;
        }
        // Errors are time-outs, and the refusals of clients that are gone.
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        if length != HEADER || !buffer.starts_with(&MAGIC) {
            continue;
        }
        let end = HEADER + name.len();
        if let Some(place) = buffer.get_mut(HEADER..end) {
            place.copy_from_slice(name.as_bytes());
            // A network that does not take it is what the client measures.
            let _ = socket.send_to(&buffer[..end], from);
        }
    }
}

async fn answer_connections(listener: TcpListener, name: Arc<str>, gate: Gate) {
    // Dropped, and all of them with it, when this task is.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&name), gate.clone()));
                }
                // The client has gone again, or we are out of descriptors for a moment.
                Err(error) => tracing::debug!(%error, "a connection was not accepted"),
            },
        }
    }
}

async fn converse(stream: TcpStream, name: Arc<str>, gate: Gate) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    gate.passed().await;
    stream.write_all(format!("{name}\n").as_bytes()).await?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut stream)
            .take(LINE_LIMIT)
            .read_until(b'\n', &mut line)
            .await?
            == 0
        {
            return Ok(());
        }
        gate.passed().await;
        stream.write_all(&line).await?;
    }
}
