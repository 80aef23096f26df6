//! From a plan to a LAN.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::try_join_all;
use ipnet::Ipv4Net;

use super::{Attached, Error, Host, HostPlan, Lan, Port, switch, sysctl};

/// The LAN's router, where nothing else is said: a MikroTik's factory setting is 192.168.88.1, a home's usually this.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

/// A LAN to be built. See [`Lan::builder`].
#[derive(Debug)]
pub struct Builder {
    hosts: Vec<HostPlan>,
    gateway: Ipv4Addr,
    switch: Option<Host>,
    switch_address: Option<Ipv4Net>,
    mount: Option<PathBuf>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            gateway: GATEWAY,
            switch: None,
            switch_address: None,
            mount: None,
        }
    }
}

impl Builder {
    /// Adds a host.
    #[must_use]
    pub fn host(mut self, plan: HostPlan) -> Self {
        self.hosts.push(plan);
        self
    }

    /// The default route of all hosts in whose network it lies; 192.168.1.1 if this is not called.
    #[must_use]
    pub fn gateway(self, gateway: Ipv4Addr) -> Self {
        Self { gateway, ..self }
    }

    /// Puts the bridge into a namespace of its own rather than into that of the caller, so that several LANs can stand
    /// side by side.
    #[must_use]
    pub fn switch_in(self, switch: Host) -> Self {
        Self {
            switch: Some(switch),
            ..self
        }
    }

    /// Gives the bridge an address, so that whatever runs in its namespace is on the LAN too.
    #[must_use]
    pub fn switch_address(self, address: Ipv4Net) -> Self {
        Self {
            switch_address: Some(address),
            ..self
        }
    }

    /// Mounts the hosts' namespaces below `dir` for a shell to enter ([`Host::mount_below`]).
    #[must_use]
    pub fn mount_below(self, dir: &Path) -> Self {
        Self {
            mount: Some(dir.to_owned()),
            ..self
        }
    }

    /// Builds it; all links have carrier when it is done.
    ///
    /// # Errors
    /// [`Error::Plan`] for names and addresses that clash; otherwise when the kernel refuses.
    pub async fn build(self) -> Result<Lan, Error> {
        self.check()?;
        let switch = match &self.switch {
            Some(switch) => switch.clone(),
            None => Host::here("switch", switch::BRIDGE)?,
        };
        switch.sysctl(&sysctl::NEW_LINKS_WITHOUT_IPV6)?;
        let bridge = switch::build(&switch).await?;
        let built = self
            .hosts
            .iter()
            .enumerate()
            .map(|(place, plan)| self.attach(&switch, bridge, place, plan));
        let hosts = try_join_all(built).await?;
        if let Some(address) = self.switch_address {
            switch.add_address(address, switch::BRIDGE).await?;
        }
        for attached in &hosts {
            attached
                .host
                .wait_for_carrier(attached.host.interface(), true)
                .await?;
            switch.wait_for_carrier(attached.port.name(), true).await?;
        }
        let hosts: BTreeMap<_, _> = hosts
            .into_iter()
            .map(|attached| (attached.host.name().to_owned(), attached))
            .collect();
        Ok(Lan {
            switch,
            bridge,
            hosts,
        })
    }

    async fn attach(
        &self,
        switch: &Host,
        bridge: u32,
        place: usize,
        plan: &HostPlan,
    ) -> Result<Attached, Error> {
        let host = Host::create(&plan.name, &plan.interface)?;
        host.sysctl(&plan.settings())?;
        host.links().set_up("lo", true).await?;
        let port = Port::connect(switch, bridge, &host, plan, plan.number(place)).await?;
        if let Some(address) = plan.address.filter(|_| plan.ipv4) {
            host.add_address(address, &plan.interface).await?;
            if address.contains(&self.gateway) && address.addr() != self.gateway {
                host.add_default_route(self.gateway).await?;
            }
        }
        if let Some(dir) = &self.mount {
            host.mount_below(dir)?;
        }
        Ok(Attached {
            host,
            port: Arc::new(port),
        })
    }

    fn check(&self) -> Result<(), Error> {
        let mut numbers = BTreeMap::new();
        let mut names = BTreeMap::new();
        for (place, plan) in self.hosts.iter().enumerate() {
            plan.check()?;
            if names.insert(&plan.name, place).is_some() {
                return Err(Error::Plan(format!("two hosts are called {}", plan.name)));
            }
            if let Some(other) = numbers.insert(plan.number(place), &plan.name) {
                let rule =
                    "the last octets of the addresses must differ, because MAC addresses are made of them";
                return Err(Error::Plan(format!("{other} and {}: {rule}", plan.name)));
            }
        }
        Ok(())
    }
}
