//! The API side's one owner of state: what is wanted goes to the wire, what is published becomes records.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tiklb_core::election::Departure;
use tiklb_core::election::candidate::Nobody;
use tiklb_core::model::Instant;
use tiklb_core::speaker::{Published, Wanted};
use tokio::sync::{Notify, mpsc, watch};

use crate::clock::Clock;
use crate::observe::liveness::Pulse;
use crate::observe::metrics::cluster::Configuration;
use crate::observe::readiness::Pending;
use crate::speaker::desired::{News, Objects, Settings};
use crate::speaker::record::Recorder;

/// Between two looks at what others left.
const SWEEP: Duration = Duration::from_millis(500);
/// What is wanted is worked out anew at most so often that it takes a fifth of the time.
const SHARE: u32 = 5;

/// The desk turns this often at least, so that one that stands still is told from one that has nothing to do.
const BEAT: Duration = Duration::from_secs(5);

/// What a desk is made of.
pub(super) struct Parts {
    pub(super) settings: Settings,
    pub(super) recorder: Recorder,
    /// Until every kind was listed.
    pub(super) listing: Option<Pending>,
    /// Touched with every turn.
    pub(super) pulse: Pulse,
    pub(super) configuration: Configuration,
}

/// The API side's one owner of state.
pub(super) struct Desk {
    clock: Clock,
    pub(super) objects: Objects,
    pub(super) recorder: Recorder,
    wanted: Arc<Wanted>,
    nobody: BTreeMap<IpAddr, Nobody>,
    dirty: bool,
    /// When what is wanted was last worked out, and how long that took.
    computed: Option<(Instant, Duration)>,
    swept: Instant,
    sweep_due: bool,
    listing: Option<Pending>,
    pulse: Pulse,
    configuration: Configuration,
}

impl Desk {
    /// Nothing is known yet.
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            clock: Clock::start(),
            objects: Objects::new(parts.settings),
            recorder: parts.recorder,
            wanted: Arc::default(),
            nobody: BTreeMap::new(),
            dirty: false,
            computed: None,
            swept: Instant::ZERO,
            sweep_due: true,
            listing: parts.listing,
            pulse: parts.pulse,
            configuration: parts.configuration,
        }
    }

    /// Whether a speaker is to be expected here again.
    pub(super) fn departure(&self) -> Departure {
        if self.objects.is_leaving(self.recorder.node()) {
            Departure::ForGood
        } else {
            Departure::BackSoon
        }
    }

    /// Takes in what the watches and the wire bring, for as long as they do.
    ///
    /// # Errors
    /// One of them ended.
    pub(super) async fn run(
        &mut self,
        wanted: &watch::Sender<Option<Arc<Wanted>>>,
        mut published: watch::Receiver<Arc<Published>>,
        mut news: mpsc::Receiver<News>,
        stored: &Notify,
    ) -> Result<()> {
        let mut beat = tokio::time::interval(BEAT);
        loop {
            self.pulse.touch();
            tokio::select! {
                change = news.recv() => {
                    let mut next = Some(change.context("the watches ended")?);
                    while let Some(change) = next {
                        let complete = self.objects.is_complete();
                        self.dirty |= self.objects.take(change) || complete != self.objects.is_complete();
                        next = news.try_recv().ok();
                    }
                }
                changed = published.changed() => {
                    changed.context("the thread that owns the sockets ended")?;
                    self.sweep_due = true;
                    let now = published.borrow_and_update().clone();
                    self.recorder.update(&now, &self.objects);
                    self.report(&now);
                }
                () = stored.notified() => self.sweep_due = true,
                () = self.clock.sleep_until(self.next()) => {}
                _ = beat.tick() => {}
            }
            let now = self.clock.mono();
            if self.compute_due().is_some_and(|due| due <= now) {
                self.compute(wanted);
                self.report(&published.borrow());
                self.sweep_due = true;
            }
            if self.sweep_due && self.objects.is_complete() && now.since(self.swept) >= SWEEP {
                self.swept = now;
                self.sweep_due = self.recorder.sweep(&published.borrow(), &self.wanted);
            }
        }
    }

    /// What is wrong with the configuration, to people and in numbers.
    fn report(&self, published: &Published) {
        let interfaces = published.interfaces.iter().flat_map(BTreeMap::keys);
        let problems = self
            .objects
            .problems(self.recorder.node(), &interfaces.cloned().collect());
        self.recorder
            .configuration(&problems, &self.objects.warnings(), published);
        if self.objects.is_complete() {
            self.configuration.read(problems.is_empty());
        }
    }

    fn compute_due(&self) -> Option<Instant> {
        if !self.dirty || !self.objects.is_complete() {
            return None;
        }
        Some(
            self.computed
                .map_or(Instant::ZERO, |(at, took)| at + took.saturating_mul(SHARE)),
        )
    }

    fn next(&self) -> Option<Instant> {
        let sweep = (self.sweep_due && self.objects.is_complete()).then_some(self.swept + SWEEP);
        [sweep, self.compute_due()].into_iter().flatten().min()
    }

    fn compute(&mut self, sender: &watch::Sender<Option<Arc<Wanted>>>) {
        let began = self.clock.mono();
        self.dirty = false;
        if let Some(listing) = self.listing.take() {
            listing.done();
        }
        let wanted = Arc::new(self.objects.wanted(self.recorder.node()));
        let now = self.clock.mono();
        self.computed = Some((now, now.since(began)));
        self.say_nobody(&wanted);
        if wanted != self.wanted || sender.borrow().is_none() {
            self.wanted = wanted.clone();
            sender.send_replace(Some(wanted));
        }
    }

    /// Addresses that no node may announce, when that changes.
    fn say_nobody(&mut self, wanted: &Wanted) {
        let groups = wanted.election.groups.values();
        let nobody: BTreeMap<IpAddr, Nobody> = groups
            .filter_map(|group| Some((group.key, group.nobody?)))
            .collect();
        for (address, why) in &nobody {
            if self.nobody.get(address) != Some(why) {
                tracing::warn!(ip = %address, "not announced by any node: {why}");
            }
        }
        self.nobody = nobody;
    }
}

#[cfg(test)]
mod tests;
