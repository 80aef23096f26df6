//! The state machine for one MikrotikRouter.
//!
//! ```text
//!            first read        second, equal        record in status        cut, read back
//! unread ──────────────▶ read ──────────────▶ agreed ───────────────▶ cutting ─────────────▶ excluded ─▶ rows in sync
//!    ▲                     ▲                    │ reboot, failure of the outcome      │ a person puts our range back
//!    └── unreachable       └────────────────────┘                                      └──▶ agreed
//! ```
//! One request is in flight at a time, reads included. Every decision is made on the last reading with the read-backs
//! of our own writes folded in.

mod judgement;
mod proof;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::condition::RouterStatus;
use super::held::{HeldBook, Ours, is_ours};
use super::marker::{Marker, Owner};
use super::observed::{Fingerprint, Reading};
use super::plan::{self, Plan};
use super::site::{self, Claim, Refusal};
use super::survey::Surveys;
use super::write::{Outcome, Planned, Write};
use crate::config::object::{RouterMode, RouterObject, RouterSpec, Taken};
use crate::config::{Config, Pool};
use crate::model::{Instant, MacAddr, NodeName, Now, ObjectKey, RangeSet};

/// Between the first reading and the one that must agree with it.
const SECOND_READ_AFTER: Duration = Duration::from_secs(1);
/// A DHCP offer made just before the cut is taken up, or not, within this time: only a later lease table shows it.
pub const LEASES_SETTLE: Duration = Duration::from_secs(10);
/// First wait after a failed reading; doubles up to the poll interval.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// After a request whose outcome is unknown RouterOS may mix up connections for 2.4 s (measured by others); then the
/// truth is read.
const AFTER_UNKNOWN: Duration = Duration::from_secs(5);
/// A refused write is tried again after this: long enough not to fill the router's log.
const AFTER_REFUSAL: Duration = Duration::from_secs(30);
/// What is said of a row that is twice in a row not what was read.
const CHANGED_AGAIN: &str = "the router holds another row there than it was read to hold, or does not let it be looked at: it is tried again, and the allocator's log says what was found";
/// How often a person may put our range back into a pool before we believe that it is meant.
const TAKEN_BACK_LIMIT: usize = 3;
const TAKEN_BACK_WINDOW: Duration = Duration::from_hours(24);
/// How long the release of a router that cannot be reached holds up the deletion of its object.
const RELEASE_BOUND: Duration = Duration::from_mins(10);

/// Why a router could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For the condition's reason.
    pub kind: FailureKind,
    /// What happened and what to do.
    pub message: String,
}

/// The kinds of failure that a person treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// No connection, or no answer in time.
    Unreachable,
    /// TLS refused its certificate.
    Certificate,
    /// Something answers, but not with the REST API.
    NoRest,
    /// RouterOS is too old.
    VersionTooOld,
    /// Answers that do not hang together: it is starting.
    Rebooting,
    /// User name or password.
    Credentials,
    /// The user's group lacks a policy.
    Policy,
    /// The Secret is missing or incomplete.
    SecretMissing,
    /// The object's own fields cannot be used.
    InvalidSpec,
}

/// What the state machine looks at besides its own router.
#[derive(Clone, Copy)]
pub struct Landscape<'a> {
    /// The validated configuration.
    pub config: &'a Config,
    /// The kube-system namespace's UID in its short form.
    pub cluster_uid: &'a str,
    /// Which Services have which address.
    pub assigned: &'a BTreeMap<IpAddr, BTreeSet<ObjectKey>>,
    /// Who answers for them.
    pub announcers: &'a BTreeMap<IpAddr, MacAddr>,
    /// Addresses that a status names or a speaker announces.
    pub in_use: &'a RangeSet,
    /// The nodes' own addresses.
    pub nodes: &'a [(NodeName, IpAddr)],
    /// What the surveys heard.
    pub surveys: &'a Surveys,
    /// Every kind was listed once.
    pub complete: bool,
    /// Nothing is written before this moment: another writer may still be at work.
    pub fence: Instant,
}

/// The next thing to do with a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Nothing before this moment, or before an event.
    Wait(Option<Instant>),
    /// Read it.
    Read,
    /// Make this one write and read the row back.
    Write(Box<Planned>),
}

/// What follows from everything known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The next request.
    pub work: Work,
    /// What the object's status should say.
    pub status: RouterStatus,
    /// Whether the object should carry our finalizer.
    pub finalizer: bool,
    /// Words for a person when a release was given up.
    pub given_up: Option<String>,
}

