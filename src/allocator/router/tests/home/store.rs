//! What core wishes for, done: requests to the router's session, and objects that the API server stores and shows.

use std::net::IpAddr;

use tiklb_core::allocator::{Change, Effect, Event, ReservationStatus, WriteResult};
use tiklb_core::config::{ReservationObject, ReservationSpec, RouterMode, RouterObject};
use tiklb_core::model::ObjectKey;

use super::{Given, Home, seniority};
use crate::allocator::router::tests::key;

impl Home {
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::ReadRouter { router, depth } => {
                self.under_way += 1;
                self.edits.0 = self.desk.sim.journal().edits.len();
                self.desk.sessions.read(&router, depth);
            }
            Effect::WriteRouter { router, planned } => {
                self.under_way += 1;
                self.desk.sessions.write(&router, planned);
            }
            Effect::SetServiceStatus {
                service,
                resource_version,
                addresses,
                pool,
                ..
            } => self.store_service(service, &resource_version, addresses, pool),
            Effect::SetRouterStatus { status, .. } => {
                self.change_router(|object| {
                    object.taken.clone_from(&status.taken);
                    object.confirmed.clone_from(&status.confirmed);
                    object.serial.clone_from(&status.serial);
                    object.identity = Some(status.identity.clone());
                });
                self.status = *status;
            }
            Effect::SetRouterFinalizer {
                present,
                resource_version,
                ..
            } => self.finalize(present, &resource_version),
            Effect::SetReservationStatus { reservation, status } => {
                self.reserved.insert(reservation, status);
            }
            Effect::Event { about, notice, note } => {
                self.told.push(format!("{notice:?} {}: {note}", about.key.name));
            }
            Effect::SetConfigurationState { .. } | Effect::SetPoolStatus { .. } => {}
        }
    }

    /// An AddressReservation for a Service in the namespace default is there, or is changed.
    pub(in crate::allocator::router::tests) fn reserve(
        &mut self,
        name: &str,
        address: &str,
        service: &str,
        note: &str,
    ) {
        let key = ObjectKey::new("metallb-system", name);
        let object = ReservationObject {
            generation: 1,
            seniority: seniority(&key),
            key: key.clone(),
            spec: Ok(ReservationSpec {
                address: address.to_owned(),
                service: Some(format!("default/{service}")),
                note: note.to_owned(),
            }),
        };
        self.reservations.insert(key, object.clone());
        self.news.push(Event::Reservations(Change::Applied(object)));
    }

    /// A Service appears that takes a static lease which somebody wrote for its own.
    pub(in crate::allocator::router::tests) fn create_for_a_lease(&mut self, name: &str) {
        self.create(name);
        let key = ObjectKey::new("default", name);
        let Some(service) = self.services.get_mut(&key) else {
            return;
        };
        let annotation = "tiklb.io/use-existing-lease".to_owned();
        service.annotations.insert(annotation, "true".to_owned());
        self.news.push(Event::services(Change::Applied(service.clone())));
    }

    /// It is gone.
    pub(in crate::allocator::router::tests) fn unreserve(&mut self, name: &str) {
        let key = ObjectKey::new("metallb-system", name);
        self.reservations.remove(&key);
        self.reserved.remove(&key);
        self.news.push(Event::Reservations(Change::Deleted(key)));
    }

    /// `phase row` of an AddressReservation.
    pub(in crate::allocator::router::tests) fn said_of(&self, name: &str) -> String {
        let status = self.reserved.get(&ObjectKey::new("metallb-system", name));
        let words = |status: &ReservationStatus| {
            let row = status.row.map_or("None", |row| row.as_str());
            format!("{} {row}", status.phase.as_str())
        };
        status.map(words).unwrap_or_default()
    }

    fn store_service(
        &mut self,
        service: ObjectKey,
        precondition: &str,
        addresses: Vec<IpAddr>,
        pool: Option<String>,
    ) {
        self.version += 1;
        let version = self.version.to_string();
        let Some(object) = self.services.get_mut(&service) else {
            let result = WriteResult::Gone;
            return self.news.push(Event::ServiceWritten { service, result });
        };
        assert_eq!(object.resource_version, precondition);
        let new = addresses
            .iter()
            .filter(|address| !object.ingress.contains(address));
        for address in new.clone() {
            let text = address.to_string();
            let mut kept = self
                .reservations
                .values()
                .filter_map(|object| object.spec.as_ref().ok());
            let other = kept.find(|spec| spec.address == text && spec.service != Some(service.to_string()));
            self.misgiven
                .extend(other.map(|spec| format!("{service} was given {address}: {spec:?}")));
        }
        let judge = self.object.as_ref().filter(|object| !object.deleting);
        let proven = judge.is_some_and(|object| {
            object
                .spec
                .as_ref()
                .is_ok_and(|spec| spec.mode == RouterMode::Enforce)
        });
        let edits = self.edits.1;
        self.given.extend(new.map(|address| Given {
            address: *address,
            edits,
            proven,
        }));
        object.ingress = addresses;
        object.resource_version.clone_from(&version);
        let annotation = "metallb.io/ip-allocated-from-pool".to_owned();
        object.annotations.remove(&annotation);
        object.annotations.extend(pool.map(|pool| (annotation, pool)));
        self.news.push(Event::services(Change::Applied(object.clone())));
        let result = WriteResult::Written(version);
        self.news.push(Event::ServiceWritten { service, result });
    }

    fn finalize(&mut self, present: bool, precondition: &str) {
        let Some(object) = self
            .object
            .as_ref()
            .filter(|o| o.resource_version == precondition)
        else {
            return; // It changed meanwhile, and core is told of that.
        };
        if object.deleting && !present {
            self.object = None;
            self.ending = true;
            return self.news.push(Event::Routers(Change::Deleted(key())));
        }
        self.change_router(|object| object.finalizer = present);
    }

    /// Changes the object and shows it to core, as the watch would; not where nothing is changed.
    pub(in crate::allocator::router::tests) fn change_router(
        &mut self,
        change: impl FnOnce(&mut RouterObject),
    ) {
        let Some(object) = &mut self.object else { return };
        let before = object.clone();
        change(object);
        if *object != before {
            self.version += 1;
            object.resource_version = self.version.to_string();
            self.news.push(Event::Routers(Change::Applied(object.clone())));
        }
    }
}
