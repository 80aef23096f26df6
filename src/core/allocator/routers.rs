//! Driving the routers' state machines, and saying in their objects how they are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::effect::{About, Effect, Notice};
use super::event::{Change, Kind};
use super::{Allocator, Step, Written};
use crate::config::{Admission, Config, RouterObject};
use crate::ipam::Holder;
use crate::ipam::request::{Request, Wanted, leased_by_others};
use crate::model::service::Service;
use crate::model::{Few, Instant, MacAddr, NodeName, Now, ObjectKey, RangeSet};
use crate::reservation::router::Work;
use crate::reservation::{
    Failure, Landscape, Outcome, Plan, Reading, Router, RouterStatus, Surveys, Twins, Write,
};

/// A status is written at once when a condition or a record changes; counts and times wait for this long.
const STATUS_EVERY: Duration = Duration::from_secs(5);

/// A router and what was last said about it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) router: Router,
    written: Option<Written>,
    finalizer_asked: Option<(bool, String)>,
}

impl Entry {
    pub(super) fn new(object: RouterObject, now: Instant) -> Self {
        let mut router = Router::new(object.clone());
        router.update(object, now);
        Self {
            router,
            written: None,
            finalizer_asked: None,
        }
    }
}

/// The parts of a landscape that are gathered from several tables.
pub(super) struct View {
    for_routers: ForRouters,
    conflicts: BTreeMap<IpAddr, Holder>,
    nodes: Vec<(NodeName, IpAddr)>,
    complete: bool,
    fence: Instant,
}

/// What only routers look at. It is made of all Services, so nobody makes it where there is no router: the cost of one
/// Service must not grow with their number.
#[derive(Default)]
struct ForRouters {
    announcers: BTreeMap<IpAddr, MacAddr>,
    in_use: RangeSet,
    adopted: BTreeSet<IpAddr>,
    requested: BTreeMap<IpAddr, Few<ObjectKey>>,
}

impl View {
    pub(super) fn landscape<'a>(
        &'a self,
        config: &'a Config,
        cluster_uid: &'a str,
        assigned: &'a BTreeMap<IpAddr, Few<ObjectKey>>,
        surveys: &'a Surveys,
    ) -> Landscape<'a> {
        Landscape {
            config,
            cluster_uid,
            assigned,
            announcers: &self.for_routers.announcers,
            in_use: &self.for_routers.in_use,
            adopted: &self.for_routers.adopted,
            requested: &self.for_routers.requested,
            conflicts: &self.conflicts,
            nodes: &self.nodes,
            surveys,
            complete: self.complete,
            fence: self.fence,
        }
    }
}

impl Allocator {
    pub(super) fn view(&self) -> View {
        let nodes = self.nodes.values().flat_map(|node| {
            node.addresses
                .iter()
                .map(|address| (NodeName(node.key.name.as_str().into()), *address))
        });
        let for_routers = if self.routers.is_empty() {
            ForRouters::default()
        } else {
            ForRouters {
                announcers: self.announcers(),
                in_use: self.in_use(),
                adopted: self.adopted(),
                requested: self.requested(),
            }
        };
        View {
            for_routers,
            conflicts: self.conflict_holders(),
            nodes: nodes.collect(),
            complete: self.is_complete(),
            fence: self.fence,
        }
    }

    /// Addresses whose static lease, somebody's, is meant for the Service that names them, or for which they are reserved.
    fn adopted(&self) -> BTreeSet<IpAddr> {
        self.naming_services()
            .flat_map(|service| leased_by_others(service, &self.config))
            .collect()
    }

    /// The Services that name addresses: few, where all would be gone through at every step.
    fn naming_services(&self) -> impl Iterator<Item = &Service> {
        self.naming.iter().filter_map(|key| self.service(key))
    }

