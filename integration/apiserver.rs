//! An embedded Kubernetes API server, so that the demo and `cargo test` need nothing but cargo.
//!
//! It keeps everything in memory and speaks the verbs that tiklb, the demo and `kubectl get/describe/apply/delete` send,
//! over HTTPS with its own CA. What a real API server has and this one has not is answered with 501, and
//! [`ApiServer::unsupported`] tells: a story that meets a gap fails instead of passing by luck. Behaviour follows
//! Kubernetes 1.36's own sources; [`conformance`] replays the same requests on both.
//!
//! Left to the real cluster: RBAC, admission, CEL, server-side apply, controllers (but for the deletion of dependents).

mod access;
mod answer;
pub mod conformance;
mod decode;
mod definition;
mod discovery;
mod event;
mod fault;
mod http;
mod journal;
mod list;
mod media;
mod metadata;
mod object;
mod patch;
mod query;
mod resource;
mod route;
mod schema;
mod secret;
mod selector;
mod serve;
mod service;
mod status;
mod store;
mod strategy;
mod table;
mod tls;
mod verbs;
mod watch;
mod webhook;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokio::sync::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use self::fault::Matcher;
pub use self::journal::{Request, Verb};
use self::serve::Server;
use self::store::Store;
use self::strategy::FieldValidation;
use crate::kube::Access;

/// Namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];
/// The user whose token [`ApiServer::admin`] carries.
const ADMIN: &str = "admin";
/// Longest wait for connections to be cut. Cutting is dropping, so this is never reached.
const STOP_BOUND: Duration = Duration::from_secs(5);

/// Opens the listening socket; where the address lives in a network namespace, it is opened there.
pub type Bind = Arc<dyn Fn(SocketAddr) -> std::io::Result<TcpListener> + Send + Sync>;

/// What can be chosen. The default fits tests.
#[derive(Debug, Clone)]
pub struct Config {
    /// Host that clients are told, where it is not the listening address.
    pub advertise: Option<String>,
    /// Further names and addresses in the certificate.
    pub names: Vec<String>,
    /// Changes kept. Watchers further behind, and older resource versions, have expired.
    pub history: usize,
    /// Time between bookmarks of a quiet watch. A real API server sends one a minute; tests wait for one.
    pub bookmark_every: Duration,
}

impl Default for Config {
    fn default() -> Self {
        // 16,384 changes: 10,000 Services created and addressed while a watcher is busy still fit twice over a second.
        Self {
            advertise: None,
            names: Vec::new(),
            history: 16_384,
            bookmark_every: Duration::from_secs(3),
        }
    }
}

/// A handle on the running server. The server stops when the last handle is dropped.
#[derive(Clone)]
pub struct ApiServer {
    server: Arc<Server>,
    bind: Bind,
    address: SocketAddr,
    run: Arc<Mutex<Option<Run>>>,
    /// Stops the server with the last handle.
    _life: Arc<DropGuard>,
    alive: CancellationToken,
}

/// The time between a start and a stop.
struct Run {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl ApiServer {
    /// Starts a server on the current tokio runtime. Port 0 takes a free one.
    ///
    /// # Errors
    /// The address cannot be listened on, or a name in `config` cannot stand in a certificate.
    pub async fn start(listen: SocketAddr, config: Config) -> anyhow::Result<Self> {
        Self::start_with(listen, config, Arc::new(TcpListener::bind::<SocketAddr>)).await
    }

