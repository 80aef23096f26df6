//! Addresses in use as runs of neighbours, so that the first free one behind any address is found at once however many
//! are taken.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::range::{predecessor, successor};
use crate::model::{AddressRange, RangeSet};

/// A set of addresses that changes one by one: the last address of each run, by its first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Runs(BTreeMap<IpAddr, IpAddr>);

impl Runs {
    /// The run that holds this address.
    fn around(&self, address: IpAddr) -> Option<(IpAddr, IpAddr)> {
        let (first, last) = self.0.range(..=address).next_back()?;
        (*last >= address).then_some((*first, *last))
    }

    pub(super) fn insert(&mut self, address: IpAddr) {
        if self.around(address).is_some() {
            return;
        }
        let before = predecessor(address).and_then(|before| self.around(before));
        let behind = successor(address).and_then(|next| Some((next, *self.0.get(&next)?)));
        if let Some((next, _)) = behind {
            self.0.remove(&next);
        }
        let first = before.map_or(address, |(first, _)| first);
        self.0.insert(first, behind.map_or(address, |(_, last)| last));
    }

    pub(super) fn remove(&mut self, address: IpAddr) {
        let Some((first, last)) = self.around(address) else {
            return;
        };
        self.0.remove(&first);
        if let Some(before) = predecessor(address).filter(|before| first <= *before) {
            self.0.insert(first, before);
        }
        if let Some(next) = successor(address).filter(|next| *next <= last) {
            self.0.insert(next, last);
        }
    }

    /// The lowest address from `from` on that is not in use; `None` behind the last address of a family.
    pub(super) fn first_free(&self, from: IpAddr) -> Option<IpAddr> {
        match self.around(from) {
            None => Some(from),
            Some((_, last)) => successor(last),
        }
    }

    /// The addresses in use that lie in a range.
    pub(super) fn within(&self, range: &AddressRange) -> impl Iterator<Item = AddressRange> + use<'_> {
        let (from, to) = (range.first(), range.last());
        let start = self.around(from).map_or(from, |(first, _)| first);
        let runs = self.0.range(start..=to);
        runs.filter_map(move |(first, last)| AddressRange::new((*first).max(from), (*last).min(to)))
    }

    pub(super) fn to_set(&self) -> RangeSet {
        let runs = self.0.iter();
        runs.filter_map(|(first, last)| AddressRange::new(*first, *last))
            .collect()
    }
}

#[cfg(test)]
mod tests;