    /// Addresses that Services of ours ask for by name and may have: those of the pool that they name, and not those
    /// that are reserved for others.
    pub(super) fn requested(&self) -> BTreeMap<IpAddr, Few<ObjectKey>> {
        let mut requested: BTreeMap<IpAddr, Few<ObjectKey>> = BTreeMap::new();
        let class = self.settings.class.as_deref();
        let ours = self.naming_services().filter(|service| {
            service.is_load_balancer && !service.deleting && service.class.as_deref() == class
        });
        for service in ours {
            let Ok(Request {
                wanted: Wanted::Exactly(addresses),
                pool,
                ..
            }) = Request::of(service)
            else {
                continue;
            };
            for address in addresses {
                let kept = self.config.reservations.get(&address);
                let kept_for_others = kept.is_some_and(|kept| kept.service.as_ref() != Some(&service.key));
                let found = self.config.pool_of(address);
                let for_others =
                    found.is_some_and(|pool| pool.admits(service, &self.namespaces) != Admission::Yes);
                let found = found.map(|pool| pool.name.as_str());
                let elsewhere = pool.as_deref().is_some_and(|wanted| found != Some(wanted));
                if !kept_for_others && !for_others && !elsewhere {
                    requested.entry(address).or_default().insert(service.key.clone());
                }
            }
        }
        requested
    }

    /// Who answers for each address: of several records the one with the highest epoch, as after a failover the old
    /// announcer's is still there for a moment.
    fn announcers(&self) -> BTreeMap<IpAddr, MacAddr> {
        let mut best: BTreeMap<IpAddr, (u64, MacAddr)> = BTreeMap::new();
        for announcement in self.announcements.values() {
            let Some(mac) = announcement.mac else { continue };
            for address in &announcement.addresses {
                let entry = best.entry(*address).or_insert((announcement.epoch, mac));
                if announcement.epoch > entry.0 {
                    *entry = (announcement.epoch, mac);
                }
            }
        }
        best.into_iter()
            .map(|(address, (_, mac))| (address, mac))
            .collect()
    }

