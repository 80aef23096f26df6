//! What an allocator would do, played on paper to its end.
//!
//! Objects from files have no statuses: which addresses Services get, and so which rows they get on the router, is known
//! only after pools were cut, leases settled and surveys came in. So core's own state machine is run against a copy of
//! the router that was read, with a clock that jumps to the next moment at which something is due. Nothing here
//! decides anything; what cannot be known on paper is taken for favourable, and said: nobody answers for the addresses,
//! every write succeeds.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use tiklb_core::allocator::{
    About, Allocator, Change, Effect, Event, Leadership, Notice, Settings, SurveyRecord, WriteResult,
};
use tiklb_core::config::object::{RouterMode, RouterObject};
use tiklb_core::ipam::request::FROM_POOL;
use tiklb_core::model::service::Service;
use tiklb_core::model::{Instant, NodeName, Now, ObjectKey, RangeSet, Timestamp};
use tiklb_core::reservation::observed::{ArpRow, PoolRow};
use tiklb_core::reservation::write::{ArpSpec, Outcome, ReadBack};
use tiklb_core::reservation::{Failure, Planned, Reading, RouterStatus, Write};

#[cfg(test)]
mod tests;

/// How long it is played, by its own clock: a first sync is over in a minute, releases wait as long again.
const LENGTH: Duration = Duration::from_mins(5);
/// A survey comes once a minute, and for the play at once.
const SURVEY: Duration = Duration::from_secs(10);
/// The shortest time that passes between two steps: nothing that is played is about less.
const TICK: Duration = Duration::from_secs(1);
/// Steps without time passing: each write is one, and a fault here must end.
const MOST_STEPS: usize = 100_000;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// Writes to each router, in the order in which they would be made.
    pub(super) writes: BTreeMap<ObjectKey, Vec<Planned>>,
    /// The last status of each router.
    pub(super) statuses: BTreeMap<ObjectKey, RouterStatus>,
    /// Which Service would have which addresses.
    pub(super) addresses: BTreeMap<ObjectKey, Vec<IpAddr>>,
    /// What would be said of Services that get none, and of objects that are wrong.
    pub(super) said: Vec<String>,
    /// What is in the way of rows, by router.
    pub(super) obstacles: BTreeMap<ObjectKey, Vec<String>>,
}

/// Plays `events` (full lists) with routers as they were read.
pub(super) fn play(
    settings: Settings,
    events: Vec<Event>,
    readings: BTreeMap<ObjectKey, Result<Reading, Failure>>,
    start: Timestamp,
) -> Played {
    let mut stage = Stage {
        allocator: Allocator::new(settings),
        readings,
        services: BTreeMap::new(),
        routers: BTreeMap::new(),
        pools: RangeSet::new(),
        waiting: BTreeMap::new(),
        version: 0,
        now: Now {
            mono: Instant::at(Duration::from_secs(1)),
            wall: start,
        },
        events: Vec::new(),
        played: Played::default(),
    };
    stage.open(events);
    stage.run();
    stage.close()
}

struct Stage {
    allocator: Allocator,
    readings: BTreeMap<ObjectKey, Result<Reading, Failure>>,
    services: BTreeMap<ObjectKey, Service>,
    routers: BTreeMap<ObjectKey, RouterObject>,
    /// Every address that a survey would ask for.
    pools: RangeSet,
    /// What was last said of Services that wait.
    waiting: BTreeMap<ObjectKey, String>,
    /// Numbers of versions and rows that the API server and the routers would give.
    version: u32,
    now: Now,
    events: Vec<Event>,
    played: Played,
}

