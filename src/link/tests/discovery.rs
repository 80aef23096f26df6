//! NDP against a kernel: it believes our advertisements, gives up an address that is ours, and the groups are joined and
//! left.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::TryStreamExt as _;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags};
use rtnetlink::packet_route::neighbour::{NeighbourAddress, NeighbourAttribute};
use tiklb::link::filter::Filter;
use tiklb::link::group::Groups;
use tiklb::link::packet::PacketSocket;
use tiklb_core::model::{AddressRange, Instant, MacAddr, RangeSet};
use tiklb_core::neighbor::responder::AnswerWith;
use tiklb_core::neighbor::{Message, Ndp, Responder, Verdict, ndp};

use crate::Body;
use crate::lan::{Lan, NODE, eventually, within};

/// The tests of this file.
pub(crate) const TESTS: &[(&str, Body)] = &[
    ("discovery::the_kernel_believes_our_advertisement", |lan| {
        Box::pin(the_kernel_believes_our_advertisement(lan))
    }),
    (
        "discovery::a_stranger_that_configures_our_address_gives_it_up",
        |lan| Box::pin(a_stranger_that_configures_our_address_gives_it_up(lan)),
    ),
    ("discovery::a_takeover_moves_the_kernels_entry", |lan| {
        Box::pin(a_takeover_moves_the_kernels_entry(lan))
    }),
    ("discovery::groups_are_joined_and_left", |lan| {
        Box::pin(groups_are_joined_and_left(lan))
    }),
];

const VIP: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0x77, 0, 0, 0, 0x200);
const CLIENT: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0x77, 0, 0, 0, 0x50);

/// The socket under test.
fn open(lan: &Lan) -> Result<PacketSocket> {
    let range = AddressRange::parse("fd00:0:0:77::200-fd00:0:0:77::210")?;
    Ok(PacketSocket::open(
        lan.eth0,
        &Filter::ndp(NODE, &RangeSet::from(range)),
    )?)
}

fn responder(lan: &Lan) -> Responder {
    let mut responder = Responder::new(Duration::from_secs(20));
    responder.set_interface(lan.eth0, NODE);
    responder.announce(VIP, [(lan.eth0, AnswerWith::Own)]);
    responder
}

/// Answers what comes until the condition holds.
async fn answering<F: Future<Output = Result<bool>>>(
    lan: &Lan,
    socket: &mut PacketSocket,
    what: &str,
    holds: impl Fn() -> F,
) -> Result<()> {
    let responder = responder(lan);
    let answers = async {
        loop {
            socket.readable().await?;
            let mut replies = Vec::new();
            socket.drain(|received| {
                if let Ok(message) = Message::parse(received.frame)
                    && let Verdict::Answer { reply, .. } = responder.decide(
                        lan.eth0,
                        message,
                        Duration::ZERO,
                        Instant::at(Duration::from_secs(1)),
                    )
                {
                    replies.push(reply);
                }
            })?;
            for reply in replies {
                socket.send(&reply)?;
            }
        }
    };
    tokio::select! {
        answered = answers => answered,
        held = eventually(what, holds) => held,
    }
}

/// The client's own address, which it uses at once.
async fn configure(lan: &Lan, address: Ipv6Addr, at_once: bool) -> Result<()> {
    let mut add = lan.peer_links.address().add(lan.lan0.0, IpAddr::V6(address), 64);
    if at_once {
        let flags = AddressAttribute::Flags(AddressFlags::Nodad);
        add.message_mut().attributes.push(flags);
    }
    Ok(add.execute().await?)
}

/// What the client's kernel has noted for the address.
async fn noted(lan: &Lan) -> Result<Option<MacAddr>> {
    let mut entries = lan.peer_links.neighbours().get().execute();
    while let Some(entry) = entries.try_next().await? {
        let address = NeighbourAttribute::Destination(NeighbourAddress::Inet6(VIP));
        if !entry.attributes.contains(&address) {
            continue;
        }
        let mac = entry.attributes.iter().find_map(|attribute| match attribute {
            NeighbourAttribute::LinkLayerAddress(mac) => <[u8; 6]>::try_from(mac.as_slice()).ok(),
            _ => None,
        });
        return Ok(mac.map(MacAddr::from));
    }
    Ok(None)
}

