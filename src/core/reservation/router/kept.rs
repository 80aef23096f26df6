//! AddressReservations, as far as this router has a say: which addresses it should keep, and what stands there.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Landscape, Router};
use crate::config::Reservation;
use crate::config::object::RouterMode;
use crate::ipam::{Availability, Holder};
use crate::model::{Now, RangeSet};
use crate::reservation::held::is_ours;
use crate::reservation::marker::{Marker, Owner};
use crate::reservation::observed::LeaseRow;
use crate::reservation::plan::{Kept, note_on};
use crate::reservation::write::Write;

/// What stands on a router for a reserved address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Our row.
    Written,
    /// No row yet; why not, where somebody should know.
    Pending(Option<String>),
    /// Somebody else's row.
    Foreign,
}

impl Landscape<'_> {
    /// Who has the address, by what the cluster knows: a node, whatever else is known, or somebody whom speakers saw.
    pub fn user(&self, address: IpAddr) -> Option<Holder> {
        let node = self.nodes.iter().find(|(_, own)| *own == address);
        let node = node.map(|(name, _)| Holder {
            name: Some(format!("node {name}")),
            mac: None,
            evidence: "its own address".to_owned(),
        });
        node.or_else(|| self.conflicts.get(&address).cloned())
    }
}

impl Router {
    /// The reserved addresses that this router should keep. What stands there already stays while a pool that may hold
    /// it cannot be read.
    pub(super) fn kept(&self, landscape: &Landscape<'_>) -> BTreeMap<IpAddr, Kept> {
        let reservations = landscape.config.reservations.values();
        let mine = reservations.filter(|kept| self.keeps(kept.address, landscape));
        let entry = |kept: &Reservation| Kept {
            reservation: kept.key.name.clone(),
            service: kept.service.clone(),
            note: kept.note.clone(),
            free: self.holder(kept.address, landscape).is_none(),
        };
        mine.map(|kept| (kept.address, entry(kept))).collect()
    }

    /// Whether a lease row of ours at this address is kept by a reservation.
    pub(super) fn keeps_row(&self, address: IpAddr, landscape: &Landscape<'_>) -> bool {
        landscape.config.reservations.contains_key(&address) && self.keeps(address, landscape)
    }

    fn keeps(&self, address: IpAddr, landscape: &Landscape<'_>) -> bool {
        let governed = self.governed(landscape).any(|pool| pool.ranges.contains(address));
        let unknown = || landscape.config.pool_of(address).is_none() && landscape.config.has_unusable_pools();
        governed || (unknown() && self.our_lease(address, landscape).is_some())
    }

    /// Who else has the address, by everything that is known in the cluster and on this router.
    fn holder(&self, address: IpAddr, landscape: &Landscape<'_>) -> Option<Holder> {
        let here = || self.held.holder(address).cloned();
        landscape.user(address).or_else(here)
    }

    fn our_lease(&self, address: IpAddr, landscape: &Landscape<'_>) -> Option<&LeaseRow> {
        let owner = self.owner(landscape)?;
        let rows = self.reading.iter().flat_map(|reading| &reading.leases);
        let mut here = rows.filter(|row| row.address == address);
        here.find(|row| is_ours(&row.comment, &owner))
    }

    /// Whether a planned row is for an address that nobody has yet and that is not proven free: it waits as a Service
    /// would.
    pub(super) fn awaits_proof(&self, write: &Write, landscape: &Landscape<'_>, now: Now) -> bool {
        let Write::AddLease(spec) = write else {
            return false;
        };
        !landscape.assigned.contains_key(&spec.address)
            && !matches!(
                self.availability(spec.address, landscape, now),
                // To reserve an address is to ask for it by name.
                Some(Availability::Free | Availability::OnRequest(_))
            )
    }

    /// Remembers the notes of reservations that stand behind our mark, so that another note can take their place; any
    /// other text there is a person's.
    pub(super) fn note_notes(&mut self, landscape: &Landscape<'_>) {
        let Some(owner) = self.owner(landscape) else {
            return;
        };
        let reservations = &landscape.config.reservations;
        self.noted.retain(|address, _| reservations.contains_key(address));
        let rows = self.reading.iter().flat_map(|reading| &reading.leases);
        for row in rows {
            if let Some(kept) = reservations.get(&row.address)
                && let Some(note) = note_of(row, &kept.note, &owner)
            {
                self.noted.insert(row.address, note);
            }
        }
    }

    /// What stands here for a reserved address, and who else has it. `None`: this router has no say.
    pub fn standing(
        &self,
        address: IpAddr,
        landscape: &Landscape<'_>,
        now: Now,
    ) -> Option<(Standing, Option<Holder>)> {
        let wants_rows = self.object.spec.as_ref().is_ok_and(|spec| spec.leases);
        if !wants_rows || self.object.deleting || !self.keeps(address, landscape) {
            return None;
        }
        if self.reading.is_none() && self.failure.is_some() {
            return None; // What stands there nobody knows.
        }
        let rows = self.reading.iter().flat_map(|reading| &reading.leases);
        let foreign = rows.clone().any(|row| row.address == address);
        let standing = if self.our_lease(address, landscape).is_some() {
            Standing::Written
        } else if foreign {
            Standing::Foreign
        } else {
            Standing::Pending(match self.availability(address, landscape, now) {
                Some(Availability::Unproven(why)) => Some(why),
                _ => None,
            })
        };
        Some((standing, self.held.holder(address).cloned()))
    }

    /// Whether what stands here for a reserved address is about to be known: a status before that would be wrong for a
    /// moment after every start.
    pub fn is_unread_for(&self, address: IpAddr, landscape: &Landscape<'_>) -> bool {
        let wants_rows = self.object.spec.as_ref().is_ok_and(|spec| spec.leases);
        let comes = self.reading.is_none() && self.failure.is_none() && self.mode() != RouterMode::Paused;
        comes && wants_rows && !self.object.deleting && self.keeps(address, landscape)
    }

    /// The addresses that should have a lease row here.
    pub(super) fn wanted(&self, landscape: &Landscape<'_>) -> usize {
        let kept = self.kept(landscape);
        let kept = kept
            .iter()
            .filter(|(address, kept)| kept.free || self.our_lease(**address, landscape).is_some());
        let all: RangeSet = kept
            .map(|(address, _)| *address)
            .chain(self.assigned(landscape).into_keys())
            .collect();
        usize::try_from(all.count()).unwrap_or(usize::MAX)
    }
}

/// The text behind our mark, if it is this note.
fn note_of(row: &LeaseRow, note: &str, owner: &Owner) -> Option<String> {
    let marker = Marker::parse(&row.comment).filter(|marker| owner.owns(marker))?;
    let mark = Marker::comment(owner, &marker.subject, "");
    (marker.note == note_on(&mark, note)).then_some(marker.note)
}
