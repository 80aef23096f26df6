//! Listener and connections: HTTP/1.1 over TLS.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::serve::Server;

/// Connections at a time. Every watch has its own under HTTP/1.1; a demo has some forty.
const CONNECTIONS: usize = 1024;
/// Longest TLS handshake. On a LAN it takes milliseconds; a client that stalls in it must not hold its place.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Pause after a failed accept, which means that the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until `stop`, then cuts all of them.
pub(crate) async fn listen(
    server: Arc<Server>,
    listener: TcpListener,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let accepting = async {
        // The semaphore is never closed.
        while let Ok(place) = places.clone().acquire_owned().await {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let server = server.clone();
            let connection = stop.clone().run_until_cancelled_owned(async move {
                connection(server, stream).await;
                drop(place);
            });
            tasks.spawn(connection);
        }
    };
    stop.run_until_cancelled(accepting).await;
}

/// A connection ends in as many ways as clients have; none of them is the server's business.
async fn connection(server: Arc<Server>, stream: TcpStream) {
    // Without it, watch events wait for the client's delayed acknowledgements.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Ok(Ok(stream)) = timeout(HANDSHAKE, server.identity.acceptor.accept(stream)).await else {
        return;
    };
    let service = service_fn(|request| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(server.answer(request).await) }
    });
    if let Err(why) = http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service)
        .await
    {
        tracing::trace!(%why, "a connection to the API server ended");
    }
}
