//! A real Kubernetes API in the lab: etcd, kube-apiserver and kube-proxy, built from Go modules.
//!
//! ```text
//! control host   etcd (loopback) ← kube-apiserver (its LAN address:6443)
//! each node      kube-proxy in nftables mode: client → LoadBalancer address → node → endpoint
//! the lab        Node objects and EndpointSlices: there is no kubelet and no controller manager
//! ```
//!
//! With [`Options::workers`] the nodes are whole ones: containerd and a kubelet each, and scheduler and controllers beside the
//! API server. Nodes, EndpointSlices and everything else are then written by whom Kubernetes has for it.
//!
//! [`build()`] makes the programs, outside of the sandbox; [`Cluster::start`] runs them on hosts of a
//! [LAN](crate::lan::Lan), inside of it.
//!
//! ```no_run
//! # async fn example(lan: &lab::lan::Lan) -> anyhow::Result<()> {
//! use lab::cluster::{Cluster, Options};
//!
//! let binaries = lab::cluster::build(&mut std::io::stderr()).await?;
//! let nodes = [lan.host("node1")?, lan.host("node2")?];
//! let mut cluster = Cluster::start(lan.host("control")?, &nodes, Options::new(binaries)).await?;
//! let allocator = cluster.service_account("tiklb-system", "tiklb-allocator").await?;
//! cluster.stop_api().await?;
//! cluster.start_api().await?;
//! # Ok(())
//! # }
//! ```

pub mod build;
mod control_plane;
mod identity;
mod kubeconfig;
pub mod object;
mod program;
mod proxy;
mod state;
mod workers;

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::installed;
use crate::kube::{Access, Kube, NODES, SERVICE_ACCOUNTS};
use crate::lan::{Host, HostCommand, Process};
use crate::readiness::Readiness;
use crate::wait::until;
use control_plane::PORT;
use identity::Identity;
use state::State;
use workers::{Ground, Keys, Workers};

pub use build::build;
pub(crate) use identity::write_secret;
pub(crate) use kubeconfig::kubeconfig;
pub use program::{ASSETS, Binaries, Program};
pub use proxy::check_nft;
pub use workers::{Images, check_workers};

/// An API server that is asked to end finishes its requests first, which takes milliseconds; but it also waits up to a
/// minute for its watchers to go, and a story wants it gone.
const API_GRACE: Duration = Duration::from_secs(2);

/// kube-apiserver is ready in 3 to 4 s on 2 idle cores, etcd and kube-proxy in less; beside builds it took 20 s.
const READY: Duration = Duration::from_mins(2);

/// Tokens outlive every story and a `--keep` demo that stands for a day.
const TOKEN_SECONDS: u32 = 24 * 60 * 60;

/// A compaction of a young etcd takes milliseconds.
const ETCD_ANSWER: Duration = Duration::from_secs(20);

/// What is asked of a cluster without nodes that run Pods.
const NO_KUBELETS: &str = "this cluster has no kubelets: see Options::workers";

/// Media type of what is sent.
const JSON: &str = "application/json";

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub struct Options {
    /// The programs.
    pub binaries: Binaries,
    /// Whether each node has a kube-proxy. Without, nothing needs `nft`.
    pub proxies: bool,
    /// The images of nodes that run Pods, each with a containerd and a kubelet; `None`: there are none.
    pub workers: Option<Arc<Images>>,
    /// Whether the programs' lines are printed too.
    pub echo: bool,
}

impl Options {
    /// kube-proxy on every node, no lines.
    pub fn new(binaries: Binaries) -> Self {
        Self {
            binaries,
            proxies: true,
            workers: None,
            echo: false,
        }
    }

    /// The same with kubelets.
    #[must_use]
    pub fn workers(self, images: Images) -> Self {
        Self {
            workers: Some(Arc::new(images)),
            ..self
        }
    }

    /// One of the programs, to be run on a host.
    fn command(&self, host: &Host, program: &Path) -> HostCommand {
        // Go takes a proxy from the person's environment, and a proxy cannot reach into a namespace.
        host.command(program).env("NO_PROXY", "*").echo(self.echo)
    }
}

