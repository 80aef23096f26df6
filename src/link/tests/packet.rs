//! What a packet socket delivers, what it never delivers, and what it says when its interface goes away.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::TryStreamExt as _;
use rtnetlink::LinkUnspec;
use rtnetlink::packet_route::neighbour::{NeighbourAddress, NeighbourAttribute};
use tiklb::link::packet::{BUDGET, PacketSocket, SocketError, any_readable};
use tiklb_core::model::{self, MacAddr};
use tiklb_core::neighbor::responder::AnswerWith;
use tiklb_core::neighbor::{Announcements, Arp, InterfaceIndex, Operation, Peer, Responder, Verdict};

use crate::Body;
use crate::lan::{
    CLIENT, Lan, NODE, PEER, VIP, eventually, filter, frames, goes_on, within, without_the_runtime,
};

/// The tests of this file.
pub(crate) const TESTS: &[(&str, Body)] = &[
    ("packet::foreign_frames_are_never_delivered", |lan| {
        Box::pin(foreign_frames_are_never_delivered(lan))
    }),
    ("packet::no_stray_frame_before_bind", |lan| {
        Box::pin(no_stray_frame_before_bind(lan))
    }),
    ("packet::the_filter_is_replaced_while_open", |lan| {
        Box::pin(the_filter_is_replaced_while_open(lan))
    }),
    ("packet::the_kernel_believes_our_answer", |lan| {
        Box::pin(the_kernel_believes_our_answer(lan))
    }),
    ("packet::a_poke_is_answered_by_the_kernel", |lan| {
        Box::pin(a_poke_is_answered_by_the_kernel(lan))
    }),
    ("packet::a_drain_stops_at_its_budget", |lan| {
        Box::pin(a_drain_stops_at_its_budget(lan))
    }),
    ("packet::who_has_read_all_waits", |lan| {
        Box::pin(who_has_read_all_waits(lan))
    }),
    ("packet::a_drain_asks_the_kernel", |lan| {
        Box::pin(a_drain_asks_the_kernel(lan))
    }),
    ("packet::frames_know_how_long_they_waited", |lan| {
        Box::pin(frames_know_how_long_they_waited(lan))
    }),
    ("packet::what_did_not_fit_is_counted", |lan| {
        Box::pin(what_did_not_fit_is_counted(lan))
    }),
    ("packet::an_interface_set_down_is_an_error_and_returns", |lan| {
        Box::pin(an_interface_set_down_is_an_error_and_returns(lan))
    }),
    ("packet::a_removed_interface_is_gone", |lan| {
        Box::pin(a_removed_interface_is_gone(lan))
    }),
    ("packet::an_interface_that_never_was_cannot_be_opened", |lan| {
        Box::pin(async move { an_interface_that_never_was_cannot_be_opened(&lan) })
    }),
    ("packet::waiting_for_no_socket_never_ends", |lan| {
        Box::pin(waiting_for_no_socket_never_ends(lan))
    }),
];

const OURS: &[&str] = &["192.168.77.200-192.168.77.210"];

pub(crate) fn question(target_ip: Ipv4Addr) -> Arp {
    Arp {
        op: Operation::Request,
        eth_src: PEER,
        eth_dst: MacAddr::broadcast(),
        sender_mac: PEER,
        sender_ip: CLIENT,
        target_mac: MacAddr::zero(),
        target_ip,
    }
}

/// The same frame with an 802.1Q tag of that VLAN.
fn tagged(arp: &Arp, vlan: u8) -> Vec<u8> {
    let frame = arp.frame();
    let (addresses, rest) = frame.split_at(12);
    [addresses, &[0x81, 0x00, 0x00, vlan], rest].concat()
}

/// The same frame with other bytes at `offset`.
fn patched(arp: &Arp, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = arp.frame().to_vec();
    for (byte, value) in frame.iter_mut().skip(offset).zip(bytes) {
        *byte = *value;
    }
    frame
}

