//! What a netlink message says about one interface, and whether addresses can be announced there.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use rtnetlink::packet_route::link::{
    BondMode, InfoBond, InfoData, InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage,
};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType};
use tiklb_core::model::MacAddr;
use tiklb_core::neighbor::InterfaceIndex;

use super::Exclusions;

/// An interface as the kernel describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the kernel's flags, each with a meaning of its own"
)]
pub struct Interface {
    /// The kernel's number.
    pub index: InterfaceIndex,
    /// `eth0`.
    pub name: String,
    /// Its hardware address, if it is an Ethernet interface.
    pub mac: Option<MacAddr>,
    /// `IFF_UP`: it was set up.
    pub up: bool,
    /// `IFF_LOWER_UP` and `IFF_RUNNING`: its cable (radio, peer) is connected, and the kernel sends. Between the
    /// two it drops every frame without an error: for milliseconds after a link came up, for as long as 802.1X
    /// refuses the port.
    pub carrier: bool,
    /// `IFF_BROADCAST`.
    pub broadcast: bool,
    /// `IFF_NOARP`: the kernel does not speak ARP there, and nobody asks.
    pub no_arp: bool,
    /// What made it; `None` for hardware.
    pub kind: Option<Kind>,
    /// The bridge, bond or VRF that it is a member of.
    pub master: Option<InterfaceIndex>,
    /// Bytes of a packet.
    pub mtu: u32,
    /// Its own addresses with their prefix lengths, both families, link-local ones included.
    pub prefixes: BTreeSet<IpNet>,
    /// Those of its IPv6 addresses by which others should not know it: see `passing`.
    pub passing: BTreeSet<Ipv6Addr>,
    /// Its name is on the exclusion list.
    pub excluded: bool,
}

/// What made an interface (`IFLA_INFO_KIND`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A bridge.
    Bridge,
    /// A bond.
    Bond,
    /// One in mode `balance-alb`: it writes the MAC address of one port or another into each ARP answer that leaves, so
    /// that clients are told other ones than the speaker says. A VLAN or bridge on it does not show it.
    BondAlb,
    /// A VRF: its members keep their own ARP.
    Vrf,
    /// A VLAN on another interface.
    Vlan,
    /// One end of a virtual cable.
    Veth,
    /// Any other, by the kernel's name.
    Other(String),
}

/// Why nothing can be announced on an interface, in the order in which it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// Its name is on the exclusion list.
    Excluded,
    /// It is not Ethernet (a tunnel, the loopback).
    NotEthernet,
    /// It cannot broadcast, or the kernel is told not to speak ARP there.
    NoArp,
    /// It is a port of this bridge, bond or the like, which gets the frames instead. VRF members are not meant.
    Member(InterfaceIndex),
    /// It is set down.
    Down,
    /// It has no carrier.
    NoCarrier,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excluded => f.write_str("its name is on the exclusion list"),
            Self::NotEthernet => f.write_str("it is not an Ethernet interface"),
            Self::NoArp => f.write_str("it does not speak ARP (NOARP, or no broadcast)"),
            Self::Member(master) => write!(f, "it is a member of interface {master}, which is used instead"),
            Self::Down => f.write_str("it is set down"),
            Self::NoCarrier => f.write_str("it has no carrier: check the cable"),
        }
    }
}

impl Interface {
    /// Why it cannot be used; `master` is the one it is a member of, if that one is known.
    pub(super) fn unusable(&self, master: Option<&Self>) -> Option<Unusable> {
        let of_vrf = master.is_some_and(|master| master.kind == Some(Kind::Vrf));
        let reasons = [
            self.excluded.then_some(Unusable::Excluded),
            self.mac.is_none().then_some(Unusable::NotEthernet),
            (self.no_arp || !self.broadcast).then_some(Unusable::NoArp),
            self.master.filter(|_| !of_vrf).map(Unusable::Member),
            (!self.up).then_some(Unusable::Down),
            (!self.carrier).then_some(Unusable::NoCarrier),
        ];
        reasons.into_iter().flatten().next()
    }
}

/// The routing table that decides where no rule names another (`RT_TABLE_MAIN`).
const MAIN: u32 = 254;

