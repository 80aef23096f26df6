//! The server's socket: UDP 67 on one interface.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use dhcproto::Encodable;
use dhcproto::v4::{CLIENT_PORT, SERVER_PORT};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::Effect;
use crate::neighbor::wire::Wire;
use crate::router::Shared;

/// The largest message that is read: an Ethernet frame's worth.
const MESSAGE: usize = 1_500;
/// After a read that failed, which it does as long as the interface is gone.
const BREATH: Duration = Duration::from_millis(50);

/// Opens UDP 67 on `interface` in the calling thread's network namespace.
///
/// # Errors
/// Where the port is taken or `CAP_NET_RAW` and `CAP_NET_BIND_SERVICE` are missing.
pub(crate) fn open(interface: &str) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, SERVER_PORT).into())?;
    UdpSocket::from_std(socket.into())
}

/// Serves clients until the task is dropped.
pub(crate) async fn serve(shared: Arc<Shared>, socket: UdpSocket, wire: Arc<Wire>) {
    let mut buffer = [0; MESSAGE];
    loop {
        let deadline = shared.device().dhcp_deadline();
        let due = async {
            match deadline {
                Some(deadline) => shared.clock.reached(deadline).await,
                None => std::future::pending().await,
            }
        };
        let effects = tokio::select! {
            () = due => shared.device().dhcp_due(),
            () = shared.dhcp_changed.notified() => Vec::new(),
            received = socket.recv_from(&mut buffer) => match received {
                Ok((length, _)) => received_message(&shared, &buffer[..length]),
                Err(error) => {
                    tracing::debug!(%error, "reading from the DHCP socket");
                    tokio::time::sleep(BREATH).await;
                    Vec::new()
                }
            },
        };
        for effect in effects {
            carry_out(&socket, &wire, effect).await;
        }
    }
}

/// Malformed messages are dropped.
fn received_message(shared: &Shared, bytes: &[u8]) -> Vec<Effect> {
    let Some(message) = super::packet::decode(bytes) else {
        tracing::debug!(length = bytes.len(), "dropping a malformed DHCP message");
        return Vec::new();
    };
    shared.device().dhcp_message(&message)
}

async fn carry_out(socket: &UdpSocket, wire: &Wire, effect: Effect) {
    match effect {
        Effect::Ask(frame) => wire.send(&frame),
        Effect::Send(message, to) => match message.to_vec() {
            Ok(bytes) => {
                if let Err(error) = socket.send_to(&bytes, SocketAddrV4::new(to, CLIENT_PORT)).await {
                    tracing::debug!(%error, %to, "answering a DHCP client");
                }
            }
            Err(error) => tracing::debug!(%error, "writing a DHCP message"),
        },
    }
}
