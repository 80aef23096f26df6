//! Addresses that someone else has, by everything the router knows.
//!
//! The evidence is a union: one witness is enough to keep a Service off an address, silence of one proves nothing.
//! A lease's address stays held after the row is gone: until two readings in a row lack it, the last known expiry has
//! passed on our clock, and no survey has heard the address since.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::marker::{Marker, Owner};
use super::observed::{LeaseRow, Reading};
use super::survey::Surveys;
use crate::ipam::Holder;
use crate::model::{Instant, MacAddr, RangeSet};

/// More addresses than this behind one MAC address is proxy ARP (or another router), not a device that has them.
pub const PROXY_ARP_ADDRESSES: usize = 4;

/// What is remembered of leases between readings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldBook {
    leases: BTreeMap<IpAddr, LeaseMemory>,
    /// Everything else, as of the last reading.
    others: BTreeMap<IpAddr, Holder>,
    /// Addresses that the router points others to: they may be meant for a Service.
    pointed: Vec<(RangeSet, Holder)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct LeaseMemory {
    holder: Holder,
    /// When the client may no longer use the address, as last said by the router.
    expires: Option<Instant>,
    /// Readings in a row without the row.
    missed: u32,
    last_seen: Instant,
    /// Static, and no client has it at the moment.
    reserved: bool,
}

/// Readings in a row without a lease before it counts as gone: one may come from a router that is booting.
const MISSES: u32 = 2;

/// How much of a foreign name or comment is repeated in our messages: a host name's length.
pub(super) const NAME_SHOWN: usize = 63;

/// What is said of a device whose lease was removed.
const EVICTED: &str = "its DHCP lease was removed, and it is waited for until a survey finds it silent";

/// Who is not "someone else".
pub struct Ours<'a> {
    /// Our marker's owner.
    pub owner: &'a Owner,
    /// MAC addresses of the cluster's nodes.
    pub nodes: &'a BTreeSet<MacAddr>,
    /// What the speakers heard.
    pub surveys: &'a Surveys,
}

impl HeldBook {
    /// Takes in a reading: evidence for addresses of `range`.
    pub fn read(&mut self, reading: &Reading, range: &RangeSet, ours: &Ours<'_>, now: Instant) {
        self.others.clear();
        let macs: BTreeSet<MacAddr> = reading.own_macs().chain(ours.nodes.iter().copied()).collect();
        self.read_own_addresses(reading, range);
        self.read_pointed(reading, range);
        self.read_arp(reading, range, ours, &macs);
        self.read_leases(reading, range, ours, now);
    }

    fn read_leases(&mut self, reading: &Reading, range: &RangeSet, ours: &Ours<'_>, now: Instant) {
        let foreign = |row: &&LeaseRow| range.contains(row.address) && !is_ours(&row.comment, ours.owner);
        let mut present: BTreeMap<IpAddr, Vec<&LeaseRow>> = BTreeMap::new();
        for row in reading.leases.iter().filter(foreign) {
            present.entry(row.address).or_default().push(row);
        }
        // A node's own lease refuses the whole range; see `site`.
        let not_a_nodes = |row: &&LeaseRow| row.mac.is_none_or(|mac| !ours.nodes.contains(&mac));
        for (address, rows) in &present {
            let rows = rows.iter().copied().filter(not_a_nodes);
            if let Some(row) = rows.max_by_key(|row| (is_live(row), row.expires_after)) {
                let memory = LeaseMemory {
                    holder: lease_holder(row, reading),
                    expires: row.expires_after.map(|after| now + after),
                    missed: 0,
                    last_seen: now,
                    reserved: !is_live(row),
                };
                self.leases.insert(*address, memory);
            }
        }
        let own = reading
            .leases
            .iter()
            .filter(|row| is_ours(&row.comment, ours.owner));
        let own: BTreeSet<IpAddr> = own.map(|row| row.address).collect();
        self.leases.retain(|address, memory| {
            if !range.contains(*address) {
                return false; // No pool has it any more: nobody asks, and no survey will say that it is silent.
            }
            // It had no client, and became ours (`spec.adoptFrom`): nobody is left to be waited for.
            if memory.reserved && own.contains(address) && !present.contains_key(address) {
                return false;
            }
            if !present.contains_key(address) {
                memory.missed += 1;
            }
            memory.missed < MISSES
                || memory.expires.is_some_and(|expires| now < expires)
                || !ours.surveys.silent(*address, Some(memory.last_seen), now)
        });
    }

