//! A home: a router, core's allocator, and an API server that stores what it is told. Time is core's alone: it goes on
//! to the next moment that core waits for, whenever nothing is under way.

mod store;

use routeros_sim::Menu;
use tiklb_core::allocator::{
    Allocator, Announcement, Change, Leadership, NodeObject, ReservationStatus, Settings as Knowledge,
    SurveyRecord,
};
use tiklb_core::config::object::PoolSpec;
use tiklb_core::config::{AdvertisementObject, PoolObject, ReservationObject, RouterObject};
use tiklb_core::model::object::Seniority;
use tiklb_core::model::service::Service;
use tiklb_core::model::{Instant, Labels, NodeName, Now, Timestamp};
use tiklb_core::reservation::{ConditionKind, RouterStatus};

use super::*;

/// A survey's round comes once a minute.
const ROUND: Duration = Duration::from_mins(1);

pub(super) struct Home {
    pub(super) desk: Desk,
    pub(super) now: Now,
    /// The MikrotikRouter, while it exists.
    pub(super) object: Option<RouterObject>,
    /// A speaker surveys the range and finds nobody.
    pub(super) surveyed: bool,
    pub(super) pools: BTreeMap<ObjectKey, PoolObject>,
    pub(super) services: BTreeMap<ObjectKey, Service>,
    pub(super) announcements: BTreeMap<ObjectKey, Announcement>,
    pub(super) reservations: BTreeMap<ObjectKey, ReservationObject>,
    /// What was last said of each reservation.
    pub(super) reserved: BTreeMap<ObjectKey, ReservationStatus>,
    /// Addresses that were given to another Service than they are reserved for, in words.
    pub(super) misgiven: Vec<String>,
    /// Events, as `reason object: words`.
    pub(super) told: Vec<String>,
    pub(super) status: RouterStatus,
    /// What was given to Services, and what the readings had told by then.
    pub(super) given: Vec<Given>,
    allocator: Allocator,
    version: u32,
    /// Not yet told to core.
    news: Vec<Event>,
    under_way: usize,
    /// What is under way for a leader that is no more: its outcomes reach nobody.
    strays: usize,
    /// The router's session ends as soon as nothing is under way there: what it is at when it ends, nobody is told.
    ending: bool,
    /// How many edits people had made when the last reading began, and when the last good one did.
    edits: (usize, usize),
    next_survey: Instant,
}

/// An address that a Service was given.
pub(super) struct Given {
    pub(super) address: std::net::IpAddr,
    /// How many edits people had made when the last good reading began.
    pub(super) edits: usize,
    /// Under a router that had to prove it.
    pub(super) proven: bool,
}

fn named(name: &str) -> ObjectKey {
    ObjectKey::new("default", name)
}

fn knowledge() -> Knowledge {
    Knowledge {
        cluster_uid: "1a2b3c4d".to_owned(),
        ..Knowledge::default()
    }
}

fn pool(key: &ObjectKey, addresses: &str) -> PoolObject {
    PoolObject {
        seniority: seniority(key),
        key: key.clone(),
        labels: Labels::new(),
        spec: Ok(PoolSpec {
            addresses: addresses.split(',').map(str::to_owned).collect(),
            auto_assign: true,
            avoid_buggy_ips: false,
            service_allocation: None,
        }),
    }
}

fn seniority(key: &ObjectKey) -> Seniority {
    Seniority {
        created: Timestamp(0),
        key: key.clone(),
    }
}

impl Home {
    /// One pool, one advertisement, one node, one router; a cluster otherwise empty.
    pub(super) async fn start(config: Config) -> Self {
        Self::around(Desk::start(config).await)
    }

    /// The same around a desk.
    pub(super) fn around(desk: Desk) -> Self {
        let object = seen(&desk.spec).object;
        let lan = ObjectKey::new("metallb-system", "lan");
        let now = Now {
            mono: Instant::at(Duration::from_secs(100)),
            wall: Timestamp(1_800_000_000),
        };
        Self {
            desk,
            now,
            object: Some(object),
            surveyed: false,
            pools: BTreeMap::from([(lan.clone(), pool(&lan, OURS))]),
            services: BTreeMap::new(),
            announcements: BTreeMap::new(),
            reservations: BTreeMap::new(),
            reserved: BTreeMap::new(),
            misgiven: vec![],
            status: RouterStatus::default(),
            given: vec![],
            told: vec![],
            allocator: Allocator::new(knowledge()),
            version: 10,
            news: vec![],
            under_way: 0,
            strays: 0,
            ending: false,
            edits: (0, 0),
            next_survey: Instant::ZERO,
        }
        .led(false)
    }

    fn led(mut self, unclean: bool) -> Self {
        self.follow(unclean);
        self
    }

