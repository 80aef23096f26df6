//! What leaves a router: rows of addresses that no Service has any more, exclusions that no pool asks for, and, when
//! the MikrotikRouter is deleted, everything.

use std::collections::BTreeSet;

use super::{Ground, LEASE_LINGER, Plan, own_pool_name, used_rows};
use crate::config::object::{ArpRows, Taken};
use crate::model::{RangeSet, Timestamp};
use crate::reservation::brake::Removals;
use crate::reservation::held::is_ours;
use crate::reservation::observed::PoolRow;
use crate::reservation::record;
use crate::reservation::write::{Planned, Write};

fn planned(write: Write, because: impl Into<String>) -> Planned {
    Planned {
        write,
        because: because.into(),
    }
}

/// What is to be removed while the MikrotikRouter stays. Doubled rows go at once; the rest is for the brake to judge.
pub(super) fn surplus(ground: &Ground<'_>, known: &[Taken], plan: &mut Plan) -> Removals {
    let mut removals = Removals::default();
    surplus_arps(ground, plan, &mut removals);
    surplus_leases(ground, plan, &mut removals);
    exclusions(ground, known, &mut removals);
    removals
}

/// Whether the rows of an address have stood long enough without a Service.
fn has_lingered(ground: &Ground<'_>, address: std::net::IpAddr, plan: &mut Plan) -> bool {
    let since = ground.departed.get(&address);
    let due = since.map_or(ground.now, |since| *since + LEASE_LINGER);
    if due > ground.now {
        plan.due(due);
    }
    due <= ground.now
}

fn surplus_arps(ground: &Ground<'_>, plan: &mut Plan, removals: &mut Removals) {
    let ours = ground.reading.arps.iter();
    for row in ours.filter(|row| is_ours(&row.comment, ground.owner)) {
        removals.standing.insert(row.address);
        let because = if ground.spec.arp == ArpRows::Never {
            "spec.reservations.arp is Never"
        } else if !ground.assigned.contains_key(&row.address) {
            "no Service has had this address for a minute"
        } else {
            continue;
        };
        removals.leaving.insert(row.address);
        if has_lingered(ground, row.address, plan) {
            removals
                .rows
                .push(planned(Write::RemoveArp(row.clone()), because));
        }
    }
}

fn surplus_leases(ground: &Ground<'_>, plan: &mut Plan, removals: &mut Removals) {
    let mut seen = BTreeSet::new();
    let ours = ground.reading.leases.iter();
    for row in ours.filter(|row| is_ours(&row.comment, ground.owner)) {
        removals.standing.insert(row.address);
        let remove = Write::RemoveLease(row.clone());
        let wanted = ground.assigned.contains_key(&row.address) || ground.kept.contains_key(&row.address);
        let because = match (ground.spec.leases, wanted) {
            (true, true) if seen.insert(row.address) => continue,
            (true, true) => {
                plan.push(remove, "another row of ours reserves the same address");
                continue;
            }
            (false, _) => "spec.reservations.leases is false",
            (true, false) => "no Service has had this address for a minute",
        };
        removals.leaving.insert(row.address);
        if has_lingered(ground, row.address, plan) {
            removals.rows.push(planned(remove, because));
        }
    }
}

/// What is given back because no IPAddressPool asks for it any more.
fn exclusions(ground: &Ground<'_>, known: &[Taken], removals: &mut Removals) {
    let mut gone = RangeSet::new();
    let claimed = |row: &PoolRow| {
        let mut names = ground
            .claims
            .iter()
            .map(|claim| own_pool_name(&ground.spec.cluster_name, &claim.pool));
        names.any(|name| name == row.name)
    };
    let own = removable(ground);
    for row in own.filter(|row| !claimed(row)) {
        if ground.unwanted.contains_all(&row.ranges) {
            gone = gone.union(&row.ranges);
            let because = "no IPAddressPool holds these addresses any more";
            removals
                .wholes
                .push(planned(Write::RemovePool(row.clone()), because));
        }
    }
    let all = known
        .iter()
        .all(|taken| ground.unwanted.contains_all(&taken.ranges));
    for taken in known {
        let unwanted = taken.ranges.intersection(ground.unwanted);
        let row = record::pool_of(ground.reading, taken);
        let unwanted = unwanted.difference(&record::stranded(ground.reading, taken));
        let Some(write) = row.and_then(|row| giving(ground, known, row, &unwanted)) else {
            continue;
        };
        let whole = all || !unwanted.intersection(&gone).is_empty();
        let to = if whole {
            &mut removals.wholes
        } else {
            &mut removals.parts
        };
        to.push(planned(
            write,
            format!("gives {unwanted} back: no IPAddressPool holds it any more"),
        ));
    }
}

/// What gives the router back, for a MikrotikRouter that is being deleted. What `in_use` holds (a status names it, or
/// a speaker announces it) stays as it is.
pub fn release(ground: &Ground<'_>, in_use: &RangeSet, wall: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let known = ground.record(wall);
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
    used_rows(ground, &mut plan);
    for row in removable(ground) {
        if row.ranges.intersection(in_use).is_empty() {
            plan.push(Write::RemovePool(row.clone()), because);
        }
    }
    for taken in &known {
        give_back(ground, &known, taken, in_use, &mut plan);
    }
    plan.record = Some(known).filter(|record| record != ground.taken);
    plan
}

fn give_back(ground: &Ground<'_>, known: &[Taken], taken: &Taken, in_use: &RangeSet, plan: &mut Plan) {
    let Some(row) = record::pool_of(ground.reading, taken) else {
        plan.obstacles.push(format!(
            "the pool {} from which {} was taken is gone: add the range to another pool by hand if it is still wanted",
            taken.pool, taken.ranges
        ));
        return;
    };
    let stranded = record::stranded(ground.reading, taken);
    if !stranded.is_empty() {
        plan.obstacles.push(format!(
            "{stranded} was taken from the pool {}, and no interface of the router is in its network any more: it is not given back",
            row.name
        ));
    }
    let free = taken.ranges.difference(in_use).difference(&stranded);
    if let Some(write) = giving(ground, known, row, &free) {
        plan.push(write, format!("gives {free} back, which was taken from it"));
    }
}

/// Our rows in `/ip/pool` that nobody uses: the others must not go, for who uses them would be left with nothing.
fn removable<'a>(ground: &'a Ground<'_>) -> impl Iterator<Item = &'a PoolRow> {
    let used: BTreeSet<&str> = ground.used_rows().map(|used| used.row.id.as_str()).collect();
    let ours = ground.reading.pools.iter();
    ours.filter(move |row| is_ours(&row.comment, ground.owner) && !used.contains(row.id.as_str()))
}

/// Adds `ranges` to a pool, as far as it lacks them and nobody moved them to another. What somebody hands out from our
/// own row waits for that to end: two who hand out one address give it to two devices.
fn giving(ground: &Ground<'_>, known: &[Taken], row: &PoolRow, ranges: &RangeSet) -> Option<Write> {
    let elsewhere = record::elsewhere(ground.reading, ground.owner, known, ground.unmade, row);
    let used = ground.used_rows();
    let used = used.fold(RangeSet::new(), |all, used| all.union(&used.row.ranges));
    let give = ranges
        .difference(&row.ranges)
        .difference(&elsewhere)
        .difference(&used);
    (!give.is_empty()).then(|| Write::SetPoolRanges {
        row: row.clone(),
        ranges: row.ranges.union(&give),
    })
}
