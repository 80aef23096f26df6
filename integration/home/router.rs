//! The home's router: a simulated MikroTik on the router host.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use routeros_sim::{Config, Lease, Mac, Menu, Router};

use crate::lan::Lan;

/// Where the router is.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

/// What the router is to be like.
#[derive(Debug, Clone)]
pub struct RouterPlan {
    /// `ranges` of `dhcp_pool`.
    pub pool: String,
    /// Everything else.
    pub config: Config,
}

impl Default for RouterPlan {
    /// 192.168.1.1/24, `dhcp_pool` from .100 to .254, and a person's static lease for a NAS outside of it.
    fn default() -> Self {
        let nas = Lease::fixed(
            Ipv4Addr::new(192, 168, 1, 20),
            Mac([0x00, 0x11, 0x32, 0x5a, 0x10, 0x20]),
        );
        Self {
            pool: "192.168.1.100-192.168.1.254".to_owned(),
            config: Config::default().lease(nas.comment("nas")),
        }
    }
}

impl RouterPlan {
    /// The same with other ranges in its DHCP pool; last octets will do: `100-199`.
    #[must_use]
    pub fn pool(self, ranges: &str) -> Self {
        let whole = |end: &str| {
            if end.contains('.') {
                end.to_owned()
            } else {
                format!("192.168.1.{end}")
            }
        };
        let entry = |entry: &str| {
            let ends: Vec<String> = entry.split('-').map(|end| whole(end.trim())).collect();
            ends.join("-")
        };
        let entries: Vec<String> = ranges.split(',').map(entry).collect();
        Self {
            pool: entries.join(","),
            ..self
        }
    }

    /// The same with something changed.
    #[must_use]
    pub fn with(self, change: impl FnOnce(Config) -> Config) -> Self {
        Self {
            config: change(self.config),
            ..self
        }
    }
}

pub(super) async fn start(lan: &Lan, plan: &RouterPlan) -> Result<Router> {
    let config = plan
        .config
        .clone()
        .change(Menu::Pool, "dhcp_pool", "ranges", &plan.pool);
    let listen = SocketAddr::from((ADDRESS, 443));
    lan.host("router")?
        .call(Router::start(config, listen, Some("bridge")))
        .await?
        .with_context(|| format!("starting the router with the DHCP pool {}", plan.pool))
}
