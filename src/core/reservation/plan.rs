//! The difference between what a router holds and what it should hold, as an ordered list of single-row writes.
//!
//! Order: cut the pools, our own pool rows, leases, ARP rows, then what is no longer wanted. Release runs the other
//! way round. Only the first write is ever made; the next plan is computed on what was read back.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::consumer;
use super::held::is_ours;
use super::marker::{self, Marker, Owner};
use super::observed::{ArpRow, LeaseRow, PoolRow, Reading};
use super::record;
use super::site::{self, Claim, Place};
use super::write::{ArpSpec, Planned, Write};
use crate::config::RouterSpec;
use crate::config::object::{ArpRows, Taken};
use crate::model::{Few, Instant, MacAddr, ObjectKey, RangeSet, Timestamp};

mod lease;
mod removal;

pub use lease::Kept;
pub(super) use lease::note_on;
pub use removal::release;

/// How long the rows of an address that no Service has any more stay: a Service that is deleted and created again
/// (a sync from Git) finds them as they were.
pub const LEASE_LINGER: Duration = Duration::from_mins(1);

/// What a plan is computed from.
pub struct Ground<'a> {
    /// Whose rows are ours.
    pub owner: &'a Owner,
    /// The router's object.
    pub spec: &'a RouterSpec,
    /// What the router was read to hold.
    pub reading: &'a Reading,
    /// The ranges that passed the checks.
    pub claims: &'a [Claim],
    /// Addresses of this router's pools that Services have, and which.
    pub assigned: &'a BTreeMap<IpAddr, Few<ObjectKey>>,
    /// Addresses of this router's pools that are kept for Services, whether they have them or not.
    pub kept: &'a BTreeMap<IpAddr, Kept>,
    /// Notes of reservations as they were last seen behind our mark: a person wrote any other text.
    pub noted: &'a BTreeMap<IpAddr, String>,
    /// Addresses for which somebody's static lease may stand.
    pub adopted: &'a BTreeSet<IpAddr>,
    /// Clients' leases that may be removed, and for which Services.
    pub evictable: &'a [(LeaseRow, String)],
    /// Who answers for them.
    pub announcers: &'a BTreeMap<IpAddr, MacAddr>,
    /// What the object's status records as taken.
    pub taken: &'a [Taken],
    /// What is to be recorded besides: the record of another object for the same router, which this one takes over.
    pub inherits: &'a [Taken],
    /// The record is of another board, in whose place this one stands: nothing in it was taken from here.
    pub replaced: bool,
    /// What is on record and was never taken, by the names of the router's pools.
    pub unmade: &'a BTreeMap<String, RangeSet>,
    /// What no pool of the cluster asks for any more and nobody uses, and has waited long enough.
    pub unwanted: &'a RangeSet,
    /// The marks of removals that a person has agreed to; see [`super::brake`].
    pub confirmed: &'a BTreeSet<String>,
    /// Addresses that were assigned until lately, and since when they are not.
    pub departed: &'a BTreeMap<IpAddr, Instant>,
    /// The clock.
    pub now: Instant,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// In this order.
    pub writes: Vec<Planned>,
    /// What must stand in the object's status before the pools may be cut; `None` when it does already.
    pub record: Option<Vec<Taken>>,
    /// Why some of what is wanted cannot be: someone else's row is in the way.
    pub obstacles: Vec<String>,
    /// When a removal that is still waiting falls due.
    pub next_due: Option<Instant>,
    /// Removals that wait for a person's word; see [`super::brake`].
    pub held: Vec<Planned>,
}

impl Plan {
    fn push(&mut self, write: Write, because: impl Into<String>) {
        self.writes.push(Planned {
            write,
            because: because.into(),
        });
    }

    /// A removal falls due then, if at all.
    pub(super) fn due(&mut self, at: impl Into<Option<Instant>>) {
        self.next_due = [self.next_due, at.into()].into_iter().flatten().min();
    }
}

