//! Hosts, cables, addresses.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::ensure;
use lab::lan::{Error, Host, HostPlan, Lan, Mac};
use libtest_mimic::Trial;

use crate::ground::{Outcome, apart, ip, net, small_lan, trials};

pub(crate) fn trials() -> Vec<Trial> {
    trials![hosts:
        the_bridge_forwards_between_hosts,
        eight_hosts_are_built_in_well_under_a_second,
        a_cut_takes_the_carrier_and_mending_gives_it_back,
        a_port_may_be_cut_and_unplugged_at_once,
        unplugged_is_silent_with_carrier,
        addresses_come_and_go,
        macs_and_settings_are_as_planned,
        impossible_plans_are_refused,
        threads_and_tasks_are_in_the_host,
        a_lan_leaves_the_switch_s_namespace_as_it_was,
    ]
}

/// What arrives does so within microseconds, or after a second where the sender's kernel has asked for the neighbour in
/// vain and asks again.
const ARRIVAL: Duration = Duration::from_secs(5);

/// Long enough to see what gets through.
const SILENCE: Duration = Duration::from_millis(300);

fn reaches(from: &Host, to: &Host, address: &str) -> anyhow::Result<bool> {
    arrives(from, to, address, ARRIVAL)
}

fn is_silent(from: &Host, to: &Host, address: &str) -> anyhow::Result<bool> {
    Ok(!arrives(from, to, address, SILENCE)?)
}

