//! A door before the router that counts what goes through it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::lan::Host;

/// As large as a TLS record.
const BUFFER: usize = 16 * 1024;

/// Bytes of TLS records, without the headers of TCP and below.
#[derive(Debug, Default)]
struct Counts {
    to_router: AtomicU64,
    from_router: AtomicU64,
}

/// Copies connections from one port to another until it is dropped.
#[derive(Debug)]
pub(super) struct Passage {
    counts: Arc<Counts>,
    task: AbortHandle,
}

impl Passage {
    /// Listens at `door` of a host and leads to `target`.
    pub(super) async fn open(host: &Host, door: SocketAddr, target: SocketAddr) -> Result<Self> {
        let listener = host.call(TcpListener::bind(door)).await?;
        let listener = listener.with_context(|| format!("listening on {door} before the router"))?;
        let counts = Arc::<Counts>::default();
        let task = host.spawn(serve(listener, target, Arc::clone(&counts)));
        Ok(Self {
            counts,
            task: task.abort_handle(),
        })
    }

    /// What went to the router until now, and what came from it, in bytes.
    pub(super) fn passed(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.counts.to_router), read(&self.counts.from_router))
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, counts: Arc<Counts>) {
    loop {
        // An error is a client that has gone again.
        if let Ok((client, _)) = listener.accept().await {
            tokio::spawn(lead(client, target, Arc::clone(&counts)));
        }
    }
}

async fn lead(client: TcpStream, target: SocketAddr, counts: Arc<Counts>) {
    let Ok(router) = TcpStream::connect(target).await else {
        return;
    };
    for stream in [&client, &router] {
        // Without it a small request would wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
    }
    let (from_client, to_client) = client.into_split();
    let (from_router, to_router) = router.into_split();
    tokio::join!(
        copy(from_client, to_router, &counts.to_router),
        copy(from_router, to_client, &counts.from_router),
    );
}

/// Until the reader's end, which is passed on.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, count: &AtomicU64) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        count.fetch_add(length as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
