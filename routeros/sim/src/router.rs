//! A running router and the handle to it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::{Config, Lease, Switches};
use crate::device::Device;
use crate::fault::{self, Boot, Faults};
use crate::http::access;
use crate::http::gate::Gate;
use crate::journal::{Journal, Violation};
use crate::lan::Opened;
use crate::log::LogLine;
use crate::menu::Menu;
use crate::person::{EditError, Person};
use crate::row::Row;
use crate::seed::SeedError;
use crate::snapshot::Snapshot;
use crate::table::{Entry, Id, Key};
use crate::tls::{Tls, TlsError};
use crate::value::mac::Mac;
use crate::value::{Link, Value};
use crate::version::{PLAIN_HTTP, REST, SERVICE_CONNECTIONS, SERVICE_MAX_SESSIONS, WEBSERVER_TOGGLES};

/// `max-sessions` while it is not set.
const MAX_SESSIONS: usize = 20;

/// Why a router could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A row of the configuration is refused.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// Its certificate cannot be made.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It cannot listen.
    #[error("listening for HTTP on {address}: choose a free port, or 0")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// Its admin surface cannot listen.
    #[error("listening for the admin surface on {address}: choose a free port, or 0")]
    Admin {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The Linux interface is not there.
    #[error(
        "finding the interface {0:?}: it must exist, with a MAC address, in the network namespace of this thread"
    )]
    NoInterface(String),
    /// The interface's sockets cannot be opened.
    #[error(
        "opening {what} on {interface:?}: this needs CAP_NET_RAW and CAP_NET_BIND_SERVICE in its namespace"
    )]
    Interface {
        /// Which socket.
        what: &'static str,
        /// On what.
        interface: String,
        /// Why not.
        source: std::io::Error,
    },
    /// There is no tokio runtime.
    #[error("starting the router's tasks: call this within a tokio runtime that has time and I/O enabled")]
    NoRuntime(#[from] tokio::runtime::TryCurrentError),
}

/// The value, also after a panic elsewhere: a test that failed must not hide behind a second failure.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the router's tasks, threads and handles share. Locks are taken in the order of the fields.
pub(crate) struct Shared {
    device: Mutex<Device>,
    pub(crate) journal: Mutex<Journal>,
    pub(crate) faults: Mutex<fault::State>,
    pub(crate) clock: Clock,
    pub(crate) tls: Option<Tls>,
    pub(crate) gate: Gate,
    /// Another task changed what the DHCP server waits for.
    pub(crate) dhcp_changed: Notify,
    in_flight: AtomicUsize,
    numbers: AtomicU64,
    started: Instant,
    runtime: Handle,
}

/// A request that is being answered.
pub(crate) struct Flight<'a>(&'a Shared);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    pub(crate) fn device(&self) -> MutexGuard<'_, Device> {
        locked(&self.device)
    }

    /// Since start, by a clock that nobody advances.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Counts a request as being answered until the result is dropped.
    pub(crate) fn flight(&self) -> Flight<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        let mut journal = locked(&self.journal);
        journal.most_in_flight = journal.most_in_flight.max(now);
        Flight(self)
    }

    /// Another number each time.
    pub(crate) fn number(&self) -> u64 {
        // An odd constant that spreads small numbers over all bits (splitmix64's).
        let count = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        count.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// Listens, or does not: after a change of what that depends on.
    pub(crate) fn open_or_close(&self) {
        let service = self.service();
        let enabled = !self
            .device()
            .by_name(Menu::Service, service)
            .is_some_and(|row| row.flag("disabled"));
        let faults = locked(&self.faults);
        let up = self.clock.now() >= faults.boot.listens_at;
        self.gate.set_open(enabled && up && !faults.unreachable);
    }

    /// The service that this router's REST is served by.
    pub(crate) fn service(&self) -> &'static str {
        if self.tls.is_some() { "www-ssl" } else { "www" }
    }

    /// The router answers, and its tables are not filled yet.
    pub(crate) fn is_booting(&self) -> bool {
        self.clock.now() < locked(&self.faults).boot.ready_at
    }

    /// Whether a client at this address may connect: `address` and `max-sessions` of the service.
    pub(crate) fn admits(&self, peer: IpAddr) -> bool {
        let device = self.device();
        let Some(service) = device.by_name(Menu::Service, self.service()) else {
            return true;
        };
        let most = service
            .text("max-sessions")
            .map_or(Ok(MAX_SESSIONS), str::parse::<usize>)
            .unwrap_or(MAX_SESSIONS);
        let room = !device.version.has(SERVICE_MAX_SESSIONS) || self.gate.count() < most;
        room && access::lists(service.text("address").unwrap_or_default(), peer)
    }

    /// Adds the row of a living connection to `/ip/service`, from the release on that shows them.
    pub(crate) fn connected(&self, peer: SocketAddr, local: SocketAddr) -> Option<Key> {
        let service = self.service();
        let mut device = self.device();
        if !device.version.has(SERVICE_CONNECTIONS) {
            return None;
        }
        let port = device
            .by_name(Menu::Service, service)
            .and_then(|row| row.text("port"))
            .unwrap_or_default()
            .to_owned();
        let mut row = Entry::new(true);
        for (key, text) in [
            ("name", service.to_owned()),
            ("port", port),
            ("local", local.to_string()),
            ("remote", peer.to_string()),
        ] {
            row.values.insert(key, Value::Text(text));
        }
        Some(device.insert(Menu::Service, row))
    }

    /// Removes the row of a connection that ended.
    pub(crate) fn disconnected(&self, row: Option<Key>) {
        if let Some(row) = row {
            let _ = self.device().remove(Menu::Service, row);
        }
    }

    /// Whether the web server has REST at all.
    pub(crate) fn serves_rest(&self) -> bool {
        let device = self.device();
        if !device.version.has(REST) {
            return false;
        }
        let toggle = if self.tls.is_some() {
            "rest-secure"
        } else {
            "rest-plain"
        };
        let unticked = device
            .entries(Menu::Webserver)
            .any(|server| server.text(toggle) == Some("false"));
        let off = (device.switches.rest_off || unticked) && device.version.has(WEBSERVER_TOGGLES);
        !off && (self.tls.is_some() || device.version.has(PLAIN_HTTP))
    }
}

