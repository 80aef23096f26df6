//! A home: a router, core's allocator, and an API server that stores what it is told. Time is core's alone: it goes on
//! to the next moment that core waits for, whenever nothing is under way.

mod store;

use tiklb_core::allocator::{
    Allocator, Announcement, Change, Leadership, NodeObject, Settings as Knowledge, SurveyRecord,
};
use tiklb_core::config::object::PoolSpec;
use tiklb_core::config::{AdvertisementObject, PoolObject, RouterObject};
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
    allocator: Allocator,
    services: BTreeMap<ObjectKey, Service>,
    status: RouterStatus,
    version: u32,
    /// Not yet told to core.
    news: Vec<Event>,
    under_way: usize,
    next_survey: Instant,
}

fn named(name: &str) -> ObjectKey {
    ObjectKey::new("default", name)
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
        let desk = Desk::start(config).await;
        let object = seen(&desk.spec).object;
        let lan = ObjectKey::new("metallb-system", "lan");
        let pool = PoolObject {
            seniority: seniority(&lan),
            key: lan.clone(),
            labels: Labels::new(),
            spec: Ok(PoolSpec {
                addresses: vec![OURS.to_owned()],
                auto_assign: true,
                avoid_buggy_ips: false,
                service_allocation: None,
            }),
        };
        let advertisement = AdvertisementObject {
            seniority: seniority(&lan),
            key: lan,
            spec: Ok(tiklb_core::config::object::AdvertisementSpec::default()),
        };
        let node = NodeObject {
            key: ObjectKey::new("", "node1"),
            addresses: vec!["192.168.1.11".parse().unwrap()],
        };
        let knowledge = Knowledge {
            class: None,
            cluster_uid: "1a2b3c4d".to_owned(),
        };
        let now = Now {
            mono: Instant::at(Duration::from_secs(100)),
            wall: Timestamp(1_800_000_000),
        };
        Self {
            desk,
            now,
            object: Some(object.clone()),
            surveyed: false,
            allocator: Allocator::new(knowledge),
            services: BTreeMap::new(),
            status: RouterStatus::default(),
            version: 10,
            news: vec![
                Event::Leadership(Leadership::Leading { unclean: false }),
                Event::Pools(Change::Listed(vec![pool])),
                Event::Advertisements(Change::Listed(vec![advertisement])),
                Event::Routers(Change::Listed(vec![object])),
                Event::Nodes(Change::Listed(vec![node])),
                Event::Services(Change::Listed(vec![])),
                Event::Announcements(Change::Listed(vec![])),
                Event::Conflicts(Change::Listed(vec![])),
                Event::Surveys(Change::Listed(vec![])),
            ],
            under_way: 0,
            next_survey: Instant::ZERO,
        }
    }

    pub(super) fn create(&mut self, name: &str) {
        let key = named(name);
        let service = Service {
            seniority: seniority(&key),
            key: key.clone(),
            resource_version: "1".to_owned(),
            is_load_balancer: true,
            cluster_ips: vec!["10.43.0.1".parse().unwrap()],
            ..Service::default()
        };
        self.services.insert(key, service.clone());
        self.news.push(Event::Services(Change::Applied(service)));
    }

    pub(super) fn delete(&mut self, name: &str) {
        self.services.remove(&named(name));
        self.news.push(Event::Services(Change::Deleted(named(name))));
        let key = ObjectKey::new("metallb-system", name);
        self.news.push(Event::Announcements(Change::Deleted(key)));
    }

    /// The node with this number answers for the Service from now on, with one epoch more than the one before it.
    pub(super) fn announce(&mut self, name: &str, node: u8) {
        let announcement = Announcement {
            key: ObjectKey::new("metallb-system", name),
            service: named(name),
            addresses: vec![VIP.parse().unwrap()],
            node: NodeName(format!("node{node}")),
            mac: Some(MacAddr::new(0x48, 0xa9, 0x8a, 1, 0, node)),
            epoch: node.into(),
        };
        self.news
            .push(Event::Announcements(Change::Applied(announcement)));
    }

    /// A person deletes the MikrotikRouter: it stays until its finalizer is gone.
    pub(super) fn delete_router(&mut self) {
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
            if self.news.is_empty() && self.under_way > 0 {
                self.under_way -= 1;
                let event = self.desk.event().await;
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
            covered: ranges(OURS),
            occupied: RangeSet::new(),
            took: Duration::from_secs(5),
            age: Duration::ZERO,
        };
        self.news.push(Event::Surveys(Change::Applied(record)));
    }
}
