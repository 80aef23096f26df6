//! The demo: what tiklb does for a home, from the first start to the last trace of it on the router.
//!
//! Each step prints what a person would look at, and fails if it is not as it should be.

mod apply;
mod failover;
mod farewell;
mod ground;
mod keep;
mod look;
mod rows;
mod start;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use routeros_sim::Snapshot;
use tokio::time::Instant;

use crate::home::{Home, Plan, Ranges, RangesError};
use crate::screen::Screen;
use crate::wire::DhcpClient;
pub(crate) use apply::HOMELAB;
pub(crate) use keep::LAB;

/// What the demo is run with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The tiklb program.
    pub tiklb: PathBuf,
    /// Stays up when all is shown, instead of taking everything back.
    pub keep: bool,
    /// The ranges of the router's pool at the start, where they are not the usual ones.
    pub start: Option<Ranges>,
}

/// A Service of `deploy/examples/homelab/config/tiklb/manifests/services.yaml`, and what it asks for.
#[derive(Debug, Clone, Copy)]
struct Example {
    namespace: &'static str,
    name: &'static str,
    port: u16,
    asks: Option<Ipv4Addr>,
}

impl Example {
    /// As a row on the router names it.
    fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

const EXAMPLES: [Example; 3] = [
    Example {
        namespace: "home-assistant",
        name: "homeassistant-db-external",
        port: 5432,
        asks: Some(Ipv4Addr::new(192, 168, 1, 200)),
    },
    Example {
        namespace: "immich",
        name: "immich-server-lan",
        port: 2283,
        asks: Some(Ipv4Addr::new(192, 168, 1, 203)),
    },
    Example {
        namespace: "whoami",
        name: "whoami-lan",
        port: 80,
        asks: None,
    },
];

/// The `IPAddressPool` and the `MikrotikRouter` of `deploy/examples/homelab`.
const ADDRESS_POOL: &str = "homelab-pool";
const MIKROTIK_ROUTER: &str = "router";

/// What takes milliseconds when all is well, and what tiklb takes its time for on purpose: a first sync of the router
/// lasts about 12 s. Twice that and more is failure on any machine.
const SOON: Duration = Duration::from_secs(20);
const FIRST_SYNC: Duration = Duration::from_secs(45);

/// A Service that has its address.
#[derive(Debug, Clone)]
struct Placed {
    example: Example,
    address: Ipv4Addr,
    /// The node that answers for it.
    node: String,
}

impl Placed {
    fn socket(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.address, self.example.port)
    }
}

/// The demo under way.
struct Demo {
    screen: Screen,
    home: Home,
    /// The router before tiklb came.
    first: Snapshot,
    /// The addresses in its pool then.
    pool: Ranges,
    /// The addresses for Services.
    range: Ranges,
    /// When the examples were applied.
    applied: Instant,
    placed: Vec<Placed>,
    newcomer: Option<DhcpClient>,
}

/// Addresses that must be left in the router's pool: the phone, the newcomer and a few more, and as many as tiklb leaves
/// unless it is told otherwise.
const LEFT: usize = 10;

/// Reads the router's pool at the start, which must be one that a router of this home could have.
///
/// # Errors
/// In words for the person who typed it.
pub fn pool_at_start(text: &str) -> Result<Ranges, String> {
    let ranges: Ranges = text.parse().map_err(|why: RangesError| why.to_string())?;
    let hosts: Ranges = "2-254".parse().map_err(|why: RangesError| why.to_string())?;
    let services: Ranges = "200-220".parse().map_err(|why: RangesError| why.to_string())?;
    let foreign = &ranges - &hosts;
    if !foreign.is_empty() {
        return Err(format!(
            "{foreign} cannot be in the pool: the home's network is 192.168.1.0/24, and its router is 192.168.1.1"
        ));
    }
    let left = (&ranges - &services).len();
    if left < LEFT {
        return Err(format!(
            "outside of {services}, which the example takes for Services, that leaves {left} addresses for DHCP clients: \
             the home needs {LEFT}"
        ));
    }
    Ok(ranges)
}

/// Runs it inside of the [sandbox](crate::sandbox). `folder` is where a person finds the home's files.
///
/// # Errors
/// Names the step, what was expected there and what was found.
pub async fn run(options: Options, folder: &Path) -> Result<()> {
    let mut screen = Screen::stdout();
    let mut plan = Plan::default().tiklb(&options.tiklb).open_at(folder);
    if let Some(ranges) = &options.start {
        plan = plan.pool(ranges);
    }
    let built = ground::build(&mut screen, plan).await;
    let home = built.with_context(|| screen.place())?;
    let mut demo = Demo {
        first: home.router().snapshot(),
        pool: home.pool(crate::home::POOL)?,
        range: Ranges::default(),
        applied: Instant::now(),
        placed: Vec::new(),
        newcomer: None,
        screen,
        home,
    };
    let played = demo.play(options.keep).await;
    if played.is_err() {
        eprint!("\n{}", demo.home.last_words());
    }
    played.with_context(|| demo.screen.place())
}

impl Demo {
    async fn play(&mut self, keep: bool) -> Result<()> {
        self.start().await?;
        self.apply().await?;
        self.look().await?;
        self.fail_over().await?;
        if keep {
            return self.keep().await;
        }
        self.say_farewell().await?;
        let taken = self.screen.elapsed().as_secs_f64();
        self.screen
            .say(format!("\nAll as it should be, in {taken:.1} s."))?;
        Ok(())
    }

    /// Whether the router's pool holds addresses for Services, so that something is to be taken.
    fn takes(&self) -> bool {
        self.pool.overlaps(&self.range)
    }
}
