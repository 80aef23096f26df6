//! Questions and answers by DHCP's ports.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};

use dhcproto::v4::{
    CLIENT_PORT, Decodable, Decoder, Encodable, Encoder, MIN_PACKET_SIZE, Message, MessageType, Opcode,
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::super::Error;
use crate::lan::Host;

/// How long an answer may take before the question is repeated. RFC 2131 4.1 begins with four seconds; on a LAN without
/// loss there is nothing to repeat, and a lab has no four seconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// Larger than any message that fits an Ethernet frame.
const LARGEST: usize = 2_048;

/// A client's socket.
#[derive(Debug)]
pub(super) struct Exchange {
    host: Host,
    socket: UdpSocket,
}

impl Exchange {
    pub(super) async fn open(host: &Host) -> Result<Self, Error> {
        let failed = |source| Error::system(host, "open a DHCP client's socket", source);
        let socket = host.run(|| bind(host.interface()))?.map_err(failed)?;
        let socket = host
            .call(async move { UdpSocket::from_std(socket) })
            .await?
            .map_err(failed)?;
        Ok(Self {
            host: host.clone(),
            socket,
        })
    }

    /// Sends the question until one of the answers comes, or the deadline.
    pub(super) async fn ask(
        &self,
        question: &Message,
        to: SocketAddrV4,
        answers: &[MessageType],
        deadline: Instant,
        what: &str,
    ) -> Result<Message, Error> {
        let begun = Instant::now();
        loop {
            self.tell(question, to).await?;
            let until = deadline.min(Instant::now() + PATIENCE);
            match tokio::time::timeout_at(until.into(), self.answer(question, answers)).await {
                Ok(answer) => return answer,
                Err(_) if Instant::now() < deadline => {}
                Err(_) => {
                    return Err(Error::too_late(
                        &self.host,
                        format!("{what} of a DHCP server"),
                        deadline - begun,
                    ));
                }
            }
        }
    }

    pub(super) async fn tell(&self, message: &Message, to: SocketAddrV4) -> Result<(), Error> {
        let failed = |source| Error::system(&self.host, format!("send a DHCP message to {to}"), source);
        let mut bytes = Vec::new();
        message
            .encode(&mut Encoder::new(&mut bytes))
            .map_err(|error| failed(io::Error::other(error)))?;
        // BOOTP's size, below which old servers do not listen.
        bytes.resize(bytes.len().max(MIN_PACKET_SIZE), 0);
        self.socket.send_to(&bytes, to).await.map_err(failed)?;
        Ok(())
    }

    /// The next answer to this very question; everything else on the port is passed over.
    async fn answer(&self, question: &Message, answers: &[MessageType]) -> Result<Message, Error> {
        let mut buffer = vec![0; LARGEST];
        loop {
            let received = self.socket.recv_from(&mut buffer).await;
            let (length, _) =
                received.map_err(|source| Error::system(&self.host, "receive a DHCP message", source))?;
            let Ok(message) = Message::decode(&mut Decoder::new(&buffer[..length])) else {
                continue;
            };
            let ours = message.opcode() == Opcode::BootReply
                && message.xid() == question.xid()
                && message.chaddr() == question.chaddr();
            if ours
                && message
                    .opts()
                    .msg_type()
                    .is_some_and(|kind| answers.contains(&kind))
            {
                return Ok(message);
            }
        }
    }
}

fn bind(interface: &str) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // Two clients on one interface are two devices in one box.
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, CLIENT_PORT)).into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