/// Frames of a LAN that have nothing to do with our addresses.
fn foreign() -> Vec<Vec<u8>> {
    let ours = question(VIP);
    let elsewhere = MacAddr(2, 0, 0, 0, 0, 0x99);
    let multicast = MacAddr(1, 0, 0x5e, 0, 0, 1);
    let to = |eth_dst| Arp { eth_dst, ..ours }.frame().to_vec();
    vec![
        patched(&ours, 12, &[0x08, 0x00]),
        patched(&ours, 12, &[0x86, 0xdd]),
        patched(&ours, 12, &[0x88, 0xcc]),
        patched(&ours, 12, &[0x80, 0x35]),
        tagged(&ours, 5),
        tagged(
            &Arp {
                eth_dst: NODE,
                ..ours
            },
            5,
        ),
        question(Ipv4Addr::new(192, 168, 77, 199)).frame().to_vec(),
        question(Ipv4Addr::new(192, 168, 77, 211)).frame().to_vec(),
        Arp::gratuitous(PEER, CLIENT).frame().to_vec(),
        to(elsewhere),
        to(multicast),
        patched(&ours, 14, &[0, 6]),
        patched(&ours, 16, &[0x86, 0xdd]),
        patched(&ours, 18, &[8]),
        patched(&ours, 20, &[0, 3]),
    ]
}

async fn foreign_frames_are_never_delivered(lan: Lan) -> Result<()> {
    let mut socket = lan.open(OURS)?;
    let mut peer = lan.peer_socket()?;
    let before = lan.received_by_eth0().await?;
    let foreign = foreign();
    let rounds = 50;
    for frame in foreign.iter().cycle().take(foreign.len() * rounds) {
        peer.send(frame)?;
    }
    let client = Peer {
        mac: PEER,
        address: CLIENT,
    };
    let for_us = [
        question(VIP),
        Arp {
            eth_dst: NODE,
            ..question(VIP)
        },
        Arp::probe(PEER, VIP),
        Arp::poke(NODE, VIP, client).answer(PEER, PEER),
        Arp::gratuitous(PEER, Ipv4Addr::new(192, 168, 77, 210)),
    ];
    for arp in &for_us {
        peer.send(&arp.frame())?;
    }
    // VLAN 0 is a priority, not a VLAN: the kernel takes the tag off.
    peer.send(&tagged(&question(VIP), 0))?;
    let for_us = [&for_us[..], &[question(VIP)]].concat();
    // In order behind the flood: when these are here, the flood has passed.
    assert_eq!(frames(&mut socket, for_us.len()).await?, for_us);
    assert_eq!(socket.drain(|_| ())?.frames, 0);
    let sent = u64::try_from(foreign.len() * rounds + for_us.len())?;
    let arrived = lan.received_by_eth0().await? - before;
    assert!(arrived >= sent, "{arrived} of {sent} frames reached eth0");
    Ok(())
}

/// Foreign ARP at full rate while sockets are opened: one that is bound before its filter is there queues some.
async fn no_stray_frame_before_bind(lan: Lan) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut peer = lan.peer_socket()?;
    let flood = std::thread::spawn({
        let stop = Arc::clone(&stop);
        let frame = question(Ipv4Addr::new(192, 168, 77, 1)).frame();
        move || {
            while !stop.load(Ordering::Relaxed) {
                // A full queue is part of a flood.
                let _ = peer.send(&frame);
            }
        }
    });
    let outcome = open_repeatedly(&lan).await;
    stop.store(true, Ordering::Relaxed);
    ensure!(flood.join().is_ok(), "the flood panicked");
    outcome
}

async fn open_repeatedly(lan: &Lan) -> Result<()> {
    // Sockets are opened until this many frames of the flood went by; without the flood nothing is tested.
    let enough = 300_000;
    let start = lan.received_by_eth0().await?;
    let (mut opened, mut strays) = (0, 0);
    while opened < 300 || lan.received_by_eth0().await? < start + enough {
        let mut socket = lan.open(OURS)?;
        strays += socket.drain(|_| ())?.frames;
        opened += 1;
    }
    assert_eq!(strays, 0, "of {opened} sockets");
    Ok(())
}

async fn the_filter_is_replaced_while_open(lan: Lan) -> Result<()> {
    let (first, second) = (VIP, Ipv4Addr::new(10, 9, 8, 7));
    let mut socket = lan.open(OURS)?;
    let mut peer = lan.peer_socket()?;
    let both = [question(first), question(second)];
    for arp in &both {
        peer.send(&arp.frame())?;
    }
    assert_eq!(frames(&mut socket, 1).await?, [question(first)]);
    socket.set_filter(&filter(&["10.9.8.0/24"])?)?;
    for arp in &both {
        peer.send(&arp.frame())?;
    }
    assert_eq!(frames(&mut socket, 1).await?, [question(second)]);
    Ok(())
}

