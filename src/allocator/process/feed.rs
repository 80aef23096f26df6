//! The watches of an allocator: what decides goes to the desk, what is stored to the writer.

use std::collections::BTreeSet;
use std::pin::pin;

use futures::{Stream, StreamExt};
use tiklb_core::allocator::{Change, Event};
use tiklb_core::config::AdvertisementObject;
use tiklb_core::model::service::Service;
use tokio::sync::mpsc;

use crate::api::configuration_state::CONTROLLER;
use crate::cluster::object::router::SeenRouter;
use crate::cluster::object::secret::SecretObject;
use crate::cluster::object::{Known, split, split_said};
use crate::cluster::source::Source;
use crate::cluster::writer::{Kind, Writer};
use crate::tasks::Tasks;

/// What reaches the desk.
#[derive(Debug)]
pub(super) enum Arrival {
    /// For core as it is.
    Event(Box<Event>),
    /// Services, out of the watch of this number.
    Services(u64, Change<Box<Service>>),
    /// Advertisements, whose UIDs events need.
    Advertisements(Box<Change<Known<AdvertisementObject>>>),
    /// Routers, whose access the sessions need.
    Routers(Box<Change<Known<SeenRouter>>>),
    /// Kinds of MetalLB's that are defined and not read.
    Unread(BTreeSet<String>),
    /// What became of the Secret of this name.
    Secret(String, Change<SecretObject>),
}

pub(super) fn read(tasks: &mut Tasks, source: &Source, writer: &Writer, inbox: &mpsc::Sender<Arrival>) {
    let event = |event| Arrival::Event(Box::new(event));
    let namespaces = source
        .namespaces()
        .map(move |change| event(Event::Namespaces(change)));
    tasks.spawn("the watch of namespaces", forward(namespaces, inbox.clone()));
    let nodes = source.nodes().map(move |change| event(Event::Nodes(change)));
    tasks.spawn("the watch of nodes", forward(nodes, inbox.clone()));
    let surveys = source.surveys().map(move |change| event(Event::Surveys(change)));
    tasks.spawn("the watch of surveys", forward(surveys, inbox.clone()));
    let announcements = source.announcements().map(|change| split_said(change).0);
    let announcements = announcements.map(move |change| event(Event::Announcements(change)));
    tasks.spawn(
        "the watch of ServiceL2Statuses",
        forward(announcements, inbox.clone()),
    );
    let conflicts = source.conflicts().map(|change| split(change).0);
    let conflicts = conflicts.map(move |change| event(Event::Conflicts(change)));
    tasks.spawn("the watch of AddressConflicts", forward(conflicts, inbox.clone()));
    let stored = writer.clone();
    let pools = source.pools().map(move |change| {
        let (pools, pool_objects) = split(change);
        stored.stored(Kind::Pool, pool_objects);
        event(Event::Pools(pools))
    });
    tasks.spawn("the watch of pools", forward(pools, inbox.clone()));
    let stored = writer.clone();
    let reservations = source.reservations().map(move |change| {
        let (reservations, reservation_objects) = split(change);
        stored.stored(Kind::Reservation, reservation_objects);
        event(Event::Reservations(reservations))
    });
    tasks.spawn(
        "the watch of AddressReservations",
        forward(reservations, inbox.clone()),
    );
    let advertisements = source
        .advertisements()
        .map(|change| Arrival::Advertisements(Box::new(change)));
    tasks.spawn(
        "the watch of advertisements",
        forward(advertisements, inbox.clone()),
    );
    let routers = source.routers().map(|change| Arrival::Routers(Box::new(change)));
    tasks.spawn("the watch of routers", forward(routers, inbox.clone()));
    let unread = source.unread().map(Arrival::Unread);
    tasks.spawn(
        "the look for kinds that are not read",
        forward(unread, inbox.clone()),
    );
    let stored = writer.clone();
    let state = source.configuration(CONTROLLER).for_each(move |change| {
        stored.stored(Kind::Configuration, change);
        std::future::ready(())
    });
    tasks.spawn("the watch of our ConfigurationState", state);
}

/// Services, listed anew with each watch.
pub(super) async fn services(source: Source, number: u64, inbox: mpsc::Sender<Arrival>) {
    let changes = source.services();
    let arrivals = changes.map(move |change| Arrival::Services(number, change));
    forward(arrivals, inbox).await;
}

/// One Secret, for as long as a router names it.
pub(super) async fn secret(source: Source, name: String, inbox: mpsc::Sender<Arrival>) {
    let changes = source.secret(&name);
    let arrivals = changes.map(move |change| Arrival::Secret(name.clone(), change));
    forward(arrivals, inbox).await;
}

/// Hands arrivals on until nobody takes them.
async fn forward(arrivals: impl Stream<Item = Arrival>, inbox: mpsc::Sender<Arrival>) {
    let mut arrivals = pin!(arrivals);
    while let Some(arrival) = arrivals.next().await {
        if inbox.send(arrival).await.is_err() {
            return;
        }
    }
}
