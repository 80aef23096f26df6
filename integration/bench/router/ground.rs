//! A home in which 1,000 Services have their addresses and are announced, before there is a MikrotikRouter.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use routeros_sim::{Config, Menu};
use serde_json::json;

use super::super::service::settle;
use super::super::{Stage, ground};
use super::passage::Passage;
use crate::home::{self, Home, POOL, Plan, ROUTER};

/// Services, and so addresses.
pub(super) const SERVICES_IN_ALL: usize = 1_000;

/// 1,000 addresses of a network that the router serves beside the home's own.
pub(super) const RANGE: &str = "10.20.2.0-10.20.5.231";

/// What its DHCP pool holds at first.
const RANGES: &str = "192.168.1.100-192.168.1.254,10.20.0.100-10.20.7.250";

/// Where the counted door to the router is.
const DOOR: u16 = 8_443;

/// A thousand Services are assigned within seconds; a first claim asks three times for each address, and its record waits
/// for its turn.
const SETTLED: Duration = Duration::from_mins(3);

/// The object's name.
pub(super) const MIKROTIK: &str = "router";

/// A home with its door to the router.
pub(super) struct Ground {
    pub(super) home: Home,
    pub(super) passage: Passage,
}

impl Ground {
    pub(super) async fn build(stage: &mut Stage) -> Result<Self> {
        let config = Config::default()
            .change(Menu::Pool, POOL, "ranges", RANGES)
            .row(
                Menu::Address,
                [("address", "10.20.0.1/21"), ("interface", "bridge")],
            )
            .row(
                Menu::Network,
                [("address", "10.20.0.0/21"), ("gateway", "10.20.0.1")],
            );
        let plan = Plan::default().without_phone().router(config).tiklb(&stage.tiklb);
        let home = ground::build(&mut stage.screen, plan).await?;
        let host = home.lan().host("router")?;
        let (door, target) = (SocketAddr::from((ROUTER, DOOR)), SocketAddr::from((ROUTER, 443)));
        let passage = Passage::open(host, door, target).await?;
        let settled = settle(&home, RANGE, SERVICES_IN_ALL, SETTLED);
        let what = format!("{SERVICES_IN_ALL} Services to have addresses and announcers");
        stage.screen.watch(&home, &what, settled).await?;
        Ok(Self { home, passage })
    }

    /// Applies the MikrotikRouter, as the guide has it but for the door.
    pub(super) async fn apply_router(&self) -> Result<()> {
        let router = json!({
            "apiVersion": "tiklb.io/v1alpha1",
            "kind": "MikrotikRouter",
            "metadata": {"name": MIKROTIK, "namespace": home::NAMESPACE},
            "spec": {
                "url": url(),
                "clusterName": "home",
                "credentialsSecretRef": {"name": "mikrotik"},
                "tls": {"caSecretRef": {"name": "mikrotik-ca", "key": "ca.crt"}},
            },
        });
        self.home.kube().apply(router).await?;
        Ok(())
    }

    /// Lease rows and ARP rows that have a comment of ours.
    pub(super) fn rows(&self) -> (usize, usize) {
        let count = |menu| {
            let rows = self.home.router().rows(menu);
            let comments = rows.iter().filter_map(|row| row.get("comment"));
            comments.filter(|text| text.starts_with("tiklb/v1 home/")).count()
        };
        (count(Menu::Lease), count(Menu::Arp))
    }
}

/// Where the router is reached through the door.
pub(super) fn url() -> String {
    format!("https://{ROUTER}:{DOOR}")
}