/// Gives the peer its address; its kernel is the judge of what we send.
async fn address_the_peer(lan: &Lan) -> Result<()> {
    let add = lan.peer_links.address().add(lan.lan0.0, CLIENT.into(), 24);
    Ok(add.execute().await?)
}

/// The MAC that the peer's kernel has for the address.
async fn peers_neighbour(lan: &Lan, address: Ipv4Addr) -> Result<Option<MacAddr>> {
    let mut neighbours = lan.peer_links.neighbours().get().execute();
    while let Some(neighbour) = neighbours.try_next().await? {
        let is_it = neighbour
            .attributes
            .contains(&NeighbourAttribute::Destination(NeighbourAddress::Inet(address)));
        let mac = neighbour.attributes.iter().find_map(|attribute| match attribute {
            NeighbourAttribute::LinkLayerAddress(bytes) => <[u8; 6]>::try_from(bytes.as_slice()).ok(),
            _ => None,
        });
        if is_it && mac.is_some() {
            return Ok(mac.map(MacAddr::from));
        }
    }
    Ok(None)
}

async fn the_kernel_believes_our_answer(lan: Lan) -> Result<()> {
    address_the_peer(&lan).await?;
    let mut socket = lan.open(OURS)?;
    let client = lan.in_peer(|| UdpSocket::bind((CLIENT, 0)))??;
    client.send_to(b"who are you", (VIP, 9))?;
    let asked = frames(&mut socket, 1).await?;
    let mut responder = Responder::new(Duration::from_secs(1));
    responder.set_interface(lan.eth0, NODE);
    responder.announce(VIP, [(lan.eth0, AnswerWith::Own)]);
    let now = model::Instant::ZERO;
    let verdict = responder.decide(lan.eth0, &asked[0], Duration::ZERO, now);
    let Verdict::Answer { reply, .. } = verdict else {
        anyhow::bail!("the kernel's own request is not answered: {verdict:?}");
    };
    socket.send(&reply)?;
    eventually("the peer's neighbour entry", || async {
        Ok(peers_neighbour(&lan, VIP).await? == Some(NODE))
    })
    .await?;
    assert_eq!(socket.counters().sent, 1);
    Ok(())
}

async fn a_poke_is_answered_by_the_kernel(lan: Lan) -> Result<()> {
    address_the_peer(&lan).await?;
    let mut socket = lan.open(OURS)?;
    let client = Peer {
        mac: PEER,
        address: CLIENT,
    };
    let start = model::Instant::ZERO;
    let mut announcements = Announcements::new();
    announcements.start(VIP, lan.eth0, NODE, [client], [], start);
    let mut due = Vec::new();
    announcements.poll(start, &mut || 0, &mut due);
    for outgoing in &due {
        socket.send(&outgoing.frame)?;
    }
    let answer = frames(&mut socket, 1).await?;
    let verified = announcements.hear(lan.eth0, &answer[0], start);
    assert_eq!(
        verified.map(|v| (v.address, v.peer)),
        Some((VIP.into(), client.into()))
    );
    assert_eq!(
        peers_neighbour(&lan, VIP).await?,
        Some(NODE),
        "the request itself taught it"
    );
    Ok(())
}

async fn a_drain_stops_at_its_budget(lan: Lan) -> Result<()> {
    let mut socket = lan.open(OURS)?;
    let mut peer = lan.peer_socket()?;
    let sent = 2 * BUDGET + 7;
    for _ in 0..sent {
        peer.send(&question(VIP).frame())?;
    }
    let mut drains = Vec::new();
    while drains.iter().sum::<usize>() < sent {
        within("a frame", any_readable([&socket])).await??;
        let drained = socket.drain(|_| ())?;
        assert_eq!(drained.more, drained.frames == BUDGET);
        drains.push(drained.frames);
    }
    assert_eq!(drains, [BUDGET, BUDGET, 7]);
    Ok(())
}

/// Otherwise the thread that reads would spin.
async fn who_has_read_all_waits(lan: Lan) -> Result<()> {
    let mut socket = lan.open(OURS)?;
    let mut peer = lan.peer_socket()?;
    for _ in 0..2 {
        peer.send(&question(VIP).frame())?;
        frames(&mut socket, 1).await?;
        assert_eq!(socket.drain(|_| ())?.frames, 0);
        goes_on("waiting for a frame", socket.readable()).await?;
    }
    Ok(())
}