/// How far the last reading is a ground for writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// No two readings in a row agreed yet.
    Unknown,
    /// They did.
    Agreed,
    /// They did, but since then a row was not as expected, or a write's outcome is unknown: read first.
    Stale,
}

/// One MikrotikRouter.
#[derive(Debug, Clone)]
pub struct Router {
    object: RouterObject,
    reading: Option<Reading>,
    fingerprint: Option<Fingerprint>,
    trust: Trust,
    failure: Option<Failure>,
    failures: u32,
    busy: bool,
    next_read: Instant,
    last_good_read: Option<Instant>,
    cut_at: Option<Instant>,
    excluded_at: Option<Instant>,
    survey_after: Option<Instant>,
    /// A process before this one may have cut a pool just now.
    cut_lately: bool,
    taken_back: Vec<Instant>,
    refused: BTreeMap<String, (Instant, String)>,
    /// Targets whose row was, at the last attempt, not what the reading before had shown.
    changed: BTreeSet<String>,
    departed: BTreeMap<IpAddr, Instant>,
    held: HeldBook,
    deleting_since: Option<Instant>,
    unsynced_since: Option<Instant>,
    synced: Option<crate::model::Timestamp>,
}

impl Router {
    /// A router that was never read.
    pub fn new(object: RouterObject) -> Self {
        Self {
            object,
            reading: None,
            fingerprint: None,
            trust: Trust::Unknown,
            failure: None,
            failures: 0,
            busy: false,
            next_read: Instant::ZERO,
            last_good_read: None,
            cut_at: None,
            excluded_at: None,
            survey_after: None,
            cut_lately: false,
            taken_back: Vec::new(),
            refused: BTreeMap::new(),
            changed: BTreeSet::new(),
            departed: BTreeMap::new(),
            held: HeldBook::default(),
            deleting_since: None,
            unsynced_since: None,
            synced: None,
        }
    }

    /// The object as last seen.
    pub fn object(&self) -> &RouterObject {
        &self.object
    }

    /// The last good reading, with our own writes in it.
    pub fn reading(&self) -> Option<&Reading> {
        self.reading.as_ref()
    }

    /// The object changed. Another spec is another router: it is read anew before anything is written.
    pub fn update(&mut self, object: RouterObject, now: Instant) {
        if object.deleting && self.deleting_since.is_none() {
            self.deleting_since = Some(now);
            self.next_read = now;
        }
        let respecified = self.object.spec != object.spec;
        let elsewhere = match (&self.object.spec, &object.spec) {
            (Ok(old), Ok(new)) => old.url != new.url,
            _ => respecified,
        };
        self.object = object;
        if elsewhere {
            let object = self.object.clone();
            let (busy, deleting_since) = (self.busy, self.deleting_since);
            *self = Self {
                busy,
                deleting_since,
                next_read: now,
                ..Self::new(object)
            };
        } else if respecified {
            self.retry(now);
        }
    }

    /// Credentials or a certificate changed, or someone asks: read now, whatever the back-off says.
    pub fn retry(&mut self, now: Instant) {
        self.next_read = now;
        self.refused.clear();
    }

    /// A reading began; until its end nothing else is sent.
    pub fn begin(&mut self) {
        self.busy = true;
    }

    /// A reading ended.
    pub fn read(&mut self, result: Result<Reading, Failure>, landscape: &Landscape<'_>, now: Now) {
        self.busy = false;
        if self.last_good_read.is_none() {
            self.cut_lately = self.record_is_young(now.wall);
        }
        let now = now.mono;
        match result {
            Err(failure) => self.read_failed(failure, now),
            Ok(reading) => self.read_well(reading, landscape, now),
        }
    }

    fn read_failed(&mut self, failure: Failure, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        let wait = RETRY_FIRST.saturating_mul(1 << self.failures.min(6).saturating_sub(1));
        self.next_read = now + wait.min(self.poll_interval());
        self.failure = Some(failure);
    }

    fn read_well(&mut self, reading: Reading, landscape: &Landscape<'_>, now: Instant) {
        let rebooted = self
            .reading
            .as_ref()
            .is_some_and(|before| reading.uptime < before.uptime);
        let long_silence = self
            .last_good_read
            .is_some_and(|last| now.since(last) >= proof::TRUST);
        if rebooted || long_silence {
            self.survey_after = Some(now);
        }
        let fingerprint = reading.fingerprint();
        let trusted = self.trust != Trust::Unknown;
        let expected = if trusted {
            self.reading.as_ref().map(Reading::fingerprint)
        } else {
            self.fingerprint.clone()
        };
        let same_board = expected.as_ref().is_none_or(|e| e.same_board(&fingerprint));
        let agreed = !rebooted && same_board && (trusted || expected.as_ref() == Some(&fingerprint));
        self.trust = if agreed { Trust::Agreed } else { Trust::Unknown };
        self.fingerprint = Some(fingerprint);
        self.failure = None;
        self.failures = 0;
        self.last_good_read = Some(now);
        self.next_read = now
            + if agreed {
                self.poll_interval()
            } else {
                SECOND_READ_AFTER
            };
        self.reading = Some(reading);
        self.note_exclusion(landscape, now, true);
        self.note_held(landscape, now);
        if let Some(settled) = self.settled_at().filter(|settled| *settled > now) {
            self.next_read = self.next_read.min(settled);
        }
    }

