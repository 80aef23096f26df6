//! Snapshots of real interfaces, and that every change brings one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use ipnet::IpNet;
use rtnetlink::packet_route::address::{AddressAttribute, CacheInfo};
use rtnetlink::packet_route::route::RouteMessage;
use rtnetlink::{AddressMessageBuilder, LinkBridge, LinkUnspec, LinkVeth, RouteMessageBuilder};
use tiklb::link::watch::{Exclusions, Interface, Kind, Snapshot, Unusable, watch};
use tiklb_core::model::MacAddr;
use tiklb_core::neighbor::InterfaceIndex;
use tokio::sync::watch::Receiver;

use crate::Body;
use crate::lan::{Lan, NODE, VIP, index_of, within};

/// The tests of this file.
pub(crate) const TESTS: &[(&str, Body)] = &[
    ("watch::the_first_snapshot_is_complete", |lan| {
        Box::pin(the_first_snapshot_is_complete(lan))
    }),
    ("watch::a_lost_carrier_is_seen_and_its_return", |lan| {
        Box::pin(a_lost_carrier_is_seen_and_its_return(lan))
    }),
    ("watch::addresses_and_macs_are_followed", |lan| {
        Box::pin(addresses_and_macs_are_followed(lan))
    }),
    ("watch::the_default_gateway_is_known", |lan| {
        Box::pin(the_default_gateway_is_known(lan))
    }),
    ("watch::a_router_of_ipv6_is_known", |lan| {
        Box::pin(a_router_of_ipv6_is_known(lan))
    }),
    ("watch::an_address_that_is_being_checked_is_told_apart", |lan| {
        Box::pin(an_address_that_is_being_checked_is_told_apart(lan))
    }),
    ("watch::interfaces_come_and_go", |lan| {
        Box::pin(interfaces_come_and_go(lan))
    }),
    ("watch::a_bridge_takes_its_port_over", |lan| {
        Box::pin(a_bridge_takes_its_port_over(lan))
    }),
    ("watch::lost_events_are_made_up_for", |lan| {
        Box::pin(lost_events_are_made_up_for(lan))
    }),
    ("watch::it_ends_with_its_last_receiver", |lan| {
        Box::pin(it_ends_with_its_last_receiver(lan))
    }),
];

type Snapshots = Receiver<Arc<Snapshot>>;

/// A running watch with MetalLB's exclusions.
async fn watching() -> Result<Snapshots> {
    let (snapshots, running) = watch(Exclusions::default()).await?;
    tokio::spawn(running.run());
    Ok(snapshots)
}

/// Waits until a snapshot says so.
async fn until(
    snapshots: &mut Snapshots,
    what: &str,
    says: impl Fn(&Snapshot) -> bool,
) -> Result<Arc<Snapshot>> {
    let said = within(what, snapshots.wait_for(|snapshot| says(snapshot))).await?;
    Ok(Arc::clone(&*said?))
}

fn eth0(snapshot: &Snapshot) -> Option<&Interface> {
    snapshot.interfaces.values().find(|i| i.name == "eth0")
}

async fn add_address(lan: &Lan, address: Ipv4Addr) -> Result<()> {
    let add = lan.node_links.address().add(lan.eth0.0, address.into(), 24);
    Ok(add.execute().await?)
}

async fn the_first_snapshot_is_complete(lan: Lan) -> Result<()> {
    add_address(&lan, VIP).await?;
    let (mut snapshots, running) = watch(Exclusions::default()).await?;
    let snapshot = Arc::clone(&snapshots.borrow());
    let eth0 = eth0(&snapshot).context("no eth0")?;
    assert_eq!((eth0.index, eth0.mac, eth0.mtu), (lan.eth0, Some(NODE), 1_500));
    assert_eq!(eth0.kind, Some(Kind::Veth));
    assert!(eth0.up && eth0.carrier && eth0.broadcast && !eth0.no_arp && !eth0.excluded);
    assert!(
        eth0.prefixes.contains(&format!("{VIP}/24").parse()?),
        "{:?}",
        eth0.prefixes
    );
    assert!(
        eth0.prefixes.iter().any(|p| p.addr().is_ipv6()),
        "link-local: {:?}",
        eth0.prefixes
    );
    let usable: Vec<&str> = snapshot.usable().map(|i| i.name.as_str()).collect();
    assert_eq!(usable, ["eth0"], "lo is there and excluded");
    assert!(snapshot.interfaces.values().any(|i| i.name == "lo" && i.excluded));
    // The kernel makes the link-local address when it likes.
    tokio::spawn(running.run());
    let has_ipv6 = |s: &Snapshot| s.usable().any(|i| i.prefixes.iter().any(|p| p.addr().is_ipv6()));
    until(&mut snapshots, "the link-local address", has_ipv6).await?;
    Ok(())
}

