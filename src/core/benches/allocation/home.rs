//! An allocator with pools and Services, and an API server that stores what it is told.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tiklb_core::allocator::{Allocator, Change, Effect, Event, Leadership, Settings, WriteResult};
use tiklb_core::config::{Config, PoolObject, PoolSpec};
use tiklb_core::ipam::request::FROM_POOL;
use tiklb_core::ipam::{Availability, Ground, Ledger, Occupancy};
use tiklb_core::model::object::Seniority;
use tiklb_core::model::service::Service;
use tiklb_core::model::{Instant, Labels, Now, ObjectKey, Timestamp, Uid};

/// As many as a cluster of many tenants has.
pub(super) const POOLS: u8 = 100;
/// Of so many pools all addresses are in use when each Service has one, however many Services there are: who creates one
/// more goes past them.
const FULL: usize = 75;

/// What the Services ask for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ask {
    /// Any address: the pools are used up one after the other.
    Nothing,
    /// An address of one pool: they are used evenly.
    Pool,
}

/// The allocator and what the API server holds.
pub(super) struct Home {
    allocator: Allocator,
    size: usize,
    ask: Ask,
    made: usize,
    version: u64,
    services: Vec<Service>,
    /// Writes that were not stored yet.
    unstored: Vec<(ObjectKey, Vec<IpAddr>, Option<String>)>,
}

impl Home {
    /// One that leads and knows everything but Services, of which there will be so many.
    pub(super) fn new(size: usize, ask: Ask) -> Self {
        let mut home = Self {
            allocator: Allocator::new(Settings::default()),
            size,
            ask,
            made: 0,
            version: 1,
            services: Vec::new(),
            unstored: Vec::new(),
        };
        home.time(vec![
            Event::Leadership(Leadership::Leading { unclean: false }),
            Event::Pools(Change::Listed(pools(size))),
            Event::Advertisements(Change::Listed(vec![])),
            Event::Routers(Change::Listed(vec![])),
            Event::Reservations(Change::Listed(vec![])),
            Event::Namespaces(Change::Listed(vec![])),
            Event::Nodes(Change::Listed(vec![])),
            Event::Announcements(Change::Listed(vec![])),
            Event::Conflicts(Change::Listed(vec![])),
            Event::Surveys(Change::Listed(vec![])),
        ]);
        home
    }

    /// The Services are listed, none of which has an address; each gets one.
    pub(super) fn list(&mut self) -> Duration {
        self.services = (0..self.size).map(|_| self.make()).collect();
        let listed = Event::services(Change::Listed(self.services.clone()));
        let took = self.time(vec![listed]);
        assert_eq!(self.unstored.len(), self.size, "each Service has one write");
        took
    }

    /// What was written is stored, and the watch shows it.
    pub(super) fn stored(&mut self) {
        let mut events = Vec::new();
        for (key, addresses, pool) in std::mem::take(&mut self.unstored) {
            self.version += 1;
            let version = self.version.to_string();
            let found = self.services.binary_search_by(|service| service.key.cmp(&key));
            let Some(service) = found.ok().and_then(|at| self.services.get_mut(at)) else {
                continue;
            };
            service.ingress = addresses;
            service
                .annotations
                .extend(pool.map(|pool| (FROM_POOL.to_owned(), pool)));
            service.resource_version.clone_from(&version);
            events.push(Event::services(Change::Applied(service.clone())));
            events.push(Event::ServiceWritten {
                service: key,
                result: WriteResult::Written(version),
            });
        }
        self.time(events);
        assert!(self.unstored.is_empty(), "nothing is written again");
    }

    /// One more is created and gets its address; then its write is stored and shown.
    pub(super) fn create(&mut self) -> Duration {
        let service = self.make();
        self.services.push(service.clone());
        let took = self.time(vec![Event::services(Change::Applied(service))]);
        assert_eq!(self.unstored.len(), 1, "it has one write");
        self.stored();
        took
    }

    /// One in the middle has another label.
    pub(super) fn change(&mut self) -> Duration {
        self.version += 1;
        let middle = self.services.len() / 2;
        let service = &mut self.services[middle];
        service.resource_version = self.version.to_string();
        service
            .labels
            .insert("changed".to_owned(), self.version.to_string());
        let service = service.clone();
        let took = self.time(vec![Event::services(Change::Applied(service))]);
        assert!(self.unstored.is_empty(), "nothing is written");
        took
    }

