//! The simulator alone: a router on an address, its journal printed as it happens.

use std::io::IsTerminal as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use clap::{ArgAction, Parser};
use routeros_sim::{Certificate, Config, PASSWORD, Router, Version};
use tracing_subscriber::EnvFilter;

/// A MikroTik router that is none: RouterOS's REST API, with DHCP and ARP where it is given an interface.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "ROUTEROS_SIM_LISTEN", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Serve plain HTTP instead of HTTPS.
    #[arg(long, env = "ROUTEROS_SIM_PLAIN", action = ArgAction::SetTrue)]
    plain: bool,
    /// Which RouterOS to be, such as 7.20.8 or "7.23.7 (long-term)".
    #[arg(long, env = "ROUTEROS_SIM_VERSION", default_value = "7.20.8")]
    routeros: Version,
    /// Linux interface that stands for the router's bridge: DHCP is served and ARP is read there.
    #[arg(long, env = "ROUTEROS_SIM_INTERFACE")]
    interface: Option<String>,
    /// Password of the user `tiklb`.
    #[arg(long, env = "ROUTEROS_SIM_PASSWORD", default_value = PASSWORD, hide_env_values = true)]
    password: String,
    /// Where to write the CA's certificate (PEM); without it, it is printed.
    #[arg(long, env = "ROUTEROS_SIM_CA")]
    ca: Option<std::path::PathBuf>,
    /// What to print, as a tracing filter.
    #[arg(
        long,
        env = "ROUTEROS_SIM_LOG",
        default_value = "warn,routeros_sim::journal=info"
    )]
    log: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&arguments.log).context("reading --log as a tracing filter")?)
        .with_target(false)
        .without_time()
        .with_ansi(std::io::stdout().is_terminal())
        .init();
    let config = Config {
        version: arguments.routeros,
        certificate: (!arguments.plain).then(Certificate::default),
        ..Config::default()
    };
    let config = config.change(routeros_sim::Menu::User, "tiklb", "password", &arguments.password);
    let router = Router::start(config, arguments.listen, arguments.interface.as_deref()).await?;
    println!("{}/rest  user tiklb", router.url());
    if let Some(pem) = router.ca_pem() {
        match &arguments.ca {
            None => print!("{pem}"),
            Some(path) => {
                std::fs::write(path, pem)
                    .with_context(|| format!("writing the CA's certificate to {}", path.display()))?;
            }
        }
    }
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")?;
    router.stop();
    Ok(())
}
