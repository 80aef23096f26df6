//! By which addresses a node is known, and from which it asks.

use std::net::Ipv4Addr;

use super::*;

fn link(networks: &[&str], networks_v6: &[&str], passing: &[&str]) -> Link {
    Link {
        index: InterfaceIndex(2),
        name: "eth0".to_owned(),
        mac: MacAddr(2, 0, 0, 0, 1, 11),
        networks: networks.iter().map(|n| n.parse().unwrap()).collect(),
        networks_v6: networks_v6.iter().map(|n| n.parse().unwrap()).collect(),
        passing: passing.iter().map(|a| a.parse().unwrap()).collect(),
        gateways: vec![ip("192.168.1.1"), ip("fe80::1")],
        metric: None,
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// By which addresses a node with this link alone is known.
fn hosts(link: &Link) -> Vec<String> {
    let links = [(link.index, link.clone())].into();
    let hosts = super::hosts(&links).into_values().flatten();
    hosts.map(|network| network.to_string()).collect()
}

const LOCAL: &str = "fe80::11/64";
const OWN: &str = "fd00:0:0:1::11/64";
const PROVIDERS: &str = "2001:db8:0:1::11/64";

#[test]
fn who_has_ipv4_goes_by_it() {
    let both = link(&["192.168.1.11/24", "10.0.0.11/8"], &[LOCAL, OWN], &[]);
    assert_eq!(both.family(), Family::V4);
    assert_eq!(hosts(&both), ["192.168.1.11/24", "10.0.0.11/8"]);
    assert_eq!(both.asks_from(), [ip("192.168.1.11"), ip("10.0.0.11")]);
    assert_eq!(both.routers().collect::<Vec<_>>(), [ip("192.168.1.1")]);
    assert_eq!(both.asks(ip("192.168.1.50")), Some(ip("192.168.1.11")));
    assert_eq!(both.asks(ip("192.168.2.50")), None, "none of its networks");
    assert_eq!(
        both.asks(ip("fd00:0:0:1::12")),
        None,
        "nothing more is sent than IPv4's"
    );
}

#[test]
fn who_has_ipv6_alone_goes_by_an_address_that_stays() {
    for (networks, passing, expected) in [
        (vec![PROVIDERS, LOCAL, OWN], vec![], vec![OWN]),
        (vec![PROVIDERS, LOCAL], vec![], vec![PROVIDERS]),
        (
            vec![PROVIDERS, LOCAL, OWN],
            vec!["fd00:0:0:1::11"],
            vec![PROVIDERS],
        ),
        (vec![PROVIDERS, LOCAL], vec!["2001:db8:0:1::11"], vec![LOCAL]),
        (vec![LOCAL], vec!["fe80::11"], vec![]),
        (vec![], vec![], vec![]),
    ] {
        let six = link(&[], &networks, &passing);
        assert_eq!(six.family(), Family::V6);
        assert_eq!(hosts(&six), expected, "of {networks:?}, of which {passing:?} go");
    }
    let temporary = "2001:db8:0:1:9999::1/64";
    let six = link(&[], &[temporary, PROVIDERS], &["2001:db8:0:1:9999::1"]);
    assert_eq!(hosts(&six), [PROVIDERS]);
}

#[test]
fn a_link_that_has_nothing_but_a_link_local_address_counts_only_where_no_other_does() {
    let known = |links: [Link; 2]| -> Vec<u32> {
        let links = links.into_iter().enumerate().map(|(place, link)| {
            let index = InterfaceIndex(u32::try_from(place).unwrap());
            (index, Link { index, ..link })
        });
        let known = super::hosts(&links.collect());
        known.into_keys().map(|index| index.0).collect()
    };
    let local = || link(&[], &[LOCAL], &[]);
    assert_eq!(known([local(), link(&["192.168.1.11/24"], &[LOCAL], &[])]), [1]);
    assert_eq!(known([link(&[], &[LOCAL, OWN], &[]), local()]), [0]);
    assert_eq!(known([local(), local()]), [0, 1]);
    assert_eq!(known([local(), link(&[], &[], &[])]), [0]);
}

#[test]
fn routers_and_hosts_are_asked_from_the_address_in_their_network() {
    let six = link(&[], &[LOCAL, PROVIDERS, OWN], &[]);
    assert_eq!(six.routers().collect::<Vec<_>>(), [ip("fe80::1")]);
    for (target, own) in [
        ("fe80::1", Some("fe80::11")),
        ("fd00:0:0:1::12", Some("fd00:0:0:1::11")),
        ("2001:db8:0:1::12", Some("2001:db8:0:1::11")),
        ("2001:db8:0:2::12", None),
        ("192.168.1.1", None),
    ] {
        assert_eq!(six.asks(ip(target)), own.map(ip), "{target}");
        let heard = own.is_none_or(|own| six.asks_from().contains(&ip(own)));
        assert!(heard, "the answer of {target} is heard");
    }
    let passing = link(&[], &[LOCAL, OWN], &["fd00:0:0:1::11"]);
    assert_eq!(passing.asks(ip("fd00:0:0:1::12")), None);
    assert!(passing.is_in_network_of(ip("fd00:0:0:1::12")));
    assert!(!passing.is_in_network_of(Ipv4Addr::new(192, 168, 1, 1).into()));
}

#[test]
fn a_neighbour_is_asked_from_an_address_that_stays_if_there_is_one() {
    let temporary = "fd00:0:0:1:9:9:9:1/64";
    let passing = "fd00:0:0:1:9:9:9:1";
    let target = "fd00:0:0:1::200".parse().unwrap();
    let own = |networks: &[&str], passing: &[&str]| {
        let own = link(&["192.168.1.11/24"], networks, passing).own_v6(target);
        own.map(|own| own.to_string())
    };
    assert_eq!(
        own(&[temporary, OWN], &[passing]).as_deref(),
        Some("fd00:0:0:1::11")
    );
    assert_eq!(
        own(&[LOCAL, temporary], &[passing]).map(|own| ip(&own)),
        Some(ip(passing))
    );
    assert_eq!(own(&[PROVIDERS, LOCAL], &[]).as_deref(), Some("fe80::11"));
    assert_eq!(own(&[PROVIDERS], &[]), None);
}
