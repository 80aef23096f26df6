//! The difference between what a router holds and what it should hold, as an ordered list of single-row writes.
//!
//! Order: cut the pools, our own pool rows, leases, ARP rows, then what is no longer wanted. Release runs the other
//! way round. Only the first write is ever made; the next plan is computed on what was read back.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::held::is_ours;
use super::marker::{Marker, Owner, POOL_SUBJECT, claim_mac};
use super::observed::{ArpRow, LeaseRow, PoolRow, Reading};
use super::site::{self, Claim, Place};
use super::write::{ArpSpec, LeaseSpec, Planned, Write};
use crate::config::RouterSpec;
use crate::config::object::{ArpRows, Taken};
use crate::model::{Instant, MacAddr, ObjectKey, RangeSet, Timestamp};

/// How long the lease of an address that no Service has any more stays: a Service that is deleted and created again
/// (a sync from Git) finds its reservation as it was.
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
    pub assigned: &'a BTreeMap<IpAddr, BTreeSet<ObjectKey>>,
    /// Who answers for them.
    pub announcers: &'a BTreeMap<IpAddr, MacAddr>,
    /// What is recorded as taken.
    pub taken: &'a [Taken],
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
}

impl Plan {
    fn push(&mut self, write: Write, because: impl Into<String>) {
        self.writes.push(Planned {
            write,
            because: because.into(),
        });
    }

    fn due(&mut self, at: Instant) {
        self.next_due = Some(self.next_due.map_or(at, |earlier| earlier.min(at)));
    }
}

/// What brings the router to what it should hold.
pub fn difference(ground: &Ground<'_>, wall: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if ground.spec.shrink_pools {
        cut_pools(ground, wall, &mut plan);
    }
    own_pools(ground, &mut plan);
    if ground.spec.leases {
        leases(ground, &mut plan);
    }
    if ground.spec.arp == ArpRows::Visible {
        arps(ground, &mut plan);
    }
    surplus_arps(ground, &mut plan);
    surplus_leases(ground, &mut plan);
    plan
}

