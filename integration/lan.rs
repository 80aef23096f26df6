//! A LAN on one machine: hosts that are network namespaces, joined by a bridge that is the switch.
//!
//! The kernel's own network stack is behind each host, so what the lab shows is what a kernel does: ARP, forwarding,
//! neighbour entries, TCP. To be built inside the [sandbox](crate::sandbox).
//!
//! ```no_run
//! use lab::lan::{HostPlan, Lan};
//!
//! # async fn example() -> Result<(), lab::lan::Error> {
//! let lan = Lan::builder()
//!     .host(HostPlan::router("router", "192.168.1.1/24".parse().unwrap()))
//!     .host(HostPlan::node("node1", "192.168.1.11/24".parse().unwrap()))
//!     .host(HostPlan::client("client", "192.168.1.50/24".parse().unwrap()))
//!     .host(HostPlan::bare("phone"))
//!     .build()
//!     .await?;
//! let node1 = lan.host("node1")?;
//! let mut daemon = node1.command("/usr/bin/env").spawn().await?;
//! lan.cut("node1").await?; // node1 loses carrier
//! lan.mend("node1").await?;
//! # Ok(())
//! # }
//! ```

mod builder;
mod command;
mod host;
mod journal;
mod links;
mod loss;
mod mac;
mod plan;
mod process;
mod standstill;
mod switch;
mod sysctl;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use rtnetlink::LinkUnspec;

pub use builder::Builder;
pub use command::HostCommand;
pub use host::Host;
pub use journal::Journal;
pub use links::{LinkState, Neighbor};
pub use loss::Loss;
pub use mac::{Mac, MacError};
pub use plan::{HostPlan, Role};
pub use process::{LogLine, Process};
use switch::Port;

/// What can go wrong with the LAN itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused something about a host.
    #[error("{host}: cannot {doing}")]
    System {
        /// The host's name.
        host: String,
        /// What was being done.
        doing: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The kernel refused a change to, or a question about, links, addresses, routes or neighbours.
    #[error("{host}: cannot {doing}")]
    Netlink {
        /// The host's name.
        host: String,
        /// What was being done.
        doing: String,
        /// What the kernel said.
        #[source]
        source: rtnetlink::Error,
    },
    /// Something did not happen in the time allowed.
    #[error("{host}: {what} did not happen within {bound:?}{detail}")]
    TooLate {
        /// The host's name.
        host: String,
        /// What was waited for.
        what: String,
        /// How long.
        bound: Duration,
        /// What was seen instead, from a new line on; empty if there is nothing to tell.
        detail: String,
    },
    /// The host's thread has ended: the value outlived the LAN.
    #[error("{host}: this host is no more")]
    Gone {
        /// The host's name.
        host: String,
    },
    /// The plan cannot be built.
    #[error("the LAN's plan: {0}")]
    Plan(String),
    /// The kernel lacks a kind of link.
    #[error(
        "this kernel has no {kind} links: load the module (`modprobe {kind}`), or use a kernel that has it"
    )]
    NoSuchLink {
        /// The kind, which is the module's name too.
        kind: &'static str,
    },
    /// No host has this name.
    #[error("the LAN has no host {0:?}")]
    UnknownHost(String),
    /// A host has no such interface.
    #[error("{host}: there is no interface {interface:?}")]
    UnknownInterface {
        /// The host's name.
        host: String,
        /// The interface asked for.
        interface: String,
    },
}

/// A host that hangs on the switch.
#[derive(Debug)]
struct Attached {
    host: Host,
    /// Shared with whoever works on it in the switch's own thread.
    port: Arc<Port>,
}

/// The LAN: see the [module](self). Hosts and cables are gone when it is dropped; processes started on the hosts are
/// killed when their [`Process`] is.
#[derive(Debug)]
pub struct Lan {
    switch: Host,
    bridge: u32,
    hosts: BTreeMap<String, Attached>,
}

impl Lan {
    /// A LAN to be described host by host.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The host called `name`.
    ///
    /// # Errors
    /// [`Error::UnknownHost`].
    pub fn host(&self, name: &str) -> Result<&Host, Error> {
        Ok(&self.attached(name)?.host)
    }

