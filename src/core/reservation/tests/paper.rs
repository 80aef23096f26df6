//! A router on paper: it holds rows, applies the writes it is told to, and keeps a journal.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::config::object::{ArpRows, Assignment, Confirmed, Evict, RouterMode, RouterObject, RouterSpec};
use crate::config::{Config, PoolObject, PoolSpec};
use crate::ipam::{Availability, Holder};
use crate::model::object::Seniority;
use crate::model::{
    Few, Instant, LabelSelector, Labels, MacAddr, NodeName, Now, ObjectKey, RangeSet, Timestamp, Uid,
};
use crate::reservation::observed::{AddressRow, ArpRow, LeaseRow, NetworkRow, PoolRow, Reading, ServerRow};
use crate::reservation::router::{Depth, Intent, Landscape, Router, Work};
use crate::reservation::survey::{Round, Surveys};
use crate::reservation::write::{ArpSpec, LeaseSpec, Outcome, Planned, ReadBack, Write};

pub(super) const UID: &str = "1a2b3c4d";

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn ranges(text: &str) -> RangeSet {
    text.split(',')
        .filter(|t| !t.is_empty())
        .map(|t| {
            let text = if t.contains('-') {
                t.to_owned()
            } else {
                format!("{t}/32")
            };
            crate::model::AddressRange::parse(&text).unwrap()
        })
        .collect()
}

pub(crate) fn mac(last: u8) -> MacAddr {
    MacAddr(0x02, 0, 0, 0, 0x01, last)
}

pub(super) fn pool_row(name: &str, text: &str) -> PoolRow {
    PoolRow {
        id: format!("*{name}"),
        name: name.to_owned(),
        ranges: ranges(text),
        next_pool: None,
        comment: String::new(),
    }
}

pub(super) fn server_row(name: &str, interface: &str, pool: &str) -> ServerRow {
    ServerRow {
        name: name.to_owned(),
        interface: interface.to_owned(),
        pool: Some(pool.to_owned()),
        idle: false,
    }
}

pub(crate) fn lease_row(address: &str, host: &str, expires: Option<u64>) -> LeaseRow {
    LeaseRow {
        id: format!("*L{address}"),
        address: ip(address),
        mac: Some(mac(77)),
        server: Some("defconf".to_owned()),
        dynamic: expires.is_some(),
        evidence: false,
        disabled: false,
        bound: expires.is_some(),
        expires_after: expires.map(Duration::from_secs),
        host_name: Some(host.to_owned()),
        comment: String::new(),
    }
}

pub(super) fn arp_row(address: &str, mac: MacAddr) -> ArpRow {
    ArpRow {
        id: format!("*A{address}"),
        address: ip(address),
        mac: Some(mac),
        interface: "bridge".to_owned(),
        dynamic: true,
        disabled: false,
        alive: true,
        comment: String::new(),
    }
}

/// The demo's router: bridge 192.168.1.1/24, `dhcp_pool` 100-254.
pub(crate) fn home_router() -> Reading {
    Reading {
        identity: "MikroTik".to_owned(),
        serial: Some("HEX1".to_owned()),
        board: "RB5009".to_owned(),
        version: "7.20.8".to_owned(),
        uptime: Duration::from_hours(10),
        addresses: vec![AddressRow {
            address: ip("192.168.1.1"),
            network: "192.168.1.1/24".parse().unwrap(),
            interface: "bridge".to_owned(),
        }],
        interfaces: [("bridge".to_owned(), mac(1))].into(),
        pools: vec![pool_row("dhcp_pool", "192.168.1.100-192.168.1.254")],
        servers: vec![server_row("defconf", "bridge", "dhcp_pool")],
        networks: vec![NetworkRow {
            network: "192.168.1.0/24".parse().unwrap(),
            gateways: vec![ip("192.168.1.1")],
        }],
        ..Reading::default()
    }
}