/// What brings the router to what it should hold.
pub fn difference(ground: &Ground<'_>, wall: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let mut record = ground.record(wall);
    if ground.spec.shrink_pools {
        cut_pools(ground, wall, &mut record, &mut plan);
    }
    record::settle(
        &mut record,
        ground.unmade,
        ground.unwanted,
        ground.reading,
        ground.owner,
    );
    own_pools(ground, &record, &mut plan);
    used_rows(ground, &mut plan);
    for (row, wanted_by) in ground.evictable {
        let because = format!(
            "{wanted_by} asks for {}, and spec.dhcp.evict is OnRequest",
            row.address
        );
        let (row, wanted_by) = (row.clone(), wanted_by.clone());
        plan.push(Write::EvictLease { row, wanted_by }, because);
    }
    if ground.spec.leases {
        lease::leases(ground, &mut plan);
    }
    if ground.spec.arp != ArpRows::Never {
        arps(ground, &mut plan);
    }
    let removals = removal::surplus(ground, &record, &mut plan);
    let (free, held) = removals.split(ground.confirmed);
    plan.writes.extend(free);
    plan.held = held;
    // Traffic that waits goes ahead of everything else.
    plan.writes.sort_by_key(|planned| !planned.write.is_urgent());
    plan.record = Some(record).filter(|record| record != ground.taken);
    plan
}

impl Ground<'_> {
    /// Our rows in `/ip/pool` that somebody uses.
    fn used_rows(&self) -> impl Iterator<Item = consumer::Used<'_>> {
        let used = consumer::used(self.reading);
        used.filter(|used| is_ours(&used.row.comment, self.owner))
    }

    /// Everything that is known to have been taken, wherever that is written down.
    fn record(&self, wall: Timestamp) -> Vec<Taken> {
        let taken = if self.replaced { &[] } else { self.taken };
        let mut known = record::merged(taken, self.inherits);
        for taken in &mut known {
            if let Some(unmade) = self.unmade.get(&taken.pool) {
                taken.ranges = taken.ranges.difference(unmade);
            }
        }
        known.retain(|taken| !taken.ranges.is_empty());
        if known.is_empty() {
            // The object is new and the rows are not: it was deleted and made again, or so was the cluster.
            return record::recovered(self.reading, self.owner, wall);
        }
        record::renamed(&known, self.reading)
    }
}

fn cut_pools(ground: &Ground<'_>, wall: Timestamp, record: &mut Vec<Taken>, plan: &mut Plan) {
    let mut cuts: BTreeMap<&str, (&PoolRow, RangeSet, BTreeSet<&str>)> = BTreeMap::new();
    for claim in ground.claims {
        for cut in &claim.cuts {
            let entry = cuts
                .entry(&cut.row.id)
                .or_insert((&cut.row, RangeSet::new(), BTreeSet::new()));
            entry.1 = entry.1.union(&cut.ranges);
            entry.2.insert(&claim.pool);
            record::take(record, &cut.row.name, &cut.server, &cut.ranges, wall);
        }
    }
    for (row, ranges, pools) in cuts.into_values() {
        let pools: Vec<&str> = pools.into_iter().collect();
        let because = format!(
            "{ranges} belongs to IPAddressPool {}: no DHCP client may be given it",
            pools.join(", ")
        );
        plan.push(
            Write::SetPoolRanges {
                row: row.clone(),
                ranges: row.ranges.difference(&ranges),
            },
            because,
        );
    }
}

/// What our row for an IPAddressPool is called.
pub(super) fn own_pool_name(cluster: &str, pool: &str) -> String {
    format!("tiklb-{cluster}-{pool}")
}

fn own_pools(ground: &Ground<'_>, record: &[Taken], plan: &mut Plan) {
    // What no claim holds any more waits to be given back: until then the first row says so too.
    let known = record
        .iter()
        .fold(RangeSet::new(), |all, taken| all.union(&taken.ranges));
    let claimed = |all: RangeSet, claim: &Claim| all.difference(&claim.ranges);
    let mut orphans = ground.claims.iter().fold(known, claimed);
    for claim in ground.claims {
        let name = own_pool_name(&ground.spec.cluster_name, &claim.pool);
        // The record that is written before the cut is what the row will say.
        let subject = pool_subject(claim, &claim.ranges.union(&orphans), record);
        orphans = RangeSet::new();
        match ground.reading.pools.iter().find(|row| row.name == name) {
            None => {
                let comment = Marker::comment(ground.owner, &subject, "");
                plan.push(
                    Write::AddPool {
                        name,
                        ranges: claim.ranges.clone(),
                        comment,
                    },
                    format!("shows IPAddressPool {} in Winbox", claim.pool),
                );
            }
            Some(row) if !is_ours(&row.comment, ground.owner) => {
                plan.obstacles.push(format!(
                    "a pool named {name} exists that is not ours: rename it on the router"
                ));
            }
            Some(row) => {
                let comment = Marker::comment(ground.owner, &subject, &row.comment);
                if row.ranges != claim.ranges || row.comment != comment {
                    let write = Write::SetPool {
                        row: row.clone(),
                        ranges: claim.ranges.clone(),
                        comment,
                    };
                    plan.push(write, format!("IPAddressPool {} changed", claim.pool));
                }
            }
        }
    }
}

