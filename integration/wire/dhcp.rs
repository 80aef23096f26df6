//! A DHCP client (RFC 2131) of the LAN: a phone, or a newcomer that takes what it gets.

mod exchange;
mod lease;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use dhcproto::v4::{DhcpOption, Flags, Message, MessageType, OptionCode};
use tokio::task::AbortHandle;

use exchange::Exchange;
pub use lease::DhcpLease;

use super::Error;
use crate::lan::{Host, Journal, Mac};

/// Renewals kept of a [`KeptLease`]: hours of a demo's phone.
const RENEWALS: usize = 1_000;

/// A renewal that takes longer has failed; a server on the LAN answers in milliseconds.
const RENEWAL: Duration = Duration::from_secs(2);

/// What every client asks for (RFC 2132): mask, router, name servers, lease time.
const WANTED: [OptionCode; 4] = [
    OptionCode::SubnetMask,
    OptionCode::Router,
    OptionCode::DomainNameServer,
    OptionCode::AddressLeaseTime,
];

/// A DHCP client on a host's interface.
///
/// It asks by broadcast and wants to be answered so, from a socket bound to the interface; it renews by unicast, as a
/// client with an address does. The kernel's own filters see to the rest: what it can do, any client can.
///
/// ```no_run
/// # async fn example(phone: lab::lan::Host) -> Result<(), lab::wire::Error> {
/// use std::time::Duration;
/// use lab::wire::DhcpClient;
/// let mut client = DhcpClient::new(&phone).await?.hostname("phone");
/// let lease = client.acquire(Duration::from_secs(5)).await?;
/// client.configure().await?;
/// println!("{} from {} for {:?}", lease.address, lease.server, lease.lease_time);
/// let kept = client.keep_renewing(Duration::from_secs(5)); // until dropped
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DhcpClient {
    host: Host,
    mac: Mac,
    hostname: Option<String>,
    exchange: Exchange,
    lease: Option<DhcpLease>,
}

impl DhcpClient {
    /// A client on the host's interface, with the interface's MAC address.
    ///
    /// # Errors
    /// When the kernel refuses the socket.
    pub async fn new(host: &Host) -> Result<Self, Error> {
        let mac = host.link(host.interface()).await?.mac;
        let exchange = Exchange::open(host).await?;
        Ok(Self {
            host: host.clone(),
            mac,
            hostname: None,
            exchange,
            lease: None,
        })
    }

    /// Says another MAC address in its messages: a device that was never here before.
    #[must_use]
    pub fn mac(self, mac: Mac) -> Self {
        Self { mac, ..self }
    }

    /// Tells the server a name, which a MikroTik shows in its lease table.
    #[must_use]
    pub fn hostname(self, hostname: &str) -> Self {
        Self {
            hostname: Some(hostname.to_owned()),
            ..self
        }
    }

    /// The lease it holds.
    pub fn lease(&self) -> Option<&DhcpLease> {
        self.lease.as_ref()
    }

    /// Gets a lease: discover, offer, request, acknowledgement. Takes the first offer.
    ///
    /// # Errors
    /// [`Error::TooLate`] when no server offers anything, [`Error::Unexpected`] when it takes its offer back.
    pub async fn acquire(&mut self, bound: Duration) -> Result<DhcpLease, Error> {
        self.acquire_wanting(None, bound).await
    }

