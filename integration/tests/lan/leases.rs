//! The DHCP client, against a server that is just large enough.

use std::time::{Duration, Instant};

use anyhow::ensure;
use lab::lan::{HostPlan, Lan, Mac};
use lab::wire::{Capture, DhcpClient, Error};
use libtest_mimic::Trial;
use routeros_sim::{Config, Menu, Router};

use crate::dhcp_server::Server;
use crate::ground::{Outcome, apart, ip, mac, net, trials};

const BOUND: Duration = Duration::from_secs(10);

pub(crate) fn trials() -> Vec<Trial> {
    trials![leases:
        a_phone_gets_configures_renews_and_releases,
        a_newcomer_on_the_same_interface_gets_another,
        a_phone_asks_for_what_it_had,
        a_kept_lease_is_renewed_until_dropped,
        the_simulated_router_serves_it,
        a_refusal_is_told,
        without_a_server_it_ends_in_time,
        without_a_lease_there_is_nothing_to_renew,
    ]
}

async fn lan() -> anyhow::Result<Lan> {
    let router = HostPlan::router("router", net("192.168.1.1/24"));
    Ok(apart()?
        .host(router)
        .host(HostPlan::bare("phone"))
        .build()
        .await?)
}

async fn a_phone_gets_configures_renews_and_releases() -> Outcome {
    let lan = lan().await?;
    let phone = lan.host("phone")?;
    let server = Server::start(lan.host("router")?)?;
    let mut client = DhcpClient::new(phone).await?.hostname("anna's phone");
    let lease = client.acquire(BOUND).await?;
    ensure!(
        lease.address == net("192.168.1.100/24") && lease.server == ip("192.168.1.1"),
        "{lease:?}"
    );
    ensure!(lease.router == Some(ip("192.168.1.1")) && lease.lease_time == Duration::from_mins(10));
    ensure!(
        server.heard()
            == [
                "discover anna's phone broadcast",
                "request anna's phone broadcast 192.168.1.100"
            ],
        "{:?}",
        server.heard()
    );
    ensure!(
        phone.addresses("eth0").await?.is_empty(),
        "it is not configured by itself"
    );

    client.configure().await?;
    ensure!(phone.addresses("eth0").await? == [net("192.168.1.100/24")]);
    ensure!(client.renew(BOUND).await?.address == lease.address);
    ensure!(
        server.heard()[2] == "request anna's phone unicast for 192.168.1.100",
        "{:?}",
        server.heard()
    );

    client.release().await?;
    server.wait_for("release unicast for 192.168.1.100").await?;
    ensure!(client.lease().is_none() && phone.addresses("eth0").await?.is_empty());
    Ok(())
}

async fn a_newcomer_on_the_same_interface_gets_another() -> Outcome {
    let lan = lan().await?;
    let phone = lan.host("phone")?;
    let _server = Server::start(lan.host("router")?)?;
    let mut first = DhcpClient::new(phone).await?;
    let mut second = DhcpClient::new(phone).await?.mac(Mac([2, 0, 0, 9, 9, 9]));
    ensure!(first.acquire(BOUND).await?.address.addr() == ip("192.168.1.100"));
    ensure!(second.acquire(BOUND).await?.address.addr() == ip("192.168.1.101"));
    ensure!(
        first.acquire(BOUND).await?.address.addr() == ip("192.168.1.100"),
        "the server knows it"
    );
    Ok(())
}

async fn a_phone_asks_for_what_it_had() -> Outcome {
    let lan = lan().await?;
    let server = Server::start(lan.host("router")?)?;
    let mut client = DhcpClient::new(lan.host("phone")?).await?;
    let lease = client.acquire_wanting(Some(ip("192.168.1.205")), BOUND).await?;
    ensure!(lease.address.addr() == ip("192.168.1.205"), "{lease:?}");
    ensure!(
        server.heard()[0] == "discover broadcast 192.168.1.205",
        "{:?}",
        server.heard()
    );
    Ok(())
}

