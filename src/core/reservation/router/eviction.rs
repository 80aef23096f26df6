//! Which leases of others may be removed: `spec.dhcp.evict: OnRequest`.
//!
//! A person wants one address for one Service, and a phone has it. The phone's lease row goes, so that the phone gets
//! another address when it renews. It is told nothing of that: until it is silent the address stays held, and the
//! Service waits.

use std::net::IpAddr;
use std::time::Duration;

use super::{Landscape, Router};
use crate::config::object::Evict;
use crate::model::{Instant, ObjectKey};
use crate::reservation::held::is_ours;
use crate::reservation::observed::LeaseRow;
use crate::reservation::site::Claim;
use crate::reservation::write::{Outcome, Write, client};

/// A client that comes back to its address within this time is not evicted again: it was given a lease by whom we do not
/// see, or a person wants it there.
const EVICT_EVERY: Duration = Duration::from_mins(10);

impl Router {
    /// The clients' leases that stand in a Service's way and may go, each with who asks for its address.
    pub(super) fn evictable(
        &self,
        claims: &[Claim],
        landscape: &Landscape<'_>,
        now: Instant,
    ) -> Vec<(LeaseRow, String)> {
        let allowed = self
            .object
            .spec
            .as_ref()
            .is_ok_and(|spec| spec.evict == Evict::OnRequest);
        let (Some(reading), Some(owner)) = (&self.reading, self.owner(landscape)) else {
            return Vec::new();
        };
        if !allowed || self.object.deleting {
            return Vec::new();
        }
        let uncut = self.uncut(landscape);
        let nodes = self.node_macs(landscape);
        let is_excluded = |address: IpAddr| {
            // While a pool holds it, the server would hand it out to the next who asks; and one who was offered it just
            // before the cut still has to show.
            claims.iter().any(|claim| claim.ranges.contains(address))
                && !uncut.contains(address)
                && !self.exclusion.is_given_back(address)
                && !self.exclusion.is_unsettled(address)
        };
        let was_lately = |address: &IpAddr| self.evicted.get(address).is_some_and(|last| is_late(*last, now));
        let rows = reading.leases.iter().filter(|row| {
            row.dynamic
                && !row.evidence
                && !is_ours(&row.comment, &owner)
                && row.mac.is_some_and(|mac| !nodes.contains(&mac))
                && is_excluded(row.address)
                && !was_lately(&row.address)
        });
        rows.filter_map(|row| {
            let services = landscape.requested.get(&row.address)?;
            let names: Vec<String> = services.iter().map(ObjectKey::to_string).collect();
            Some((row.clone(), format!("Service {}", names.join(", "))))
        })
        .collect()
    }

    /// A lease of somebody's was removed, or was to be: remembered, and told. What became of it the next readings show.
    pub(super) fn note_eviction(&mut self, write: &Write, outcome: &Outcome, now: Instant) {
        let Write::EvictLease { row, wanted_by } = write else {
            return;
        };
        self.evicted.retain(|_, last| is_late(*last, now));
        if *outcome == Outcome::Changed {
            return; // Nothing was sent.
        }
        self.evicted.insert(row.address, now);
        if matches!(outcome, Outcome::Applied(_) | Outcome::Unknown(_)) {
            self.held.evicted(row.address, now);
        }
        if matches!(outcome, Outcome::Applied(_)) {
            self.news.push(format!(
                "removed the dynamic DHCP lease of {} that {} had: {wanted_by} asks for that address (spec.dhcp.evict: OnRequest) and gets it when nobody answers for it any more; the device gets another address when it renews its lease or is reconnected",
                row.address,
                client(row)
            ));
        }
    }

    /// What is to be told of the router once, in words.
    pub fn take_news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }
}

/// Whether an eviction was made so lately that its address is left alone.
fn is_late(last: Instant, now: Instant) -> bool {
    now.since(last) < EVICT_EVERY
}
