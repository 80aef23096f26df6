//! A pool's ranges: `A.B.C.D[-A.B.C.D | /0..32 | /A.B.C.D]`, comma-separated, without overlap.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::trap::Trap;

/// How `ranges` reads back. Which of them a router uses is not documented, so a client must compare sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RangeForm {
    /// As it was written.
    #[default]
    Verbatim,
    /// An aligned range as a prefix, a single address as itself.
    Cidr,
    /// Sorted, and neighbours joined.
    Merged,
}

/// One range, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) first: u32,
    pub(crate) last: u32,
}

/// A pool's ranges in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<Span>);

impl Ranges {
    /// Reads the console's form.
    pub(crate) fn parse(text: &str) -> Result<Self, Trap> {
        Ok(Self(text.split(',').map(parse_one).collect::<Result<_, _>>()?))
    }

    /// Whether two of the ranges share an address.
    pub(crate) fn overlap(&self) -> bool {
        let mut spans = self.0.clone();
        spans.sort_unstable();
        spans.windows(2).any(|pair| pair[1].first <= pair[0].last)
    }

    /// Whether the two share an address.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let meet = |one: &Span, two: &Span| one.first <= two.last && two.first <= one.last;
        self.0.iter().any(|one| other.0.iter().any(|two| meet(one, two)))
    }

    /// How many ranges there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many addresses there are.
    pub(crate) fn count(&self) -> u64 {
        self.0
            .iter()
            .map(|span| u64::from(span.last - span.first) + 1)
            .sum()
    }

    /// Whether `address` is within.
    pub(crate) fn contains(&self, address: Ipv4Addr) -> bool {
        let address = u32::from(address);
        self.0
            .iter()
            .any(|span| (span.first..=span.last).contains(&address))
    }

    /// All addresses from the highest to the lowest, the order in which RouterOS hands them out.
    pub(crate) fn descending(&self) -> impl Iterator<Item = Ipv4Addr> {
        let mut spans = self.0.clone();
        spans.sort_unstable();
        spans
            .into_iter()
            .rev()
            .flat_map(|span| (span.first..=span.last).rev())
            .map(Ipv4Addr::from)
    }

    /// As a row shows it; `written` is the text that was stored.
    pub(crate) fn show(&self, form: RangeForm, written: &str) -> String {
        let texts: Vec<String> = match form {
            RangeForm::Verbatim => return written.to_owned(),
            RangeForm::Cidr => self.0.iter().map(|span| span.compressed()).collect(),
            RangeForm::Merged => self.merged().iter().map(|span| span.plain()).collect(),
        };
        texts.join(",")
    }

    fn merged(&self) -> Vec<Span> {
        let mut spans = self.0.clone();
        spans.sort_unstable();
        let mut merged: Vec<Span> = Vec::new();
        for span in spans {
            match merged.last_mut() {
                Some(before) if before.last.checked_add(1).is_none_or(|next| next >= span.first) => {
                    before.last = before.last.max(span.last);
                }
                _ => merged.push(span),
            }
        }
        merged
    }
}

impl Span {
    fn plain(self) -> String {
        let (first, last) = (Ipv4Addr::from(self.first), Ipv4Addr::from(self.last));
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    }

    fn compressed(self) -> String {
        let size = u64::from(self.last - self.first) + 1;
        let aligned = size.is_power_of_two() && u64::from(self.first).is_multiple_of(size);
        if self.first == self.last || !aligned {
            return self.plain();
        }
        format!("{}/{}", Ipv4Addr::from(self.first), 32 - size.trailing_zeros())
    }
}

fn parse_one(text: &str) -> Result<Span, Trap> {
    let plain = || Trap::bad_range("expects range of ip addresses");
    if let Some((first, last)) = text.split_once('-') {
        let first: Ipv4Addr = first
            .parse()
            .map_err(|_| Trap::bad_range("must have ip address before '-'"))?;
        let last: Ipv4Addr = last
            .parse()
            .map_err(|_| Trap::bad_range("must have ip address after '-'"))?;
        let span = Span {
            first: first.into(),
            last: last.into(),
        };
        // The text for an inverted range is not known; this is the one for whatever is no range.
        return if span.first <= span.last {
            Ok(span)
        } else {
            Err(plain())
        };
    }
    let net = match text.split_once('/') {
        Some((address, mask)) if mask.contains('.') => {
            let (address, mask) = (
                address.parse().map_err(|_| plain())?,
                mask.parse().map_err(|_| plain())?,
            );
            Ipv4Net::with_netmask(address, mask).map_err(|_| plain())?
        }
        Some(_) => text.parse().map_err(|_| plain())?,
        None => Ipv4Net::from(text.parse::<Ipv4Addr>().map_err(|_| plain())?),
    };
    Ok(Span {
        first: net.network().into(),
        last: net.broadcast().into(),
    })
}
