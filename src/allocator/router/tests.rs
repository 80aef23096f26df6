//! Sessions against the simulator over real HTTPS. The simulator shares no code with the client: its journal says what
//! was really sent.

mod access;
mod eviction;
mod faults;
mod handles;
mod home;
mod leadership;
mod log;
mod model;
mod others;
mod reserved;
mod round_trip;
mod story;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use routeros::client::{Observer, RequestReport, Timeouts};
use routeros_sim::{Config, PASSWORD, Router};
use serde_json::{Value, json};
use tiklb_core::allocator::Event;
use tiklb_core::model::{MacAddr, ObjectKey, RangeSet};
use tiklb_core::reservation::marker::claim_mac;
use tiklb_core::reservation::observed::PoolRow;
use tiklb_core::reservation::write::{ArpSpec, LeaseSpec};
use tiklb_core::reservation::{Depth, Failure, Outcome, Planned, Reading, Write};
use tokio::sync::mpsc;

use super::sessions::{Watcher, Watchers};
use super::{Sessions, Settings};
use crate::api::{Decoded, MikrotikRouter};
use crate::cluster::object::Verdict;
use crate::cluster::object::router::{SeenRouter, router};
use crate::cluster::object::secret::{SecretObject, secret};

const MARK: &str = "tiklb/v1 home/1a2b3c4d default/web";
const OURS: &str = "192.168.1.200-192.168.1.220";
const VIP: &str = "192.168.1.200";

/// Longer than anything here takes on a machine that does something else.
const PATIENCE: Duration = Duration::from_secs(30);

/// Quick to fail: every verdict is about order, none about speed.
fn timeouts() -> Timeouts {
    Timeouts {
        settle: Duration::from_millis(10),
        backoff: Duration::from_millis(1),
        ..Timeouts::default()
    }
}

