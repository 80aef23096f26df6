//! The tasks of an allocator and their life.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use routeros::client::Timeouts;
use tiklb_core::allocator::Event;
use tokio::sync::{mpsc, watch};

use self::desk::Desk;
use self::instruments::Instruments;
use super::router::sessions::{Sessions, Settings, Watchers};
use crate::api::event::ALLOCATOR;
use crate::cluster::lease::elector;
use crate::cluster::service::ServiceWriter;
use crate::cluster::source::Source;
use crate::cluster::watch::Health;
use crate::cluster::writer::Writer;
use crate::cluster::{client, event, heartbeat, identity};
use crate::observe::Panel;
use crate::tasks::Tasks;

mod desk;
mod feed;
mod instruments;

/// The Lease of the one allocator that writes.
pub const LEASE: &str = "tiklb-allocator";
/// Changes that wait to be taken in; the watches wait when it is full.
const INBOX: usize = 1_024;
/// A step takes milliseconds; one that takes this long will not end.
const STANDSTILL: Duration = Duration::from_mins(1);
/// How long a stopping allocator takes to write what is already decided.
const TIDY: Duration = Duration::from_secs(3);

/// How an allocator is run.
pub struct Options {
    /// Where the API server is, if not in the usual places.
    pub kubeconfig: Option<PathBuf>,
    /// Where tiklb's own objects live.
    pub namespace: String,
    /// Our Pod, and our name in the election.
    pub pod: String,
    /// `--lb-class`.
    pub class: Option<String>,
}

/// Runs an allocator until `stop` is true, and shows it on the panel.
///
/// # Errors
/// Something without which it cannot go on: the process should end and be started again.
pub async fn run(options: Options, mut panel: Panel, mut stop: watch::Receiver<bool>) -> Result<()> {
    let client = client::connect(options.kubeconfig.as_deref()).await?;
    let health = Arc::new(Health::default());
    let source = Source::new(client.clone(), &options.namespace, health.clone());
    let writer = Writer::default();
    let (events, recorder) = event::events(ALLOCATOR, &options.pod);
    let (inbox_in, inbox) = mpsc::channel(INBOX);
    let (answers_in, answers) = mpsc::channel(INBOX);
    let instruments = Instruments::new(&mut panel.registry, &health, &events);
    let listing = panel.readiness.wait_for("the first list of every kind");
    let liveness = panel.liveness.clone();
    let mut tasks = Tasks::default();
    tasks.spawn("the admin server", panel.serve(instruments.state()));
    feed::read(&mut tasks, &source, &writer, &inbox_in);
    tasks.spawn("the writer", writer.clone().run(client.clone()));
    tasks.spawn("the recorder of events", recorder.run(client.clone()));
    let keys = heartbeat::keep(
        source.secret(heartbeat::SECRET),
        client.clone(),
        options.namespace.clone(),
    );
    tasks.spawn("the keeper of the heartbeat key", keys);
    let who = identity::learn(&client, &options.namespace, &options.pod);
    let (cluster, owner) = tokio::select! {
        who = who => who,
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
    };
    let (standing, candidate) = elector(&options.namespace, LEASE, &options.pod);
    let mut desk = Desk::new(desk::Parts {
        settings: tiklb_core::allocator::Settings {
            class: options.class,
            cluster_uid: cluster.short(),
            namespace: options.namespace.clone(),
        },
        namespace: options.namespace,
        owner,
        source,
        inbox: inbox_in,
        sessions: sessions(instruments.watchers(), answers_in),
        services: ServiceWriter::new(client.clone()),
        tenure: candidate.tenure(),
        writer: writer.clone(),
        events,
        listing: Some(listing),
        pulse: liveness.pulse("the allocator's state", STANDSTILL),
        instruments,
    });
    let (retire, retired) = watch::channel(false);
    let election = tokio::spawn(candidate.run(client, retired));
    tokio::select! {
        biased;
        outcome = desk.run(inbox, answers, standing, stop) => outcome?,
        name = tasks.first_ended() => bail!("{name} ended, which it never should: see the log above"),
    }
    finish(desk, &writer).await;
    // Only now may another replica write: nothing of ours is on its way any more.
    retire.send_replace(true);
    election
        .await
        .context("the election ended with a fault: another replica waits until the Lease expires")
}

/// Ends what is under way, and writes what is already decided.
async fn finish(desk: Desk, writer: &Writer) {
    tracing::info!("stopping");
    desk.finish().await;
    if tokio::time::timeout(TIDY, writer.idle()).await.is_err() {
        tracing::warn!("some statuses could not be written; the next leader will");
    }
}

fn sessions(watchers: Watchers, answers: mpsc::Sender<Event>) -> Sessions {
    let settings = Settings {
        timeouts: Timeouts::default(),
        watchers,
    };
    Sessions::new(settings, answers)
}
