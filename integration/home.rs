//! A home's LAN: router, cluster and devices, as the demo and the stories share it.
//!
//! ```text
//! 192.168.1.1          router     RouterOS, simulated: REST on :443, DHCP, ARP
//! 192.168.1.10         control    the Kubernetes API on :6443, and the allocator
//! 192.168.1.11 and on  node1 …    a speaker each
//! 192.168.1.50         client     somebody who uses the Services
//! 192.168.1.201        phone      leased from the router, in the middle of the range for Services
//! 192.168.1.205        printer    an address of its own choice, in there too
//! (none yet)           newcomer   asks the router for an address when it is told to
//! ```
//!
//! The same home stands on the embedded API server or on a real cluster ([`Api`]); whoever asks it does not see which.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use std::time::Duration;
//! use lab::home::{Home, Plan, homelab};
//!
//! let mut home = Home::build(Plan::default().tiklb("target/release/tiklb")).await?;
//! home.start_allocator().await?;
//! home.start_speakers().await?;
//! home.kube().apply_file(&homelab("services")).await?;
//! home.put_endpoints("whoami", "whoami-lan", &["node1", "node2"]).await?;
//! let address = home.service_address("whoami", "whoami-lan", Duration::from_secs(30)).await?;
//! home.serve(address, 80).await?;
//! println!("{} answers", home.announcer(address, Duration::from_secs(5)).await?.host);
//! # Ok(())
//! # }
//! ```

mod control_plane;
mod daemon;
mod device;
mod folder;
mod hearing;
mod inventory;
pub mod kind;
mod other;
mod person;
mod plan;
mod proxy;
mod ranges;
mod sight;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use routeros_sim::{Menu, PASSWORD, Router};

pub use control_plane::{ControlPlane, NAMESPACE};
pub use device::Phone;
pub use inventory::{deployed, files, guide, homelab, manifests};
pub use other::OtherCluster;
pub use person::Shown;
pub(crate) use person::shown;
pub use plan::{Api, CLIENT, CONTROL, NAS, PHONE, POOL, PRINTER, Plan, ROUTER};
pub use ranges::{Ranges, RangesError};
pub use sight::{Answerer, condition, status_address};

use crate::kube::Kube;
use crate::lan::{Host, Lan, Mac, Process};
use crate::wire::DhcpClient;
use folder::Folder;
use proxy::Listeners;

/// The user that tiklb is on the router.
pub const ROUTER_USER: &str = "tiklb";

/// The administrator's kubeconfig, in the home's folder.
pub const KUBECONFIG: &str = "kubeconfig";

/// The certificate of the router's CA, likewise.
pub const ROUTER_CA: &str = "router-ca.crt";

/// A home that stands. Everything in it ends when it is dropped.
pub struct Home {
    plan: Plan,
    nodes: Vec<(String, Ipv4Addr)>,
    macs: BTreeMap<Mac, String>,
    // Dropped in this order: who asks before who answers, and the ground last.
    speakers: BTreeMap<String, Process>,
    allocator: Option<Process>,
    phone: Option<Phone>,
    listeners: Listeners,
    kube: Kube,
    control_plane: ControlPlane,
    router: Router,
    folder: Folder,
    lan: Lan,
}

impl Home {
    /// Builds it: the LAN, the router, the phone with its lease, the Kubernetes API with all that stands in it before
    /// tiklb starts. To be called in the [sandbox](crate::sandbox).
    ///
    /// # Errors
    /// Names what could not be made, and why.
    pub async fn build(plan: Plan) -> Result<Self> {
        let nodes = plan.node_addresses();
        let lan = plan.lan().await?;
        let folder = Folder::of(&plan)?;
        let router = start_router(lan.host("router")?, &plan).await?;
        let hosts = nodes
            .iter()
            .map(|(name, _)| lan.host(name))
            .collect::<Result<Vec<_>, _>>()?;
        let (phone, control_plane) = tokio::try_join!(
            settle_phone(&lan, &router, &plan),
            // Large: whatever waits for a home would be as large.
            Box::pin(ControlPlane::start(
                plan.api.clone(),
                lan.host(daemon::CONTROL_HOST)?,
                plan.control(),
                &hosts
            )),
        )?;
        let kube = Kube::new(control_plane.admin())?.at(lan.host(daemon::CONTROL_HOST)?)?;
        let ca_pem = router.ca_pem().unwrap_or_default();
        let access = (ROUTER_USER, PASSWORD, ca_pem.as_str());
        folder.kubeconfig(KUBECONFIG, "admin", &control_plane.admin())?;
        folder.write(ROUTER_CA, &ca_pem)?;
        // Where Pods run, tiklb is installed, and brings all of it.
        if plan.installed && !control_plane.has_workers() {
            inventory::furnish(&kube, &control_plane, &plan.hosts(), access).await?;
            daemon::write_kubeconfigs(&folder, &control_plane).await?;
        }
        let listeners = if control_plane.has_proxies() {
            Listeners::default()
        } else {
            Listeners::stand_in(&hosts).await?
        };
        Ok(Self {
            macs: macs(&lan).await?,
            nodes,
            speakers: BTreeMap::new(),
            allocator: None,
            phone,
            listeners,
            kube,
            control_plane,
            router,
            folder,
            lan,
            plan,
        })
    }

    /// What kubelets report when somebody has installed tiklb after all, and access for its accounts: its processes can be
    /// started.
    ///
    /// # Errors
    /// Its accounts are not there.
    pub async fn move_in(&self) -> Result<()> {
        inventory::house(&self.kube, &self.plan.hosts()).await?;
        daemon::write_kubeconfigs(&self.folder, &self.control_plane).await
    }