/// Ends the router with its last handle.
struct Running {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
    /// The ARP thread ends when this is dropped or sent to.
    _wire: Option<SyncSender<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.gate.stop();
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A running router. Clones are handles to the same one, usable from any thread; the last one's drop stops it.
#[derive(Clone)]
pub struct Router {
    shared: Arc<Shared>,
    running: Arc<Mutex<Option<Running>>>,
}

impl Router {
    /// Starts a router on the current tokio runtime, which must live as long as it.
    ///
    /// `lan` names a Linux interface: the router then serves DHCP on it and learns neighbours from its ARP frames.
    /// All sockets are opened before this returns for the first time, so they belong to the network namespace of
    /// the thread that polls it first.
    ///
    /// # Errors
    /// [`StartError`] names what failed and what to do.
    #[expect(
        clippy::unused_async,
        reason = "a future can only be polled where a runtime is, which this needs"
    )]
    pub async fn start(config: Config, listen: SocketAddr, lan: Option<&str>) -> Result<Router, StartError> {
        let runtime = Handle::try_current()?;
        let clock = Clock::new(config.pace);
        let mut device = crate::seed::device(&config, clock.clone())?;
        let tls = match config.certificate {
            Some(certificate) => Some(Tls::new(certificate, names(&config, listen))?),
            None => None,
        };
        let gate = Gate::listen(listen).map_err(|source| StartError::Listen {
            address: listen,
            source,
        })?;
        let opened = lan
            .map(|name| Opened::open(&mut device, &config.lan_bridge, name))
            .transpose()?;
        let shared = Arc::new(Shared {
            device: Mutex::new(device),
            journal: Mutex::default(),
            faults: Mutex::default(),
            clock,
            tls,
            gate,
            dhcp_changed: Notify::new(),
            in_flight: AtomicUsize::new(0),
            numbers: AtomicU64::new(0),
            started: Instant::now(),
            runtime: runtime.clone(),
        });
        shared.open_or_close();
        let mut tasks = vec![runtime.spawn(crate::http::serve(Arc::clone(&shared)))];
        let wire = opened.map(|opened| {
            let (dhcp, stop) = opened.serve(&shared);
            tasks.push(runtime.spawn(dhcp));
            stop
        });
        let running = Running {
            shared: Arc::clone(&shared),
            tasks,
            _wire: wire,
        };
        Ok(Router {
            shared,
            running: Arc::new(Mutex::new(Some(running))),
        })
    }

    /// `https://192.168.1.1:443` or `http://…`, without a path.
    pub fn url(&self) -> String {
        let scheme = if self.shared.tls.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.gate.address()
    }

    /// The CA that signs the right certificate, as PEM; `None` for plain HTTP.
    pub fn ca_pem(&self) -> Option<String> {
        self.shared.tls.as_ref().map(Tls::ca_pem)
    }

    /// The certificate that is presented at the moment, as DER.
    pub fn certificate_der(&self) -> Option<Vec<u8>> {
        self.shared.tls.as_ref().map(Tls::leaf)
    }

    /// Its `SubjectPublicKeyInfo` as DER: the SHA-256 of it is the certificate's pin.
    pub fn public_key_der(&self) -> Option<Vec<u8>> {
        self.shared.tls.as_ref().map(Tls::public_key)
    }

    /// What clients and people did so far.
    pub fn journal(&self) -> Journal {
        locked(&self.shared.journal).clone()
    }

    /// When it was started: the zero of all times in its journal.
    pub fn started(&self) -> Instant {
        self.shared.started
    }

    /// Requests that no client of this router should have sent: other menus, other commands, `/rest/execute`.
    /// A test of a client fails unless this is empty.
    pub fn violations(&self) -> Vec<Violation> {
        locked(&self.shared.journal).violations.iter().cloned().collect()
    }

    /// The router's log: log-ins and refused passwords.
    pub fn log(&self) -> Vec<LogLine> {
        self.shared.device().log.lines()
    }

    /// A menu's rows as they would be shown now.
    pub fn rows(&self, menu: Menu) -> Vec<Row> {
        let mut device = self.shared.device();
        device.settle();
        device.rows(menu)
    }

    /// All rows of all menus.
    pub fn snapshot(&self) -> Snapshot {
        let mut device = self.shared.device();
        device.settle();
        Snapshot::new(
            Menu::ALL
                .into_iter()
                .map(|menu| (menu, device.rows(menu)))
                .collect::<BTreeMap<_, _>>(),
        )
    }

    /// What can be made to go wrong.
    pub fn faults(&self) -> Faults {
        Faults {
            shared: Arc::clone(&self.shared),
        }
    }

    /// A person in Winbox.
    pub fn person(&self) -> Person {
        Person {
            shared: Arc::clone(&self.shared),
        }
    }

    /// The router's clock.
    pub fn clock(&self) -> Clock {
        self.shared.clock.clone()
    }

    /// Turns switches while the router runs.
    pub fn switch(&self, turn: impl FnOnce(&mut Switches)) {
        let mut device = self.shared.device();
        turn(&mut device.switches);
        device.switches_turned();
    }

    /// The switches as they stand.
    pub fn switches(&self) -> Switches {
        self.shared.device().switches.clone()
    }

    /// Serves the admin surface on `listen`, over plain HTTP: everything that this handle can do, for programs that are
    /// not written in Rust. Whoever reaches it owns the router; it belongs on loopback. Gives where it listens.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub fn admin(&self, listen: SocketAddr) -> Result<SocketAddr, StartError> {
        let failed = |source| StartError::Admin {
            address: listen,
            source,
        };
        let listener = crate::admin::listen(listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let weak = Router {
            shared: Arc::clone(&self.shared),
            running: Arc::new(Mutex::new(None)),
        };
        let task = self.shared.runtime.spawn(crate::admin::serve(weak, listener));
        match locked(&self.running).as_mut() {
            Some(running) => running.tasks.push(task),
            None => task.abort(),
        }
        Ok(address)
    }

    /// Adds a lease, as at start.
    ///
    /// # Errors
    /// Where the router refuses it.
    pub fn lease(&self, lease: &Lease) -> Result<Id, EditError> {
        let mut device = self.shared.device();
        device.settle();
        let refused = |detail: Option<String>| EditError::Refused {
            menu: Menu::Lease,
            detail: detail.unwrap_or_default(),
        };
        let key = crate::seed::lease(&mut device, lease).map_err(|trap| refused(trap.detail))?;
        device
            .get(Menu::Lease, key)
            .map(|entry| entry.id)
            .ok_or_else(|| refused(None))
    }

    /// A neighbour answers the router's ARP request: for a router without an interface.
    pub fn meet(&self, address: Ipv4Addr, mac: Mac) {
        let mut device = self.shared.device();
        let near = device
            .own_addresses()
            .find(|(_, net)| net.contains(&address))
            .map(|(interface, _)| interface);
        let interface: Option<Link> = near.and_then(|name| device.find(Menu::Interface, &name));
        if let Some(interface) = interface {
            device.met(interface, address, mac);
        }
    }

    /// A reboot: connections drop, uptime starts anew, learned neighbours are gone, dynamic rows get other ids.
    pub fn reboot(&self) {
        self.shared.device().reboot();
        self.shared.gate.drop_connections();
    }

    /// A power cut and the boot after it, by the router's clock: connections are refused for `outage`, then tables
    /// are empty and writes fail for `warm_up`, then all is as it was, but for what a boot changes and for dynamic
    /// leases that were not on disk yet (`store-leases-disk`).
    pub fn power_cycle(&self, outage: Duration, warm_up: Duration) {
        self.shared.device().power_cut();
        let listens_at = self.shared.clock.now() + outage;
        locked(&self.shared.faults).boot = Boot {
            listens_at,
            ready_at: listens_at + warm_up,
        };
        self.shared.gate.drop_connections();
        self.shared.open_or_close();
        let (weak, clock) = (Arc::downgrade(&self.shared), self.shared.clock.clone());
        self.shared.runtime.spawn(async move {
            clock.reached(listens_at).await;
            if let Some(shared) = weak.upgrade() {
                shared.open_or_close();
            }
        });
    }

    /// Stops the router: nothing is answered any more, and its ports are free.
    pub fn stop(&self) {
        locked(&self.running).take();
    }
}

/// What the right certificate names.
fn names(config: &Config, listen: SocketAddr) -> Vec<String> {
    let own = config
        .rows
        .iter()
        .filter(|(menu, _)| *menu == Menu::Address)
        .flat_map(|(_, values)| values);
    let own = own
        .filter(|(key, _)| key == "address")
        .filter_map(|(_, net)| net.split('/').next());
    let mut names: Vec<String> = own.map(ToOwned::to_owned).collect();
    names.extend([
        "localhost".to_owned(),
        "router.lan".to_owned(),
        "127.0.0.1".to_owned(),
    ]);
    if !listen.ip().is_unspecified() {
        names.push(listen.ip().to_string());
    }
    names.sort_unstable();
    names.dedup();
    names
}
