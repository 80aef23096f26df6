//! Links, addresses, routes and neighbours of one namespace, by rtnetlink.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use futures::TryStreamExt;
use ipnet::{IpNet, Ipv4Net};
use nix::errno::Errno;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, LinkMessage, State};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::RouteType;
use rtnetlink::{Handle, LinkUnspec, RouteMessageBuilder};

use super::{Error, Mac};

/// The kernel answers within microseconds, milliseconds while it tears namespaces down; the bound is for a halt.
const ANSWER: Duration = Duration::from_secs(10);

/// A veth has carrier as soon as both ends are up; the kernel tells the rest of itself a little later.
const CARRIER: Duration = Duration::from_secs(5);

/// An address may be asked for first, for a second or two.
const CHECKED: Duration = Duration::from_secs(10);

/// How often a link is asked whether it came up. The answer costs about 50 µs.
const ASK_EVERY: Duration = Duration::from_millis(1);

/// What there is to know about an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    /// The kernel's number for it.
    pub index: u32,
    /// Its Ethernet address; zero for `lo`.
    pub mac: Mac,
    /// A person has set it up.
    pub up: bool,
    /// The cable is in at both ends.
    pub carrier: bool,
    /// Traffic flows (the kernel's operational state, which follows the two above).
    pub operational: bool,
}

/// A neighbour entry of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbor {
    /// The MAC address it holds, if it holds any.
    pub mac: Option<Mac>,
    /// The kernel's state of it (reachable, stale, …).
    pub state: NeighbourState,
}

/// The netlink connection of one host.
#[derive(Debug, Clone)]
pub(super) struct Links {
    host: String,
    handle: Handle,
}

impl Links {
    pub(super) fn new(host: &str, handle: Handle) -> Self {
        Self {
            host: host.to_owned(),
            handle,
        }
    }

