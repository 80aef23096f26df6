//! The watches of a speaker: what decides goes to the desk, what is stored to the writer, the key to the wire.

use std::pin::pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use tiklb_core::allocator::{Announcement, Change};
use tiklb_core::election::Key;
use tiklb_core::election::wire::MIN_KEY;
use tiklb_core::model::NodeName;
use tokio::sync::{Notify, mpsc, watch};

use crate::api::configuration_state;
use crate::cluster::heartbeat::{KEY, SECRET};
use crate::cluster::object::secret::SecretObject;
use crate::cluster::object::{Known, Stored, split, split_said};
use crate::cluster::source::Source;
use crate::cluster::writer::{Kind, Writer};
use crate::observe::readiness::Pending;
use crate::speaker::desired::News;
use crate::tasks::Tasks;

/// Everything that decides what is announced.
pub(super) fn read(tasks: &mut Tasks, source: &Source, peers: &str, feed: &mpsc::Sender<News>) {
    let values = |change| split(change).0;
    tasks.spawn(
        "the watch of Services",
        forward(source.services(), feed.clone(), News::Services),
    );
    tasks.spawn(
        "the watch of pools",
        forward(source.pools().map(values), feed.clone(), News::Pools),
    );
    let advertisements = source.advertisements().map(|change| split(change).0);
    tasks.spawn(
        "the watch of advertisements",
        forward(advertisements, feed.clone(), News::Advertisements),
    );
    tasks.spawn(
        "the watch of nodes",
        forward(source.candidates(), feed.clone(), News::Nodes),
    );
    tasks.spawn(
        "the watch of endpoints",
        forward(source.slices(), feed.clone(), News::Slices),
    );
    tasks.spawn(
        "the watch of speakers",
        forward(source.speakers(peers), feed.clone(), News::Pods),
    );
}

/// What is stored of the objects that speakers write. What others have announced decides, too.
pub(super) fn records(
    tasks: &mut Tasks,
    source: &Source,
    node: &NodeName,
    writer: &Writer,
    stored: &Arc<Notify>,
    feed: &mpsc::Sender<News>,
) {
    let announcements = announced(
        source.announcements(),
        writer.clone(),
        stored.clone(),
        feed.clone(),
    );
    tasks.spawn("the watch of ServiceL2Statuses", announcements);
    let conflicts = keep(source.conflicts(), Kind::Conflict, writer, stored);
    tasks.spawn("the watch of AddressConflicts", conflicts);
    let state = source.configuration(&configuration_state::speaker(&node.0));
    let writer = writer.clone();
    tasks.spawn(
        "the watch of our ConfigurationState",
        state.for_each(move |change| {
            writer.stored(Kind::Configuration, change);
            std::future::ready(())
        }),
    );
}

/// Hands changes on until nobody takes them.
async fn forward<T>(
    changes: impl Stream<Item = Change<T>>,
    feed: mpsc::Sender<News>,
    news: impl Fn(Change<T>) -> News,
) {
    let mut changes = pin!(changes);
    while let Some(change) = changes.next().await {
        if feed.send(news(change)).await.is_err() {
            return;
        }
    }
}

async fn announced(
    changes: impl Stream<Item = Change<Known<Option<Announcement>>>>,
    writer: Writer,
    stored: Arc<Notify>,
    feed: mpsc::Sender<News>,
) {
    let mut changes = pin!(changes);
    while let Some(change) = changes.next().await {
        let (records, objects) = split_said(change);
        writer.stored(Kind::Announcement, objects);
        stored.notify_one();
        if feed.send(News::Records(records)).await.is_err() {
            return;
        }
    }
}

fn keep<T: Send, S: Stream<Item = Change<Known<T>>> + Send>(
    changes: S,
    kind: Kind,
    writer: &Writer,
    stored: &Arc<Notify>,
) -> impl Future<Output = ()> + Send + use<T, S> {
    let (writer, stored) = (writer.clone(), stored.clone());
    changes.for_each(move |change| {
        let change: Change<Stored> = split(change).1;
        writer.stored(kind, change);
        stored.notify_one();
        std::future::ready(())
    })
}

/// The heartbeat key, whenever its Secret says another one.
pub(super) async fn keys(
    changes: impl Stream<Item = Change<SecretObject>>,
    key: watch::Sender<Option<Key>>,
    namespace: String,
    waited_for: Pending,
) {
    let mut waited_for = Some(waited_for);
    let mut changes = pin!(changes);
    while let Some(change) = changes.next().await {
        let secret = match change {
            Change::Listed(mut secrets) => secrets.pop(),
            Change::Applied(secret) => Some(secret),
            // The key in use stays until there is another one.
            Change::Deleted(_) => None,
        };
        let Some(secret) = secret else {
            tracing::warn!("waiting for the Secret {namespace}/{SECRET}, which the allocator makes");
            continue;
        };
        if let Some(new) = secret.get(KEY).and_then(Key::new) {
            tracing::info!(key = %new, "heartbeat key read");
            key.send_replace(Some(new));
            if let Some(waited_for) = waited_for.take() {
                waited_for.done();
            }
        } else {
            tracing::error!(
                "the Secret {namespace}/{SECRET} holds no {KEY} of at least {MIN_KEY} bytes: delete it, and the allocator makes a new one"
            );
        }
    }
}
