//! The ARP table's learned rows, after Linux's rules: `RouterOS` 7 runs a Linux 5.6 kernel.
//!
//! ```text
//!  router asks ──▶ incomplete ──reply──▶ reachable ──arp-timeout──▶ stale ──▶ delay ──▶ probe ──▶ failed ──▶ gone
//!                      └─────────────── 3 s without a reply ───────────────────────────────────▶ failed
//! ```

pub(crate) mod frame;
pub(crate) mod wire;

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::device::Device;
use crate::menu::Menu;
use crate::table::{Entry, Key, Live};
use crate::value::mac::Mac;
use crate::value::{Link, Value, duration};
use frame::{ArpFrame, Operation};

#[cfg(test)]
mod tests;

/// `arp-timeout`'s default. Linux randomises it by half to either side; here it is exact.
const REACHABLE: Duration = Duration::from_secs(30);
/// How long an entry stays stale before the router is taken to use it again (`gc_stale_time`).
const STALE: Duration = Duration::from_mins(1);
/// A used stale entry waits this long for a sign of life before it is probed (`delay_first_probe_time`).
const DELAY: Duration = Duration::from_secs(5);
/// Three probes, one a second (`mcast_solicit`, `ucast_solicit`, `retrans_time`).
const PROBE: Duration = Duration::from_secs(3);
/// How long a failed entry is shown before it is collected (`gc_stale_time`).
const FAILED: Duration = Duration::from_mins(1);
/// Within this time after a change another MAC's claim is ignored, unless it is gratuitous (`locktime`).
const LOCK: Duration = Duration::from_secs(1);
/// How many rows are learned: far above a home's neighbours, below `max-neighbor-entries`.
const LEARNED: usize = 2_048;

/// A row's `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Permanent,
    Incomplete,
    Reachable,
    Stale,
    Delay,
    Probe,
    Failed,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            State::Permanent => "permanent",
            State::Incomplete => "incomplete",
            State::Reachable => "reachable",
            State::Stale => "stale",
            State::Delay => "delay",
            State::Probe => "probe",
            State::Failed => "failed",
        }
    }

    /// The router knows a MAC for the address.
    pub(crate) fn is_complete(self) -> bool {
        !matches!(self, State::Incomplete | State::Failed)
    }
}

/// A learned row's state.
#[derive(Debug, Clone)]
pub(crate) struct Neighbor {
    pub(crate) mac: Option<Mac>,
    pub(crate) state: State,
    /// Added by the DHCP server (`add-arp`), for as long as the lease lasts.
    pub(crate) dhcp: bool,
    since: Duration,
    updated: Duration,
    /// How many requests were sent in this round of probing.
    asked: u8,
}

impl Neighbor {
    fn new(mac: Option<Mac>, state: State, now: Duration) -> Self {
        Self {
            mac,
            state,
            dhcp: false,
            since: now,
            updated: now,
            asked: 0,
        }
    }

    /// Lets time pass. `false` means that the row is gone.
    fn age(&mut self, now: Duration, reachable: Duration) -> bool {
        loop {
            let (length, next) = match self.state {
                State::Permanent => return true,
                State::Reachable => (reachable, State::Stale),
                State::Stale => (STALE, State::Delay),
                State::Delay => (DELAY, State::Probe),
                State::Incomplete | State::Probe => (PROBE, State::Failed),
                State::Failed => return now < self.since + FAILED,
            };
            if now < self.since + length {
                return true;
            }
            self.since += length;
            self.state = next;
            self.asked = 0;
            if next == State::Failed {
                self.mac = None;
            }
        }
    }

    /// `neigh_update` of the kernel: `mac` spoke, which proves `new` at most.
    fn update(&mut self, mac: Mac, new: State, overrides: bool, now: Duration) {
        let known = self.mac.filter(|_| self.state.is_complete());
        let new = match known {
            Some(known) if known != mac && !overrides => return,
            // A frame that proves nothing about reachability leaves the state of a known MAC as it is.
            Some(known) if known == mac && new == State::Stale => return,
            _ => new,
        };
        if self.state != new || self.mac != Some(mac) {
            self.updated = now;
        }
        (self.mac, self.state, self.since, self.asked) = (Some(mac), new, now, 0);
    }
}

