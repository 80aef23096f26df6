//! The messages of RFC 2131, one function each.

use std::net::Ipv4Addr;
use std::time::Duration;

use dhcproto::v4::{DhcpOption, Message, MessageType, OptionCode};

use super::client::{self, Client};
use super::lease::{Binding, Life, Status};
use super::{Effect, Test};
use crate::config::Renewal;
use crate::device::Device;
use crate::menu::Menu;
use crate::neighbor::frame::ArpFrame;
use crate::table::{Entry, Key, Live};
use crate::value::mac::Mac;
use crate::value::{Link, Value};

/// How long an address is probed before it is offered (`conflict-detection`, measured at about 0.5 s).
pub(crate) const PROBE: Duration = Duration::from_millis(500);
/// How long an offer stands. Clients answer within seconds.
pub(crate) const OFFER: Duration = Duration::from_secs(30);
/// How many addresses are probed for one DISCOVER before the client has to ask again.
const TRIES: u8 = 8;
/// How many probes run at once. A client that finds no place asks again.
const TESTS: usize = 64;

/// What a client gets, from which pool and until when.
struct Hold {
    status: Status,
    address: Ipv4Addr,
    pool: Option<Key>,
    until: Duration,
}

impl Device {
    /// Answers one message. Relayed ones are ignored: the simulator has one LAN.
    pub(crate) fn dhcp_message(&mut self, message: &Message) -> Vec<Effect> {
        self.settle();
        let (Some(server), Some(client)) = (self.lan_server(), Client::of(message)) else {
            return Vec::new();
        };
        if !message.giaddr().is_unspecified() {
            return Vec::new();
        }
        match message.opts().msg_type() {
            Some(MessageType::Discover) => self.discover(server, &client, message),
            Some(MessageType::Request) => self.request(server, &client, message).into_iter().collect(),
            Some(MessageType::Release) => self.release(server, &client, message.ciaddr()),
            Some(MessageType::Decline) => self.decline(server, &client, message),
            Some(MessageType::Inform) => self.inform(message, server).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn discover(&mut self, server: Key, client: &Client, message: &Message) -> Vec<Effect> {
        if let Some(lease) = self.static_lease(server, client) {
            return match lease.fixed_address() {
                Some(address) if !lease.flag("block-access") => {
                    self.offer_static(lease.key, server, client, message, address)
                }
                _ => Vec::new(),
            };
        }
        let own = self
            .dynamic_leases(server, client)
            .find(|(_, binding)| self.hands_out(server, binding.address));
        let Some((lease, binding)) = own.map(|(lease, binding)| (lease.key, binding.clone())) else {
            return self.test_another(server, client, message, 0);
        };
        if binding.status == Status::Testing {
            // Asked again while its address is still being probed: the offer must answer the newer message.
            if let Some(test) = self.dhcp.tests.iter_mut().find(|test| test.lease == lease) {
                test.discover = message.clone();
            }
            return Vec::new();
        }
        self.offer(server, lease, message, binding.address)
    }

    fn offer_static(
        &mut self,
        lease: Key,
        server: Key,
        client: &Client,
        message: &Message,
        address: Ipv4Addr,
    ) -> Vec<Effect> {
        let bound = self
            .binding(lease)
            .is_some_and(|binding| binding.status == Status::Bound);
        if !bound {
            let until = self.now() + OFFER;
            let hold = Hold {
                status: Status::Offered,
                address,
                pool: None,
                until,
            };
            self.bind(lease, self.new_binding(server, client, message, &hold));
        }
        self.offer(server, lease, message, address)
    }

    /// Picks an address and probes it, or offers it at once where the server does not detect conflicts.
    fn test_another(&mut self, server: Key, client: &Client, message: &Message, tries: u8) -> Vec<Effect> {
        let wish = match message.opts().get(OptionCode::RequestedIpAddress) {
            Some(DhcpOption::RequestedIpAddress(address)) => Some(*address),
            _ => None,
        };
        if tries >= TRIES || self.dhcp.tests.len() >= TESTS {
            return Vec::new();
        }
        let Some((pool, address)) = self.choose_address(server, client, wish) else {
            return Vec::new();
        };
        let detects = self
            .get(Menu::DhcpServer, server)
            .is_some_and(|server| server.text("conflict-detection") != Some("false"));
        let (status, wait) = if detects {
            (Status::Testing, PROBE)
        } else {
            (Status::Offered, OFFER)
        };
        let until = self.now() + wait;
        let hold = Hold {
            status,
            address,
            pool: Some(pool),
            until,
        };
        let binding = self.new_binding(server, client, message, &hold);
        let lease = self.insert_dynamic_lease(binding);
        if !detects {
            return self.offer(server, lease, message, address);
        }
        self.dhcp.tests.push(Test {
            lease,
            server,
            discover: message.clone(),
            tries: tries + 1,
        });
        self.lan
            .iter()
            .map(|lan| Effect::Ask(ArpFrame::probe(lan.mac, address)))
            .collect()
    }

    /// Offers what was probed in silence until now.
    pub(crate) fn dhcp_due(&mut self) -> Vec<Effect> {
        self.settle();
        let now = self.now();
        let mut effects = Vec::new();
        for test in std::mem::take(&mut self.dhcp.tests) {
            match self.binding_mut(test.lease) {
                Some(binding) if binding.until <= now => {
                    binding.status = Status::Offered;
                    binding.until = now + OFFER;
                    let address = binding.address;
                    effects.extend(self.offer(test.server, test.lease, &test.discover, address));
                }
                Some(_) => self.dhcp.tests.push(test),
                // The row was removed meanwhile.
                None => {}
            }
        }
        effects
    }

    /// Somebody spoke for `address`. If it is being probed, it is in conflict and the next one is tried.
    pub(crate) fn dhcp_heard(&mut self, address: Ipv4Addr, mac: Mac) -> Vec<Effect> {
        let probed = |binding: &Binding| {
            binding.status == Status::Testing && binding.address == address && binding.mac != mac
        };
        let lease = self
            .entries(Menu::Lease)
            .find(|lease| lease.binding().is_some_and(probed))
            .map(|lease| lease.key);
        let Some(test) = lease.and_then(|lease| self.dhcp.take_test(lease)) else {
            return Vec::new();
        };
        let until = self.now() + self.lease_time(test.server, None);
        self.set_aside(test.lease, Status::Conflict, until);
        match Client::of(&test.discover) {
            Some(client) => self.test_another(test.server, &client, &test.discover, test.tries),
            None => Vec::new(),
        }
    }

    fn request(&mut self, server: Key, client: &Client, message: &Message) -> Option<Effect> {
        let wanted = match message.opts().get(OptionCode::RequestedIpAddress) {
            Some(DhcpOption::RequestedIpAddress(address)) => *address,
            _ => message.ciaddr(),
        };
        match message.opts().get(OptionCode::ServerIdentifier) {
            Some(DhcpOption::ServerIdentifier(id)) if Some(*id) != self.server_id(server, wanted) => {
                self.forget_offers(server, client);
                None
            }
            Some(_) => match self.lease_for(server, client, wanted) {
                Some(lease) => self.acknowledge(server, lease, client, message, wanted),
                None => self.refuse(message, server),
            },
            None => self.renew(server, client, message, wanted),
        }
    }

    /// The client's lease of exactly this address.
    fn lease_for(&self, server: Key, client: &Client, wanted: Ipv4Addr) -> Option<Key> {
        let has = |lease: &Entry| match lease.binding() {
            Some(binding) => {
                matches!(binding.status, Status::Offered | Status::Bound) && binding.address == wanted
            }
            // A static lease that nobody has at the moment.
            None => lease.fixed_address() == Some(wanted),
        };
        if let Some(lease) = self.static_lease(server, client) {
            return (has(lease) && !lease.flag("block-access")).then_some(lease.key);
        }
        self.dynamic_leases(server, client)
            .map(|(lease, _)| lease)
            .find(|lease| has(lease))
            .map(|lease| lease.key)
    }

    /// A renewal, or a client that boots and remembers its address.
    fn renew(&mut self, server: Key, client: &Client, message: &Message, wanted: Ipv4Addr) -> Option<Effect> {
        if let Some(lease) = self.static_lease(server, client) {
            // A reservation that moved: the client keeps its address until it expires (7.24.4).
            let moved = lease.binding().is_some_and(|binding| binding.address == wanted);
            return match lease.fixed_address() {
                _ if lease.flag("block-access") => None,
                Some(fixed) if fixed == wanted => {
                    self.acknowledge(server, lease.key, client, message, wanted)
                }
                _ if moved => None,
                _ => self.refuse_unknown(server, message),
            };
        }
        let Some(lease) = self.lease_for(server, client, wanted) else {
            return self.refuse_unknown(server, message);
        };
        let inside = self.hands_out(server, wanted);
        match self.switches.renewal_outside_pool {
            _ if inside => self.acknowledge(server, lease, client, message, wanted),
            Renewal::Ack => self.acknowledge(server, lease, client, message, wanted),
            Renewal::Silent => None,
            Renewal::Nak => {
                self.unbind(lease);
                self.refuse(message, server)
            }
        }
    }

    /// A client without a lease is refused by a server that is `authoritative`, at once or after its delay.
    fn refuse_unknown(&self, server: Key, message: &Message) -> Option<Effect> {
        let waits = match self.get(Menu::DhcpServer, server)?.text("authoritative") {
            Some("no") => return None,
            Some("after-2sec-delay") => 2,
            Some("after-10sec-delay") => 10,
            _ => 0,
        };
        (message.secs() >= waits)
            .then(|| self.refuse(message, server))
            .flatten()
    }

    fn acknowledge(
        &mut self,
        server: Key,
        lease: Key,
        client: &Client,
        message: &Message,
        address: Ipv4Addr,
    ) -> Option<Effect> {
        let entry = self.get(Menu::Lease, lease)?;
        let until = self.now() + self.lease_time(server, Some(entry));
        let pool = entry.binding().and_then(|binding| binding.pool);
        let hold = Hold {
            status: Status::Bound,
            address,
            pool,
            until,
        };
        self.bind(lease, self.new_binding(server, client, message, &hold));
        self.dhcp.remember(server, client.clone(), address);
        // A client has one dynamic lease: what it had before, outside a shrunk pool, ends here.
        let others: Vec<Key> = self
            .dynamic_leases(server, client)
            .map(|(other, _)| other.key)
            .collect();
        for other in others.into_iter().filter(|other| *other != lease) {
            self.unbind(other);
        }
        self.add_dhcp_neighbor(server, lease);
        self.grant(
            MessageType::Ack,
            message,
            server,
            self.get(Menu::Lease, lease),
            address,
        )
    }

    fn release(&mut self, server: Key, client: &Client, address: Ipv4Addr) -> Vec<Effect> {
        if let Some(lease) = self.lease_for(server, client, address) {
            self.unbind(lease);
        }
        Vec::new()
    }

    fn decline(&mut self, server: Key, client: &Client, message: &Message) -> Vec<Effect> {
        let Some(DhcpOption::RequestedIpAddress(address)) =
            message.opts().get(OptionCode::RequestedIpAddress)
        else {
            return Vec::new();
        };
        let Some(lease) = self.lease_for(server, client, *address) else {
            return Vec::new();
        };
        if self.get(Menu::Lease, lease).is_some_and(|entry| entry.dynamic) {
            let until = self.now() + self.lease_time(server, None);
            self.set_aside(lease, Status::Declined, until);
        } else {
            self.unbind(lease);
        }
        Vec::new()
    }

    fn forget_offers(&mut self, server: Key, client: &Client) {
        let offered = |binding: &Binding| matches!(binding.status, Status::Offered | Status::Testing);
        let leases: Vec<Key> = self
            .dynamic_leases(server, client)
            .filter(|(_, binding)| offered(binding))
            .map(|(lease, _)| lease.key)
            .collect();
        for lease in leases {
            self.unbind(lease);
        }
    }

    fn offer(&mut self, server: Key, lease: Key, message: &Message, address: Ipv4Addr) -> Vec<Effect> {
        let entry = self.get(Menu::Lease, lease);
        self.grant(MessageType::Offer, message, server, entry, address)
            .into_iter()
            .collect()
    }

    fn new_binding(&self, server: Key, client: &Client, message: &Message, hold: &Hold) -> Binding {
        let id = self
            .get(Menu::DhcpServer, server)
            .map_or(crate::table::Id(0), |server| server.id);
        Binding {
            status: hold.status,
            address: hold.address,
            mac: client.mac,
            client_id: client.id.clone(),
            host_name: client::host_name(message),
            class_id: client::class_id(message),
            server: Link {
                menu: Menu::DhcpServer,
                key: server,
                id,
            },
            pool: hold.pool,
            until: hold.until,
        }
    }

    fn bind(&mut self, lease: Key, binding: Binding) {
        let now = self.now();
        let Some(entry) = self.get_mut(Menu::Lease, lease) else {
            return;
        };
        if let Some(id) = binding.client_id.as_ref().filter(|_| entry.dynamic) {
            entry.values.insert("client-id", Value::Text(id.clone()));
        }
        if let Some(life) = entry.life_mut() {
            life.binding = Some(binding);
            life.last_seen = Some(now);
        }
    }

    /// A row for a binding that has none yet.
    pub(crate) fn insert_dynamic_lease(&mut self, binding: Binding) -> Key {
        let mut entry = Entry::new(true);
        entry
            .values
            .insert("address", Value::Text(binding.address.to_string()));
        entry
            .values
            .insert("mac-address", Value::Text(binding.mac.to_string()));
        entry.values.insert("server", Value::Link(binding.server));
        if let Some(id) = &binding.client_id {
            entry.values.insert("client-id", Value::Text(id.clone()));
        }
        let now = self.now();
        entry.live = Live::Lease(Box::new(Life {
            binding: Some(binding),
            since: now,
            last_seen: Some(now),
        }));
        self.insert(Menu::Lease, entry)
    }
}
