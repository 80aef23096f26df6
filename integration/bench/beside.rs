//! `MetalLB` beside tiklb, where a bench is asked for it: in a home of its own, on the real API server.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::Stage;
use super::ground::SOON;
use super::service::{NAMESPACE, PORT, add_endpoints, make_namespace, service};
use crate::cluster;
use crate::home::{Api, Home, Plan, homelab};
use crate::kube::SERVICES;
use crate::peers::metallb::{self, Accounts, Metallb, Running};
use crate::wait::until;

/// Of the guide's manifests those that `MetalLB` reads.
const MANIFESTS: [&str; 2] = ["ipaddresspool", "l2advertisement"];

/// From the start of its processes to a first answer: its speakers join each other, the controller reads its pools.
const BEGUN: Duration = Duration::from_mins(1);

/// Its speakers look at each other's list now and then, and an address may move when it changes: one that one node
/// answered for all this time stays there.
const STEADY: Duration = Duration::from_secs(8);

/// For that to come about.
const SETTLED: Duration = Duration::from_mins(2);

/// The programs for it.
#[derive(Debug, Clone)]
pub struct Beside {
    cluster: cluster::Options,
    metallb: Metallb,
}

impl Beside {
    /// Builds them. Outside of the sandbox, where the go command has a network.
    ///
    /// # Errors
    /// No Go, or a failed build.
    pub async fn prepare() -> Result<Self> {
        let mut progress = std::io::stderr();
        let binaries = cluster::build(&mut progress).await;
        let binaries = binaries.context("building the real cluster (without --metallb none is needed)")?;
        let metallb = metallb::build(&mut progress).await;
        Ok(Self {
            cluster: cluster::Options {
                proxies: false,
                ..cluster::Options::new(binaries)
            },
            metallb: metallb.context("building MetalLB (without --metallb none is needed)")?,
        })
    }

    /// The API server that tiklb has then, too.
    pub(super) fn api(&self) -> Api {
        Api::Real(self.cluster.clone())
    }

    /// For example `v0.15.2`.
    pub(super) fn version(&self) -> &str {
        &self.metallb.version
    }

    /// A home in which it announces a Service of this name and address.
    pub(super) async fn serving(
        &self,
        stage: &mut Stage,
        name: &str,
        address: Ipv4Addr,
    ) -> Result<(Neighbours, SocketAddrV4)> {
        let built = async {
            let mut neighbours = self.home(&stage.tiklb).await?;
            let service = neighbours.serve(name, address).await?;
            Ok((neighbours, service))
        };
        stage.screen.wait("a home with MetalLB in it", built).await
    }

    /// One in which it has the guide's pool, and nothing of tiklb is.
    async fn home(&self, tiklb: &Path) -> Result<Neighbours> {
        let plan = Plan::default().tiklb(tiklb).api(self.api()).before_tiklb();
        let home = Home::build(plan).await?;
        // Nobody serves its webhook here: the pools could not be written.
        for object in self.metallb.objects()?.others {
            home.kube().apply(object).await?;
        }
        for file in MANIFESTS {
            home.kube().apply_file(&homelab(file)).await?;
        }
        make_namespace(&home).await?;
        let running = Running::start(&home, &self.metallb, Accounts::MANIFEST).await?;
        Ok(Neighbours { running, home })
    }
}

/// Whoever lives with `MetalLB`.
pub(super) struct Neighbours {
    // Before the home: they run in it.
    pub(super) running: Running,
    pub(super) home: Home,
}

impl Neighbours {
    /// A Service with this address, which every node answers behind; waits until it stays at one of them.
    async fn serve(&mut self, name: &str, address: Ipv4Addr) -> Result<SocketAddrV4> {
        let kube = self.home.kube();
        kube.create(SERVICES.in_namespace(NAMESPACE), &service(name, Some(address)))
            .await?;
        add_endpoints(&self.home, name).await?;
        self.home.serve(address, PORT).await?;
        let given = self.home.service_address(NAMESPACE, name, BEGUN).await;
        given.with_context(|| self.running.last_words())?;
        settled(&self.home, address)
            .await
            .with_context(|| self.running.last_words())?;
        Ok(SocketAddrV4::new(address, PORT))
    }
}

/// Waits until an address has been at one node for some time.
pub(super) async fn settled(home: &Home, address: Ipv4Addr) -> Result<()> {
    let mut since: Option<(String, Instant)> = None;
    until("MetalLB's address to stay at one node", SETTLED, async || {
        let host = home.announcer(address, SOON).await?.host;
        let (before, begun) = since.get_or_insert_with(|| (host.clone(), Instant::now()));
        if *before != host {
            since = Some((host.clone(), Instant::now()));
            anyhow::bail!("it moved to {host}");
        }
        let stayed = begun.elapsed();
        ensure!(stayed >= STEADY, "it has been at {host} for {stayed:?}");
        Ok(())
    })
    .await
}
