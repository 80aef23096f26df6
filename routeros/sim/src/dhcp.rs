//! The DHCP server: pure decisions here and below, one socket in [`socket`].
//!
//! ```text
//!           DISCOVER            no ARP answer in 0.5 s           REQUEST
//! (free) ───────────▶ testing ───────────────────────▶ offered ──────────▶ bound ──▶ (expired: row gone)
//!                        │ someone answers                │ 30 s            │ RELEASE: row gone
//!                        ▼                                ▼ (row gone)      │ DECLINE ──▶ declined
//!                     conflict                                              └ REQUEST: bound again
//! ```
//! A static lease skips `testing`: its address is not probed, and its row returns to `waiting`.

pub(crate) mod allocation;
pub(crate) mod client;
pub(crate) mod exchange;
pub(crate) mod lease;
pub(crate) mod packet;
pub(crate) mod reply;
pub(crate) mod socket;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use dhcproto::v4::Message;

use crate::neighbor::frame::ArpFrame;
use crate::table::Key;
use client::Client;

#[cfg(test)]
mod tests;

/// What the server does in answer to a packet or to time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Send this message to a client: to this address, or to everyone.
    Send(Box<Message>, Ipv4Addr),
    /// Ask by ARP whether anybody has an address.
    Ask(ArpFrame),
}

/// How many clients are remembered by the address they had; a home has fewer.
const REMEMBERED: usize = 4_096;

/// The server's memory beside the leases' rows.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Which address a client had, by server: it gets the same one again while that is free.
    remembered: BTreeMap<(Key, Client), Ipv4Addr>,
    /// Offers that wait for the ARP probe of their address.
    tests: Vec<Test>,
}

/// An offer that waits for the probe of its address.
#[derive(Debug, Clone)]
struct Test {
    lease: Key,
    server: Key,
    discover: Message,
    /// How many addresses were tried for this client.
    tries: u8,
}

impl State {
    fn remember(&mut self, server: Key, client: Client, address: Ipv4Addr) {
        if self.remembered.len() >= REMEMBERED {
            self.remembered.pop_first();
        }
        self.remembered.insert((server, client), address);
    }

    /// A reboot forgets what was in progress.
    pub(crate) fn forget_tests(&mut self) {
        self.tests.clear();
    }

    fn take_test(&mut self, lease: Key) -> Option<Test> {
        let at = self.tests.iter().position(|test| test.lease == lease)?;
        Some(self.tests.remove(at))
    }
}

impl crate::device::Device {
    /// When the next probe's time is over.
    pub(crate) fn dhcp_deadline(&self) -> Option<Duration> {
        let tests = self.dhcp.tests.iter();
        tests
            .filter_map(|test| self.binding(test.lease))
            .map(|binding| binding.until)
            .min()
    }
}