impl Device {
    /// The MAC of the interface that stands for the bridge: a Linux bridge's changes with its ports.
    pub(crate) fn set_lan_mac(&mut self, mac: Mac) {
        let Some(lan) = self.lan.as_mut() else { return };
        lan.mac = mac;
        let bridge = lan.bridge.clone();
        for row in self
            .entries_mut(Menu::Bridge)
            .filter(|row| row.text("name") == Some(&bridge))
        {
            row.values.insert("mac-address", Value::Text(mac.to_string()));
        }
    }

    fn reachable_time(&self) -> Duration {
        let settings = self
            .entries(Menu::Settings)
            .next()
            .and_then(|settings| settings.text("arp-timeout"));
        settings
            .and_then(duration::parse)
            .map_or(REACHABLE, Duration::from_millis)
    }

    /// Ages every learned row.
    pub(crate) fn settle_neighbors(&mut self) {
        let (now, reachable) = (self.now(), self.reachable_time());
        let mut gone = Vec::new();
        for row in self.entries_mut(Menu::Arp) {
            if let Live::Neighbor(neighbor) = &mut row.live
                && !neighbor.age(now, reachable)
            {
                gone.push(row.key);
            }
        }
        for key in gone {
            let _ = self.remove(Menu::Arp, key);
        }
    }

    /// Takes in a frame that was seen on the bridge, as the kernel's `arp_process` would.
    pub(crate) fn heard(&mut self, frame: &ArpFrame) {
        self.settle_neighbors();
        let Some((bridge, own)) = self.learning_bridge() else {
            return;
        };
        if frame.sender_mac == own {
            if frame.operation == Operation::Request && self.is_own(frame.sender) {
                self.resolve(bridge, frame.target);
            }
            return;
        }
        let station =
            frame.sender_mac.is_station() && !frame.sender.is_unspecified() && !frame.sender.is_multicast();
        if !station || self.is_own(frame.sender) {
            return;
        }
        if crate::menu::arp_is_pinned(self, frame.sender) {
            if frame.is_gratuitous() && self.switches.gratuitous_arp_moves_static {
                self.move_pinned(frame);
            }
            return;
        }
        let to_us = self.is_own(frame.target);
        let solicited = frame.operation == Operation::Reply && frame.destination == own;
        let new = if solicited { State::Reachable } else { State::Stale };
        let now = self.now();
        let makes_a_row = to_us || (frame.is_gratuitous() && self.switches.gratuitous_arp_creates);
        match self.neighbor_mut(bridge, frame.sender) {
            Some(neighbor) => {
                let unlocked = now > neighbor.updated + LOCK;
                let asks_us = to_us && frame.operation == Operation::Request;
                let overrides = asks_us || unlocked || frame.is_gratuitous();
                neighbor.update(frame.sender_mac, new, overrides, now);
            }
            None if makes_a_row => self.learn(
                bridge,
                frame.sender,
                Neighbor::new(Some(frame.sender_mac), new, now),
            ),
            None => {}
        }
    }

    /// The permanent row takes the MAC of a gratuitous frame, where that is switched on.
    fn move_pinned(&mut self, frame: &ArpFrame) {
        let text = frame.sender.to_string();
        for row in self.entries_mut(Menu::Arp) {
            if !row.dynamic && !row.flag("disabled") && row.text("address") == Some(&text) {
                row.values
                    .insert("mac-address", Value::Text(frame.sender_mac.to_string()));
            }
        }
    }

    /// The router asks who has `address`.
    fn resolve(&mut self, bridge: Link, address: Ipv4Addr) {
        let now = self.now();
        if crate::menu::arp_is_pinned(self, address) || self.is_own(address) {
            return;
        }
        match self.neighbor_mut(bridge, address) {
            // Asked again after it failed; a probe of a known MAC changes nothing here.
            Some(neighbor) if neighbor.state == State::Failed => {
                *neighbor = Neighbor::new(None, State::Incomplete, now);
            }
            Some(_) => {}
            None => self.learn(bridge, address, Neighbor::new(None, State::Incomplete, now)),
        }
    }

    /// A neighbour as if it had just answered the router: for a router without an interface.
    pub(crate) fn met(&mut self, interface: Link, address: Ipv4Addr, mac: Mac) {
        self.settle_neighbors();
        if crate::menu::arp_is_pinned(self, address) {
            return;
        }
        let now = self.now();
        match self.neighbor_mut(interface, address) {
            Some(neighbor) => neighbor.update(mac, State::Reachable, true, now),
            None => self.learn(
                interface,
                address,
                Neighbor::new(Some(mac), State::Reachable, now),
            ),
        }
    }