pub(crate) fn spec() -> RouterSpec {
    RouterSpec {
        url: "https://192.168.1.1".to_owned(),
        cluster_name: "home".to_owned(),
        adopt_from: None,
        mode: RouterMode::Enforce,
        pool_selector: LabelSelector::default(),
        shrink_pools: true,
        min_free_addresses: 10,
        allowed_pools: vec![],
        evict: Evict::Never,
        leases: true,
        arp: ArpRows::Visible,
        assignment: Assignment::Proven,
        poll_interval: Duration::from_secs(30),
        release_delay: Duration::from_mins(10),
        accept_untested: false,
        accept_serial: None,
        unsupported: vec![],
    }
}

pub(crate) fn object(spec: RouterSpec) -> RouterObject {
    let key = ObjectKey::new("metallb-system", "home");
    RouterObject {
        uid: Uid("u".to_owned()),
        resource_version: "1".to_owned(),
        generation: 1,
        seniority: Seniority {
            created: Timestamp(0),
            key: key.clone(),
        },
        key,
        deleting: false,
        finalizer: false,
        spec: Ok(spec),
        record_unknown: false,
        taken: vec![],
        serial: None,
        identity: None,
        confirm: None,
        confirmed: Confirmed::default(),
    }
}

pub(super) fn pools(text: &[(&str, &str)]) -> Config {
    let objects: Vec<PoolObject> = text
        .iter()
        .map(|(name, addresses)| {
            let key = ObjectKey::new("metallb-system", *name);
            PoolObject {
                seniority: Seniority {
                    created: Timestamp(0),
                    key: key.clone(),
                },
                key,
                labels: Labels::new(),
                spec: Ok(PoolSpec {
                    addresses: addresses.split(',').map(str::to_owned).collect(),
                    auto_assign: true,
                    avoid_buggy_ips: false,
                    service_allocation: None,
                }),
            }
        })
        .collect();
    Config::new(&objects, &[], &[])
}

/// The paper router, the cluster around it, and the state machine between them.
pub(crate) struct Paper {
    pub(crate) rows: Reading,
    pub(super) router: Router,
    pub(super) config: Config,
    pub(super) assigned: BTreeMap<IpAddr, Few<ObjectKey>>,
    pub(super) announcers: BTreeMap<IpAddr, MacAddr>,
    pub(super) adopted: BTreeSet<IpAddr>,
    pub(super) requested: BTreeMap<IpAddr, Few<ObjectKey>>,
    pub(super) conflicts: BTreeMap<IpAddr, Holder>,
    pub(super) nodes: Vec<(NodeName, IpAddr)>,
    pub(super) surveys: Surveys,
    pub(super) complete: bool,
    pub(super) fence: Instant,
    pub(super) uid: String,
    pub(super) now: Now,
    /// Everything that was done, in order: `read`, `record`, `finalizer`, or the write.
    pub(super) journal: Vec<String>,
    pub(super) writes: Vec<Write>,
    next_id: u32,
}

impl Paper {
    pub(crate) fn new(rows: Reading) -> Self {
        Self {
            rows,
            router: Router::new(object(spec())),
            config: pools(&[("home", "192.168.1.200-192.168.1.220")]),
            assigned: BTreeMap::new(),
            announcers: BTreeMap::new(),
            adopted: BTreeSet::new(),
            requested: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            nodes: vec![(NodeName::from("node1"), ip("192.168.1.11"))],
            surveys: Surveys::default(),
            complete: true,
            fence: Instant::ZERO,
            uid: UID.to_owned(),
            now: Now {
                mono: Instant::at(Duration::from_secs(100)),
                wall: Timestamp(1_000_000),
            },
            journal: vec![],
            writes: vec![],
            next_id: 0,
        }
    }

    pub(super) fn assign(&mut self, address: &str, service: &str) {
        let key = ObjectKey::new("default", service);
        self.assigned.entry(ip(address)).or_default().insert(key);
    }

