//! `step(event, now) -> effects` of the allocator: composes [`config`](crate::config), [`ipam`](crate::ipam) and
//! [`reservation`](crate::reservation).
//!
//! Everything that changes comes in as an [`Event`]; everything that is to be done leaves as an [`Effect`]. Nothing is
//! decided before every kind was listed once, and Services once more after the leadership was taken; nothing is done while
//! another replica leads.
//!
//! **Invariant:** an effect is a wish about the state of one target. Doing it twice is harmless, and it is not wished
//! for while the target was last seen in that state.

mod arrivals;
mod contest;
pub mod effect;
pub mod event;
mod leaving;
mod named;
mod occupancy;
mod reservations;
mod routers;
mod services;
mod waits;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

pub use effect::{About, Effect, Notice, PoolCounts};
pub use event::{
    Announcement, Change, Conflict, Event, Leadership, NamespaceObject, NodeObject, SegmentRecord,
    SurveyRecord, WriteResult,
};

pub use leaving::BOUND as LEAVING_BOUND;
pub use reservations::{Phase, ReservationStatus, Row};

use crate::config::{Admission, AdvertisementObject, Config, Pool, PoolObject, ReservationObject};
use crate::ipam::{Holder, Ledger};
use crate::model::service::Service;
use crate::model::{Instant, Labels, Now, ObjectKey, RangeSet, excerpt};
use crate::reservation::{Router, RouterStatus, Surveys};

/// How long a router is left alone after a leader that ended without a word: RouterOS ends every request after 60 s, and
/// it may just have begun.
pub const FENCE: Duration = Duration::from_secs(65);

/// Lines of the report, of problems and requests together: a ConfigurationState has a bound for its words.
const REPORT_LINES: usize = 20;
/// Services that the report names: as many as a person reads. Of the others it says how many there are.
const REQUESTS_LISTED: usize = 10;

/// Characters of what is said of one object: the API server keeps no longer notes.
const NOTE: usize = 1_024;

/// What does not change while the process lives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `--lb-class`: `None` serves Services without a class.
    pub class: Option<String>,
    /// The kube-system namespace's UID in its short form.
    pub cluster_uid: String,
    /// Where tiklb's own objects and its Pods live: its deletion is that of the `MikrotikRouters` in it. Empty: nobody's.
    pub namespace: String,
}

/// The allocator's whole state.
#[derive(Debug)]
pub struct Allocator {
    settings: Settings,
    leading: bool,
    /// Before this moment no router is written: a leader that ended without a word may have a request there.
    fence: Instant,
    leaving: leaving::Leaving,
    listed: BTreeSet<event::Kind>,
    /// Each in a box: a map keeps a third of its places empty, and these would be large ones.
    services: BTreeMap<ObjectKey, Box<Service>>,
    /// Those of them that name addresses: routers are told which.
    naming: BTreeSet<ObjectKey>,
    pools: BTreeMap<ObjectKey, PoolObject>,
    arrivals: arrivals::Arrivals,
    reservations: BTreeMap<ObjectKey, ReservationObject>,
    advertisements: BTreeMap<ObjectKey, AdvertisementObject>,
    nodes: BTreeMap<ObjectKey, NodeObject>,
    /// The labels of every namespace.
    namespaces: BTreeMap<String, Labels>,
    announcements: BTreeMap<ObjectKey, Announcement>,
    conflicts: BTreeMap<ObjectKey, Conflict>,
    surveys: Surveys,
    config: Config,
    ledger: Ledger,
    dirty: BTreeSet<ObjectKey>,
    waits: waits::Waits,
    writes: BTreeMap<ObjectKey, services::Write>,
    contests: contest::Contests,
    /// Addresses that a status is known to name, and whose it is.
    confirmed: named::Index,
    named: named::Named,
    /// Since when a Service has been waiting for proof.
    awaiting: BTreeMap<ObjectKey, Instant>,
    overdue: Option<Instant>,
    said: BTreeMap<About, (Notice, String)>,
    routers: BTreeMap<ObjectKey, routers::Entry>,
    reconfigure: bool,
    /// Services that ask for what the configuration cannot give them, and what that is.
    unmet: BTreeMap<ObjectKey, String>,
    /// Problems or requests may differ from what was last reported.
    report_due: bool,
    /// Problems, requests and warnings, as they were last reported.
    reported: Option<[Vec<String>; 3]>,
    counted: Counted,
    /// What was last said of each AddressReservation.
    reserved: BTreeMap<ObjectKey, ReservationStatus>,
}