/// A running cluster. Its programs are killed when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    options: Options,
    control: Host,
    address: Ipv4Addr,
    identity: Identity,
    // Dropped in this order: who asks before who answers, so that no log ends in complaints.
    workers: Option<Workers>,
    proxies: Vec<Process>,
    api: Option<Process>,
    etcd: Process,
    state: State,
}

impl Cluster {
    /// Starts etcd and kube-apiserver on `control`, writes a Node for each of `nodes`, and starts kube-proxy there.
    /// Returns when all of them say that they are ready.
    ///
    /// # Errors
    /// A program is missing, ends, or is not ready within two minutes: the error has its last lines.
    pub async fn start(control: &Host, nodes: &[&Host], options: Options) -> Result<Self> {
        if options.proxies {
            check_nft()?;
        }
        let address = own_address(control).await?;
        let state = State::mount()?;
        let identity = Identity::create(state.folder(), address, control_plane::SERVICE_ADDRESS)?;
        let arguments = control_plane::etcd_arguments(state.folder());
        let etcd = options
            .command(control, &options.binaries.etcd)
            .args(arguments)
            .spawn()
            .await?;
        Readiness::plain(control_plane::ETCD_HEALTH)?
            .wait(control, Program::Etcd, &etcd, READY)
            .await?;
        let control = control.clone();
        let mut cluster = Self {
            options,
            control,
            address,
            identity,
            workers: None,
            proxies: Vec::new(),
            api: None,
            etcd,
            state,
        };
        cluster.start_api().await?;
        cluster.start_workers(nodes).await?;
        let joined = (1..).zip(nodes).map(|(number, node)| cluster.join(node, number));
        cluster.proxies = try_join_all(joined).await?.into_iter().flatten().collect();
        if cluster.workers.is_some() {
            cluster.all_ready(nodes).await?;
        }
        Ok(cluster)
    }

    /// Starts what runs Pods, where the options have it.
    async fn start_workers(&mut self, nodes: &[&Host]) -> Result<()> {
        let Some(images) = self.options.workers.clone() else {
            return Ok(());
        };
        let mut placed = Vec::new();
        for node in nodes {
            placed.push((*node, own_address(node).await?));
        }
        let kubeconfig = self.kubeconfig("workers", &self.admin())?;
        let folder = self.state.folder();
        let root_ca = folder.join("ca.crt");
        write_secret(&root_ca, &self.identity.ca_pem)?;
        let ground = Ground {
            options: &self.options,
            images: &images,
            folder,
            kubeconfig: &kubeconfig,
        };
        let keys = Keys { root_ca: &root_ca };
        self.workers = Some(Workers::start(ground, &self.control, &placed, keys).await?);
        Ok(())
    }

    /// Waits until Pods can run on every node.
    async fn all_ready(&self, nodes: &[&Host]) -> Result<()> {
        let ready = until("every node to be ready for Pods", READY, async || {
            for node in nodes {
                let name = node.name().to_owned();
                let object = self
                    .ask(|kube| async move { kube.get(NODES, &name).await })
                    .await?;
                ensure!(
                    object::is_ready(&object),
                    "{} is not: {}",
                    node.name(),
                    object["status"]["conditions"]
                );
            }
            Ok(())
        });
        ready.await.with_context(|| self.last_words())
    }