    fn read_arp(&mut self, reading: &Reading, range: &RangeSet, ours: &Ours<'_>, macs: &BTreeSet<MacAddr>) {
        let rows: Vec<(IpAddr, MacAddr)> = reading
            .arps
            .iter()
            .filter(|row| {
                row.alive
                    && !row.disabled
                    && range.contains(row.address)
                    && !is_ours(&row.comment, ours.owner)
            })
            .filter_map(|row| Some((row.address, row.mac.filter(|mac| !macs.contains(mac))?)))
            .collect();
        for (address, mac) in &rows {
            if rows.iter().filter(|(_, other)| other == mac).count() > PROXY_ARP_ADDRESSES {
                continue;
            }
            let evidence = format!("in the ARP table of {}", reading.identity);
            self.others.entry(*address).or_insert(Holder {
                name: None,
                mac: Some(*mac),
                evidence,
            });
        }
    }

    fn read_own_addresses(&mut self, reading: &Reading, range: &RangeSet) {
        let mut hold = |address: IpAddr, what: String| {
            if range.contains(address) {
                let evidence = format!("configured on {}", reading.identity);
                self.others.insert(
                    address,
                    Holder {
                        name: Some(what),
                        mac: None,
                        evidence,
                    },
                );
            }
        };
        for row in &reading.addresses {
            hold(
                row.network.network(),
                format!("the network address of {}", row.network.trunc()),
            );
            hold(
                row.network.broadcast(),
                format!("the broadcast address of {}", row.network.trunc()),
            );
            hold(row.address, format!("the router itself on {}", row.interface));
        }
        for network in &reading.networks {
            for gateway in &network.gateways {
                hold(*gateway, format!("the gateway of {}", network.network.trunc()));
            }
        }
        for fixed in &reading.uses.fixed {
            hold(fixed.address, fixed.whose.to_string());
        }
    }

    fn read_pointed(&mut self, reading: &Reading, range: &RangeSet) {
        self.pointed.clear();
        for pointed in &reading.uses.pointed {
            let ours = pointed.addresses.intersection(range);
            if !ours.is_empty() {
                let holder = Holder {
                    name: Some(pointed.role.to_string()),
                    mac: None,
                    evidence: format!("configured on {}", reading.identity),
                };
                self.pointed.push((ours, holder));
            }
        }
    }

    /// Its lease was removed for a Service. The client was told nothing and keeps the address until it renews: what the
    /// row said of its end counts no more, and only a survey that began later can say that the client is gone.
    pub fn evicted(&mut self, address: IpAddr, now: Instant) {
        if let Some(memory) = self.leases.get_mut(&address) {
            memory.expires = None;
            memory.last_seen = now;
            EVICTED.clone_into(&mut memory.holder.evidence);
        }
    }

    /// Who has this address, if anyone.
    pub fn holder(&self, address: IpAddr) -> Option<&Holder> {
        self.leases
            .get(&address)
            .map(|memory| &memory.holder)
            .or_else(|| self.others.get(&address))
    }

    /// Whether all that speaks for somebody else is a static lease that no client uses.
    pub fn is_reserved(&self, address: IpAddr) -> bool {
        let lease = self.leases.get(&address);
        lease.is_some_and(|memory| memory.reserved && memory.missed == 0)
            && !self.others.contains_key(&address)
    }

    /// As what the router points others to this address, if it does. That holds it for nobody, but nobody gets it
    /// without asking for it.
    pub fn pointed(&self, address: IpAddr) -> Option<&Holder> {
        let mut pointed = self.pointed.iter();
        pointed.find_map(|(addresses, holder)| addresses.contains(address).then_some(holder))
    }

    /// All addresses that the router points others to.
    pub fn all_pointed(&self) -> impl Iterator<Item = (&RangeSet, &Holder)> {
        self.pointed.iter().map(|(addresses, holder)| (addresses, holder))
    }

    /// All held addresses.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, &Holder)> {
        let addresses: BTreeSet<IpAddr> = self.leases.keys().chain(self.others.keys()).copied().collect();
        addresses
            .into_iter()
            .filter_map(|address| Some((address, self.holder(address)?)))
    }
}

/// Whether a comment carries exactly our marker.
pub(super) fn is_ours(comment: &str, owner: &Owner) -> bool {
    Marker::parse(comment).is_some_and(|marker| owner.owns(&marker))
}

/// Whether a client has the row's address, as far as the router tells: a row that only keeps it hides nobody who does.
fn is_live(row: &LeaseRow) -> bool {
    row.dynamic || row.bound || row.expires_after.is_some()
}

fn lease_holder(row: &LeaseRow, reading: &Reading) -> Holder {
    let kind = if row.dynamic {
        "DHCP lease"
    } else {
        "static DHCP lease"
    };
    let comment = Some(&row.comment).filter(|comment| !comment.is_empty());
    let name = row
        .host_name
        .as_ref()
        .or(comment)
        .map(|name| name.chars().take(NAME_SHOWN).collect());
    Holder {
        name,
        mac: row.mac,
        evidence: format!("{kind} on {}", reading.identity),
    }
}
