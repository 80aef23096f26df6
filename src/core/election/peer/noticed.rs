//! Boots that were heard and have not echoed us yet: perhaps a speaker that was started anew, perhaps a recording of one that is
//! gone, which anybody on the LAN can play.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use crate::election::wire::BootId;
use crate::model::Instant;

/// So many are echoed in turns, oldest first: whoever plays recordings of fewer starts keeps no new one from being heard. Each
/// heartbeat has one of them, so that they take no room from other peers, and at the fastest one leaves every 20 ms: a turn is
/// over within the 300 ms for which an echo counts.
const NOTICED: usize = 8;
/// One that was not heard for so long, thirty heartbeats, is not there any more.
const HEARD: Duration = Duration::from_secs(3);
/// So many earlier boots are remembered, a year of rollouts: what is heard of them is a recording.
const EARLIER: usize = 64;

/// Of one peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Noticed {
    /// In the order in which they came.
    boots: VecDeque<Boot>,
    /// Those that another boot has followed.
    earlier: VecDeque<BootId>,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::election) struct Boot {
    pub(in crate::election) id: BootId,
    /// The newest heartbeat of it.
    pub(in crate::election) sequence: u64,
    /// Where on a network of ours it was heard from last: it must hear us to be able to echo us, and its host's address may be
    /// on a network that is down.
    pub(in crate::election) near: Option<IpAddr>,
    heard: Instant,
}

impl Noticed {
    /// Whether another boot has followed this one.
    pub(super) fn is_earlier(&self, id: BootId) -> bool {
        self.earlier.contains(&id)
    }

    /// A heartbeat that echoes nothing of ours.
    pub(super) fn note(&mut self, id: BootId, sequence: u64, now: Instant) {
        self.boots.retain(|boot| boot.is_there(now));
        if let Some(boot) = self.boots.iter_mut().find(|boot| boot.id == id) {
            boot.sequence = sequence.max(boot.sequence);
            boot.heard = now;
            return;
        }
        if self.boots.len() == NOTICED {
            // What is known to be over makes room first, and takes none from what is not.
            match self.boots.iter().position(|boot| self.is_earlier(boot.id)) {
                Some(earlier) => drop(self.boots.remove(earlier)),
                None if self.is_earlier(id) => return,
                None => drop(self.boots.pop_front()),
            }
        }
        self.boots.push_back(Boot {
            id,
            sequence,
            near: None,
            heard: now,
        });
    }

    /// Where on a network of ours one of them was heard from, if it was there.
    pub(super) fn near(&mut self, id: BootId, near: Option<IpAddr>) {
        if let Some(boot) = self.boots.iter_mut().find(|boot| boot.id == id) {
            boot.near = near;
        }
    }

    /// A boot lives, which echoes us; the one before it, if there was one, is over.
    pub(super) fn follow(&mut self, before: Option<BootId>, now: BootId) {
        self.boots.clear();
        self.earlier.retain(|boot| *boot != now);
        if let Some(before) = before {
            if self.earlier.len() == EARLIER {
                self.earlier.pop_front();
            }
            self.earlier.push_back(before);
        }
    }

    /// The one whose turn it is in this heartbeat of ours.
    pub(super) fn turn(&self, beat: u64, now: Instant) -> Option<Boot> {
        let there = || self.boots.iter().filter(|boot| boot.is_there(now));
        let many = u64::try_from(there().count()).ok()?;
        let turn = usize::try_from(beat.checked_rem(many)?).ok()?;
        there().nth(turn).copied()
    }
}

impl Boot {
    fn is_there(&self, now: Instant) -> bool {
        now.since(self.heard) <= HEARD
    }
}
