//! What belongs to a group changes while it is announced.

use std::net::IpAddr;

use super::{Speaker, Wanted};
use crate::model::{Few, Instant};

/// What belongs to a group.
fn addresses<'a>(wanted: &'a Wanted, key: &IpAddr) -> Option<&'a Few<IpAddr>> {
    let group = wanted.election.groups.get(key)?;
    Some(&group.addresses)
}

impl Speaker {
    /// Services and addresses join and leave groups that are answered for already. What leaves may be another group's by
    /// now, also here: it goes before anything else is told.
    pub(super) fn regroup(&mut self, before: Option<&Wanted>, now: Instant) {
        let Some(wanted) = self.wanted.clone() else { return };
        let (mut left, mut joined, mut changed) = (Vec::new(), Vec::new(), false);
        for (key, held) in &mut self.published.held {
            let Some(group) = wanted.election.groups.get(key) else {
                continue;
            };
            if held.addresses != group.addresses {
                let gone = held
                    .addresses
                    .iter()
                    .filter(|address| !group.addresses.contains(address));
                left.extend(gone.copied());
                held.addresses.clone_from(&group.addresses);
                joined.push(*key);
                changed = true;
            }
            if held.services != group.services {
                held.services.clone_from(&group.services);
                changed = true;
            }
        }
        let (none, mut stood_in) = (Few::default(), Vec::new());
        for (key, owner) in &self.published.standing {
            let had = before.and_then(|before| addresses(before, key)).unwrap_or(&none);
            let has = addresses(&wanted, key).unwrap_or(&none);
            if had != has {
                left.extend(had.iter().filter(|address| !has.contains(address)));
                stood_in.push((*key, owner.clone()));
            }
        }
        for address in left {
            self.silence(address);
        }
        for key in joined {
            self.announce(key, now);
        }
        for (key, owner) in &stood_in {
            self.stand_in(*key, owner);
        }
        if changed {
            self.published.touch();
        }
    }

    /// Answers for an address no more.
    pub(super) fn silence(&mut self, address: IpAddr) {
        self.responder.withdraw(address);
        self.announcements.stop(address);
        self.conflicts.unwatch(address);
    }
}
