//! What the speakers' surveys say, as the allocator learns it from their records in the API.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::model::{Instant, NodeName, RangeSet};

/// A survey older than this says nothing about now: three rounds of a minute were missed.
pub const FRESH: Duration = Duration::from_mins(3);

/// The last complete round on one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Who asked.
    pub node: NodeName,
    /// The addresses that were asked for.
    pub covered: RangeSet,
    /// Those that answered.
    pub occupied: RangeSet,
    /// When the record of its end was seen here.
    pub seen: Instant,
    /// How long the round took.
    pub took: Duration,
}

/// All segments' rounds, by the record's name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surveys(BTreeMap<String, Round>);

impl Surveys {
    /// A record appeared or changed.
    pub fn record(&mut self, name: String, round: Round) {
        self.0.insert(name, round);
    }

    /// A record went away.
    pub fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Whether a fresh round asked for the address and nobody answered; with `since`, a round that began after it.
    pub fn silent(&self, address: IpAddr, since: Option<Instant>, now: Instant) -> bool {
        self.0.values().any(|round| {
            now.since(round.seen) <= FRESH
                && round.covered.contains(address)
                && !round.occupied.contains(address)
                && since.is_none_or(|since| round.seen.since_start() >= since.since_start() + round.took)
        })
    }
}