impl Stage {
    fn open(&mut self, events: Vec<Event>) {
        self.events
            .push(Event::Leadership(Leadership::Leading { unclean: false }));
        for event in events {
            let event = match event {
                Event::Routers(Change::Listed(objects)) => {
                    let objects: Vec<_> = objects.into_iter().map(enforced).collect();
                    self.routers
                        .extend(objects.iter().map(|object| (object.key.clone(), object.clone())));
                    Event::Routers(Change::Listed(objects))
                }
                Event::Services(Change::Listed(services)) => {
                    self.services.extend(
                        services
                            .iter()
                            .map(|service| (service.key.clone(), Service::clone(service))),
                    );
                    Event::Services(Change::Listed(services))
                }
                Event::Pools(Change::Listed(pools)) => {
                    let specs = pools.iter().filter_map(|pool| pool.spec.as_ref().ok());
                    let written = specs.flat_map(|spec| &spec.addresses);
                    // What cannot be read is core's to report.
                    self.pools = written
                        .filter_map(|text| text.parse::<RangeSet>().ok())
                        .fold(RangeSet::new(), |all, ranges| all.union(&ranges));
                    Event::Pools(Change::Listed(pools))
                }
                other => other,
            };
            self.events.push(event);
        }
    }

    fn run(&mut self) {
        let end = self.now.mono + LENGTH;
        let mut next_survey = self.now.mono;
        for _ in 0..MOST_STEPS {
            if self.now.mono >= next_survey {
                self.events.push(Event::Surveys(Change::Applied(self.silence())));
                next_survey = self.now.mono + SURVEY;
            }
            let events = std::mem::take(&mut self.events);
            let step = self.allocator.step(events, self.now);
            step.effects.into_iter().for_each(|effect| self.carry_out(effect));
            if !self.events.is_empty() {
                continue;
            }
            let next = step.wake.map_or(next_survey, |wake| wake.min(next_survey));
            if next >= end {
                return;
            }
            // A moment that is over already is due at the next tick.
            let next = next.max(self.now.mono + TICK);
            self.now.wall.0 += i64::try_from(next.since(self.now.mono).as_secs()).unwrap_or_default();
            self.now.mono = next;
        }
        self.say("this plan has no end: please report it with the manifests".to_owned());
    }

    fn close(mut self) -> Played {
        for key in self.routers.keys() {
            let plan = self.allocator.plan(key, self.now).unwrap_or_default();
            self.played.obstacles.insert(key.clone(), plan.obstacles);
        }
        for (service, words) in std::mem::take(&mut self.waiting) {
            self.say(format!("Service {service}: {words}"));
        }
        self.played
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::SetServiceStatus {
                service,
                addresses,
                pool,
                ..
            } => self.assign(&service, addresses, pool),
            Effect::Event { about, notice, note } => self.note(&about, notice, &note),
            Effect::SetRouterStatus { router, status } => self.record(&router, *status),
            Effect::SetRouterFinalizer { router, present, .. } => {
                self.change(&router, |object| object.finalizer = present);
            }
            Effect::ReadRouter { router, .. } => {
                let unread = || Err(unread());
                let result = self.readings.get(&router).cloned().unwrap_or_else(unread);
                // The router on paper runs on as the clock does: one that did not would seem to start again and again.
                let result = Box::new(result.map(|reading| Reading {
                    uptime: reading.uptime + self.now.mono.since_start(),
                    ..reading
                }));
                self.events.push(Event::RouterRead { router, result });
            }
            Effect::WriteRouter { router, planned } => self.write(router, *planned),
            Effect::SetConfigurationState {
                problems, warnings, ..
            } => {
                for problem in problems.into_iter().chain(warnings) {
                    self.say(problem);
                }
            }
            Effect::SetPoolStatus { .. } | Effect::SetReservationStatus { .. } => {}
        }
    }

    fn say(&mut self, words: String) {
        if !self.played.said.contains(&words) {
            self.played.said.push(words);
        }
    }

    fn note(&mut self, about: &About, notice: Notice, note: &str) {
        match notice {
            Notice::AllocationFailed
            | Notice::LoadBalancerFailed
            | Notice::NotEnoughClusterIps
            | Notice::AwaitingProof => {
                self.waiting.insert(about.key.clone(), note.to_owned());
            }
            Notice::IpAllocated => {
                self.waiting.remove(&about.key);
            }
            _ => {}
        }
    }

    fn assign(&mut self, key: &ObjectKey, addresses: Vec<IpAddr>, pool: Option<String>) {
        let version = self.next();
        let Some(service) = self.services.get_mut(key) else {
            return;
        };
        service.ingress.clone_from(&addresses);
        service.annotations.remove(FROM_POOL);
        let annotation = pool.map(|pool| (FROM_POOL.to_owned(), pool));
        service.annotations.extend(annotation);
        service.resource_version.clone_from(&version);
        let event = Event::services(Change::Applied(service.clone()));
        self.events.push(Event::ServiceWritten {
            service: key.clone(),
            result: WriteResult::Written(version),
        });
        self.events.push(event);
        self.played.addresses.insert(key.clone(), addresses);
    }

    fn record(&mut self, key: &ObjectKey, status: RouterStatus) {
        let (taken, confirmed) = (status.taken.clone(), status.confirmed.clone());
        let differs = |object: &RouterObject| object.taken != taken || object.confirmed != confirmed;
        if self.routers.get(key).is_some_and(differs) {
            self.change(key, |object| {
                (object.taken, object.confirmed) = (taken, confirmed);
            });
        }
        self.played.statuses.insert(key.clone(), status);
    }

    fn change(&mut self, key: &ObjectKey, change: impl FnOnce(&mut RouterObject)) {
        let version = self.next();
        let Some(object) = self.routers.get_mut(key) else {
            return;
        };
        change(object);
        object.resource_version = version;
        let event = Event::Routers(Change::Applied(object.clone()));
        self.events.push(event);
    }

    fn write(&mut self, router: ObjectKey, planned: Planned) {
        let id = format!("*{}", self.next());
        let read_back = read_back(&planned.write, id);
        if let Some(Ok(reading)) = self.readings.get_mut(&router) {
            planned.write.fold(&read_back, reading);
        }
        self.events.push(Event::RouterWritten {
            router: router.clone(),
            write: Box::new(planned.write.clone()),
            outcome: Outcome::Applied(read_back),
        });
        self.played.writes.entry(router).or_default().push(planned);
    }

    fn next(&mut self) -> String {
        self.version += 1;
        // Far from every id that a router has given: these are rows that do not exist.
        format!("{:X}", 0x1000_0000 + self.version)
    }

    fn silence(&self) -> SurveyRecord {
        SurveyRecord {
            key: ObjectKey::new("", "paper"),
            node: NodeName::from("paper"),
            covered: self.pools.clone(),
            occupied: RangeSet::new(),
            took: Duration::ZERO,
            age: Duration::ZERO,
            segment: None,
        }
    }
}