    /// Runs `f` on one router with everything it looks at.
    fn with_router<T>(
        &mut self,
        key: &ObjectKey,
        f: impl FnOnce(&mut Entry, &Landscape<'_>) -> T,
    ) -> Option<T> {
        let view = self.view();
        let entry = self.routers.get_mut(key)?;
        let landscape = view.landscape(
            &self.config,
            &self.settings.cluster_uid,
            self.confirmed.by_address(),
            &self.surveys,
        );
        Some(f(entry, &landscape))
    }

    /// What would be written to a router, as it was last read.
    pub fn plan(&self, key: &ObjectKey, now: Now) -> Option<Plan> {
        let view = self.view();
        let (uid, confirmed) = (&self.settings.cluster_uid, self.confirmed.by_address());
        let landscape = view.landscape(&self.config, uid, confirmed, &self.surveys);
        Some(self.routers.get(key)?.router.plan(&landscape, now))
    }

    pub(super) fn take_routers(&mut self, change: Change<RouterObject>, now: Now) {
        match change {
            Change::Listed(objects) => {
                self.listed.insert(Kind::Routers);
                self.routers
                    .retain(|key, _| objects.iter().any(|object| object.key == *key));
                for object in objects {
                    self.see_router(object, now);
                }
            }
            Change::Applied(object) => self.see_router(object, now),
            Change::Deleted(key) => {
                self.routers.remove(&key);
                self.said.remove(&About::router(&key));
            }
        }
        self.relate_routers();
        self.reconfigure = true;
        self.reconsider_waiting();
    }

    /// The routers' objects as last seen.
    pub(super) fn router_objects(&self) -> Vec<RouterObject> {
        let objects = self.routers.values().map(|entry| entry.router.object());
        objects.cloned().collect()
    }

    /// Objects for the same router must know of each other.
    pub(super) fn relate_routers(&mut self) {
        let objects = self.router_objects();
        for entry in self.routers.values_mut() {
            let twins = Twins::of(entry.router.object(), objects.iter());
            entry.router.relate(twins);
        }
    }

    pub(super) fn see_router(&mut self, mut object: RouterObject, now: Now) {
        object.deleting |= self.goes_with_namespace(&object.key);
        match self.routers.get_mut(&object.key) {
            // Deleted and created again under the same name: nothing that is known belongs to it.
            Some(entry) if entry.router.object().uid == object.uid => entry.router.update(object, now.mono),
            _ => {
                self.routers
                    .insert(object.key.clone(), Entry::new(object, now.mono));
            }
        }
    }

    pub(super) fn router_read(&mut self, key: &ObjectKey, result: Result<Reading, Failure>, now: Now) {
        self.with_router(key, |entry, landscape| entry.router.read(result, landscape, now));
        // A Secret may be missing, or there again.
        self.report_due = true;
        self.reconsider_waiting();
    }

    pub(super) fn router_written(&mut self, key: &ObjectKey, write: &Write, outcome: &Outcome, now: Now) {
        self.with_router(key, |entry, landscape| {
            entry.router.written(write, outcome, landscape, now.mono);
        });
        self.reconsider_waiting();
    }

    pub(super) fn drive_routers(&mut self, now: Now, step: &mut Step) {
        let keys: Vec<ObjectKey> = self.routers.keys().cloned().collect();
        for key in keys {
            let given_up = self
                .with_router(&key, |entry, landscape| entry.drive(&key, landscape, now, step))
                .flatten();
            if let Some(words) = given_up {
                self.say(About::router(&key), Notice::ReleaseGivenUp, words, step);
            }
        }
    }
}

impl Entry {
    fn drive(
        &mut self,
        key: &ObjectKey,
        landscape: &Landscape<'_>,
        now: Now,
        step: &mut Step,
    ) -> Option<String> {
        let intent = self.router.intend(landscape, now);
        let news = self.router.take_news().into_iter().map(|note| Effect::Event {
            about: About::router(key),
            notice: Notice::LeaseRemoved,
            note,
        });
        step.effects.extend(news);
        self.finalize(key, intent.finalizer, step);
        self.report(key, intent.status, now.mono, step);
        if !matches!(intent.work, Work::Wait(_)) {
            self.router.begin(&intent.work, now.mono);
        }
        match intent.work {
            Work::Wait(wake) => wake.into_iter().for_each(|at| step.wake_at(at)),
            Work::Read(depth) => step.effects.push(Effect::ReadRouter {
                router: key.clone(),
                depth,
            }),
            Work::Write(planned) => step.effects.push(Effect::WriteRouter {
                router: key.clone(),
                planned,
            }),
        }
        intent.given_up
    }

    fn finalize(&mut self, key: &ObjectKey, present: bool, step: &mut Step) {
        let object = self.router.object();
        if object.finalizer == present {
            self.finalizer_asked = None;
            return;
        }
        let asked = (present, object.resource_version.clone());
        if self.finalizer_asked.as_ref() != Some(&asked) {
            let resource_version = object.resource_version.clone();
            step.effects.push(Effect::SetRouterFinalizer {
                router: key.clone(),
                resource_version,
                present,
            });
            self.finalizer_asked = Some(asked);
        }
    }

    fn report(&mut self, key: &ObjectKey, status: RouterStatus, now: Instant, step: &mut Step) {
        if let Some((before, at)) = &self.written {
            if *before == status {
                return;
            }
            let urgent = before.conditions != status.conditions
                || before.taken != status.taken
                || before.confirmed.word != status.confirmed.word;
            if !urgent && now.since(*at) < STATUS_EVERY {
                return step.wake_at(*at + STATUS_EVERY);
            }
        }
        self.written = Some((status.clone(), now));
        step.effects.push(Effect::SetRouterStatus {
            router: key.clone(),
            status: Box::new(status),
        });
    }
}