    /// The same, with a socket that `bind` opens, now and after every [`Self::stop`].
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub async fn start_with(listen: SocketAddr, config: Config, bind: Bind) -> anyhow::Result<Self> {
        let listener = open(&bind, listen)?;
        let address = listener
            .local_addr()
            .context("asking for the API server's address")?;
        let host = config
            .advertise
            .clone()
            .unwrap_or_else(|| reachable(address.ip()).to_string());
        let mut names = vec![
            host.clone(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
            "localhost".to_owned(),
        ];
        names.extend(["kubernetes".to_owned(), "kubernetes.default.svc".to_owned()]);
        names.extend(config.names);
        names.sort();
        names.dedup();
        let authority = if host.contains(':') {
            format!("[{host}]:{}", address.port())
        } else {
            format!("{host}:{}", address.port())
        };
        let server = Server {
            identity: tls::Identity::new(names)?,
            access: access::Access::default(),
            store: Arc::new(Store::new(config.history)),
            journal: journal::Journal::new(),
            faults: fault::Faults::default(),
            bookmark_every: config.bookmark_every,
            authority,
        };
        furnish(&server.store)?;
        let alive = CancellationToken::new();
        let handle = Self {
            server: Arc::new(server),
            bind,
            address,
            run: Arc::default(),
            _life: Arc::new(alive.clone().drop_guard()),
            alive,
        };
        *handle.run.lock().await = Some(handle.run_on(listener));
        Ok(handle)
    }

    fn run_on(&self, listener: tokio::net::TcpListener) -> Run {
        let run = Run {
            stop: self.alive.child_token(),
            tasks: TaskTracker::new(),
        };
        run.tasks.spawn(http::listen(
            self.server.clone(),
            listener,
            run.stop.clone(),
            run.tasks.clone(),
        ));
        run
    }

    /// Closes the listener and cuts every connection and watch. Objects, tokens and the journal stay.
    pub async fn stop(&self) {
        if let Some(run) = self.run.lock().await.take() {
            run.stop.cancel();
            run.tasks.close();
            let _ = tokio::time::timeout(STOP_BOUND, run.tasks.wait()).await;
        }
    }

    /// Listens again on the same address.
    ///
    /// # Errors
    /// The address was taken meanwhile.
    pub async fn start_again(&self) -> anyhow::Result<()> {
        let mut run = self.run.lock().await;
        if run.is_none() {
            *run = Some(self.run_on(open(&self.bind, self.address)?));
        }
        Ok(())
    }

    /// `https://<host>:<port>`.
    pub fn url(&self) -> String {
        format!("https://{}", self.server.authority)
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the authority that signed the server's.
    pub fn ca_pem(&self) -> String {
        self.server.identity.ca_pem.clone()
    }

    /// The bearer token of a user, who may do everything. A new name makes a new token.
    pub fn token(&self, user: &str) -> String {
        self.server.access.token(user)
    }

    /// A kubeconfig for a user: YAML with the CA and the user's token in it.
    pub fn kubeconfig(&self, user: &str) -> String {
        access::kubeconfig(&self.url(), &self.ca_pem(), user, &self.token(user))
    }

    /// What a judge needs to ask this server.
    pub fn admin(&self) -> Access {
        Access {
            url: self.url(),
            ca_pem: self.ca_pem(),
            token: self.token(ADMIN),
        }
    }

    /// Drops the history: running watches end with 410, and so does what is asked from an older version.
    pub fn compact(&self) {
        self.server.store.compact();
    }

    /// Ends every watch in good order, as a real API server does now and then.
    pub fn close_watches(&self) {
        self.server.store.close_watches();
    }

    /// The next `times` requests that fit are answered with `status` and change nothing.
    pub fn fail_next(&self, matcher: Matcher, times: u32, status: u16) {
        self.server.faults.fail_next(matcher, times, status);
    }

    /// Requests that fit wait this long before they are looked at, until [`Self::clear_faults`].
    pub fn delay(&self, matcher: Matcher, duration: Duration) {
        self.server.faults.delay(matcher, duration);
    }

    /// Takes every fault and delay back.
    pub fn clear_faults(&self) {
        self.server.faults.clear();
    }

    /// The requests answered so far, oldest first; a bounded ring, see [`Self::dropped`].
    pub fn requests(&self) -> Vec<Request> {
        self.server.journal.requests(|_| true)
    }

    /// The accepted writes so far, oldest first. Those that changed nothing have no version.
    pub fn writes(&self) -> Vec<Request> {
        self.server.journal.requests(Request::is_write)
    }

    /// When the journal began: the zero of all [`Request::at`].
    pub fn began(&self) -> std::time::Instant {
        self.server.journal.began()
    }

    /// How many requests the ring has forgotten.
    pub fn dropped(&self) -> u64 {
        self.server.journal.dropped()
    }

    /// Waits for a request after number `after` that fits.
    ///
    /// # Errors
    /// None came within `bound`.
    pub async fn wait_for_request(
        &self,
        after: u64,
        matcher: Matcher,
        bound: Duration,
    ) -> anyhow::Result<Request> {
        let found = tokio::time::timeout(bound, self.server.journal.wait(after, &matcher)).await;
        found.with_context(|| format!("no request that fits {matcher:?} came within {bound:?}"))
    }

    /// Requests that a real API server would have answered and this one could not. A story fails where there are any.
    pub fn unsupported(&self) -> Vec<String> {
        self.server.journal.unsupported()
    }
}

fn open(bind: &Bind, address: SocketAddr) -> anyhow::Result<tokio::net::TcpListener> {
    let listener = bind(address).with_context(|| format!("listening on {address} for the API server"))?;
    listener
        .set_nonblocking(true)
        .context("making the API server's socket asynchronous")?;
    tokio::net::TcpListener::from_std(listener).context("handing the API server's socket to tokio")
}

/// An address that a client can be told where the server listens on all of them.
fn reachable(ip: IpAddr) -> IpAddr {
    if ip.is_unspecified() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        ip
    }
}

/// What every cluster has from the start: its namespaces and the API server's own Service.
fn furnish(store: &Store) -> anyhow::Result<()> {
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "kubernetes", "labels": { "component": "apiserver", "provider": "kubernetes" } },
        "spec": { "ports": [{ "name": "https", "port": 443, "targetPort": 6443 }] },
    });
    let namespace = |name| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    let first = NAMESPACES.map(|name| ("namespaces", "", namespace(name)));
    for (plural, home, object) in first.into_iter().chain([("services", "default", service)]) {
        store
            .write(|state| {
                let resource = state
                    .resource("", "v1", plural)
                    .ok_or_else(status::Refusal::no_such_resource)?;
                state.create(&resource, home, object, FieldValidation::Ignore)
            })
            .map_err(|refusal| anyhow::anyhow!("furnishing the API server: {}", refusal.message))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
