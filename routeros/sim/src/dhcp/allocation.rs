//! Which address a client is offered.

use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;

use crate::device::Device;
use crate::dhcp::client::Client;
use crate::menu::Menu;
use crate::table::{Entry, Key};
use crate::value::duration;
use crate::value::ranges::Ranges;

impl Device {
    /// The enabled server on the LAN's bridge, if there is one.
    pub(crate) fn lan_server(&self) -> Option<Key> {
        let bridge = &self.lan.as_ref()?.bridge;
        let serves = |server: &&Entry| {
            !server.flag("disabled") && self.value(server, "interface").as_deref() == Some(bridge.as_str())
        };
        self.entries(Menu::DhcpServer)
            .find(serves)
            .map(|server| server.key)
    }

    /// The server's pool; `None` for `static-only`.
    pub(crate) fn server_pool(&self, server: Key) -> Option<(Key, Ranges)> {
        let pool = self.get(Menu::DhcpServer, server)?.link("address-pool")?;
        Some((
            pool,
            Ranges::parse(self.get(Menu::Pool, pool)?.text("ranges")?).ok()?,
        ))
    }

    /// For how long a lease is given: the static lease's own time, or the server's.
    pub(crate) fn lease_time(&self, server: Key, lease: Option<&Entry>) -> Duration {
        let own = lease
            .and_then(|lease| lease.text("lease-time"))
            .and_then(duration::parse);
        let of_server = || {
            self.get(Menu::DhcpServer, server)
                .and_then(|server| server.text("lease-time"))
        };
        let default = 30 * 60 * 1_000;
        let millis = own
            .filter(|own| *own > 0)
            .or_else(|| of_server().and_then(duration::parse));
        Duration::from_millis(millis.unwrap_or(default))
    }

    /// The server's pool and what overflows into: each pool's `next-pool`, each pool once.
    fn pool_chain(&self, server: Key) -> Vec<(Key, Ranges)> {
        let mut chain: Vec<(Key, Ranges)> = Vec::new();
        let mut next = self.server_pool(server);
        while let Some((key, ranges)) = next.filter(|(key, _)| !chain.iter().any(|(seen, _)| seen == key)) {
            chain.push((key, ranges));
            next = self.get(Menu::Pool, key).and_then(|pool| {
                let following = self.get(Menu::Pool, pool.link("next-pool")?)?;
                Some((following.key, Ranges::parse(following.text("ranges")?).ok()?))
            });
        }
        chain
    }

    /// Whether the server hands this address out, from its pool or from one that its pool overflows into.
    pub(crate) fn hands_out(&self, server: Key, address: Ipv4Addr) -> bool {
        self.pool_chain(server)
            .iter()
            .any(|(_, ranges)| ranges.contains(address))
    }

    /// An address for a client: the one it had, the one it asks for, or the highest free one of the first pool that
    /// has one.
    pub(crate) fn choose_address(
        &self,
        server: Key,
        client: &Client,
        wish: Option<Ipv4Addr>,
    ) -> Option<(Key, Ipv4Addr)> {
        let chain = self.pool_chain(server);
        let had = self.dhcp.remembered.get(&(server, client.clone())).copied();
        let usable = |address: Ipv4Addr| {
            let (pool, _) = chain.iter().find(|(_, ranges)| ranges.contains(address))?;
            self.is_free(address).then_some((*pool, address))
        };
        if let Some(preferred) = had.into_iter().chain(wish).find_map(usable) {
            return Some(preferred);
        }
        chain.iter().find_map(|(pool, ranges)| {
            let free = ranges.descending().find(|address| self.is_free(*address))?;
            Some((*pool, free))
        })
    }

    /// Nobody has it by lease, and it is not the router's own.
    fn is_free(&self, address: Ipv4Addr) -> bool {
        let text = address.to_string();
        let taken = |lease: &Entry| {
            let reserved = !lease.dynamic
                && !lease.flag("disabled")
                && self.switches.static_leases_reserve
                && lease.text("address") == Some(&text);
            reserved || lease.binding().is_some_and(|binding| binding.address == address)
        };
        !self.is_own(address) && !self.entries(Menu::Lease).any(taken)
    }

    /// Whether the router itself has the address.
    pub(crate) fn is_own(&self, address: Ipv4Addr) -> bool {
        self.own_addresses().any(|(_, net)| net.addr() == address)
    }

    /// The router's enabled addresses with their interfaces.
    pub(crate) fn own_addresses(&self) -> impl Iterator<Item = (String, Ipv4Net)> {
        self.entries(Menu::Address)
            .filter(|own| !own.flag("disabled"))
            .filter_map(|own| {
                let net = own.text("address")?.parse().ok()?;
                Some((self.value(own, "interface")?, net))
            })
    }

    /// The longest `/ip/dhcp-server/network` around the address.
    pub(crate) fn network_of(&self, address: Ipv4Addr) -> Option<(&Entry, Ipv4Net)> {
        self.entries(Menu::Network)
            .filter_map(|network| Some((network, network.text("address")?.parse::<Ipv4Net>().ok()?)))
            .filter(|(_, net)| net.contains(&address))
            .max_by_key(|(_, net)| net.prefix_len())
    }
}
