//! The record of what was taken from a router's pools: what is added to it, what leaves it, and where it is found again.
//!
//! It stands in the object's status before anything is taken, and on the router in the comments of our own pool rows
//! afterwards. An object that was deleted and made anew, or a cluster that was rebuilt, has no status: then the
//! comments say what has to be given back.
//!
//! **Invariant:** the record never lacks an address that we took and did not give back.

use std::collections::BTreeMap;

use super::held::is_ours;
use super::marker::{Marker, Owner, took};
use super::observed::{PoolRow, Reading};
use crate::config::object::Taken;
use crate::model::{AddressRange, RangeSet, Timestamp};

/// A record older than this was made by a cut that is over: 60 s is the longest a RouterOS request lives, and the
/// leases settle after it.
const SETTLED_SECS: i64 = 80;

/// Adds what was taken, or is about to be. What is on record already is so since it was first recorded.
pub fn add(record: &mut Vec<Taken>, pool: &str, server: &str, ranges: &RangeSet, since: Timestamp) {
    match record.iter_mut().find(|taken| taken.pool == pool) {
        Some(taken) if taken.ranges.contains_all(ranges) => {}
        Some(taken) => {
            taken.ranges = taken.ranges.union(ranges);
            taken.since = since;
        }
        None => record.push(Taken {
            pool: pool.to_owned(),
            server: server.to_owned(),
            ranges: ranges.clone(),
            since,
        }),
    }
}

/// Adds what is about to be taken. What is on record from a cut that is over, and was handed out again since, is taken
/// anew: whoever was offered it in between shows in leases that are read after this cut, also to the next allocator.
pub fn take(record: &mut Vec<Taken>, pool: &str, server: &str, ranges: &RangeSet, now: Timestamp) {
    add(record, pool, server, ranges, now);
    if let Some(taken) = record.iter_mut().find(|taken| taken.pool == pool)
        && !is_young(taken, now)
    {
        taken.since = now;
    }
}

/// Whether the cut that a record is of may be so young that its leases have not settled.
pub fn is_young(taken: &Taken, now: Timestamp) -> bool {
    (0..SETTLED_SECS).contains(&(now.0 - taken.since.0))
}

/// `record` with everything in it that another object's record says.
pub fn merged(record: &[Taken], other: &[Taken]) -> Vec<Taken> {
    let mut all = record.to_vec();
    for taken in other {
        add(&mut all, &taken.pool, &taken.server, &taken.ranges, taken.since);
    }
    all
}

/// `record` under the names that the pools have today. What stands on the router under the old name could not be found
/// again by who knows nothing else.
pub fn renamed(record: &[Taken], reading: &Reading) -> Vec<Taken> {
    let mut all = Vec::new();
    for taken in record {
        let name = pool_of(reading, taken).map_or(&taken.pool, |row| &row.name);
        add(&mut all, name, &taken.server, &taken.ranges, taken.since);
    }
    all
}

/// Takes out what was given back: what nobody wants and the router hands out again, from that pool or, because somebody
/// moved it there, from another; and what is of no network of the router any more. What is still wanted stays: it is about to be taken again. Until every pool has its
/// part back all of it stays: pools may have held the same addresses, and the one that has them again would look like
/// one to which somebody moved them.
pub fn settle(
    record: &mut Vec<Taken>,
    unmade: &BTreeMap<String, RangeSet>,
    unwanted: &RangeSet,
    reading: &Reading,
    owner: &Owner,
) {
    let before = record.clone();
    let back = |taken: &Taken| {
        let row = pool_of(reading, taken)?;
        let elsewhere = elsewhere(reading, owner, &before, unmade, row);
        Some(row.ranges.union(&elsewhere).union(&stranded(reading, taken)))
    };
    let lacks = |taken: &Taken| {
        let gone = taken.ranges.intersection(unwanted);
        back(taken).is_some_and(|back| !back.contains_all(&gone))
    };
    if before.iter().any(lacks) {
        return;
    }
    for taken in record.iter_mut() {
        let settled = unwanted.intersection(&back(taken).unwrap_or_default());
        taken.ranges = taken.ranges.difference(&settled);
    }
    record.retain(|taken| !taken.ranges.is_empty());
}

/// What other pools hand out that was not taken from them: who moved it there does not want it back here. What was to be
/// taken from such a pool and was not (`unmade`, by the pools' names) nobody moved there.
pub fn elsewhere(
    reading: &Reading,
    owner: &Owner,
    record: &[Taken],
    unmade: &BTreeMap<String, RangeSet>,
    row: &PoolRow,
) -> RangeSet {
    let others = reading
        .pools
        .iter()
        .filter(|other| other.id != row.id && !is_ours(&other.comment, owner));
    others.fold(RangeSet::new(), |all, other| {
        let from_it = |taken: &&Taken| pool_of(reading, taken).is_some_and(|row| row.id == other.id);
        let taken = record.iter().filter(from_it);
        let taken = taken.fold(RangeSet::new(), |all, taken| all.union(&taken.ranges));
        let taken = unmade
            .get(&other.name)
            .map_or_else(|| taken.clone(), |unmade| taken.union(unmade));
        all.union(&other.ranges.difference(&taken))
    })
}

/// What of `taken` belongs to a network that the router has left: no interface of it is there any more, while the pool
/// that it was taken from hands out addresses of networks that it has. To give that back would let clients be given
/// addresses that lead nowhere. Where the pool's own addresses are in no network either (a cable that is out, an address
/// that is switched off for a moment, a pool for a relay), nothing can be told and nothing is withheld.
pub fn stranded(reading: &Reading, taken: &Taken) -> RangeSet {
    let connected = reading.addresses.iter().fold(RangeSet::new(), |all, row| {
        let range = AddressRange::new(row.network.network(), row.network.broadcast());
        range.map_or_else(|| all.clone(), |range| all.union(&range.into()))
    });
    match pool_of(reading, taken) {
        Some(row) if !row.ranges.is_empty() && connected.contains_all(&row.ranges) => {
            taken.ranges.difference(&connected)
        }
        _ => RangeSet::new(),
    }
}

/// The pool that addresses were taken from, by its name. Where none has that name any more a person may have renamed it:
/// then the one that its server hands out today.
pub fn pool_of<'a>(reading: &'a Reading, taken: &Taken) -> Option<&'a PoolRow> {
    let by_name = |name: &str| reading.pools.iter().find(|row| row.name == name);
    by_name(&taken.pool).or_else(|| {
        let server = reading
            .servers
            .iter()
            .find(|server| server.name == taken.server)?;
        by_name(server.pool.as_deref()?)
    })
}

/// What the comments of our own pool rows say was taken, as far as that pool does not hand it out again.
pub fn recovered(reading: &Reading, owner: &Owner, wall: Timestamp) -> Vec<Taken> {
    let mut record = Vec::new();
    for row in reading.pools.iter().filter(|row| is_ours(&row.comment, owner)) {
        let Some(marker) = Marker::parse(&row.comment) else {
            continue;
        };
        for (ranges, from) in took(&marker.subject) {
            let pool = reading.pools.iter().find(|pool| pool.name == from);
            let back = pool.map(|pool| pool.ranges.clone()).unwrap_or_default();
            let ranges = ranges.difference(&back);
            let server = reading
                .servers
                .iter()
                .find(|server| server.pool.as_deref() == Some(from));
            let server = server.map(|server| server.name.as_str()).unwrap_or_default();
            if !ranges.is_empty() {
                add(&mut record, from, server, &ranges, wall);
            }
        }
    }
    record
}
