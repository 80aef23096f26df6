//! The web server: accepts connections, TLS or plain, and answers `/rest`.

pub(crate) mod access;
pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod execute;
pub(crate) mod gate;
pub(crate) mod pending;
pub(crate) mod query;
pub(crate) mod target;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::router::Shared;

/// Connections at once. `RouterOS` allows 20 (`max-sessions`); this is only a bound.
const CONNECTIONS: usize = 256;
/// A client that does not finish its handshake within this time is gone.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A connection without a request for so long is closed; clients close theirs after 90 s.
const IDLE: Duration = Duration::from_mins(5);
/// After an accept that failed for want of descriptors or memory.
const BREATH: Duration = Duration::from_millis(50);

/// Accepts connections for as long as the router runs.
pub(crate) async fn serve(shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut open = shared.gate.watch();
    loop {
        if open
            .wait_for(|state| *state != gate::State::Closed)
            .await
            .is_err()
        {
            return;
        }
        if *open.borrow() == gate::State::Stopped {
            return;
        }
        // Registered anew each time: a listener that was shut down once looks closed to its registration for ever.
        match shared.gate.listener().and_then(TcpListener::from_std) {
            Ok(listener) => accept(&shared, &listener, &mut open, &places).await,
            Err(error) => {
                tracing::error!(%error, "listening again on the router's port");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Accepts until the gate's state changes.
async fn accept(
    shared: &Arc<Shared>,
    listener: &TcpListener,
    open: &mut tokio::sync::watch::Receiver<gate::State>,
    places: &Arc<Semaphore>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = open.changed() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) if !shared.admits(peer.ip()) => {
                // What a client sees of `address` and `max-sessions`: its connection is reset.
                let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            }
            Ok((stream, peer)) => {
                let Ok(place) = Arc::clone(places).try_acquire_owned() else {
                    continue;
                };
                let shared = Arc::clone(shared);
                tokio::spawn(async move {
                    connection(shared, stream, peer).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "accepting a connection");
                tokio::select! {
                    _ = open.changed() => return,
                    () = tokio::time::sleep(BREATH) => {}
                }
            }
        }
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
    let Some(registered) = shared.gate.register(&stream) else {
        return;
    };
    let _ = stream.set_nodelay(true);
    let row = stream
        .local_addr()
        .ok()
        .and_then(|local| shared.connected(peer, local));
    let visitor = access::Visitor::new(peer, registered);
    match shared.tls.as_ref().map(crate::tls::Tls::server) {
        None => converse(&shared, stream, &visitor).await,
        Some(config) => {
            let handshake = TlsAcceptor::from(config).accept(stream);
            match tokio::time::timeout(HANDSHAKE, handshake).await {
                Ok(Ok(stream)) => converse(&shared, stream, &visitor).await,
                Ok(Err(error)) => tracing::debug!(%error, %peer, "TLS handshake"),
                Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
            }
        }
    }
    shared.gate.forget(registered);
    shared.disconnected(row);
}

async fn converse(
    shared: &Arc<Shared>,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    visitor: &access::Visitor,
) {
    let service = service_fn(|request| answer::answer(shared, visitor, request));
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = conversation.await {
        tracing::debug!(%error, "connection ended");
    }
}
