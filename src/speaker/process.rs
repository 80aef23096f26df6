//! The tasks of a speaker and their life.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use http::Uri;
use tiklb_core::election::{Because, Departure, Failback};
use tiklb_core::model::NodeName;
use tokio::sync::{Notify, mpsc, watch};

use self::desk::Desk;
use self::instruments::{Instruments, Watched};
use super::desired::{News, Settings};
use super::record::{Identity, Recorder};
use super::{proxy, survey, wire};
use crate::api::event::SPEAKER;
use crate::cluster::event::Events;
use crate::cluster::heartbeat::SECRET;
use crate::cluster::source::Source;
use crate::cluster::survey::Surveys;
use crate::cluster::watch::Health;
use crate::cluster::writer::Writer;
use crate::cluster::{Client, client, event, identity};
use crate::link::watch::Exclusions;
use crate::observe::Panel;
use crate::observe::metrics::speaker::Thread;
use crate::tasks::Tasks;

mod desk;
mod feed;
mod instruments;

/// Changes that wait to be taken in; the watches wait when it is full, the wire never.
const NEWS: usize = 256;
/// A turn takes milliseconds; one that takes this long will not end.
const STANDSTILL: Duration = Duration::from_mins(1);
/// How long a stopping speaker takes to say goodbye on the wire, and then to remove its records. One that leaves for
/// good hands over what it has (0.1 s) and stays until the LAN was told five times (4.5 s).
const GOODBYE: Duration = Duration::from_secs(7);
const TIDY: Duration = Duration::from_secs(3);

/// How a speaker is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the API server is, if not in the usual places.
    pub kubeconfig: Option<PathBuf>,
    /// Where tiklb's own objects live.
    pub namespace: String,
    /// This node.
    pub node: NodeName,
    /// Our Pod.
    pub pod: String,
    /// UDP port of the heartbeats.
    pub heartbeat_port: u16,
    /// Finds the speakers' Pods.
    pub peer_selector: String,
    /// Which Services, and which nodes.
    pub settings: Settings,
    /// Interfaces that are never used.
    pub exclusions: Exclusions,
    /// How addresses go back to whoever comes first in order.
    pub failback: Failback,
    /// The health check of this node's proxy, if it is asked.
    pub proxy_health: Option<Uri>,
}

/// Runs a speaker until `stop` is true, and shows it on the panel.
///
/// # Errors
/// Something without which it cannot go on: the process should end and be started again.
pub async fn run(options: Options, panel: Panel, mut stop: watch::Receiver<bool>) -> Result<()> {
    let client = client::connect(options.kubeconfig.as_deref()).await?;
    let listing = panel.readiness.wait_for("the first list of every kind");
    let liveness = panel.liveness.clone();
    let thread = Thread::default();
    let mut wire = wire::start(wire::Settings {
        node: options.node.clone(),
        port: options.heartbeat_port,
        exclusions: options.exclusions.clone(),
        failback: options.failback,
        observer: Box::new(Watched::new(liveness.clone(), thread.clone())),
    })?;
    let Around {
        writer,
        events,
        stored,
        news,
        mut tasks,
        instruments,
    } = Around::begin(&client, &options, panel, &wire, thread);
    let owner = tokio::select! {
        owner = identity::owner(&client, &options.namespace, &options.pod) => owner,
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
    };
    let identity = Identity {
        node: options.node,
        namespace: options.namespace,
        owner,
        heartbeat_port: options.heartbeat_port,
    };
    let moves = instruments.owner_changes;
    let moves = Box::new(move |because: &Because| moves.record(because));
    let mut desk = Desk::new(desk::Parts {
        settings: options.settings,
        recorder: Recorder::new(identity, writer.clone(), events, moves),
        listing: Some(listing),
        pulse: liveness.pulse("the speaker's view of the API", STANDSTILL),
        configuration: instruments.configuration,
    });
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        outcome = &mut wire.ended => {
            let outcome = outcome.unwrap_or_else(|_| Err(anyhow!("it panicked")));
            outcome.context("the thread that owns the sockets ended")?;
            bail!("the thread that owns the sockets ended without being told to");
        }
        name = tasks.first_ended() => bail!("{name} ended, which it never should: see the log above"),
        outcome = desk.run(&wire.wanted, wire.published.clone(), news, &stored) => outcome?,
    }
    leave(wire, desk, &writer).await;
    Ok(())
}