/// How full the pools are.
#[derive(Debug, Default)]
struct Counted {
    counts: BTreeMap<ObjectKey, PoolCounts>,
    /// Only pools of which an address came into use, or went out of it, are counted again.
    known: bool,
}

/// What one step brought.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// What is to be done, in this order.
    pub effects: Vec<Effect>,
    /// When to step again if no event comes.
    pub wake: Option<Instant>,
    /// Of each Service whose first address was stored since the last step: from the moment it was first seen without one.
    pub served: Vec<Duration>,
}

impl Step {
    fn wake_at(&mut self, at: Instant) {
        self.wake = Some(self.wake.map_or(at, |earlier| earlier.min(at)));
    }
}

impl Allocator {
    /// An allocator that knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            leading: false,
            fence: Instant::ZERO,
            leaving: leaving::Leaving::default(),
            listed: BTreeSet::new(),
            services: BTreeMap::new(),
            naming: BTreeSet::new(),
            pools: BTreeMap::new(),
            arrivals: arrivals::Arrivals::default(),
            reservations: BTreeMap::new(),
            advertisements: BTreeMap::new(),
            nodes: BTreeMap::new(),
            namespaces: BTreeMap::new(),
            announcements: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            surveys: Surveys::default(),
            config: Config::default(),
            ledger: Ledger::default(),
            dirty: BTreeSet::new(),
            waits: waits::Waits::default(),
            writes: BTreeMap::new(),
            contests: contest::Contests::default(),
            confirmed: named::Index::default(),
            named: named::Named::default(),
            awaiting: BTreeMap::new(),
            overdue: None,
            said: BTreeMap::new(),
            routers: BTreeMap::new(),
            reconfigure: false,
            unmet: BTreeMap::new(),
            report_due: false,
            reported: None,
            counted: Counted::default(),
            reserved: BTreeMap::new(),
        }
    }

    /// Takes events in and says what follows from all of them together.
    pub fn step(&mut self, events: impl IntoIterator<Item = Event>, now: Now) -> Step {
        let was_ready = self.is_ready();
        for event in events {
            self.take(event, now);
        }
        if !self.is_ready() {
            return Step::default();
        }
        let mut step = Step::default();
        if self.reconfigure || !was_ready {
            self.reconfigure(&mut step);
            self.arrivals.update(&self.config, !was_ready, now.mono);
        }
        if !was_ready {
            self.adopt();
        }
        if self.is_leaving() {
            // No status is written any more, and no address given: what is there is given back.
            self.leave(now.mono, &mut step);
            self.drive_routers(now, &mut step);
            return step;
        }
        self.decide_services(now, &mut step);
        self.report_problems(&mut step);
        self.report_pools(&mut step);
        self.drive_routers(now, &mut step);
        self.report_reservations(now, &mut step);
        step.served = self.waits.take_served();
        step
    }

    /// Every kind was listed once and this replica leads.
    pub fn is_ready(&self) -> bool {
        self.leading && self.is_complete()
    }

    /// Every kind was listed once.
    pub fn is_complete(&self) -> bool {
        self.listed.len() == event::Kind::ALL.len()
    }

    /// A Service as last seen.
    pub fn service(&self, key: &ObjectKey) -> Option<&Service> {
        self.services.get(key).map(Box::as_ref)
    }

    /// Who holds what.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The validated configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The state machines of the routers, by object.
    pub fn routers(&self) -> impl Iterator<Item = (&ObjectKey, &Router)> {
        self.routers.iter().map(|(key, entry)| (key, &entry.router))
    }

    fn take(&mut self, event: Event, now: Now) {
        match event {
            Event::Leadership(leadership) => self.lead(leadership, now),
            Event::Services(change) => self.take_services(change),
            Event::Namespaces(change) => {
                self.note_deletion(&change, now);
                self.take_namespaces(change);
            }
            Event::ToldToEnd => self.leaving.told(now.mono),
            Event::Surveys(change) => self.take_surveys(change, now),
            Event::Reservations(change) => self.take_reservations(change),
            Event::Routers(change) => self.take_routers(change, now),
            Event::RouterRead { router, result } => self.router_read(&router, *result, now),
            Event::RouterWritten {
                router,
                write,
                outcome,
            } => {
                self.router_written(&router, &write, &outcome, now);
            }
            Event::CredentialsChanged { router } => {
                if let Some(entry) = self.routers.get_mut(&router) {
                    entry.router.retry(now.mono);
                }
            }
            Event::ServiceWritten { service, result } => self.service_written(&service, result, now),
            plain => self.take_plain(plain),
        }
    }

    /// Objects that are only kept.
    fn take_plain(&mut self, event: Event) {
        use event::Kind;
        let listed = &mut self.listed;
        let mut known_better = false;
        match event {
            Event::Pools(change) => {
                self.reconfigure |= apply(&mut self.pools, change, |o| &o.key, listed, Kind::Pools);
            }
            Event::Advertisements(change) => {
                let table = &mut self.advertisements;
                self.reconfigure |= apply(table, change, |o| &o.key, listed, Kind::Advertisements);
            }
            Event::Announcements(change) => {
                apply(
                    &mut self.announcements,
                    change,
                    |o| &o.key,
                    listed,
                    Kind::Announcements,
                );
            }
            Event::Nodes(change) => {
                known_better = apply(&mut self.nodes, change, |o| &o.key, listed, Kind::Nodes);
            }
            Event::Conflicts(change) => {
                known_better = apply(&mut self.conflicts, change, |o| &o.key, listed, Kind::Conflicts);
            }
            _ => {}
        }
        if known_better {
            self.reconsider_waiting();
        }
    }

    /// Another replica may have decided meanwhile: what this one remembers is worth nothing once it leads again.
    fn lead(&mut self, leadership: Leadership, now: Now) {
        let leading = leadership != Leadership::Following;
        if leading == self.leading {
            return;
        }
        self.leading = leading;
        if leading {
            // What the last leader wrote may not have reached this one's watch: a list that was begun now has it.
            self.listed.remove(&event::Kind::Services);
        }
        self.fence = match leadership {
            Leadership::Leading { unclean: true } => now.mono + FENCE,
            _ => Instant::ZERO,
        };
        self.ledger = Ledger::default();
        self.writes.clear();
        // What was sent under another leadership has ended with it, and the list that comes shows what came of it.
        self.named = named::Named::default();
        self.waits = waits::Waits::default();
        self.contests = contest::Contests::default();
        self.said.clear();
        self.awaiting.clear();
        self.unmet.clear();
        self.reported = None;
        self.counted = Counted::default();
        self.reserved.clear();
        for entry in self.routers.values_mut() {
            *entry = routers::Entry::new(entry.router.object().clone(), now.mono);
        }
        self.relate_routers();
    }

    /// Labels of namespaces decide which pools are for their Services.
    fn take_namespaces(&mut self, change: Change<NamespaceObject>) {
        let mut touched: BTreeSet<String> = BTreeSet::new();
        let mut set = |namespaces: &mut BTreeMap<String, Labels>, name: String, labels: Option<Labels>| {
            if namespaces.get(&name) != labels.as_ref() {
                touched.insert(name.clone());
            }
            match labels {
                Some(labels) => _ = namespaces.insert(name, labels),
                None => _ = namespaces.remove(&name),
            }
        };
        let namespaces = &mut self.namespaces;
        match change {
            Change::Listed(objects) => {
                self.listed.insert(event::Kind::Namespaces);
                let present: BTreeSet<&String> = objects.iter().map(|object| &object.key.name).collect();
                let gone = namespaces.keys().filter(|name| !present.contains(name)).cloned();
                for name in gone.collect::<Vec<_>>() {
                    set(namespaces, name, None);
                }
                for object in objects {
                    set(namespaces, object.key.name.clone(), Some(object.labels));
                }
            }
            Change::Applied(object) => set(namespaces, object.key.name.clone(), Some(object.labels)),
            Change::Deleted(key) => set(namespaces, key.name.clone(), None),
        }
        for name in touched {
            let first = ObjectKey::new(name.clone(), "");
            let inside = self.services.range(first..);
            let inside = inside.take_while(|(key, _)| key.namespace == name);
            self.dirty.extend(inside.map(|(key, _)| key.clone()));
        }
    }

    fn take_surveys(&mut self, change: Change<SurveyRecord>, now: Now) {
        let record = |surveys: &mut Surveys, record: SurveyRecord| {
            let segment = record.segment_at(now.mono);
            let (name, round) = record.seen_at(now.mono);
            surveys.forget(&name);
            if let Some(segment) = segment {
                surveys.locate(name.clone(), segment);
            }
            surveys.record(name, round);
        };
        match change {
            Change::Listed(records) => {
                self.listed.insert(event::Kind::Surveys);
                self.surveys = Surveys::default();
                for r in records {
                    record(&mut self.surveys, r);
                }
            }
            Change::Applied(r) => record(&mut self.surveys, r),
            Change::Deleted(key) => self.surveys.forget(&key.name),
        }
        self.reconsider_waiting();
    }

    fn reconfigure(&mut self, step: &mut Step) {
        self.reconfigure = false;
        let pools: Vec<_> = self.pools.values().cloned().collect();
        let advertisements: Vec<_> = self.advertisements.values().cloned().collect();
        let routers = self.router_objects();
        let reservations: Vec<_> = self.reservations.values().cloned().collect();
        let config = Config::new(&pools, &advertisements, &routers).with_reservations(&reservations);
        if config != self.config {
            self.config = config;
            self.counted.known = false;
            self.dirty.extend(self.services.keys().cloned());
        }
        self.report_due = true;
        if !self.is_leaving() {
            self.tell_problems(step);
        }
    }

    /// The whole list of what is wrong, in one ConfigurationState, when it changed.
    fn report_problems(&mut self, step: &mut Step) {
        if !std::mem::take(&mut self.report_due) {
            return;
        }
        let unmet = self.unmet.iter();
        let mut requests: Vec<String> = unmet
            .take(REQUESTS_LISTED)
            .map(|(service, why)| format!("Service {service}: {why}"))
            .collect();
        if let Some(more @ 1..) = self.unmet.len().checked_sub(REQUESTS_LISTED) {
            requests.push(format!(
                "and {more} Services more: kubectl get events -A --field-selector reason=AllocationFailed"
            ));
        }
        let problems = excerpted(self.faults(), REPORT_LINES - requests.len());
        let warnings = excerpted(self.config.warnings(), REPORT_LINES);
        let report = [problems, requests, warnings];
        if self.reported.as_ref() == Some(&report) {
            return;
        }
        self.reported = Some(report.clone());
        let [problems, requests, warnings] = report;
        step.effects.push(Effect::SetConfigurationState {
            problems,
            requests,
            warnings,
        });
    }

    /// What is wrong with the objects, and what they name and is not there.
    fn faults(&self) -> Vec<String> {
        let mut faults = self.config.faults();
        let routers = self.routers.iter();
        faults.extend(routers.filter_map(|(key, entry)| {
            let why = entry.router.missing_secret()?;
            Some(format!("MikrotikRouter {}: {why}", key.name))
        }));
        faults
    }

    /// What is wrong with the configuration, as an event on each object.
    fn tell_problems(&mut self, step: &mut Step) {
        let mut by_object: BTreeMap<About, Vec<&str>> = BTreeMap::new();
        for problem in &self.config.problems {
            by_object
                .entry(About::of(&problem.object))
                .or_default()
                .push(&problem.message);
        }
        let fixed: Vec<About> = self
            .said
            .keys()
            .filter(|about| about.is_configuration() && !by_object.contains_key(about))
            .cloned()
            .collect();
        for about in fixed {
            self.said.remove(&about);
        }
        let said: Vec<(About, String)> = by_object
            .into_iter()
            .map(|(about, words)| (about, words.join("; ")))
            .collect();
        for (about, words) in said {
            self.say(about, Notice::InvalidConfiguration, words, step);
        }
    }

    /// An event, unless it is the last thing that was said about the object.
    fn say(&mut self, about: About, notice: Notice, note: String, step: &mut Step) {
        let note = excerpt(note, NOTE);
        if self
            .said
            .get(&about)
            .is_some_and(|(before, words)| *before == notice && *words == note)
        {
            return;
        }
        self.said.insert(about.clone(), (notice, note.clone()));
        step.effects.push(Effect::Event { about, notice, note });
    }

    fn report_pools(&mut self, step: &mut Step) {
        let touched = self.ledger.take_touched();
        let config = &self.config;
        let due: BTreeMap<&ObjectKey, &Pool> = if std::mem::replace(&mut self.counted.known, true) {
            let touched = touched.into_iter().filter_map(|a| config.pool_around(a));
            touched.map(|pool| (&pool.key, pool)).collect()
        } else {
            let counts = &mut self.counted.counts;
            counts.retain(|key, _| config.usable().any(|pool| pool.key == *key));
            config.usable().map(|pool| (&pool.key, pool)).collect()
        };
        for (key, pool) in due {
            let counts = PoolCounts::of(pool, &self.ledger);
            if self.counted.counts.get(key) != Some(&counts) {
                self.counted.counts.insert(key.clone(), counts);
                step.effects.push(Effect::SetPoolStatus {
                    pool: key.clone(),
                    counts,
                });
            }
        }
    }

    /// How full the pools in use are.
    pub fn pool_counts(&self) -> &BTreeMap<ObjectKey, PoolCounts> {
        &self.counted.counts
    }

    /// How many Services wait for what: for an address, or for another one than they have.
    pub fn waiting(&self) -> &BTreeMap<&'static str, usize> {
        self.waits.counts()
    }

    /// How many addresses somebody else is known to use.
    pub fn conflict_count(&self) -> usize {
        self.conflicts.len()
    }

    /// Whether a Service may be served from a pool, as far as the namespaces are known.
    pub fn admission(&self, pool: &Pool, service: &Service) -> Admission {
        pool.admits(service, &self.namespaces)
    }

    /// What was last said of each AddressReservation.
    pub fn reserved(&self) -> &BTreeMap<ObjectKey, ReservationStatus> {
        &self.reserved
    }

    fn conflict_holders(&self) -> BTreeMap<IpAddr, Holder> {
        self.conflicts
            .values()
            .map(|conflict| (conflict.address, conflict.holder.clone()))
            .collect()
    }

    /// Addresses that a status names, is about to name, or a speaker announces.
    fn in_use(&self) -> RangeSet {
        if self.leaving.speakers_are_gone() {
            return RangeSet::new();
        }
        let announced = self
            .announcements
            .values()
            .flat_map(|announcement| announcement.addresses.iter());
        // The ledger has them as runs already, and nearly all that is confirmed or announced is among them.
        let holders = self.ledger.holders();
        let others = self.confirmed.by_address().keys().chain(announced);
        let others = others.filter(|address| !holders.contains_key(address));
        self.ledger.in_use().union(&others.copied().collect())
    }
}