async fn a_lost_carrier_is_seen_and_its_return(lan: Lan) -> Result<()> {
    let mut snapshots = watching().await?;
    lan.set_in_peer(LinkUnspec::new_with_index(lan.lan0.0).down())
        .await?;
    let pulled = until(&mut snapshots, "a lost carrier", |s| {
        eth0(s).is_some_and(|i| !i.carrier)
    })
    .await?;
    let interface = eth0(&pulled).context("no eth0")?;
    assert_eq!(pulled.unusable(interface), Some(Unusable::NoCarrier));
    lan.set_in_peer(LinkUnspec::new_with_index(lan.lan0.0).up())
        .await?;
    until(&mut snapshots, "the carrier", |s| {
        s.usable().any(|i| i.name == "eth0")
    })
    .await?;
    lan.set(LinkUnspec::new_with_index(lan.eth0.0).down()).await?;
    until(&mut snapshots, "eth0 set down", |s| {
        eth0(s).is_some_and(|i| !i.up)
    })
    .await?;
    Ok(())
}

async fn addresses_and_macs_are_followed(lan: Lan) -> Result<()> {
    let mut snapshots = watching().await?;
    let has_vip =
        |s: &Snapshot| eth0(s).is_some_and(|i| i.prefixes.iter().any(|p| p.addr() == IpAddr::V4(VIP)));
    assert!(!has_vip(&snapshots.borrow()));
    add_address(&lan, VIP).await?;
    until(&mut snapshots, "a new address", has_vip).await?;
    let message = AddressMessageBuilder::<Ipv4Addr>::new()
        .index(lan.eth0.0)
        .address(VIP, 24);
    lan.node_links.address().del(message.build()).execute().await?;
    until(&mut snapshots, "the address to go", |s| !has_vip(s)).await?;
    let other = MacAddr(2, 0, 0, 0, 0, 0x77);
    let renamed = LinkUnspec::new_with_index(lan.eth0.0).address(other.octets().to_vec());
    lan.set(renamed).await?;
    until(&mut snapshots, "a new MAC", |s| {
        eth0(s).is_some_and(|i| i.mac == Some(other))
    })
    .await?;
    Ok(())
}

async fn the_default_gateway_is_known(lan: Lan) -> Result<()> {
    // The kernel takes no gateway that is on none of its networks.
    add_address(&lan, VIP).await?;
    let gateway = Ipv4Addr::new(192, 168, 77, 1);
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .gateway(gateway)
        .priority(205)
        .build();
    comes_and_goes(&lan, route, (gateway.into(), 205)).await
}

async fn a_router_of_ipv6_is_known(lan: Lan) -> Result<()> {
    let router = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    let route = RouteMessageBuilder::<Ipv6Addr>::new()
        .output_interface(lan.eth0.0)
        .gateway(router)
        .priority(206)
        .build();
    comes_and_goes(&lan, route, (router.into(), 206)).await
}

/// The gateway of a default route is known with its metric as long as there is that route.
async fn comes_and_goes(lan: &Lan, route: RouteMessage, (gateway, metric): (IpAddr, u32)) -> Result<()> {
    let mut snapshots = watching().await?;
    let known = |s: &Snapshot| {
        s.gateways
            .get(&lan.eth0)
            .is_some_and(|all| all.get(&gateway) == Some(&metric))
    };
    lan.node_links.route().add(route.clone()).execute().await?;
    until(&mut snapshots, "the gateway", known).await?;
    lan.node_links.route().del(route).execute().await?;
    until(&mut snapshots, "the gateway to go", |s| !known(s)).await?;
    Ok(())
}

async fn an_address_that_is_being_checked_is_told_apart(lan: Lan) -> Result<()> {
    let mut snapshots = watching().await?;
    let address = Ipv6Addr::new(0xfd00, 0, 0, 0x77, 0, 0, 0, 0x11);
    let add = lan.node_links.address().add(lan.eth0.0, address.into(), 64);
    add.execute().await?;
    let has = |s: &Snapshot| eth0(s).is_some_and(|i| i.prefixes.iter().any(|p| p.addr() == address));
    let passes = |s: &Snapshot| eth0(s).is_some_and(|i| i.passing.contains(&address));
    until(&mut snapshots, "an address that is checked", |s| {
        has(s) && passes(s)
    })
    .await?;
    until(&mut snapshots, "an address that was checked", |s| {
        has(s) && !passes(s)
    })
    .await?;
    let mut add = lan
        .node_links
        .address()
        .add(lan.eth0.0, address.into(), 64)
        .replace();
    let mut lifetimes = CacheInfo::default();
    (lifetimes.ifa_preferred, lifetimes.ifa_valid) = (0, 600);
    add.message_mut()
        .attributes
        .push(AddressAttribute::CacheInfo(lifetimes));
    add.execute().await?;
    until(&mut snapshots, "an address that was withdrawn", |s| {
        has(s) && passes(s)
    })
    .await?;
    Ok(())
}