/// Remembers what was reported.
#[derive(Default)]
struct Reports(
    Mutex<Vec<(&'static str, &'static str, &'static str)>>,
    Mutex<Option<Hook>>,
);

/// What happens when a request to this menu has ended, once.
type Hook = (&'static str, Box<dyn FnOnce() + Send>);

impl Observer for Reports {
    fn request(&self, report: RequestReport) {
        let line = (report.kind.as_str(), report.menu, report.outcome);
        self.0.lock().unwrap().push(line);
        if let Some((_, hook)) = self.1.lock().unwrap().take_if(|(menu, _)| *menu == report.menu) {
            hook();
        }
    }
}

impl Watcher for Reports {
    fn written(&self, _: &Planned, _: &Outcome) {}
}

fn watched_by(reports: &Arc<Reports>) -> Watchers {
    let reports = reports.clone();
    Arc::new(move |_| reports.clone())
}

fn key() -> ObjectKey {
    ObjectKey::new("metallb-system", "home")
}

fn stored_secret(name: &str, version: u32, data: &[(&str, &str)]) -> (String, SecretObject) {
    let data: serde_json::Map<String, Value> = data
        .iter()
        .map(|(key, value)| {
            let bytes = k8s_openapi::ByteString(value.as_bytes().to_vec());
            ((*key).to_owned(), json!(bytes))
        })
        .collect();
    let metadata =
        json!({"name": name, "namespace": "metallb-system", "resourceVersion": version.to_string()});
    let object = json!({"metadata": metadata, "data": data});
    let Verdict::Keep(secret) = secret(serde_json::from_value(object).unwrap()) else {
        panic!("a Secret is kept")
    };
    (name.to_owned(), secret)
}

/// An object as the API server would show it.
fn seen(spec: &Value) -> SeenRouter {
    let object = json!({
        "apiVersion": "tiklb.io/v1alpha1",
        "kind": "MikrotikRouter",
        "metadata": {"name": "home", "namespace": "metallb-system", "uid": "u1", "resourceVersion": "1", "generation": 1},
        "spec": spec,
    });
    let object: Decoded<MikrotikRouter> = serde_json::from_value(object).unwrap();
    let Verdict::Keep(known) = router(object) else {
        panic!("a router is kept")
    };
    known.value
}

/// A simulated router and the sessions with it.
struct Desk {
    sim: Router,
    sessions: Sessions,
    events: mpsc::Receiver<Event>,
    spec: Value,
    secrets: BTreeMap<String, SecretObject>,
    reports: Arc<Reports>,
}

impl Desk {
    /// A router that is reached as its object says.
    async fn start(config: Config) -> Self {
        Self::with(config, timeouts()).await
    }

    async fn with(config: Config, timeouts: Timeouts) -> Self {
        let plain = config.certificate.is_none();
        let sim = Router::start(config, "127.0.0.1:0".parse().unwrap(), None)
            .await
            .unwrap();
        let ca = sim.ca_pem().unwrap_or_default();
        let secrets = BTreeMap::from([
            stored_secret("mikrotik", 1, &[("username", "tiklb"), ("password", PASSWORD)]),
            stored_secret("mikrotik-ca", 1, &[("ca.crt", &ca)]),
        ]);
        let spec = json!({
            "url": sim.url(),
            "clusterName": "home",
            "credentialsSecretRef": {"name": "mikrotik"},
            "tls": {"caSecretRef": {"name": "mikrotik-ca"}},
        });
        let mut spec = spec;
        if plain {
            spec["tls"].take();
            spec["allowPlainHttp"] = json!(true);
        }
        let reports = Arc::new(Reports::default());
        let (tell, events) = mpsc::channel(16);
        let watchers = watched_by(&reports);
        let mut desk = Self {
            sim,
            sessions: Sessions::new(Settings { timeouts, watchers }, tell),
            events,
            spec,
            secrets,
            reports,
        };
        desk.apply();
        desk
    }

    /// Applies the object and the Secrets as they are.
    fn apply(&mut self) -> Vec<ObjectKey> {
        self.sessions.apply(&[seen(&self.spec)], &self.secrets)
    }

    /// Changes a Secret, or makes it.
    fn set_secret(&mut self, name: &str, data: &[(&str, &str)]) {
        let version = u32::try_from(self.reports.0.lock().unwrap().len()).unwrap() + 2;
        self.secrets.extend([stored_secret(name, version, data)]);
    }

    async fn event(&mut self) -> Event {
        let event = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        event.expect("it answers").expect("the sessions live")
    }

    async fn read(&mut self) -> Result<Reading, Failure> {
        self.sessions.read(&key(), Depth::Whole);
        match self.event().await {
            Event::RouterRead { router, result } if router == key() => *result,
            other => panic!("{other:?}"),
        }
    }

    async fn write(&mut self, write: Write) -> Outcome {
        self.sessions.write(&key(), planned(write.clone()));
        match self.event().await {
            Event::RouterWritten {
                router,
                write: made,
                outcome,
            } if router == key() && *made == write => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// The write is applied, and what was read back is folded in as core does.
    async fn apply_write(&mut self, write: Write, reading: &mut Reading) {
        match self.write(write.clone()).await {
            Outcome::Applied(read_back) => write.fold(&read_back, reading),
            other => panic!("{write}: {other:?}"),
        }
    }

    /// What the router was sent, without what it answered.
    fn writes(&self) -> Vec<String> {
        assert_eq!(self.sim.violations(), []);
        let journal = self.sim.journal();
        assert_eq!(journal.most_in_flight, 1);
        let shown = journal.writes.iter().map(|write| {
            let id = write.id.as_ref().map(|id| format!("/{id}")).unwrap_or_default();
            format!("{} {}{id} {}", write.method, write.path, write.body)
                .trim_end()
                .to_owned()
        });
        shown.collect()
    }
}

fn planned(write: Write) -> Box<Planned> {
    Box::new(Planned {
        write,
        because: "a test wants it".to_owned(),
    })
}

fn ranges(text: &str) -> RangeSet {
    text.parse().unwrap()
}

fn pool(reading: &Reading, name: &str) -> PoolRow {
    let found = reading.pools.iter().find(|row| row.name == name);
    found.unwrap_or_else(|| panic!("{:?}", reading.pools)).clone()
}

/// The cut of our range out of the router's pool as it was read.
fn cut(reading: &Reading) -> Write {
    let row = pool(reading, "dhcp_pool");
    let left = row.ranges.difference(&ranges(OURS));
    Write::SetPoolRanges { row, ranges: left }
}

fn lease_spec(comment: &str) -> LeaseSpec {
    let address = VIP.parse().unwrap();
    LeaseSpec {
        address,
        mac: claim_mac(address),
        server: "defconf".to_owned(),
        comment: comment.to_owned(),
    }
}

fn arp_spec(last: u8) -> ArpSpec {
    ArpSpec {
        address: VIP.parse().unwrap(),
        mac: MacAddr::new(0x48, 0xa9, 0x8a, 1, 0, last),
        interface: "bridge".to_owned(),
        enabled: false,
        comment: MARK.to_owned(),
    }
}