    fn learn(&mut self, interface: Link, address: Ipv4Addr, neighbor: Neighbor) {
        if self.count(Menu::Arp) >= LEARNED {
            return;
        }
        let mut row = Entry::new(true);
        row.values.insert("address", Value::Text(address.to_string()));
        row.values.insert("interface", Value::Link(interface));
        row.live = Live::Neighbor(neighbor);
        self.insert(Menu::Arp, row);
    }

    fn neighbor_mut(&mut self, interface: Link, address: Ipv4Addr) -> Option<&mut Neighbor> {
        let text = address.to_string();
        let row = self.entries_mut(Menu::Arp).find(|row| {
            row.dynamic && row.link("interface") == Some(interface.key) && row.text("address") == Some(&text)
        })?;
        match &mut row.live {
            Live::Neighbor(neighbor) => Some(neighbor),
            _ => None,
        }
    }

    /// The LAN's bridge, where its `arp` lets rows be learned. With `reply-only` none are: known rows alone serve.
    fn learning_bridge(&self) -> Option<(Link, Mac)> {
        let lan = self.lan.as_ref()?;
        let bridge = self.by_name(Menu::Interface, &lan.bridge)?;
        let learns = !matches!(bridge.text("arp"), Some("reply-only" | "disabled"));
        learns.then_some((
            Link {
                menu: Menu::Interface,
                key: bridge.key,
                id: bridge.id,
            },
            lan.mac,
        ))
    }

    /// The router's questions that are due, at most one a second for each address.
    pub(crate) fn neighbors_to_ask(&mut self) -> Vec<ArpFrame> {
        self.settle_neighbors();
        let now = self.now();
        let Some(mac) = self.lan.as_ref().map(|lan| lan.mac) else {
            return Vec::new();
        };
        let own: Vec<_> = self.own_addresses().map(|(_, net)| net).collect();
        let mut asks = Vec::new();
        for row in self.entries_mut(Menu::Arp) {
            let address: Option<Ipv4Addr> = row.text("address").and_then(|text| text.parse().ok());
            let Live::Neighbor(neighbor) = &mut row.live else {
                continue;
            };
            let due = neighbor.state == State::Probe
                && now >= neighbor.since + Duration::from_secs(u64::from(neighbor.asked));
            let Some(address) = address.filter(|_| due) else {
                continue;
            };
            if let Some(net) = own.iter().find(|net| net.contains(&address)) {
                neighbor.asked += 1;
                asks.push(ArpFrame::request(mac, net.addr(), address));
            }
        }
        asks
    }

    // === rows of the DHCP server (`add-arp`) ===

    /// Adds the row of a lease that was just bound, where its server does so.
    pub(crate) fn add_dhcp_neighbor(&mut self, server: Key, lease: Key) {
        let now = self.now();
        let Some(server) = self
            .get(Menu::DhcpServer, server)
            .filter(|server| server.flag("add-arp"))
        else {
            return;
        };
        let Some(Value::Link(interface)) = server.values.get("interface").cloned() else {
            return;
        };
        let Some((address, mac)) = self.binding(lease).map(|binding| (binding.address, binding.mac)) else {
            return;
        };
        let neighbor = Neighbor {
            dhcp: true,
            ..Neighbor::new(Some(mac), State::Permanent, now)
        };
        match self.neighbor_mut(interface, address) {
            Some(known) => *known = neighbor,
            None => self.learn(interface, address, neighbor),
        }
    }

    /// Removes the row of a lease that ends.
    pub(crate) fn forget_dhcp_neighbor(&mut self, lease: Key) {
        let Some(address) = self.binding(lease).map(|binding| binding.address.to_string()) else {
            return;
        };
        let added = |row: &&Entry| {
            row.text("address") == Some(&address)
                && matches!(&row.live, Live::Neighbor(neighbor) if neighbor.dhcp)
        };
        let rows: Vec<Key> = self.entries(Menu::Arp).filter(added).map(|row| row.key).collect();
        for row in rows {
            let _ = self.remove(Menu::Arp, row);
        }
    }
}
