//! Router and devices: what tiklb will find.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use lab::home::{Home, NAS, PHONE, POOL, PRINTER, Plan, Ranges};
use lab::lan::Mac;
use libtest_mimic::Trial;
use routeros_sim::{Config, Menu, diff};

use crate::ground::{Outcome, ip, net, trials};

const BOUND: Duration = Duration::from_secs(20);

pub(crate) fn trials() -> Vec<Trial> {
    trials![devices:
        the_phone_holds_an_address_in_the_range_and_renews_it,
        a_newcomer_is_given_an_address_and_gives_it_back,
        the_printer_answers_and_the_router_has_not_heard_of_it,
        a_person_can_have_shrunk_the_pool_before,
        a_home_can_do_without_a_phone,
        hosts_are_told_by_their_mac,
        nodes_send_no_redirects,
    ]
}

async fn the_phone_holds_an_address_in_the_range_and_renews_it() -> Outcome {
    let home = Home::build(Plan::default()).await?;
    let phone = home.phone().context("a phone")?;
    ensure!(phone.address() == PHONE && PHONE == ip("192.168.1.201"));
    let row = home
        .row(Menu::Lease, "address", "192.168.1.201")
        .context("its lease")?;
    ensure!(
        row.get("status") == Some("bound")
            && row.get("dynamic") == Some("true")
            && row.get("host-name") == Some("annas-phone"),
        "{row}"
    );
    let renewed = phone.kept().wait_for_renewal(Instant::now(), BOUND).await?;
    ensure!(renewed.address == net("192.168.1.201/24"), "{renewed:?}");
    ensure!(home.announcer(PHONE, BOUND).await?.host == "phone");
    let nas = home
        .row(Menu::Lease, "address", &NAS.to_string())
        .context("the lease of a person")?;
    ensure!(
        nas.get("dynamic") == Some("false") && nas.get("comment") == Some("nas (backups)"),
        "{nas}"
    );
    ensure!(home.pool(POOL)?.to_string() == "192.168.1.100-192.168.1.254");
    Ok(())
}

async fn a_newcomer_is_given_an_address_and_gives_it_back() -> Outcome {
    let home = Home::build(Plan::default()).await?;
    let before = home.router().snapshot();
    let mut newcomer = home.newcomer().await?;
    let address = newcomer.lease().context("a lease")?.address.addr();
    ensure!(
        home.pool(POOL)?.contains(address) && address != PHONE,
        "{address}"
    );
    ensure!(home.announcer(address, BOUND).await?.host == "newcomer");
    newcomer.release().await?;
    let after = home.router().snapshot();
    ensure!(
        diff(&before.configured(), &after.configured()).is_empty(),
        "devices configure nothing"
    );
    Ok(())
}

async fn the_printer_answers_and_the_router_has_not_heard_of_it() -> Outcome {
    let home = Home::build(Plan::default()).await?;
    ensure!(home.announcer(PRINTER, BOUND).await?.host == "printer");
    for menu in [Menu::Lease, Menu::Arp] {
        let row = home.row(menu, "address", &PRINTER.to_string());
        ensure!(row.is_none(), "{menu} has a row for it: {row:?}");
    }
    Ok(())
}

async fn a_person_can_have_shrunk_the_pool_before() -> Outcome {
    let shrunk: Ranges = "100-199".parse()?;
    let home = Home::build(Plan::default().pool(&shrunk)).await?;
    ensure!(home.pool(POOL)? == shrunk);
    let phone = home.phone().context("a phone")?.address();
    ensure!(phone == ip("192.168.1.150"), "{phone}");
    ensure!(home.answerers(PHONE).await?.is_empty(), "{PHONE} is free");
    let newcomer = home.newcomer().await?;
    ensure!(shrunk.contains(newcomer.lease().context("a lease")?.address.addr()));
    Ok(())
}

async fn a_home_can_do_without_a_phone() -> Outcome {
    for plan in [
        Plan::default().without_phone(),
        Plan::default().router(Config::bare()),
    ] {
        let home = Home::build(plan).await?;
        ensure!(home.phone().is_none() && home.answerers(PHONE).await?.is_empty());
    }
    let elsewhere = Plan::default().phone_at(ip("192.168.1.210"));
    let home = Home::build(elsewhere).await?;
    ensure!(home.announcer(ip("192.168.1.210"), BOUND).await?.host == "phone");
    let nowhere = Plan::default().phone_at(ip("192.168.1.99"));
    let error = Home::build(nowhere).await.err().context("no pool holds .99")?;
    ensure!(
        format!("{error:#}").contains("is 192.168.1.99 in the router's pool?"),
        "{error:#}"
    );
    Ok(())
}

async fn hosts_are_told_by_their_mac() -> Outcome {
    let home = Home::build(Plan::default().nodes(2)).await?;
    ensure!(home.node_names().eq(["node1", "node2"]));
    ensure!(home.address_of("node2")? == ip("192.168.1.12") && home.address_of("node3").is_err());
    ensure!(home.host_with(Mac([2, 0, 0, 0, 1, 12])) == "node2");
    ensure!(home.host_with(Mac([2, 9, 9, 9, 9, 9])) == "02:09:09:09:09:09");
    Ok(())
}

async fn nodes_send_no_redirects() -> Outcome {
    let home = Home::build(Plan::default().without_phone()).await?;
    for node in home.node_names() {
        for scope in ["all", "eth0"] {
            let path = format!("/proc/sys/net/ipv4/conf/{scope}/send_redirects");
            let value = home.lan().host(node)?.run(|| std::fs::read_to_string(&path))??;
            ensure!(value == "0\n", "{node} {scope}: {value:?}");
        }
    }
    Ok(())
}