    /// All hosts, by name.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.values().map(|attached| &attached.host)
    }

    /// The namespace in which the bridge stands.
    pub fn switch(&self) -> &Host {
        &self.switch
    }

    /// The switch's end of the host's cable, as an interface of the [switch](Self::switch): what is sent there reaches
    /// this host alone.
    ///
    /// # Errors
    /// [`Error::UnknownHost`].
    pub fn port(&self, host: &str) -> Result<&str, Error> {
        Ok(self.attached(host)?.port.name())
    }

    /// Cuts the host's cable: it loses carrier, and so does the switch.
    ///
    /// # Errors
    /// When there is no such host, or the kernel refuses.
    pub async fn cut(&self, host: &str) -> Result<(), Error> {
        self.attached(host)?.port.cut(&self.switch).await
    }

    /// Makes good a [`cut`](Self::cut). Returns when the port forwards again.
    ///
    /// # Errors
    /// As for [`cut`](Self::cut), and when the link does not come up.
    pub async fn mend(&self, host: &str) -> Result<(), Error> {
        let attached = self.attached(host)?;
        attached.port.mend(&self.switch, &attached.host).await
    }

    /// Lays a second cable between the switch and a host, which has it as `interface`, without an address: its MAC. It
    /// stays as long as the host does.
    ///
    /// # Errors
    /// When there is no such host, it has such an interface or a second cable already, or the kernel refuses.
    pub async fn plug(&self, host: &str, interface: &str) -> Result<Mac, Error> {
        switch::plug(&self.switch, self.bridge, self.host(host)?, interface).await
    }

    /// Cuts the host's cable for a moment, and makes it good again. All of it is done by the switch's own thread, so that
    /// nothing that keeps the caller makes it longer. Gives the time from the cut to the link that is up.
    ///
    /// # Errors
    /// As for [`cut`](Self::cut) and [`mend`](Self::mend).
    pub async fn blip(&self, host: &str, length: Duration) -> Result<Duration, Error> {
        let Attached { host, port } = self.attached(host)?;
        let (host, port, switch) = (host.clone(), Arc::clone(port), self.switch.clone());
        let blipped = self
            .switch
            .call(async move { port.blip(&switch, &host, length).await });
        blipped.await?
    }

    /// Takes the host's port out of the bridge: nothing gets through, but its link stays up, as behind a second switch
    /// that was cut off.
    ///
    /// # Errors
    /// When there is no such host, or the kernel refuses.
    pub async fn unplug(&self, host: &str) -> Result<(), Error> {
        self.attached(host)?.port.set_bridge(&self.switch, None).await
    }

    /// Makes good an [`unplug`](Self::unplug).
    ///
    /// # Errors
    /// As for [`unplug`](Self::unplug).
    pub async fn replug(&self, host: &str) -> Result<(), Error> {
        self.attached(host)?
            .port
            .set_bridge(&self.switch, Some(self.bridge))
            .await
    }

    /// Switches the switch itself off or on: every link stays up, and nothing gets through to anybody.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn power(&self, on: bool) -> Result<(), Error> {
        let bridge = LinkUnspec::new_with_index(self.bridge);
        let (bridge, word) = if on {
            (bridge.up(), "on")
        } else {
            (bridge.down(), "off")
        };
        let doing = format!("switch the bridge {word}");
        self.switch.links().change(bridge.build(), &doing).await
    }

    /// From now on the switch loses the frames that these say, and no others; with none, it forwards everything again.
    /// Links stay up, and what a host does with its own frames is not touched.
    ///
    /// # Errors
    /// When there is no such host, or `nft` is not installed or refuses.
    pub async fn lose(&self, losses: &[Loss]) -> Result<(), Error> {
        loss::impose(self, losses).await
    }

    /// Adds an address to an interface of a host. To have it already is not an error.
    ///
    /// # Errors
    /// When there is no such host or interface, or the kernel refuses.
    pub async fn add_address(
        &self,
        host: &str,
        address: impl Into<IpNet>,
        interface: &str,
    ) -> Result<(), Error> {
        self.host(host)?.add_address(address, interface).await
    }

    /// Takes an address away from a host, wherever it has it; not to have it is not an error.
    ///
    /// # Errors
    /// When there is no such host, or the kernel refuses.
    pub async fn del_address(&self, host: &str, address: Ipv4Addr) -> Result<(), Error> {
        self.host(host)?.del_address(address).await
    }

    /// Takes the LAN down. Only needed where its bridge stands in a namespace that lives on.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn close(self) -> Result<(), Error> {
        for attached in self.hosts.values() {
            self.switch.links().delete(attached.port.name()).await?;
        }
        self.switch.links().delete(switch::BRIDGE).await
    }

    fn attached(&self, name: &str) -> Result<&Attached, Error> {
        self.hosts
            .get(name)
            .ok_or_else(|| Error::UnknownHost(name.to_owned()))
    }
}
