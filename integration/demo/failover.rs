//! Step 5: the node that answers dies under a client that asks every millisecond.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use routeros_sim::{Menu, Row};
use tokio::time::Instant;

use super::look::mac_of;
use super::{Demo, Placed, SOON, rows};
use crate::home::Home;
use crate::wait::until;
use crate::wire::{PingAnswer, PingReport, Pinger};

/// Pings before the cut, one a millisecond: what a person would call steady.
const STEADY: u64 = 300;

/// How long nothing must happen after the node is back. A planned move takes milliseconds where it is wanted.
const OBSERVED: Duration = Duration::from_secs(3);

/// A silence up to here is one that no person notices; the goal is a tenth of it, and other speakers of ARP need five
/// seconds. A machine that is overloaded makes even this longer.
const LIMIT: Duration = Duration::from_millis(500);

impl Demo {
    pub(super) async fn fail_over(&mut self) -> Result<()> {
        let placed = self.placed[0].clone();
        let node = placed.node.clone();
        self.screen.step(&format!(
            "The cable of {node} is cut, which answers for {}",
            placed.address
        ))?;
        let pinger = Pinger::start(self.home.client()?, placed.socket())?;
        let steady = async {
            let before = |answer: &PingAnswer| *answer.node == *node && answer.sequence >= STEADY;
            Ok(pinger.wait_for(before, SOON).await?)
        };
        self.screen.watch(&self.home, "steady answers", steady).await?;
        self.home.lan().cut(&node).await?;
        let after = async { Ok(pinger.wait_for(|answer| *answer.node != *node, SOON).await?) };
        let heir = self
            .screen
            .watch(&self.home, "another node to answer", after)
            .await?
            .node
            .to_string();
        self.follow(&placed, &heir).await?;
        self.bring_back(&pinger, &node, &placed, &heir).await?;
        let report = pinger.stop()?;
        self.tell(&report)?;
        self.renew_placed().await
    }

    /// What the router knows must follow: its own row, and the one that a person looks at.
    async fn follow(&mut self, placed: &Placed, heir: &str) -> Result<()> {
        let begun = Instant::now();
        let home = &self.home;
        let followed = until("the router's rows to follow", SOON, async || {
            let rows = rows_of(home, placed);
            let at_heir = |row: &Row| mac_of(row).is_some_and(|mac| home.host_with(mac) == heir);
            ensure!(
                rows.len() >= 2 && rows.iter().all(at_heir),
                "expected the router's ARP rows for {} (the learned one and tiklb's) to have the MAC address of {heir}, \
                 found {rows:?}",
                placed.address
            );
            Ok(rows)
        });
        let rows = self
            .screen
            .watch(&self.home, "the router's rows to follow", followed)
            .await?;
        let took = begun.elapsed().as_millis();
        self.screen.say(format!(
            "{heir} took over from {}; the router's rows had followed {took} ms later:",
            placed.node
        ))?;
        self.screen.show("router: /ip/arp", rows::neighbors(&rows))?;
        Ok(())
    }

    /// The node comes back, and the address stays where it is: that is the default.
    async fn bring_back(&mut self, pinger: &Pinger, node: &str, placed: &Placed, heir: &str) -> Result<()> {
        let last = pinger.wait_for(|answer| *answer.node == *heir, SOON).await?;
        self.home.lan().mend(node).await?;
        let returned = async {
            match pinger.leaves(&last, OBSERVED).await {
                None => Ok(()),
                Some(answer) => bail!(
                    "expected {} to stay at {heir} when {node} came back, found it at {}",
                    placed.address,
                    answer.node
                ),
            }
        };
        let what = format!("{node}, which is back, to leave the address where it is");
        self.screen.watch(&self.home, &what, returned).await?;
        let announcer = self.home.announcer(placed.address, SOON).await?;
        ensure!(
            announcer.host == heir,
            "expected {heir} to answer for {} still, found {}",
            placed.address,
            announcer.host
        );
        self.screen.say(format!(
            "\n{node} is back. {heir} keeps the address: no move without need (failback: Never)."
        ))?;
        Ok(())
    }

    fn tell(&mut self, report: &PingReport) -> Result<()> {
        let silence = &report.silence;
        let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
        self.screen.say(format!(
            "\nlongest silence at the client: {:.1} ms ({} -> {}); {} of {} datagrams unanswered, one was sent each \
             millisecond (the client itself was late by {:.1} ms at most)",
            millis(silence.length()),
            silence.before.as_deref().unwrap_or("nobody"),
            silence.after.as_deref().unwrap_or("nobody"),
            report.lost(),
            report.sent,
            millis(report.lateness),
        ))?;
        ensure!(
            silence.length() <= LIMIT + report.lateness && report.repeated == 0,
            "expected a silence of at most {LIMIT:?} and each datagram answered by one node, found {:?} and {} answered \
             twice",
            silence.length(),
            report.repeated
        );
        Ok(())
    }

    /// Who answers for what now: the node that died may have had more than one address.
    async fn renew_placed(&mut self) -> Result<()> {
        for placed in &mut self.placed {
            placed.node = self
                .home
                .announcer(placed.address, SOON)
                .await
                .with_context(|| format!("asking who has {} now", placed.example.key()))?
                .host;
        }
        Ok(())
    }
}

/// The router's ARP rows for an address.
fn rows_of(home: &Home, placed: &Placed) -> Vec<Row> {
    let address = placed.address.to_string();
    let mut rows = home.router().rows(Menu::Arp);
    rows.retain(|row| row.get("address") == Some(&address));
    rows
}
