//! What is wanted of a home, before it stands.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use ipnet::{Ipv4Net, Ipv6Net};
use routeros_sim::{Config, Lease, Mac, Menu};

use super::Ranges;
use crate::cluster;
use crate::lan::{Host, HostPlan, Lan};

/// The router.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
/// Where the Kubernetes API answers.
pub const CONTROL: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
/// Somebody who uses the Services.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 50);
/// A device with an address of its own choice, in the middle of the range for Services.
pub const PRINTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 205);
/// The phone's address: leased before anybody thought of Services, and inside of their range.
pub const PHONE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 201);
/// Its address where the router's pool does not hold [`PHONE`].
const PHONE_ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 150);
/// A machine to which a person has given an address on the router.
pub const NAS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 20);

/// The router's pool that the LAN's DHCP server gives addresses from.
pub const POOL: &str = "dhcp_pool";

/// All hosts are in one network.
const PREFIX: u8 = 24;
/// And in this one.
const PREFIX_V6: u8 = 64;
/// The router of IPv6, on every link that has one.
const ROUTER_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
/// The nodes' addresses follow this one.
const BEFORE_NODES: u8 = 10;
/// Enough that a node can die and two are left to agree.
const NODES: u8 = 3;

/// Which Kubernetes API the home has.
#[derive(Debug, Clone, Default)]
pub enum Api {
    /// The [embedded one](crate::apiserver), which needs nothing but cargo.
    #[default]
    Embedded,
    /// A [real one](crate::cluster), with kube-proxy on the nodes where its options say so.
    Real(cluster::Options),
}

/// Whether there is a phone, and where.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wish {
    /// At [`PHONE`], or elsewhere if the router's pool does not hold that.
    Usual,
    At(Ipv4Addr),
    Nowhere,
}

/// Which families a LAN has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Families {
    /// IPv4 alone.
    Four,
    /// Whoever has an IPv4 address has an IPv6 address, too.
    Both,
    /// The same, but for the nodes, which have IPv6 alone.
    SixOnNodes,
}

/// A home to be built; see [`Home::build`](super::Home::build).
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) tiklb: Option<PathBuf>,
    pub(super) api: Api,
    pub(super) folder: Option<PathBuf>,
    pub(super) allocator_arguments: Vec<String>,
    pub(super) speaker_arguments: Vec<String>,
    pub(super) log_level: String,
    pub(super) phone: Wish,
    /// Whether tiklb is installed: its kinds, its rights, the Pods of its processes.
    pub(super) installed: bool,
    nodes: u8,
    families: Families,
    config: Config,
}

impl Default for Plan {
    /// The demo's home: three nodes, a pool of .100 to .254, a phone and a printer in the range for Services.
    fn default() -> Self {
        let nas = Lease::fixed(NAS, Mac([0x02, 0x4e, 0x41, 0x53, 0, 1])).comment("nas (backups)");
        Self {
            tiklb: None,
            api: Api::default(),
            folder: None,
            allocator_arguments: Vec::new(),
            speaker_arguments: Vec::new(),
            log_level: "info".to_owned(),
            phone: Wish::Usual,
            installed: true,
            nodes: NODES,
            families: Families::Four,
            config: Config::default().lease(nas.server("defconf")),
        }
    }
}

impl Plan {
    /// The tiklb program. Without one, the home is as it was before tiklb came.
    #[must_use]
    pub fn tiklb(self, program: impl Into<PathBuf>) -> Self {
        Self {
            tiklb: Some(program.into()),
            ..self
        }
    }

    /// Another Kubernetes API than the embedded one.
    #[must_use]
    pub fn api(self, api: Api) -> Self {
        Self { api, ..self }
    }

    /// Another number of nodes than three: node1 at 192.168.1.11, and so on; the client's address is left out. At most 50.
    #[must_use]
    pub fn nodes(self, nodes: u8) -> Self {
        Self { nodes, ..self }
    }

    /// A LAN with both families: whoever has an address has an IPv6 address with the same last octet too.
    #[must_use]
    pub fn ipv6(self) -> Self {
        Self {
            families: Families::Both,
            ..self
        }
    }

    /// The same, but the nodes have no IPv4 address: they reach the Kubernetes API, which must be the embedded one, and the
    /// router by IPv6.
    #[must_use]
    pub fn ipv6_alone(self) -> Self {
        Self {
            families: Families::SixOnNodes,
            ..self
        }
    }

    /// Another router.
    #[must_use]
    pub fn router(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// A router whose pool holds other addresses: one that a person has shrunk, say.
    #[must_use]
    pub fn pool(self, ranges: &Ranges) -> Self {
        self.change_router(Menu::Pool, POOL, "ranges", &ranges.to_string())
    }

    /// A router on which a row that has this name has another property.
    #[must_use]
    pub fn change_router(self, menu: Menu, name: &str, property: &str, value: &str) -> Self {
        Self {
            config: self.config.change(menu, name, property, value),
            ..self
        }
    }

    /// The phone's address; the router's pool must hold it.
    #[must_use]
    pub fn phone_at(self, address: Ipv4Addr) -> Self {
        Self {
            phone: Wish::At(address),
            ..self
        }
    }

    /// No phone.
    #[must_use]
    pub fn without_phone(self) -> Self {
        Self {
            phone: Wish::Nowhere,
            ..self
        }
    }

    /// Nothing of tiklb is in the cluster: somebody is to install it ([`Home::move_in`](super::Home::move_in)).
    #[must_use]
    pub fn before_tiklb(self) -> Self {
        Self {
            installed: false,
            ..self
        }
    }

    /// Arguments of `tiklb allocator`.
    #[must_use]
    pub fn allocator_arguments<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.allocator_arguments
            .extend(arguments.into_iter().map(str::to_owned));
        self
    }

