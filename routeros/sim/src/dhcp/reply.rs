//! Replies to DHCP clients.

use std::net::Ipv4Addr;

use dhcproto::v4::{DhcpOption, Message, MessageType, Opcode};

use crate::device::Device;
use crate::dhcp::Effect;
use crate::menu::Menu;
use crate::table::{Entry, Key};

impl Device {
    /// What the server calls itself: `server-address`, or the router's address in the client's network.
    pub(crate) fn server_id(&self, server: Key, client: Ipv4Addr) -> Option<Ipv4Addr> {
        let entry = self.get(Menu::DhcpServer, server)?;
        if let Some(own) = entry.text("server-address").and_then(|text| text.parse().ok()) {
            return Some(own);
        }
        let interface = self.value(entry, "interface")?;
        let on_interface = || {
            self.own_addresses()
                .filter(|(name, _)| *name == interface)
                .map(|(_, net)| net)
        };
        let near = on_interface().find(|net| net.contains(&client));
        near.or_else(|| on_interface().next()).map(|net| net.addr())
    }

    /// OFFER or ACK of an address, with everything that its network tells clients.
    pub(crate) fn grant(
        &self,
        kind: MessageType,
        request: &Message,
        server: Key,
        lease: Option<&Entry>,
        address: Ipv4Addr,
    ) -> Option<Effect> {
        let mut reply = self.reply(kind, request, server, address)?;
        reply.set_yiaddr(address);
        let seconds = u32::try_from(self.lease_time(server, lease).as_secs()).unwrap_or(u32::MAX);
        reply.opts_mut().insert(DhcpOption::AddressLeaseTime(seconds));
        Some(Effect::Send(Box::new(reply), destination(request)))
    }

    /// The answer to INFORM: options only.
    pub(crate) fn inform(&self, request: &Message, server: Key) -> Option<Effect> {
        let reply = self.reply(MessageType::Ack, request, server, request.ciaddr())?;
        Some(Effect::Send(Box::new(reply), destination(request)))
    }

    /// A refusal, always to everyone (RFC 2131, 4.3.2): the client's address may be wrong.
    pub(crate) fn refuse(&self, request: &Message, server: Key) -> Option<Effect> {
        let mut reply = answer_to(request);
        reply.opts_mut().insert(DhcpOption::MessageType(MessageType::Nak));
        reply.opts_mut().insert(DhcpOption::ServerIdentifier(
            self.server_id(server, request.ciaddr())?,
        ));
        Some(Effect::Send(Box::new(reply), Ipv4Addr::BROADCAST))
    }

    fn reply(&self, kind: MessageType, request: &Message, server: Key, address: Ipv4Addr) -> Option<Message> {
        let mut reply = answer_to(request);
        reply.set_ciaddr(request.ciaddr());
        let options = reply.opts_mut();
        options.insert(DhcpOption::MessageType(kind));
        options.insert(DhcpOption::ServerIdentifier(self.server_id(server, address)?));
        if let Some((network, net)) = self.network_of(address) {
            let length = network
                .text("netmask")
                .and_then(|text| text.parse().ok())
                .unwrap_or(net.prefix_len());
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            options.insert(DhcpOption::SubnetMask(mask.into()));
            options.insert(DhcpOption::Router(addresses(network, "gateway")));
            options.insert(DhcpOption::DomainNameServer(addresses(network, "dns-server")));
            options.insert(DhcpOption::NtpServers(addresses(network, "ntp-server")));
            // What the network does not name is not sent at all: an empty list is no valid option.
            options.retain(|_, option| !is_empty_list(option));
            if let Some(domain) = network.text("domain") {
                options.insert(DhcpOption::DomainName(domain.to_owned()));
            }
        }
        Some(reply)
    }
}

fn answer_to(request: &Message) -> Message {
    let mut reply = Message::default();
    reply
        .set_opcode(Opcode::BootReply)
        .set_xid(request.xid())
        .set_flags(request.flags())
        .set_giaddr(request.giaddr())
        .set_chaddr(request.chaddr());
    reply
}

/// A client that has an address is answered there, any other by broadcast: it cannot answer ARP yet.
fn destination(request: &Message) -> Ipv4Addr {
    if request.ciaddr().is_unspecified() {
        Ipv4Addr::BROADCAST
    } else {
        request.ciaddr()
    }
}

fn addresses(network: &Entry, name: &str) -> Vec<Ipv4Addr> {
    network
        .text(name)
        .unwrap_or_default()
        .split(',')
        .filter_map(|text| text.parse().ok())
        .collect()
}

fn is_empty_list(option: &DhcpOption) -> bool {
    match option {
        DhcpOption::Router(list) | DhcpOption::DomainNameServer(list) | DhcpOption::NtpServers(list) => {
            list.is_empty()
        }
        _ => false,
    }
}
