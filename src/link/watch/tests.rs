//! Netlink messages as values: kinds of interfaces that the test machine's kernel may lack. Real events are in
//! the `link` test target.

use std::collections::BTreeSet;

use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use rtnetlink::packet_route::link::{
    BondMode, InfoBond, InfoData, InfoKind, InfoVlan, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType,
    LinkMessage,
};
use tiklb_core::model::MacAddr;

use super::*;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// A cabled Ethernet interface that is up.
fn ethernet(index: u32, name: &str) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.header.link_layer_type = LinkLayerType::Ether;
    message.header.flags = LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Running | LinkFlags::Broadcast;
    message.attributes = vec![
        LinkAttribute::IfName(name.to_owned()),
        LinkAttribute::Mtu(1_500),
        LinkAttribute::Address(MAC.to_vec()),
    ];
    message
}

fn of_kind(mut message: LinkMessage, kind: InfoKind) -> LinkMessage {
    let info = vec![LinkInfo::Kind(kind)];
    message.attributes.push(LinkAttribute::LinkInfo(info));
    message
}

fn member_of(mut message: LinkMessage, master: u32) -> LinkMessage {
    message.attributes.push(LinkAttribute::Controller(master));
    message
}

fn snapshot(messages: &[LinkMessage]) -> Snapshot {
    let exclusions = Exclusions::default();
    let read = messages
        .iter()
        .filter_map(|message| interface::from_link(message, &exclusions));
    Snapshot {
        interfaces: read.map(|interface| (interface.index, interface)).collect(),
        ..Snapshot::default()
    }
}

/// Why the interface of that number is not usable.
fn unusable(snapshot: &Snapshot, index: u32) -> Option<Unusable> {
    snapshot.unusable(&snapshot.interfaces[&InterfaceIndex(index)])
}

#[test]
fn a_link_message_is_read_field_by_field() {
    let snapshot = snapshot(&[of_kind(ethernet(2, "eth0"), InfoKind::Veth)]);
    let expected = Interface {
        index: InterfaceIndex(2),
        name: "eth0".to_owned(),
        mac: Some(MacAddr::from(MAC)),
        up: true,
        carrier: true,
        broadcast: true,
        no_arp: false,
        kind: Some(Kind::Veth),
        master: None,
        mtu: 1_500,
        prefixes: BTreeSet::default(),
        passing: BTreeSet::default(),
        excluded: false,
    };
    assert_eq!(snapshot.interfaces[&InterfaceIndex(2)], expected);
    assert_eq!(snapshot.usable().count(), 1);
}

#[test]
fn members_are_skipped_for_their_master_except_those_of_a_vrf() {
    let snapshot = snapshot(&[
        of_kind(ethernet(2, "br0"), InfoKind::Bridge),
        of_kind(ethernet(3, "bond0"), InfoKind::Bond),
        of_kind(ethernet(4, "blue"), InfoKind::Vrf),
        of_kind(ethernet(5, "team0"), InfoKind::Team),
        member_of(ethernet(12, "eth2"), 2),
        member_of(ethernet(13, "eth3"), 3),
        member_of(ethernet(14, "eth4"), 4),
        member_of(ethernet(15, "eth5"), 5),
        member_of(ethernet(16, "eth6"), 99),
        member_of(ethernet(17, "eth7"), 0),
    ]);
    let reasons: Vec<Option<Unusable>> = (12..18).map(|index| unusable(&snapshot, index)).collect();
    let member = |master| Some(Unusable::Member(InterfaceIndex(master)));
    assert_eq!(reasons, [member(2), member(3), None, member(5), member(99), None]);
    assert_eq!(unusable(&snapshot, 2), None, "the bridge itself is used");
}

/// As the kernel reports it: the interface below it is named beside the kind, as no master is.
fn vlan(index: u32, name: &str, on: u32) -> LinkMessage {
    let mut message = ethernet(index, name);
    let data = InfoData::Vlan(vec![InfoVlan::Id(20)]);
    let info = vec![LinkInfo::Kind(InfoKind::Vlan), LinkInfo::Data(data)];
    message
        .attributes
        .extend([LinkAttribute::Link(on), LinkAttribute::LinkInfo(info)]);
    message
}