    /// A write ended.
    pub fn written(&mut self, write: &Write, outcome: &Outcome, landscape: &Landscape<'_>, now: Instant) {
        self.busy = false;
        match outcome {
            Outcome::Applied(read_back) => {
                if let Some(reading) = &mut self.reading {
                    write.fold(read_back, reading);
                }
                self.refused.remove(&write.target());
                self.changed.remove(&write.target());
                if let Write::SetPoolRanges { row, ranges } = write
                    && !row.ranges.difference(ranges).is_empty()
                {
                    self.cut_at = Some(now);
                    self.next_read = self.next_read.min(now + LEASES_SETTLE);
                }
                self.note_exclusion(landscape, now, false);
            }
            Outcome::Changed => {
                self.trust = Trust::Stale;
                self.next_read = now;
                // A reading should have shown what is there. If it did not, reading at once again and again will not.
                if !self.changed.insert(write.target()) {
                    self.refused
                        .insert(write.target(), (now + AFTER_REFUSAL, CHANGED_AGAIN.to_owned()));
                }
            }
            Outcome::Refused(why) => {
                self.refused
                    .insert(write.target(), (now + AFTER_REFUSAL, why.clone()));
            }
            Outcome::Unknown(why) => {
                self.refused
                    .insert(write.target(), (now + AFTER_UNKNOWN, why.clone()));
                self.trust = Trust::Stale;
                self.next_read = now + AFTER_UNKNOWN;
            }
        }
    }

    /// What to do now, and what to say.
    pub fn intend(&mut self, landscape: &Landscape<'_>, now: Now) -> Intent {
        self.note_departures(landscape, now.mono);
        if self.deleting_since.is_some() && !in_use_of(&self.object.taken, landscape.in_use).is_empty() {
            self.deleting_since = Some(now.mono); // It waits for Services, not for the router.
        }
        let judgement = self.judge(landscape, now);
        // What is no longer wanted is no longer refused.
        let wanted = |target: &String| judgement.plan.writes.iter().any(|p| p.write.target() == *target);
        self.refused.retain(|target, _| wanted(target));
        self.changed.retain(wanted);
        self.note_sync(&judgement, now);
        let work = self.next_work(&judgement, landscape, now.mono);
        let status = self.status(&judgement, landscape, now);
        let (finalizer, given_up) = self.finalizer(&judgement, landscape, now.mono);
        Intent {
            work,
            status,
            finalizer,
            given_up,
        }
    }

    fn next_work(&self, judgement: &judgement::Judgement, landscape: &Landscape<'_>, now: Instant) -> Work {
        if self.busy {
            return Work::Wait(None);
        }
        if judgement.mode == RouterMode::Paused || self.object.spec.is_err() {
            return Work::Wait(None);
        }
        if now >= self.next_read {
            return Work::Read;
        }
        let mut wake = self.next_read;
        if judgement.may_write && now < landscape.fence {
            wake = wake.min(landscape.fence);
        } else if landscape.complete && judgement.may_write {
            let waiting = |planned: &&Planned| {
                self.refused
                    .get(&planned.write.target())
                    .is_some_and(|(until, _)| now < *until)
            };
            let recorded = |planned: &&Planned| {
                judgement.plan.record.is_none() || !matches!(planned.write, Write::SetPoolRanges { .. })
            };
            // Nothing goes ahead of a cut that still waits for its record: the order is part of the plan.
            let next = judgement.plan.writes.iter().find(|planned| !waiting(planned));
            if let Some(planned) = next.filter(recorded) {
                return Work::Write(Box::new(planned.clone()));
            }
            let retry = self
                .refused
                .values()
                .map(|(until, _)| *until)
                .filter(|until| *until > now)
                .min();
            wake = [retry, judgement.plan.next_due]
                .into_iter()
                .flatten()
                .fold(wake, Instant::min);
        }
        Work::Wait(Some(wake))
    }

