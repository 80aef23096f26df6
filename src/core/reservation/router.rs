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

mod consent;
mod eviction;
mod exclusion;
mod judgement;
mod kept;
mod memory;
mod proof;
mod scope;
mod twin;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::condition::RouterStatus;
use super::consumer;
use super::held::{HeldBook, is_ours};
use super::observed::{Fingerprint, Reading};
use super::site::Refusal;
use super::survey::Surveys;
use super::write::{Outcome, Planned, Write};
use crate::config::Config;
use crate::config::object::{Confirmed, RouterMode, RouterObject, Taken};
use crate::ipam::Holder;
use crate::model::{Few, Instant, MacAddr, NodeName, Now, ObjectKey, RangeSet};
pub use kept::Standing;
pub use twin::{Heir, Twins};

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
/// How old a whole reading may be for a write to follow from it. The row itself is looked at once more before it is
/// written; everything else that a write rests on (which board answers, who is in Safe Mode, whose rows there are) is not.
const GROUND_FOR_WRITES: Duration = Duration::from_secs(10);
/// How long the menus that hardly change may go unread while nothing is written. There are seventeen of them, beside the
/// five of every poll: read more often than this they would be most of what a router that agrees is asked.
const SLOW_MENUS: Duration = Duration::from_mins(10);
/// An uptime is told in whole seconds, and rounded down; twice that, for it costs nothing.
const UPTIME_STEP: Duration = Duration::from_secs(2);
/// One part in so many by which two clocks may differ: what Linux adjusts a clock by at most (500 in a million), for
/// ours and the router's. A router that was started twice within that part of our absence is not seen to have been.
const CLOCKS_DIFFER: u32 = 1_000;
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
    pub assigned: &'a BTreeMap<IpAddr, Few<ObjectKey>>,
    /// Who answers for them.
    pub announcers: &'a BTreeMap<IpAddr, MacAddr>,
    /// Addresses that a status names or a speaker announces.
    pub in_use: &'a RangeSet,
    /// Addresses for which a Service says that somebody's static lease is meant for it.
    pub adopted: &'a BTreeSet<IpAddr>,
    /// Addresses that Services ask for by name, and which Services.
    pub requested: &'a BTreeMap<IpAddr, Few<ObjectKey>>,
    /// Addresses that speakers saw others use, and who they are.
    pub conflicts: &'a BTreeMap<IpAddr, Holder>,
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
    Read(Depth),
    /// Make this one write and read the row back.
    Write(Box<Planned>),
}

