//! Every kind that is read, as a stream of core's values.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::Stream;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::jiff::Timestamp;
use kube::{Api, Client};
use tiklb_core::allocator::{Announcement, Change, Conflict, NamespaceObject, NodeObject, SurveyRecord};
use tiklb_core::config::{AdvertisementObject, PoolObject, ReservationObject};
use tiklb_core::election::candidate::Node;
use tiklb_core::model::service::Service;

use super::leftover;
use super::object::endpoints::Slice;
use super::object::pod::SpeakerPod;
use super::object::router::SeenRouter;
use super::object::secret::SecretObject;
use super::object::{self, Known, Stored};
use super::watch::{Health, Scope, watch};
use crate::api::{
    AddressConflict, AddressReservation, ConfigurationState, Decoded, IPAddressPool, L2Advertisement,
    MikrotikRouter, ServiceL2Status, label,
};

/// Where everything is read from.
#[derive(Clone)]
pub struct Source {
    client: Client,
    namespace: String,
    health: Arc<Health>,
}

/// A selector of the one object of this name.
fn named(name: &str) -> Scope {
    Scope {
        fields: Some(format!("metadata.name={name}")),
        ..Scope::default()
    }
}

/// For kinds that only programs write: a record that becomes unreadable stays in force as it was.
fn remembering() -> Scope {
    Scope {
        remember: true,
        ..Scope::default()
    }
}

impl Source {
    /// Reads tiklb's own kinds in `namespace`.
    pub fn new(client: Client, namespace: &str, health: Arc<Health>) -> Self {
        Self {
            client,
            namespace: namespace.to_owned(),
            health,
        }
    }

    /// Services everywhere, as far as they concern a load balancer.
    pub fn services(&self) -> impl Stream<Item = Change<Box<Service>>> + Send + use<> {
        let api: Api<core::Service> = Api::all(self.client.clone());
        watch(api, Scope::default(), self.health.clone(), |object| {
            object::service::service(object).map(Box::new)
        })
    }

    /// Namespaces.
    pub fn namespaces(&self) -> impl Stream<Item = Change<NamespaceObject>> + Send + use<> {
        let api: Api<core::Namespace> = Api::all(self.client.clone());
        watch(
            api,
            Scope::default(),
            self.health.clone(),
            object::namespace::namespace,
        )
    }

    /// Nodes, as the allocator sees them.
    pub fn nodes(&self) -> impl Stream<Item = Change<NodeObject>> + Send + use<> {
        let api: Api<core::Node> = Api::all(self.client.clone());
        watch(
            api,
            Scope::default(),
            self.health.clone(),
            object::node::address_owner,
        )
    }

    /// Nodes, as the speakers see them.
    pub fn candidates(&self) -> impl Stream<Item = Change<Node>> + Send + use<> {
        let api: Api<core::Node> = Api::all(self.client.clone());
        watch(
            api,
            Scope::default(),
            self.health.clone(),
            object::node::candidate,
        )
    }

    /// `EndpointSlices` everywhere.
    pub fn slices(&self) -> impl Stream<Item = Change<Slice>> + Send + use<> {
        let api: Api<EndpointSlice> = Api::all(self.client.clone());
        watch(
            api,
            Scope::default(),
            self.health.clone(),
            object::endpoints::slice,
        )
    }

    /// The Pods that a label selector finds: the speakers'.
    pub fn speakers(&self, selector: &str) -> impl Stream<Item = Change<SpeakerPod>> + Send + use<> {
        let scope = Scope {
            labels: Some(selector.to_owned()),
            ..Scope::default()
        };
        watch(
            self.own::<core::Pod>(),
            scope,
            self.health.clone(),
            object::pod::speaker,
        )
    }

    /// MetalLB's kinds that are defined and that nobody reads.
    pub fn unread(&self) -> impl Stream<Item = BTreeSet<String>> + Send + use<> {
        leftover::presence(self.client.clone())
    }

    /// `IPAddressPools`.
    pub fn pools(&self) -> impl Stream<Item = Change<Known<PoolObject>>> + Send + use<> {
        watch(
            self.own::<Decoded<IPAddressPool>>(),
            Scope::default(),
            self.health.clone(),
            object::pool::pool,
        )
    }

    /// `L2Advertisements`.
    pub fn advertisements(&self) -> impl Stream<Item = Change<Known<AdvertisementObject>>> + Send + use<> {
        watch(
            self.own::<Decoded<L2Advertisement>>(),
            Scope::default(),
            self.health.clone(),
            object::advertisement::advertisement,
        )
    }

    /// `MikrotikRouters`.
    pub fn routers(&self) -> impl Stream<Item = Change<Known<SeenRouter>>> + Send + use<> {
        watch(
            self.own::<Decoded<MikrotikRouter>>(),
            Scope::default(),
            self.health.clone(),
            object::router::router,
        )
    }

    /// `AddressReservations`.
    pub fn reservations(&self) -> impl Stream<Item = Change<Known<ReservationObject>>> + Send + use<> {
        watch(
            self.own::<Decoded<AddressReservation>>(),
            Scope {
                optional: true,
                ..Scope::default()
            },
            self.health.clone(),
            object::reservation::reservation,
        )
    }

    /// `ServiceL2Statuses`: who announces what.
    pub fn announcements(&self) -> impl Stream<Item = Change<Known<Option<Announcement>>>> + Send + use<> {
        watch(
            self.own::<Decoded<ServiceL2Status>>(),
            remembering(),
            self.health.clone(),
            object::announcement::announcement,
        )
    }

    /// `AddressConflicts`.
    pub fn conflicts(&self) -> impl Stream<Item = Change<Known<Conflict>>> + Send + use<> {
        watch(
            self.own::<Decoded<AddressConflict>>(),
            remembering(),
            self.health.clone(),
            object::conflict::conflict,
        )
    }

    /// One component's own `ConfigurationState`.
    pub fn configuration(&self, name: &str) -> impl Stream<Item = Change<Stored>> + Send + use<> {
        let read = |state| object::configuration::configuration(state).map(|known| known.stored);
        watch(
            self.own::<Decoded<ConfigurationState>>(),
            named(name),
            self.health.clone(),
            read,
        )
    }

    /// The Leases in which speakers record their surveys.
    pub fn surveys(&self) -> impl Stream<Item = Change<SurveyRecord>> + Send + use<> {
        let scope = Scope {
            labels: Some(format!("{}={}", label::SURVEY, label::SURVEY_VALUE)),
            ..remembering()
        };
        watch(self.own::<Lease>(), scope, self.health.clone(), |lease| {
            object::survey::survey(&lease, Timestamp::now())
        })
    }

    /// One Secret.
    pub fn secret(&self, name: &str) -> impl Stream<Item = Change<SecretObject>> + Send + use<> {
        watch(
            self.own::<core::Secret>(),
            named(name),
            self.health.clone(),
            object::secret::secret,
        )
    }

    fn own<K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>>(
        &self,
    ) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}