/// Has the client's kernel ask for the address.
fn talk(lan: &Lan) -> Result<()> {
    let sent = lan.in_peer(|| {
        let socket = UdpSocket::bind((CLIENT, 0))?;
        socket.send_to(b"hello", SocketAddrV6::new(VIP, 9, 0, 0))
    })?;
    sent.map(drop).context("sending from the client")
}

async fn the_kernel_believes_our_advertisement(lan: Lan) -> Result<()> {
    let mut socket = open(&lan)?;
    configure(&lan, CLIENT, true).await?;
    talk(&lan)?;
    let what = "the client's entry for the address";
    answering(&lan, &mut socket, what, async || {
        Ok(noted(&lan).await? == Some(NODE))
    })
    .await
}

/// RFC 4862 section 5.4.3: the address is taken, and the kernel says so of its own.
async fn a_stranger_that_configures_our_address_gives_it_up(lan: Lan) -> Result<()> {
    let mut socket = open(&lan)?;
    configure(&lan, VIP, false).await?;
    let what = "the stranger's address to be marked as a duplicate";
    answering(&lan, &mut socket, what, async || {
        let mut addresses = lan
            .peer_links
            .address()
            .get()
            .set_address_filter(VIP.into())
            .execute();
        let mut failed = false;
        while let Some(message) = addresses.try_next().await? {
            failed |= message.attributes.iter().any(|attribute| {
                matches!(attribute, AddressAttribute::Flags(flags) if flags.contains(AddressFlags::Dadfailed))
            });
        }
        Ok(failed)
    })
    .await
}

/// Also right after the entry was made: the override flag is believed at any age.
async fn a_takeover_moves_the_kernels_entry(lan: Lan) -> Result<()> {
    let mut socket = open(&lan)?;
    configure(&lan, CLIENT, true).await?;
    talk(&lan)?;
    let what = "the client's entry for the address";
    answering(&lan, &mut socket, what, async || {
        Ok(noted(&lan).await? == Some(NODE))
    })
    .await?;
    let heir = MacAddr(2, 0, 0, 0, 0, 0x02);
    socket.send(&Ndp::gratuitous(heir, VIP).frame())?;
    eventually("the entry to move", async || Ok(noted(&lan).await? == Some(heir))).await?;
    // And the poke, which is answered to the new address.
    socket.send(&Ndp::poke(NODE, VIP, crate::lan::PEER, CLIENT).frame())?;
    let mut answered = false;
    while !answered {
        within("an answer to the poke", socket.readable()).await??;
        socket.drain(|received| {
            let read = Ndp::parse(received.frame);
            answered |= read.is_ok_and(|ndp| ndp.target == CLIENT && ndp.eth_dst == NODE);
        })?;
    }
    eventually("the entry to move back", async || {
        Ok(noted(&lan).await? == Some(NODE))
    })
    .await
}

async fn groups_are_joined_and_left(lan: Lan) -> Result<()> {
    let group = ndp::solicited_node(VIP);
    let joined = || -> Result<bool> {
        let text = std::fs::read_to_string("/proc/thread-self/net/igmp6")?;
        let written = format!("{:032x}", group.to_bits());
        Ok(text
            .lines()
            .any(|line| line.contains("eth0") && line.contains(&written)))
    };
    let mut groups = Groups::open(lan.eth0)?;
    assert!(!joined()?);
    groups.set(&BTreeSet::from([group]))?;
    assert!(joined()?);
    groups.set(&BTreeSet::from([group]))?;
    groups.set(&BTreeSet::new())?;
    assert!(!joined()?);
    groups.set(&BTreeSet::from([group]))?;
    drop(groups);
    eventually("the group to be left with its socket", async || Ok(!joined()?)).await
}