/// How much of a router is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Every menu. Only such a reading is a ground for writes.
    #[default]
    Whole,
    /// What changes by itself: uptime, pools, leases, ARP rows, addresses, and whether Safe Mode
    /// has ended. The rest is as it was last read.
    Pulse,
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
    /// When the last request began.
    began: Instant,
    next_read: Instant,
    last_good_read: Option<Instant>,
    exclusion: exclusion::Exclusion,
    survey_after: Option<Instant>,
    making: BTreeMap<String, memory::Making>,
    unwanted: memory::Unwanted,
    promises: memory::Promises,
    /// Notes of reservations, as they were last seen behind our mark.
    noted: BTreeMap<IpAddr, String>,
    /// A person's word that was taken and is not stored yet.
    word: Option<Confirmed>,
    twins: Twins,
    boards: twin::Boards,
    /// What the reading that is under way reads, and when the last whole one ended.
    depth: Depth,
    last_whole: Option<Instant>,
    refused: BTreeMap<String, (Instant, String)>,
    /// Targets whose row was, at the last attempt, not what the reading before had shown.
    changed: BTreeSet<String>,
    departed: BTreeMap<IpAddr, Instant>,
    held: HeldBook,
    /// When a client's lease was last removed, by address.
    evicted: BTreeMap<IpAddr, Instant>,
    /// What was done and is not told yet: at most one line for each write.
    news: Vec<String>,
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
            began: Instant::ZERO,
            next_read: Instant::ZERO,
            last_good_read: None,
            exclusion: exclusion::Exclusion::default(),
            survey_after: None,
            making: BTreeMap::new(),
            unwanted: memory::Unwanted::default(),
            promises: memory::Promises::default(),
            noted: BTreeMap::new(),
            word: None,
            twins: Twins::default(),
            boards: twin::Boards::default(),
            depth: Depth::Whole,
            last_whole: None,
            refused: BTreeMap::new(),
            changed: BTreeSet::new(),
            departed: BTreeMap::new(),
            held: HeldBook::default(),
            evicted: BTreeMap::new(),
            news: Vec::new(),
            deleting_since: None,
            unsynced_since: None,
            synced: None,
        }
    }

    /// What is missing of the Secrets that the object names, in words that name the fix.
    pub fn missing_secret(&self) -> Option<&str> {
        let failure = self.failure.as_ref()?;
        (failure.kind == FailureKind::SecretMissing).then_some(failure.message.as_str())
    }

    /// Why the router could not be read the last time, with what to do; `None` where it could.
    pub fn failed(&self) -> Option<&str> {
        self.failure.as_ref().map(|failure| failure.message.as_str())
    }

    /// The object as last seen.
    pub fn object(&self) -> &RouterObject {
        &self.object
    }

    /// What the other objects for the same router mean for this one.
    pub fn relate(&mut self, twins: Twins) {
        self.twins = twins;
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
            let twins = std::mem::take(&mut self.twins);
            *self = Self {
                busy,
                twins,
                deleting_since,
                ..Self::new(object)
            };
        } else if respecified {
            self.retry(now);
            // A person who changes the object wants it tried again.
            self.exclusion.forgive();
            self.making.clear();
        }
    }

    /// Credentials or a certificate changed, or someone asks: read now, whatever the back-off says.
    pub fn retry(&mut self, now: Instant) {
        self.next_read = now;
        self.refused.clear();
    }

    /// A request began; until its end nothing else is sent.
    pub fn begin(&mut self, work: &Work, now: Instant) {
        self.busy = true;
        self.began = now;
        self.note_begin(work);
        if let Work::Read(depth) = work {
            self.depth = *depth;
        }
    }

    /// A reading ended.
    pub fn read(&mut self, result: Result<Reading, Failure>, landscape: &Landscape<'_>, now: Now) {
        self.busy = false;
        match result {
            Err(failure) => self.read_failed(failure, now.mono),
            Ok(reading) => self.read_well(reading, landscape, now),
        }
    }

    fn read_failed(&mut self, failure: Failure, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        let wait = RETRY_FIRST.saturating_mul(1 << self.failures.min(6).saturating_sub(1));
        self.next_read = now + wait.min(self.poll_interval());
        self.failure = Some(failure);
    }

    fn read_well(&mut self, reading: Reading, landscape: &Landscape<'_>, now: Now) {
        let (wall, now) = (now.wall, now.mono);
        let rebooted = self.has_rebooted(&reading);
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
        self.note_settled(wall, now);
        self.last_good_read = Some(now);
        if self.depth == Depth::Whole {
            self.last_whole = Some(now);
        }
        self.boards.note(reading.serial.as_deref());
        self.next_read = now
            + if agreed {
                self.poll_interval()
            } else {
                SECOND_READ_AFTER
            };
        self.reading = Some(reading);
        self.note_exclusion(landscape, now, true);
        self.note_held(landscape, now);
    }

    /// Whether the router has started since the last good reading: it has run for less time than passed since, on top of
    /// what it had run by then. What passed is counted from the end of that reading to the beginning of this one, so
    /// that it is never overstated, however long readings take.
    fn has_rebooted(&self, reading: &Reading) -> bool {
        let (Some(before), Some(last)) = (&self.reading, self.last_good_read) else {
            return false;
        };
        let passed = self.began.since(last);
        let shown = reading.uptime + UPTIME_STEP + passed / CLOCKS_DIFFER;
        reading.uptime < before.uptime || shown < before.uptime + passed
    }

    /// A write ended.
    pub fn written(&mut self, write: &Write, outcome: &Outcome, landscape: &Landscape<'_>, now: Instant) {
        self.busy = false;
        self.note_eviction(write, outcome, now);
        match outcome {
            Outcome::Applied(read_back) => {
                if let Some(reading) = &mut self.reading {
                    write.fold(read_back, reading);
                }
                self.refused.remove(&write.target());
                self.changed.remove(&write.target());
                self.note_made(write, now);
                self.note_cut(write, true);
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
                self.note_cut(write, false);
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
        self.note_notes(landscape);
        let in_use = !in_use_of(&self.object.taken, landscape.in_use).is_empty();
        if self.deleting_since.is_some() && (in_use || self.object.record_unknown) {
            self.deleting_since = Some(now.mono); // It waits for Services, or a person, and not for the router.
        }
        self.note_unwanted(landscape, now.mono);
        let judgement = self.judge(landscape, now);
        self.note_word(&judgement.plan, landscape, now);
        self.note_promises(&judgement.plan, judgement.may_write);
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
        if let Some(urgent) = self.urgent(judgement, landscape, now) {
            return Work::Write(Box::new(urgent.clone()));
        }
        if now >= self.next_read {
            return Work::Read(self.depth_wanted(judgement, now));
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
            // Neither a pool nor what says what was taken from it changes before the record of that is stored; and
            // nothing goes ahead of what waits for it: the order is part of the plan.
            let recorded =
                |planned: &&Planned| judgement.plan.record.is_none() || !planned.write.is_of_pool();
            let next = judgement.plan.writes.iter().find(|planned| !waiting(planned));
            if let Some(planned) = next.filter(recorded) {
                return if self.is_ground(now) || planned.write.is_urgent() {
                    Work::Write(Box::new(planned.clone()))
                } else {
                    Work::Read(Depth::Whole)
                };
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

    /// A row that pins the router to a node that does not answer any more: it waits for no reading.
    fn urgent<'a>(
        &self,
        judgement: &'a judgement::Judgement,
        landscape: &Landscape<'_>,
        now: Instant,
    ) -> Option<&'a Planned> {
        let first = judgement.plan.writes.first()?;
        let may = judgement.may_write && landscape.complete && now >= landscape.fence;
        let refused = self.refused.contains_key(&first.write.target());
        (may && !refused && first.write.is_urgent()).then_some(first)
    }

    /// Whether the last whole reading is young enough for a write to follow from it.
    fn is_ground(&self, now: Instant) -> bool {
        self.last_whole
            .is_some_and(|last| now.since(last) <= GROUND_FOR_WRITES)
    }

    /// While nothing is to be written and the readings agree, the menus that hardly change are read now and then.
    fn depth_wanted(&self, judgement: &judgement::Judgement, now: Instant) -> Depth {
        let lately = self.last_whole.is_some_and(|last| now.since(last) < SLOW_MENUS);
        let quiet = judgement.plan.writes.is_empty() && judgement.plan.record.is_none();
        let settled = self.trust == Trust::Agreed && self.failure.is_none() && self.deleting_since.is_none();
        if lately && quiet && settled {
            Depth::Pulse
        } else {
            Depth::Whole
        }
    }

    fn finalizer(
        &self,
        judgement: &judgement::Judgement,
        landscape: &Landscape<'_>,
        now: Instant,
    ) -> (bool, Option<String>) {
        let Some(since) = self.deleting_since else {
            let wanted = judgement.mode == RouterMode::Enforce;
            return (wanted || self.object.finalizer, None);
        };
        if !self.object.finalizer {
            return (false, None); // The API server takes no new one on an object that is being deleted.
        }
        if self.object.record_unknown {
            // Nobody could say what has to be given back by hand: the only record must not go with the object.
            return (self.object.finalizer, None);
        }
        if let Some(heir) = &self.twins.heir {
            return (!heir.has_taken_over(&self.object.taken), None);
        }
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
        for used in self.reading.iter().flat_map(consumer::used) {
            words = format!("{words}; before that, {}", used.words);
        }
        for taken in &self.object.taken {
            words = format!(
                "{words}; add {} to the ranges of /ip/pool {}",
                taken.ranges, taken.pool
            );
        }
        words
    }
}

/// What of a record is still in use.
fn in_use_of(taken: &[Taken], in_use: &RangeSet) -> RangeSet {
    taken.iter().fold(RangeSet::new(), |all, taken| {
        all.union(&taken.ranges.intersection(in_use))
    })
}
