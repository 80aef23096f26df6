//! What is done to nodes that live: too much to do, a cable that is out for a moment, a speaker or all of it that stands still.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;
use serde::Serialize;
use tokio::time::sleep;

use super::pods::{self, Pods};
use crate::home::Home;
use crate::lan::Process;
use crate::wire::{self, as_micros};

/// A switch that learns anew, a plug that is pushed in: links come back within this.
pub(super) const BLIP: Duration = Duration::from_millis(25);
/// A blip that the machine made longer than this is another test: a node may be taken for dead 36 ms after its last
/// answer, and that is up to 10 ms older than the cut.
pub(super) const LONGER: Duration = Duration::from_millis(26);
/// A process that waits for its disk, or a machine that is moved.
const PAUSE: Duration = Duration::from_millis(200);

/// Busy processes for each processor.
const BUSY: usize = 2;

/// Kinds of trouble.
pub(super) const LINK: &str = "link blip";
pub(super) const SPEAKER: &str = "speaker paused";
pub(super) const NODE: &str = "node paused";

/// One of them, as it really was.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Trouble {
    pub(super) kind: &'static str,
    pub(super) node: String,
    #[serde(serialize_with = "as_micros", rename = "at_us")]
    pub(super) at: Duration,
    #[serde(serialize_with = "as_micros", rename = "took_us")]
    pub(super) took: Duration,
}

impl Trouble {
    /// The cable of `node` is out for a moment.
    pub(super) async fn blip(home: &Home, node: &str, begun: Instant) -> Result<Self> {
        let at = begun.elapsed();
        Ok(Self {
            kind: LINK,
            node: node.to_owned(),
            at,
            took: home.lan().blip(node, BLIP).await?,
        })
    }

    /// The speaker of `node` stands still.
    pub(super) async fn pause(home: &Home, node: &str, begun: Instant) -> Result<Self> {
        let speaker = home.speaker(node)?;
        let (at, start) = (begun.elapsed(), Instant::now());
        speaker.kill(Signal::SIGSTOP)?;
        sleep(PAUSE).await;
        speaker.resume()?;
        Ok(Self {
            kind: SPEAKER,
            node: node.to_owned(),
            at,
            took: start.elapsed(),
        })
    }

    /// All of `node` stands still, as a virtual machine does that is moved: nothing gets in or out, its link stays up, and its
    /// speaker runs no more than its kernel.
    pub(super) async fn standstill(home: &Home, node: &str, begun: Instant) -> Result<Self> {
        let speaker = home.speaker(node)?;
        let (at, start) = (begun.elapsed(), Instant::now());
        speaker.kill(Signal::SIGSTOP)?;
        home.lan().unplug(node).await?;
        sleep(PAUSE).await;
        home.lan().replug(node).await?;
        let took = start.elapsed();
        speaker.resume()?;
        Ok(Self {
            kind: NODE,
            node: node.to_owned(),
            at,
            took,
        })
    }

    /// Whether it was a blip that took longer than it was to.
    pub(super) fn is_longer(&self) -> bool {
        self.kind == LINK && self.took > LONGER
    }
}

/// Processes that do nothing but run, until they are dropped.
pub(super) struct Busy(Vec<Process>);

impl Busy {
    /// Each in a Pod of its own, where there are Pods.
    pub(super) async fn start(home: &Home, pods: Option<&Pods>) -> Result<Self> {
        let processors = std::thread::available_parallelism().context("counting processors")?;
        let host = home.client()?;
        let mut all = Vec::new();
        for _ in 0..processors.get() * BUSY {
            let busy = host.command("/bin/sh").args(["-c", "while :; do :; done"]);
            let busy = busy.spawn().await?;
            if let Some(pods) = pods {
                pods.put(&busy, pods::BUSY)?;
            }
            all.push(busy);
        }
        Ok(Self(all))
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }
}

/// Lets the switch's own thread go before the busy ones: a blip that it ends late is none. Whether that was allowed.
pub(super) async fn hurry(home: &Home) -> Result<bool> {
    let raised = home.lan().switch().call(async { wire::raise_priority() });
    Ok(raised.await?)
}
