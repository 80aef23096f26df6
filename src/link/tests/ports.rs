//! What a speaker serves with the sockets that it could open.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use rtnetlink::LinkUnspec;
use tiklb::link::packet::SocketError;
use tiklb::speaker::wire::port::{Port, Ports};
use tiklb_core::election::{BootId, Key};
use tiklb_core::model::{Instant, NodeName, Now, Timestamp};
use tiklb_core::neighbor::InterfaceIndex;
use tiklb_core::speaker::{Event, Link, Speaker, Wanted};

use crate::Body;
use crate::lan::{Lan, NODE, VIP, eventually, within};
use crate::packet::question;

/// The tests of this file.
pub(crate) const TESTS: &[(&str, Body)] = &[
    ("ports::an_interface_without_a_socket_is_not_served", |lan| {
        Box::pin(async move { an_interface_without_a_socket_is_not_served(&lan) })
    }),
    ("ports::a_card_that_was_down_for_a_moment_is_read_again", |lan| {
        Box::pin(a_card_that_was_down_for_a_moment_is_read_again(lan))
    }),
    ("ports::a_removed_card_is_served_no_more", |lan| {
        Box::pin(a_removed_card_is_served_no_more(lan))
    }),
];

/// One that wants to read questions for [`VIP`].
fn speaker() -> Result<Speaker> {
    let key = Key::new(&[7; 32]).context("a key of 32 bytes")?;
    let mut speaker = Speaker::new(NodeName::from("node1"), BootId([1; 16]), key, Instant::default());
    let wanted = Wanted {
        pools: VIP.to_string().parse()?,
        ..Wanted::default()
    };
    let event = Event::Wanted(Arc::new(wanted));
    let now = Now {
        mono: Instant::default(),
        wall: Timestamp(1_700_000_000),
    };
    speaker.step(event, now, &mut || 0, &mut Vec::new());
    Ok(speaker)
}

fn link(index: InterfaceIndex) -> Result<Link> {
    Ok(Link {
        index,
        name: format!("card{}", index.0),
        mac: NODE,
        networks: vec!["192.168.77.11/24".parse()?],
        networks_v6: Vec::new(),
        passing: [].into(),
        gateways: Vec::new(),
        metric: None,
    })
}

fn an_interface_without_a_socket_is_not_served(lan: &Lan) -> Result<()> {
    let (speaker, mut ports) = (speaker()?, Ports::default());
    let links = [link(lan.eth0)?, link(InterfaceIndex(4_711))?];
    ports.fit(&links, &speaker);
    assert_eq!(ports.serving(&links), links[..1]);
    assert!(ports.are_failing(), "it is to be tried again");
    ports.fit(&links[..1], &speaker);
    assert_eq!(ports.serving(&links[..1]), links[..1]);
    assert!(!ports.are_failing());
    Ok(())
}

async fn a_card_that_was_down_for_a_moment_is_read_again(lan: Lan) -> Result<()> {
    let (speaker, mut ports) = (speaker()?, Ports::default());
    let links = [link(lan.eth0)?];
    ports.fit(&links, &speaker);
    lan.set(LinkUnspec::new_with_index(lan.eth0.0).down()).await?;
    let error = failure(&mut ports, lan.eth0).await?;
    ensure!(matches!(error, SocketError::Down(_)), "{error:?}");
    assert!(!ports.failed(lan.eth0, &error), "it serves again when it is up");

    lan.set(LinkUnspec::new_with_index(lan.eth0.0).up()).await?;
    assert_eq!(ports.serving(&links), links);
    let mut peer = lan.peer_socket()?;
    eventually("questions on the card that returned", || {
        let sent = peer.send(&question(VIP).frame()).is_ok();
        let port = ports.get_mut(lan.eth0);
        let mut sockets = port.into_iter().flat_map(Port::sockets_mut);
        let heard = sockets.any(|socket| socket.drain(|_| ()).is_ok_and(|drained| drained.frames > 0));
        async move { Ok(sent && heard) }
    })
    .await
}

async fn a_removed_card_is_served_no_more(lan: Lan) -> Result<()> {
    let (speaker, mut ports) = (speaker()?, Ports::default());
    let links = [link(lan.eth0)?];
    ports.fit(&links, &speaker);
    lan.node_links.link().del(lan.eth0.0).execute().await?;
    let error = failure(&mut ports, lan.eth0).await?;
    assert!(ports.failed(lan.eth0, &error), "{error:?}");
    assert_eq!(ports.serving(&links), []);
    ports.fit(&links, &speaker);
    assert_eq!(ports.serving(&links), [], "nothing can be opened there");
    assert!(ports.are_failing());
    Ok(())
}

/// What a socket of the interface says when it is read.
async fn failure(ports: &mut Ports, interface: InterfaceIndex) -> Result<SocketError> {
    let port = ports.get_mut(interface).context("an open port")?;
    let socket = port.sockets_mut().next().context("a socket")?;
    within("the error", socket.readable()).await??;
    socket
        .drain(|_| ())
        .err()
        .context("the interface is down or gone")
}