    /// Runs `f` on the state machine with everything it looks at.
    pub(super) fn with<T>(&mut self, f: impl FnOnce(&mut Router, &Landscape<'_>, Now) -> T) -> T {
        let in_use: RangeSet = self.assigned.keys().copied().collect();
        let landscape = Landscape {
            config: &self.config,
            cluster_uid: &self.uid,
            assigned: &self.assigned,
            announcers: &self.announcers,
            in_use: &in_use,
            adopted: &self.adopted,
            requested: &self.requested,
            conflicts: &self.conflicts,
            nodes: &self.nodes,
            surveys: &self.surveys,
            complete: self.complete,
            fence: self.fence,
        };
        f(&mut self.router, &landscape, self.now)
    }

    pub(super) fn intend(&mut self) -> Intent {
        self.with(Router::intend)
    }

    pub(super) fn availability(&mut self, address: &str) -> Option<Availability> {
        let address = ip(address);
        self.with(|router, landscape, now| router.availability(address, landscape, now))
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now.mono = self.now.mono + time;
        self.now.wall.0 += i64::try_from(time.as_secs()).unwrap();
        self.rows.uptime += time;
        for lease in &mut self.rows.leases {
            lease.expires_after = lease.expires_after.map(|left| left.saturating_sub(time));
        }
    }

    /// A survey just found every address of the pools silent, except these.
    pub(super) fn survey(&mut self, occupied: &str) {
        let covered = self
            .config
            .usable()
            .fold(RangeSet::new(), |all, p| all.union(&p.ranges));
        let round = Round {
            node: NodeName::from("node1"),
            covered,
            occupied: ranges(occupied),
            seen: self.now.mono,
            took: Duration::from_secs(4),
        };
        self.surveys.record("lan".to_owned(), round);
    }

    /// The next request; what belongs into the object is there before, as the watch would bring it.
    pub(super) fn work(&mut self) -> Work {
        for _ in 0..10 {
            let intent = self.intend();
            if !self.apply_to_object(&intent) {
                return intent.work;
            }
        }
        panic!("the object never settles: {:?}", self.router.object());
    }

    /// Does what the state machine wants, for `time`.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now.mono + time;
        for _ in 0..10_000 {
            match self.work() {
                Work::Read(depth) => self.read_at(depth, Ok(self.rows.clone())),
                Work::Write(planned) => {
                    let outcome = self.write(&planned.write);
                    self.finish(&planned.write, &outcome);
                }
                Work::Wait(wake) => {
                    let wake = wake.unwrap_or(end).min(end);
                    if wake >= end {
                        self.pass(end.since(self.now.mono));
                        return;
                    }
                    self.pass(wake.since(self.now.mono).max(Duration::from_millis(1)));
                }
            }
        }
        panic!(
            "it never comes to rest: {:?}",
            &self.journal[self.journal.len() - 20..]
        );
    }

    /// A whole reading.
    pub(super) fn read(&mut self, result: Result<Reading, crate::reservation::Failure>) {
        self.read_at(Depth::Whole, result);
    }

    fn read_at(&mut self, depth: Depth, result: Result<Reading, crate::reservation::Failure>) {
        self.journal.push("read".to_owned());
        self.with(|router, landscape, now| {
            router.begin(&Work::Read(depth), now.mono);
            router.read(result, landscape, now);
        });
    }

    /// The write that comes next, after the readings that it rests on.
    pub(super) fn due_write(&mut self) -> Planned {
        for _ in 0..4 {
            match self.work() {
                Work::Read(depth) => self.read_at(depth, Ok(self.rows.clone())),
                Work::Write(planned) => return *planned,
                Work::Wait(_) => break,
            }
        }
        panic!("no write is due: {:?}", self.journal);
    }

    pub(super) fn finish(&mut self, write: &Write, outcome: &Outcome) {
        self.with(|router, landscape, now| {
            let planned = Planned {
                write: write.clone(),
                because: String::new(),
            };
            router.begin(&Work::Write(Box::new(planned)), now.mono);
            router.written(write, outcome, landscape, now.mono);
        });
    }

