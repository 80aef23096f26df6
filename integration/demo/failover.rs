//! Step 5: the announcing node's link is cut while a client sends every millisecond.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use routeros_sim::Menu;

use super::{Narrator, SERVICES, marked};
use crate::home::{BOUND, Home};
use crate::wire::Pinger;

/// A MetalLB takes about five seconds; this is the goal of this stage.
const SILENCE: Duration = Duration::from_millis(500);
/// How long a returned node is watched: it would take the address back within its first heartbeats if it did at all.
const WATCHED: Duration = Duration::from_secs(2);

pub(super) async fn show(home: &mut Home, narrator: &Narrator) -> Result<()> {
    let (namespace, name, port, _) = SERVICES[0];
    let address = home.address(namespace, name).await?;
    let owner = home.announcer(address).await?;
    narrator.step(&format!("{} answers for {address}; its cable is cut", owner.host));
    let target = SocketAddrV4::new(address, port);
    let pinger = Pinger::start(home.lan.host("client")?, target)?;
    pinger
        .wait_for(|answer| *answer.node == *owner.host, BOUND)
        .await?;
    home.lan.cut(&owner.host).await?;
    let cut = Instant::now();
    let next = pinger
        .wait_for(|answer| *answer.node != *owner.host, BOUND)
        .await?;
    let report = pinger.stop()?;
    let silence = report.silence.length();
    narrator.say(&format!(
        "longest silence of a client that sends every millisecond: {} ms ({} of {} lost)",
        silence.as_millis(),
        report.lost(),
        report.sent
    ));
    narrator.say(&format!("{} answers now", next.node));
    ensure!(
        silence < SILENCE,
        "the silence should be below {} ms",
        SILENCE.as_millis()
    );
    let mac = home.lan.host(&next.node)?.link("eth0").await?.mac.to_string();
    followed(home, narrator, address, &mac).await?;
    narrator.timed("the ARP row on the router followed", cut);
    back(home, narrator, address, &owner.host, &next.node).await
}

/// The row that a person sees on the router names the new node.
async fn followed(home: &Home, narrator: &Narrator, address: Ipv4Addr, mac: &str) -> Result<()> {
    let named = |home: &Home| {
        let row = marked(home, Menu::Arp, &address.to_string());
        row.is_some_and(|row| {
            row.get("mac-address")
                .is_some_and(|found| found.eq_ignore_ascii_case(mac))
        })
    };
    super::router_until(home, narrator, "the ARP row to follow", named).await?;
    if let Some(row) = marked(home, Menu::Arp, &address.to_string()) {
        narrator.say(&format!("/ip/arp {row}"));
    }
    Ok(())
}

/// The node comes back, and nothing moves.
async fn back(home: &Home, narrator: &Narrator, address: Ipv4Addr, old: &str, new: &str) -> Result<()> {
    home.lan.mend(old).await?;
    let returned = Instant::now();
    while returned.elapsed() < WATCHED {
        let answer = home.announcer(address).await?;
        ensure!(
            answer.host == new,
            "{} took {address} when {old} came back",
            answer.host
        );
    }
    narrator.say(&format!(
        "{old} is back; {new} goes on answering: nothing moves back by itself"
    ));
    Ok(())
}