    fn finalizer(
        &self,
        judgement: &judgement::Judgement,
        landscape: &Landscape<'_>,
        now: Instant,
    ) -> (bool, Option<String>) {
        let Some(since) = self.deleting_since else {
            let wanted = judgement.mode == RouterMode::Enforce && self.object.spec.is_ok();
            return (wanted || self.object.finalizer, None);
        };
        let done =
            self.trust == Trust::Agreed && judgement.plan.writes.is_empty() && !self.left_behind(landscape);
        let overdue =
            now.since(since) >= RELEASE_BOUND && in_use_of(&self.object.taken, landscape.in_use).is_empty();
        match (done, overdue) {
            (true, _) => (false, None),
            (false, true) => (false, Some(self.undone())),
            (false, false) => (true, None),
        }
    }

    /// Whether something of ours is still on the router because a Service uses it.
    fn left_behind(&self, landscape: &Landscape<'_>) -> bool {
        let (Some(reading), Some(owner)) = (&self.reading, self.owner(landscape)) else {
            return true;
        };
        let rows = reading
            .leases
            .iter()
            .map(|row| &row.comment)
            .chain(reading.arps.iter().map(|row| &row.comment));
        let mut rows = rows.chain(reading.pools.iter().map(|row| &row.comment));
        rows.any(|comment| is_ours(comment, &owner))
            || !in_use_of(&self.object.taken, landscape.in_use).is_empty()
    }

    /// What a person has to do by hand.
    fn undone(&self) -> String {
        let mut words = format!(
            "the router could not be given back within {} min: on its console, remove the rows whose comment begins with tiklb/v1",
            RELEASE_BOUND.as_secs() / 60
        );
        for taken in &self.object.taken {
            words = format!(
                "{words}; add {} to the ranges of /ip/pool {}",
                taken.ranges, taken.pool
            );
        }
        words
    }

    fn note_departures(&mut self, landscape: &Landscape<'_>, now: Instant) {
        let Some(owner) = self.owner(landscape) else {
            return;
        };
        let Some(reading) = &self.reading else { return };
        let rows = reading.leases.iter().filter(|row| is_ours(&row.comment, &owner));
        let gone: BTreeSet<IpAddr> = rows
            .map(|row| row.address)
            .filter(|address| !landscape.assigned.contains_key(address))
            .collect();
        self.departed.retain(|address, _| gone.contains(address));
        for address in gone {
            self.departed.entry(address).or_insert(now);
        }
    }

    fn note_sync(&mut self, judgement: &judgement::Judgement, now: Now) {
        let in_sync = judgement.may_write && judgement.plan.writes.is_empty();
        if in_sync {
            if self.unsynced_since.take().is_some() || self.synced.is_none() {
                self.synced = Some(now.wall);
            }
        } else if self.unsynced_since.is_none() {
            self.unsynced_since = Some(now.mono);
        }
    }

    fn note_exclusion(&mut self, landscape: &Landscape<'_>, now: Instant, by_reading: bool) {
        let excluded = self.uncut(landscape).is_empty();
        match (self.excluded_at, excluded) {
            (None, true) => self.excluded_at = Some(now),
            (Some(_), false) => {
                self.excluded_at = None;
                if by_reading && self.put_back(landscape) {
                    self.taken_back.retain(|at| now.since(*at) < TAKEN_BACK_WINDOW);
                    self.taken_back.push(now);
                }
            }
            _ => {}
        }
    }

    fn note_held(&mut self, landscape: &Landscape<'_>, now: Instant) {
        let Some(owner) = self.owner(landscape) else {
            return;
        };
        let range = self
            .governed(landscape)
            .fold(RangeSet::new(), |all, pool| all.union(&pool.ranges));
        let nodes = self.node_macs(landscape);
        let Some(reading) = &self.reading else { return };
        let ours = Ours {
            owner: &owner,
            nodes: &nodes,
            surveys: landscape.surveys,
        };
        self.held.read(reading, &range, &ours, now);
    }

    /// MAC addresses of our own nodes: those that answer for Services, and those that the router knows for the nodes'
    /// addresses.
    fn node_macs(&self, landscape: &Landscape<'_>) -> BTreeSet<MacAddr> {
        let arps = self.reading.iter().flat_map(|reading| &reading.arps);
        let known = arps
            .filter(|row| landscape.nodes.iter().any(|(_, address)| *address == row.address))
            .filter_map(|row| row.mac);
        known.chain(landscape.announcers.values().copied()).collect()
    }

    fn put_back(&self, landscape: &Landscape<'_>) -> bool {
        let uncut = self.uncut(landscape);
        self.object
            .taken
            .iter()
            .any(|taken| !taken.ranges.intersection(&uncut).is_empty())
    }

