//! The demo: what a new user sees, as a person would check it, with times. It fails where anything is not as it should
//! be.

mod address;
mod failover;
mod narrator;
mod paper;
mod release;
mod winbox;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Args;
use nix::sys::signal::Signal;
use routeros_sim::{Menu, Snapshot};

use self::narrator::Narrator;
pub use self::paper::Papers;
use crate::home::{Flavor, Home, NAMESPACE, NODES, Plan, RouterPlan};
use crate::{product, sandbox};

/// What the demo's sandbox is called.
pub const TAG: &str = "demo";
/// The demo's Services: namespace, name, port, and the address asked for.
const SERVICES: [(&str, &str, u16, Option<[u8; 4]>); 3] = [
    (
        "home-assistant",
        "homeassistant-db-external",
        5432,
        Some([192, 168, 1, 200]),
    ),
    ("immich", "immich-server-lan", 2283, Some([192, 168, 1, 203])),
    ("whoami", "whoami-lan", 80, None),
];
/// The MikrotikRouter of the example.
const ROUTER: &str = "router";
/// The pool that a person set up on the router.
const POOL: &str = "dhcp_pool";
/// The start of a router whose pool the load-balancer range lies in.
const WHOLE: &str = "192.168.1.100-192.168.1.254";
/// What is left of it.
const CUT: &str = "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254";

/// Show tiklb at work: a Service gets a LAN address, the router agrees, a node answers, another takes over
///
/// Builds a LAN out of namespaces with a simulated MikroTik, an API server, three nodes and some devices, runs the real
/// tiklb on it, applies deploy/examples/homelab, and looks at everything as you would. About 30 s.
#[derive(Debug, Args)]
pub struct Demo {
    /// Stay up when everything runs, and print how to enter it; Ctrl-C ends it
    #[arg(long)]
    keep: bool,
    /// Begin with other ranges in the router's DHCP pool, such as 100-199: one that you had already shrunk by hand
    #[arg(long, value_name = "RANGES")]
    start: Option<String>,
}

/// Runs it, inside of the sandbox.
pub(crate) fn run(demo: &Demo) -> Result<()> {
    let dir = sandbox::dir().context("the sandbox has no folder")?;
    let tiklb = product::path()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(show(demo, &tiklb, &dir));
    // What is still asleep need not be waited for: the sandbox ends everything.
    runtime.shutdown_background();
    outcome
}

async fn show(demo: &Demo, tiklb: &Path, dir: &Path) -> Result<()> {
    let narrator = Narrator::start();
    let mut plan = Plan::new(tiklb, dir, Flavor::Embedded);
    let shrunk = demo.start.is_some();
    if let Some(ranges) = &demo.start {
        plan.router = RouterPlan::default().pool(ranges);
        plan.phone = None;
    }
    let mut home = build(&narrator, plan).await?;
    let before = home.router.snapshot();
    let shown = tokio::select! {
        shown = steps(&mut home, &narrator, &before, demo, shrunk) => shown,
        signal = interrupted() => {
            println!("\n{signal}: the demo ends here, and leaves nothing behind");
            return Ok(());
        }
    };
    if let Err(error) = shown {
        eprintln!("\nThe last words of everything that ran:\n{}", home.last_words());
        return Err(error);
    }
    Ok(())
}

async fn interrupted() -> Signal {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => Signal::SIGINT,
        _ = terminate.recv() => Signal::SIGTERM,
    }
}

async fn build(narrator: &Narrator, plan: Plan) -> Result<Home> {
    narrator.step("A home's LAN, a MikroTik, an API server");
    let home = narrator
        .wait("the LAN and the API server", Home::build(plan))
        .await
        .context("step 1")?;
    narrator.say("router 192.168.1.1 (simulated RouterOS, HTTPS, DHCP), control 192.168.1.10, node1-3 .11-.13, client .50");
    let pool = home.pool_ranges(POOL).context("the router lost its pool")?;
    narrator.say(&format!("the router's DHCP pool: {pool}"));
    if let Some(phone) = home.plan().phone {
        narrator.say(&format!(
            "annas-phone holds a lease inside the load-balancer range and renews it: {phone}"
        ));
    }
    if home.plan().printer {
        narrator.say("a printer has the fixed address 192.168.1.205 there, which no DHCP server knows of");
    }
    Ok(home)
}

async fn steps(
    home: &mut Home,
    narrator: &Narrator,
    before: &Snapshot,
    demo: &Demo,
    shrunk: bool,
) -> Result<()> {
    start(home, narrator).await.context("step 2")?;
    apply(home, narrator).await.context("step 3")?;
    address::show(home, narrator, before, shrunk)
        .await
        .context("step 4")?;
    failover::show(home, narrator).await.context("step 5")?;
    if demo.keep {
        return keep(home, narrator).await;
    }
    release::show(home, narrator, before).await.context("step 6")?;
    home.check()?;
    narrator.done();
    Ok(())
}

async fn start(home: &mut Home, narrator: &Narrator) -> Result<()> {
    narrator.step("tiklb: one allocator, three speakers");
    narrator.wait("all four to be ready", home.start_all()).await?;
    narrator.say(&format!(
        "tiklb allocator on control, tiklb speaker on {}",
        NODES.join(", ")
    ));
    Ok(())
}

async fn apply(home: &mut Home, narrator: &Narrator) -> Result<()> {
    narrator.step("kubectl apply -f deploy/examples/homelab/");
    for file in [
        "ipaddresspool.yaml",
        "l2advertisement.yaml",
        "mikrotikrouter.yaml",
        "services.yaml",
    ] {
        home.apply(&format!("examples/homelab/{file}")).await?;
        narrator.say(file);
    }
    for (namespace, name, port, _) in SERVICES {
        // There is no controller that would find the Services' Pods.
        home.endpoints(namespace, name, port).await?;
    }
    Ok(())
}

/// Stays up for a visitor.
async fn keep(home: &mut Home, narrator: &Narrator) -> Result<()> {
    let papers = Papers::write(home)?;
    narrator.step("Everything stays up until Ctrl-C; look around:");
    print!("{}", papers.directions());
    home.router_until("Ctrl-C", |_| false).await.or_else(|_| Ok(()))
}

/// Waits for what the router should hold, with progress.
async fn router_until(
    home: &Home,
    narrator: &Narrator,
    what: &str,
    fits: impl Fn(&Home) -> bool,
) -> Result<()> {
    narrator.wait(what, home.router_until(what, fits)).await
}

/// The first state and this one are one configuration.
fn same_configuration(home: &Home, before: &Snapshot) -> Result<()> {
    let difference = routeros_sim::diff(&before.configured(), &home.router.snapshot().configured());
    ensure!(
        difference.is_empty(),
        "the router is not as it was:\n{difference}"
    );
    Ok(())
}

/// The address of a MikrotikRouter's rows, for those who wait for them.
fn marked(home: &Home, menu: Menu, address: &str) -> Option<routeros_sim::Row> {
    home.marked(menu)
        .into_iter()
        .find(|row| row.get("address") == Some(address))
}

/// Where tiklb's objects are.
fn namespace() -> &'static str {
    NAMESPACE
}
