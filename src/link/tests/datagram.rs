//! The heartbeat socket: what arrives, what is too long, and that no error ends it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use anyhow::{Context as _, Result, ensure};
use rtnetlink::LinkUnspec;
use tiklb::link::datagram::{Arrival, BUDGET, DatagramSocket, MAX_DATAGRAM, Pair, SendError};

use crate::Body;
use crate::lan::{Lan, goes_on, index_of, within, without_the_runtime};

/// The tests of this file.
pub(crate) const TESTS: &[(&str, Body)] = &[
    ("datagram::many_peers_are_heard_and_answered", |lan| {
        Box::pin(many_peers_are_heard_and_answered(lan))
    }),
    ("datagram::what_is_too_long_is_named_and_dropped", |lan| {
        Box::pin(what_is_too_long_is_named_and_dropped(lan))
    }),
    ("datagram::nothing_unreachable_ends_it", |lan| {
        Box::pin(nothing_unreachable_ends_it(lan))
    }),
    ("datagram::a_taken_port_is_refused", |lan| {
        Box::pin(a_taken_port_is_refused(lan))
    }),
    ("datagram::a_drain_stops_at_its_budget", |lan| {
        Box::pin(a_drain_stops_at_its_budget(lan))
    }),
    ("datagram::who_has_read_all_waits", |lan| {
        Box::pin(who_has_read_all_waits(lan))
    }),
    ("datagram::a_drain_asks_the_kernel", |lan| {
        Box::pin(a_drain_asks_the_kernel(lan))
    }),
    ("datagram::one_port_serves_both_families", |lan| {
        Box::pin(one_port_serves_both_families(lan))
    }),
    ("datagram::without_ipv6_there_is_ipv4", |lan| {
        Box::pin(without_ipv6_there_is_ipv4(lan))
    }),
];

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn loopback_up(lan: &Lan) -> Result<()> {
    let lo = index_of(&lan.node_links, "lo").await?;
    lan.set(LinkUnspec::new_with_index(lo.0).up()).await
}

/// The next arrivals, with their payload or `None`.
async fn arrivals(socket: &mut DatagramSocket, count: usize) -> Result<Vec<(SocketAddr, Option<Vec<u8>>)>> {
    let mut heard = Vec::new();
    let mut failed = None;
    while heard.len() < count {
        within("a datagram", socket.readable()).await??;
        socket.drain(|arrival| match arrival {
            Arrival::Datagram { from, payload } => heard.push((from, Some(payload.to_vec()))),
            Arrival::TooLong { from } => heard.push((from, None)),
            Arrival::Failed(error) => failed = Some(error),
        });
        if let Some(error) = failed.take() {
            return Err(error).context("reading");
        }
    }
    ensure!(heard.len() == count, "{} arrivals, {count} expected", heard.len());
    Ok(heard)
}

async fn many_peers_are_heard_and_answered(lan: Lan) -> Result<()> {
    loopback_up(&lan).await?;
    let mut socket = DatagramSocket::bind(ANY_PORT)?;
    let address = socket.local_address()?;
    let mut peers = Vec::new();
    for _ in 0..50 {
        peers.push(DatagramSocket::bind(ANY_PORT)?);
    }
    for peer in &mut peers {
        let from = peer.local_address()?.to_string();
        peer.send(from.as_bytes(), address)?;
    }
    let heard = arrivals(&mut socket, peers.len()).await?;
    for (from, payload) in &heard {
        assert_eq!(payload.as_deref(), Some(from.to_string().as_bytes()));
        socket.send(b"heard", *from)?;
    }
    for peer in &mut peers {
        assert_eq!(arrivals(peer, 1).await?, [(address, Some(b"heard".to_vec()))]);
    }
    let counters = socket.counters();
    assert_eq!((counters.received, counters.sent), (50, 50));
    Ok(())
}

