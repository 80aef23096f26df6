//! The simulator alone: a router on an address, its journal printed as it happens.

mod arguments;

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context as _;
use clap::Parser as _;
use routeros_sim::{Config, Menu, Router, Switches};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use arguments::Arguments;

/// What the journal's events are filed under.
const JOURNAL: &str = "routeros_sim::journal=info";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    log(&arguments)?;
    let router = Router::start(
        config(&arguments)?,
        arguments.listen,
        arguments.interface.as_deref(),
    )
    .await?;
    println!("{}/rest  user {}", router.url(), arguments.user);
    if let Some(address) = arguments.admin {
        println!("http://{}/  admin surface", router.admin(address)?);
    }
    if let Some(pem) = router.ca_pem() {
        match &arguments.ca {
            None => print!("{pem}"),
            Some(path) => {
                std::fs::write(path, pem)
                    .with_context(|| format!("writing the CA's certificate to {}", path.display()))?;
            }
        }
    }
    for (name, value) in &arguments.faults {
        router
            .faults()
            .turn(name, value)
            .with_context(|| format!("turning the fault {name}={value}"))?;
    }
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")?;
    router.stop();
    Ok(())
}

/// The journal and warnings on standard output, and the journal in a file where one is named.
fn log(arguments: &Arguments) -> anyhow::Result<()> {
    let printed = tracing_subscriber::fmt::layer()
        .with_target(false)
        .without_time()
        .with_ansi(std::io::stdout().is_terminal())
        .with_filter(EnvFilter::try_new(&arguments.log).context("reading --log as a tracing filter")?);
    let kept = match &arguments.journal {
        None => None,
        Some(path) => {
            let file = append(path)?;
            let layer = tracing_subscriber::fmt::layer()
                .with_target(false)
                .with_ansi(false)
                .with_writer(Mutex::new(file))
                .with_filter(EnvFilter::new(JOURNAL));
            Some(layer)
        }
    };
    tracing_subscriber::registry().with(printed).with(kept).init();
    Ok(())
}

fn append(path: &Path) -> anyhow::Result<std::fs::File> {
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| {
            format!(
                "opening the journal {} for appending: its directory must exist",
                path.display()
            )
        })
}

/// The router that the arguments describe.
fn config(arguments: &Arguments) -> anyhow::Result<Config> {
    let mut config = match &arguments.rows {
        None => Config::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading the rows from {}", path.display()))?;
            let file = || format!("in {}", path.display());
            Config::bare().rows_from_json(&text).with_context(file)?
        }
    };
    config = config.change(Menu::User, "tiklb", "password", &arguments.password);
    config = config.change(Menu::User, "tiklb", "name", &arguments.user);
    config.version = arguments.routeros.clone();
    config.certificate = (!arguments.plain).then_some(arguments.certificate);
    config.pace = arguments.clock.into();
    if let Some(name) = &arguments.identity {
        config.identity.clone_from(name);
    }
    config.board.clone_from(&arguments.board);
    config.serial.clone_from(&arguments.serial);
    config.lan_bridge.clone_from(&arguments.bridge);
    // Whoever writes for RouterOS may write anywhere; a stricter list is a switch.
    config.switches = Switches {
        allowed: Menu::ALL.to_vec(),
        ..Switches::default()
    };
    for (name, value) in &arguments.switches {
        config
            .switches
            .turn(name, value)
            .with_context(|| format!("turning the switch {name}={value}"))?;
    }
    Ok(config)
}
