//! What became of each AddressReservation, for its object.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::effect::{About, Effect, Notice};
use super::event::{Change, Kind};
use super::routers::Entry;
use super::{Allocator, Step, apply};
use crate::config::{Config, Reservation, ReservationObject};
use crate::ipam::{Holder, Ledger};
use crate::model::{Now, ObjectKey};
use crate::reservation::{Landscape, Standing};

/// `AddressReservation.status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationStatus {
    /// Who has the address.
    pub phase: Phase,
    /// What stands on the routers that have a say; `None`: none has.
    pub row: Option<Row>,
    /// What was seen and what to do.
    pub message: String,
    /// The generation of the spec that this is about.
    pub observed_generation: i64,
}

/// Who has a reserved address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Nobody yet.
    Free,
    /// The Service that it is for.
    Assigned,
    /// Another Service, since before the reservation.
    Taken,
    /// Somebody outside the cluster.
    Held,
    /// It is in no pool: nothing is reserved.
    OutsidePools,
    /// The object cannot be used.
    Invalid,
}

impl Phase {
    /// The word in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "Free",
            Self::Assigned => "Assigned",
            Self::Taken => "Taken",
            Self::Held => "Held",
            Self::OutsidePools => "OutsidePools",
            Self::Invalid => "Invalid",
        }
    }
}

/// What stands on the routers for a reserved address: of several the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// Our row.
    Written,
    /// None yet.
    Pending,
    /// Somebody else's.
    Foreign,
}

impl Row {
    /// The word in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "Written",
            Self::Pending => "Pending",
            Self::Foreign => "Foreign",
        }
    }
}

impl Allocator {
    pub(super) fn take_reservations(&mut self, change: Change<ReservationObject>) {
        let (table, listed) = (&mut self.reservations, &mut self.listed);
        self.reconfigure |= apply(table, change, |object| &object.key, listed, Kind::Reservations);
    }

    /// Every status that is not as it was last said; an address that another Service has is an event besides.
    pub(super) fn report_reservations(&mut self, now: Now, step: &mut Step) {
        let statuses = self.reservation_statuses(now);
        self.reserved.retain(|key, _| statuses.contains_key(key));
        for (key, status) in statuses {
            let before = self.reserved.get(&key);
            if before == Some(&status) {
                continue;
            }
            let taken = status.phase == Phase::Taken;
            if taken && before.is_none_or(|before| before.phase != Phase::Taken) {
                step.effects.push(Effect::Event {
                    about: About::reservation(&key),
                    notice: Notice::ReservationTaken,
                    note: status.message.clone(),
                });
            }
            step.effects.push(Effect::SetReservationStatus {
                reservation: key.clone(),
                status: status.clone(),
            });
            self.reserved.insert(key, status);
        }
    }

    fn reservation_statuses(&self, now: Now) -> BTreeMap<ObjectKey, ReservationStatus> {
        if self.reservations.is_empty() {
            return BTreeMap::new();
        }
        let view = self.view();
        let landscape = view.landscape(
            &self.config,
            &self.settings.cluster_uid,
            self.confirmed.by_address(),
            &self.surveys,
        );
        let scene = Scene {
            config: &self.config,
            ledger: &self.ledger,
            routers: &self.routers,
            landscape,
            now,
        };
        let by_key = self.config.reservations.values();
        let by_key: BTreeMap<&ObjectKey, &Reservation> = by_key.map(|kept| (&kept.key, kept)).collect();
        let status = |object: &ReservationObject| scene.status(object, by_key.get(&object.key).copied());
        let about_to_be_known = |key: &ObjectKey| {
            let kept = by_key.get(key);
            kept.is_some_and(|kept| {
                let mut routers = self.routers.values();
                routers.any(|entry| entry.router.is_unread_for(kept.address, &scene.landscape))
            })
        };
        let objects = self.reservations.iter();
        objects
            .filter(|(key, _)| !about_to_be_known(key))
            .map(|(key, object)| (key.clone(), status(object)))
            .collect()
    }
}

