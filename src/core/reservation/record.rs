//! The record of what was taken from a router's pools: what is added to it, what leaves it, and where it is found again.
//!
//! It stands in the object's status before anything is taken, and on the router in the comments of our own pool rows
//! afterwards. An object that was deleted and made anew, or a cluster that was rebuilt, has no status: then the
//! comments say what has to be given back.
//!
//! **Invariant:** the record never lacks an address that we took and did not give back.

use super::held::is_ours;
use super::marker::{Marker, Owner, took};
use super::observed::Reading;
use crate::config::object::Taken;
use crate::model::{RangeSet, Timestamp};

/// Adds what is about to be taken, or was taken under another object.
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

/// `record` with everything in it that another object's record says.
pub fn merged(record: &[Taken], other: &[Taken]) -> Vec<Taken> {
    let mut all = record.to_vec();
    for taken in other {
        add(&mut all, &taken.pool, &taken.server, &taken.ranges, taken.since);
    }
    all
}

/// Takes out what the router hands out again and nobody wants: it was given back. What somebody put back that is still
/// wanted stays: it is about to be taken again.
pub fn settle(record: &mut Vec<Taken>, unwanted: &RangeSet, handed_out: &RangeSet) {
    let back = unwanted.intersection(handed_out);
    for taken in record.iter_mut() {
        taken.ranges = taken.ranges.difference(&back);
    }
    record.retain(|taken| !taken.ranges.is_empty());
}

/// What the comments of our own pool rows say was taken, as far as no pool hands it out again.
pub fn recovered(reading: &Reading, owner: &Owner, wall: Timestamp) -> Vec<Taken> {
    let handed_out = handed_out(reading, owner);
    let mut record = Vec::new();
    for row in reading.pools.iter().filter(|row| is_ours(&row.comment, owner)) {
        let Some(marker) = Marker::parse(&row.comment) else {
            continue;
        };
        for (ranges, from) in took(&marker.subject) {
            let ranges = ranges.intersection(&row.ranges).difference(&handed_out);
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

/// All addresses in pools of the router that are not ours.
pub fn handed_out(reading: &Reading, owner: &Owner) -> RangeSet {
    let foreign = reading.pools.iter().filter(|row| !is_ours(&row.comment, owner));
    foreign.fold(RangeSet::new(), |all, row| all.union(&row.ranges))
}
