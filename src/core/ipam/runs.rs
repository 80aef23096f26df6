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
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn address(offset: u8) -> IpAddr {
        format!("10.0.0.{offset}").parse().unwrap()
    }

    proptest! {
        #[test]
        fn runs_are_the_set_of_what_was_put_in_and_not_taken_out(
            ops in proptest::collection::vec((any::<bool>(), 0u8..24), 0..80),
            from in 0u8..30,
        ) {
            let mut runs = Runs::default();
            let mut set = BTreeSet::new();
            for (put, offset) in ops {
                if put {
                    runs.insert(address(offset));
                    set.insert(address(offset));
                } else {
                    runs.remove(address(offset));
                    set.remove(&address(offset));
                }
                let expected: RangeSet = set.iter().copied().collect();
                prop_assert_eq!(runs.to_set(), expected);
                prop_assert_eq!(runs.0.len(), runs.to_set().ranges().len(), "neighbours are one run");
            }
            let free = (from..=255).map(address).find(|a| !set.contains(a));
            prop_assert_eq!(runs.first_free(address(from)), free);
            let range = AddressRange::new(address(from.min(10)), address(from.max(12))).unwrap();
            let within: RangeSet = runs.within(&range).collect();
            prop_assert_eq!(within, runs.to_set().intersection(&range.into()));
        }
    }

    #[test]
    fn the_last_address_of_a_family_has_none_behind_it() {
        let mut runs = Runs::default();
        let last: IpAddr = "255.255.255.255".parse().unwrap();
        runs.insert(last);
        assert_eq!(runs.first_free(last), None);
    }
}