    /// Bounds a request, and says what it was for when it fails.
    async fn ask<T>(
        &self,
        doing: impl Fn() -> String,
        request: impl Future<Output = Result<T, rtnetlink::Error>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(ANSWER, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(source)) => Err(Error::Netlink {
                host: self.host.clone(),
                doing: doing(),
                source,
            }),
            Err(_) => Err(Error::TooLate {
                host: self.host.clone(),
                what: format!("the kernel's answer to \"{}\"", doing()),
                bound: ANSWER,
                detail: String::new(),
            }),
        }
    }

    /// Adds a link of a kind that not every kernel has.
    pub(super) async fn add(&self, link: LinkMessage, name: &str, kind: &'static str) -> Result<(), Error> {
        let added = self
            .ask(
                || format!("add the link {name}"),
                self.handle.link().add(link).execute(),
            )
            .await;
        match added {
            Err(Error::Netlink {
                source: rtnetlink::Error::NetlinkError(message),
                ..
            }) if is(&message, Errno::EOPNOTSUPP) => Err(Error::NoSuchLink { kind }),
            other => other,
        }
    }

    pub(super) async fn change(&self, link: LinkMessage, doing: &str) -> Result<(), Error> {
        self.ask(|| doing.to_owned(), self.handle.link().change(link).execute())
            .await
    }

    pub(super) async fn delete(&self, interface: &str) -> Result<(), Error> {
        let index = self.index(interface).await?;
        self.ask(
            || format!("delete the link {interface}"),
            self.handle.link().del(index).execute(),
        )
        .await
    }

    pub(super) async fn set_up(&self, interface: &str, up: bool) -> Result<(), Error> {
        let link = LinkUnspec::new_with_name(interface);
        let (link, word) = if up {
            (link.up(), "up")
        } else {
            (link.down(), "down")
        };
        self.change(link.build(), &format!("set {interface} {word}"))
            .await
    }

    pub(super) async fn set_mac(&self, interface: &str, mac: Mac) -> Result<(), Error> {
        let link = LinkUnspec::new_with_name(interface).address(mac.0.to_vec());
        self.change(link.build(), &format!("give {interface} the address {mac}"))
            .await
    }

    pub(super) async fn rename(&self, interface: &str, name: &str) -> Result<(), Error> {
        let index = self.index(interface).await?;
        let link = LinkUnspec::new_with_index(index).name(name.to_owned());
        self.change(link.build(), &format!("call {interface} {name}"))
            .await
    }

    pub(super) async fn index(&self, interface: &str) -> Result<u32, Error> {
        Ok(self.state(interface).await?.index)
    }

    pub(super) async fn state(&self, interface: &str) -> Result<LinkState, Error> {
        let request = self
            .handle
            .link()
            .get()
            .match_name(interface.to_owned())
            .execute();
        let mut request = std::pin::pin!(request);
        let answer = tokio::time::timeout(ANSWER, request.try_next());
        let found = match answer.await {
            Ok(Err(rtnetlink::Error::NetlinkError(message))) if is(&message, Errno::ENODEV) => None,
            other => {
                self.ask(|| format!("read the link {interface}"), async {
                    other.unwrap_or(Ok(None))
                })
                .await?
            }
        };
        found
            .map(|link| read_link(&link))
            .ok_or_else(|| Error::UnknownInterface {
                host: self.host.clone(),
                interface: interface.to_owned(),
            })
    }

    pub(super) async fn wait_for_carrier(&self, interface: &str, carrier: bool) -> Result<(), Error> {
        let reached = async {
            loop {
                let state = self.state(interface).await?;
                if state.carrier == carrier && state.operational == carrier {
                    return Ok(());
                }
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        tokio::time::timeout(CARRIER, reached).await.unwrap_or_else(|_| {
            let what = format!(
                "{} carrier on {interface}",
                if carrier { "finding" } else { "losing" }
            );
            Err(Error::TooLate {
                host: self.host.clone(),
                what,
                bound: CARRIER,
                detail: String::new(),
            })
        })
    }

    pub(super) async fn add_address(&self, address: IpNet, interface: &str) -> Result<(), Error> {
        let index = self.index(interface).await?;
        // `replace` makes it no error that the address is there.
        let request = self
            .handle
            .address()
            .add(index, address.addr(), address.prefix_len())
            .replace();
        self.ask(|| format!("add {address} to {interface}"), request.execute())
            .await
    }

    /// Whether the kernel has found out that somebody else uses this address of its own (RFC 4862 section 5.4.5).
    pub(super) async fn is_duplicate(&self, address: Ipv6Addr) -> Result<bool, Error> {
        self.is_marked(address, AddressFlags::Dadfailed).await
    }

    /// Waits until the kernel uses an address of its own: also where it asks nobody, it takes its time.
    pub(super) async fn wait_for_address(&self, address: Ipv6Addr) -> Result<(), Error> {
        let used = async {
            while self.is_marked(address, AddressFlags::Tentative).await? {
                tokio::time::sleep(ASK_EVERY).await;
            }
            Ok(())
        };
        tokio::time::timeout(CHECKED, used).await.unwrap_or_else(|_| {
            Err(Error::TooLate {
                host: self.host.clone(),
                what: format!("the use of {address}"),
                bound: CHECKED,
                detail: String::new(),
            })
        })
    }

    async fn is_marked(&self, address: Ipv6Addr, flag: AddressFlags) -> Result<bool, Error> {
        let doing = || format!("read the state of {address}");
        let request = self.handle.address().get();
        let found = request.set_address_filter(IpAddr::V6(address)).execute();
        let found: Vec<AddressMessage> = self.ask(doing, found.try_collect()).await?;
        let mut attributes = found.iter().flat_map(|message| &message.attributes);
        Ok(attributes
            .any(|attribute| matches!(attribute, AddressAttribute::Flags(flags) if flags.contains(flag))))
    }

    pub(super) async fn del_address(&self, address: Ipv4Addr) -> Result<(), Error> {
        let doing = || format!("delete the address {address}");
        let found = self
            .handle
            .address()
            .get()
            .set_address_filter(IpAddr::V4(address))
            .execute();
        let found: Vec<AddressMessage> = self.ask(doing, found.try_collect()).await?;
        for message in found {
            self.ask(doing, self.handle.address().del(message).execute())
                .await?;
        }
        Ok(())
    }

    pub(super) async fn addresses(&self, interface: &str) -> Result<Vec<Ipv4Net>, Error> {
        let index = self.index(interface).await?;
        let request = self.handle.address().get().set_link_index_filter(index).execute();
        let messages: Vec<AddressMessage> = self
            .ask(
                || format!("read the addresses of {interface}"),
                request.try_collect(),
            )
            .await?;
        Ok(messages.iter().filter_map(read_address).collect())
    }

    pub(super) async fn add_default_route(&self, gateway: Ipv4Addr) -> Result<(), Error> {
        let route = RouteMessageBuilder::<Ipv4Addr>::new().gateway(gateway).build();
        self.ask(
            || format!("add a default route by {gateway}"),
            self.handle.route().add(route).replace().execute(),
        )
        .await
    }

    pub(super) async fn add_default_route_v6(&self, router: Ipv6Addr, interface: &str) -> Result<(), Error> {
        let route = RouteMessageBuilder::<Ipv6Addr>::new()
            .output_interface(self.index(interface).await?)
            .gateway(router)
            .build();
        self.ask(
            || format!("add a default route by {router} on {interface}"),
            self.handle.route().add(route).replace().execute(),
        )
        .await
    }

    pub(super) async fn add_route(&self, network: Ipv4Net, gateway: Ipv4Addr) -> Result<(), Error> {
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(network.network(), network.prefix_len())
            .gateway(gateway)
            .build();
        self.ask(
            || format!("add a route to {network} by {gateway}"),
            self.handle.route().add(route).replace().execute(),
        )
        .await
    }

    /// A route of its own for one host, which leads nowhere.
    pub(super) async fn bar(&self, host: Ipv4Addr, barred: bool) -> Result<(), Error> {
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(host, 32)
            .kind(RouteType::BlackHole)
            .build();
        let doing = || format!("send nothing more to {host}: {barred}");
        if barred {
            self.ask(doing, self.handle.route().add(route).replace().execute())
                .await
        } else {
            self.ask(doing, self.handle.route().del(route).execute()).await
        }
    }

    pub(super) async fn neighbor(&self, address: IpAddr) -> Result<Option<Neighbor>, Error> {
        let found = self.find_neighbors(address).await?;
        Ok(found.first().map(|message| Neighbor {
            mac: read_mac(message),
            state: message.header.state,
        }))
    }

    pub(super) async fn flush_neighbor(&self, address: Ipv4Addr) -> Result<(), Error> {
        for message in self.find_neighbors(address.into()).await? {
            let doing = || format!("forget the neighbour {address}");
            self.ask(doing, self.handle.neighbours().del(message).execute())
                .await?;
        }
        Ok(())
    }

    /// A permanent entry, which no frame of the LAN changes.
    pub(super) async fn pin_neighbor(
        &self,
        address: Ipv4Addr,
        mac: Mac,
        interface: &str,
    ) -> Result<(), Error> {
        let index = self.index(interface).await?;
        let request = self
            .handle
            .neighbours()
            .add(index, IpAddr::V4(address))
            .link_layer_address(&mac.0)
            .state(NeighbourState::Permanent)
            .replace();
        self.ask(
            || format!("pin the neighbour {address} to {mac}"),
            request.execute(),
        )
        .await
    }

    async fn find_neighbors(&self, address: IpAddr) -> Result<Vec<NeighbourMessage>, Error> {
        let (family, wanted) = match address {
            IpAddr::V4(v4) => (AddressFamily::Inet, NeighbourAddress::Inet(v4)),
            IpAddr::V6(v6) => (AddressFamily::Inet6, NeighbourAddress::Inet6(v6)),
        };
        let request = self
            .handle
            .neighbours()
            .get()
            .set_address_family(family)
            .execute();
        let all: Vec<NeighbourMessage> = self
            .ask(|| "read its neighbours".to_owned(), request.try_collect())
            .await?;
        let wanted = NeighbourAttribute::Destination(wanted);
        Ok(all
            .into_iter()
            .filter(|message| message.attributes.contains(&wanted))
            .collect())
    }
}

fn is(message: &rtnetlink::packet_core::ErrorMessage, errno: Errno) -> bool {
    message.raw_code().abs() == errno as i32
}

fn read_link(link: &LinkMessage) -> LinkState {
    let mut state = LinkState {
        index: link.header.index,
        mac: Mac::ZERO,
        up: link.header.flags.contains(LinkFlags::Up),
        carrier: link.header.flags.contains(LinkFlags::LowerUp),
        operational: false,
    };
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::Address(octets) => state.mac = octets.as_slice().try_into().map_or(Mac::ZERO, Mac),
            LinkAttribute::OperState(operational) => state.operational = *operational == State::Up,
            _ => {}
        }
    }
    state
}

/// The local address: on a point-to-point link the other one is the peer's.
fn read_address(message: &AddressMessage) -> Option<Ipv4Net> {
    message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(IpAddr::V4(address)) => {
            Ipv4Net::new(*address, message.header.prefix_len).ok()
        }
        _ => None,
    })
}

fn read_mac(message: &NeighbourMessage) -> Option<Mac> {
    message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(octets) => octets.as_slice().try_into().ok().map(Mac),
        _ => None,
    })
}