/// Who uses a row of ours does not keep it from being what it should be, but from going.
fn used_rows(ground: &Ground<'_>, plan: &mut Plan) {
    let ours = ground.used_rows();
    plan.obstacles.extend(ours.map(|used| used.words));
}

/// What our pool row says: what was taken of `ranges`.
fn pool_subject(claim: &Claim, ranges: &RangeSet, taken: &[Taken]) -> String {
    let of_claim = |record: &Taken| record.ranges.intersection(ranges);
    let taken: Vec<(RangeSet, &str)> = taken
        .iter()
        .map(|record| (of_claim(record), record.pool.as_str()))
        .filter(|(ranges, _)| !ranges.is_empty())
        .collect();
    marker::pool_subject(&claim.pool, &taken)
}

/// How a row names the Services of an address.
fn subject(services: &Few<ObjectKey>) -> String {
    let mut names = services.iter();
    let first = names.next().map(ToString::to_string).unwrap_or_default();
    match names.count() {
        0 => first,
        more => format!("{first} +{more}"),
    }
}

/// Assigned addresses that lie where this router is connected and serves.
fn places<'a>(ground: &'a Ground<'_>) -> impl Iterator<Item = (IpAddr, &'a Few<ObjectKey>, Place)> {
    ground
        .assigned
        .iter()
        .filter_map(|(address, services)| Some((*address, services, site::place(ground.reading, *address)?)))
}

fn arps(ground: &Ground<'_>, plan: &mut Plan) {
    for (address, services, place) in places(ground) {
        let Some(mac) = ground.announcers.get(&address).copied() else {
            continue;
        };
        let subject = subject(services);
        let ours = ground
            .reading
            .arps
            .iter()
            .find(|row| row.address == address && is_ours(&row.comment, ground.owner));
        let reply_only = ground.reading.reply_only.contains(&place.interface);
        let enabled = ground.spec.arp == ArpRows::Always || reply_only;
        let spec = ArpSpec {
            address,
            mac,
            enabled,
            interface: place.interface,
            comment: Marker::comment(ground.owner, &subject, ours.map_or("", |row| &row.comment)),
        };
        match ours {
            None => match foreign_arp(ground.reading, address) {
                None => plan.push(Write::AddArp(spec), format!("shows who answers for {subject}")),
                Some(row) => plan.obstacles.push(format!(
                    "a static ARP row on {} that is not ours has {address} of {subject}: remove it on the router, or set spec.reservations.arp to Never",
                    row.interface
                )),
            },
            // Where a row stands cannot be set: it goes, and the next plan adds it in its place.
            Some(row) if row.interface != spec.interface => {
                let because = format!("{subject} is on {} now", spec.interface);
                plan.push(Write::RemoveArp(row.clone()), because);
            }
            Some(row) => {
                let same = row.mac == Some(mac) && row.comment == spec.comment;
                if !(same && row.disabled != enabled) {
                    plan.push(
                        Write::SetArp {
                            row: row.clone(),
                            spec,
                        },
                        format!("{subject} is answered for by {mac} now"),
                    );
                }
            }
        }
    }
}

/// A row that somebody else wrote for the address. A learned one is no obstacle: it shows that the address is in use.
fn foreign_arp(reading: &Reading, address: IpAddr) -> Option<&ArpRow> {
    reading
        .arps
        .iter()
        .find(|row| row.address == address && !row.dynamic)
}