    /// The same the other way round: tiklb's processes end, all at once, and their Pods go.
    ///
    /// # Errors
    /// When a process cannot be ended.
    pub async fn move_out(&mut self, grace: Duration) -> Result<()> {
        let all = self.speakers.values().chain(&self.allocator);
        try_join_all(all.map(|process| process.end(grace))).await?;
        self.speakers.clear();
        self.allocator = None;
        inventory::leave(&self.kube, &self.plan.hosts()).await
    }

    /// Whether nothing of tiklb was in the cluster when the home was built.
    pub(crate) fn is_before_tiklb(&self) -> bool {
        !self.plan.installed
    }

    /// The hosts and their cables.
    pub fn lan(&self) -> &Lan {
        &self.lan
    }

    /// The host of somebody who uses the Services.
    ///
    /// # Errors
    /// Never, unless the LAN is another one than the plan's.
    pub fn client(&self) -> Result<&Host> {
        Ok(self.lan.host("client")?)
    }

    /// The simulated router: its rows, its journal, its faults, and the person in Winbox.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// The Kubernetes API, as its administrator.
    pub fn kube(&self) -> &Kube {
        &self.kube
    }

    /// Which API that is.
    pub fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
    }

    /// The same, to be stopped and started.
    pub fn control_plane_mut(&mut self) -> &mut ControlPlane {
        &mut self.control_plane
    }

    /// Makes the namespace of tiklb, if it is not there, and the Secrets that a person makes before the router is configured.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn put_secrets(&self) -> Result<()> {
        let ca_pem = self.router.ca_pem().unwrap_or_default();
        inventory::put_secrets(&self.kube, (ROUTER_USER, PASSWORD, ca_pem.as_str())).await
    }

    /// The phone, unless the plan has none.
    pub fn phone(&self) -> Option<&Phone> {
        self.phone.as_ref()
    }

    /// The phone is carried out of the house, without a word to the router.
    ///
    /// # Errors
    /// When its host refuses.
    pub async fn send_phone_away(&mut self) -> Result<()> {
        if let Some(phone) = self.phone.take() {
            self.lan.host("phone")?.del_address(phone.address()).await?;
        }
        Ok(())
    }

    /// Lets the newcomer take what the router gives it. It keeps the address until it is told to give it back.
    ///
    /// # Errors
    /// When the router gives it nothing.
    pub async fn newcomer(&self) -> Result<DhcpClient> {
        device::newcomer(self.lan.host("newcomer")?).await
    }

    /// The nodes' names.
    pub fn node_names(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|(name, _)| name.as_str())
    }

    /// The IPv4 address of a node, or where it has none, the one by whose last octet it is known.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn address_of(&self, node: &str) -> Result<Ipv4Addr> {
        let found = self.nodes.iter().find(|(name, _)| name == node);
        found
            .map(|(_, address)| *address)
            .with_context(|| format!("the home has no node {node}"))
    }

    /// A node all of whose processes stand still, what plays kube-proxy and pods there like the rest, while its kernel goes on:
    /// it answers pings, takes connections, and nobody reads what they say. Returns when they do.
    ///
    /// # Errors
    /// When there is no such node, no process on it, or one that does not stand still.
    pub async fn freeze(&self, node: &str) -> Result<()> {
        self.address_of(node)?;
        self.listeners.stand_still(node, true);
        let stopped = self.lan.host(node)?.freeze().await?;
        ensure!(stopped > 0, "no process runs on {node}");
        Ok(())
    }

    /// Makes good a [`freeze`](Self::freeze).
    ///
    /// # Errors
    /// As it.
    pub fn thaw(&self, node: &str) -> Result<()> {
        self.lan.host(node)?.thaw()?;
        self.listeners.stand_still(node, false);
        Ok(())
    }

    /// The hosts' names by their MAC addresses.
    pub fn macs(&self) -> &BTreeMap<Mac, String> {
        &self.macs
    }

    /// The administrator's kubeconfig, as a file in the sandbox.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join(KUBECONFIG)
    }

    /// The certificate of the router's CA, as a file in the sandbox.
    pub fn router_ca(&self) -> PathBuf {
        self.folder.path().join(ROUTER_CA)
    }
}

/// The simulator, with its sockets and its tasks in the router's namespace.
async fn start_router(host: &Host, plan: &Plan) -> Result<Router> {
    let interface = host.interface().to_owned();
    let config = plan.config();
    let address = SocketAddr::from((ROUTER, 443));
    let started = host.call(async move { Router::start(config, address, Some(&interface)).await });
    started.await?.context("starting the simulated router")
}

async fn settle_phone(lan: &Lan, router: &Router, plan: &Plan) -> Result<Option<Phone>> {
    let pools = router.rows(Menu::Pool);
    let pool = pools.iter().find(|row| row.get("name") == Some(POOL));
    let ranges = pool.and_then(|row| row.get("ranges")).unwrap_or_default();
    let ranges = if ranges.is_empty() {
        Ranges::default()
    } else {
        ranges.parse()?
    };
    match plan.phone_address(&ranges) {
        Some(address) => Ok(Some(Phone::settle(lan.host("phone")?, address).await?)),
        None => Ok(None),
    }
}

async fn macs(lan: &Lan) -> Result<BTreeMap<Mac, String>> {
    let mut macs = BTreeMap::new();
    for host in lan.hosts() {
        macs.insert(host.link(host.interface()).await?.mac, host.name().to_owned());
    }
    Ok(macs)
}