    /// Gets a lease, and asks for this address first (RFC 2132 9.1, as a phone that was here before).
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire). A server may give another address; that is no error.
    pub async fn acquire_wanting(
        &mut self,
        wanted: Option<Ipv4Addr>,
        bound: Duration,
    ) -> Result<DhcpLease, Error> {
        let deadline = Instant::now() + bound;
        let mut discover = self.message(MessageType::Discover);
        if let Some(wanted) = wanted {
            discover.opts_mut().insert(DhcpOption::RequestedIpAddress(wanted));
        }
        let to_all = SocketAddrV4::new(Ipv4Addr::BROADCAST, dhcproto::v4::SERVER_PORT);
        let offer = self
            .exchange
            .ask(&discover, to_all, &[MessageType::Offer], deadline, "an offer")
            .await?;
        let mut request = self.message(MessageType::Request);
        request.set_xid(discover.xid());
        request
            .opts_mut()
            .insert(DhcpOption::RequestedIpAddress(offer.yiaddr()));
        if let Some(server) = offer.opts().get(OptionCode::ServerIdentifier) {
            request.opts_mut().insert(server.clone());
        }
        let answers = [MessageType::Ack, MessageType::Nak];
        let answer = self
            .exchange
            .ask(&request, to_all, &answers, deadline, "an acknowledgement")
            .await?;
        self.take(&answer)
    }

    /// Asks for an address that it once had, as a client does that was switched off meanwhile (RFC 2131 3.2): a request by
    /// broadcast that names no server, without a discovery.
    ///
    /// # Errors
    /// [`Error::Unexpected`] when the server refuses, [`Error::TooLate`] when nobody answers.
    pub async fn reclaim(&mut self, address: Ipv4Addr, bound: Duration) -> Result<DhcpLease, Error> {
        let mut request = self.message(MessageType::Request);
        request.opts_mut().insert(DhcpOption::RequestedIpAddress(address));
        let to_all = SocketAddrV4::new(Ipv4Addr::BROADCAST, dhcproto::v4::SERVER_PORT);
        let answers = [MessageType::Ack, MessageType::Nak];
        let deadline = Instant::now() + bound;
        let answer = self
            .exchange
            .ask(&request, to_all, &answers, deadline, "its old address")
            .await?;
        self.take(&answer)
    }

    /// Gives the interface the leased address, and the way to the leased router.
    ///
    /// # Errors
    /// Without a lease, or when the kernel refuses.
    pub async fn configure(&self) -> Result<(), Error> {
        let lease = self.held()?;
        self.host
            .add_address(lease.address, self.host.interface())
            .await?;
        if let Some(router) = lease.router {
            self.host.add_default_route(router).await?;
        }
        Ok(())
    }

    /// Renews the lease with the server that gave it, by unicast (RFC 2131 4.4.5). The address must be
    /// [configured](Self::configure), because the answer comes to it.
    ///
    /// # Errors
    /// Without a lease, [`Error::TooLate`] without an answer, [`Error::Unexpected`] when the server refuses.
    pub async fn renew(&mut self, bound: Duration) -> Result<DhcpLease, Error> {
        let lease = self.held()?.clone();
        let mut request = self.message(MessageType::Request);
        // The answer goes to ciaddr, which receives unicast; neither server nor requested address may be named.
        request
            .set_ciaddr(lease.address.addr())
            .set_flags(Flags::default());
        let server = SocketAddrV4::new(lease.server, dhcproto::v4::SERVER_PORT);
        let answers = [MessageType::Ack, MessageType::Nak];
        let deadline = Instant::now() + bound;
        let answer = self
            .exchange
            .ask(&request, server, &answers, deadline, "a renewal")
            .await?;
        self.take(&answer)
    }

    /// Gives the lease back (RFC 2131 4.4.6; there is no answer to wait for) and takes the address off the interface.
    ///
    /// # Errors
    /// Without a lease, or when the kernel refuses.
    pub async fn release(&mut self) -> Result<(), Error> {
        let lease = self.held()?.clone();
        let mut release = self.message(MessageType::Release);
        release
            .set_ciaddr(lease.address.addr())
            .set_flags(Flags::default());
        // None of what only the other messages carry (RFC 2131 table 5).
        release.opts_mut().remove(OptionCode::ParameterRequestList);
        release.opts_mut().remove(OptionCode::Hostname);
        release
            .opts_mut()
            .insert(DhcpOption::ServerIdentifier(lease.server));
        self.exchange
            .tell(
                &release,
                SocketAddrV4::new(lease.server, dhcproto::v4::SERVER_PORT),
            )
            .await?;
        self.lease = None;
        Ok(self.host.del_address(lease.address.addr()).await?)
    }

    /// Renews every `interval` until the result is dropped.
    pub fn keep_renewing(mut self, interval: Duration) -> KeptLease {
        let journal = Journal::new(RENEWALS);
        let host = self.host.clone();
        let task = {
            let journal = journal.clone();
            async move {
                loop {
                    tokio::time::sleep(interval).await;
                    let outcome = self.renew(RENEWAL).await.map_err(|error| error.to_string());
                    journal.push(Renewal {
                        at: Instant::now(),
                        outcome,
                    });
                }
            }
        };
        // Not on the host's own runtime: it holds the host, and nothing that runs in a host may keep it alive.
        let task = tokio::spawn(task).abort_handle();
        KeptLease { host, journal, task }
    }

    fn message(&self, kind: MessageType) -> Message {
        let mut message = Message::default();
        message
            .set_flags(Flags::default().set_broadcast())
            .set_chaddr(&self.mac.0);
        let options = message.opts_mut();
        options.insert(DhcpOption::MessageType(kind));
        options.insert(DhcpOption::ParameterRequestList(WANTED.to_vec()));
        if let Some(hostname) = &self.hostname {
            options.insert(DhcpOption::Hostname(hostname.clone()));
        }
        message
    }

    fn held(&self) -> Result<&DhcpLease, Error> {
        self.lease
            .as_ref()
            .ok_or_else(|| self.unexpected("it holds no lease: acquire one first".to_owned()))
    }

    fn take(&mut self, answer: &Message) -> Result<DhcpLease, Error> {
        if answer.opts().has_msg_type(MessageType::Nak) {
            self.lease = None;
            return Err(self.unexpected("the DHCP server said no (NAK)".to_owned()));
        }
        let lease = DhcpLease::read(answer).map_err(|what| self.unexpected(what))?;
        self.lease = Some(lease.clone());
        Ok(lease)
    }

    fn unexpected(&self, what: String) -> Error {
        Error::Unexpected {
            host: self.host.name().to_owned(),
            what,
        }
    }
}

/// How a renewal went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// When it was over.
    pub at: Instant,
    /// The lease, or why there is none.
    pub outcome: Result<DhcpLease, String>,
}

/// A lease that is renewed again and again, until this is dropped.
#[derive(Debug)]
pub struct KeptLease {
    host: Host,
    journal: Journal<Renewal>,
    task: AbortHandle,
}

impl KeptLease {
    /// All renewals, oldest first.
    pub fn renewals(&self) -> Vec<Renewal> {
        self.journal.entries()
    }

    /// Waits for a renewal after `since` that went well.
    ///
    /// # Errors
    /// [`Error::TooLate`], with the last one that did not.
    pub async fn wait_for_renewal(&self, since: Instant, bound: Duration) -> Result<DhcpLease, Error> {
        let good = |renewal: &Renewal| renewal.at >= since && renewal.outcome.is_ok();
        let found = self.journal.wait_for(good, bound).await;
        found
            .and_then(|renewal| renewal.outcome.ok())
            .ok_or_else(|| Error::TooLate {
                host: self.host.name().to_owned(),
                what: "a renewal of its lease".to_owned(),
                bound,
                detail: self.renewals().last().map_or(String::new(), |last| {
                    format!("; the last one: {:?}", last.outcome)
                }),
            })
    }
}

impl Drop for KeptLease {
    fn drop(&mut self) {
        self.task.abort();
    }
}