/// Applies a change to a table; whether anything differs now.
fn apply<T: PartialEq>(
    table: &mut BTreeMap<ObjectKey, T>,
    change: Change<T>,
    key: impl Fn(&T) -> &ObjectKey,
    listed: &mut BTreeSet<event::Kind>,
    kind: event::Kind,
) -> bool {
    match change {
        Change::Listed(objects) => {
            let fresh: BTreeMap<ObjectKey, T> = objects.into_iter().map(|o| (key(&o).clone(), o)).collect();
            let changed = fresh != *table;
            *table = fresh;
            listed.insert(kind);
            changed
        }
        Change::Applied(object) => {
            let changed = table.get(key(&object)) != Some(&object);
            table.insert(key(&object).clone(), object);
            changed
        }
        Change::Deleted(key) => table.remove(&key).is_some(),
    }
}

/// What of a router's status was written, and when.
type Written = (RouterStatus, Instant);

/// The first of the lines, so many, the last of which counts the others.
fn excerpted(mut all: Vec<String>, lines: usize) -> Vec<String> {
    if all.len() <= lines {
        return all;
    }
    let shown = lines.saturating_sub(1);
    let more = all.len() - shown;
    all.truncate(shown);
    all.push(format!(
        "and {more} more: kubectl get events -A --field-selector reason=InvalidConfiguration"
    ));
    all
}

#[cfg(test)]
mod tests;
