//! A server that reads HTTP requests and answers with whatever bytes a test wants.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Counted from 0, over all connections.
    pub(super) number: usize,
    /// Which connection it came on, counted from 0.
    pub(super) connection: usize,
    /// `GET /rest/ip/pool HTTP/1.1`
    pub(super) line: String,
    /// The lines after it, names in lower case.
    pub(super) headers: Vec<String>,
    pub(super) body: String,
}

/// What to do with it.
#[derive(Clone)]
pub(super) enum Reply {
    /// A whole answer.
    Json(u16, String),
    /// These bytes, and then the connection stays open.
    Raw(Vec<u8>),
    /// These bytes, and then it is closed.
    Break(Vec<u8>),
    /// Nothing until notified, then an empty list.
    Wait(Arc<Notify>),
    /// Nothing at all.
    Never,
}

/// Listens on loopback until it is dropped.
pub(super) struct Fake {
    address: SocketAddr,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<Request>>>,
    _tasks: JoinSet<()>,
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

impl Fake {
    /// Plain HTTP.
    pub(super) async fn http(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(None, handler).await
    }

    /// With TLS, if there is an acceptor.
    pub(super) async fn start(
        tls: Option<TlsAcceptor>,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, tls, Arc::clone(&requests), Arc::new(handler)));
        Self {
            address,
            scheme,
            requests,
            _tasks: tasks,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }

    /// Waits until that many requests have come.
    pub(super) async fn received(&self, count: usize) {
        let waiting = async {
            while self.requests.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waiting)
            .await
            .expect("the request comes");
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    requests: Arc<Mutex<Vec<Request>>>,
    handler: Arc<Handler>,
) {
    let mut connections = JoinSet::new();
    for connection in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        let (requests, handler, tls) = (Arc::clone(&requests), Arc::clone(&handler), tls.clone());
        connections.spawn(async move {
            match tls {
                None => serve(stream, connection, requests, handler).await,
                // A client that trusts us not hangs up in the middle of the handshake.
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, connection, requests, handler).await;
                    }
                }
            }
        });
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    requests: Arc<Mutex<Vec<Request>>>,
    handler: Arc<Handler>,
) {
    while let Some(mut request) = read(&mut stream).await {
        request.connection = connection;
        {
            let mut requests = requests.lock().unwrap();
            request.number = requests.len();
            requests.push(request.clone());
        }
        let (bytes, close) = match handler(&request) {
            Reply::Json(status, body) => (json(status, &body), false),
            Reply::Raw(bytes) => (bytes, false),
            Reply::Break(bytes) => (bytes, true),
            Reply::Wait(released) => {
                released.notified().await;
                (json(200, "[]"), false)
            }
            Reply::Never => std::future::pending().await,
        };
        if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() || close {
            return;
        }
    }
}

pub(super) fn json(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = "Content-Type: application/json\r\n";
    format!("HTTP/1.1 {status} Reason\r\n{head}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// The next request; `None` when the connection ends.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n").map(str::to_owned);
    let line = lines.next()?;
    let headers: Vec<String> = lines.collect();
    let length = headers
        .iter()
        .find_map(|header| header.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request {
        number: 0,
        connection: 0,
        line,
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}
