//! The router's side of the LAN: a bridge with an address, a port for each host, and a router on it.

use std::net::Ipv4Addr;
use std::time::Duration;

use futures::TryStreamExt as _;
use routeros_sim::{Config, Menu, Router, Row};
use rtnetlink::packet_route::link::{BridgePortState, InfoBridgePort, InfoPortData, LinkAttribute, LinkInfo};
use rtnetlink::{Handle, LinkBridge, LinkUnspec, LinkVeth};

use crate::host::{Host, INTERFACE, index};

/// The bridge's name in Linux.
pub(crate) const BRIDGE: &str = "br0";
/// The router's address.
pub(crate) const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

/// An address of the LAN.
pub(crate) fn lan(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, last)
}

/// The LAN.
pub(crate) struct Segment {
    handle: Handle,
    bridge: u32,
}

/// Runs a story with a LAN; the namespace is the calling thread's.
pub(crate) fn with<F: AsyncFnOnce(Segment)>(story: F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().expect("a netlink socket");
        tokio::spawn(connection);
        let loopback = index(&handle, "lo").await;
        handle
            .link()
            .set(LinkUnspec::new_with_index(loopback).up().build())
            .execute()
            .await
            .expect("lo up");
        handle
            .link()
            .add(LinkBridge::new(BRIDGE).up().build())
            .execute()
            .await
            .expect("a bridge");
        let bridge = index(&handle, BRIDGE).await;
        handle
            .address()
            .add(bridge, ROUTER.into(), 24)
            .execute()
            .await
            .expect("the router's address");
        story(Segment { handle, bridge }).await;
    });
}

impl Segment {
    /// Plugs a host in: `port` is the router's end of the cable.
    pub(crate) async fn plug(&self, port: &str) -> Host {
        let host = Host::new();
        let links = || self.handle.link();
        let peer = format!("{port}-peer");
        links()
            .add(LinkVeth::new(port, &peer).build())
            .execute()
            .await
            .expect("a cable");
        let (port, peer) = (index(&self.handle, port).await, index(&self.handle, &peer).await);
        let other_end = LinkUnspec::new_with_index(peer)
            .setns_by_fd(host.namespace())
            .name(INTERFACE);
        links()
            .set(other_end.build())
            .execute()
            .await
            .expect("the cable's other end at the host");
        let plugged = LinkUnspec::new_with_index(port).controller(self.bridge).up();
        links()
            .set(plugged.build())
            .execute()
            .await
            .expect("the cable in the bridge");
        host.link(true).await;
        // The kernel puts a port to work a moment after its carrier came; a frame before that is lost.
        let patience = tokio::time::timeout(crate::host::PATIENCE, self.forwards(port)).await;
        assert!(patience.is_ok(), "the port never forwards");
        host
    }

    /// Returns once the bridge forwards frames of this port.
    async fn forwards(&self, port: u32) {
        let mut ask = tokio::time::interval(Duration::from_millis(5));
        loop {
            ask.tick().await;
            let link = self
                .handle
                .link()
                .get()
                .match_index(port)
                .execute()
                .try_next()
                .await;
            let link = link.expect("the port").expect("one port");
            let forwards = |info: &LinkInfo| match info {
                LinkInfo::PortData(InfoPortData::BridgePort(parts)) => {
                    parts.contains(&InfoBridgePort::State(BridgePortState::Forwarding))
                }
                _ => false,
            };
            let works = |attribute: &LinkAttribute| match attribute {
                LinkAttribute::LinkInfo(infos) => infos.iter().any(forwards),
                _ => false,
            };
            if link.attributes.iter().any(works) {
                return;
            }
        }
    }

    /// Starts a router on the bridge.
    pub(crate) async fn router(&self, config: Config) -> Router {
        let config = Config {
            certificate: None,
            ..config
        };
        Router::start(config, (ROUTER, 0).into(), Some(BRIDGE))
            .await
            .expect("a router")
    }
}

/// A MAC address as rows show it.
pub(crate) fn shown(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02X}")).join(":")
}

/// The row of a menu with this address.
pub(crate) fn row(router: &Router, menu: Menu, address: Ipv4Addr) -> Option<Row> {
    let text = address.to_string();
    router
        .rows(menu)
        .into_iter()
        .find(|row| row.get("address") == Some(&text))
}

/// Waits until `condition` holds, asking often; the router's tasks go on meanwhile.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let mut ask = tokio::time::interval(Duration::from_millis(5));
    let waiting = async {
        while !condition() {
            ask.tick().await;
        }
    };
    assert!(
        tokio::time::timeout(crate::host::PATIENCE, waiting).await.is_ok(),
        "waited in vain until {what}"
    );
}

/// Waits until a row has these values; an absent key is `None`.
pub(crate) async fn until_row(
    router: &Router,
    menu: Menu,
    address: Ipv4Addr,
    values: &[(&str, Option<&str>)],
) {
    let fits = || {
        row(router, menu, address).is_some_and(|row| values.iter().all(|(key, value)| row.get(key) == *value))
    };
    until(
        &format!(
            "{menu} {address} has {values:?}; it has {:?}",
            row(router, menu, address)
        ),
        fits,
    )
    .await;
}
