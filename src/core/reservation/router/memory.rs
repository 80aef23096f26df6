//! What is remembered of a router between readings: since when, and how often.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::{Landscape, Router, judgement};
use crate::config::object::Taken;
use crate::model::{Instant, Now, RangeSet};
use crate::reservation::held::{Ours, is_ours};
use crate::reservation::marker::Marker;
use crate::reservation::plan::Plan;
use crate::reservation::write::{ArpSpec, LeaseSpec, Write};

/// How often a person may put our range back into a pool, or undo a row of ours, before we believe that it is meant.
pub(super) const UNDONE_LIMIT: usize = 3;
pub(super) const UNDONE_WINDOW: Duration = Duration::from_hours(24);

/// What was made of one row of ours, and when.
#[derive(Debug, Clone, Default)]
pub(super) struct Making {
    what: String,
    at: Vec<Instant>,
}

/// Between the record of a cut and the cut a person may take a part of it out of the pool: that part was never ours to
/// give back. By the names of the router's pools.
#[derive(Debug, Clone, Default)]
pub(super) struct Promises {
    /// Recorded, and not cut yet.
    open: BTreeMap<String, RangeSet>,
    /// Recorded, and not there any more when the cut was made.
    unmade: BTreeMap<String, RangeSet>,
}

impl Promises {
    /// The cuts of a plan are about to be recorded beside what is `stored`.
    fn note(&mut self, stored: &[Taken], plan: &Plan) {
        for planned in &plan.writes {
            let Write::SetPoolRanges { row, ranges } = &planned.write else {
                continue;
            };
            let known = stored.iter().filter(|known| known.pool == row.name);
            let known = known.fold(RangeSet::new(), |all, known| all.union(&known.ranges));
            let fresh = row.ranges.difference(ranges).difference(&known);
            if !fresh.is_empty() {
                let open = self.open.entry(row.name.clone()).or_default();
                *open = open.union(&fresh);
            }
        }
    }

    /// A pool was cut by so much, or nothing of it is to be cut any more.
    fn kept(&mut self, pool: &str, cut: &RangeSet) {
        let left = self.open.remove(pool).unwrap_or_default().difference(cut);
        let unmade = self.unmade.entry(pool.to_owned()).or_default();
        *unmade = unmade.difference(cut).union(&left);
        self.unmade.retain(|_, ranges| !ranges.is_empty());
    }

    /// What is on record for this pool and is still to be cut.
    pub(super) fn open(&self, pool: &str) -> RangeSet {
        self.open.get(pool).cloned().unwrap_or_default()
    }

    /// What is on record and was not taken from this pool.
    pub(super) fn unmade(&self) -> &BTreeMap<String, RangeSet> {
        &self.unmade
    }
}

/// What an exclusion was kept for, and until when.
#[derive(Debug, Clone, Default)]
pub(super) struct Unwanted(Vec<(RangeSet, Instant)>);

impl Unwanted {
    /// Takes in what is not wanted now: what is wanted again starts anew when it is not any more.
    fn note(&mut self, unwanted: &RangeSet, now: Instant) {
        for (ranges, _) in &mut self.0 {
            *ranges = ranges.intersection(unwanted);
        }
        self.0.retain(|(ranges, _)| !ranges.is_empty());
        let known = self
            .0
            .iter()
            .fold(RangeSet::new(), |all, (ranges, _)| all.union(ranges));
        let fresh = unwanted.difference(&known);
        if !fresh.is_empty() {
            self.0.push((fresh, now));
        }
    }

    /// What has not been wanted for `delay`.
    pub(super) fn for_long(&self, delay: Duration, now: Instant) -> RangeSet {
        let long = self.0.iter().filter(|(_, since)| *since + delay <= now);
        long.fold(RangeSet::new(), |all, (ranges, _)| all.union(ranges))
    }

    /// When more of it will not have been wanted for `delay`.
    pub(super) fn next_due(&self, delay: Duration, now: Instant) -> Option<Instant> {
        let due = self.0.iter().map(|(_, since)| *since + delay);
        due.filter(|due| *due > now).min()
    }
}

impl Router {
    /// Since when rows of ours stand for addresses that no Service has.
    pub(super) fn note_departures(&mut self, landscape: &Landscape<'_>, now: Instant) {
        let (Some(owner), Some(reading)) = (self.owner(landscape), &self.reading) else {
            return;
        };
        let assigned = self.assigned(landscape);
        let ours = |comment: &str| is_ours(comment, &owner);
        let leases = reading.leases.iter().filter(|row| ours(&row.comment));
        let arps = reading.arps.iter().filter(|row| ours(&row.comment));
        let kept = |address: &IpAddr| self.keeps_row(*address, landscape);
        let leases = leases.map(|row| row.address).filter(|address| !kept(address));
        let gone: BTreeSet<IpAddr> = leases
            .chain(arps.map(|row| row.address))
            .filter(|address| !assigned.contains_key(address))
            .collect();
        self.departed.retain(|address, _| gone.contains(address));
        for address in gone {
            self.departed.entry(address).or_insert(now);
        }
    }