    /// Another leader takes over: it knows what the API server stores and nothing else. What is under way goes on.
    pub(super) fn follow(&mut self, unclean: bool) {
        self.strays += std::mem::take(&mut self.under_way);
        self.allocator = Allocator::new(knowledge());
        let lan = ObjectKey::new("metallb-system", "lan");
        let advertisement = AdvertisementObject {
            seniority: seniority(&lan),
            key: lan,
            spec: Ok(tiklb_core::config::object::AdvertisementSpec::default()),
        };
        let node = NodeObject {
            key: ObjectKey::new("", "node1"),
            addresses: vec!["192.168.1.11".parse().unwrap()],
        };
        self.news = vec![
            Event::Leadership(Leadership::Leading { unclean }),
            Event::Pools(Change::Listed(self.pools.values().cloned().collect())),
            Event::Advertisements(Change::Listed(vec![advertisement])),
            Event::Routers(Change::Listed(self.object.iter().cloned().collect())),
            Event::Reservations(Change::Listed(self.reservations.values().cloned().collect())),
            Event::Namespaces(Change::Listed(vec![])),
            Event::Nodes(Change::Listed(vec![node])),
            Event::services(Change::Listed(self.services.values().cloned().collect())),
            Event::Announcements(Change::Listed(self.announcements.values().cloned().collect())),
            Event::Conflicts(Change::Listed(vec![])),
            Event::Surveys(Change::Listed(vec![])),
        ];
        self.next_survey = Instant::ZERO;
    }

    /// An IPAddressPool holds these addresses from now on; `None` removes it.
    pub(super) fn pool(&mut self, name: &str, addresses: Option<&str>) {
        let key = ObjectKey::new("metallb-system", name);
        let change = if let Some(addresses) = addresses {
            self.pools.insert(key.clone(), pool(&key, addresses));
            Change::Applied(pool(&key, addresses))
        } else {
            self.pools.remove(&key);
            Change::Deleted(key)
        };
        self.news.push(Event::Pools(change));
    }

    /// A MikrotikRouter is made, as at the start: no status, no finalizer.
    pub(super) fn make_router(&mut self) {
        assert!(self.object.is_none());
        let mut object = seen(&self.desk.spec).object;
        self.version += 1;
        object.resource_version = self.version.to_string();
        object.uid = tiklb_core::model::Uid(format!("u{}", self.version));
        self.object = Some(object.clone());
        self.ending = false;
        self.desk.apply();
        self.news.push(Event::Routers(Change::Applied(object)));
    }

    /// It is gone with its status and without its finalizer's leave, as when its definition is removed.
    pub(super) fn prune_router(&mut self) {
        if self.object.take().is_some() {
            self.ending = true;
            self.news.push(Event::Routers(Change::Deleted(key())));
        }
    }

    pub(super) fn create(&mut self, name: &str) {
        self.create_with(name, &[]);
    }

    /// A Service that asks for this address.
    pub(super) fn create_at(&mut self, name: &str, address: &str) {
        self.create_with(name, &[("metallb.io/loadBalancerIPs", address)]);
    }

    fn create_with(&mut self, name: &str, annotations: &[(&str, &str)]) {
        let key = named(name);
        let annotations = annotations.iter();
        let service = Service {
            annotations: annotations
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            seniority: seniority(&key),
            key: key.clone(),
            resource_version: "1".to_owned(),
            is_load_balancer: true,
            cluster_ips: vec!["10.43.0.1".parse().unwrap()],
            ..Service::default()
        };
        self.services.insert(key, service.clone());
        self.news.push(Event::services(Change::Applied(service)));
    }

    /// A person changes a Service.
    pub(super) fn change_service(&mut self, name: &str, change: impl FnOnce(&mut Service)) {
        if let Some(service) = self.services.get_mut(&named(name)) {
            change(service);
            self.news.push(Event::services(Change::Applied(service.clone())));
        }
    }

    pub(super) fn delete(&mut self, name: &str) {
        self.services.remove(&named(name));
        self.news.push(Event::Services(Change::Deleted(named(name))));
        let key = ObjectKey::new("metallb-system", name);
        self.announcements.remove(&key);
        self.news.push(Event::Announcements(Change::Deleted(key)));
    }

    /// The node with this number answers for the Service from now on, with one epoch more than the one before it.
    pub(super) fn announce(&mut self, name: &str, node: u8) {
        let mut addresses = self.services[&named(name)].ingress.clone();
        if addresses.is_empty() {
            addresses.push(VIP.parse().unwrap()); // The first one gets it.
        }
        let announcement = Announcement {
            key: ObjectKey::new("metallb-system", name),
            service: named(name),
            addresses,
            node: NodeName(format!("node{node}").into()),
            mac: Some(MacAddr::new(0x48, 0xa9, 0x8a, 1, 0, node)),
            epoch: node.into(),
        };
        let key = announcement.key.clone();
        self.announcements.insert(key, announcement.clone());
        self.news
            .push(Event::Announcements(Change::Applied(announcement)));
    }

