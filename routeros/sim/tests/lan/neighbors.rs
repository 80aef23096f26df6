//! The ARP table as the wire feeds it.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use pnet::packet::arp::{ArpHardwareTypes, ArpOperation, MutableArpPacket};
use pnet::packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet::util::MacAddr;
use routeros_sim::{Config, Menu, Pace};

use crate::host::Host;
use crate::segment::{ROUTER, lan, row, shown, until, until_row, with};

/// Somebody else's MAC address.
const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 0xBB];

/// A router whose rows age when the test says so.
fn stopped() -> Config {
    Config {
        pace: Pace::Stopped,
        ..Config::default()
    }
}

/// Makes the host's kernel ask for the router by ARP.
async fn talk_to_the_router(host: &Host) {
    host.run(|| {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.send_to(b"hello", (ROUTER, 9)).unwrap();
    })
    .await;
}

/// A gratuitous ARP request, the frame with which an address moves.
fn gratuitous(mac: [u8; 6], address: Ipv4Addr) -> Vec<u8> {
    request(mac, address, address)
}

/// A host's question for the router. Unlike a datagram it gives the router's kernel no reason to ask back.
fn question(mac: [u8; 6], sender: Ipv4Addr) -> Vec<u8> {
    request(mac, sender, ROUTER)
}

fn request(mac: [u8; 6], sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut bytes = vec![0; 42];
    let mac = MacAddr::from(mac);
    let mut frame = MutableEthernetPacket::new(&mut bytes).unwrap();
    frame.set_destination(MacAddr::broadcast());
    frame.set_source(mac);
    frame.set_ethertype(EtherTypes::Arp);
    let mut arp = MutableArpPacket::new(&mut bytes[14..]).unwrap();
    arp.set_hardware_type(ArpHardwareTypes::Ethernet);
    arp.set_protocol_type(EtherTypes::Ipv4);
    arp.set_hw_addr_len(6);
    arp.set_proto_addr_len(4);
    arp.set_operation(ArpOperation::new(1));
    arp.set_sender_hw_addr(mac);
    arp.set_sender_proto_addr(sender);
    arp.set_target_proto_addr(target);
    bytes
}

pub(crate) fn follows() {
    with(async |segment| {
        let host = segment.plug("port1").await;
        host.address(lan(50)).await;
        let router = segment.router(stopped()).await;
        host.frame(gratuitous(OTHER, lan(60))).await;
        talk_to_the_router(&host).await;
        let mac = shown(host.mac().await);
        let learned = [
            ("mac-address", Some(mac.as_str())),
            ("interface", Some("bridge")),
            ("dynamic", Some("true")),
            ("DHCP", Some("false")),
            ("complete", Some("true")),
            ("invalid", Some("false")),
        ];
        until_row(&router, Menu::Arp, lan(50), &learned).await;
        assert_eq!(
            row(&router, Menu::Arp, lan(60)),
            None,
            "nobody is learned by a gratuitous frame"
        );
        host.frame(gratuitous(OTHER, lan(50))).await;
        let moved = [
            ("mac-address", Some("02:00:00:00:00:BB")),
            ("status", Some("stale")),
        ];
        until_row(&router, Menu::Arp, lan(50), &moved).await;
        router.stop();
    });
}

pub(crate) fn probed() {
    with(async |segment| {
        let host = segment.plug("port1").await;
        host.address(lan(50)).await;
        let router = segment.router(stopped()).await;
        host.frame(question(host.mac().await, lan(50))).await;
        until("the host is known", || row(&router, Menu::Arp, lan(50)).is_some()).await;
        // Past stale and delay, the router asks; the host's kernel answers.
        router.clock().advance(Duration::from_secs(60 + 5));
        until_row(&router, Menu::Arp, lan(50), &[("status", Some("reachable"))]).await;
        host.link(false).await;
        router.clock().advance(Duration::from_secs(30 + 60 + 5 + 3));
        let failed = [
            ("status", Some("failed")),
            ("complete", Some("false")),
            ("mac-address", None),
        ];
        until_row(&router, Menu::Arp, lan(50), &failed).await;
        router.stop();
    });
}

pub(crate) fn pinned() {
    with(async |segment| {
        let host = segment.plug("port1").await;
        host.address(lan(50)).await;
        let router = segment.router(stopped()).await;
        let pin = [
            ("address", "192.168.1.50"),
            ("mac-address", "02:00:00:00:00:AA"),
            ("interface", "bridge"),
        ];
        router.person().add(Menu::Arp, pin).unwrap();
        talk_to_the_router(&host).await;
        host.frame(gratuitous(OTHER, lan(50))).await;
        // A frame after those that must have no effect shows that they were seen.
        host.frame(question(OTHER, lan(51))).await;
        until("the frames were seen", || {
            row(&router, Menu::Arp, lan(51)).is_some()
        })
        .await;
        let rows = router.rows(Menu::Arp);
        let of = rows
            .iter()
            .filter(|row| row.get("address") == Some("192.168.1.50"))
            .collect::<Vec<_>>();
        assert_eq!(of.len(), 1, "{of:?}");
        assert_eq!(
            (of[0].get("mac-address"), of[0].get("status")),
            (Some("02:00:00:00:00:AA"), Some("permanent"))
        );
        router.stop();
    });
}

pub(crate) fn bridge_mac() {
    with(async |segment| {
        let first = segment.plug("port1").await;
        let router = segment.router(stopped()).await;
        let mac = |router: &routeros_sim::Router| {
            router.rows(Menu::Bridge)[0]
                .get("mac-address")
                .unwrap()
                .to_owned()
        };
        let at_start = mac(&router);
        // A Linux bridge takes the lowest MAC of its ports: one of many is lower sooner or later.
        let mut others = Vec::new();
        for port in 2..12 {
            others.push(segment.plug(&format!("port{port}")).await);
        }
        let now = || {
            let bridge = pnet::datalink::interfaces()
                .into_iter()
                .find(|link| link.name == crate::segment::BRIDGE);
            shown(bridge.and_then(|bridge| bridge.mac).unwrap().octets())
        };
        until("the row has the bridge's MAC", || mac(&router) == now()).await;
        first.address(lan(50)).await;
        talk_to_the_router(&first).await;
        until("the host is known", || row(&router, Menu::Arp, lan(50)).is_some()).await;
        router.clock().advance(Duration::from_secs(60 + 5));
        until_row(&router, Menu::Arp, lan(50), &[("status", Some("reachable"))]).await;
        assert!(others.len() == 10 && !at_start.is_empty());
        router.stop();
    });
}