async fn interfaces_come_and_go(lan: Lan) -> Result<()> {
    let mut snapshots = watching().await?;
    let veth = LinkVeth::new("eth1", "veth1");
    lan.node_links.link().add(veth.build()).execute().await?;
    let index = index_of(&lan.node_links, "eth1").await?;
    let named = |s: &Snapshot, name: &str| s.interfaces.values().find(|i| i.name == name).cloned();
    let both = until(&mut snapshots, "two new interfaces", |s| {
        named(s, "eth1").is_some() && named(s, "veth1").is_some()
    })
    .await?;
    let veth1 = named(&both, "veth1").context("veth1")?;
    assert_eq!(both.unusable(&veth1), Some(Unusable::Excluded));
    let eth1 = named(&both, "eth1").context("eth1")?;
    assert_eq!((eth1.index, both.unusable(&eth1)), (index, Some(Unusable::Down)));
    lan.node_links.link().del(index.0).execute().await?;
    let gone = |s: &Snapshot| named(s, "eth1").is_none() && named(s, "veth1").is_none();
    until(&mut snapshots, "both to go", gone).await?;
    Ok(())
}

async fn a_bridge_takes_its_port_over(lan: Lan) -> Result<()> {
    let mut snapshots = watching().await?;
    let bridge = LinkBridge::new("br0").up();
    lan.node_links.link().add(bridge.build()).execute().await?;
    let br0: InterfaceIndex = index_of(&lan.node_links, "br0").await?;
    lan.set(LinkUnspec::new_with_index(lan.eth0.0).controller(br0.0))
        .await?;
    let bridged = until(&mut snapshots, "eth0 in the bridge", |s| {
        eth0(s).is_some_and(|i| i.master == Some(br0)) && s.usable().any(|i| i.name == "br0")
    })
    .await?;
    let port = eth0(&bridged).context("no eth0")?;
    assert_eq!(bridged.unusable(port), Some(Unusable::Member(br0)));
    assert_eq!(
        bridged.interfaces.get(&br0).and_then(|i| i.kind.clone()),
        Some(Kind::Bridge)
    );
    lan.set(LinkUnspec::new_with_index(lan.eth0.0).nocontroller())
        .await?;
    until(&mut snapshots, "eth0 out of the bridge", |s| {
        s.usable().any(|i| i.name == "eth0")
    })
    .await?;
    Ok(())
}

/// More events than the socket's buffer holds while nobody reads them: the kernel drops some and breaks the
/// subscription once.
async fn lost_events_are_made_up_for(lan: Lan) -> Result<()> {
    let mut snapshots = watching().await?;
    let index = lan.eth0.0;
    let address = |n: u32| Ipv4Addr::from_bits(u32::from_be_bytes([10, 0, 0, 0]) + n);
    let count = 2_000;
    lan.while_this_thread_stands_still(move |links| async move {
        for n in 0..count {
            links
                .address()
                .add(index, address(n).into(), 32)
                .execute()
                .await?;
        }
        Ok(())
    })?;
    assert!(lost_events()? > 0, "the flood was too small to test anything");
    until(&mut snapshots, "all of the addresses", |s| {
        let all =
            |i: &Interface| (0..count).all(|n| i.prefixes.contains(&IpNet::from(IpAddr::V4(address(n)))));
        eth0(s).is_some_and(all)
    })
    .await?;
    lan.set_in_peer(LinkUnspec::new_with_index(lan.lan0.0).down())
        .await?;
    until(&mut snapshots, "a change after the break", |s| {
        eth0(s).is_some_and(|i| !i.carrier)
    })
    .await?;
    Ok(())
}

/// Events that the kernel could not queue for this namespace's subscribers to links, addresses and routes.
fn lost_events() -> Result<u64> {
    // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
    let table = std::fs::read_to_string("/proc/thread-self/net/netlink")?;
    let watched = "00000551";
    let rows = table
        .lines()
        .map(|row| row.split_whitespace().collect::<Vec<&str>>());
    let ours = rows.filter(|row| row.get(3) == Some(&watched));
    ours.map(|row| Ok(row.get(8).context("Drops")?.parse::<u64>()?))
        .sum()
}

async fn it_ends_with_its_last_receiver(lan: Lan) -> Result<()> {
    let (snapshots, running) = watch(Exclusions::default()).await?;
    let running = tokio::spawn(running.run());
    drop(snapshots);
    within("the end", running).await??;
    drop(lan);
    Ok(())
}
