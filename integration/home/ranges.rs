//! A DHCP pool's ranges as the set of their addresses: the judge's own reading of what the router shows.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::Sub;
use std::str::FromStr;

use ipnet::Ipv4Net;

/// The LAN's first three octets: what a person leaves out who writes `100-199`.
const LAN: [u8; 3] = [192, 168, 1];

/// More addresses than this are no home's pool, and would fill the memory one by one.
const MOST: u32 = 65_536;

/// A set of addresses.
///
/// ```
/// use lab::home::Ranges;
/// let pool: Ranges = "192.168.1.100-192.168.1.254".parse().unwrap();
/// let taken: Ranges = "200-220".parse().unwrap();
/// assert_eq!((&pool - &taken).to_string(), "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranges(BTreeSet<u32>);

/// A text that is no list of ranges.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no range of addresses: 100-199 and 192.168.1.100-192.168.1.199 are, and several with commas"
)]
pub struct RangesError(String);

impl Ranges {
    /// Whether `address` is one of them.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.0.contains(&address.into())
    }

    /// The lowest address.
    pub fn first(&self) -> Option<Ipv4Addr> {
        self.0.first().copied().map(Ipv4Addr::from)
    }

    /// How many addresses there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.0.is_disjoint(&other.0)
    }

    /// First and last of each stretch without a gap.
    fn stretches(&self) -> Vec<(u32, u32)> {
        let mut stretches: Vec<(u32, u32)> = Vec::new();
        for &address in &self.0 {
            match stretches.last_mut() {
                Some((_, last)) if *last + 1 == address => *last = address,
                _ => stretches.push((address, address)),
            }
        }
        stretches
    }
}

impl Sub for &Ranges {
    type Output = Ranges;

    fn sub(self, other: Self) -> Ranges {
        Ranges(&self.0 - &other.0)
    }
}

impl fmt::Display for Ranges {
    /// As a router shows them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.stretches().into_iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{}", Ipv4Addr::from(first))?;
            if first != last {
                write!(f, "-{}", Ipv4Addr::from(last))?;
            }
        }
        Ok(())
    }
}

impl FromStr for Ranges {
    type Err = RangesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || RangesError(text.to_owned());
        let mut all = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = bounds(part.trim()).ok_or_else(wrong)?;
            if first > last || last - first >= MOST {
                return Err(wrong());
            }
            all.extend(first..=last);
        }
        Ok(Self(all))
    }
}

/// Of `a-b`, of a prefix as in `192.168.1.0/28`, or of one address.
fn bounds(part: &str) -> Option<(u32, u32)> {
    if let Some((first, last)) = part.split_once('-') {
        return Some((address(first)?, address(last)?));
    }
    if part.contains('/') {
        let net: Ipv4Net = part.parse().ok()?;
        return Some((net.network().into(), net.broadcast().into()));
    }
    let one = address(part)?;
    Some((one, one))
}

fn address(text: &str) -> Option<u32> {
    let text = text.trim();
    let [a, b, c] = LAN;
    let short = text.parse().ok().map(|last: u8| Ipv4Addr::new(a, b, c, last));
    short.or_else(|| text.parse().ok()).map(u32::from)
}

#[cfg(test)]
mod tests;
