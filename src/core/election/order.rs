//! Which node is first for an address: MetalLB's order, byte for byte.

use std::cmp::Reverse;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::model::NodeName;

/// A node's place for one address. Sorts the first node first: higher weight, then the lower hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    weight: Reverse<i32>,
    hash: [u8; 32],
}

impl Place {
    /// The place of `node` for `address`: SHA-256 over node name, `#` and the address as text, as MetalLB's layer 2
    /// has it, so that a cluster that moves from MetalLB finds each address on the node where it was.
    pub fn of(node: &NodeName, address: IpAddr, weight: i32) -> Self {
        let hash = Sha256::digest(format!("{node}#{address}").as_bytes());
        Self {
            weight: Reverse(weight),
            hash: hash.into(),
        }
    }
}

/// The nodes in their order for an address.
pub fn order<'a>(nodes: impl IntoIterator<Item = (&'a NodeName, i32)>, address: IpAddr) -> Vec<&'a NodeName> {
    let mut placed: Vec<(Place, &NodeName)> = nodes
        .into_iter()
        .map(|(node, weight)| (Place::of(node, address, weight), node))
        .collect();
    placed.sort();
    placed.into_iter().map(|(_, node)| node).collect()
}

#[cfg(test)]
mod tests;