async fn what_is_too_long_is_named_and_dropped(lan: Lan) -> Result<()> {
    loopback_up(&lan).await?;
    let mut socket = DatagramSocket::bind(ANY_PORT)?;
    let address = socket.local_address()?;
    let sender = UdpSocket::bind(ANY_PORT)?;
    let from = sender.local_addr()?;
    let longest = vec![7; MAX_DATAGRAM];
    sender.send_to(&longest, address)?;
    sender.send_to(&[&longest[..], &[8]].concat(), address)?;
    sender.send_to(&vec![9; 9_000], address)?;
    sender.send_to(&[], address)?;
    let heard = arrivals(&mut socket, 4).await?;
    assert_eq!(
        heard,
        [
            (from, Some(longest.clone())),
            (from, None),
            (from, None),
            (from, Some(Vec::new()))
        ]
    );
    assert_eq!(socket.counters().too_long, 2);
    let refused = socket.send(&[&longest[..], &[8]].concat(), from);
    assert!(
        matches!(refused, Err(SendError::TooLong { length: 1_201, .. })),
        "{refused:?}"
    );
    assert_eq!(socket.counters().unsent, 1);
    Ok(())
}

async fn nothing_unreachable_ends_it(lan: Lan) -> Result<()> {
    loopback_up(&lan).await?;
    let any: SocketAddr = (Ipv4Addr::UNSPECIFIED, 0).into();
    let mut socket = DatagramSocket::bind(any)?;
    let port = socket.local_address()?.port();
    let nowhere: SocketAddr = (Ipv4Addr::new(192, 0, 2, 1), 7_946).into();
    let other_family: SocketAddr = (Ipv6Addr::LOCALHOST, 7_946).into();
    let nobody: SocketAddr = {
        let closed = UdpSocket::bind(ANY_PORT)?;
        closed.local_addr()?
    };
    for _ in 0..3 {
        let sent = socket.send(b"hello", nowhere);
        assert!(
            matches!(sent, Err(SendError::Unreachable { to, .. }) if to == nowhere),
            "{sent:?}"
        );
        let sent = socket.send(b"hello", other_family);
        assert!(matches!(sent, Err(SendError::Io { .. })), "{sent:?}");
        // The port unreachable that comes back is nobody's business on an unconnected socket.
        socket.send(b"hello", nobody)?;
    }
    let sender = UdpSocket::bind(ANY_PORT)?;
    sender.send_to(b"still there?", (Ipv4Addr::LOCALHOST, port))?;
    let heard = arrivals(&mut socket, 1).await?;
    assert_eq!(heard, [(sender.local_addr()?, Some(b"still there?".to_vec()))]);
    Ok(())
}

async fn a_taken_port_is_refused(lan: Lan) -> Result<()> {
    loopback_up(&lan).await?;
    let first = DatagramSocket::bind(ANY_PORT)?;
    let address = first.local_address()?;
    let error = DatagramSocket::bind(address).err().context("bound twice")?;
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    let same_port_v6: SocketAddr = (Ipv6Addr::UNSPECIFIED, address.port()).into();
    DatagramSocket::bind(same_port_v6)?;
    Ok(())
}

async fn a_drain_stops_at_its_budget(lan: Lan) -> Result<()> {
    loopback_up(&lan).await?;
    let mut socket = DatagramSocket::bind(ANY_PORT)?;
    let address = socket.local_address()?;
    let sender = UdpSocket::bind(ANY_PORT)?;
    for _ in 0..=BUDGET {
        sender.send_to(b"x", address)?;
    }
    within("a datagram", socket.readable()).await??;
    let first = socket.drain(|_| ());
    assert_eq!((first.arrivals, first.more), (BUDGET, true));
    within("the last", socket.readable()).await??;
    let second = socket.drain(|_| ());
    assert_eq!((second.arrivals, second.more), (1, false));
    Ok(())
}

