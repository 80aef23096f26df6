//! What must never happen, judged on the router's own journal.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use routeros_sim::{Edit, Menu, Router, Row, Write};
use tiklb_core::model::{Instant, ObjectKey, RangeSet};

use super::super::home::{Given, Home};

const MARKED: &str = "tiklb/v1 home/1a2b3c4d ";

/// Rows by menu and id.
type Rows = BTreeMap<(Menu, String), Row>;

pub(super) struct Witness {
    /// The router's pools at first.
    first: BTreeMap<String, RangeSet>,
    rows: Rows,
    /// What we took out of each pool, by its id.
    took: BTreeMap<String, RangeSet>,
    /// Pools that people changed.
    edited: Vec<String>,
    /// Both records are lost: a person removed a pool row of ours, and the object went with its status before it was made
    /// again. Nobody can know any more what was taken.
    lost: bool,
    /// People made rows that may be in our way.
    pub(super) obstructed: bool,
    /// Rows that people edited between our look and our write, as they may have been at the look; another row may have
    /// such a row's id by now. Nothing on a router can prevent that: the write is judged by what was there to be seen.
    looked_at: BTreeMap<(Menu, String), Vec<Row>>,
    /// Addresses in use before the step.
    in_use: BTreeSet<(IpAddr, ObjectKey)>,
    /// Clients' leases may be removed for a Service that names their address.
    evict: bool,
    /// Addresses that Services named before the step or after it.
    named: BTreeSet<IpAddr>,
    /// Clients' leases that were removed, and when the step of it began; when this one did, and ended.
    evicted: BTreeMap<IpAddr, Instant>,
    step: (Instant, Instant),
    seen: (usize, usize, usize),
}

fn id_of(row: &Row) -> String {
    row.get(".id").unwrap_or_default().to_owned()
}

/// The ranges of a pool row, in any of the forms in which they read back.
fn ranges_of(row: &Row) -> RangeSet {
    let text = row.get("ranges").unwrap_or_default();
    text.split(',')
        .filter(|part| !part.is_empty())
        .map(|part| match part.parse::<IpAddr>() {
            Ok(address) => tiklb_core::model::AddressRange::single(address),
            Err(_) => tiklb_core::model::AddressRange::parse(part).unwrap(),
        })
        .collect()
}

fn is_ours(row: &Row) -> bool {
    row.get("comment")
        .is_some_and(|comment| comment.starts_with(MARKED))
}

fn rows_of(sim: &Router) -> Rows {
    let menus = [Menu::Pool, Menu::Lease, Menu::Arp];
    let rows = menus.into_iter().flat_map(|menu| {
        let rows = sim.rows(menu).into_iter();
        rows.map(move |row| ((menu, id_of(&row)), row))
    });
    rows.collect()
}

/// The addresses that Services ask for by name.
fn named(home: &Home) -> BTreeSet<IpAddr> {
    let services = home.services.values();
    let wishes = services.filter_map(|service| service.annotations.get("metallb.io/loadBalancerIPs"));
    wishes.filter_map(|text| text.parse().ok()).collect()
}

/// Addresses in use, each with the Service that has it: one that changes hands is free for a moment.
fn in_use(home: &Home) -> BTreeSet<(IpAddr, ObjectKey)> {
    let statuses = home.services.values();
    let statuses = statuses.map(|service| (&service.ingress, &service.key));
    let announced = home.announcements.values();
    let announced = announced.map(|announcement| (&announcement.addresses, &announcement.service));
    let of_each = |(addresses, service): (&Vec<IpAddr>, &ObjectKey)| {
        let pair = |address: &IpAddr| (*address, service.clone());
        addresses.iter().map(pair).collect::<Vec<_>>()
    };
    statuses.chain(announced).flat_map(of_each).collect()
}