/// The interface, the gateway and the metric of a default route; `None` for any other route. Of a route over several interfaces none is
/// taken: which of them works is not ours to guess.
pub(super) fn default_gateway(message: &RouteMessage) -> Option<(InterfaceIndex, IpAddr, u32)> {
    let is_default =
        message.header.destination_prefix_length == 0 && message.header.kind == RouteType::Unicast;
    let mut gateway = None;
    let mut index = None;
    // The kernel names none that is zero.
    let mut metric = 0;
    let mut table = u32::from(message.header.table);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Gateway(RouteAddress::Inet(address)) => gateway = Some(IpAddr::V4(*address)),
            RouteAttribute::Gateway(RouteAddress::Inet6(address)) => gateway = Some(IpAddr::V6(*address)),
            RouteAttribute::Priority(number) => metric = *number,
            RouteAttribute::Table(number) => table = *number,
            RouteAttribute::Oif(number) => index = Some(InterfaceIndex(*number)),
            _ => {}
        }
    }
    // Another table's (a VRF's, that of a rule for some sources) says nothing of what the kernel prefers.
    let preference = if table == MAIN { metric } else { u32::MAX };
    is_default.then_some((index?, gateway?, preference))
}

/// Reads a link message; `None` for one without a name, which is a report about something else.
pub(super) fn from_link(message: &LinkMessage, exclusions: &Exclusions) -> Option<Interface> {
    let name = message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name.clone()),
        _ => None,
    })?;
    let flags = message.header.flags;
    let mut interface = Interface {
        index: InterfaceIndex(message.header.index),
        mac: None,
        up: flags.contains(LinkFlags::Up),
        carrier: flags.contains(LinkFlags::LowerUp | LinkFlags::Running),
        broadcast: flags.contains(LinkFlags::Broadcast),
        no_arp: flags.contains(LinkFlags::Noarp),
        kind: None,
        master: None,
        mtu: 0,
        prefixes: BTreeSet::new(),
        passing: BTreeSet::new(),
        excluded: exclusions.matches(&name),
        name,
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::Address(bytes) if message.header.link_layer_type == LinkLayerType::Ether => {
                interface.mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(MacAddr::from);
            }
            LinkAttribute::Mtu(mtu) => interface.mtu = *mtu,
            LinkAttribute::Controller(index) => {
                interface.master = (*index != 0).then_some(InterfaceIndex(*index));
            }
            LinkAttribute::LinkInfo(info) => interface.kind = kind_of(info),
            _ => {}
        }
    }
    Some(interface)
}

fn kind_of(all: &[LinkInfo]) -> Option<Kind> {
    all.iter().find_map(|info| match info {
        LinkInfo::Kind(kind) => Some(match kind {
            InfoKind::Bridge => Kind::Bridge,
            InfoKind::Bond if is_balance_alb(all) => Kind::BondAlb,
            InfoKind::Bond => Kind::Bond,
            InfoKind::Vrf => Kind::Vrf,
            InfoKind::Vlan => Kind::Vlan,
            InfoKind::Veth => Kind::Veth,
            other => Kind::Other(other.to_string()),
        }),
        _ => None,
    })
}

fn is_balance_alb(info: &[LinkInfo]) -> bool {
    info.iter().any(|info| match info {
        LinkInfo::Data(InfoData::Bond(bond)) => bond.contains(&InfoBond::Mode(BondMode::BalanceAlb)),
        _ => false,
    })
}

/// The interface's own address and prefix. On a point-to-point link `IFA_ADDRESS` is the other end's and
/// `IFA_LOCAL` ours, without a network around it.
pub(super) fn prefix_of(message: &AddressMessage) -> Option<IpNet> {
    let find = |wanted: fn(&AddressAttribute) -> Option<IpAddr>| message.attributes.iter().find_map(wanted);
    let local = find(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let address = find(|attribute| match attribute {
        AddressAttribute::Address(address) => Some(*address),
        _ => None,
    });
    match (local, address) {
        (Some(local), Some(peer)) if local != peer => Some(IpNet::from(local)),
        (local, address) => IpNet::new(local.or(address)?, message.header.prefix_len).ok(),
    }
}

/// The address, if it is one of IPv6 by which others should not know the interface: one that is still being checked, or that
/// somebody else turned out to have; one that was withdrawn and is about to go; one that privacy extensions made, which goes
/// within a day.
pub(super) fn passing(message: &AddressMessage, prefix: IpNet) -> Option<Ipv6Addr> {
    let flags = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Flags(flags) => Some(*flags),
        _ => None,
    });
    let passes = AddressFlags::Tentative
        | AddressFlags::Dadfailed
        | AddressFlags::Deprecated
        | AddressFlags::Secondary;
    match prefix {
        IpNet::V6(network) if flags.unwrap_or(AddressFlags::empty()).intersects(passes) => {
            Some(network.addr())
        }
        _ => None,
    }
}
