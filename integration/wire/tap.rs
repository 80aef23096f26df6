//! A raw socket on an interface that sees and sends ARP frames only. For a thread in the host's namespace.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::IntoRawFd;
use std::time::Duration;

use ipnet::Ipv4Net;
use pnet::datalink::{self, Channel, Config, DataLinkReceiver, DataLinkSender, NetworkInterface};
use socket2::{Domain, SockFilter, Socket, Type};

use super::arp::ArpFrame;
use crate::lan::Mac;

/// Lets ARP through and nothing else, so that a stream of datagrams beside it costs no wake-ups: load the ethertype,
/// compare, all of the frame or none of it (BPF: `ldh [12]; jeq #0x806; ret #-1; ret #0`).
const ARP_ONLY: [SockFilter; 4] = [
    SockFilter::new(0x28, 0, 0, 12),
    SockFilter::new(0x15, 0, 1, 0x0806),
    SockFilter::new(0x06, 0, 0, u32::MAX),
    SockFilter::new(0x06, 0, 0, 0),
];

/// Lets questions for one address through (BPF: `ldh [12]; jeq #0x806; ldh [20]; jeq #1; ld [38]; jeq ADDRESS; ret #-1;
/// ret #0`).
const fn questions_for(asked: Ipv4Addr) -> [SockFilter; 8] {
    [
        SockFilter::new(0x28, 0, 0, 12),
        SockFilter::new(0x15, 0, 5, 0x0806),
        SockFilter::new(0x28, 0, 0, 20),
        SockFilter::new(0x15, 0, 3, 1),
        SockFilter::new(0x20, 0, 0, 38),
        SockFilter::new(0x15, 0, 1, asked.to_bits()),
        SockFilter::new(0x06, 0, 0, u32::MAX),
        SockFilter::new(0x06, 0, 0, 0),
    ]
}

/// The socket, and who we are on that interface.
pub(super) struct Tap {
    sender: Box<dyn DataLinkSender>,
    receiver: Box<dyn DataLinkReceiver>,
    interface: NetworkInterface,
    /// The same socket, for what pnet has no words for.
    socket: Socket,
}

impl Tap {
    /// Opens it in the calling thread's namespace. `patience` is how long [`next`](Self::next) waits.
    pub(super) fn open(interface: &str, patience: Duration) -> io::Result<Self> {
        Self::open_with(interface, patience, &ARP_ONLY)
    }

    /// The same for the questions for one address alone: nothing else wakes anybody.
    pub(super) fn open_for(interface: &str, patience: Duration, asked: Ipv4Addr) -> io::Result<Self> {
        Self::open_with(interface, patience, &questions_for(asked))
    }

    /// The same without a filter: whatever the interface receives is read, and thrown away by whoever reads it.
    pub(super) fn open_unfiltered(interface: &str, patience: Duration) -> io::Result<Self> {
        Self::open_with(interface, patience, &[])
    }

    fn open_with(interface: &str, patience: Duration, filter: &[SockFilter]) -> io::Result<Self> {
        let found = datalink::interfaces()
            .into_iter()
            .find(|candidate| candidate.name == interface);
        let interface = found
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no {interface}")))?;
        // Protocol 0 until it is bound: no frame gets in before the filter.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        if !filter.is_empty() {
            socket.attach_filter(filter)?;
        }
        let config = Config {
            read_timeout: Some(patience),
            write_timeout: Some(patience),
            promiscuous: true,
            socket_fd: Some(socket.try_clone()?.into_raw_fd()),
            ..Config::default()
        };
        match datalink::channel(&interface, config)? {
            Channel::Ethernet(sender, receiver) => Ok(Self {
                sender,
                receiver,
                interface,
                socket,
            }),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The next frame, or nothing if none came in time. A link that goes down says so once, and that is nothing too: the
    /// socket works on when it is up again.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let error = match self.receiver.next() {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::TimedOut
            | io::ErrorKind::Interrupted
            | io::ErrorKind::WouldBlock
            | io::ErrorKind::NetworkDown => Ok(None),
            // What pnet says when the socket has an error to tell and no frame. The error must be taken, or it is told
            // again at once, for ever.
            io::ErrorKind::Other => match self.socket.take_error()? {
                Some(error) if error.kind() != io::ErrorKind::NetworkDown => Err(error),
                _ => Ok(None),
            },
            _ => Err(error),
        }
    }

    pub(super) fn send(&mut self, frame: &ArpFrame) -> io::Result<()> {
        self.sender
            .send_to(&frame.to_bytes(), None)
            .unwrap_or_else(|| Err(io::ErrorKind::WriteZero.into()))
    }

    /// The bare socket, which does not block, for whoever counts every microsecond.
    pub(super) const fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(super) fn mac(&self) -> Mac {
        self.interface.mac.map_or(Mac::ZERO, |mac| Mac(mac.octets()))
    }

    /// The address to ask from: ours in the network of `wanted`, any of ours, or none (which makes it a probe).
    pub(super) fn address_towards(&self, wanted: Ipv4Addr) -> Ipv4Addr {
        let ours = || {
            self.interface.ips.iter().filter_map(|ip| match ip {
                pnet::ipnetwork::IpNetwork::V4(ip) => Ipv4Net::new(ip.ip(), ip.prefix()).ok(),
                pnet::ipnetwork::IpNetwork::V6(_) => None,
            })
        };
        let near = ours().find(|ours| ours.contains(&wanted));
        near.or_else(|| ours().next())
            .map_or(Ipv4Addr::UNSPECIFIED, |ours| ours.addr())
    }
}