    /// The API server takes the status and the finalizer over.
    fn apply_to_object(&mut self, intent: &Intent) -> bool {
        let mut object = self.router.object().clone();
        if object.taken != intent.status.taken {
            let taken: Vec<String> = intent
                .status
                .taken
                .iter()
                .map(|t| format!("{} {}", t.pool, t.ranges))
                .collect();
            self.journal.push(format!("record {}", taken.join("; ")));
        }
        if object.finalizer != intent.finalizer {
            self.journal.push(format!("finalizer {}", intent.finalizer));
        }
        object.taken.clone_from(&intent.status.taken);
        object.serial.clone_from(&intent.status.serial);
        object.confirmed.clone_from(&intent.status.confirmed);
        object.identity = Some(intent.status.identity.clone());
        object.finalizer = intent.finalizer;
        let changed = object != *self.router.object();
        let now = self.now.mono;
        self.router.update(object, now);
        changed
    }

    pub(crate) fn write(&mut self, write: &Write) -> Outcome {
        self.journal.push(write.to_string());
        self.writes.push(write.clone());
        self.next_id += 1;
        let id = format!("*N{}", self.next_id);
        let back = match write {
            Write::SetPoolRanges { row, ranges } => self.set_pool(row, ranges, None),
            Write::SetPool { row, ranges, comment } => self.set_pool(row, ranges, Some(comment)),
            Write::AddPool {
                name,
                ranges,
                comment,
            } => {
                let row = PoolRow {
                    id,
                    name: name.clone(),
                    ranges: ranges.clone(),
                    next_pool: None,
                    comment: comment.clone(),
                };
                self.rows.pools.push(row.clone());
                ReadBack::Pool(row)
            }
            Write::RemovePool(row) => {
                self.rows.pools.retain(|r| r.id != row.id);
                ReadBack::Gone
            }
            Write::AddLease(spec) => self.put_lease(&id, spec),
            Write::SetLease { row, spec } => self.put_lease(&row.id, spec),
            Write::RemoveLease(row) | Write::EvictLease { row, .. } => {
                self.rows.leases.retain(|r| r.id != row.id);
                ReadBack::Gone
            }
            Write::AddArp(spec) => self.put_arp(&id, spec),
            Write::SetArp { row, spec } => self.put_arp(&row.id, spec),
            Write::RemoveArp(row) => {
                self.rows.arps.retain(|r| r.id != row.id);
                ReadBack::Gone
            }
        };
        Outcome::Applied(back)
    }

    fn set_pool(&mut self, row: &PoolRow, ranges: &RangeSet, comment: Option<&String>) -> ReadBack {
        let mine = self
            .rows
            .pools
            .iter_mut()
            .find(|r| r.id == row.id)
            .expect("the row exists");
        assert_eq!(mine.ranges, row.ranges, "a write is made on the row as it is");
        mine.ranges = ranges.clone();
        if let Some(comment) = comment {
            mine.comment.clone_from(comment);
        }
        ReadBack::Pool(mine.clone())
    }

    fn put_lease(&mut self, id: &str, spec: &LeaseSpec) -> ReadBack {
        let row = spec.row(id.to_owned());
        self.rows.leases.retain(|r| r.id != id);
        self.rows.leases.push(row.clone());
        ReadBack::Lease(row)
    }

    fn put_arp(&mut self, id: &str, spec: &ArpSpec) -> ReadBack {
        let row = spec.row(id.to_owned());
        self.rows.arps.retain(|r| r.id != id);
        self.rows.arps.push(row.clone());
        ReadBack::Arp(row)
    }

    /// The user deletes the MikrotikRouter.
    pub(super) fn delete(&mut self) {
        let mut object = self.router.object().clone();
        object.deleting = true;
        let now = self.now.mono;
        self.router.update(object, now);
    }

    pub(super) fn condition(
        &mut self,
        kind: crate::reservation::ConditionKind,
    ) -> (bool, &'static str, String) {
        let intent = self.intend();
        let condition = &intent.status.conditions[&kind];
        let truth = condition.truth == crate::reservation::condition::Truth::True;
        (truth, condition.reason, condition.message.clone())
    }
}