/// Otherwise the thread that reads would spin.
async fn who_has_read_all_waits(lan: Lan) -> Result<()> {
    loopback_up(&lan).await?;
    let mut socket = DatagramSocket::bind(ANY_PORT)?;
    let sender = UdpSocket::bind(ANY_PORT)?;
    for _ in 0..2 {
        sender.send_to(b"x", socket.local_address()?)?;
        arrivals(&mut socket, 1).await?;
        assert_eq!(socket.drain(|_| ()).arrivals, 0);
        goes_on("waiting for a datagram", socket.readable()).await?;
    }
    Ok(())
}

/// What came while the thread was at work counts in its next look, although the runtime has not heard of it.
async fn a_drain_asks_the_kernel(lan: Lan) -> Result<()> {
    loopback_up(&lan).await?;
    let mut socket = DatagramSocket::bind(ANY_PORT)?;
    let sender = UdpSocket::bind(ANY_PORT)?;
    sender.send_to(b"x", socket.local_address()?)?;
    arrivals(&mut socket, 1).await?;
    assert_eq!(socket.drain(|_| ()).arrivals, 0);
    sender.send_to(b"x", socket.local_address()?)?;
    without_the_runtime("a datagram", || Ok(socket.drain(|_| ()).arrivals == 1))
}

/// The next datagrams of a pair: who sent them, and what.
async fn of_pair(pair: &mut Pair, count: usize) -> Result<Vec<(SocketAddr, Vec<u8>)>> {
    let mut heard = Vec::new();
    while heard.len() < count {
        within("a datagram", pair.readable()).await??;
        pair.drain(|arrival| {
            if let Arrival::Datagram { from, payload } = arrival {
                heard.push((from, payload.to_vec()));
            }
        });
    }
    heard.sort_unstable();
    Ok(heard)
}

async fn one_port_serves_both_families(lan: Lan) -> Result<()> {
    loopback_up(&lan).await?;
    let mut pair = Pair::bind(0)?;
    let port = pair.local_address()?.port();
    let peers = [
        UdpSocket::bind(ANY_PORT)?,
        UdpSocket::bind((Ipv6Addr::LOCALHOST, 0))?,
    ];
    let mut expected = Vec::new();
    for peer in &peers {
        let from = peer.local_addr()?;
        peer.send_to(b"hello", (from.ip(), port))?;
        expected.push((from, b"hello".to_vec()));
    }
    // IPv4's peer is seen by its own address, not by a mapped one.
    assert_eq!(of_pair(&mut pair, 2).await?, expected);
    for peer in &peers {
        pair.send(b"heard", peer.local_addr()?)?;
        let mut buffer = [0; 16];
        peer.set_read_timeout(Some(std::time::Duration::from_secs(20)))?;
        let (length, from) = peer.recv_from(&mut buffer)?;
        assert_eq!((&buffer[..length], from.port()), (&b"heard"[..], port));
    }
    // A second speaker on the node must fail, whichever family it binds first.
    let error = Pair::bind(port).err().context("bound twice")?;
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    let six: SocketAddr = (Ipv6Addr::UNSPECIFIED, port).into();
    DatagramSocket::bind(six).err().context("bound twice")?;
    Ok(())
}

async fn without_ipv6_there_is_ipv4(lan: Lan) -> Result<()> {
    std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1")?;
    loopback_up(&lan).await?;
    let mut pair = Pair::bind(0)?;
    let port = pair.local_address()?.port();
    let peer = UdpSocket::bind(ANY_PORT)?;
    let from = peer.local_addr()?;
    let six: SocketAddr = (Ipv6Addr::LOCALHOST, port).into();
    assert!(pair.send(b"hello", six).is_err(), "no such way");
    peer.send_to(b"hello", (Ipv4Addr::LOCALHOST, port))?;
    assert_eq!(of_pair(&mut pair, 1).await?, [(from, b"hello".to_vec())]);
    pair.send(b"heard", from)?;
    Ok(())
}
