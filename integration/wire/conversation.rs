//! A TCP connection to an [`Echo`](super::Echo), held open to see whether it lives through something.

use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::Error;
use crate::lan::Host;

/// A greeting or a line that comes back; what is longer is none.
const LINE_LIMIT: u64 = 4 * 1024;

/// Connects from `host` to `address`, and gives the name of the node that answered.
///
/// # Errors
/// [`Error::TooLate`] when nobody answers within `bound`; [`Error::System`] when the connection is refused or reset.
pub async fn tcp_connect(
    host: &Host,
    address: impl Into<SocketAddr>,
    bound: Duration,
) -> Result<String, Error> {
    Ok(Conversation::with(host, address.into(), bound).await?.node)
}

/// An open connection.
///
/// ```no_run
/// # async fn example(client: lab::lan::Host) -> Result<(), lab::wire::Error> {
/// use std::time::Duration;
/// use lab::wire::Conversation;
/// let second = Duration::from_secs(1);
/// let mut conversation = Conversation::open(&client, "192.168.1.200:5432".parse().unwrap(), second).await?;
/// println!("{} answered", conversation.node());
/// conversation.say("still there?", second).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Conversation {
    host: Host,
    address: SocketAddr,
    node: String,
    stream: BufReader<TcpStream>,
}

impl Conversation {
    /// Connects, and reads the greeting.
    ///
    /// # Errors
    /// As for [`tcp_connect`].
    pub async fn open(host: &Host, address: SocketAddrV4, bound: Duration) -> Result<Self, Error> {
        Self::with(host, address.into(), bound).await
    }

    async fn with(host: &Host, address: SocketAddr, bound: Duration) -> Result<Self, Error> {
        let failed = |source| Error::system(host, format!("connect to {address}"), source);
        let greeted = async {
            // The socket belongs to the namespace of the thread that makes it.
            let stream = host.call(TcpStream::connect(address)).await?.map_err(failed)?;
            let mut stream = BufReader::new(stream);
            let node = read_line(&mut stream).await.map_err(failed)?;
            Ok(Self {
                host: host.clone(),
                address,
                node,
                stream,
            })
        };
        tokio::time::timeout(bound, greeted)
            .await
            .unwrap_or_else(|_| Err(Error::too_late(host, format!("a connection to {address}"), bound)))
    }

    /// The node at the other end.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Says a line, and waits until it comes back.
    ///
    /// # Errors
    /// [`Error::TooLate`] when nothing comes back, [`Error::System`] when the connection is broken,
    /// [`Error::Unexpected`] when something else comes back.
    pub async fn say(&mut self, line: &str, bound: Duration) -> Result<(), Error> {
        let exchange = async {
            self.stream.write_all(format!("{line}\n").as_bytes()).await?;
            read_line(&mut self.stream).await
        };
        let doing = || format!("talk to {} at {}", self.node, self.address);
        match tokio::time::timeout(bound, exchange).await {
            Ok(Ok(answer)) if answer == line => Ok(()),
            Ok(Ok(answer)) => Err(Error::Unexpected {
                host: self.host.name().to_owned(),
                what: format!(
                    "{} at {} sent {answer:?} back for {line:?}",
                    self.node, self.address
                ),
            }),
            Ok(Err(source)) => Err(Error::system(&self.host, doing(), source)),
            Err(_) => Err(Error::too_late(
                &self.host,
                format!("an answer of {} at {}", self.node, self.address),
                bound,
            )),
        }
    }
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    stream.take(LINE_LIMIT).read_line(&mut line).await?;
    match line.strip_suffix('\n') {
        Some(line) => Ok(line.to_owned()),
        // Closed before the end of the line.
        None => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}
