//! Echo requests to a real kernel, in both families, and what of its traffic comes through the filter.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rtnetlink::Handle;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags};
use tiklb::link::packet::echo::EchoSocket;
use tiklb_core::model::{Family, Question};
use tiklb_core::neighbor::echo::{Echo, request};
use tiklb_core::neighbor::{InterfaceIndex, Neighbor};

use crate::Body;
use crate::lan::{Lan, NODE, PEER, eventually};

/// The tests of this file.
pub(crate) const TESTS: &[(&str, Body)] = &[
    ("echo::a_kernel_is_asked_by_ipv4", |lan| {
        Box::pin(a_kernel_is_asked(lan, Family::V4))
    }),
    ("echo::a_kernel_is_asked_by_ipv6", |lan| {
        Box::pin(a_kernel_is_asked(lan, Family::V6))
    }),
];

const OUR_ID: u16 = 0x1234;
const OTHER_ID: u16 = 0x1235;

/// An address that is used at once.
async fn configure(links: &Handle, on: InterfaceIndex, address: IpAddr) -> Result<()> {
    let (length, six) = if address.is_ipv6() {
        (64, true)
    } else {
        (24, false)
    };
    let mut add = links.address().add(on.0, address, length);
    if six {
        let flags = AddressAttribute::Flags(AddressFlags::Nodad);
        add.message_mut().attributes.push(flags);
    }
    Ok(add.execute().await?)
}

fn ends(family: Family) -> Result<[Neighbor; 2]> {
    let of = |mac, four: &str, six: &str| -> Result<Neighbor> {
        let address = match family {
            Family::V4 => four,
            Family::V6 => six,
        };
        let address = address.parse()?;
        Ok(Neighbor { mac, address })
    };
    Ok([
        of(NODE, "192.168.77.1", "fd00:0:0:77::1")?,
        of(PEER, "192.168.77.50", "fd00:0:0:77::50")?,
    ])
}

const fn question(id: u16, sequence: u16) -> Question {
    Question {
        id,
        sequence,
        token: 0x0102_0304_0506_0708,
    }
}

async fn a_kernel_is_asked(lan: Lan, family: Family) -> Result<()> {
    let [us, peer] = ends(family)?;
    configure(&lan.node_links, lan.eth0, us.address).await?;
    configure(&lan.peer_links, lan.lan0, peer.address).await?;
    let mut ours = EchoSocket::open(lan.eth0, family, OUR_ID)?;
    let mut others = EchoSocket::open(lan.eth0, family, OTHER_ID)?;
    let mut families = EchoSocket::open(lan.eth0, family.other(), OUR_ID)?;
    // Traffic that is not for these sockets: a datagram to us, which the kernel answers with an ICMP error.
    lan.in_peer(|| UdpSocket::bind((peer.address, 0))?.send_to(b"hello", (us.address, 9)))??;
    let ask = |through: &EchoSocket, id, sequence| -> Result<()> {
        let frame = request(us, peer, question(id, sequence)).context("one family")?;
        Ok(through.send(&frame)?)
    };
    // A kernel takes an IPv6 address for its own a moment after it has said that it has it, and drops what comes before.
    eventually("the peer's kernel to use its address", || {
        let answered = ask(&others, OTHER_ID, 0).map(|()| others.drain(|_, _| ()) > 0);
        async move { answered }
    })
    .await?;
    ask(&ours, OUR_ID, 1)?;
    ask(&ours, OTHER_ID, 2)?;
    let mut heard = Vec::new();
    let mut age = Duration::MAX;
    let last = Some(Echo {
        from: peer,
        question: question(OTHER_ID, 2),
    });
    eventually("the answer to the other process", || {
        let mut answered = false;
        others.drain(|bytes, _| answered |= Echo::parse(bytes) == last);
        async move { Ok(answered) }
    })
    .await?;
    ours.drain(|bytes, lay| {
        heard.push(Echo::parse(bytes));
        age = lay;
    });
    let expected = Echo {
        from: peer,
        question: question(OUR_ID, 1),
    };
    assert_eq!(
        heard,
        [Some(expected)],
        "the first question's answer, and nothing else"
    );
    assert!(age < Duration::from_secs(20), "{age:?}");
    assert_eq!(families.drain(|_, _| ()), 0);
    Ok(())
}