/// What stands around the desk: watches before it, writers behind it, instruments beside it.
struct Around {
    writer: Writer,
    events: Events,
    stored: Arc<Notify>,
    news: mpsc::Receiver<News>,
    tasks: Tasks,
    instruments: Instruments,
}

impl Around {
    fn begin(
        client: &Client,
        options: &Options,
        mut panel: Panel,
        wire: &wire::Handle,
        thread: Thread,
    ) -> Self {
        let health = Arc::new(Health::default());
        let source = Source::new(client.clone(), &options.namespace, health.clone());
        let writer = Writer::default();
        let (events, recorder) = event::events(SPEAKER, &options.pod);
        let stored = Arc::new(Notify::new());
        let (news_in, news) = mpsc::channel(NEWS);
        let instruments =
            Instruments::new(&mut panel.registry, &health, &events, &options.node, wire, thread);
        let mut tasks = Tasks::default();
        feed::read(&mut tasks, &source, &options.peer_selector, &news_in);
        feed::records(&mut tasks, &source, &options.node, &writer, &stored, &news_in);
        let keys = feed::keys(
            source.secret(SECRET),
            wire.key.clone(),
            options.namespace.clone(),
            panel.readiness.wait_for("the heartbeat key"),
        );
        tasks.spawn("the watch of the heartbeat key", keys);
        tasks.spawn("the writer", writer.clone().run(client.clone()));
        tasks.spawn("the recorder of events", recorder.run(client.clone()));
        let surveys = Surveys::new(client.clone(), &options.namespace);
        let surveys = survey::record(surveys, options.node.clone(), wire.published.clone());
        tasks.spawn("the survey's records", surveys);
        if let Some(check) = options.proxy_health.clone() {
            let watch = proxy::watch(check, wire.serving.clone());
            tasks.spawn("the watch of this node's proxy", watch);
        }
        let state = instruments::state(wire.published.clone(), wire.counters.clone());
        tasks.spawn("the admin server", panel.serve(state));
        Self {
            writer,
            events,
            stored,
            news,
            tasks,
            instruments,
        }
    }
}

/// Says goodbye on the wire, then removes what is no longer true from the API. What the next speaker of this node takes
/// up again stays on record.
async fn leave(mut wire: wire::Handle, mut desk: Desk, writer: &Writer) {
    let departure = desk.departure();
    match departure {
        Departure::BackSoon => {
            tracing::info!("stopping: others answer in this node's place until a speaker is back here");
        }
        Departure::ForGood => {
            tracing::info!(
                "stopping: this node is cordoned, leaving or not ready; what it announces is handed over to others"
            );
        }
    }
    wire.stop.send_replace(Some(departure));
    if tokio::time::timeout(GOODBYE, record_until_the_end(&mut wire, &mut desk))
        .await
        .is_err()
    {
        tracing::warn!(
            "the thread that owns the sockets did not end in {GOODBYE:?}; leaving without a goodbye"
        );
    }
    let last = wire.published.borrow().clone();
    desk.recorder.update(&last, &desk.objects);
    if tokio::time::timeout(TIDY, writer.idle()).await.is_err() {
        tracing::warn!("the records of what was announced here could not be removed; another speaker will");
    }
}

/// Every address is off the record as soon as another node has it.
async fn record_until_the_end(wire: &mut wire::Handle, desk: &mut Desk) {
    loop {
        tokio::select! {
            _ = &mut wire.ended => return,
            changed = wire.published.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = wire.published.borrow_and_update().clone();
                desk.recorder.update(&now, &desk.objects);
            }
        }
    }
}