fn cut_pools(ground: &Ground<'_>, wall: Timestamp, plan: &mut Plan) {
    let mut record = ground.taken.to_vec();
    let mut cuts: BTreeMap<&str, (&PoolRow, RangeSet, BTreeSet<&str>)> = BTreeMap::new();
    for claim in ground.claims {
        for cut in &claim.cuts {
            let entry = cuts
                .entry(&cut.row.id)
                .or_insert((&cut.row, RangeSet::new(), BTreeSet::new()));
            entry.1 = entry.1.union(&cut.ranges);
            entry.2.insert(&claim.pool);
            add_to_record(&mut record, &cut.row.name, &cut.server, &cut.ranges, wall);
        }
    }
    if record != ground.taken {
        plan.record = Some(record);
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

fn add_to_record(record: &mut Vec<Taken>, pool: &str, server: &str, ranges: &RangeSet, since: Timestamp) {
    match record.iter_mut().find(|taken| taken.pool == pool) {
        Some(taken) if taken.ranges.contains_all(ranges) => {}
        Some(taken) => {
            taken.ranges = taken.ranges.union(ranges);
            taken.since = since;
        }
        None => {
            let (pool, server) = (pool.to_owned(), server.to_owned());
            record.push(Taken {
                pool,
                server,
                ranges: ranges.clone(),
                since,
            });
        }
    }
}

fn own_pools(ground: &Ground<'_>, plan: &mut Plan) {
    for claim in ground.claims {
        let name = format!("tiklb-{}-{}", ground.spec.cluster_name, claim.pool);
        // The record that is written before the cut is what the row will say.
        let taken = plan.record.as_deref().unwrap_or(ground.taken);
        let subject = pool_subject(claim, taken);
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

/// What our pool row says: enough to undo everything by hand when the cluster is gone.
fn pool_subject(claim: &Claim, taken: &[Taken]) -> String {
    let mut subject = format!("{POOL_SUBJECT}{}", claim.pool);
    let mut nothing = true;
    for record in taken {
        let ranges = record.ranges.intersection(&claim.ranges);
        if !ranges.is_empty() {
            subject = format!("{subject}; took {ranges} from {}", record.pool);
            nothing = false;
        }
    }
    if nothing {
        subject.push_str("; took nothing");
    }
    subject
}

/// How a row names the Services of an address.
fn subject(services: &BTreeSet<ObjectKey>) -> String {
    let mut names = services.iter();
    let first = names.next().map(ToString::to_string).unwrap_or_default();
    match names.count() {
        0 => first,
        more => format!("{first} +{more}"),
    }
}

/// Assigned addresses that lie where this router is connected and serves.
fn places<'a>(ground: &'a Ground<'_>) -> impl Iterator<Item = (IpAddr, &'a BTreeSet<ObjectKey>, Place)> {
    ground
        .assigned
        .iter()
        .filter_map(|(address, services)| Some((*address, services, site::place(ground.reading, *address)?)))
}

fn leases(ground: &Ground<'_>, plan: &mut Plan) {
    for (address, services, place) in places(ground) {
        let subject = subject(services);
        let spec = |replaces: &str| LeaseSpec {
            address,
            mac: claim_mac(address),
            server: place.server.clone(),
            comment: Marker::comment(ground.owner, &subject, replaces),
        };
        let here = || ground.reading.leases.iter().filter(|row| row.address == address);
        if let Some(row) = here().find(|row| is_ours(&row.comment, ground.owner)) {
            let spec = spec(&row.comment);
            if lease_differs(row, &spec) {
                plan.push(
                    Write::SetLease {
                        row: row.clone(),
                        spec,
                    },
                    format!("it stands for {subject}"),
                );
            }
        } else if let Some(row) = here().next() {
            let name = row.host_name.as_deref().unwrap_or("someone else");
            let kind = if row.dynamic { "leased to" } else { "reserved for" };
            plan.obstacles.push(format!(
                "{address} of {subject} is {kind} {name} on the router: free it there"
            ));
        } else {
            plan.push(
                Write::AddLease(spec("")),
                format!("reserves {address} for {subject}"),
            );
        }
    }
}

fn lease_differs(row: &LeaseRow, spec: &LeaseSpec) -> bool {
    row.mac != Some(spec.mac)
        || row.server.as_ref() != Some(&spec.server)
        || row.comment != spec.comment
        || row.disabled
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
        let spec = ArpSpec {
            address,
            mac,
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
                if !(same && row.disabled) {
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

fn surplus_arps(ground: &Ground<'_>, plan: &mut Plan) {
    let unwanted = ground.spec.arp == ArpRows::Never;
    for row in ground
        .reading
        .arps
        .iter()
        .filter(|row| is_ours(&row.comment, ground.owner))
    {
        let because = if unwanted {
            "spec.reservations.arp is Never"
        } else if !ground.assigned.contains_key(&row.address) {
            "no Service has this address any more"
        } else {
            continue;
        };
        plan.push(Write::RemoveArp(row.clone()), because);
    }
}

fn surplus_leases(ground: &Ground<'_>, plan: &mut Plan) {
    let mut seen = BTreeSet::new();
    for row in ground
        .reading
        .leases
        .iter()
        .filter(|row| is_ours(&row.comment, ground.owner))
    {
        let assigned = ground.assigned.contains_key(&row.address);
        let because = match (ground.spec.leases, assigned) {
            (false, _) => "spec.reservations.leases is false",
            (true, true) if seen.insert(row.address) => continue,
            (true, true) => "another row of ours reserves the same address",
            (true, false) => "no Service has had this address for a minute",
        };
        let due = ground
            .departed
            .get(&row.address)
            .map_or(ground.now, |since| *since + LEASE_LINGER);
        if due <= ground.now {
            plan.push(Write::RemoveLease(row.clone()), because);
        } else {
            plan.due(due);
        }
    }
}

/// What gives the router back, for a MikrotikRouter that is being deleted. What `in_use` holds (a status names it, or
/// a speaker announces it) stays as it is.
pub fn release(ground: &Ground<'_>, in_use: &RangeSet) -> Plan {
    let mut plan = Plan::default();
    let ours = |comment: &str| is_ours(comment, ground.owner);
    let because = "the MikrotikRouter is being deleted";
    for row in ground
        .reading
        .arps
        .iter()
        .filter(|row| ours(&row.comment) && !in_use.contains(row.address))
    {
        plan.push(Write::RemoveArp(row.clone()), because);
    }
    for row in ground
        .reading
        .leases
        .iter()
        .filter(|row| ours(&row.comment) && !in_use.contains(row.address))
    {
        plan.push(Write::RemoveLease(row.clone()), because);
    }
    for row in ground.reading.pools.iter().filter(|row| ours(&row.comment)) {
        if row.ranges.intersection(in_use).is_empty() {
            plan.push(Write::RemovePool(row.clone()), because);
        }
    }
    for taken in ground.taken {
        give_back(ground, taken, in_use, &mut plan);
    }
    plan
}

fn give_back(ground: &Ground<'_>, taken: &Taken, in_use: &RangeSet, plan: &mut Plan) {
    let Some(row) = pool_of(ground.reading, taken) else {
        plan.obstacles.push(format!(
            "the pool {} from which {} was taken is gone: add the range to another pool by hand if it is still wanted",
            taken.pool, taken.ranges
        ));
        return;
    };
    let elsewhere = ground
        .reading
        .pools
        .iter()
        .filter(|other| other.id != row.id && !is_ours(&other.comment, ground.owner));
    let elsewhere = elsewhere.fold(RangeSet::new(), |all, other| all.union(&other.ranges));
    let give = taken
        .ranges
        .difference(in_use)
        .difference(&row.ranges)
        .difference(&elsewhere);
    if !give.is_empty() {
        let write = Write::SetPoolRanges {
            row: row.clone(),
            ranges: row.ranges.union(&give),
        };
        plan.push(write, format!("gives {give} back, which was taken from it"));
    }
}

/// The pool that addresses were taken from, by its name. Where none has that name any more a person may have renamed it:
/// then the one that its server hands out today.
fn pool_of<'a>(reading: &'a Reading, taken: &Taken) -> Option<&'a PoolRow> {
    let by_name = |name: &str| reading.pools.iter().find(|row| row.name == name);
    by_name(&taken.pool).or_else(|| {
        let server = reading
            .servers
            .iter()
            .find(|server| server.name == taken.server)?;
        by_name(server.pool.as_deref()?)
    })
}