    /// The last lines of whatever runs Pods.
    pub fn last_words(&self) -> String {
        /// A Go program that dies says why in its last lines.
        const LINES: usize = 12;
        let mut text = String::new();
        for process in self.workers.iter().flat_map(Workers::processes) {
            let lines = process.logs();
            // Writing to a text does not fail.
            let _ = writeln!(text, "{} on {}:", process.name(), process.host());
            for line in &lines[lines.len().saturating_sub(LINES)..] {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }

    /// Whether the nodes run Pods.
    pub fn has_workers(&self) -> bool {
        self.workers.is_some()
    }

    /// Kills every process of a node that runs Pods, as a power cut does. Its cable is the LAN's to cut, and its kube-proxy, which
    /// only writes rules, lives on.
    ///
    /// # Errors
    /// When there is no such node, or a process does not die.
    pub async fn power_off(&mut self, node: &str) -> Result<()> {
        self.running()?.node_mut(node)?.power_off().await
    }

    /// Brings an image to every node that runs Pods.
    ///
    /// # Errors
    /// When there is none, or containerd does not take it.
    pub async fn bring(&self, image: &Path) -> Result<()> {
        let workers = self.workers.as_ref().context(NO_KUBELETS)?;
        workers.bring(image).await
    }

    /// Makes good a [`power_off`](Self::power_off).
    ///
    /// # Errors
    /// When there is no such node, or a program does not come up.
    pub async fn power_on(&mut self, node: &str) -> Result<()> {
        self.running()?.node_mut(node)?.power_on().await
    }

    fn running(&mut self) -> Result<&mut Workers> {
        self.workers.as_mut().context(NO_KUBELETS)
    }

    /// Starts kube-apiserver (again) and waits until it is ready: the same address, keys and data.
    ///
    /// # Errors
    /// When it runs already, ends, or does not become ready.
    pub async fn start_api(&mut self) -> Result<()> {
        ensure!(self.api.is_none(), "kube-apiserver runs already");
        let arguments = control_plane::api_arguments(
            self.state.folder(),
            self.address,
            &self.identity,
            self.options.workers.is_some(),
        )?;
        let options = &self.options;
        let program = &options.binaries.kube_apiserver;
        let api = options
            .command(&self.control, program)
            .args(arguments)
            .spawn()
            .await?;
        Readiness::of_api(self.admin())?
            .wait(&self.control, Program::KubeApiserver, &api, READY)
            .await?;
        self.api = Some(api);
        Ok(())
    }

    /// Ends kube-apiserver and nothing else: etcd keeps the objects, kube-proxy its rules.
    ///
    /// # Errors
    /// When it does not run, or cannot be ended.
    pub async fn stop_api(&mut self) -> Result<()> {
        let api = self.api.take().context("kube-apiserver does not run")?;
        api.end(API_GRACE).await?;
        Ok(())
    }

    /// Makes etcd forget what was before `version`, a resourceVersion, as it does by itself after minutes.
    ///
    /// # Errors
    /// When etcd does not answer, or refuses: it knows no such version, or has forgotten more already.
    pub async fn compact(&self, version: &str) -> Result<()> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(ETCD_ANSWER)
            .build()?;
        // `revision` is a 64-bit number, which JSON has as text here. Physical: it is gone when the answer comes.
        let body = json!({"revision": version, "physical": true}).to_string();
        let request = client.post(control_plane::ETCD_COMPACTION).body(body);
        let answer = self.control.call(request.send()).await??;
        let status = answer.status();
        ensure!(
            status.is_success(),
            "etcd does not compact to revision {version}: {status}"
        );
        Ok(())
    }

    /// kube-apiserver, while it runs.
    pub fn api(&self) -> Option<&Process> {
        self.api.as_ref()
    }

    /// etcd.
    pub fn etcd(&self) -> &Process {
        &self.etcd
    }

    /// kube-proxy of each node, in the order of the nodes.
    pub fn proxies(&self) -> &[Process] {
        &self.proxies
    }

    /// The programs that the cluster was started from; kubectl among them.
    pub fn binaries(&self) -> &Binaries {
        &self.options.binaries
    }

    /// The requests of service accounts that were finished so far: who asked for what, and was it allowed (`audit.k8s.io/v1`
    /// Event, level Metadata). The log behind it holds 64 MiB, about 50,000 requests.
    ///
    /// # Errors
    /// When the log cannot be read, or was cut off.
    pub fn requests(&self) -> Result<Vec<Value>> {
        control_plane::requests(self.state.folder())
    }

    /// Access with every right.
    pub fn admin(&self) -> Access {
        self.access(self.identity.admin_token.clone())
    }

    /// Access as a service account, which must exist, with what its roles allow.
    ///
    /// # Errors
    /// When there is no such account, or the API server does not answer.
    pub async fn service_account(&self, namespace: &str, name: &str) -> Result<Access> {
        Ok(self.access(self.token(namespace, name).await?))
    }

    /// A token of a service account, from the `TokenRequest` API; valid for a day, or until the account is deleted.
    ///
    /// # Errors
    /// As for [`service_account`](Self::service_account).
    pub async fn token(&self, namespace: &str, name: &str) -> Result<String> {
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": TOKEN_SECONDS},
        });
        let path = format!(
            "{}/token",
            SERVICE_ACCOUNTS.in_namespace(namespace).object_path(name)
        );
        let doing = || format!("asking for a token of the service account {namespace}/{name}");
        let asked =
            self.ask(|kube| async move { kube.send(Method::POST, &path, Some((JSON, &request))).await });
        let answer = asked.await.with_context(doing)?;
        let token = answer.pointer("/status/token").and_then(Value::as_str);
        token
            .map(str::to_owned)
            .context("the answer holds no token")
            .with_context(doing)
    }

    /// Writes a kubeconfig by which a program becomes `user`. A second one of the same name replaces the first.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn kubeconfig(&self, user: &str, access: &Access) -> Result<PathBuf> {
        let file = self.state.folder().join(format!("{user}.kubeconfig"));
        write_secret(&file, &kubeconfig(access, user).to_string())?;
        Ok(file)
    }

    /// Writes the Node unless its kubelet does, and starts its kube-proxy if it is to have one.
    async fn join(&self, node: &Host, number: u8) -> Result<Option<Process>> {
        if self.workers.is_none() {
            self.write_node(node, number).await?;
        }
        self.start_proxy(node).await
    }

    /// As its kubelet would.
    async fn write_node(&self, node: &Host, number: u8) -> Result<()> {
        let object = object::node(node.name(), own_address(node).await?, number);
        // Admission taints every new Node; the node lifecycle controller, which there is none of, would take that away.
        let untainted = json!({"spec": {"taints": null}});
        let name = node.name().to_owned();
        let created = self.ask(|kube| async move {
            kube.create(NODES, &object).await?;
            kube.merge_patch(NODES, &name, &untainted).await
        });
        created
            .await
            .with_context(|| format!("creating the Node {}", node.name()))?;
        Ok(())
    }

    async fn start_proxy(&self, node: &Host) -> Result<Option<Process>> {
        if !self.options.proxies {
            return Ok(None);
        }
        let access = self.access(self.identity.proxy_token.clone());
        let kubeconfig = self.kubeconfig(&format!("kube-proxy-{}", node.name()), &access)?;
        let arguments = proxy::arguments(&kubeconfig, node.name());
        let program = &self.options.binaries.kube_proxy;
        let proxy = self
            .options
            .command(node, program)
            .args(arguments)
            .env("PATH", installed::path())
            .spawn()
            .await?;
        Readiness::plain(&proxy::health_url())?
            .wait(node, Program::KubeProxy, &proxy, READY)
            .await?;
        Ok(Some(proxy))
    }

    fn access(&self, token: String) -> Access {
        Access {
            url: format!("https://{}:{PORT}", self.address),
            ca_pem: self.identity.ca_pem.clone(),
            token,
        }
    }

    /// Asks the API as its administrator, from the control host: the lab itself need not be on the LAN.
    async fn ask<F>(&self, question: impl FnOnce(Kube) -> F) -> Result<Value>
    where
        F: Future<Output = crate::kube::Result<Value>> + Send + 'static,
    {
        let kube = Kube::new(self.admin())?;
        Ok(self.control.call(question(kube)).await??)
    }
}

/// The host's address on its LAN interface.
async fn own_address(host: &Host) -> Result<Ipv4Addr> {
    let addresses = host.addresses(host.interface()).await?;
    let first = addresses
        .first()
        .with_context(|| format!("{} has no address on {}", host.name(), host.interface()))?;
    Ok(first.addr())
}
