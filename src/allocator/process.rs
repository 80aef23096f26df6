//! The tasks of an allocator and their life.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use routeros::client::{Observer, Timeouts};
use tiklb_core::allocator::Event;
use tokio::sync::{mpsc, watch};

use self::desk::Desk;
use super::router::sessions::{Sessions, Settings};
use crate::api::event::ALLOCATOR;
use crate::cluster::lease::elector;
use crate::cluster::service::ServiceWriter;
use crate::cluster::source::Source;
use crate::cluster::watch::Health;
use crate::cluster::writer::Writer;
use crate::cluster::{client, event, heartbeat, identity};
use crate::observe::admin::Readiness;
use crate::tasks::Tasks;

mod desk;
mod feed;

/// The Lease of the one allocator that writes.
const LEASE: &str = "tiklb-allocator";
/// Changes that wait to be taken in; the watches wait when it is full.
const INBOX: usize = 1_024;
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
    /// Is told about each request to a router.
    pub observer: Arc<dyn Observer>,
    /// Is told when every kind was listed.
    pub readiness: Readiness,
}

/// Runs an allocator until `stop` is true.
///
/// # Errors
/// Something without which it cannot go on: the process should end and be started again.
pub async fn run(options: Options, mut stop: watch::Receiver<bool>) -> Result<()> {
    let client = client::connect(options.kubeconfig.as_deref()).await?;
    let source = Source::new(client.clone(), &options.namespace, Arc::new(Health::default()));
    let writer = Writer::default();
    let (events, recorder) = event::events(ALLOCATOR, &options.pod);
    let (inbox_in, inbox) = mpsc::channel(INBOX);
    let (answers_in, answers) = mpsc::channel(INBOX);
    let mut tasks = Tasks::default();
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
    let (leadership, candidate) = elector(&options.namespace, LEASE, &options.pod);
    let (retire, retired) = watch::channel(false);
    let election = tokio::spawn(candidate.run(client.clone(), retired));
    let mut desk = Desk::new(desk::Parts {
        settings: tiklb_core::allocator::Settings {
            class: options.class,
            cluster_uid: cluster.short(),
        },
        namespace: options.namespace,
        owner,
        source,
        inbox: inbox_in,
        sessions: sessions(options.observer, answers_in.clone()),
        services: ServiceWriter::new(client),
        answers: answers_in,
        writer: writer.clone(),
        events,
        listing: Some(options.readiness.wait_for("the first list of every kind")),
    });
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        name = tasks.first_ended() => bail!("{name} ended, which it never should: see the log above"),
        outcome = desk.run(inbox, answers, leadership) => outcome?,
    }
    tracing::info!("stopping");
    desk.finish().await;
    if tokio::time::timeout(TIDY, writer.idle()).await.is_err() {
        tracing::warn!("some statuses could not be written; the next leader will");
    }
    // Only now may another replica write: nothing of ours is on its way any more.
    retire.send_replace(true);
    election
        .await
        .context("the election ended with a fault: another replica waits until the Lease expires")
}

fn sessions(observer: Arc<dyn Observer>, answers: mpsc::Sender<Event>) -> Sessions {
    let settings = Settings {
        timeouts: Timeouts::default(),
        observer,
    };
    Sessions::new(settings, answers)
}
