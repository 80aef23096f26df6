//! What stands on the router for each address, in Winbox's tables.

use anyhow::{Context as _, Result, ensure};
use routeros_sim::{Menu, Row};

use super::super::{ADDRESS_POOL, Demo, Placed, SOON, rows};
use crate::home::Home;
use crate::kube::NAMESPACES;
use crate::lan::Mac;
use crate::wait::until;
use crate::wire::tcp_connect;

/// `clusterName` of the example's `MikrotikRouter`.
const CLUSTER: &str = "home";

impl Demo {
    /// A row in the lease table and one in the ARP table for each address, under its Service's name; and the pool.
    pub(super) async fn show_records(&mut self) -> Result<()> {
        let system = self.home.kube().get(NAMESPACES, "kube-system").await?;
        let uid = system["metadata"]["uid"].as_str().unwrap_or_default();
        let uid = uid.get(..8).context("the namespace kube-system has no UID")?;
        let (home, placed) = (&self.home, &self.placed);
        let recorded = until("rows for every address", SOON, async || {
            check_pool(home)?;
            placed.iter().try_for_each(|placed| check_rows(home, placed, uid))
        });
        self.screen
            .watch(&self.home, "the rows on the router", recorded)
            .await?;
        // As from the Internet, by a rule that forwards a port: the router itself has to find the address.
        let router = self.home.lan().host("router")?;
        tcp_connect(router, self.placed[0].socket(), SOON)
            .await
            .context("connecting from the router")?;
        self.show_tables()
    }

    fn show_tables(&mut self) -> Result<()> {
        let router = self.home.router();
        let pools = rows::pools(self.first.rows(Menu::Pool), &router.rows(Menu::Pool));
        let leases = rows::leases(&router.rows(Menu::Lease));
        let neighbors = rows::neighbors(&router.rows(Menu::Arp));
        self.screen.show("router: /ip/pool", pools)?;
        self.screen
            .show("router: /ip/dhcp-server/lease (D: dynamic)", leases)?;
        self.screen.show(
            "router: /ip/arp (X: disabled, to be seen by a person; D: learned by the router itself; C: complete)",
            neighbors,
        )?;
        Ok(())
    }
}

/// Our own pool, which holds the range so that nobody takes it.
fn check_pool(home: &Home) -> Result<()> {
    let name = format!("tiklb-{CLUSTER}-{ADDRESS_POOL}");
    home.pool(&name)
        .map(drop)
        .with_context(|| format!("expected a pool {name} on the router"))
}

/// The row's MAC address.
pub(in super::super) fn mac_of(row: &Row) -> Option<Mac> {
    row.get("mac-address")?.parse().ok()
}

fn check_rows(home: &Home, placed: &Placed, uid: &str) -> Result<()> {
    let marker = format!("tiklb/v1 {CLUSTER}/{uid} {}", placed.example.key());
    // What a person writes after it is theirs.
    let ours = |row: &Row| {
        row.get("comment")
            .is_some_and(|comment| comment.starts_with(&marker))
    };
    let address = placed.address.to_string();
    for menu in [Menu::Lease, Menu::Arp] {
        let rows = home.router().rows(menu);
        let row = rows
            .iter()
            .find(|row| row.get("address") == Some(&address) && ours(row));
        let row = row.with_context(|| {
            format!("expected a row for {address} in {menu}, with the comment {marker:?}")
        })?;
        let shown = match menu {
            Menu::Arp => {
                row.get("disabled") == Some("true")
                    && mac_of(row).is_some_and(|mac| home.host_with(mac) == placed.node)
            }
            _ => row.get("dynamic") == Some("false"),
        };
        ensure!(
            shown,
            "expected a static lease, and a disabled ARP row with the MAC address of {}; found in {menu}: {row}",
            placed.node
        );
    }
    Ok(())
}