#[test]
fn a_vlan_is_an_interface_of_its_own_and_a_port_as_any_other() {
    let snapshot = snapshot(&[
        ethernet(2, "eth0"),
        vlan(3, "eth0.20", 2),
        of_kind(ethernet(4, "blue"), InfoKind::Vrf),
        member_of(vlan(5, "eth0.30", 2), 4),
        of_kind(ethernet(6, "br0"), InfoKind::Bridge),
        member_of(vlan(7, "eth0.40", 2), 6),
    ]);
    let vlans: Vec<_> = [3, 5, 7]
        .into_iter()
        .map(|index| {
            let vlan = &snapshot.interfaces[&InterfaceIndex(index)];
            (vlan.kind.clone(), vlan.master, unusable(&snapshot, index))
        })
        .collect();
    let (vrf, bridge) = (InterfaceIndex(4), InterfaceIndex(6));
    let expected = [
        (None, None),
        (Some(vrf), None),
        (Some(bridge), Some(Unusable::Member(bridge))),
    ];
    let expected = expected.map(|(master, why)| (Some(Kind::Vlan), master, why));
    assert_eq!(vlans, expected);
    assert_eq!(unusable(&snapshot, 2), None, "what a VLAN is on is used, too");
}

#[test]
fn every_kind_is_told_apart_by_what_the_kernel_calls_it() {
    let table = [
        (InfoKind::Bridge, Kind::Bridge),
        (InfoKind::Bond, Kind::Bond),
        (InfoKind::Vrf, Kind::Vrf),
        (InfoKind::Vlan, Kind::Vlan),
        (InfoKind::Veth, Kind::Veth),
        (InfoKind::MacVlan, Kind::Other("macvlan".to_owned())),
    ];
    for (said, kind) in table {
        let snapshot = snapshot(&[of_kind(ethernet(2, "net0"), said)]);
        assert_eq!(snapshot.interfaces[&InterfaceIndex(2)].kind, Some(kind));
    }
    let card = &snapshot(&[ethernet(2, "eth0")]).interfaces[&InterfaceIndex(2)];
    assert_eq!(card.kind, None, "hardware");
}

#[test]
fn a_bond_that_rewrites_arp_answers_is_told_apart() {
    let in_mode = |mode| {
        let data = InfoData::Bond(vec![InfoBond::Mode(mode)]);
        let info = vec![LinkInfo::Kind(InfoKind::Bond), LinkInfo::Data(data)];
        let mut message = ethernet(2, "bond0");
        message.attributes.push(LinkAttribute::LinkInfo(info));
        let snapshot = snapshot(&[message]);
        assert_eq!(unusable(&snapshot, 2), None, "{mode}: it is used all the same");
        snapshot.interfaces[&InterfaceIndex(2)].kind.clone()
    };
    assert_eq!(in_mode(BondMode::BalanceAlb), Some(Kind::BondAlb));
    for mode in [
        BondMode::ActiveBackup,
        BondMode::BalanceTlb,
        BondMode::Ieee8023Ad,
        BondMode::BalanceRr,
    ] {
        assert_eq!(in_mode(mode), Some(Kind::Bond), "{mode}");
    }
}

#[test]
fn what_cannot_announce_says_why() {
    let flags = |flags: LinkFlags| {
        let mut message = ethernet(2, "eth0");
        message.header.flags = flags;
        message
    };
    let mut tunnel = ethernet(2, "wg0");
    tunnel.header.link_layer_type = LinkLayerType::None;
    let waiting = LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Broadcast;
    let usual = waiting | LinkFlags::Running;
    let table = [
        (ethernet(2, "docker0"), Unusable::Excluded),
        (tunnel, Unusable::NotEthernet),
        (flags(usual | LinkFlags::Noarp), Unusable::NoArp),
        (flags(LinkFlags::Up | LinkFlags::LowerUp), Unusable::NoArp),
        (flags(LinkFlags::Broadcast), Unusable::Down),
        (flags(LinkFlags::Up | LinkFlags::Broadcast), Unusable::NoCarrier),
        (flags(waiting), Unusable::NoCarrier),
    ];
    for (message, why) in table {
        assert_eq!(unusable(&snapshot(&[message]), 2), Some(why));
        assert!(!why.to_string().is_empty());
    }
}

#[test]
fn a_report_without_a_name_is_no_interface() {
    let mut wireless_scan = ethernet(2, "wlan0");
    wireless_scan.attributes.remove(0);
    assert!(snapshot(&[wireless_scan]).interfaces.is_empty());
}

#[test]
fn metallbs_exclusions_compile_and_match_by_name() {
    let exclusions = Exclusions::default();
    let excluded = [
        "docker0",
        "cbr0",
        "dummy0",
        "virbr0-nic",
        "lxcbr0",
        "veth1a2b",
        "lo",
        "cali123",
        "tunl0",
        "flannel.1",
        "kube-ipvs0",
        "cni0",
        "nodelocaldns",
        "lxc_health",
    ];
    for name in excluded {
        assert!(exclusions.matches(name), "{name}");
    }
    for name in ["eth0", "enp3s0", "br0", "bond0", "wlan0", "lo1", "eth0.docker"] {
        assert!(!exclusions.matches(name), "{name}");
    }
}