    /// One in the middle is deleted.
    pub(super) fn delete(&mut self) -> Duration {
        let service = self.services.remove(self.services.len() / 2);
        self.time(vec![Event::Services(Change::Deleted(service.key))])
    }

    /// A step without an event: a timer's.
    pub(super) fn idle(&mut self) -> Duration {
        self.time(vec![])
    }

    fn time(&mut self, events: Vec<Event>) -> Duration {
        let now = Now {
            mono: Instant::at(Duration::from_secs(100)),
            wall: Timestamp(1_000_000),
        };
        let began = used();
        let step = black_box(self.allocator.step(black_box(events), now));
        let took = used().saturating_sub(began);
        let writes = step.effects.into_iter().filter_map(|effect| match effect {
            Effect::SetServiceStatus {
                service,
                addresses,
                pool,
                ..
            } => Some((service, addresses, pool)),
            _ => None,
        });
        self.unstored.extend(writes);
        took
    }

    fn make(&mut self) -> Service {
        let number = self.made;
        self.made += 1;
        self.version += 1;
        make(number, self.version, self.ask)
    }
}

fn make(number: usize, version: u64, ask: Ask) -> Service {
    let name = format!("service-{number:05}");
    let key = ObjectKey::new("tenants", name.clone());
    let mut annotations = Labels::new();
    if let Ask::Pool = ask {
        let pool = pool_name(u8::try_from(number % usize::from(POOLS)).unwrap_or_default());
        annotations.insert("metallb.io/address-pool".to_owned(), pool);
    }
    let label = |key: &str| (key.to_owned(), name.clone());
    Service {
        uid: Uid(format!("{number:08x}-0000-4000-8000-000000000000")),
        resource_version: version.to_string(),
        seniority: Seniority {
            created: Timestamp(1_000),
            key: key.clone(),
        },
        key,
        labels: [
            label("app.kubernetes.io/name"),
            label("app.kubernetes.io/instance"),
        ]
        .into_iter()
        .collect(),
        annotations,
        is_load_balancer: true,
        cluster_ips: vec![
            Ipv4Addr::from_bits(0x0a2b_0001 + u32::try_from(number).unwrap_or_default()).into(),
        ],
        selector: [label("app")].into_iter().collect(),
        ports: [("TCP".to_owned(), 80), ("TCP".to_owned(), 443)].into(),
        ..Service::default()
    }
}

fn pool_name(number: u8) -> String {
    format!("pool-{number:02}")
}

fn pools(size: usize) -> Vec<PoolObject> {
    let last = u32::try_from(size.div_ceil(FULL)).unwrap_or(u32::MAX) - 1;
    (0..POOLS).map(|number| pool(number, last)).collect()
}

/// With the addresses from 10.`number`.0.0 to `last` behind it.
fn pool(number: u8, last: u32) -> PoolObject {
    let key = ObjectKey::new("metallb-system", pool_name(number));
    let first = Ipv4Addr::new(10, number, 0, 0);
    let last = Ipv4Addr::from_bits(first.to_bits() + last);
    let spec = PoolSpec {
        addresses: vec![format!("{first}-{last}")],
        auto_assign: true,
        avoid_buggy_ips: false,
        service_allocation: None,
    };
    PoolObject {
        seniority: Seniority {
            created: Timestamp(i64::from(number)),
            key: key.clone(),
        },
        key,
        labels: Labels::new(),
        spec: Ok(spec),
    }
}

/// The processor time of this thread so far. Where other programs run beside it, that is what it costs, and a wall clock
/// is not.
fn used() -> Duration {
    let used = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    used.map_or(Duration::ZERO, Duration::from)
}

/// Every address may be used.
struct Free;

impl Occupancy for Free {
    fn of(&self, _: IpAddr) -> Availability {
        Availability::Free
    }
}

/// Decides on so many Services, which ask for any address. The ledger alone: no statuses, no events.
pub(super) fn decide(size: usize) -> Duration {
    let config = Config::new(&pools(size), &[], &[]);
    let namespaces = BTreeMap::new();
    let services: Vec<Service> = (0..size).map(|number| make(number, 1, Ask::Nothing)).collect();
    let mut ledger = Ledger::default();
    let began = used();
    let ground = Ground::new(&config, &Free, None, &namespaces);
    for service in &services {
        black_box(ledger.decide(black_box(service), &ground));
    }
    let took = used().saturating_sub(began);
    assert_eq!(ledger.assignments().count(), size, "each has an address");
    took
}
