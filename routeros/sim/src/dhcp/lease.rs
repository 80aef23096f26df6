//! A lease's state: who has it, until when, and what becomes of it when time passes.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::device::Device;
use crate::dhcp::client::Client;
use crate::menu::Menu;
use crate::table::{Entry, Key, Live};
use crate::value::mac::Mac;
use crate::value::{Link, Value};

/// A lease's state while nobody has it is `waiting`, which is the absence of a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Asked for by ARP before it is offered.
    Testing,
    /// Offered; the client has not taken it yet.
    Offered,
    /// In use.
    Bound,
    /// The client found it in use.
    Declined,
    /// Somebody answered for it.
    Conflict,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Status::Testing => "testing",
            Status::Offered => "offered",
            Status::Bound => "bound",
            Status::Declined => "declined",
            Status::Conflict => "conflict",
        }
    }
}

/// What changes in a lease's row by packets and time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Life {
    pub(crate) binding: Option<Binding>,
    /// When the row came to be, by the router's clock.
    pub(crate) since: Duration,
    /// When the client was last heard.
    pub(crate) last_seen: Option<Duration>,
}

/// An address in somebody's hands, or set aside.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) status: Status,
    pub(crate) address: Ipv4Addr,
    pub(crate) mac: Mac,
    pub(crate) client_id: Option<String>,
    pub(crate) host_name: Option<String>,
    pub(crate) class_id: Option<String>,
    pub(crate) server: Link,
    /// The pool that the address was taken from: it stays in `/ip/pool/used` whatever becomes of the ranges.
    pub(crate) pool: Option<Key>,
    /// When this state ends, by the router's clock.
    pub(crate) until: Duration,
}

impl Binding {
    /// A lease that was made without a client id is its MAC's, whatever the client calls itself later.
    fn is_of(&self, client: &Client) -> bool {
        self.mac == client.mac && (self.client_id.is_none() || self.client_id == client.id)
    }
}

impl Entry {
    pub(crate) fn life(&self) -> Option<&Life> {
        match &self.live {
            Live::Lease(life) => Some(life),
            _ => None,
        }
    }

    pub(crate) fn life_mut(&mut self) -> Option<&mut Life> {
        match &mut self.live {
            Live::Lease(life) => Some(life),
            _ => None,
        }
    }

    pub(crate) fn binding(&self) -> Option<&Binding> {
        self.life()?.binding.as_ref()
    }

    /// The one address that the row names; `0.0.0.0` and pool names leave the choice to the server.
    pub(crate) fn fixed_address(&self) -> Option<Ipv4Addr> {
        self.text("address")?
            .parse()
            .ok()
            .filter(|address: &Ipv4Addr| !address.is_unspecified())
    }
}

impl Device {
    pub(crate) fn binding(&self, lease: Key) -> Option<&Binding> {
        self.get(Menu::Lease, lease)?.binding()
    }

    pub(crate) fn binding_mut(&mut self, lease: Key) -> Option<&mut Binding> {
        self.get_mut(Menu::Lease, lease)?.life_mut()?.binding.as_mut()
    }

    /// The addresses that are handed out from a pool.
    pub(crate) fn pool_used(&self, pool: Key) -> impl Iterator<Item = &Binding> {
        self.entries(Menu::Lease)
            .filter_map(Entry::binding)
            .filter(move |binding| binding.pool == Some(pool))
    }

    /// Ends what was due: a dynamic row goes, a static one waits again. Probes end elsewhere, with an offer.
    pub(crate) fn settle_leases(&mut self) {
        let now = self.now();
        let over = |binding: &Binding| binding.status != Status::Testing && binding.until <= now;
        let ended: Vec<Key> = self
            .entries(Menu::Lease)
            .filter(|lease| lease.binding().is_some_and(over))
            .map(|lease| lease.key)
            .collect();
        for lease in ended {
            self.unbind(lease);
        }
    }

    /// Takes an address back: a dynamic row goes, a static one waits again.
    pub(crate) fn unbind(&mut self, lease: Key) {
        self.forget_dhcp_neighbor(lease);
        match self.get_mut(Menu::Lease, lease) {
            Some(entry) if !entry.dynamic => {
                if let Some(life) = entry.life_mut() {
                    life.binding = None;
                }
            }
            Some(_) => {
                let _ = self.remove(Menu::Lease, lease);
            }
            None => {}
        }
    }

    /// The enabled static lease that names this client on this server and gives it an address or no service.
    pub(crate) fn static_lease(&self, server: Key, client: &Client) -> Option<&Entry> {
        let mac = client.mac.to_string();
        self.entries(Menu::Lease).find(|lease| {
            let named = match lease.text("client-id") {
                Some(id) => client
                    .id
                    .as_deref()
                    .is_some_and(|own| own.eq_ignore_ascii_case(id)),
                None => lease.text("mac-address") == Some(&mac),
            };
            let served = lease.link("server").is_none_or(|own| own == server);
            let counts = lease.fixed_address().is_some() || lease.flag("block-access");
            !lease.dynamic && !lease.flag("disabled") && served && named && counts
        })
    }

    /// The client's dynamic leases on this server, in whatever state.
    pub(crate) fn dynamic_leases<'a>(
        &'a self,
        server: Key,
        client: &'a Client,
    ) -> impl Iterator<Item = (&'a Entry, &'a Binding)> {
        self.entries(Menu::Lease)
            .filter(|lease| lease.dynamic)
            .filter_map(|lease| lease.binding().map(|binding| (lease, binding)))
            .filter(move |(_, binding)| binding.server.key == server && binding.is_of(client))
    }

    /// Makes a dynamic lease static: same address, MAC and client id (`make-static`).
    pub(crate) fn make_static(&mut self, lease: Key) -> Result<(), crate::trap::Trap> {
        let entry = self
            .get(Menu::Lease, lease)
            .ok_or_else(crate::trap::Trap::not_found)?;
        let mut fixed = entry.clone();
        fixed.dynamic = false;
        (Menu::Lease.spec().check)(self, &fixed)?;
        if let Some(entry) = self.get_mut(Menu::Lease, lease) {
            *entry = fixed;
        }
        Ok(())
    }

    /// Sets an address aside: somebody else has it. The row no longer belongs to the client.
    pub(crate) fn set_aside(&mut self, lease: Key, status: Status, until: Duration) {
        let Some(entry) = self.get_mut(Menu::Lease, lease) else {
            return;
        };
        entry
            .values
            .insert("mac-address", Value::Text(Mac::ZERO.to_string()));
        entry.values.remove("client-id");
        if let Some(binding) = entry.life_mut().and_then(|life| life.binding.as_mut()) {
            binding.status = status;
            binding.until = until;
            binding.mac = Mac::ZERO;
            binding.client_id = None;
            binding.host_name = None;
            binding.class_id = None;
        }
    }
}