    /// Arguments of every `tiklb speaker`.
    #[must_use]
    pub fn speaker_arguments<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.speaker_arguments
            .extend(arguments.into_iter().map(str::to_owned));
        self
    }

    /// What tiklb logs; `info` if this is not called.
    #[must_use]
    pub fn log_level(self, level: &str) -> Self {
        Self {
            log_level: level.to_owned(),
            ..self
        }
    }

    /// Opens the home to a person: the hosts' namespaces are mounted below `folder` for
    /// [`join`](crate::sandbox::join), and kubeconfig and certificates lie in it. Only one home can be open there.
    #[must_use]
    pub fn open_at(self, folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_owned()),
            ..self
        }
    }

    /// The nodes' names and addresses.
    pub(super) fn node_addresses(&self) -> Vec<(String, Ipv4Addr)> {
        (BEFORE_NODES + 1..=u8::MAX)
            .map(|last| Ipv4Addr::new(192, 168, 1, last))
            .filter(|address| *address != CLIENT)
            .zip(1..=self.nodes)
            .map(|(address, number)| (format!("node{number}"), address))
            .collect()
    }

    /// The nodes' names, and the addresses at which they are met.
    pub(super) fn hosts(&self) -> Vec<(String, IpAddr)> {
        let nodes = self.node_addresses().into_iter();
        nodes
            .map(|(name, address)| (name, self.met_at(address)))
            .collect()
    }

    /// Where the Kubernetes API answers.
    pub(super) fn control(&self) -> IpAddr {
        self.met_at(CONTROL)
    }

    /// Of the two addresses of a host the one by which nodes and the Kubernetes API meet.
    fn met_at(&self, address: Ipv4Addr) -> IpAddr {
        match self.families {
            Families::Four | Families::Both => address.into(),
            Families::SixOnNodes => address_v6(address).into(),
        }
    }

    pub(super) fn config(&self) -> Config {
        self.config.clone()
    }

    /// Where the phone is to be, given what the router gives.
    pub(super) fn phone_address(&self, pool: &Ranges) -> Option<Ipv4Addr> {
        match self.phone {
            Wish::At(address) => Some(address),
            Wish::Nowhere => None,
            Wish::Usual => [PHONE, PHONE_ELSEWHERE]
                .into_iter()
                .find(|address| pool.contains(*address))
                .or(pool.first()),
        }
    }

    /// Builds the LAN, its switch in a namespace of its own so that homes can stand side by side.
    pub(super) async fn lan(&self) -> Result<Lan> {
        let switch = Host::create("switch", "switch").context("making the LAN's switch")?;
        if let Some(folder) = &self.folder {
            switch.mount_below(folder)?;
        }
        let has_six = self.families != Families::Four;
        let both = |host: HostPlan| if has_six { host.ipv6() } else { host };
        let router = HostPlan::router("router", on_lan(ROUTER)?);
        let router = match self.families {
            Families::SixOnNodes => router.ipv6(),
            Families::Four | Families::Both => router,
        };
        let mut lan = Lan::builder()
            .switch_in(switch)
            .gateway(ROUTER)
            .host(router)
            .host(both(HostPlan::client("control", on_lan(CONTROL)?)));
        for (name, address) in self.node_addresses() {
            let node = HostPlan::node(&name, on_lan(address)?);
            lan = lan.host(match self.families {
                Families::SixOnNodes => node.ipv6_alone(),
                Families::Four | Families::Both => both(node),
            });
        }
        lan = lan
            .host(both(HostPlan::client("client", on_lan(CLIENT)?)))
            .host(HostPlan::client("printer", on_lan(PRINTER)?))
            .host(HostPlan::bare("phone"))
            .host(both(HostPlan::bare("newcomer")));
        if let Some(folder) = &self.folder {
            lan = lan.mount_below(folder);
        }
        let lan = lan.build().await.context("building the home's LAN")?;
        if has_six {
            self.number_by_ipv6(&lan).await?;
        }
        Ok(lan)
    }

    /// The IPv6 addresses, and where nodes have no others, their router.
    async fn number_by_ipv6(&self, lan: &Lan) -> Result<()> {
        let nodes = self.node_addresses();
        let named = || nodes.iter().map(|(name, address)| (name.as_str(), *address));
        for (name, address) in named().chain([("client", CLIENT), ("control", CONTROL)]) {
            let network = Ipv6Net::new(address_v6(address), PREFIX_V6)?;
            let host = lan.host(name)?;
            host.add_address(network, host.interface()).await?;
            host.wait_for_address(network.addr()).await?;
        }
        if self.families == Families::SixOnNodes {
            let router = lan.host("router")?;
            let network = Ipv6Net::new(ROUTER_V6, PREFIX_V6)?;
            router.add_address(network, router.interface()).await?;
            for (name, _) in named() {
                let node = lan.host(name)?;
                node.add_default_route_v6(ROUTER_V6, node.interface()).await?;
            }
        }
        Ok(())
    }
}

/// The IPv6 address of a host beside its IPv4 address: `fd00:0:0:1::11` of 192.168.1.17.
fn address_v6(address: Ipv4Addr) -> Ipv6Addr {
    let [.., last] = address.octets();
    Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, u16::from(last))
}

fn on_lan(address: Ipv4Addr) -> Result<Ipv4Net> {
    Ipv4Net::new(address, PREFIX).context("an address of the home's plan")
}
