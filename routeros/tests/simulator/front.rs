//! A way to the simulator that a test can bend: a certificate of the test's choice, answers that are lost.
//!
//! It stands in front of a simulator that serves plain HTTP, ends TLS in its place and passes bytes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::*;

/// What becomes of the next write's answer. The write itself always reaches the simulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Loss {
    /// It arrives.
    None,
    /// The connection is closed instead.
    Closed,
    /// The connection is reset instead.
    Reset,
    /// It ends in the middle.
    Half,
    /// It never comes.
    Silence,
    /// The connection is closed, and none is served ever after.
    Gone,
}

/// The front of one simulator, until it is dropped.
pub(crate) struct Front {
    /// Where it listens.
    pub(crate) url: String,
    loss: Arc<AtomicU8>,
    _tasks: JoinSet<()>,
}

impl Front {
    /// Before `router`, which serves plain HTTP; with TLS if there is a configuration.
    pub(crate) async fn of(router: &Router, tls: Option<ServerConfig>) -> Self {
        let inner: std::net::SocketAddr = router.url().trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let loss = Arc::new(AtomicU8::new(Loss::None as u8));
        let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        let mut tasks = JoinSet::new();
        let losing = Arc::clone(&loss);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                if losing.load(Ordering::SeqCst) == Loss::Gone as u8 {
                    continue;
                }
                let (acceptor, loss) = (acceptor.clone(), Arc::clone(&losing));
                connections.spawn(async move {
                    let upstream = TcpStream::connect(inner).await.unwrap();
                    match acceptor {
                        None => pass(stream, upstream, &loss, |stream| stream).await,
                        // A client that does not trust the certificate hangs up in the handshake.
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                pass(stream, upstream, &loss, |stream| stream.get_ref().0).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            url,
            loss,
            _tasks: tasks,
        }
    }

    /// The next write's answer goes this way; those after it arrive.
    pub(crate) fn lose(&self, loss: Loss) {
        self.loss.store(loss as u8, Ordering::SeqCst);
    }
}

/// Bytes both ways until one side ends, or an answer is lost.
async fn pass<S: AsyncRead + AsyncWrite + Unpin>(
    mut client: S,
    mut router: TcpStream,
    loss: &AtomicU8,
    socket: impl Fn(&S) -> &TcpStream,
) {
    let (mut asked, mut answered) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    let mut writes = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let bytes = &asked[..length];
                writes |= [&b"PUT "[..], b"PATCH ", b"DELETE "].iter().any(|method| bytes.starts_with(method));
                if router.write_all(bytes).await.is_err() { return }
            }
            read = router.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                let lost = if writes { loss.swap(Loss::None as u8, Ordering::SeqCst) } else { Loss::None as u8 };
                writes = false;
                match lost {
                    lost if lost == Loss::Closed as u8 => return,
                    lost if lost == Loss::Gone as u8 => {
                        loss.store(lost, Ordering::SeqCst);
                        return;
                    }
                    lost if lost == Loss::Reset as u8 => {
                        // Closing with bytes unread or with no time to linger sends a reset.
                        socket(&client).set_zero_linger().unwrap();
                        return;
                    }
                    lost if lost == Loss::Half as u8 => {
                        let _ = client.write_all(&answered[..length / 2]).await;
                        let _ = client.flush().await;
                        return;
                    }
                    lost if lost == Loss::Silence as u8 => continue,
                    _ => {}
                }
                let sent = client.write_all(&answered[..length]).await;
                if sent.is_err() || client.flush().await.is_err() { return }
            }
        }
    }
}

/// A TLS server that presents `chain` and has its key; only these versions, or all where there are none.
pub(crate) fn presenting(
    chain: Vec<CertificateDer<'static>>,
    key: &rcgen::KeyPair,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ServerConfig {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let versions = if versions.is_empty() {
        rustls::DEFAULT_VERSIONS
    } else {
        versions
    };
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

/// A simulator without TLS, for a front to stand before.
pub(crate) async fn plain() -> Router {
    start(Config {
        certificate: None,
        ..Config::default()
    })
    .await
}