/// What happened on the router, in order.
enum Entry<'a> {
    Write(&'a Write),
    Edit(&'a Edit),
}

impl Witness {
    pub(super) fn new(sim: &Router, evict: bool) -> Self {
        let rows = rows_of(sim);
        let pools = rows.iter().filter(|((menu, _), _)| *menu == Menu::Pool);
        let first = pools.map(|((_, id), row)| (id.clone(), ranges_of(row))).collect();
        Self {
            first,
            rows,
            took: BTreeMap::new(),
            edited: Vec::new(),
            lost: false,
            obstructed: false,
            looked_at: BTreeMap::new(),
            in_use: BTreeSet::new(),
            evict,
            named: BTreeSet::new(),
            evicted: BTreeMap::new(),
            step: (Instant::ZERO, Instant::ZERO),
            seen: (0, 0, 0),
        }
    }

    /// Every address in a pool that is not ours.
    pub(super) fn handed_out(sim: &Router) -> RangeSet {
        let rows = sim.rows(Menu::Pool);
        let foreign = rows.iter().filter(|row| !is_ours(row));
        foreign.fold(RangeSet::new(), |all, row| all.union(&ranges_of(row)))
    }

    /// A step begins.
    pub(super) fn before(&mut self, home: &Home) {
        self.rows = rows_of(&home.desk.sim);
        self.in_use = in_use(home);
        self.named = named(home);
        self.step.0 = home.now.mono;
    }

    /// Whoever knew what was removed is no more.
    pub(super) fn forget_evictions(&mut self) {
        self.evicted.clear();
    }

    /// The object is about to go with its status.
    pub(super) fn before_pruning(&mut self, home: &Home) {
        let rows = home.desk.sim.rows(Menu::Pool);
        let comments = rows
            .iter()
            .filter(|row| is_ours(row))
            .filter_map(|row| row.get("comment"));
        let parts = comments.flat_map(|comment| comment.split("; took ").skip(1));
        let recorded = parts.filter_map(|part| part.split_once(" from ")?.0.parse::<RangeSet>().ok());
        let recorded = recorded.fold(RangeSet::new(), |all, ranges| all.union(&ranges));
        let has = |id: &String| {
            let row = rows.iter().find(|row| id_of(row) == *id);
            row.map(ranges_of).unwrap_or_default()
        };
        let mut missing = self.took.iter().map(|(id, took)| took.difference(&has(id)));
        self.lost |= missing.any(|ranges| !recorded.contains_all(&ranges));
    }

    /// A step ended: nothing happened that must not.
    pub(super) fn judge(&mut self, home: &Home) -> Result<(), String> {
        self.named.extend(named(home));
        self.step.1 = home.now.mono;
        let journal = home.desk.sim.journal();
        if journal.most_in_flight > 1 {
            return Err("more than one request was in flight".to_owned());
        }
        if let Some(violation) = home.desk.sim.violations().first() {
            return Err(format!("a request that none should send: {violation}"));
        }
        let reads: u64 = journal.reads.values().sum();
        if u64::try_from(journal.writes.len()).unwrap_or(u64::MAX) > reads {
            return Err("more writes than reads".to_owned());
        }
        let (writes, edits) = (journal.writes.iter(), journal.edits.iter());
        let mut entries: Vec<_> = writes
            .skip(self.seen.0)
            .map(|write| (write.at, Entry::Write(write)))
            .chain(edits.skip(self.seen.1).map(|edit| (edit.at, Entry::Edit(edit))))
            .collect();
        entries.sort_by_key(|(at, _)| *at);
        // Only what was in use all the time is sure to have been in use at the moment of a write.
        let after = in_use(home);
        self.in_use.retain(|pair| after.contains(pair));
        for (_, entry) in entries {
            match entry {
                Entry::Edit(edit) => self.note(edit),
                Entry::Write(write) => self.check(write).map_err(|why| format!("{why}: {write}"))?,
            }
        }
        self.seen.0 = journal.writes.len();
        self.seen.1 = journal.edits.len();
        if let Some(words) = home.misgiven.first() {
            return Err(words.clone());
        }
        Self::check_given(home)
    }

    /// A person's edit is what it is.
    fn note(&mut self, edit: &Edit) {
        let Some(row) = edit.before.as_ref().or(edit.after.as_ref()) else {
            return;
        };
        let key = (edit.menu, id_of(row));
        if let Some(before) = &edit.before {
            self.looked_at
                .entry(key.clone())
                .or_default()
                .push(before.clone());
        }
        match &edit.after {
            Some(after) => _ = self.rows.insert(key.clone(), after.clone()),
            None => _ = self.rows.remove(&key),
        }
        self.obstructed |= edit.before.is_none() || edit.menu == Menu::Lease;
        if edit.menu == Menu::Pool && !is_ours(row) {
            self.edited.push(key.1);
        }
    }

    /// A client's write: of a row of ours, or of ranges by what is ours.
    fn check(&mut self, write: &Write) -> Result<(), String> {
        let menu = match write.path.as_str() {
            "ip/pool" => Menu::Pool,
            "ip/dhcp-server/lease" => Menu::Lease,
            "ip/arp" => Menu::Arp,
            other => return Err(format!("a write to {other}")),
        };
        let Some(id) = &write.id else {
            let Some(row) = &write.row else { return Ok(()) };
            if !is_ours(row) {
                return Err("a row without our mark was added".to_owned());
            }
            self.rows.insert((menu, id_of(row)), row.clone());
            return Ok(());
        };
        let key = (menu, id.clone());
        let looked_at = std::mem::take(&mut self.looked_at).remove(&key);
        let there = self.rows.get(&key).cloned();
        if let Some(after) = &write.row {
            self.rows.insert(key, after.clone());
        } else if write.method == "DELETE" && write.status < 300 {
            self.rows.remove(&key);
        }
        let Some(there) = there else {
            return if write.row.is_none() {
                Ok(())
            } else {
                Err("a row that nobody knows".to_owned())
            };
        };
        let judged = self.check_row(menu, (&there, &there), write);
        if judged.is_ok() {
            return judged;
        }
        for seen in looked_at.unwrap_or_default() {
            if self.check_row(menu, (&seen, &there), write).is_ok() {
                return Ok(());
            }
        }
        judged
    }

    /// A write to a row, by what it was at our look and what it was at the write.
    fn check_row(&mut self, menu: Menu, (before, there): (&Row, &Row), write: &Write) -> Result<(), String> {
        if is_ours(before) {
            return Ok(());
        }
        if menu == Menu::Lease && write.method == "DELETE" {
            return self.check_eviction(before);
        }
        if menu != Menu::Pool || write.method != "PATCH" {
            return Err("a row that is not ours".to_owned());
        }
        match &write.row {
            Some(after) => self.check_ranges(&ranges_of(before), there, after),
            None => Ok(()),
        }
    }

    /// A lease that is not ours was removed: only a client's, for a Service that names its address, out of every pool, and
    /// not twice in ten minutes.
    fn check_eviction(&mut self, row: &Row) -> Result<(), String> {
        let address: IpAddr = row
            .get("address")
            .and_then(|text| text.parse().ok())
            .ok_or("a lease without an address")?;
        if !self.evict || row.get("dynamic") != Some("true") {
            return Err("a lease that is not ours".to_owned());
        }
        if !self.named.contains(&address) {
            return Err("a lease that is in nobody's way".to_owned());
        }
        let pools = self.rows.iter().filter(|((menu, _), _)| *menu == Menu::Pool);
        let mut foreign = pools.map(|(_, row)| row).filter(|row| !is_ours(row));
        if foreign.any(|row| ranges_of(row).contains(address)) {
            return Err("a lease whose address a pool would hand out again".to_owned());
        }
        let before = self.evicted.insert(address, self.step.0);
        if before.is_some_and(|before| self.step.1.since(before) < Duration::from_mins(10)) {
            return Err("a lease of an address that was freed within ten minutes".to_owned());
        }
        Ok(())
    }

    fn check_ranges(&mut self, old: &RangeSet, there: &Row, after: &Row) -> Result<(), String> {
        let other = |row: &Row| {
            let keys = row
                .iter()
                .filter(|(key, _)| !["ranges", "total", "used", "available"].contains(key));
            keys.map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>()
        };
        if other(there) != other(after) {
            return Err("more than a pool's ranges was changed".to_owned());
        }
        let new = ranges_of(after);
        let ours: RangeSet = "192.168.1.200-192.168.1.220,192.168.1.230-192.168.1.234"
            .parse()
            .unwrap();
        let removed = old.difference(&new);
        if !ours.contains_all(&removed) {
            return Err(format!("{removed} was taken"));
        }
        let added = new.difference(old);
        let took = self.took.entry(id_of(after)).or_default();
        if !took.contains_all(&added) {
            return Err(format!("{added} was given back, and {took} was taken"));
        }
        *took = took.union(&removed);
        let used = self.in_use.iter().find(|(address, _)| added.contains(*address));
        match used {
            Some((address, _)) => Err(format!("{address} was given back and is in use")),
            None => Ok(()),
        }
    }

    /// An address that was given to a Service under proof is in no pool, unless a person put it there meanwhile.
    fn check_given(home: &Home) -> Result<(), String> {
        let handed_out = Self::handed_out(&home.desk.sim);
        let journal = home.desk.sim.journal();
        let still: BTreeSet<IpAddr> = in_use(home).into_iter().map(|(address, _)| address).collect();
        // The last Service that was given an address is the one that has it.
        let last: BTreeMap<IpAddr, &Given> = home.given.iter().map(|given| (given.address, given)).collect();
        let proven = last.into_values().filter(|given| given.proven);
        for given in proven.filter(|given| still.contains(&given.address)) {
            let put_there = journal.edits.iter().skip(given.edits).any(|edit| {
                let after = edit.after.as_ref().filter(|_| edit.menu == Menu::Pool);
                after.is_some_and(|row| !is_ours(row) && ranges_of(row).contains(given.address))
            });
            if handed_out.contains(given.address) && !put_there {
                return Err(format!("{} was proven and a pool hands it out", given.address));
            }
        }
        Ok(())
    }

    /// Each Service's address has exactly one row of ours, where nothing is in the way.
    pub(super) fn agreed(&self, home: &Home) -> Result<(), String> {
        if self.obstructed || !super::world::is_enforced(home) {
            return Ok(());
        }
        let ours: RangeSet = super::super::OURS.parse().unwrap();
        let leases = home.desk.sim.rows(Menu::Lease);
        let twice = leases.iter().filter(|row| is_ours(row)).find(|row| {
            let same = |other: &&Row| is_ours(other) && other.get("address") == row.get("address");
            leases.iter().filter(same).count() > 1
        });
        if let Some(row) = twice {
            return Err(format!("two rows of ours for one address: {row}"));
        }
        for service in home.services.values() {
            for address in service.ingress.iter().filter(|address| ours.contains(**address)) {
                let text = address.to_string();
                let rows = leases
                    .iter()
                    .filter(|row| is_ours(row) && row.get("address") == Some(text.as_str()));
                let device = leases
                    .iter()
                    .any(|row| !is_ours(row) && row.get("address") == Some(text.as_str()));
                let count = rows.count();
                if count != 1 && !device {
                    return Err(format!("{text} has {count} rows"));
                }
            }
        }
        Ok(())
    }

    /// Nothing of ours is left, and pools are what they were, but for what people did.
    pub(super) fn as_before(&self, home: &Home) -> Result<(), String> {
        let rows = rows_of(&home.desk.sim);
        if let Some(row) = rows.values().find(|row| is_ours(row)) {
            return Err(format!("left behind: {row}"));
        }
        if self.lost {
            return Ok(());
        }
        // What people have put into another pool is not given back to the one that it was taken from.
        let moved = self
            .edited
            .iter()
            .filter_map(|id| rows.get(&(Menu::Pool, id.clone())));
        let moved = moved.fold(RangeSet::new(), |all, row| all.union(&ranges_of(row)));
        for (id, first) in self.first.iter().filter(|(id, _)| !self.edited.contains(id)) {
            let now = rows.get(&(Menu::Pool, id.clone())).map(ranges_of);
            let is_whole = now
                .as_ref()
                .is_some_and(|now| first.contains_all(now) && moved.contains_all(&first.difference(now)));
            if !is_whole {
                return Err(format!("a pool was {first} and is {now:?}"));
            }
        }
        Ok(())
    }
}
