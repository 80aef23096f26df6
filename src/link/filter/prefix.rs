//! IPv6 addresses as a filter compares them: by a prefix that covers them.

use std::net::Ipv6Addr;

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    bits: u128,
    length: u32,
}

impl Prefix {
    /// The smallest one that holds both ends, and so everything between them.
    pub(super) const fn covering(first: Ipv6Addr, last: Ipv6Addr) -> Self {
        let length = (first.to_bits() ^ last.to_bits()).leading_zeros();
        Self {
            bits: first.to_bits() & mask(length),
            length,
        }
    }

    /// The four words of an address, each as value and mask; those that do not matter are left out, the others come with
    /// their offset in bytes.
    pub(super) fn words(self) -> impl Iterator<Item = (u32, u32, u32)> {
        let mask = mask(self.length);
        let word = |number: u32, of: u128| {
            let shifted = of >> (96 - 32 * number) & u128::from(u32::MAX);
            u32::try_from(shifted).unwrap_or_default()
        };
        let words = (0..4).map(move |number| (4 * number, word(number, self.bits), word(number, mask)));
        words.filter(|(_, _, mask)| *mask != 0)
    }
}

const fn mask(length: u32) -> u128 {
    match u128::MAX.checked_shl(128 - length) {
        Some(mask) => mask,
        None => 0,
    }
}
