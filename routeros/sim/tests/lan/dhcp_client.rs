//! A DHCP client in a host's namespace.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use dhcproto::v4::{DhcpOption, Flags, Message, MessageType, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable};
use socket2::{Domain, Socket, Type};

use crate::host::{Host, INTERFACE};
use crate::segment::ROUTER;

/// A client sends again after this time (RFC 2131 says 4 s; a test need not wait that long).
const AGAIN: Duration = Duration::from_secs(1);
/// And gives up after this.
const PATIENCE: Duration = Duration::from_secs(15);

/// A DHCP client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DhcpClient {
    mac: [u8; 6],
}

impl DhcpClient {
    pub(crate) async fn of(host: &Host) -> Self {
        Self {
            mac: host.mac().await,
        }
    }

    pub(crate) fn message(self, kind: MessageType) -> Message {
        let mut message = Message::default();
        message
            .set_chaddr(&self.mac)
            .set_flags(Flags::default().set_broadcast());
        message.opts_mut().insert(DhcpOption::MessageType(kind));
        message.opts_mut().insert(DhcpOption::Hostname("phone".into()));
        message
    }

    /// DISCOVER, OFFER, REQUEST, ACK: the address and the ACK.
    pub(crate) async fn lease(self, host: &Host) -> (Ipv4Addr, Message) {
        let offer = self
            .ask(host, self.message(MessageType::Discover), Ipv4Addr::BROADCAST)
            .await
            .expect("an offer");
        assert_eq!(offer.opts().msg_type(), Some(MessageType::Offer));
        let mut request = self.message(MessageType::Request);
        request
            .opts_mut()
            .insert(DhcpOption::RequestedIpAddress(offer.yiaddr()));
        request.opts_mut().insert(
            offer
                .opts()
                .get(OptionCode::ServerIdentifier)
                .expect("the server")
                .clone(),
        );
        let answer = self
            .ask(host, request, Ipv4Addr::BROADCAST)
            .await
            .expect("an answer");
        assert_eq!(answer.opts().msg_type(), Some(MessageType::Ack));
        (answer.yiaddr(), answer)
    }

    /// A renewal by unicast from the address that the host has: the kind of the answer, if there is one.
    pub(crate) async fn renew(self, host: &Host, address: Ipv4Addr) -> Option<MessageType> {
        let mut request = self.message(MessageType::Request);
        request.set_ciaddr(address).set_flags(Flags::default());
        self.ask(host, request, ROUTER)
            .await
            .and_then(|answer| answer.opts().msg_type())
    }

    /// Sends a message and waits for the answer to it; `None` where none comes.
    async fn ask(self, host: &Host, message: Message, to: Ipv4Addr) -> Option<Message> {
        let xid = message.xid();
        // A server that stays silent is waited for once, not again and again.
        let patience = if to == ROUTER { 2 * AGAIN } else { PATIENCE };
        host.run(move || {
            let socket = socket();
            let asked = Instant::now();
            let bytes = message.to_vec().unwrap();
            while asked.elapsed() < patience {
                socket.send_to(&bytes, SocketAddrV4::new(to, 67)).unwrap();
                let mut buffer = [0; 1_500];
                while let Ok((length, _)) = socket.recv_from(&mut buffer) {
                    let answer = Message::decode(&mut Decoder::new(&buffer[..length])).unwrap();
                    if answer.xid() == xid {
                        return Some(answer);
                    }
                }
            }
            None
        })
        .await
    }

    /// Sends bytes to the server, whatever they are.
    pub(crate) async fn send(self, host: &Host, datagrams: Vec<Vec<u8>>) {
        host.run(move || {
            let socket = socket();
            for datagram in datagrams {
                socket
                    .send_to(&datagram, SocketAddrV4::new(Ipv4Addr::BROADCAST, 67))
                    .unwrap();
            }
        })
        .await;
    }
}

fn socket() -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_broadcast(true).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind_device(Some(INTERFACE.as_bytes())).unwrap();
    socket
        .bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68).into())
        .unwrap();
    socket.set_read_timeout(Some(AGAIN)).unwrap();
    socket.into()
}