#[test]
fn a_pattern_that_is_none_is_refused_and_named() {
    let error = Exclusions::new(["^eth", "enp[3"]).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("enp[3"), "{source}");
    assert!(
        Exclusions::new(["wlan"]).unwrap().matches("mywlan0"),
        "not anchored"
    );
}

#[test]
fn prefixes_are_our_own_addresses() {
    let message = |prefix_len, attributes: Vec<AddressAttribute>| {
        let mut message = AddressMessage::default();
        message.header.prefix_len = prefix_len;
        message.attributes = attributes;
        message
    };
    let address = |text: &str| text.parse().unwrap();
    let table = [
        (
            message(
                24,
                vec![
                    AddressAttribute::Address(address("192.168.1.11")),
                    AddressAttribute::Local(address("192.168.1.11")),
                ],
            ),
            Some("192.168.1.11/24"),
        ),
        (
            message(64, vec![AddressAttribute::Address(address("fe80::1"))]),
            Some("fe80::1/64"),
        ),
        (
            message(
                24,
                vec![
                    AddressAttribute::Address(address("10.0.0.2")),
                    AddressAttribute::Local(address("10.0.0.1")),
                ],
            ),
            Some("10.0.0.1/32"),
        ),
        (message(24, vec![]), None),
        (
            message(33, vec![AddressAttribute::Local(address("10.0.0.1"))]),
            None,
        ),
    ];
    for (message, expected) in table {
        let expected = expected.map(|text| text.parse().unwrap());
        assert_eq!(interface::prefix_of(&message), expected);
    }
}

#[test]
fn only_a_plain_default_route_names_a_gateway() {
    use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType};
    let gateway = IpAddr::from([192, 168, 1, 1]);
    let router = IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 1]);
    let of = |gateway: IpAddr, prefix: u8, kind: RouteType, with_gateway: bool| {
        let mut message = RouteMessage::default();
        message.header.destination_prefix_length = prefix;
        message.header.kind = kind;
        message.attributes.push(RouteAttribute::Oif(2));
        message.attributes.push(RouteAttribute::Priority(100));
        message.header.table = 254;
        if with_gateway {
            message
                .attributes
                .push(RouteAttribute::Gateway(RouteAddress::from(gateway)));
        }
        interface::default_gateway(&message)
    };
    let route = |prefix, kind, with_gateway| of(gateway, prefix, kind, with_gateway);
    assert_eq!(
        of(router, 0, RouteType::Unicast, true),
        Some((InterfaceIndex(2), router, 100))
    );
    assert_eq!(of(router, 64, RouteType::Unicast, true), None);
    assert_eq!(
        route(0, RouteType::Unicast, true),
        Some((InterfaceIndex(2), gateway, 100))
    );
    assert_eq!(route(24, RouteType::Unicast, true), None);
    let mut elsewhere = RouteMessage::default();
    elsewhere.attributes = vec![
        RouteAttribute::Oif(3),
        RouteAttribute::Gateway(RouteAddress::from(gateway)),
        RouteAttribute::Table(100),
    ];
    elsewhere.header.kind = RouteType::Unicast;
    let found = interface::default_gateway(&elsewhere);
    assert_eq!(
        found,
        Some((InterfaceIndex(3), gateway, u32::MAX)),
        "it is not what the kernel prefers"
    );
    assert_eq!(route(0, RouteType::BlackHole, true), None);
    assert_eq!(route(0, RouteType::Unicast, false), None);
}

#[test]
fn others_know_an_interface_by_addresses_that_stay() {
    let of = |prefix: &str, flags: Option<AddressFlags>| {
        let mut message = AddressMessage::default();
        message.attributes = flags.map(AddressAttribute::Flags).into_iter().collect();
        interface::passing(&message, prefix.parse().unwrap())
    };
    let six = "fd00:0:0:1::11/64";
    let stays = [
        None,
        Some(AddressFlags::Permanent),
        Some(AddressFlags::Managetempaddr | AddressFlags::Noprefixroute | AddressFlags::StablePrivacy),
    ];
    for flags in stays {
        assert_eq!(of(six, flags), None, "{flags:?}");
    }
    for flags in [
        AddressFlags::Tentative | AddressFlags::Permanent,
        AddressFlags::Tentative | AddressFlags::Optimistic,
        AddressFlags::Dadfailed,
        AddressFlags::Deprecated | AddressFlags::Permanent,
        AddressFlags::Secondary,
    ] {
        let address = "fd00:0:0:1::11".parse().unwrap();
        assert_eq!(of(six, Some(flags)), Some(address), "{flags:?}");
        // IPv4's second address of a subnet is as good as the first.
        assert_eq!(of("192.168.1.11/24", Some(flags)), None, "{flags:?}");
    }
}