/// Sends a datagram from one host to another; whether it arrived.
fn arrives(from: &Host, to: &Host, address: &str, bound: Duration) -> anyhow::Result<bool> {
    let receiver = to.run(|| UdpSocket::bind((address, 0)))??;
    let target = receiver.local_addr()?;
    let sender = from.run(|| UdpSocket::bind("0.0.0.0:0"))??;
    receiver.set_read_timeout(Some(bound))?;
    sender.send_to(b"hello", target)?;
    match receiver.recv(&mut [0; 16]) {
        Ok(length) => Ok(length == 5),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn the_bridge_forwards_between_hosts() -> Outcome {
    let lan = small_lan().await?;
    ensure!(reaches(lan.host("client")?, lan.host("node1")?, "192.168.1.11")?);
    ensure!(reaches(lan.host("node2")?, lan.host("router")?, "192.168.1.1")?);
    Ok(())
}

async fn eight_hosts_are_built_in_well_under_a_second() -> Outcome {
    let begun = Instant::now();
    let mut builder = apart()?;
    for number in 1..=8 {
        builder = builder.host(HostPlan::node(
            &format!("node{number}"),
            net(&format!("192.168.1.{number}0/24")),
        ));
    }
    let lan = builder.gateway(ip("192.168.1.10")).build().await?;
    let took = begun.elapsed();
    ensure!(lan.hosts().count() == 8);
    eprintln!("8 hosts in {took:?}");
    // The other tests run beside this one, on whatever machine this is: only a grave error is one.
    ensure!(took < Duration::from_secs(5), "took {took:?}");
    Ok(())
}

async fn a_cut_takes_the_carrier_and_mending_gives_it_back() -> Outcome {
    let lan = small_lan().await?;
    let node1 = lan.host("node1")?;
    ensure!(node1.link("eth0").await?.carrier);
    lan.cut("node1").await?;
    let cut = node1.link("eth0").await?;
    ensure!(cut.up && !cut.carrier, "{cut:?}");
    ensure!(is_silent(lan.host("client")?, node1, "192.168.1.11")?);
    lan.mend("node1").await?;
    let mended = node1.link("eth0").await?;
    ensure!(mended.carrier && mended.operational, "{mended:?}");
    ensure!(reaches(lan.host("client")?, node1, "192.168.1.11")?);
    Ok(())
}

async fn a_port_may_be_cut_and_unplugged_at_once() -> Outcome {
    let lan = small_lan().await?;
    let node1 = lan.host("node1")?;
    lan.cut("node1").await?;
    lan.unplug("node1").await?;
    lan.mend("node1").await?;
    ensure!(is_silent(lan.host("client")?, node1, "192.168.1.11")?);
    lan.cut("node1").await?;
    lan.replug("node1").await?;
    lan.mend("node1").await?;
    lan.mend("node1").await?;
    ensure!(reaches(lan.host("client")?, node1, "192.168.1.11")?);
    Ok(())
}

async fn unplugged_is_silent_with_carrier() -> Outcome {
    let lan = small_lan().await?;
    let node1 = lan.host("node1")?;
    lan.unplug("node1").await?;
    ensure!(node1.link("eth0").await?.carrier);
    ensure!(is_silent(lan.host("client")?, node1, "192.168.1.11")?);
    lan.replug("node1").await?;
    ensure!(reaches(lan.host("client")?, node1, "192.168.1.11")?);
    Ok(())
}

async fn addresses_come_and_go() -> Outcome {
    let lan = small_lan().await?;
    let node1 = lan.host("node1")?;
    lan.add_address("node1", net("192.168.1.200/32"), "lo").await?;
    lan.add_address("node1", net("192.168.1.200/32"), "lo").await?;
    ensure!(node1.addresses("lo").await?.contains(&net("192.168.1.200/32")));
    // arp_ignore=1: the kernel does not answer for it, so nobody gets there.
    ensure!(is_silent(lan.host("client")?, node1, "192.168.1.200")?);
    lan.add_address("node1", net("192.168.1.200/32"), "eth0").await?;
    lan.host("client")?.flush_neighbor(ip("192.168.1.200")).await?;
    ensure!(reaches(lan.host("client")?, node1, "192.168.1.200")?);
    lan.del_address("node1", ip("192.168.1.200")).await?;
    lan.del_address("node1", ip("192.168.1.200")).await?;
    ensure!(node1.addresses("lo").await? == [net("127.0.0.1/8")]);
    ensure!(node1.addresses("eth0").await? == [net("192.168.1.11/24")]);
    Ok(())
}

async fn macs_and_settings_are_as_planned() -> Outcome {
    let lan = apart()?
        .host(HostPlan::router("router", net("192.168.1.1/24")))
        .host(HostPlan::node("node1", net("192.168.1.11/24")))
        .host(HostPlan::bare("phone"))
        .host(
            HostPlan::client("odd", net("192.168.1.60/24"))
                .interface("lan0")
                .mac(Mac([2, 1, 2, 3, 4, 5])),
        )
        .build()
        .await?;
    ensure!(lan.host("router")?.link("bridge").await?.mac == Mac([2, 0, 0, 0, 1, 1]));
    ensure!(lan.host("node1")?.link("eth0").await?.mac == Mac([2, 0, 0, 0, 1, 11]));
    ensure!(lan.host("phone")?.link("eth0").await?.mac == Mac([2, 0, 0, 0, 1, 0xe2]));
    ensure!(lan.host("odd")?.link("lan0").await?.mac == Mac([2, 1, 2, 3, 4, 5]));
    let read = |host: &str, key: &str| -> anyhow::Result<String> {
        let path = format!("/proc/sys/net/ipv4/{key}");
        Ok(lan
            .host(host)?
            .run(|| std::fs::read_to_string(path))??
            .trim()
            .to_owned())
    };
    for (host, forward, ignore, announce) in [
        ("router", "1", "0", "0"),
        ("node1", "1", "1", "2"),
        ("odd", "0", "0", "0"),
    ] {
        ensure!(read(host, "ip_forward")? == forward, "{host}");
        ensure!(read(host, "conf/all/arp_ignore")? == ignore, "{host}");
        ensure!(read(host, "conf/all/arp_announce")? == announce, "{host}");
        ensure!(read(host, "conf/all/rp_filter")? == "0", "{host}");
    }
    Ok(())
}

async fn impossible_plans_are_refused() -> Outcome {
    let refused = |error: Result<Lan, Error>, expected: &str| {
        let text = error.map(|_| ()).unwrap_err().to_string();
        ensure!(text.contains(expected), "{text}");
        Ok(())
    };
    refused(
        apart()?.host(HostPlan::bare("Node 1")).build().await,
        "\"Node 1\" cannot be a host's name",
    )?;
    refused(
        apart()?.host(HostPlan::bare("a-name-too-long")).build().await,
        "1 to 13",
    )?;
    let twice = apart()?
        .host(HostPlan::bare("node1"))
        .host(HostPlan::bare("node1"))
        .build()
        .await;
    refused(twice, "two hosts are called node1")?;
    let clash = apart()?
        .host(HostPlan::node("node1", net("192.168.1.11/24")))
        .host(HostPlan::node("node2", net("192.168.2.11/24")))
        .build()
        .await;
    refused(clash, "node1 and node2")?;
    let lan = small_lan().await?;
    ensure!(matches!(lan.cut("nobody").await, Err(Error::UnknownHost(_))));
    ensure!(matches!(
        lan.host("node1")?.link("eth9").await,
        Err(Error::UnknownInterface { .. })
    ));
    Ok(())
}

async fn threads_and_tasks_are_in_the_host() -> Outcome {
    let host = Host::create("box", "eth0")?;
    let namespace = || std::fs::read_link("/proc/thread-self/ns/net").unwrap();
    let outside = namespace();
    let inside = host.run(namespace)?;
    ensure!(inside != outside);
    ensure!(host.thread("look", namespace)?.join().unwrap() == inside);
    ensure!(host.call(async move { namespace() }).await? == inside);
    ensure!(host.runtime().spawn_blocking(namespace).await? == inside);
    ensure!(namespace() == outside);
    Ok(())
}

async fn a_lan_leaves_the_switch_s_namespace_as_it_was() -> Outcome {
    let switch = Host::create("switch", "switch")?;
    for _ in 0..2 {
        let plan = HostPlan::client("client", net("192.168.1.50/24"));
        let lan = Lan::builder()
            .switch_in(switch.clone())
            .switch_address(net("192.168.1.10/24"))
            .host(plan)
            .build()
            .await?;
        ensure!(reaches(lan.switch(), lan.host("client")?, "192.168.1.50")?);
        lan.close().await?;
        ensure!(matches!(
            switch.link("switch").await,
            Err(Error::UnknownInterface { .. })
        ));
        ensure!(matches!(
            switch.link("p-client").await,
            Err(Error::UnknownInterface { .. })
        ));
    }
    Ok(())
}
