//! What core wishes for, done: requests to the router's session, and objects that the API server stores and shows.

use std::net::IpAddr;

use tiklb_core::allocator::{Change, Effect, Event, WriteResult};
use tiklb_core::config::RouterObject;
use tiklb_core::model::ObjectKey;

use super::Home;
use crate::allocator::router::tests::key;

impl Home {
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::ReadRouter { router, depth } => {
                self.under_way += 1;
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
            Effect::Event { .. } | Effect::SetConfigurationState { .. } | Effect::SetPoolStatus { .. } => {}
        }
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
        object.ingress = addresses;
        object.resource_version.clone_from(&version);
        let annotation = "metallb.io/ip-allocated-from-pool".to_owned();
        object.annotations = pool.map(|pool| (annotation, pool)).into_iter().collect();
        self.news.push(Event::Services(Change::Applied(object.clone())));
        let result = WriteResult::Written(version);
        self.news.push(Event::ServiceWritten { service, result });
    }

    fn finalize(&mut self, present: bool, precondition: &str) {
        let object = self.object.as_ref().unwrap();
        assert_eq!(object.resource_version, precondition);
        if object.deleting && !present {
            self.object = None;
            self.desk.sessions.apply(&[], &self.desk.secrets);
            return self.news.push(Event::Routers(Change::Deleted(key())));
        }
        self.change_router(|object| object.finalizer = present);
    }

    /// Changes the object and shows it to core, as the watch would; not where nothing is changed.
    pub(super) fn change_router(&mut self, change: impl FnOnce(&mut RouterObject)) {
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
