//! Claims on record in the API: how two owners find out that cannot hear each other.
//!
//! Where a firewall drops the heartbeats and the gateway is seen by everybody, each node takes over what the others have:
//! nothing on the LAN tells it that they live. Their `ServiceL2Status` does. It is written on change, so it is no sign
//! of life, and never delays a takeover; it only ends a double claim.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::claim::{Standing, standing};
use super::decision::place;
use super::peer::STAND_IN;
use super::{Election, Group};
use crate::model::{Instant, NodeName};

/// For so long a better claim must be on record before we yield to it. Heartbeats that are merely late, and records that
/// are about to be removed, are settled by then.
const RECORD_PATIENCE: Duration = Duration::from_secs(5);

/// What a better claim on record has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outdone {
    /// It has been there since this moment, while we claim too.
    Since(Instant),
    /// We have yielded, and do not take back while it is there.
    Conceded,
}

/// What records mean for a claim of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// Nothing.
    Nothing,
    /// It is to be looked at again then.
    Look(Instant),
    /// It is given up.
    Yield {
        /// To whom.
        by: NodeName,
        /// The epoch on record.
        epoch: u64,
    },
}

impl Election {
    /// The best claim on record of a speaker that lives by the API's word and is not heard. Whoever is heard says itself
    /// what it claims; whoever is not ready has left its record behind.
    fn recorded_rival(&self, group: &Group) -> Option<(&NodeName, u64, Standing)> {
        let records = self.desired.as_ref()?.records.get(&group.key)?;
        let unheard = |name: &NodeName| {
            *name != self.me && !self.up.contains(name) && self.peers.get(name).is_some_and(|peer| peer.ready)
        };
        let rivals = records.iter().filter(|(name, _)| unheard(name));
        rivals
            .map(|(name, epoch)| (name, *epoch, standing(*epoch, place(name, group))))
            .min_by_key(|(_, _, standing)| *standing)
    }

    /// Whether our claim stands beside what is on record.
    pub(super) fn compare_with_records(&mut self, group: &Group, mine: Standing, now: Instant) -> Recorded {
        let rival = self.recorded_rival(group).filter(|(_, _, theirs)| *theirs < mine);
        let Some((by, epoch)) = rival.map(|(by, epoch, _)| (by.clone(), epoch)) else {
            self.outdone.remove(&group.key);
            return Recorded::Nothing;
        };
        let since = match self.outdone.get(&group.key) {
            Some(Outdone::Since(at)) => *at,
            _ => now,
        };
        if now >= since + RECORD_PATIENCE {
            self.outdone.insert(group.key, Outdone::Conceded);
            Recorded::Yield { by, epoch }
        } else {
            self.outdone.insert(group.key, Outdone::Since(since));
            Recorded::Look(since + RECORD_PATIENCE)
        }
    }

    /// Whether it was given up to a claim that is still on record.
    pub(super) fn has_conceded(&mut self, group: &Group) -> bool {
        if self.outdone.get(&group.key) != Some(&Outdone::Conceded) {
            return false;
        }
        let still = self.recorded_rival(group).is_some();
        if !still {
            self.outdone.remove(&group.key);
        }
        still
    }

    /// Whether an answer for it may be that of a speaker that is silent since before this one was started, or of whoever
    /// stands in for it: it has a record, and the time for which others stand in is not over.
    pub fn may_be_stood_in_for(&self, key: IpAddr, now: Instant) -> bool {
        let records = self
            .desired
            .as_ref()
            .and_then(|desired| desired.records.get(&key));
        let mut owners = records.into_iter().flat_map(BTreeMap::keys);
        let unheard = owners.any(|name| self.peers.get(name).is_some_and(|peer| peer.boot().is_none()));
        unheard && self.listened.is_some_and(|at| now.since(at) <= STAND_IN)
    }

    /// The highest epoch on record for a group, whosever it is.
    pub(super) fn highest_on_record(&self, key: IpAddr) -> Option<u64> {
        let records = self.desired.as_ref()?.records.get(&key)?;
        records.values().copied().max()
    }
}
