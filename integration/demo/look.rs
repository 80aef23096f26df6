//! Step 4: everything agrees: the Services' statuses, the router's tables, the wire.

mod conflict;
mod record;

pub(super) use record::mac_of;

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};

use super::{Demo, EXAMPLES, Example, FIRST_SYNC, MIKROTIK_ROUTER, Placed, SOON};
use crate::home::{Answerer, POOL, PRINTER};
use crate::table::Table;
use crate::wait::until;
use crate::wire::tcp_connect;

impl Demo {
    pub(super) async fn look(&mut self) -> Result<()> {
        self.screen.step("Cluster, router and LAN agree")?;
        self.show_pools().await?;
        self.place().await?;
        self.show_services()?;
        self.show_answers().await?;
        self.show_records().await?;
        self.show_conflicts().await?;
        self.welcome_newcomer().await
    }

    /// What was taken out of the router's pool.
    async fn show_pools(&mut self) -> Result<()> {
        let expected = &self.pool - &self.range;
        if self.takes() {
            let what = format!("the router's pool to be {expected}");
            let home = &self.home;
            let cut = until(&what, SOON, async || {
                let now = home.pool(POOL)?;
                ensure!(
                    now == expected,
                    "expected the router's pool to be {expected}, found {now}"
                );
                Ok(())
            });
            self.screen
                .watch(&self.home, "the addresses to leave the router's pool", cut)
                .await?;
        } else {
            let home = &self.home;
            let excluded = home.router_condition(MIKROTIK_ROUTER, "PoolsExcluded", "True", SOON);
            let condition = self
                .screen
                .watch(&self.home, "tiklb to find that nothing is to be taken", excluded)
                .await?;
            let (reason, now) = (&condition["reason"], home.pool(POOL)?);
            ensure!(
                reason == "NothingToExclude" && now == self.pool,
                "expected PoolsExcluded for the reason NothingToExclude and an untouched pool {}, found {reason} and {now}",
                self.pool
            );
        }
        let after = self.since_applied();
        self.screen.say(if self.takes() {
            format!("The router's pool was cut {after} after the examples were applied.")
        } else {
            format!(
                "The router's pool holds none of {}: tiklb leaves it alone.",
                self.range
            )
        })?;
        Ok(())
    }

    /// Waits for the Services' addresses, and stands in for kube-proxy behind them.
    async fn place(&mut self) -> Result<()> {
        for example in EXAMPLES {
            let Example {
                namespace,
                name,
                port,
                asks,
            } = example;
            let found = self.home.service_address(namespace, name, FIRST_SYNC);
            let what = "proof of free addresses (a first sync takes 12 s)";
            let address = self.screen.watch(&self.home, what, found).await?;
            let free =
                self.range.contains(address) && !self.devices().iter().any(|(_, held)| *held == address);
            let own = !self.placed.iter().any(|placed| placed.address == address);
            ensure!(
                asks.is_none_or(|asks| asks == address) && free && own,
                "expected {} to have {}, found {address}",
                example.key(),
                asks.map_or_else(
                    || format!("a free address of {}", self.range),
                    |asks| asks.to_string()
                ),
            );
            self.home.serve(address, port).await?;
            self.placed.push(Placed {
                example,
                address,
                node: String::new(),
            });
        }
        Ok(())
    }

    fn show_services(&mut self) -> Result<()> {
        let after = self.since_applied();
        self.screen.say(format!(
            "The Services have their addresses {after} after they were applied."
        ))?;
        let mut table = Table::new(["NAMESPACE", "NAME", "EXTERNAL-IP", "PORT(S)", "ASKED FOR"]);
        for placed in &self.placed {
            let asks = placed.example.asks.map(|asks| asks.to_string());
            table.row([
                placed.example.namespace,
                placed.example.name,
                &placed.address.to_string(),
                &format!("{}/TCP", placed.example.port),
                asks.as_deref().unwrap_or("anything"),
            ]);
        }
        self.screen.show("kubectl get services -A", table)?;
        Ok(())
    }

    /// Who answers for the addresses, and who takes a connection.
    async fn show_answers(&mut self) -> Result<()> {
        let mut table = Table::new(["ADDRESS", "IS AT", "THAT IS", "AFTER", "A TCP CONNECTION REACHES"]);
        for index in 0..self.placed.len() {
            let placed = &self.placed[index];
            let answer = self.home.announcer(placed.address, SOON);
            let Answerer { host, answer } = self.screen.watch(&self.home, "a node to answer", answer).await?;
            ensure!(
                self.home.address_of(&host).is_ok(),
                "expected a node to answer for {}, found {host}",
                placed.address
            );
            let reached = tcp_connect(self.home.client()?, placed.socket(), SOON).await?;
            ensure!(
                reached == host,
                "expected a connection to {} to reach {host}, which answers for it, found {reached}",
                placed.socket()
            );
            table.row([
                &placed.address.to_string(),
                &answer.mac.to_string(),
                &host,
                &format!("{} µs", answer.after.as_micros()),
                &format!("{reached}, port {}", placed.example.port),
            ]);
            self.placed[index].node = host;
        }
        self.screen
            .show("the client asks the LAN (who has …?), and connects", table)?;
        if !self.home.control_plane().has_proxies() {
            self.screen
                .say("(Behind each address the lab stands in for kube-proxy: the node that gets the traffic answers.)")?;
        }
        Ok(())
    }

    /// The devices that tiklb has to find out about, as the LAN calls them, and their addresses.
    fn devices(&self) -> Vec<(&'static str, Ipv4Addr)> {
        let phone = self.home.phone().map(|phone| ("phone", phone.address()));
        let all = phone.into_iter().chain([("printer", PRINTER)]);
        all.filter(|(_, address)| self.range.contains(*address)).collect()
    }

    fn since_applied(&self) -> String {
        format!("{:.1} s", self.applied.elapsed().as_secs_f64())
    }
}
