//! A home: the LAN that demo, stories and benches share, with a router, a control plane and everything on it.
//!
//! ```text
//!  router   192.168.1.1      the RouterOS simulator: HTTPS, DHCP server, ARP table
//!  judge    192.168.1.2      the lab itself
//!  control  192.168.1.10     API server (embedded, or a real cluster's), tiklb's allocator
//!  node1–3  192.168.1.11–13  tiklb's speakers; the Services' endpoints
//!  client   192.168.1.50     asks, connects, sends every millisecond
//!  phone    by DHCP          a lease inside the load-balancer range, renewed
//!  newcomer by DHCP          comes late
//!  printer  192.168.1.205    a fixed address inside the range
//! ```
//! The switch is in the network namespace of whoever builds the home, so one process holds one home.

mod control;
mod daemon;
mod endpoint;
mod question;
mod router;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

pub use self::control::{Control, Flavor};
pub use self::daemon::ALLOCATOR;
pub use self::endpoint::Served;
pub use self::question::{ANNOUNCEMENTS, Answerer, CONFLICTS, POOLS, ROUTERS, STATES, condition};
pub use self::router::RouterPlan;
use crate::kube::Kube;
use crate::lan::{HostPlan, Lan, Process};
use crate::wire::{DhcpClient, KeptLease};

/// The nodes.
pub const NODES: [&str; 3] = ["node1", "node2", "node3"];
/// Where tiklb's own objects live.
pub const NAMESPACE: &str = "metallb-system";
/// The printer's fixed address.
pub const PRINTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 205);
/// Where the lab itself is on the LAN.
const JUDGE: &str = "192.168.1.2/24";
/// Nothing on this LAN takes longer, on the busiest machine.
pub const BOUND: Duration = Duration::from_secs(30);
/// Between two renewals of the phone: real ones come every 15 minutes.
const RENEW_EVERY: Duration = Duration::from_secs(2);

/// What a home is to be like.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The binary that is judged.
    pub tiklb: PathBuf,
    /// The router.
    pub router: RouterPlan,
    /// The address that the phone holds; without one there is no phone's lease.
    pub phone: Option<Ipv4Addr>,
    /// Whether the printer is there.
    pub printer: bool,
    /// Which API server.
    pub flavor: Flavor,
    /// Where files go: kubeconfigs, the router's CA, namespaces to enter.
    pub dir: PathBuf,
    /// Level of the daemons' logs.
    pub log_level: String,
}

impl Plan {
    /// The home of the demo: DHCP pool .100 to .254, the phone at .201, the printer at .205.
    pub fn new(tiklb: &Path, dir: &Path, flavor: Flavor) -> Self {
        Self {
            tiklb: tiklb.to_owned(),
            router: RouterPlan::default(),
            phone: Some(Ipv4Addr::new(192, 168, 1, 201)),
            printer: true,
            flavor,
            dir: dir.to_owned(),
            log_level: "info,tiklb=debug".to_owned(),
        }
    }

    /// Nobody but the cluster on the LAN.
    #[must_use]
    pub fn quiet(self) -> Self {
        Self {
            phone: None,
            printer: false,
            ..self
        }
    }
}

/// A running home. Everything in it ends when it is dropped.
pub struct Home {
    plan: Plan,
    // Dropped in this order: who asks before who answers.
    daemons: BTreeMap<String, Process>,
    served: Vec<Served>,
    phone: Option<KeptLease>,
    control: Control,
    /// The client of the API, as administrator.
    pub kube: Kube,
    /// The router.
    pub router: routeros_sim::Router,
    /// The LAN.
    pub lan: Lan,
}

impl Home {
    /// Builds it: LAN, router, phone, control plane with CRDs, nodes and the Pods of tiklb. No tiklb runs yet.
    ///
    /// # Errors
    /// What could not be built.
    pub async fn build(plan: Plan) -> Result<Self> {
        let lan = lan(&plan).await?;
        let router = router::start(&lan, &plan.router).await?;
        let phone = match plan.phone {
            Some(address) => Some(connect_phone(&lan, address).await?),
            None => None,
        };
        let control = Control::start(&plan, &lan).await?;
        let kube = Kube::new(control.admin())?;
        let home = Self {
            plan,
            daemons: BTreeMap::new(),
            served: Vec::new(),
            phone,
            control,
            kube,
            router,
            lan,
        };
        home.furnish().await?;
        Ok(home)
    }

    /// What it was built from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The API server.
    pub fn control(&mut self) -> &mut Control {
        &mut self.control
    }

    /// The phone's lease, if it has one.
    pub fn phone(&self) -> Option<&KeptLease> {
        self.phone.as_ref()
    }

    /// A file or folder of `deploy/`.
    pub fn deploy(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
    }

    /// Applies a file of `deploy/`.
    ///
    /// # Errors
    /// It is refused, or cannot be read.
    pub async fn apply(&self, path: &str) -> Result<()> {
        self.kube.apply_file(&Self::deploy(path)).await.map(drop)
    }
}

async fn lan(plan: &Plan) -> Result<Lan> {
    let net = |last: u8| -> Result<ipnet::Ipv4Net> { Ok(format!("192.168.1.{last}/24").parse()?) };
    let mut builder = Lan::builder()
        .mount_below(&plan.dir)
        .switch_address(JUDGE.parse()?)
        .host(HostPlan::router("router", net(1)?))
        .host(HostPlan::client("control", net(10)?))
        .host(HostPlan::client("client", net(50)?))
        .host(HostPlan::bare("phone"))
        .host(HostPlan::bare("newcomer"));
    for (number, node) in (11..).zip(NODES) {
        builder = builder.host(HostPlan::node(node, net(number)?));
    }
    if plan.printer {
        builder = builder.host(HostPlan::client("printer", net(PRINTER.octets()[3])?));
    }
    let lan = builder.build().await.context("building the LAN")?;
    for node in NODES {
        // A redirect for every packet that leaves by the way it came uses up the kernel's allowance of ICMP errors to that
        // client, and kube-proxy's refusals are such errors.
        let node = lan.host(node)?;
        let redirects = format!("net.ipv4.conf.{}.send_redirects", node.interface());
        node.sysctl(&[("net.ipv4.conf.all.send_redirects", "0"), (&redirects, "0")])?;
    }
    Ok(lan)
}

async fn connect_phone(lan: &Lan, wanted: Ipv4Addr) -> Result<KeptLease> {
    let mut client = DhcpClient::new(lan.host("phone")?).await?.hostname("annas-phone");
    let lease = client
        .acquire_wanting(Some(wanted), BOUND)
        .await
        .context("connecting the phone")?;
    anyhow::ensure!(
        lease.address.addr() == wanted,
        "the phone asked for {wanted} and was given {}",
        lease.address
    );
    client.configure().await?;
    Ok(client.keep_renewing(RENEW_EVERY))
}
