//! Claims: "I announce this address, since epoch e."
//!
//! Of two claims the higher epoch wins, then the node's place by the hash; never who had it first. An epoch is one
//! above the highest ever seen for its address, so the latest takeover wins wherever the others hear of it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::order::Place;

/// What one node claims.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClaimSet(BTreeMap<IpAddr, u64>);

impl ClaimSet {
    /// The epoch of its claim on an address.
    pub fn epoch(&self, address: IpAddr) -> Option<u64> {
        self.0.get(&address).copied()
    }

    /// Claims an address.
    pub fn insert(&mut self, address: IpAddr, epoch: u64) {
        self.0.insert(address, epoch);
    }

    /// Gives a claim up.
    pub fn remove(&mut self, address: IpAddr) -> Option<u64> {
        self.0.remove(&address)
    }

    /// All claims by address.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, u64)> + '_ {
        self.0.iter().map(|(address, epoch)| (*address, *epoch))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is claimed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Eight bytes of SHA-256 over the content: equal for equal sets on every node.
    pub fn digest(&self) -> [u8; 8] {
        let mut hash = Sha256::new();
        for (address, epoch) in &self.0 {
            hash.update(address.to_string().as_bytes());
            hash.update([0]);
            hash.update(epoch.to_be_bytes());
        }
        let mut digest = [0; 8];
        digest.copy_from_slice(&hash.finalize()[..8]);
        digest
    }
}

impl FromIterator<(IpAddr, u64)> for ClaimSet {
    fn from_iter<I: IntoIterator<Item = (IpAddr, u64)>>(claims: I) -> Self {
        Self(claims.into_iter().collect())
    }
}

/// What decides between two claims on one address. Sorts the winner first.
pub type Standing = (Reverse<u64>, Place);

/// A claim's standing.
pub const fn standing(epoch: u64, place: Place) -> Standing {
    (Reverse(epoch), place)
}