async fn a_kept_lease_is_renewed_until_dropped() -> Outcome {
    let lan = lan().await?;
    let phone = lan.host("phone")?;
    let server = Server::start(lan.host("router")?)?;
    let mut client = DhcpClient::new(phone).await?;
    client.acquire(BOUND).await?;
    client.configure().await?;
    let kept = client.keep_renewing(Duration::from_millis(20));
    let lease = kept.wait_for_renewal(Instant::now(), BOUND).await?;
    ensure!(lease.address == net("192.168.1.100/24"));
    server.refuse();
    let error = kept
        .wait_for_renewal(
            Instant::now() + Duration::from_millis(30),
            Duration::from_millis(200),
        )
        .await;
    let error = error.unwrap_err().to_string();
    ensure!(error.contains("NAK") || error.contains("no lease"), "{error}");
    let capture = Capture::start(phone, "eth0")?;
    drop((kept, capture));
    Ok(())
}

async fn the_simulated_router_serves_it() -> Outcome {
    let lan = lan().await?;
    let (phone, host) = (lan.host("phone")?, lan.host("router")?);
    let address = "192.168.1.1:443".parse()?;
    let router = host
        .call(Router::start(Config::default(), address, Some("bridge")))
        .await??;
    let wanted = ip("192.168.1.205");
    let status = || {
        let rows = router.rows(Menu::Lease);
        let row = rows
            .iter()
            .find(|row| row.get("address") == Some("192.168.1.205"));
        row.map(|row| {
            (
                row.get("status").map(str::to_owned),
                row.get("host-name").map(str::to_owned),
            )
        })
    };
    let mut client = DhcpClient::new(phone).await?.hostname("phone");
    let lease = client.acquire_wanting(Some(wanted), BOUND).await?;
    ensure!(
        lease.address == net("192.168.1.205/24") && lease.router == Some(ip("192.168.1.1")),
        "{lease:?}"
    );
    ensure!(
        status() == Some((Some("bound".to_owned()), Some("phone".to_owned()))),
        "{:?}",
        router.rows(Menu::Lease)
    );
    client.configure().await?;
    ensure!(client.renew(BOUND).await?.address == lease.address);
    let newcomer = DhcpClient::new(phone)
        .await?
        .mac(Mac([2, 0, 0, 9, 9, 9]))
        .acquire(BOUND)
        .await?;
    ensure!(
        newcomer.address != lease.address && newcomer.server == lease.server,
        "{newcomer:?}"
    );
    client.release().await?;
    let gone = async {
        while status().is_some_and(|(status, _)| status.as_deref() == Some("bound")) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(BOUND, gone).await?;
    Ok(())
}

async fn a_refusal_is_told() -> Outcome {
    let lan = lan().await?;
    let server = Server::start(lan.host("router")?)?;
    server.refuse();
    let mut client = DhcpClient::new(lan.host("phone")?).await?;
    let error = client.acquire(BOUND).await.unwrap_err();
    ensure!(
        error.to_string() == "phone: the DHCP server said no (NAK)",
        "{error}"
    );
    Ok(())
}

async fn without_a_server_it_ends_in_time() -> Outcome {
    let lan = lan().await?;
    let mut client = DhcpClient::new(lan.host("phone")?).await?;
    let error = client.acquire(Duration::from_millis(200)).await.unwrap_err();
    ensure!(
        matches!(error, Error::TooLate { .. }) && error.to_string().contains("an offer of a DHCP server"),
        "{error}"
    );
    Ok(())
}

async fn without_a_lease_there_is_nothing_to_renew() -> Outcome {
    let lan = lan().await?;
    let phone = lan.host("phone")?;
    let mut client = DhcpClient::new(phone).await?;
    ensure!(
        client.renew(BOUND).await.is_err()
            && client.configure().await.is_err()
            && client.release().await.is_err()
    );
    ensure!(phone.link("eth0").await?.mac == mac(0xe1));
    Ok(())
}
