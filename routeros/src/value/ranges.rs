//! The `ranges` of an address pool.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use super::quote;

#[cfg(test)]
mod tests;

/// A text that is no list of ranges, and where in it the fault is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("range {position} (`{item}`): {why}")]
pub struct InvalidRanges {
    /// Which of the comma-separated items, counted from 1.
    position: usize,
    /// The item's text, shortened.
    item: String,
    /// What is wrong with it.
    why: &'static str,
}

/// Consecutive IPv4 addresses, both ends included; never inverted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: u32,
    last: u32,
}

impl AddressRange {
    /// The range from `first` to `last`; `None` when they are the wrong way round.
    pub fn new(first: Ipv4Addr, last: Ipv4Addr) -> Option<Self> {
        (first <= last).then(|| Self {
            first: first.into(),
            last: last.into(),
        })
    }

    /// The lowest address.
    pub fn first(self) -> Ipv4Addr {
        self.first.into()
    }

    /// The highest address.
    pub fn last(self) -> Ipv4Addr {
        self.last.into()
    }

    fn parse(item: &str) -> Result<Self, &'static str> {
        if item.is_empty() {
            return Err("nothing stands between the commas");
        }
        if let Some((first, last)) = item.split_once('-') {
            let first = address(first, "there should be an IPv4 address before the -")?;
            let last = address(last, "there should be an IPv4 address after the -")?;
            return Self::new(first, last).ok_or("the first address is above the last");
        }
        if let Some((base, mask)) = item.split_once('/') {
            let base = address(base, "there should be an IPv4 address before the /")?;
            return Ok(Self::masked(base.into(), prefix_mask(mask)?));
        }
        let single = address(
            item,
            "it should be an IPv4 address, first-last, or address/prefix",
        )?;
        Ok(Self {
            first: single.into(),
            last: single.into(),
        })
    }

    /// Every address of the block that `base` lies in. Whether RouterOS hands out a block's network and broadcast
    /// addresses is not documented; counting them as handed out errs on the safe side.
    fn masked(base: u32, mask: u32) -> Self {
        Self {
            first: base & mask,
            last: base | !mask,
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first().fmt(f)?;
        if self.last > self.first {
            write!(f, "-{}", self.last())?;
        }
        Ok(())
    }
}

fn address(text: &str, why: &'static str) -> Result<Ipv4Addr, &'static str> {
    text.trim().parse().map_err(|_| why)
}

/// The mask of `/24` or `/255.255.255.0`.
fn prefix_mask(text: &str) -> Result<u32, &'static str> {
    const WHY: &str = "after the / there should be 0 to 32, or a mask like 255.255.255.0";
    let text = text.trim();
    if let Ok(mask) = text.parse::<Ipv4Addr>() {
        let mask = u32::from(mask);
        let contiguous = mask.leading_ones() + mask.trailing_zeros() == u32::BITS || mask == u32::MAX;
        return if contiguous {
            Ok(mask)
        } else {
            Err("the mask's ones are not all in front")
        };
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(WHY);
    }
    match text.parse::<u32>() {
        Ok(length @ 0..=32) => Ok(u32::MAX.checked_shl(u32::BITS - length).unwrap_or(0)),
        _ => Err(WHY),
    }
}

/// A set of IPv4 addresses, as the `ranges` of `/ip/pool` names them. Reads RouterOS's grammar, comma-separated:
/// `a-b`, `a`, `a/24`, `a/255.255.255.0`. Two are equal when they hold the same addresses, whatever way they were
/// written: how RouterOS normalises what it stores is not documented. Prints sorted, merged, as `a-b` and `a`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct AddressRanges(Vec<AddressRange>);

impl AddressRanges {
    /// Whether it holds no address.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many addresses it holds.
    pub fn len(&self) -> u64 {
        self.0
            .iter()
            .map(|range| u64::from(range.last - range.first) + 1)
            .sum()
    }

    /// The disjoint ranges in ascending order, with a gap between any two.
    pub fn iter(&self) -> impl Iterator<Item = AddressRange> + '_ {
        self.0.iter().copied()
    }

    /// Whether it holds `address`.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        let address = u32::from(address);
        let at = self.0.partition_point(|range| range.last < address);
        self.0.get(at).is_some_and(|range| range.first <= address)
    }

    /// Whether it holds every address of `other`.
    pub fn is_superset(&self, other: &Self) -> bool {
        other.subtract(self).is_empty()
    }

    /// What it holds without what `other` holds.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        let mut left = Vec::with_capacity(self.0.len());
        for range in &self.0 {
            left.extend(remainder(*range, &other.0));
        }
        Self(left)
    }

    /// What it or `other` holds.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }

    /// What both hold.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.subtract(&self.subtract(other))
    }
}

/// The parts of `range` that none of `holes` (ascending, disjoint) covers.
fn remainder(range: AddressRange, holes: &[AddressRange]) -> Vec<AddressRange> {
    let mut parts = Vec::new();
    let mut first = range.first;
    for hole in holes
        .iter()
        .filter(|hole| hole.last >= range.first && hole.first <= range.last)
    {
        if hole.first > first {
            parts.push(AddressRange {
                first,
                last: hole.first - 1,
            });
        }
        match hole.last.checked_add(1) {
            Some(next) if next <= range.last => first = next,
            _ => return parts,
        }
    }
    parts.push(AddressRange {
        first,
        last: range.last,
    });
    parts
}

impl From<AddressRange> for AddressRanges {
    fn from(range: AddressRange) -> Self {
        Self(vec![range])
    }
}

impl FromIterator<AddressRange> for AddressRanges {
    fn from_iter<I: IntoIterator<Item = AddressRange>>(ranges: I) -> Self {
        let mut sorted: Vec<_> = ranges.into_iter().collect();
        sorted.sort_unstable();
        let mut merged: Vec<AddressRange> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match merged.last_mut() {
                Some(previous) if range.first <= previous.last.saturating_add(1) => {
                    previous.last = previous.last.max(range.last);
                }
                _ => merged.push(range),
            }
        }
        Self(merged)
    }
}

impl fmt::Display for AddressRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            range.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for AddressRanges {
    type Err = InvalidRanges;

    /// The empty text is the empty set: what a pool without ranges reads as.
    fn from_str(text: &str) -> Result<Self, InvalidRanges> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let items = text.split(',').map(str::trim).enumerate();
        let ranges = items.map(|(at, item)| {
            AddressRange::parse(item).map_err(|why| InvalidRanges {
                position: at + 1,
                item: quote(item),
                why,
            })
        });
        ranges.collect()
    }
}
