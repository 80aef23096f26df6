//! A DHCP server of a few lines, which writes down what it hears.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use dhcproto::v4::{
    CLIENT_PORT, Decodable, Decoder, DhcpOption, Encodable, Encoder, Message, MessageType, Opcode,
    OptionCode, SERVER_PORT,
};
use lab::lan::{Host, Journal};
use socket2::{Domain, Socket, Type};

const OWN: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const ALL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::BROADCAST), CLIENT_PORT);

/// Gives 192.168.1.100 and on, or what is asked for; until it is dropped.
pub(crate) struct Server {
    heard: Journal<String>,
    refusing: Arc<AtomicBool>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(router: &Host) -> anyhow::Result<Self> {
        let socket = router.run(|| -> std::io::Result<UdpSocket> {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
            socket.set_broadcast(true)?;
            socket.bind_device(Some(b"bridge"))?;
            socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, SERVER_PORT)).into())?;
            socket.set_read_timeout(Some(Duration::from_millis(20)))?;
            Ok(socket.into())
        })??;
        let mut server = Self {
            heard: Journal::new(100),
            refusing: Arc::default(),
            ending: Arc::default(),
            thread: None,
        };
        let (heard, refusing, ending) = (
            server.heard.clone(),
            Arc::clone(&server.refusing),
            Arc::clone(&server.ending),
        );
        server.thread = Some(router.thread("dhcp", move || {
            let mut addresses = BTreeMap::new();
            while !ending.load(Ordering::Relaxed) {
                let mut buffer = [0; 2048];
                let Ok((length, _)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                let message = Message::decode(&mut Decoder::new(&buffer[..length])).unwrap();
                heard.push(describe(&message));
                if let Some((answer, to)) = answer(&message, &mut addresses, refusing.load(Ordering::Relaxed))
                {
                    // Before the answer, what is meant for others and says so.
                    let mut others = [answer.clone(), answer.clone()];
                    others[0]
                        .set_xid(answer.xid().wrapping_add(1))
                        .set_yiaddr([192, 168, 1, 66]);
                    others[1]
                        .set_chaddr(&[2, 6, 6, 6, 6, 6])
                        .set_yiaddr([192, 168, 1, 66]);
                    for message in others.iter().chain([&answer]) {
                        let mut bytes = Vec::new();
                        message.encode(&mut Encoder::new(&mut bytes)).unwrap();
                        socket.send_to(&bytes, to).unwrap();
                    }
                }
            }
        })?);
        Ok(server)
    }

    /// Says no to every request from now on.
    pub(crate) fn refuse(&self) {
        self.refusing.store(true, Ordering::Relaxed);
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.entries()
    }

    pub(crate) async fn wait_for(&self, line: &str) -> anyhow::Result<()> {
        let found = self
            .heard
            .wait_for(|heard| heard == line, Duration::from_secs(10))
            .await;
        found
            .map(|_| ())
            .with_context(|| format!("{line:?} was not heard: {:?}", self.heard()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

fn describe(message: &Message) -> String {
    let mut words = vec![format!("{:?}", message.opts().msg_type().unwrap()).to_lowercase()];
    if let Some(DhcpOption::Hostname(name)) = message.opts().get(OptionCode::Hostname) {
        words.push(name.clone());
    }
    words.push(if message.flags().broadcast() {
        "broadcast".to_owned()
    } else {
        "unicast".to_owned()
    });
    if !message.ciaddr().is_unspecified() {
        words.push(format!("for {}", message.ciaddr()));
    }
    if let Some(DhcpOption::RequestedIpAddress(address)) = message.opts().get(OptionCode::RequestedIpAddress)
    {
        words.push(address.to_string());
    }
    words.join(" ")
}

fn answer(
    message: &Message,
    addresses: &mut BTreeMap<Vec<u8>, Ipv4Addr>,
    refusing: bool,
) -> Option<(Message, SocketAddr)> {
    let kind = match message.opts().msg_type().unwrap() {
        MessageType::Discover => MessageType::Offer,
        MessageType::Request if refusing => MessageType::Nak,
        MessageType::Request => MessageType::Ack,
        _ => return None,
    };
    let next = Ipv4Addr::new(192, 168, 1, 100 + u8::try_from(addresses.len()).unwrap());
    let wanted = match message.opts().get(OptionCode::RequestedIpAddress) {
        Some(DhcpOption::RequestedIpAddress(wanted)) => *wanted,
        _ => next,
    };
    let address = *addresses.entry(message.chaddr().to_vec()).or_insert(wanted);
    let mut answer = Message::default();
    answer
        .set_opcode(Opcode::BootReply)
        .set_xid(message.xid())
        .set_chaddr(message.chaddr())
        .set_yiaddr(address);
    let options = [
        DhcpOption::MessageType(kind),
        DhcpOption::ServerIdentifier(OWN),
        DhcpOption::SubnetMask([255, 255, 255, 0].into()),
        DhcpOption::Router(vec![OWN]),
        DhcpOption::AddressLeaseTime(600),
    ];
    for option in options {
        answer.opts_mut().insert(option);
    }
    let unicast = !message.ciaddr().is_unspecified();
    Some((
        answer,
        if unicast {
            (message.ciaddr(), CLIENT_PORT).into()
        } else {
            ALL
        },
    ))
}
