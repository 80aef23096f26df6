//! The order of due pokes: gateways before talkers, then by time, then each address's first peer before any
//! address's second.

use std::collections::BTreeSet;

use super::Key;
use crate::model::Instant;

/// Whom a poke is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// A router: everybody beyond it depends on it.
    Gateway,
    /// Somebody who asked for the address lately.
    Talker,
}

/// One due poke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Poke {
    /// When.
    pub(super) due: Instant,
    /// The peer's place in its announcement.
    pub(super) place: usize,
    /// Whose announcement.
    pub(super) key: Key,
}

/// All due pokes.
#[derive(Debug, Clone)]
pub(super) struct PokeQueue {
    gateways: BTreeSet<Poke>,
    talkers: BTreeSet<Poke>,
}

impl PokeQueue {
    pub(super) const fn new() -> Self {
        Self {
            gateways: BTreeSet::new(),
            talkers: BTreeSet::new(),
        }
    }

    pub(super) fn insert(&mut self, rank: Rank, poke: Poke) {
        self.of(rank).insert(poke);
    }

    pub(super) fn remove(&mut self, rank: Rank, poke: Poke) {
        self.of(rank).remove(&poke);
    }

    /// When the earliest of them is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let firsts = [self.gateways.first(), self.talkers.first()];
        firsts.into_iter().flatten().map(|poke| poke.due).min()
    }

    /// Takes the most urgent of those that are due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Poke> {
        [&mut self.gateways, &mut self.talkers]
            .into_iter()
            .find(|queue| queue.first().is_some_and(|poke| poke.due <= now))
            .and_then(BTreeSet::pop_first)
    }

    fn of(&mut self, rank: Rank) -> &mut BTreeSet<Poke> {
        match rank {
            Rank::Gateway => &mut self.gateways,
            Rank::Talker => &mut self.talkers,
        }
    }
}
