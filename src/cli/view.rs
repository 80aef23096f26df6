//! Everything of the cluster that a person's verb looks at, listed once.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use futures::{Stream, StreamExt};
use tiklb_core::allocator::{
    Announcement, Change, Conflict, Event, Leadership, NamespaceObject, NodeObject, SurveyRecord,
};
use tiklb_core::config::{AdvertisementObject, PoolObject, ReservationObject};
use tiklb_core::model::Uid;
use tiklb_core::model::service::Service;

use super::Cluster;
use super::progress::told;
use crate::cluster::object::Known;
use crate::cluster::object::router::SeenRouter;
use crate::cluster::source::Source;
use crate::cluster::watch::Health;
use crate::cluster::{Client, client, identity};

/// An API server that does not answer within this is not going to.
const PATIENCE: Duration = Duration::from_secs(15);

/// The lists.
pub(super) struct View {
    pub(super) client: Client,
    pub(super) source: Source,
    pub(super) cluster_uid: Uid,
    pub(super) services: Vec<Service>,
    pub(super) pools: Vec<Known<PoolObject>>,
    pub(super) advertisements: Vec<Known<AdvertisementObject>>,
    pub(super) routers: Vec<Known<SeenRouter>>,
    pub(super) reservations: Vec<Known<ReservationObject>>,
    pub(super) announcements: Vec<Known<Announcement>>,
    pub(super) conflicts: Vec<Known<Conflict>>,
    pub(super) namespaces: Vec<NamespaceObject>,
    pub(super) nodes: Vec<NodeObject>,
    pub(super) surveys: Vec<SurveyRecord>,
}

impl View {
    pub(super) async fn read(cluster: &Cluster) -> Result<Self> {
        let client = client::connect(cluster.kubeconfig.as_deref()).await?;
        let reading = Box::pin(Self::lists(client, &cluster.namespace));
        let reading = tokio::time::timeout(PATIENCE, reading);
        let outcome = told("waiting for the API server", reading).await;
        outcome.map_err(|_| {
            let whence = cluster.whence();
            anyhow!("the API server of {whence} did not answer everything within 15 s: try `kubectl get ipaddresspools,mikrotikrouters,addressreservations -A`, and apply deploy/crds where a kind is not known")
        })?
    }

    async fn lists(client: Client, namespace: &str) -> Result<Self> {
        let source = Source::new(client.clone(), namespace, Arc::new(Health::default()));
        let (
            cluster_uid,
            services,
            pools,
            advertisements,
            routers,
            reservations,
            announcements,
            conflicts,
            namespaces,
            nodes,
            surveys,
        ) = tokio::join!(
            identity::cluster_uid(&client),
            first(source.services(), "Services"),
            first(source.pools(), "IPAddressPools"),
            first(source.advertisements(), "L2Advertisements"),
            first(source.routers(), "MikrotikRouters"),
            first(source.reservations(), "AddressReservations"),
            first(source.announcements(), "ServiceL2Statuses"),
            first(source.conflicts(), "AddressConflicts"),
            first(source.namespaces(), "Namespaces"),
            first(source.nodes(), "Nodes"),
            first(source.surveys(), "Leases"),
        );
        Ok(Self {
            cluster_uid,
            services: services?.into_iter().map(|service| *service).collect(),
            pools: pools?,
            advertisements: advertisements?,
            routers: routers?,
            reservations: reservations?,
            announcements: announcements?.into_iter().filter_map(Known::said).collect(),
            conflicts: conflicts?,
            namespaces: namespaces?,
            nodes: nodes?,
            surveys: surveys?,
            client,
            source,
        })
    }

    /// The lists as an allocator would see them, were it to lead now.
    pub(super) fn events(&self) -> Vec<Event> {
        fn values<T: Clone>(known: &[Known<T>]) -> Change<T> {
            Change::Listed(known.iter().map(|known| known.value.clone()).collect())
        }
        let routers = self.routers.iter().map(|known| known.value.object.clone());
        vec![
            Event::Leadership(Leadership::Leading { unclean: false }),
            Event::services(Change::Listed(self.services.clone())),
            Event::Pools(values(&self.pools)),
            Event::Advertisements(values(&self.advertisements)),
            Event::Routers(Change::Listed(routers.collect())),
            Event::Reservations(values(&self.reservations)),
            Event::Namespaces(Change::Listed(self.namespaces.clone())),
            Event::Nodes(Change::Listed(self.nodes.clone())),
            Event::Announcements(values(&self.announcements)),
            Event::Conflicts(values(&self.conflicts)),
            Event::Surveys(Change::Listed(self.surveys.clone())),
        ]
    }
}

/// A kind's first list.
pub(super) async fn first<T>(changes: impl Stream<Item = Change<T>>, kind: &str) -> Result<Vec<T>> {
    let mut changes = pin!(changes);
    match changes.next().await {
        Some(Change::Listed(all)) => Ok(all),
        _ => Err(anyhow!("no list")).with_context(|| format!("reading the {kind}")),
    }
}
