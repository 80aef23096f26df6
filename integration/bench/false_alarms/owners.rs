//! Who has an address, as a client learns it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use super::super::ground::SOON;
use crate::home::Home;
use crate::lan::Mac;
use crate::wire::{Capture, Seen, as_micros};

/// A capture keeps ten thousand frames: after this it makes room for the next one.
const RENEWED: Duration = Duration::from_mins(1);

/// An address that another node announced.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Move {
    #[serde(serialize_with = "as_micros", rename = "at_us")]
    pub(super) at: Duration,
    pub(super) address: Ipv4Addr,
    pub(super) from: String,
    pub(super) to: String,
}

/// Addresses and their owners.
pub(super) struct Watch {
    begun: Instant,
    owners: Owners,
    capture: Capture,
    missed: u64,
    moves: Vec<Move>,
    /// keepalived's address, and each time that it was taken from its master.
    rival: Owners,
    alarms: Vec<Move>,
}

/// By the last announcement of each.
#[derive(Debug, Clone)]
pub(super) struct Owners {
    of: BTreeMap<Ipv4Addr, Mac>,
    /// The last frame that was looked at.
    last: Option<Instant>,
}

impl Owners {
    pub(super) const fn new(of: BTreeMap<Ipv4Addr, Mac>) -> Self {
        Self { of, last: None }
    }

    /// What the frames after the last one say: when an address moved, from whom, and to whom.
    pub(super) fn take(&mut self, frames: &[Seen]) -> Vec<(Instant, Ipv4Addr, Mac, Mac)> {
        let mut moves = Vec::new();
        for seen in frames {
            if self.last.is_some_and(|last| seen.at <= last) {
                continue;
            }
            self.last = Some(seen.at);
            if !seen.frame.is_gratuitous() {
                continue;
            }
            let Some(owner) = self.of.get_mut(&seen.frame.sender_ip) else {
                continue;
            };
            let new = seen.frame.sender_mac;
            let old = std::mem::replace(owner, new);
            if old != new {
                moves.push((seen.at, seen.frame.sender_ip, old, new));
            }
        }
        moves
    }
}

impl Watch {
    /// Begins with who answers now. `rival`: the address of keepalived's, and the node that has it.
    pub(super) async fn start(
        home: &Home,
        addresses: &[Ipv4Addr],
        rival: Option<(Ipv4Addr, Mac)>,
    ) -> Result<Self> {
        let client = home.client()?;
        let capture = Capture::start(client, client.interface())?;
        let mut of = BTreeMap::new();
        for address in addresses {
            of.insert(*address, home.announcer(*address, SOON).await?.answer.mac);
        }
        Ok(Self {
            begun: capture.begun(),
            owners: Owners::new(of),
            capture,
            missed: 0,
            moves: Vec::new(),
            rival: Owners::new(rival.into_iter().collect()),
            alarms: Vec::new(),
        })
    }

    /// From when on moves are counted.
    pub(super) const fn begun(&self) -> Instant {
        self.begun
    }

    /// Frames of which nobody knows what they said.
    pub(super) const fn missed(&self) -> u64 {
        self.missed
    }

    /// Reads what was captured since the last look.
    pub(super) fn look(&mut self, home: &Home) -> Result<()> {
        if self.capture.begun().elapsed() > RENEWED {
            let client = home.client()?;
            // The new one first: what both see is taken once.
            let next = Capture::start(client, client.interface())?;
            self.read(home);
            self.missed += self.capture.dropped();
            self.capture = next;
        }
        self.read(home);
        Ok(())
    }

    fn read(&mut self, home: &Home) {
        let frames = self.capture.frames();
        let begun = self.begun;
        let told = |(at, address, from, to): (Instant, Ipv4Addr, Mac, Mac)| Move {
            at: at.saturating_duration_since(begun),
            address,
            from: home.host_with(from),
            to: home.host_with(to),
        };
        self.moves.extend(self.owners.take(&frames).into_iter().map(told));
        self.alarms.extend(self.rival.take(&frames).into_iter().map(told));
    }

    /// The node that announces the first address.
    pub(super) fn owner(&self, home: &Home) -> Result<String> {
        let first = self.owners.of.values().next();
        first
            .map(|mac| home.host_with(*mac))
            .context("there is no address")
    }

    /// Waits until one node alone answers for each address, and it is the one that announced it last.
    pub(super) async fn settled(&mut self, home: &Home) -> Result<()> {
        let addresses: Vec<Ipv4Addr> = self.owners.of.keys().copied().collect();
        for address in addresses {
            let answer = home.announcer(address, SOON).await?.answer;
            self.look(home)?;
            let known = self.owners.of.get(&address);
            ensure!(
                known == Some(&answer.mac),
                "{} answers for {address} at the end and has never announced it",
                home.host_with(answer.mac)
            );
        }
        Ok(())
    }

    /// Those of tiklb's addresses, and those of keepalived's.
    pub(super) fn into_moves(self) -> (Vec<Move>, Vec<Move>) {
        (self.moves, self.alarms)
    }
}

#[cfg(test)]
mod tests;
