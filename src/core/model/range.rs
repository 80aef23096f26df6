//! Address ranges of both families, and sets of them.
//!
//! Kubernetes pools and RouterOS pools write the same addresses in different ways (a CIDR here, `a-b` there), so
//! everything is compared as sets of addresses, never as text.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

use super::excerpt::{NAME, excerpt};

/// All addresses from `first` to `last`, both included, of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

/// Why a text is not an address range. The text is part of the message: it is the user's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Neither a CIDR nor `start-end`.
    #[error("{0:?} is neither a CIDR (192.168.1.0/28) nor a range (192.168.1.200-192.168.1.220)")]
    Unreadable(String),
    /// A single address needs a mask, as in MetalLB.
    #[error("{0:?} is a single address: write it with a mask, {0}/{1}")]
    MaskMissing(IpAddr, u8),
    /// `start` lies behind `end`.
    #[error("{text:?} is inverted: {first} lies behind {last}; swap the two ends")]
    Inverted {
        /// What was written.
        text: String,
        /// Its start.
        first: IpAddr,
        /// Its end.
        last: IpAddr,
    },
    /// One end is IPv4, the other IPv6.
    #[error("{0:?} mixes IPv4 and IPv6: write one range for each family")]
    MixedFamilies(String),
}

impl AddressRange {
    /// The range from `first` to `last`; `None` when they are of two families or inverted.
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last })
    }

    /// The range of one address.
    pub const fn single(address: IpAddr) -> Self {
        Self {
            first: address,
            last: address,
        }
    }

    /// Reads one entry of `IPAddressPool.spec.addresses`: a CIDR (host bits are masked away, as MetalLB does) or
    /// `start-end` with spaces allowed around the ends.
    ///
    /// # Errors
    /// What is wrong with the text, and how to write it instead.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        let unreadable = || RangeError::Unreadable(excerpt(text, NAME));
        if text.contains('/') {
            let net: IpNet = text.trim().parse().map_err(|_| unreadable())?;
            return Ok(net.into());
        }
        let Some((first, last)) = text.split_once('-') else {
            let address: IpAddr = text.trim().parse().map_err(|_| unreadable())?;
            return Err(RangeError::MaskMissing(
                address,
                if address.is_ipv4() { 32 } else { 128 },
            ));
        };
        let first: IpAddr = first.trim().parse().map_err(|_| unreadable())?;
        let last: IpAddr = last.trim().parse().map_err(|_| unreadable())?;
        if first.is_ipv4() != last.is_ipv4() {
            return Err(RangeError::MixedFamilies(excerpt(text, NAME)));
        }
        Self::new(first, last).ok_or_else(|| RangeError::Inverted {
            text: excerpt(text, NAME),
            first,
            last,
        })
    }

    /// The lowest address.
    pub const fn first(&self) -> IpAddr {
        self.first
    }

    /// The highest address.
    pub const fn last(&self) -> IpAddr {
        self.last
    }

    /// Whether the address lies inside.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.first <= address && address <= self.last
    }

    /// How many addresses; saturates for the whole of IPv6.
    pub fn count(&self) -> u128 {
        (bits(self.last) - bits(self.first)).saturating_add(1)
    }

    /// The addresses in ascending order. Bounded only by the range: callers take what they need.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let last = self.last;
        std::iter::successors(
            Some(self.first),
            move |a| if *a < last { successor(*a) } else { None },
        )
    }

    fn intersection(&self, other: &Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last))
    }
}

impl From<IpNet> for AddressRange {
    fn from(net: IpNet) -> Self {
        Self {
            first: net.network(),
            last: net.broadcast(),
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// A set of addresses, kept as ascending ranges that neither overlap nor touch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct RangeSet(Vec<AddressRange>);

impl RangeSet {
    /// The set of no address.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether no address is in it.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, ascending, IPv4 before IPv6.
    pub fn ranges(&self) -> &[AddressRange] {
        &self.0
    }

    /// What of it is IPv4.
    #[must_use]
    pub fn v4(&self) -> Self {
        let ranges = self.0.iter().filter(|range| range.first.is_ipv4());
        Self(ranges.copied().collect())
    }

    /// How many addresses; saturates.
    pub fn count(&self) -> u128 {
        self.0.iter().fold(0, |sum, r| sum.saturating_add(r.count()))
    }

    /// The addresses in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.0.iter().flat_map(AddressRange::iter)
    }

    /// Whether the address is in the set.
    pub fn contains(&self, address: IpAddr) -> bool {
        let after = self.0.partition_point(|r| r.first <= address);
        after > 0 && self.0[after - 1].contains(address)
    }

    /// Whether every address of `other` is in this set.
    pub fn contains_all(&self, other: &Self) -> bool {
        other.difference(self).is_empty()
    }

    /// The addresses that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let pairs = self
            .0
            .iter()
            .flat_map(|a| other.0.iter().filter_map(move |b| a.intersection(b)));
        pairs.collect()
    }

    /// The addresses that are in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }

    /// The addresses that are here and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut left = Vec::with_capacity(self.0.len());
        for range in &self.0 {
            let mut rest = Some(*range);
            for hole in &other.0 {
                let Some(current) = rest else { break };
                let Some(cut) = current.intersection(hole) else {
                    continue;
                };
                if current.first < cut.first
                    && let Some(before) = predecessor(cut.first)
                {
                    left.push(AddressRange {
                        first: current.first,
                        last: before,
                    });
                }
                rest = successor(cut.last).and_then(|after| AddressRange::new(after, current.last));
            }
            left.extend(rest);
        }
        Self(left)
    }
}

impl From<AddressRange> for RangeSet {
    fn from(range: AddressRange) -> Self {
        Self(vec![range])
    }
}

impl FromIterator<AddressRange> for RangeSet {
    fn from_iter<I: IntoIterator<Item = AddressRange>>(ranges: I) -> Self {
        let mut sorted: Vec<AddressRange> = ranges.into_iter().collect();
        sorted.sort_unstable();
        let mut merged: Vec<AddressRange> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match merged.last_mut() {
                Some(open) if joins(open, &range) => open.last = open.last.max(range.last),
                _ => merged.push(range),
            }
        }
        Self(merged)
    }
}

impl FromIterator<IpAddr> for RangeSet {
    fn from_iter<I: IntoIterator<Item = IpAddr>>(addresses: I) -> Self {
        addresses.into_iter().map(AddressRange::single).collect()
    }
}

/// Reads what [`RangeSet`] prints: `a-b,c`, where `c` stands for itself. The empty text is the empty set.
impl FromStr for RangeSet {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let one = |entry: &str| match entry.parse() {
            Ok(address) => Ok(AddressRange::single(address)),
            Err(_) => AddressRange::parse(entry),
        };
        entries.map(one).collect()
    }
}

impl fmt::Display for RangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, range) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{range}")?;
        }
        Ok(())
    }
}

/// Whether `later` overlaps `earlier` or begins right behind it; `later` does not begin before `earlier`.
fn joins(earlier: &AddressRange, later: &AddressRange) -> bool {
    earlier.first.is_ipv4() == later.first.is_ipv4()
        && (later.first <= earlier.last || successor(earlier.last) == Some(later.first))
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The address behind this one in its family.
pub(crate) fn successor(address: IpAddr) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits().checked_add(1)?).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits().checked_add(1)?).into(),
    })
}

/// The address before this one in its family.
pub(crate) fn predecessor(address: IpAddr) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits().checked_sub(1)?).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits().checked_sub(1)?).into(),
    })
}

#[cfg(test)]
mod tests;