/// What a person wants to know is what would be written, were it allowed.
fn enforced(mut object: RouterObject) -> RouterObject {
    if let Ok(spec) = &mut object.spec {
        spec.mode = RouterMode::Enforce;
        spec.accept_untested = true;
    }
    object
}

fn unread() -> Failure {
    Failure {
        kind: tiklb_core::reservation::FailureKind::Unreachable,
        message: "the router was not read".to_owned(),
    }
}

/// The row as the router would show it after the write.
fn read_back(write: &Write, id: String) -> ReadBack {
    match write {
        Write::SetPoolRanges { row, ranges } => ReadBack::Pool(PoolRow {
            ranges: ranges.clone(),
            ..row.clone()
        }),
        Write::AddPool {
            name,
            ranges,
            comment,
        } => ReadBack::Pool(PoolRow {
            id,
            name: name.clone(),
            ranges: ranges.clone(),
            next_pool: None,
            comment: comment.clone(),
        }),
        Write::SetPool { row, ranges, comment } => ReadBack::Pool(PoolRow {
            ranges: ranges.clone(),
            comment: comment.clone(),
            ..row.clone()
        }),
        Write::AddLease(spec) => ReadBack::Lease(spec.row(id)),
        Write::SetLease { row, spec } => ReadBack::Lease(spec.row(row.id.clone())),
        Write::AddArp(spec) => ReadBack::Arp(answered(spec, id)),
        Write::SetArp { row, spec } => ReadBack::Arp(answered(spec, row.id.clone())),
        Write::RemovePool(_) | Write::RemoveLease(_) | Write::EvictLease { .. } | Write::RemoveArp(_) => {
            ReadBack::Gone
        }
    }
}

/// On paper whoever announces an address is there.
fn answered(spec: &ArpSpec, id: String) -> ArpRow {
    ArpRow {
        alive: true,
        ..spec.row(id)
    }
}