    /// Since when exclusions are not wanted any more.
    pub(super) fn note_unwanted(&mut self, landscape: &Landscape<'_>, now: Instant) {
        let unwanted = self.unwanted_now(landscape);
        self.unwanted.note(&unwanted, now);
    }

    /// A row of ours was made: once more as it was made before means that somebody undid it.
    pub(super) fn note_made(&mut self, write: &Write, now: Instant) {
        let target = write.target();
        let Some(what) = made_of(write) else {
            self.making.remove(&target); // We removed it ourselves.
            return;
        };
        let making = self.making.entry(target).or_default();
        if making.what != what {
            *making = Making { what, at: Vec::new() };
        }
        if making.at.len() <= UNDONE_LIMIT {
            making.at.retain(|at| now.since(*at) < UNDONE_WINDOW);
            making.at.push(now);
        }
    }

    /// What is about to be recorded, and what was recorded for cuts that nobody has to make any more.
    pub(super) fn note_promises(&mut self, plan: &Plan, may_write: bool) {
        if plan.record.is_some() && may_write {
            self.promises.note(&self.object.taken, plan);
        }
        let cut = |pool: &String| {
            let mut writes = plan.writes.iter().map(|planned| &planned.write);
            writes.any(|write| matches!(write, Write::SetPoolRanges { row, .. } if row.name == *pool))
        };
        if may_write && plan.record.is_none() {
            let over: Vec<String> = self
                .promises
                .open
                .keys()
                .filter(|pool| !cut(pool))
                .cloned()
                .collect();
            for pool in over {
                self.promises.kept(&pool, &RangeSet::new());
            }
        }
    }

    /// A pool's ranges were written. Where that is not known, it counts as done: what is on record is given back.
    pub(super) fn note_cut(&mut self, write: &Write, known: bool) {
        let Write::SetPoolRanges { row, ranges } = write else {
            return;
        };
        if !known {
            self.promises.open.remove(&row.name);
        }
        self.promises.kept(&row.name, &row.ranges.difference(ranges));
    }

    /// Whether people undid this so often that it is left as they want it.
    pub(super) fn is_left_alone(&self, write: &Write) -> bool {
        match write {
            // Of a DHCP pool what is left to people is no part of any write; see `leave_put_back`.
            Write::SetPoolRanges { .. }
            | Write::RemovePool(_)
            | Write::RemoveLease(_)
            | Write::RemoveArp(_)
            | Write::EvictLease { .. } => false,
            other => self.making.get(&other.target()).is_some_and(|making| {
                making.at.len() > UNDONE_LIMIT && made_of(other).as_ref() == Some(&making.what)
            }),
        }
    }

    pub(super) fn note_sync(&mut self, judgement: &judgement::Judgement, now: Now) {
        let in_sync = judgement.may_write && judgement.plan.writes.is_empty();
        if in_sync {
            if self.unsynced_since.take().is_some() || self.synced.is_none() {
                self.synced = Some(now.wall);
            }
        } else if self.unsynced_since.is_none() {
            self.unsynced_since = Some(now.mono);
        }
    }

    pub(super) fn note_held(&mut self, landscape: &Landscape<'_>, now: Instant) {
        let Some(owner) = self.owner(landscape) else {
            return;
        };
        let range = self
            .governed(landscape)
            .fold(RangeSet::new(), |all, pool| all.union(&pool.ranges));
        let nodes = self.node_macs(landscape);
        let Some(reading) = &self.reading else { return };
        let ours = Ours {
            owner: &owner,
            nodes: &nodes,
            surveys: landscape.surveys,
        };
        self.held.read(reading, &range, &ours, now);
    }
}

/// What a write makes of a row of ours. What stands behind the mark of a pool or an ARP row is a person's.
fn made_of(write: &Write) -> Option<String> {
    let subject = |comment: &str| {
        Marker::parse(comment)
            .map(|marker| marker.subject)
            .unwrap_or_default()
    };
    // A reservation's note is ours to change, and no quarrel.
    let lease = |spec: &LeaseSpec| format!("{} {} {}", spec.mac, spec.server, spec.comment);
    let arp = |spec: &ArpSpec| format!("{} {} {}", spec.mac, spec.interface, subject(&spec.comment));
    match write {
        Write::AddPool { ranges, comment, .. } | Write::SetPool { ranges, comment, .. } => {
            Some(format!("{ranges} {}", subject(comment)))
        }
        Write::AddLease(spec) | Write::SetLease { spec, .. } => Some(lease(spec)),
        Write::AddArp(spec) | Write::SetArp { spec, .. } => Some(arp(spec)),
        Write::SetPoolRanges { ranges, .. } => Some(ranges.to_string()),
        Write::RemovePool(_) | Write::RemoveLease(_) | Write::RemoveArp(_) | Write::EvictLease { .. } => None,
    }
}