    /// The addresses of our ranges that some pool of the router still hands out.
    fn uncut(&self, landscape: &Landscape<'_>) -> RangeSet {
        let Some(reading) = &self.reading else {
            return RangeSet::new();
        };
        let ours = self
            .governed(landscape)
            .fold(RangeSet::new(), |all, pool| all.union(&pool.ranges));
        let foreign = reading
            .pools
            .iter()
            .filter(|row| Marker::parse(&row.comment).is_none());
        foreign.fold(RangeSet::new(), |all, row| {
            all.union(&row.ranges.intersection(&ours))
        })
    }

    /// The pools that this router is asked to agree on.
    fn governed<'a>(&'a self, landscape: &Landscape<'a>) -> impl Iterator<Item = &'a Pool> + use<'a> {
        let selector = self.object.spec.as_ref().ok().map(|spec| &spec.pool_selector);
        let config = landscape.config;
        config
            .usable()
            .filter(move |pool| selector.is_some_and(|selector| selector.matches(&pool.labels)))
    }

    fn claims(&self, landscape: &Landscape<'_>) -> (Vec<Claim>, Vec<(String, Refusal)>) {
        let (Some(reading), Ok(spec)) = (&self.reading, &self.object.spec) else {
            return (vec![], vec![]);
        };
        let (mut claims, mut refusals) = (Vec::new(), Vec::new());
        for pool in self.governed(landscape) {
            match site::claim(pool, reading, spec, landscape.nodes) {
                Ok(claim) => claims.push(claim),
                Err(refusal) => refusals.push((pool.name.clone(), refusal)),
            }
        }
        (claims, refusals)
    }

    /// The difference as it stands: what would be written, were nothing else in the way.
    pub fn plan(&self, landscape: &Landscape<'_>, now: Now) -> Plan {
        let (claims, _) = self.claims(landscape);
        self.plan_with(&claims, landscape, now)
    }

    fn plan_with(&self, claims: &[Claim], landscape: &Landscape<'_>, now: Now) -> Plan {
        let (Some(reading), Ok(spec), Some(owner)) =
            (&self.reading, &self.object.spec, self.owner(landscape))
        else {
            return Plan::default();
        };
        let assigned = self.assigned(landscape);
        let ground = plan::Ground {
            owner: &owner,
            spec,
            reading,
            claims,
            assigned: &assigned,
            announcers: landscape.announcers,
            taken: &self.object.taken,
            departed: &self.departed,
            now: now.mono,
        };
        if self.object.deleting {
            plan::release(&ground, landscape.in_use)
        } else {
            plan::difference(&ground, now.wall)
        }
    }

    fn assigned(&self, landscape: &Landscape<'_>) -> BTreeMap<IpAddr, BTreeSet<ObjectKey>> {
        let governed: Vec<&Pool> = self.governed(landscape).collect();
        let governed = |address| governed.iter().any(|pool| pool.ranges.contains(address));
        // A pool that became unusable takes nothing away: what already stands on the router for an address that a
        // Service still has stays there.
        let usable = |address| {
            landscape
                .config
                .usable()
                .any(|pool| pool.ranges.contains(address))
        };
        let owner = self.owner(landscape);
        let stands = |address| {
            let rows = self.reading.iter().flat_map(|reading| &reading.leases);
            let mut ours =
                rows.filter(|row| owner.as_ref().is_some_and(|owner| is_ours(&row.comment, owner)));
            ours.any(|row| row.address == address)
                || self
                    .object
                    .taken
                    .iter()
                    .any(|taken| taken.ranges.contains(address))
        };
        let ours = |address: &IpAddr| governed(*address) || (!usable(*address) && stands(*address));
        landscape
            .assigned
            .iter()
            .filter(|(a, _)| ours(a))
            .map(|(a, s)| (*a, s.clone()))
            .collect()
    }

    fn owner(&self, landscape: &Landscape<'_>) -> Option<Owner> {
        let spec = self.object.spec.as_ref().ok()?;
        Some(Owner {
            cluster: spec.cluster_name.clone(),
            uid: landscape.cluster_uid.to_owned(),
        })
    }

    fn poll_interval(&self) -> Duration {
        self.object
            .spec
            .as_ref()
            .map_or(Duration::from_secs(30), |spec: &RouterSpec| spec.poll_interval)
    }
}

/// What of a record is still in use.
fn in_use_of(taken: &[Taken], in_use: &RangeSet) -> RangeSet {
    taken.iter().fold(RangeSet::new(), |all, taken| {
        all.union(&taken.ranges.intersection(in_use))
    })
}
