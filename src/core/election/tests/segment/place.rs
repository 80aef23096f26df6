//! Where nodes are on the segments, and the cards that they have.

use std::net::IpAddr;

use ipnet::IpNet;

use super::ip;
use crate::model::MacAddr;

pub(in crate::election::tests) fn lan_network() -> IpNet {
    "192.168.1.0/24".parse().unwrap()
}

pub(in crate::election::tests) fn host(node: usize) -> IpAddr {
    ip(11 + u8::try_from(node).unwrap())
}

pub(in crate::election::tests) fn mac(node: usize) -> MacAddr {
    MacAddr(2, 0, 0, 0, 1, u8::try_from(node).unwrap())
}

/// A node's address on the segment for management.
pub(in crate::election::tests) fn desk(node: usize) -> IpAddr {
    IpAddr::from([10, 0, 0, 11 + u8::try_from(node).unwrap()])
}

pub(super) fn is_desk(address: IpAddr) -> bool {
    (0..=u8::MAX - 11).any(|node| desk(usize::from(node)) == address)
}

/// Where what a node sends to an address comes from.
pub(super) fn source(node: usize, to: IpAddr) -> IpAddr {
    if is_desk(to) { desk(node) } else { host(node) }
}

pub(super) fn management_mac(node: usize) -> MacAddr {
    MacAddr(2, 0, 0, 0, 2, u8::try_from(node).unwrap())
}