/// What came while the thread was at work counts in its next look, although the runtime has not heard of it.
async fn a_drain_asks_the_kernel(lan: Lan) -> Result<()> {
    let mut socket = lan.open(OURS)?;
    let mut peer = lan.peer_socket()?;
    peer.send(&question(VIP).frame())?;
    frames(&mut socket, 1).await?;
    assert_eq!(socket.drain(|_| ())?.frames, 0);
    peer.send(&question(VIP).frame())?;
    without_the_runtime("a frame", || Ok(socket.drain(|_| ())?.frames == 1))
}

async fn frames_know_how_long_they_waited(lan: Lan) -> Result<()> {
    let mut socket = lan.open(OURS)?;
    let mut peer = lan.peer_socket()?;
    let before = Instant::now();
    peer.send(&question(VIP).frame())?;
    within("a frame", socket.readable()).await??;
    let arrived = before.elapsed();
    let wait = Duration::from_millis(30);
    tokio::time::sleep(wait).await;
    let mut age = None;
    socket.drain(|received| age = received.age)?;
    let age = age.context("the kernel gave no timestamp")?;
    assert!(age >= wait, "{age:?}");
    assert!(age <= before.elapsed(), "{age:?}, arrived within {arrived:?}");
    Ok(())
}

async fn what_did_not_fit_is_counted(lan: Lan) -> Result<()> {
    let mut socket = lan.open(OURS)?;
    let mut peer = lan.peer_socket()?;
    let sent = 20_000;
    for _ in 0..sent {
        peer.send(&question(VIP).frame())?;
    }
    within("a frame", socket.readable()).await??;
    while socket.drain(|_| ())?.frames > 0 {}
    // The count travels with the next frame that is queued.
    peer.send(&question(VIP).frame())?;
    frames(&mut socket, 1).await?;
    let counters = socket.counters();
    assert!(counters.dropped > 0, "{counters:?}");
    assert_eq!(counters.received + counters.dropped, sent + 1, "{counters:?}");
    Ok(())
}

async fn an_interface_set_down_is_an_error_and_returns(lan: Lan) -> Result<()> {
    let mut socket = lan.open(OURS)?;
    lan.set(LinkUnspec::new_with_index(lan.eth0.0).down()).await?;
    within("the error", socket.readable()).await??;
    let read = socket.drain(|_| ());
    assert!(
        matches!(read, Err(SocketError::Down(eth0)) if eth0 == lan.eth0),
        "{read:?}"
    );
    let sent = socket.send(&question(VIP).frame());
    assert!(matches!(sent, Err(SocketError::Down(_))), "{sent:?}");
    assert_eq!(socket.drain(|_| ())?.frames, 0, "said once");
    goes_on("waiting for the next error", socket.readable()).await?;

    lan.set(LinkUnspec::new_with_index(lan.eth0.0).up()).await?;
    let mut peer = lan.peer_socket()?;
    eventually("frames on the interface that returned", || {
        let sent = peer.send(&question(VIP).frame()).is_ok();
        let heard = socket.drain(|_| ()).is_ok_and(|drained| drained.frames > 0);
        async move { Ok(sent && heard) }
    })
    .await
}

async fn a_removed_interface_is_gone(lan: Lan) -> Result<()> {
    let mut socket = lan.open(OURS)?;
    lan.node_links.link().del(lan.eth0.0).execute().await?;
    within("the error", socket.readable()).await??;
    let read = socket.drain(|_| ());
    assert!(
        matches!(read, Err(SocketError::Gone(eth0)) if eth0 == lan.eth0),
        "{read:?}"
    );
    let sent = socket.send(&question(VIP).frame());
    assert!(matches!(sent, Err(SocketError::Gone(_))), "{sent:?}");
    Ok(())
}

fn an_interface_that_never_was_cannot_be_opened(lan: &Lan) -> Result<()> {
    let opened = PacketSocket::open(InterfaceIndex(4_711), &filter(OURS)?);
    let error = opened.err().context("a socket on nothing")?;
    assert!(error.to_string().contains("interface 4711"), "{error}");
    lan.open(OURS)?;
    Ok(())
}

async fn waiting_for_no_socket_never_ends(lan: Lan) -> Result<()> {
    let moment = Duration::from_millis(1);
    let waited = tokio::time::timeout(moment, any_readable([])).await;
    assert!(waited.is_err());
    drop(lan);
    Ok(())
}