/// What a status is made of.
struct Scene<'a> {
    config: &'a Config,
    ledger: &'a Ledger,
    routers: &'a BTreeMap<ObjectKey, Entry>,
    landscape: Landscape<'a>,
    now: Now,
}

impl Scene<'_> {
    fn status(&self, object: &ReservationObject, valid: Option<&Reservation>) -> ReservationStatus {
        let (phase, row, message) = match valid {
            Some(kept) => self.of(kept),
            None => (Phase::Invalid, None, self.problem(&object.key)),
        };
        ReservationStatus {
            phase,
            row,
            message,
            observed_generation: object.generation,
        }
    }

    fn problem(&self, key: &ObjectKey) -> String {
        let about = About::reservation(key);
        let mut problems = self.config.problems.iter();
        let problem = problems.find(|problem| About::of(&problem.object) == about);
        problem.map(|problem| problem.message.clone()).unwrap_or_default()
    }

    fn of(&self, kept: &Reservation) -> (Phase, Option<Row>, String) {
        let routers = self.routers.values();
        let standings: Vec<(Standing, Option<Holder>)> = routers
            .filter_map(|entry| entry.router.standing(kept.address, &self.landscape, self.now))
            .collect();
        let row = standings.iter().map(|(standing, _)| row(standing)).max();
        let holders = self.ledger.holders().get(&kept.address);
        let mut holders = holders.into_iter().flatten();
        if let Some(service) = kept.service.as_ref()
            && holders.clone().any(|holder| holder == service)
        {
            return (Phase::Assigned, row, format!("Service {service} has it"));
        }
        if let Some(other) = holders.next() {
            let message = format!(
                "Service {other} has had {} since before this reservation and keeps it: have it ask for another address (metallb.io/loadBalancerIPs), or delete it",
                kept.address
            );
            return (Phase::Taken, row, message);
        }
        if self.config.pool_of(kept.address).is_none() {
            return self.unpooled(kept, row);
        }
        if let Some(message) = self.served_otherwise(kept) {
            return (Phase::Free, row, message);
        }
        if let Some(holder) = self.holder(kept.address, &standings) {
            let message = format!("{} is in use by {holder}: free it there", kept.address);
            return (Phase::Held, row, message);
        }
        let why = standings.into_iter().find_map(|(standing, _)| match standing {
            Standing::Pending(why) => why,
            Standing::Written | Standing::Foreign => None,
        });
        let why = why.map_or_else(String::new, |why| {
            format!("; no row stands on the router yet: {why}")
        });
        let message = match &kept.service {
            Some(service) => format!("waits for Service {service}{why}"),
            None => format!("no Service gets it: name one in spec.for{why}"),
        };
        (Phase::Free, row, message)
    }

    /// Its Service has another address, from before the reservation or because it asks for it, and keeps that.
    fn served_otherwise(&self, kept: &Reservation) -> Option<String> {
        let service = kept.service.as_ref()?;
        let has = self.ledger.assignment(service)?.addresses.first()?;
        Some(format!(
            "Service {service} has {has} and keeps it: to move it, have it ask for {} (metallb.io/loadBalancerIPs)",
            kept.address
        ))
    }

    fn unpooled(&self, kept: &Reservation, row: Option<Row>) -> (Phase, Option<Row>, String) {
        if self.config.has_unusable_pools() {
            let message =
                "an IPAddressPool cannot be used, and may hold it: kubectl get configurationstates -A";
            return (Phase::Free, row, message.to_owned());
        }
        (Phase::OutsidePools, row, self.problem(&kept.key))
    }

    fn holder(&self, address: IpAddr, standings: &[(Standing, Option<Holder>)]) -> Option<Holder> {
        let on_router = standings.iter().find_map(|(_, holder)| holder.as_ref());
        let fixture = || self.landscape.surveys.fixture(address, self.now.mono);
        let user = self.landscape.user(address).or_else(fixture);
        user.map(|user| user.or_known_as(on_router))
            .or_else(|| on_router.cloned())
    }
}

const fn row(standing: &Standing) -> Row {
    match standing {
        Standing::Written => Row::Written,
        Standing::Pending(_) => Row::Pending,
        Standing::Foreign => Row::Foreign,
    }
}
