//! The whole allocator: events in, effects out.

mod acceptance;
mod arrivals;
mod histories;
mod leadership;
mod leaving;
mod orders;
mod reservations;
mod segments;
mod services;
mod waits;
mod warnings;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::config::PoolSpec;
use crate::ipam::request::FROM_POOL;
use crate::model::object::Seniority;
use crate::model::{Labels, Timestamp};

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn key(name: &str) -> ObjectKey {
    ObjectKey::new("default", name)
}

pub(super) fn service(name: &str, created: i64) -> Service {
    Service {
        seniority: Seniority {
            created: Timestamp(created),
            key: key(name),
        },
        key: key(name),
        resource_version: "10".to_owned(),
        is_load_balancer: true,
        cluster_ips: vec![ip("10.43.0.1")],
        ..Service::default()
    }
}

pub(super) fn pool(name: &str, addresses: &[&str]) -> PoolObject {
    let key = ObjectKey::new("metallb-system", name);
    PoolObject {
        seniority: Seniority {
            created: Timestamp(0),
            key: key.clone(),
        },
        key,
        labels: Labels::new(),
        spec: Ok(PoolSpec {
            addresses: addresses.iter().map(|a| (*a).to_owned()).collect(),
            auto_assign: true,
            avoid_buggy_ips: false,
            service_allocation: None,
        }),
    }
}

/// The allocator and an API server that stores what it is told.
pub(super) struct World {
    pub(super) allocator: Allocator,
    pub(super) now: Now,
    pub(super) objects: BTreeMap<ObjectKey, Service>,
    pub(super) events: Vec<String>,
    pub(super) writes: Vec<String>,
    /// The last report, and how many there were.
    pub(super) report: Vec<String>,
    /// What was last said to have no effect.
    pub(super) warnings: Vec<String>,
    pub(super) reports: usize,
    version: u64,
    /// What the next status writes meet instead of success.
    pub(super) failures: Vec<WriteResult>,
    /// Status writes are stored and not shown to the watch.
    pub(super) watch_lags: bool,
    /// The next status write is stored, and neither the writer nor the watch is told.
    pub(super) unanswered: bool,
    /// How long those waited that have got an address.
    pub(super) served: Vec<Duration>,
    /// A router and its object, where the test has one.
    home: Option<leaving::Home>,
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self {
            allocator: Allocator::new(Settings {
                class: None,
                cluster_uid: "1a2b3c4d".to_owned(),
                namespace: "metallb-system".to_owned(),
            }),
            now: Now {
                mono: Instant::at(Duration::from_secs(100)),
                wall: Timestamp(1_000_000),
            },
            objects: BTreeMap::new(),
            events: vec![],
            writes: vec![],
            report: vec![],
            warnings: vec![],
            reports: 0,
            version: 100,
            failures: vec![],
            watch_lags: false,
            unanswered: false,
            served: vec![],
            home: None,
        };
        world.step([
            Event::Leadership(Leadership::Leading { unclean: false }),
            Event::Pools(Change::Listed(vec![pool(
                "home",
                &["192.168.1.200-192.168.1.210"],
            )])),
            Event::Advertisements(Change::Listed(vec![])),
            Event::Routers(Change::Listed(vec![])),
            Event::Reservations(Change::Listed(vec![])),
            Event::Namespaces(Change::Listed(vec![])),
            Event::Nodes(Change::Listed(vec![])),
            Event::Announcements(Change::Listed(vec![])),
            Event::Conflicts(Change::Listed(vec![])),
            Event::Surveys(Change::Listed(vec![])),
            Event::services(Change::Listed(vec![])),
        ]);
        world
    }

    pub(super) fn apply(&mut self, service: Service) {
        self.objects.insert(service.key.clone(), service.clone());
        self.step([Event::services(Change::Applied(service))]);
    }

    /// Services are listed as they are stored.
    pub(super) fn list(&mut self) {
        let all = self.objects.values().cloned().collect();
        self.step([Event::services(Change::Listed(all))]);
    }

    /// Pools change, and have been there for a while.
    pub(super) fn pools(&mut self, change: Change<PoolObject>) {
        self.step([Event::Pools(change)]);
        self.pass(super::arrivals::SETTLING);
    }

    /// Steps until nothing follows any more.
    pub(super) fn step(&mut self, events: impl IntoIterator<Item = Event>) {
        let mut pending: Vec<Event> = events.into_iter().collect();
        for _ in 0..50 {
            let step = self.allocator.step(std::mem::take(&mut pending), self.now);
            self.served.extend(step.served);
            if step.effects.is_empty() {
                return;
            }
            for effect in step.effects {
                pending.extend(self.carry_out(effect));
            }
        }
        panic!("it never comes to rest: {:?}", self.writes);
    }

    fn carry_out(&mut self, effect: Effect) -> Vec<Event> {
        match effect {
            Effect::SetServiceStatus {
                service,
                addresses,
                pool,
                resource_version,
                ..
            } => {
                let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                self.writes.push(format!("{service} [{}]", shown.join(",")));
                if let Some(result) = self.failures.pop() {
                    return vec![Event::ServiceWritten { service, result }];
                }
                self.version += 1;
                let version = self.version.to_string();
                let Some(object) = self.objects.get_mut(&service) else {
                    return vec![Event::ServiceWritten {
                        service,
                        result: WriteResult::Gone,
                    }];
                };
                if object.resource_version != resource_version {
                    return vec![Event::ServiceWritten {
                        service,
                        result: WriteResult::Conflict,
                    }];
                }
                object.ingress = addresses;
                object.ingress_altered = false;
                object.resource_version.clone_from(&version);
                object.annotations.remove(FROM_POOL);
                object
                    .annotations
                    .extend(pool.map(|pool| (FROM_POOL.to_owned(), pool)));
                let seen = Event::services(Change::Applied(object.clone()));
                let written = Event::ServiceWritten {
                    service,
                    result: WriteResult::Written(version),
                };
                if std::mem::take(&mut self.unanswered) {
                    vec![]
                } else if self.watch_lags {
                    vec![written]
                } else {
                    vec![written, seen]
                }
            }
            Effect::Event { about, notice, note } => {
                self.events.push(format!("{notice:?} {}: {note}", about.key.name));
                vec![]
            }
            Effect::SetConfigurationState { .. } => self.read(effect),
            other => self
                .home
                .as_mut()
                .map_or_else(Vec::new, |home| home.carry_out(other)),
        }
    }

    fn read(&mut self, effect: Effect) -> Vec<Event> {
        if let Effect::SetConfigurationState {
            problems,
            requests,
            warnings,
        } = effect
        {
            self.report = [problems, requests].concat();
            self.warnings = warnings;
            self.reports += 1;
        }
        vec![]
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now.mono = self.now.mono + time;
        self.step([]);
    }

    pub(super) fn address(&self, name: &str) -> Option<String> {
        self.objects[&key(name)].ingress.first().map(ToString::to_string)
    }
}