    /// A person deletes the MikrotikRouter: it stays until its finalizer, if it has one, is gone.
    pub(super) fn delete_router(&mut self) {
        if self.object.as_ref().is_some_and(|object| !object.finalizer) {
            return self.prune_router();
        }
        self.change_router(|object| object.deleting = true);
    }

    /// The watch shows the Secrets as they are.
    pub(super) fn secrets_changed(&mut self) {
        for router in self.desk.apply() {
            self.news.push(Event::CredentialsChanged { router });
        }
    }

    pub(super) fn address(&self, name: &str) -> Option<String> {
        let service = &self.services[&named(name)];
        service.ingress.first().map(ToString::to_string)
    }

    pub(super) fn reason(&self, kind: ConditionKind) -> &'static str {
        let condition = self.status.conditions.get(&kind);
        condition.map_or("", |condition| condition.reason)
    }

    /// How many lease rows of ours the router has.
    pub(super) fn leases(&self) -> usize {
        self.ours(Menu::Lease)
    }

    /// How many ARP rows of ours it has.
    pub(super) fn arps(&self) -> usize {
        self.ours(Menu::Arp)
    }

    fn ours(&self, menu: Menu) -> usize {
        let rows = self.desk.sim.rows(menu);
        let marked = |comment: &str| comment.starts_with("tiklb/v1 home/1a2b3c4d ");
        rows.iter()
            .filter(|row| row.get("comment").is_some_and(marked))
            .count()
    }

    /// Lets time go on until something is the case: an hour of core's at most.
    pub(super) async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let end = self.now.mono + Duration::from_hours(1);
        loop {
            self.settle().await;
            if is_so(self) {
                return;
            }
            assert!(self.now.mono < end, "{what}: {:#?}", self.status);
            self.go_on(end);
        }
    }

    /// Lets so much time go by.
    pub(super) async fn pass(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while self.now.mono < end {
            self.settle().await;
            self.go_on(end);
        }
        self.settle().await;
    }

    /// Does what is to be done, until core waits for time alone.
    async fn settle(&mut self) {
        for _ in 0..10_000 {
            if std::mem::take(&mut self.ending) {
                self.strays += std::mem::take(&mut self.under_way);
                while self.strays > 0 {
                    self.strays -= 1;
                    self.desk.event().await;
                }
                self.desk.sessions.apply(&[], &self.desk.secrets);
            }
            if self.news.is_empty() && self.under_way > 0 {
                self.under_way -= 1;
                let event = self.outcome().await;
                self.news.push(event);
            }
            let step = self.allocator.step(std::mem::take(&mut self.news), self.now);
            let nothing = step.effects.is_empty();
            for effect in step.effects {
                self.carry_out(effect);
            }
            if nothing && self.under_way == 0 {
                return;
            }
        }
        panic!("it never comes to rest: {:#?}", self.status);
    }

    /// How the next of what is under way ends, after what nobody waits for any more.
    async fn outcome(&mut self) -> Event {
        while self.strays > 0 {
            self.strays -= 1;
            self.desk.event().await;
        }
        let event = self.desk.event().await;
        if matches!(&event, Event::RouterRead { result, .. } if result.is_ok()) {
            self.edits.1 = self.edits.0;
        }
        event
    }

    /// Until core asks the router for something, and no further: whether it did.
    pub(super) fn ask(&mut self) -> bool {
        let step = self.allocator.step(std::mem::take(&mut self.news), self.now);
        for effect in step.effects {
            self.carry_out(effect);
        }
        self.under_way > 0
    }

    /// Time goes on to what core waits for next, or to the next survey.
    fn go_on(&mut self, end: Instant) {
        if self.surveyed && self.now.mono >= self.next_survey {
            self.next_survey = self.now.mono + ROUND;
            self.survey();
        }
        let step = self.allocator.step(std::mem::take(&mut self.news), self.now);
        let mut next = step.wake.unwrap_or(end).min(end);
        if self.surveyed {
            next = next.min(self.next_survey);
        }
        for effect in step.effects {
            self.carry_out(effect);
        }
        let by = next.since(self.now.mono).max(Duration::from_millis(1));
        let wall = self.now.mono.since_start().as_secs();
        self.now.mono = self.now.mono + by;
        let passed = self.now.mono.since_start().as_secs() - wall;
        self.now.wall.0 += i64::try_from(passed).unwrap();
        self.desk.sim.clock().advance(by);
    }

    fn survey(&mut self) {
        let record = SurveyRecord {
            key: ObjectKey::new("metallb-system", "survey-lan"),
            node: NodeName::from("node1"),
            covered: ranges("192.168.1.2-192.168.1.254"),
            occupied: RangeSet::new(),
            took: Duration::from_secs(5),
            age: Duration::ZERO,
            segment: None,
        };
        self.news.push(Event::Surveys(Change::Applied(record)));
    }
}
