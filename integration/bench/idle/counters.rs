//! What a node's kernel counts of its traffic.

use std::fs;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::lan::Host;

/// Of the calling thread's network namespace (proc(5)).
const DEVICES: &str = "/proc/thread-self/net/dev";
const PROTOCOLS: &str = "/proc/thread-self/net/snmp";

/// Places of the columns in a device's line: the packets received, and those sent.
const RECEIVED: usize = 1;
const SENT: usize = 9;

/// Frames on the node's interface, datagrams of its UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Counters {
    pub(super) frames_sent: u64,
    pub(super) frames_received: u64,
    pub(super) datagrams_sent: u64,
    pub(super) datagrams_received: u64,
}

impl Counters {
    /// At this moment.
    pub(super) fn of(host: &Host) -> Result<Self> {
        let read = || Ok((fs::read_to_string(DEVICES)?, fs::read_to_string(PROTOCOLS)?));
        let read: std::io::Result<_> = host.run(read)?;
        let doing = || format!("reading what the kernel of {} counts", host.name());
        let (devices, protocols) = read.with_context(doing)?;
        Self::read(&devices, &protocols, host.interface())
            .with_context(|| format!("expected counters of {} and of UDP", host.interface()))
            .with_context(doing)
    }

    fn read(devices: &str, protocols: &str, interface: &str) -> Option<Self> {
        let mut devices = devices.lines().filter_map(|line| line.split_once(':'));
        let (_, device) = devices.find(|(name, _)| name.trim() == interface)?;
        let device = |place: usize| device.split_whitespace().nth(place)?.parse().ok();
        // Two lines: names, then numbers.
        let mut udp = protocols.lines().filter_map(|line| line.strip_prefix("Udp: "));
        let (names, numbers) = (udp.next()?, udp.next()?);
        let udp = |name: &str| {
            let mut all = names.split_whitespace().zip(numbers.split_whitespace());
            all.find(|(found, _)| *found == name)?.1.parse().ok()
        };
        Some(Self {
            frames_sent: device(SENT)?,
            frames_received: device(RECEIVED)?,
            datagrams_sent: udp("OutDatagrams")?,
            datagrams_received: udp("InDatagrams")?,
        })
    }

    /// What came since `before`.
    pub(super) const fn since(&self, before: &Self) -> Self {
        Self {
            frames_sent: self.frames_sent.saturating_sub(before.frames_sent),
            frames_received: self.frames_received.saturating_sub(before.frames_received),
            datagrams_sent: self.datagrams_sent.saturating_sub(before.datagrams_sent),
            datagrams_received: self.datagrams_received.saturating_sub(before.datagrams_received),
        }
    }
}

#[cfg(test)]
mod tests;
